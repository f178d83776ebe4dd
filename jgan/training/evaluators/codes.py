"""Evaluator of InfoGAN: images, a row for each code, and how well the categorical code tells the classes of the data.

Of the model it needs `tools["codes"]`, its `jgan.codes.Codes`, and `tools["read"]`: `(state.discriminator, images in [0, 1]) ->
[N, codes.outputs]`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots
from jgan.training.evaluators import images, sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.run import Run, keys
from jgan.types import GANState, PlayerState
from jgan.utils import xla

Reader = Callable[[PlayerState, np.ndarray], np.ndarray]

REACH = 2.0
"""the largest value of a continuous code in the picture; in training it is 1"""

LABELLED = 10_000
"""validation and test images that the code is compared with"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of an InfoGAN.

    Args:
      run: the run.

    Returns:
      That of images with another picture and, where the data have labels, the measure `code_error`.

    Raises:
      ValueError: as that of images.
    """
    base = images.evaluator(run)
    if not run.spec.n_classes or not run.config.model.categories:
        return base._replace(sheet=sheet)

    read = reader(run)

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return base.measure(run, state) | {"code_error": code_error(run, state, read)}

    def phrase(row: Mapping[str, Any]) -> str:
        return f"{base.phrase(row)}, code error {row['code_error']:.1%}"

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        entries, sentence = base.finish(run, state)
        error = code_error(run, state, read)
        return entries | {"code_error": error}, f"code error on test images: {error:.1%}; {sentence}"

    return base._replace(measure=measure, phrase=phrase, sheet=sheet, finish=finish)


def sheet(run: Run, state: GANState) -> np.ndarray:
    """A row of samples for each value of the first categorical code, then one for each continuous code from -2 to 2.

    The columns of the first rows share their other latents; a row of a continuous code has one value of everything else.

    Args:
      run: the run.
      state: the state whose (averaged) generator is sampled.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    codes, columns = run.model.tools(run.config.model, run.spec)["codes"], images.ROW
    z = run.gan.inputs(keys(run.config.seed).samples, columns).z
    values = range(min(codes.categories[0], images.MOST_CLASSES)) if codes.categories else ()
    rows = [codes.with_category(z, 0, value) for value in values] or [z]
    line = jnp.linspace(-REACH, REACH, columns)
    for index in range(codes.continuous):
        rows.append(jnp.tile(z[index % columns], (columns, 1)).at[:, codes.size - codes.continuous + index].set(line))
    inputs = run.gan.inputs(keys(run.config.seed).samples, 1)._replace(z=jnp.concatenate(rows))
    return plots.grid(sampling.draw(run.gan, state, inputs), columns=columns)


def code_error(run: Run, state: GANState, read: Reader) -> float:
    """The share of test images of another class than that which the first categorical code stands for.

    A value of the code stands for the class that most validation images with this value have.

    Args:
      run: the run; its data have labels.
      state: the state of the discriminator.
      read: the `reader` of the run.

    Returns:
      The share, from 0 to 1.
    """
    table = np.zeros((run.config.model.categories[0], run.spec.n_classes), np.int64)
    validation, test = (jax.tree.map(lambda leaf: leaf[:LABELLED], part) for part in (run.dataset.validation, run.dataset.test))
    np.add.at(table, (read(state.discriminator, validation.x), validation.y), 1)
    return float(np.mean(table.argmax(axis=1)[read(state.discriminator, test.x)] != test.y))


def reader(run: Run) -> Reader:
    """Builds the function that reads the first categorical code off images.

    Args:
      run: the run.

    Returns:
      `read(discriminator's state, images) -> [N]`, the most probable values.
    """
    tools = run.model.tools(run.config.model, run.spec)

    @xla.jit
    def read(player: PlayerState, x: jax.Array) -> jax.Array:
        return tools["codes"].split(tools["read"](player, x))[1][0].argmax(axis=1)

    return lambda player, x: images.in_blocks(lambda first, block: read(player, block), x)


EVALUATORS.register("codes", evaluator)
