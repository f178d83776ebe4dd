"""Evaluator of games of two numbers: the trajectory of the run over the vector field of its step."""

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
    """Builds the evaluator of a run of a game of two numbers.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "distance")
    return Evaluator("distance", "distance", False, measure, phrase, sheet, finish)


def _rule(run: Run) -> str:
    """The name of the update rule, if the model's options have one."""
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
    """Recomputes the trajectory of a run; this is fast for two numbers.

    Args:
      run: the run.
      length: the number of steps.

    Returns:
      `[length + 1, 2]` float32, the numbers of the generator and of the discriminator.
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
    """The measure as text."""
    return f"distance from the equilibrium {row['distance']:.3g}"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """Draws the trajectory so far over the vector field of the step.

    Args:
      run: the run.
      state: the state at the end of the trajectory.

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
    """Measures the final distance and writes the animation.

    Args:
      run: the run.
      state: the final state.

    Returns:
      The entries of `summary.json`, and a closing sentence.
    """
    found = measure(run, state)
    return found, f"{phrase(found)}; {animate(run, fps=5)}"


EVALUATORS.register("trajectory", evaluator)
