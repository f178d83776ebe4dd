"""Measures within each class of two sets with labels, on the features of the whole sets, which are extracted once."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jgan.evaluation.measure import MEASURES
from jgan.evaluation.sets import ImageSet
from jgan.evaluation.sides import Measurement, Outcome


class OfClass(NamedTuple):
    """What was measured within one class.

    Attributes:
      label: the class.
      n_real: the number of its real images.
      n_fake: the number of its generated images.
      outcomes: the outcome of each measure; none if the class has no real or no generated image.
    """

    label: int
    n_real: int
    n_fake: int
    outcomes: tuple[Outcome, ...] = ()

    @property
    def result(self) -> dict[str, Any]:
        """The class for JSON: its counts, each result by its name, and `failed`, the measures that failed, and why."""
        results = {outcome.name: outcome.result for outcome in self.outcomes if not outcome.error}
        failed = {outcome.name: outcome.error for outcome in self.outcomes if outcome.error}
        counts = {"class": self.label, "n_real": self.n_real, "n_fake": self.n_fake}
        return counts | results | ({"failed": failed} if failed else {})


def measures(names: Sequence[str]) -> list[str]:
    """Those of some measures that can be computed within a class.

    Args:
      names: the names of measures; others than those of `MEASURES` are left out.

    Returns:
      The names.

    Raises:
      ValueError: if there are none.

    Example:
      >>> from jgan.evaluation import by_class
      >>> by_class.measures(["is", "fid", "prdc"])
      ['fid', 'prdc']
    """
    found = [name for name in names if name in MEASURES and MEASURES[name].within_class]
    if not found:
        known = ", ".join(name for name, measure in MEASURES.items() if measure.within_class)
        raise ValueError(f"--per-class: expected one of {known} among --metrics, found {', '.join(names)}")
    return found


def check(**sets: ImageSet) -> None:
    """Checks that sets have labels.

    Args:
      **sets: the sets by what they are: `real`, `generated`.

    Raises:
      ValueError: names the set that has none.
    """
    for what, images in sets.items():
        if images.labels is None:
            raise ValueError(
                f"--per-class needs the labels of both sets, and the {what} images of {images.name} have none: give a folder "
                "with a folder for each class, or an .npz file with labels"
            )


def measure(measurement: Measurement, names: Sequence[str]) -> list[OfClass]:
    """Computes measures within each class that either set has.

    Args:
      measurement: the measurement of the whole sets, which have labels.
      names: those of its measures to compute.

    Returns:
      The classes, by label.

    Example:
      >>> from jgan import data, features
      >>> from jgan.evaluation import by_class, sets, sides
      >>> digits = data.load("digits")
      >>> given = sides.Given(*(sets.of_dataset(digits, split) for split in ("train", "test")))
      >>> found = by_class.measure(sides.Measurement(given, ["prdc"], features.pixels()), ["prdc"])
      >>> [(of.label, of.n_real, of.n_fake) for of in found[:2]]
      [(0, 120, 29), (1, 122, 30)]
    """
    real, fake = measurement.given.real.labels, measurement.given.fake and measurement.given.fake.labels
    assert real is not None
    assert fake is not None
    found = []
    for label in np.union1d(real, fake).tolist():
        n_real, n_fake = int(np.sum(real == label)), int(np.sum(fake == label))
        outcomes = tuple(measurement.compute(name, label) for name in names) if n_real and n_fake else ()
        found.append(OfClass(label, n_real, n_fake, outcomes))
    return found


def text(classes: Sequence[OfClass]) -> str:
    """A table with one line per class.

    Args:
      classes: the classes.

    Returns:
      The lines: the label, the numbers of images, the values. Cautions and failures stand below the table, of several classes
      only that of the one with the fewest images.

    Example:
      >>> from jgan.evaluation import by_class
      >>> from jgan.evaluation.measure import Row
      >>> from jgan.evaluation.sides import Outcome
      >>> fid = lambda value, why: Outcome("fid", None, [Row("FID", value, None, "lower", why)])
      >>> print(by_class.text([by_class.OfClass(0, 90, 80, (fid(1.5, ""),)), by_class.OfClass(1, 9, 8, (fid(7, "8, few"),))]))
         class      real      fake           FID
             0        90        80           1.5
             1         9         8           7 !
      ! FID, class 1: 8, few
    """
    rows = {of.label: {row.name: row for outcome in of.outcomes for row in outcome.rows} for of in classes}
    columns = list(dict.fromkeys(name for of in rows.values() for name in of))
    widths = [max(14, len(name) + 2) for name in columns]
    lines = [f"{'class':>8}{'real':>10}{'fake':>10}" + "".join(map(str.rjust, columns, widths))]
    for of in classes:
        held = [rows[of.label].get(name) for name in columns]
        cells = ["-" if row is None else f"{row.value:.5g}" + (" !" if row.caution else "") for row in held]
        lines.append(f"{of.label:>8}{of.n_real:>10,}{of.n_fake:>10,}" + "".join(map(str.rjust, cells, widths)))
    notes: dict[str, list[str]] = {}  # the values of one measure share a caution
    for name in columns:
        why = _worst(classes, {label: of[name].caution for label, of in rows.items() if name in of})
        notes.setdefault(why, []).append(name)
    for name in dict.fromkeys(outcome.name for of in classes for outcome in of.outcomes):
        why = _worst(classes, {of.label: outcome.error for of in classes for outcome in of.outcomes if outcome.name == name})
        notes.setdefault(why, []).append(name)
    lines += [f"! {', '.join(names)}, {why}" for why, names in notes.items() if why]
    for what, counts in ("real", [of.n_real for of in classes]), ("generated", [of.n_fake for of in classes]):
        if not all(counts):
            lines.append(f"! no {what} image: {_listed(of.label for of, n in zip(classes, counts, strict=True) if not n)}")
    return "\n".join(lines)


def _worst(classes: Sequence[OfClass], told: dict[int, str]) -> str:
    """Which classes something is said of, and what is said of the one with the fewest images; "" if nothing is."""
    found = [of for of in classes if told.get(of.label)]
    if not found:
        return ""
    least = min(found, key=lambda of: min(of.n_real, of.n_fake))
    others = f"{len(found)} of {len(classes)} classes, such as " if len(found) > 1 else ""
    return f"{others}class {least.label}: {told[least.label]}"


def _listed(labels: Iterable[int]) -> str:
    first, *others = labels
    return f"class {first}" if not others else f"classes {', '.join(map(str, [first, *others]))}"
