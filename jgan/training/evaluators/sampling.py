"""Samples of a run's generator for measures and pictures, with conditions from the data."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.data import kinds
from jgan.data.division import take
from jgan.data.lazy import is_lazy
from jgan.training.run import Run
from jgan.types import GAN, Batch, Field, GANState, Inputs, Key
from jgan.utils import xla

_LABEL_STREAM = 2**20
"""folded into the key of the latents to get the key of their labels"""


def classes(gan: GAN) -> int:
    """The number of classes of a model conditioned only on labels; 0 for other models."""
    field = gan.condition
    return field.size if isinstance(field, Field) and field.kind == "label" else 0


def condition_of(batch: Batch, condition: Any, index: np.ndarray) -> Any:
    """The condition of some examples: their labels, or their `c`.

    Args:
      batch: the examples, as stored.
      condition: the condition of the model, `gan.condition`.
      index: the places of the examples.

    Returns:
      A tree like `condition`, converted by kind as in training (`jgan.data.resident.cut`): images float32 in [0, 1], labels
      and tokens int32; `()` for an unconditional model.
    """
    if not jax.tree.leaves(condition):
        return ()
    given = batch.y if isinstance(condition, Field) and condition.kind == "label" else batch.c
    some = jax.tree.map(lambda leaf: leaf[:] if is_lazy(leaf) else leaf, take(given, index))
    return jax.tree.map(kinds.converted, condition, some, is_leaf=kinds.is_field)


def inputs(run: Run, key: Key, n: int) -> Inputs:
    """Inputs for `n` samples: new latents, and conditions drawn from the training set.

    Args:
      run: the run, of a single set.
      key: the key of the latents.
      n: the number of samples.

    Returns:
      The `Inputs`.
    """
    gan = run.gan
    if not jax.tree.leaves(gan.condition):
        return gan.inputs(key, n)
    train = run.dataset.train
    size = kinds.length(train)
    chosen = np.asarray(jax.random.randint(jax.random.fold_in(key, _LABEL_STREAM), (n,), 0, size))
    given = condition_of(train, gan.condition, chosen)
    return gan.inputs(key, n, jax.tree.map(jnp.asarray, given))


def class_rows(gan: GAN, key: Key, labels: Any, columns: int) -> Inputs:
    """Inputs for a picture with a row for each label.

    Args:
      gan: a model conditioned on labels.
      key: the key of the latents.
      labels: `[rows]` integers.
      columns: the number of samples per row.

    Returns:
      `rows * columns` `Inputs`, row by row.
    """
    repeated = jnp.repeat(jnp.asarray(labels, jnp.int32), columns)
    return gan.inputs(key, len(repeated), repeated)


def draw(
    gan: GAN,
    state: GANState,
    inputs: Inputs,
    *,
    ema: bool = True,
    truncation: float = 1.0,
    temperature: float = 1.0,
    block: int = 1000,
) -> np.ndarray:
    """Generates many examples in blocks, so that memory does not grow with their number.

    Args:
      gan: the model.
      state: the state whose generator is used.
      inputs: `N` inputs, as returned by `gan.inputs`.
      ema: whether to use the averaged weights, where the model keeps them.
      truncation: psi, for a model with the truncation trick: see `jgan.types.GAN.sample`.
      temperature: that of a model of tokens: see `jgan.types.GAN.sample`.
      block: the number of examples per block.

    Returns:
      `[N, ...]` float32, int32 for tokens; images are in [0, 1].

    Raises:
      ValueError: if a value is not finite.

    Example:
      >>> import jax
      >>> from jgan import DataSpec, models
      >>> from jgan.training.evaluators import sampling
      >>> config = models.MODELS["gan2014"].small(models.presets()["digits"].config)
      >>> gan = models.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> sampling.draw(gan, gan.init(key), gan.inputs(key, 6), block=4).shape
      (6, 8, 8, 1)
    """
    options: dict[str, Any] = {"ema": ema} | ({"truncation": truncation} if gan.truncates else {})
    options |= {"temperature": temperature} if gan.tempers else {}
    generate = xla.jit(gan.generate, static_argnames=tuple(options))
    n = len(jax.tree.leaves(inputs)[0])
    blocks = []
    for first in range(0, n, block):
        part = jax.tree.map(lambda leaf: leaf[first : first + block], inputs)  # noqa: B023  called at once
        blocks.append(np.asarray(generate(state, part, **options)))
    examples = np.concatenate(blocks)
    if not np.isfinite(examples).all():
        raise ValueError(f"the generator's samples are not finite at step {int(state.step)}: its training has diverged")
    return examples


def unaveraged(state: GANState) -> GANState:
    """The state without the generator's average, so that its samples use the latest weights."""
    return state._replace(generator=state.generator._replace(ema=()))
