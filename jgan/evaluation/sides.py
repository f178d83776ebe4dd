"""Measures two sets of images with an extractor: results, their protocol, pictures."""

import contextlib
import dataclasses
import functools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan import plots
from jgan.evaluation.extract import cached, extract
from jgan.evaluation.measure import MEASURES, Context, Row, Sides, result_for_json
from jgan.evaluation.protocol import Protocol
from jgan.evaluation.sets import ImageSet
from jgan.features import Extracted, Extractor
from jgan.metrics import neighbours, spectrum
from jgan.metrics.blocks import Progress
from jgan.utils import checks

SHOWN = 10
"""samples in a picture of nearest real images"""


class Given(NamedTuple):
    """The sets of images to measure.

    Attributes:
      real: the real images.
      fake: the generated images; None if not generated yet.
      held_out: additional real images, or None.
    """

    real: ImageSet
    fake: ImageSet | None
    held_out: ImageSet | None = None


class Outcome(NamedTuple):
    """The outcome of one measure.

    Attributes:
      name: the name of the measure.
      raw: its result as returned by `jgan.metrics`; None if it failed.
      rows: its rows of the table.
      error: why it failed, in one line, or "".
    """

    name: str
    raw: Any
    rows: list[Row]
    error: str = ""

    @property
    def result(self) -> dict[str, Any]:
        """The result for JSON, with the caution, if there is one."""
        return result_for_json(self.raw)


class Found(NamedTuple):
    """The results.

    Attributes:
      protocol: the protocol of the results.
      results: the result of each measure, for JSON.
      rows: the table rows of each measure.
      raw: the result of each measure as returned by `jgan.metrics`.
      sides: the sets, with their features.
    """

    protocol: Protocol
    results: dict[str, Any]
    rows: dict[str, list[Row]]
    raw: dict[str, Any]
    sides: Sides


FAILURES = (ValueError, OSError, ArithmeticError, MemoryError, RuntimeError)
"""What a measure may fail by (XLA raises a `RuntimeError` if memory is short); any other exception is an error in the code."""


class Measurement:
    """Two sets to measure; features are extracted once, when a measure first needs them.

    Args:
      given: the sets.
      names: keys of `MEASURES`: those that will be measured.
      extractor: the feature network.
      options: the options of measures, by name; the default ones of those that are missing.
      seed: the seed of all random numbers.
      cache: a cache folder for the features of the real images; None for no cache.
      progress: called repeatedly as `progress(done, total)`.
      note: called with one line if the cache cannot be written.

    Raises:
      ValueError: if a measure is unknown, the sets do not match, or a measure's inputs are missing.
    """

    def __init__(
        self,
        given: Given,
        names: Sequence[str],
        extractor: Extractor,
        *,
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
        cache: Path | None = None,
        progress: Progress | None = None,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        check(given, names, extractor)
        self.given, self.names, self.extractor = given, tuple(names), extractor
        self.options = {name: (options or {}).get(name, MEASURES[name].options()) for name in names}
        self.context = Context(checks.seed(seed), progress)
        self._cached = functools.partial(cached, cache, extractor, progress=progress, note=note)
        self._features: dict[str, Extracted | Exception] = {}

    @property
    def protocol(self) -> Protocol:
        """The protocol of the results."""
        real, fake, _ = self.given
        assert fake is not None
        return Protocol(
            extractor=self.extractor.name,
            digest=self.extractor.digest,
            resizer=self.extractor.resizer,
            real=real.name,
            real_digest=real.digest,
            n_real=len(real.images),
            n_fake=len(fake.images),
            options={"seed": self.context.seed}
            | {name: found for name, options in self.options.items() if (found := dataclasses.asdict(options))},
        )

    def sides(self, needs: str) -> Sides:
        """The sets, with the features that a measure needs, by its `Measure.needs`."""
        real, fake, held_out = self.given
        assert fake is not None
        found = Sides(real, fake)
        if needs != "images":
            extracted = functools.partial(extract, self.extractor, fake.images, progress=self.context.progress)
            found = found._replace(
                real_features=self._once("real", lambda: self._cached(real)), fake_features=self._once("fake", extracted)
            )
        if needs == "held_out" and held_out is not None:
            found = found._replace(held_out=self._once("held_out", lambda: self._cached(held_out)))
        return found

    def _once(self, name: str, compute: Callable[[], Extracted]) -> Extracted:
        """The features of a set, computed once; a failure too is remembered."""
        if name not in self._features:
            try:
                self._features[name] = compute()
            except FAILURES as error:
                self._features[name] = error
        found = self._features[name]
        if isinstance(found, Exception):
            raise found
        return found

    def compute(self, name: str, label: int | None = None) -> Outcome:
        """Computes one measure; a failure is an `Outcome` with its `error`.

        Args:
          name: the name of the measure, one of `names`.
          label: the class to whose images it is restricted; None for all images.

        Returns:
          The `Outcome`.
        """
        measure = MEASURES[name]
        try:
            sides = self.sides(measure.needs)
            raw = measure.compute(sides if label is None else sides.of_class(label), self.options[name], self.context)
            rows = [row._replace(caution=getattr(raw, "caution", "")) for row in measure.rows(raw)]
            for row in rows:
                if not math.isfinite(row.value):
                    raise ValueError(f"{row.name} is {row.value}: the features are degenerate or too large")
        except FAILURES as error:
            return Outcome(name, None, [], " ".join(str(error).split()) or type(error).__name__)
        return Outcome(name, raw, rows)


def measure(given: Given, names: Sequence[str], extractor: Extractor, **options: Any) -> Found:
    """Measures generated images against real ones; `Measurement` computes one measure at a time.

    Args:
      given: the sets.
      names: keys of `MEASURES`.
      extractor: the feature network.
      **options: see `Measurement`.

    Returns:
      The `Found`.

    Raises:
      ValueError: if a measure is unknown, the sets do not match, a measure's inputs are missing, or a measure fails.

    Example:
      >>> from jgan import data, features
      >>> from jgan.evaluation import sets, sides
      >>> digits = data.load("digits")
      >>> given = sides.Given(*(sets.of_dataset(digits, split) for split in ("train", "test")))
      >>> found = sides.measure(given, ["fid", "prdc"], features.pixels())
      >>> sorted(found.results), found.protocol.extractor, found.protocol.n_fake
      (['fid', 'prdc'], 'pixels', 296)
    """
    measurement = Measurement(given, names, extractor, **options)
    outcomes = []
    for name in names:
        outcomes.append(measurement.compute(name))
        if outcomes[-1].error:
            raise ValueError(f"{name}: {outcomes[-1].error}")
    return collect(measurement, outcomes)


def collect(measurement: Measurement, outcomes: Sequence[Outcome]) -> Found:
    """The outcomes that have not failed, as one `Found`.

    Args:
      measurement: the measurement.
      outcomes: its outcomes.

    Returns:
      The `Found`.
    """
    done = [outcome for outcome in outcomes if not outcome.error]
    needs = {MEASURES[outcome.name].needs for outcome in done}
    return Found(
        measurement.protocol,
        {outcome.name: outcome.result for outcome in done},
        {outcome.name: outcome.rows for outcome in done},
        {outcome.name: outcome.raw for outcome in done},
        measurement.sides("images" if needs <= {"images"} else "features"),
    )


def check(given: Given, names: Sequence[str], extractor: Extractor) -> None:
    """Checks that the measures can be computed for the sets.

    Args:
      given: the sets.
      names: the names of the measures.
      extractor: the feature network.

    Raises:
      ValueError: names what was expected and what was found.
    """
    real, fake, held_out = given
    assert fake is not None
    for other in (fake, held_out):
        if other is not None and other.images.shape[1:] != real.images.shape[1:]:
            raise ValueError(
                f"{other.name}: expected images of {_by(real)} like those of {real.name}, found {_by(other)}; "
                "give them the same size and number of channels"
            )
    for name in names:
        needs, least = MEASURES[name].needs, MEASURES[name].least_size
        if min(real.images.shape[1:3]) < least:
            raise ValueError(f"{name} needs images of at least {least}x{least} pixels, found {_by(fake)}")
        if needs == "held_out" and held_out is None:
            raise ValueError(f"{name} compares with real images that the model has not seen: give them with --held-out")
        if needs == "logits" and extractor.name == "pixels":
            raise ValueError(f"{name} needs a classifier's logits, and pixels have none: choose another --extractor")
        if needs == "labels" and (real.labels is None or fake.labels is None):
            raise ValueError(f"{name} needs the labels of both sets, and {'fake' if fake.labels is None else 'real'} has none")


def _by(side: ImageSet) -> str:
    return "x".join(map(str, side.images.shape[1:]))


def headline(protocol: Protocol) -> str:
    """Describes a protocol in one line.

    Args:
      protocol: the protocol.

    Returns:
      The line.
    """
    weights = f" {protocol.digest[:8]}" if protocol.digest else ""
    resizer = "" if protocol.resizer == "none" else f", resized as {protocol.resizer}"
    return (
        f"{protocol.n_fake:,} generated images against {protocol.n_real:,} of {protocol.real}; "
        f"features: {protocol.extractor}{weights}{resizer}"
    )


def draw(folder: Path, found: Found) -> list[Path]:
    """Draws pictures of the results.

    Args:
      folder: the output folder, created if missing.
      found: the results.

    Returns:
      The files: `nearest_features.png` if there are features, `spectrum.png`, and one for each measure with a picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inputs, paths = found.sides, []
    if inputs.real_features is not None and inputs.fake_features is not None:
        real, fake = np.asarray(inputs.real_features.features), np.asarray(inputs.fake_features.features[:SHOWN])
        indices = np.asarray(neighbours.nearest(fake, real, k=min(5, len(real))).indices)
        paths.append(folder / "nearest_features.png")
        plots.save_png(paths[-1], plots.neighbours_sheet(inputs.fake.images[:SHOWN], inputs.real.images[indices]))
    power, generated = (spectrum.radial_power(side.images) for side in (inputs.real, inputs.fake))
    drawn = {"spectrum.png": plots.spectrum(power, {"generated": generated})}
    for name, result in found.raw.items():
        picture = MEASURES[name].picture
        if picture is not None:
            drawn[f"{name}.png"] = picture(result)
    for name, plot in drawn.items():
        paths.append(folder / name)
        plot.savefig(paths[-1])
    return paths


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on a terminal, for slow measures; silent otherwise.

    Yields:
      `progress(done, total)`.
    """
    from tqdm import tqdm

    # None: only on a terminal. Without standard error there is none, and tqdm could not ask.
    with tqdm(disable=True if sys.stderr is None else None, leave=False, dynamic_ncols=True) as bar:

        def progress(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        yield progress
