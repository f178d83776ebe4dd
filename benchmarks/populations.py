"""Populations: the same GAN trained from many seeds in one program, for the benchmarks that count modes."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import Batch, parallel
from jgan.data import resident
from jgan.types import GAN, GANState


def train(
    gan: GAN, examples: np.ndarray | Batch, *, seeds: int, seed: int, batch_size: int, steps: int, chunk: int = 500
) -> GANState:
    """Trains a population on the same examples.

    Points are trained by `parallel.vmap`, `chunk` steps in a program; where a step has convolutions, on CPU, by
    `parallel.each`, one step in a program. A bar shows the progress on a terminal.

    Args:
      gan: the model.
      examples: `[N, ...]`, the data; a `Batch` if they have labels.
      seeds: the number of GANs.
      seed: the seed of all their keys.
      batch_size: examples in a minibatch.
      steps: generator updates.
      chunk: steps in a program.

    Returns:
      The states; every leaf has a leading axis of seeds.

    Raises:
      ValueError: if `steps` is not a multiple of `chunk`.
    """
    from tqdm import tqdm

    if steps % chunk:
        raise ValueError(f"the number of steps must be a multiple of {chunk}, found {steps}")
    keys = jax.random.split(jax.random.key(seed), seeds)
    step = resident.on_resident_data(gan.step, batch_size, gan.n_critic)
    data = examples if isinstance(examples, Batch) else Batch(examples)
    states, on_device = jax.jit(jax.vmap(gan.init))(keys), jax.tree.map(jnp.asarray, data)
    if parallel.scans_fast(step, keys[0], jax.tree.map(lambda leaf: leaf[0], states), on_device):
        advance, length = parallel.jit(parallel.vmap(parallel.scan(step, chunk))), chunk
    else:
        advance, length = parallel.jit(parallel.each(step)), 1
    for _ in tqdm(range(steps // length), unit_scale=length, unit=" steps", disable=None, leave=False):
        states, _ = advance(keys, states, on_device)
    return states


def spread(values: Any) -> dict[str, Any]:
    """The mean and the standard deviation over seeds, and each value.

    Args:
      values: `[S]`, one value for each seed.

    Returns:
      For JSON; the standard deviation is None for one seed.

    Example:
      >>> from benchmarks import populations
      >>> populations.spread([1, 3])
      {'mean': 2.0, 'std': 1.4142135623730951, 'seeds': [1.0, 3.0]}
    """
    column = np.asarray(values, np.float64)
    deviation = float(column.std(ddof=1)) if len(column) > 1 else None
    return {"mean": float(column.mean()), "std": deviation, "seeds": [round(float(value), 4) for value in column]}


def begun(path: Path, command: str, options: dict[str, Any], *, anew: bool) -> dict[str, Any]:
    """The result of an earlier run of a benchmark that goes on from it, or the beginning of a new one.

    Args:
      path: the file of the result.
      command: the command line, for the result.
      options: the options that must not differ from those of the earlier run.
      anew: begin a new result in any case.

    Returns:
      For JSON.

    Raises:
      ValueError: if the file holds a result of other options.
    """
    result = json.loads(path.read_text()) if path.exists() and not anew else {}
    if result and result["options"] != options:
        raise ValueError(f"{path} holds a measure with other options, {result['options']}: give --anew, or another --out")
    return {"command": command, "options": options} | result
