"""Evaluators: how runs are judged and drawn, one file for each kind of model and data.

A model names its evaluator (`Model.evaluator`), or gives a function of the run that returns a name or an `Evaluator`. A file
here registers what it defines in `EVALUATORS` and is found by itself.
"""

import jax

from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.run import Run
from jgan.types import Field

__all__ = ["EVALUATORS", "Evaluator", "by_data", "of"]


def of(run: Run) -> Evaluator:
    """The evaluator of a run, made once.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if there is none of the name that the run's model gives, or an option of the run does not fit it.

    Example:
      >>> from jgan.training import evaluators
      >>> sorted(evaluators.EVALUATORS)
      ['density', 'images', 'pairs', 'points', 'trajectory']
    """
    if run.shared.evaluator is None:
        found = run.model.evaluator
        if callable(found):
            found = found(run)
        run.shared.evaluator = EVALUATORS[found](run) if isinstance(found, str) else found
    return run.shared.evaluator


def by_data(run: Run) -> str:
    """The name of the evaluator that suits a run's data, for models that name none.

    Args:
      run: the run.

    Returns:
      `"pairs"` for models conditioned on images, `"images"`, or for points `"density"` in one dimension if the density is
      known, else `"points"`.

    Raises:
      ValueError: if no evaluator suits the data.
    """
    condition = jax.tree.leaves(run.phases[-1].gan.condition, is_leaf=lambda leaf: isinstance(leaf, Field))
    if any(isinstance(field, Field) and field.kind == "image" for field in condition):
        return "pairs"
    x = run.spec.one.x
    if not isinstance(x, Field) or x.kind not in ("image", "points"):
        raise ValueError(f"expected images or points to evaluate, found {x}: give the model an evaluator of its own")
    if x.kind == "image":
        return "images"
    return "density" if x.shape == (1,) and hasattr(run.dataset.truth, "centres") else "points"
