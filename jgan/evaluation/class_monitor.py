"""The collapse monitor within each class, for models conditioned on labels.

A class that collapses alone, to one image or to the images of another class, hardly changes the statistics of the whole set.
Spread and coverage (see `jgan.evaluation.monitor`) are therefore also measured among the images of each class.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from jgan.evaluation.monitor import FIRST_STEP, SAMPLES, K
from jgan.metrics import prdc
from jgan.utils.shapes import AnyArray

MOST = 200
"""images of a class that are looked at, on each side; fewer if there are many classes, so that all of them are `TOTAL`"""

TOTAL = 5 * SAMPLES

LEAST = 20
"""images of a class, on each side, from which it is measured: with fewer, the balls of coverage span the class"""

SPREAD, LEARNT, FALLEN = 0.25, 0.5, 0.2
"""A warning: the spread of a class is below `SPREAD`, or its coverage, once at least `LEARNT`, is below `FALLEN` of its best.

Measured on the 8x8 digits (2,000 samples, some 120 images of a class), from step 500 on, in three runs of `cgan` of 3,000 steps
and two of `cdcgan` of 900 and 1,200: the smallest spread of a class was 0.64, and a class that had reached a coverage of 0.5
never fell below 0.9 of its best. Below that, a run is still learning its classes: one fell from 0.34 to 0.05. A class of one
image, or of another class's images, has a coverage of some 0.01.
"""

SHOWN = 3
"""classes that a warning tells of, with how many more there are"""


class Signs(NamedTuple):
    """One measurement of one class.

    Attributes:
      spread: at least 0; 1 if its samples vary as much as its images.
      coverage: from 0 to 1.
    """

    spread: float
    coverage: float


def make(training: Float[AnyArray, " n *shape"], labels: Int[AnyArray, " n"]) -> dict[int, Float32[np.ndarray, "m d"]]:
    """Prepares the monitor.

    Args:
      training: `[N, ...]` float, training examples or their features; further axes are flattened.
      labels: `[N]`, their classes.

    Returns:
      The first examples of each class that has at least `LEAST`, `[M, d]`, by class.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import class_monitor
      >>> data = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
      >>> labels = np.arange(400) % 2
      >>> real = class_monitor.make(data[:200], labels[:200])
      >>> samples = np.where(labels[200:, None] == 1, data[:1], data[200:])
      >>> class_monitor.warning(class_monitor.look(real, samples, labels[200:]), [])
      'collapse? class 1: the samples vary 0.00 times as much as its images'
    """
    return {label: examples for label, examples in _by_class(training, labels).items() if len(examples) >= LEAST}


def look(
    real: Mapping[int, Float32[np.ndarray, "m d"]], samples: Float[AnyArray, " n *shape"], labels: Int[AnyArray, " n"]
) -> dict[int, Signs]:
    """Measures samples of the generator within each class.

    Args:
      real: the examples of each class, from `make`.
      samples: `[N, ...]` float, of the same kind as the training examples.
      labels: `[N]`, the classes that they were generated from.

    Returns:
      The `Signs` by class, of the classes with at least `LEAST` samples.
    """
    found = {}
    for label, fake in _by_class(samples, labels).items():
        if label in real and len(fake) >= LEAST:
            variance, varied = (np.var(side, axis=0, dtype=np.float64).sum() for side in (real[label], fake))
            spread = float(np.sqrt(varied / variance)) if variance else 1.0
            found[label] = Signs(spread, prdc.prdc(real[label], fake, k=K).coverage)
    return found


def _by_class(examples: AnyArray, labels: AnyArray) -> dict[int, np.ndarray]:
    """The first examples of each class, flat, float32."""
    labels = np.asarray(labels)
    known = np.unique(labels).tolist()
    most = max(LEAST, min(MOST, TOTAL // max(1, len(known))))
    members = {label: np.flatnonzero(labels == label)[:most] for label in known}
    return {
        label: np.asarray(examples)[chosen].reshape(len(chosen), -1).astype(np.float32) for label, chosen in members.items()
    }


def row(signs: Mapping[int, Signs]) -> dict[str, float | list[float | None]]:
    """The measurement for a line of the journal.

    Args:
      signs: the measurement.

    Returns:
      `worst_class`, the class of the lowest coverage, its `worst_class_coverage` and `worst_class_spread`, and of all classes
      `coverage_by_class` and `spread_by_class`, with None for a class that was not measured; nothing if none was.

    Example:
      >>> from jgan.evaluation.class_monitor import Signs, row
      >>> row({0: Signs(0.9, 0.5), 2: Signs(0.8, 0.25)})["coverage_by_class"]
      [0.5, None, 0.25]
    """
    if not signs:
        return {}
    worst = min(signs, key=lambda label: signs[label].coverage)
    listed = [signs.get(label) for label in range(max(signs) + 1)]
    return {
        "worst_class": worst,
        "worst_class_coverage": signs[worst].coverage,
        "worst_class_spread": signs[worst].spread,
        "coverage_by_class": [None if of is None else round(of.coverage, 4) for of in listed],
        "spread_by_class": [None if of is None else round(of.spread, 4) for of in listed],
    }


def warning(signs: Mapping[int, Signs], before: Sequence[Sequence[float | None]], step: int = FIRST_STEP) -> str:
    """The warning for a measurement.

    Args:
      signs: the measurement.
      before: `coverage_by_class` of the earlier measurements of this run.
      step: the step of the run.

    Returns:
      A sentence for the progress line, which names the classes; "" for no warning.

    Example:
      >>> from jgan.evaluation.class_monitor import Signs, warning
      >>> warning({0: Signs(0.9, 0.5), 1: Signs(0.9, 0.02)}, before=[[0.4, 0.6], [0.5, 0.5]])
      'collapse? class 1: coverage fell from 0.60 to 0.02'
    """
    if step < FIRST_STEP:
        return ""
    found = []
    for label, (spread, coverage) in signs.items():
        earlier = [held for held in (row[label] for row in before if label < len(row)) if held is not None]
        best = max(earlier, default=0.0)
        if spread < SPREAD:
            found.append(f"class {label}: the samples vary {spread:.2f} times as much as its images")
        elif best >= LEARNT and coverage < FALLEN * best:
            found.append(f"class {label}: coverage fell from {best:.2f} to {coverage:.2f}")
    if not found:
        return ""
    more = f", and {len(found) - SHOWN} more classes" if len(found) > SHOWN else ""
    return f"collapse? {', '.join(found[:SHOWN])}{more}"
