"""Runs of games of two numbers: their trajectory over the field of the very step that drives them."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots
from jgan.data import resident
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, animate, no_metric
from jgan.training.run import Run, keys
from jgan.types import Batch, GANState

LIMITS = (-2.0, 2.0)


def evaluator(run: Run) -> Evaluator:
    """How a run of a game of two numbers is judged and shown.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "distance")
    return Evaluator("distance", "distance", False, measure, phrase, sheet, finish, balance={})


def _rule(run: Run) -> str:
    """The name of the update rule, where the model's options have one."""
    rule = getattr(run.config.model, "rule", run.config.preset)
    return rule if isinstance(rule, str) else str(getattr(rule, "name", run.config.preset))


def _point(state: GANState) -> jax.Array:
    return jnp.stack([state.generator.params, state.discriminator.params])


def _step(run: Run) -> Any:
    """The run's step, `(state) -> state`."""
    data = jax.tree.map(jnp.asarray, Batch(run.dataset.train.x))
    step = resident.on_resident_data(run.gan.step, run.batch_size, run.gan.n_critic)
    return lambda state: step(keys(run.config.seed).steps, state, data)[0]


def path(run: Run, length: int) -> np.ndarray:
    """The course of a run, computed again: two numbers take no time.

    Args:
      run: the run.
      length: steps.

    Returns:
      `[length + 1, 2]` float32, the generator's number and the discriminator's.
    """
    step, first = _step(run), run.gan.init(keys(run.config.seed).init)

    def body(state: GANState, _: None) -> tuple[GANState, jax.Array]:
        after = step(state)
        return after, _point(after)

    points = jax.jit(lambda state: jax.lax.scan(body, state, None, length=run.config.steps)[1])(first)
    return np.concatenate([np.asarray(_point(first))[None], np.asarray(points)])[: length + 1]


def measure(run: Run, state: GANState) -> dict[str, float]:
    """The distance from the equilibrium, (0, 0).

    Args:
      run: the run.
      state: the state.

    Returns:
      `distance`.
    """
    del run
    return {"distance": math.hypot(state.generator.params, state.discriminator.params)}


def phrase(row: Mapping[str, float]) -> str:
    """The measure in words."""
    return f"distance from the equilibrium {row['distance']:.3g}"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """The trajectory so far, over the directions that a step takes from everywhere.

    Args:
      run: the run.
      state: the state up to which to draw.

    Returns:
      The picture, uint8 `[height, width, 3]`.
    """
    step, first = _step(run), run.gan.init(keys(run.config.seed).init)

    def field(points: np.ndarray) -> np.ndarray:
        there = jnp.asarray(points, jnp.float32)
        return np.asarray(
            jax.jit(jax.vmap(lambda point: _point(step(first.with_params(point[1], point[0]))) - point))(there), np.float64
        )

    names = ("generator", "discriminator")
    course = {_rule(run): path(run, int(state.step))}
    return plots.trajectory_sheet(course, field, limits=LIMITS, names=names, title=f"step {int(state.step):,}")


def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
    """The final distance, and the animation.

    Args:
      run: the run.
      state: its final state.

    Returns:
      For `summary.json`, and a closing sentence.
    """
    found = measure(run, state)
    return found, f"{phrase(found)}; {animate(run, fps=5)}"


EVALUATORS.register("trajectory", evaluator)
