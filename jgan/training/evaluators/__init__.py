"""Evaluators, which measure runs and draw their pictures: one file for each kind of model and data.

A model names its evaluator (`Model.evaluator`), says `"by_data"` for the one that fits the data, or gives a function of the run
that returns a name or an `Evaluator`. A file here registers its evaluator in `EVALUATORS` and is imported automatically.
"""

import jax

from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.run import Run
from jgan.types import Field

__all__ = ["EVALUATORS", "Evaluator", "by_data", "of"]


def of(run: Run) -> Evaluator:
    """The evaluator of a run, built once.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if the run's model names an unknown evaluator, or an option of the run does not fit the evaluator.

    Example:
      >>> from jgan.training import evaluators
      >>> sorted(evaluators.EVALUATORS)[:6]
      ['bounds', 'classifier', 'codes', 'denoising', 'density', 'images']
    """
    if run.shared.evaluator is None:
        found = run.model.evaluator
        if found == "by_data":
            found = by_data(run)
        if callable(found):
            found = found(run)
        run.shared.evaluator = EVALUATORS[found](run) if isinstance(found, str) else found
    return run.shared.evaluator


def by_data(run: Run) -> str:
    """The name of the evaluator for a run's data, for models that do not name one.

    Args:
      run: the run.

    Returns:
      `"pairs"` for models conditioned on images, `"images"` for other image models, `"density"` for one-dimensional points of
      known density, `"points"` for other points, `"text"` for sequences of tokens.

    Raises:
      ValueError: if there is no evaluator for the data.
    """
    condition = jax.tree.leaves(run.phases[-1].gan.condition, is_leaf=lambda leaf: isinstance(leaf, Field))
    if any(isinstance(field, Field) and field.kind == "image" for field in condition):
        return "pairs"
    x = run.spec.one.x
    if isinstance(x, Field) and x.kind == "tokens":
        return "text"
    if not isinstance(x, Field) or x.kind not in ("image", "points"):
        raise ValueError(f"expected images, points or tokens to evaluate, found {x}: set Model.evaluator")
    if x.kind == "image":
        return "images"
    return "density" if x.shape == (1,) and hasattr(run.dataset.truth, "centres") else "points"
