"""Evaluator of image-to-image models: rows of sources, outputs and known targets, and the distance from the targets.

Paired data hold the target of each source. For unpaired sets the true translation may be known (`dataset.truth`, a function of
the source, or one for some of the directions); otherwise the outputs are compared with the target domain as a set.

Of models that translate in both directions also the cycle error is measured, the distance of sources from their translations
there and back, and at the end whether the way back depends on hidden signals: see `jgan.metrics.hiding`.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan import plots
from jgan.evaluation import paired
from jgan.evaluation.criteria import unit
from jgan.metrics import hiding, kernel
from jgan.training.evaluators import sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import Field, GANState

SHOWN = 12
"""number of columns in a picture"""

COMPARED = 500
"""number of validation images per measure and direction"""

JPEG_QUALITY = 95
"""that of the compressed translations in the test for hidden signals"""

_TITLES = {"error": "mean absolute error", "kid": "KID (pixels)", "cycle": "cycle error", "hiding": "hiding ratio"}


class Pairs(NamedTuple):
    """Images to translate in one direction.

    Attributes:
      condition: the generator's condition, a tree of `[n, ...]` arrays.
      source: `[n, height, width, channels]` float32 in [0, 1], the images shown as the source.
      truth: `[n, ...]` the true targets, or None if unknown.
      target: `[m, ...]` images of the target domain.
      back: the direction that leads back, "" if the model has none.
    """

    condition: Any
    source: np.ndarray
    truth: np.ndarray | None
    target: np.ndarray
    back: str = ""


class Translations(NamedTuple):
    """What a model makes of the images of one direction.

    Attributes:
      outputs: `[n, height, width, channels]` float32 in [0, 1], the translations.
      returned: `[n, ...]` their translations back, or None if there is no way back.
    """

    outputs: np.ndarray
    returned: np.ndarray | None


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
            function = dataset.truth.get(direction) if isinstance(dataset.truth, dict) else dataset.truth
            truth = np.asarray(function(source)) if callable(function) else None
            back = pair[1] + pair[0]
            found[direction] = Pairs({direction: source}, source, truth, target, back if back in condition else "")
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
            pairs = source(run, "validation", COMPARED)
            return errors(pairs, translations(run, state, pairs), known=known)

        def drawn(run: Run, state: GANState) -> np.ndarray:
            pairs = source(run, "validation", SHOWN)
            return sheet(pairs, translations(run, state, pairs, back=False))

        def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
            pairs = source(run, "test", COMPARED)
            made = translations(run, state, pairs)
            found = errors(pairs, made, known=known)
            hidden, cautions = signals(run, state, pairs, made)
            found |= hidden
            plots.save_png(run.workdir / "translations.png", sheet(pairs, made, 2 * SHOWN))
            said = "".join(f"; {direction}: {caution}" for direction, caution in cautions.items())
            return {"translation": found}, f"on test images: {phrase(found)}{said}"

        return Evaluator("translation", "error" if known else "kid", False, measure, phrase, drawn, finish, draws=False)

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


def translations(run: Run, state: GANState, pairs: Mapping[str, Pairs], *, back: bool = True) -> dict[str, Translations]:
    """Translates images, and their translations back.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      pairs: the images.
      back: whether the way back is asked for.

    Returns:
      The `Translations` by direction.
    """
    found = {}
    for direction, each in pairs.items():
        outputs = translate(run, state, each.condition)
        returned = translate(run, state, {each.back: outputs}) if back and each.back else None
        found[direction] = Translations(outputs, returned)
    return found


def errors(pairs: Mapping[str, Pairs], made: Mapping[str, Translations], *, known: bool) -> dict[str, float]:
    """Measures the distance between outputs and targets.

    Args:
      pairs: the images.
      made: their translations.
      known: whether the true targets are known.

    Returns:
      `error`, the mean absolute error in units of [0, 1], if the targets are known in all directions; otherwise `kid`, the
      kernel distance of the pixels from the target domain, and `error_DIRECTION` where the targets are known. `cycle`, the mean
      absolute difference between sources and their translations there and back, if there is a way back. For several directions,
      the value of each and their mean.
    """
    error, kid, cycle = {}, {}, {}
    for direction, (_, source, truth, target, _) in pairs.items():
        fake, returned = made[direction]
        if truth is not None:
            error[direction] = _distance(fake, truth)
        if not known:
            real, flat = target.reshape(len(target), -1), fake.reshape(len(fake), -1)
            kid[direction] = float(kernel.kid(real, flat, subset_size=min(len(real), len(flat), 500), seed=0).mean)
        if returned is not None:
            cycle[direction] = _distance(returned, source)
    several = len(pairs) > 1
    found = _row("error", error, several) if known else _row("kid", kid, several) | _each("error", error)
    return found | (_row("cycle", cycle, several) if cycle else {})


def signals(
    run: Run, state: GANState, pairs: Mapping[str, Pairs], made: Mapping[str, Translations]
) -> tuple[dict[str, float], dict[str, str]]:
    """Tests the translations that can be led back for hidden signals.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      pairs: the images.
      made: their translations.

    Returns:
      `(values, cautions)`: for each direction with a way back `hiding_DIRECTION`, the ratio of cycle errors with noise and
      without, `noisy_cycle_DIRECTION`, and `jpeg_cycle_DIRECTION` after rounding to 8 bits and JPEG; and the cautions by
      direction.
    """
    values, cautions = {}, {}
    for direction, (outputs, returned) in made.items():
        if returned is None:
            continue
        there = lambda images, back=pairs[direction].back: translate(run, state, {back: images})  # noqa: E731
        found = hiding.hiding(pairs[direction].source, outputs, there, compress=jpeg, returned=returned)
        values[f"hiding_{direction}"] = found.ratio
        values[f"noisy_cycle_{direction}"] = found.noisy
        values[f"jpeg_cycle_{direction}"] = found.rounded
        if found.caution:
            cautions[direction] = found.caution
    return values, cautions


def true_pairs(run: Run, state: GANState, part: str, n: int) -> dict[str, Iterator[paired.Pair]]:
    """The translations of a run's data and their truths, rounded to 8 bits, as in image files.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      part: the part of the data.
      n: the maximum number of pairs.

    Returns:
      The pairs by direction, of those directions whose truth is known.

    Raises:
      ValueError: if none is known.
    """
    known = {direction: each for direction, each in of_data(run, part, n).items() if each.truth is not None}
    if not known:
        raise ValueError(f"--pairs: the true translations of {run.config.dataset} are not known: leave it out")

    def of(direction: str, each: Pairs) -> Iterator[paired.Pair]:
        outputs = plots.to_uint8(translate(run, state, each.condition))
        for index, (output, truth) in enumerate(zip(outputs, plots.to_uint8(each.truth), strict=True)):
            yield paired.pair(f"{run.config.dataset}, {part}, {direction or 'image'} {index}", output, truth)

    return {direction: of(direction, each) for direction, each in known.items()}


def jpeg(images: np.ndarray) -> np.ndarray:
    """Compresses images and reads them again.

    Args:
      images: `[N, height, width, 1 or 3]` uint8.

    Returns:
      The same shape and dtype.

    Example:
      >>> import numpy as np
      >>> from jgan.training.evaluators import pairs
      >>> pairs.jpeg(np.full((1, 8, 8, 1), 128, np.uint8)).ravel()[:3].tolist()
      [128, 128, 128]
    """
    from PIL import Image

    def one(image: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, "JPEG", quality=JPEG_QUALITY)
        return np.asarray(Image.open(file)).reshape(image.shape)

    return np.stack([one(image) for image in images])


def _distance(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.abs(x - np.asarray(y)).mean(dtype=np.float64))


def _each(name: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}_{direction}": value for direction, value in values.items()}


def _row(name: str, values: Mapping[str, float], several: bool) -> dict[str, float]:
    """The mean of the directions and, if there are several, each."""
    return {name: sum(values.values()) / len(values), **(_each(name, values) if several else {})}


def phrase(row: Mapping[str, float]) -> str:
    """The measures as text."""
    parts = []
    for name, title in _TITLES.items():
        each = [f"{key.removeprefix(name + '_')} {row[key]:.4g}" for key in sorted(row) if key.startswith(f"{name}_")]
        listed = f" ({', '.join(each)})" if each else ""
        if name in row:
            parts.append(f"{title} {row[name]:.4g}{listed}")
        elif each:
            parts.append(f"{title}{listed}")
    return ", ".join(parts)


def sheet(pairs: Mapping[str, Pairs], made: Mapping[str, Translations], n: int = SHOWN) -> np.ndarray:
    """Draws a row of sources, one of outputs and, if known, one of true targets, for each direction.

    Args:
      pairs: the images.
      made: their translations.
      n: the number of images shown, in rows of `SHOWN`.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    blocks = []
    for direction, (_, source, truth, *_) in pairs.items():
        shown = [source, made[direction].outputs, *([] if truth is None else [truth])]
        blocks.append(plots.comparison(*(images[:n] for images in shown), columns=SHOWN))
    width, channels = (max(block.shape[axis] for block in blocks) for axis in (1, 2))
    coloured = [np.broadcast_to(block, (*block.shape[:2], channels)) for block in blocks]
    return np.concatenate([np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0))) for block in coloured])


EVALUATORS.register("pairs", make())
