"""Evaluator of image-to-image models: rows of sources, outputs and known targets, and the distance from the targets.

Paired data hold the target of each source. For unpaired sets the true translation may be known (`dataset.truth`, a function of
the source); otherwise the outputs are compared with the target domain as a set.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan import plots
from jgan.evaluation.criteria import unit
from jgan.metrics import kernel
from jgan.training.evaluators import sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import Field, GANState

SHOWN = 12
"""number of columns in a picture"""

COMPARED = 500
"""number of validation images per measure and direction"""


class Pairs(NamedTuple):
    """Images to translate in one direction.

    Attributes:
      condition: the generator's condition, a tree of `[n, ...]` arrays.
      source: `[n, height, width, channels]` float32 in [0, 1], the images shown as the source.
      truth: `[n, ...]` the true targets, or None if unknown.
      target: `[m, ...]` images of the target domain.
    """

    condition: Any
    source: np.ndarray
    truth: np.ndarray | None
    target: np.ndarray


Source = Callable[[Run, str, int], dict[str, Pairs]]
"""`source(run, part, n) -> {direction: pairs}`, with `part` "train", "validation" or "test"."""


def of_data(run: Run, part: str, n: int) -> dict[str, Pairs]:
    """Selects the pairs of a data set according to the model's condition.

    Args:
      run: the run; its model is conditioned on images (`c` of a single set) or on a dict of directions such as `"ab"`, from the
        set "a" to the set "b".
      part: the part of the data.
      n: the maximum number of pairs.

    Returns:
      The pairs by direction; a single set has the direction "".

    Raises:
      ValueError: if the condition has another form.
    """
    dataset, condition = run.dataset, run.gan.condition
    batches = getattr(dataset, part)
    if isinstance(condition, Field):
        x, c = unit(batches.x[:n]), unit(batches.c[:n])
        return {"": Pairs(c, c, x, x)}
    found = {}
    for direction in condition if isinstance(condition, dict) else ():
        pair = next(((a, b) for a in batches for b in batches if a + b == direction), None)
        if pair is not None:
            source, target = (unit(batches[name].x[:n]) for name in pair)
            truth = np.asarray(dataset.truth(source)) if callable(dataset.truth) else None
            found[direction] = Pairs({direction: source}, source, truth, target)
    if not found:
        raise ValueError(
            "expected a model conditioned on one image, or on directions named after two sets of the data, found "
            f"{condition}: give the model an evaluator, pairs.make(source)"
        )
    return found


def make(source: Source = of_data) -> Callable[[Run], Evaluator]:
    """Builds an evaluator of translations.

    Args:
      source: selects the images to translate.

    Returns:
      `evaluator(run)`, for a model's `evaluator`.

    Example:
      >>> from jgan.training.evaluators import pairs
      >>> evaluator = pairs.make()
    """

    def evaluator(run: Run) -> Evaluator:
        no_metric(run, "translation")
        known = all(pairs.truth is not None for pairs in source(run, "validation", 1).values())

        def measure(run: Run, state: GANState) -> dict[str, float]:
            return errors(run, state, source(run, "validation", COMPARED), known=known)

        def drawn(run: Run, state: GANState) -> np.ndarray:
            return sheet(run, state, source(run, "validation", SHOWN))

        def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
            found = errors(run, state, source(run, "test", COMPARED), known=known)
            plots.save_png(run.workdir / "translations.png", sheet(run, state, source(run, "test", 2 * SHOWN)))
            return {"translation": found}, f"on test images: {phrase(found)}"

        return Evaluator("translation", "error" if known else "kid", False, measure, phrase, drawn, finish, balance={})

    return evaluator


def translate(run: Run, state: GANState, condition: Any) -> np.ndarray:
    """The generator's outputs for given conditions, with the run's fixed latents if it has latents.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      condition: a tree of `[n, ...]` arrays.

    Returns:
      `[n, height, width, channels]` float32 in [0, 1].
    """
    n = len(jax.tree.leaves(condition)[0])
    return sampling.draw(run.gan, state, run.gan.inputs(keys(run.config.seed).evaluation, n, condition), block=100)


def errors(run: Run, state: GANState, pairs: Mapping[str, Pairs], *, known: bool) -> dict[str, float]:
    """Measures the distance between outputs and targets.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      pairs: the pairs.
      known: whether the true targets are known.

    Returns:
      `error`, the mean absolute error in units of [0, 1], if the targets are known; otherwise `kid`, the kernel distance of the
      pixels from the target domain. For several directions, the value of each and their mean.
    """
    found = {}
    for direction, (condition, _, truth, target) in pairs.items():
        outputs = translate(run, state, condition)
        if known:
            found[direction] = float(np.abs(outputs - np.asarray(truth)).mean(dtype=np.float64))
        else:
            real, fake = target.reshape(len(target), -1), outputs.reshape(len(outputs), -1)
            found[direction] = float(kernel.kid(real, fake, subset_size=min(len(real), len(fake), 500), seed=0).mean)
    name = "error" if known else "kid"
    each = {f"{name}_{direction}": value for direction, value in found.items()} if len(found) > 1 else {}
    return {name: sum(found.values()) / len(found), **each}


def phrase(row: Mapping[str, float]) -> str:
    """The measure as text."""
    name = "error" if "error" in row else "kid"
    title = "mean absolute error" if name == "error" else "KID (pixels)"
    each = [f"{key.removeprefix(name + '_')} {row[key]:.4g}" for key in sorted(row) if key.startswith(f"{name}_")]
    return f"{title} {row[name]:.4g}" + (f" ({', '.join(each)})" if each else "")


def sheet(run: Run, state: GANState, pairs: Mapping[str, Pairs]) -> np.ndarray:
    """Draws a row of sources, one of outputs and, if known, one of true targets, for each direction.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is sampled.
      pairs: the pairs.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    blocks = []
    for condition, source, truth, _ in pairs.values():
        shown = [source, translate(run, state, condition), *([] if truth is None else [truth])]
        blocks.append(rows(*shown))
    width = max(block.shape[1] for block in blocks)
    padded = [np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0))) for block in blocks]
    return np.concatenate(padded)


def rows(*images: np.ndarray) -> np.ndarray:
    """Draws one row per set of images and one column per example; grey and coloured sets may be mixed.

    Args:
      *images: each `[n, height, width, 1 or 3]` float in [0, 1], all of the same height and width.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    channels = max(part.shape[-1] for part in images)
    coloured = [np.broadcast_to(part, (*part.shape[:-1], channels)) for part in images]
    return plots.grid(np.concatenate(coloured), columns=len(images[0]))


EVALUATORS.register("pairs", make())
