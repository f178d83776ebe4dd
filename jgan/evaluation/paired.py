"""Images measured against their truths, pair by pair: `python -m jgan.evaluate --pairs`.

A measure has a file in `jgan.evaluation.paired_measures`, which registers it in `PAIRED`.
"""

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import image_files
from jgan.evaluation import named
from jgan.evaluation.measure import NoOptions, Row, result_for_json
from jgan.utils import text
from jgan.utils.registry import Registry, import_all


class Pair(NamedTuple):
    """An image and what it should be: a name for messages, and pixels, uint8 `[height, width, 1 or 3]` of one shape."""

    name: str
    output: np.ndarray
    truth: np.ndarray


class PairMeasure(NamedTuple):
    """A measure of images against their truths.

    Attributes:
      one: `one(output, truth, options) -> numbers` of one pair, float64 `[height, width, channels]` in [0, 1].
      total: `total([N, numbers]) -> result` of all pairs, a `NamedTuple`. A field `caution` of the result says why a value says
        little.
      rows: `rows(result) -> lines of the table`.
      about: one line for the help text.
      options: the type of its options, a frozen dataclass: see `jgan.evaluation.measure.Measure`.
      usual: whether it is measured if no measures are asked for.
    """

    one: Callable[[np.ndarray, np.ndarray, Any], Sequence[float]]
    total: Callable[[np.ndarray], Any]
    rows: Callable[[Any], list[Row]]
    about: str
    options: type = NoOptions
    usual: bool = True


PAIRED: Registry[PairMeasure] = Registry(
    "metric of pairs",
    lambda: import_all("jgan.evaluation.paired_measures", importlib.import_module("jgan.evaluation.paired_measures").__path__),
)
"""All measures of pairs, by their names in `--metrics`."""


def usual() -> tuple[str, ...]:
    """The names of the measures if no others are asked for.

    Returns:
      The names, sorted.

    Example:
      >>> from jgan.evaluation import paired
      >>> paired.usual()
      ('mae', 'psnr', 'ssim')
    """
    return tuple(sorted(name for name, measure in PAIRED.items() if measure.usual))


class Mean(NamedTuple):
    """The mean over pairs, its standard error (NaN for one pair), the least and the greatest value, and why they say little."""

    mean: float
    standard_error: float
    least: float
    greatest: float
    caution: str = ""


def mean(values: np.ndarray) -> Mean:
    """The result of a measure that has one number for each pair.

    Args:
      values: `[N, 1]`.

    Returns:
      The `Mean`.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import paired
      >>> paired.mean(np.array([[1.0], [3.0]]))
      Mean(mean=2.0, standard_error=1.0, least=1.0, greatest=3.0, caution='')
    """
    one = values[:, 0]
    finite = len(one) > 1 and np.isfinite(one).all()
    error = float(one.std(ddof=1) / np.sqrt(len(one))) if finite else float("nan")
    return Mean(float(one.mean()), error, float(one.min()), float(one.max()))


def rows_of_mean(name: str, better: str) -> Callable[[Mean], list[Row]]:
    """The line of the table of a `Mean`.

    Args:
      name: the name of the value.
      better: as in `jgan.evaluation.measure.Row`.

    Returns:
      `rows(result)`.
    """

    def rows(found: Mean) -> list[Row]:
        return [Row(name, found.mean, None if np.isnan(found.standard_error) else found.standard_error, better, found.caution)]

    return rows


class Measured(NamedTuple):
    """The measures of some pairs.

    Attributes:
      protocol: what the values depend on besides the outputs.
      results: the result of each measure, for JSON.
      rows: its lines of the table.
      failed: why other measures could not be computed.
    """

    protocol: dict[str, Any]
    results: dict[str, dict[str, Any]]
    rows: dict[str, list[Row]]
    failed: dict[str, str]


def measure(pairs: Iterable[Pair], names: Sequence[str], options: Mapping[str, Any]) -> Measured:
    """Measures pairs, one at a time, so that memory does not grow with their number.

    Args:
      pairs: the pairs, at least one.
      names: the measures.
      options: the options of those measures that have any.

    Returns:
      The `Measured`.

    Raises:
      ValueError: if a pair cannot be read.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import paired
      >>> black, grey = np.zeros((8, 8, 1), np.uint8), np.full((8, 8, 1), 51, np.uint8)
      >>> round(paired.measure([paired.Pair("a", grey, black)], ["mae"], {}).results["mae"]["mean"], 6)
      0.2
    """
    chosen = {name: options.get(name, PAIRED[name].options()) for name in names}
    values: dict[str, list[Sequence[float]]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    digest, number = hashlib.sha256(), 0
    for pair in pairs:
        output, truth = pair.output / 255, pair.truth / 255
        digest.update(str(truth.shape).encode() + np.ascontiguousarray(pair.truth).tobytes())
        number += 1
        for name in list(values):
            try:
                values[name].append(PAIRED[name].one(output, truth, chosen[name]))
            except ValueError as error:
                failed[name] = f"{pair.name}: {error}"
                del values[name]
    results = {name: PAIRED[name].total(np.asarray(found, np.float64)) for name, found in values.items()}
    rows = {name: PAIRED[name].rows(result) for name, result in results.items()}
    used = {name: vars(chosen[name]) for name in results if vars(chosen[name])}
    protocol = {"paired": True, "n": number, "truth_digest": digest.hexdigest(), "options": used}
    return Measured(protocol, {name: result_for_json(result) for name, result in results.items()}, rows, failed)


# ---------------------------------------------------------------------------------------------------------------- pairs


def pair(name: str, output: np.ndarray, truth: np.ndarray) -> Pair:
    """Two images as a pair: if one of them is grey and the other RGB, the grey one in RGB.

    Args:
      name: their name in messages.
      output: uint8 `[height, width, 1 or 3]`.
      truth: the same.

    Returns:
      The `Pair`.

    Raises:
      ValueError: if the sizes differ.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import paired
      >>> paired.pair("a.png", np.zeros((4, 6, 1), np.uint8), np.zeros((8, 6, 1), np.uint8))
      Traceback (most recent call last):
      ValueError: a.png: expected 8x6 pixels (height x width) as its truth has, found 4x6: resize one of them
    """
    if output.shape[:2] != truth.shape[:2]:
        expected, found = (f"{image.shape[0]}x{image.shape[1]}" for image in (truth, output))
        raise ValueError(
            f"{name}: expected {expected} pixels (height x width) as its truth has, found {found}: resize one of them"
        )
    channels = max(output.shape[2], truth.shape[2])
    return Pair(name, *(np.broadcast_to(image, (*image.shape[:2], channels)) for image in (output, truth)))


def of_files(outputs: Path, truths: Path) -> Iterator[Pair]:
    """The pairs of two folders, by the names of the files without their suffixes; of arrays and archives, by their order.

    Args:
      outputs: a picture, a folder, an archive of one or an `.npz` file.
      truths: another.

    Yields:
      The pairs, in the order of the truths.

    Raises:
      FileNotFoundError: if there is nothing at a path.
      ValueError: if an image has no counterpart, sizes differ, or a file cannot be read; the message names it.
    """
    alone = named.is_picture(outputs) and named.is_picture(truths)
    if not alone and named.has_names(outputs) and named.has_names(truths):
        yield from _by_name(outputs, truths)
        return
    given, true = named.read(outputs), named.read(truths)
    number = 0
    for number, truth in enumerate(true, 1):
        output = next(given, None)
        if output is None:
            raise _unequal(outputs, number - 1, truths, number + sum(1 for _ in true))
        yield pair(output.where, output.pixels, truth.pixels)
    if more := sum(1 for _ in given):
        raise _unequal(outputs, number + more, truths, number)


def _unequal(outputs: Path, found: int, truths: Path, expected: int) -> ValueError:
    return ValueError(f"{outputs}: expected {expected:,} images, as many as in {truths}, found {found:,}")


def _by_name(outputs: Path, truths: Path) -> Iterator[Pair]:
    names, found = (named.files(path) for path in (truths, outputs))
    for one, other, of in ((names, found, outputs), (found, names, truths)):
        missing = [name for name in one if name not in other]
        if missing:
            other_folder = truths if of == outputs else outputs
            raise ValueError(
                f"{of}: expected an image for each of {other_folder}, found none of the name {text.listed(missing, 3)}"
            )
    for name, file in names.items():
        yield pair(str(found[name]), image_files.read_image(found[name]), image_files.read_image(file))
