"""Evaluator of semi-supervised models: the errors of the discriminator as a classifier, and a grid of samples.

Of the model it needs `tools["classify"]`: `(state.discriminator, images in [0, 1]) -> [N, K]` logits.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots
from jgan.training.evaluators import images, sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import Batch, GANState
from jgan.utils import xla

BLOCK = 1_000
"""images classified at once"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of a semi-supervised run.

    Args:
      run: the run.

    Returns:
      The `Evaluator`; the best checkpoint has the fewest errors on the validation images.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "errors")
    classify = xla.jit(run.model.tools(run.config.model, run.spec)["classify"])

    def errors(state: GANState, part: Batch) -> int:
        return wrong(lambda x: classify(state.discriminator, x), part)

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        part = run.dataset.validation["labelled"]
        return {"validation_error": errors(state, part) / len(part.x)}

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        part = run.dataset.test["labelled"]
        count, labels = errors(state, part), len(run.dataset.train["labelled"].x)
        entries = {"test_errors": count, "test_images": len(part.x), "labels": labels}
        return entries, f"{count:,} errors on {len(part.x):,} test images ({count / len(part.x):.2%}), with {labels:,} labels"

    return Evaluator("errors", "validation_error", False, measure, phrase, sheet, finish)


def wrong(classify: Callable[[jax.Array], jax.Array], part: Batch) -> int:
    """The number of images that are classified wrongly.

    Args:
      classify: `classify(images in [0, 1]) -> [N, K]` logits.
      part: uint8 or float images with labels.

    Returns:
      The number.

    Example:
      >>> import jax.numpy as jnp, numpy as np
      >>> from jgan import Batch
      >>> from jgan.training.evaluators import classifier
      >>> images = np.array([0, 255, 255], np.uint8).reshape(3, 1, 1, 1)
      >>> by_brightness = lambda x: jnp.concatenate([1 - x[:, 0, 0], x[:, 0, 0]], axis=1)
      >>> classifier.wrong(by_brightness, Batch(images, np.array([0, 1, 0])))
      1
    """
    found = images.in_blocks(lambda first, block: classify(jnp.asarray(block)), part.x)
    return int(np.sum(found.argmax(axis=1) != part.y))


def phrase(row: Mapping[str, float]) -> str:
    """The measure as text."""
    return f"{row['validation_error']:.2%} errors on validation images"


def sheet(run: Run, state: GANState) -> np.ndarray:
    """A grid of samples from the run's fixed latents.

    Args:
      run: the run.
      state: the state whose (averaged) generator is sampled.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    return plots.grid(sampling.draw(run.gan, state, run.gan.inputs(keys(run.config.seed).samples, images.GRID)))


EVALUATORS.register("classifier", evaluator)
