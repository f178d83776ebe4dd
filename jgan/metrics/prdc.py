"""Fidelity and diversity as separate metrics: precision and recall, density and coverage, from nearest neighbours.

The manifold of a set of samples is approximated by balls around them, each with the distance to the k-th nearest neighbour in
the set as its radius. Then

  precision   fraction of fakes in a ball of the reals          recall     fraction of reals in a ball of the fakes
  density     mean number of balls of the reals that contain    coverage   fraction of reals whose ball contains a fake
              a fake, divided by k: about 1 for equal sets

For two sets of one distribution, coverage tends to 1 - 2^-k as both grow. Outliers have large balls, which distort precision
and recall; density and coverage are more robust.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jgan.metrics import blocks, checks, neighbours
from jgan.metrics.blocks import Progress
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

SAMPLES_PER_NEIGHBOUR = 10
"""The number of samples per neighbour from which a ball is small compared with its set."""


class PRDC(NamedTuple):
    """Precision, recall, density and coverage.

    Attributes:
      precision: from 0 to 1.
      recall: from 0 to 1.
      density: from 0 up.
      coverage: from 0 to 1.
      k: the neighbour whose distance is the radius.
      caution: why the values say little, or "".
    """

    precision: float
    recall: float
    density: float
    coverage: float
    k: int
    caution: str = ""


class PrecisionRecall(NamedTuple):
    """Improved precision and recall.

    Attributes:
      precision: from 0 to 1.
      recall: from 0 to 1.
      k: the neighbour whose distance is the radius.
      caution: why the values say little, or "".
    """

    precision: float
    recall: float
    k: int
    caution: str = ""


def prdc(
    real: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    k: int = 5,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
) -> PRDC:
    """Precision, recall, density and coverage with open balls, as in Naeem et al.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated samples.
      k: the neighbour whose distance is the radius; a sample is not its own neighbour.
      devices: the devices over which a block is sharded; None for the default device.
      progress: called periodically as progress(samples done, 2 N + M).

    Returns:
      The `PRDC`.

    Raises:
      ValueError: if a set has k samples or fewer, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.prdc import prdc
      >>> real = np.arange(10.0)[:, None]
      >>> prdc(real, real[:5] + 0.25, k=1)[:5]
      (1.0, 0.6, 2.0, 0.6, 1)

    References:
      Naeem et al., "Reliable fidelity and diversity metrics for generative models" (2020),
      https://arxiv.org/abs/2002.09797, and the authors' package `prdc`.
    """
    counts, empty = _counts(real, fake, k=k, closed=False, devices=devices, progress=progress)
    return PRDC(
        precision=float((counts.y_held > 0).mean()),
        recall=float((counts.x_held > 0).mean()),
        density=float(counts.y_held.mean() / k),
        coverage=float((counts.held_by_x > 0).mean()),
        k=k,
        caution=checks.joined(_caution(counts, k), *map(_repeated, ("real", "generated"), empty, counts[1:])),
    )


def improved(
    real: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    k: int = 3,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
) -> PrecisionRecall:
    """Improved precision and recall, as published: with closed balls, whose boundary holds the k-th neighbour.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated samples; the authors use 50,000 of each.
      k: the neighbour whose distance is the radius.
      devices: the devices over which a block is sharded; None for the default device.
      progress: called periodically as progress(samples done, 2 N + M).

    Returns:
      The `PrecisionRecall`.

    Raises:
      ValueError: if a set has k samples or fewer, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import prdc
      >>> real = np.arange(10.0)[:, None]
      >>> prdc.improved(real, real[:5], k=1)[:3]
      (1.0, 0.6, 1)

    References:
      Kynkaanniemi et al., "Improved precision and recall metric for assessing generative models" (2019),
      https://arxiv.org/abs/1904.06991
    """
    counts, _ = _counts(real, fake, k=k, closed=True, devices=devices, progress=progress)
    caution = _caution(counts, k)
    return PrecisionRecall(float((counts.y_held > 0).mean()), float((counts.x_held > 0).mean()), k, caution)


def _caution(counts: neighbours.Inside, k: int) -> str:
    """The caution for few samples, whose balls reach across the whole set."""
    n = min(len(counts.x_held), len(counts.y_held))
    return checks.few("samples in the smaller set", n, SAMPLES_PER_NEIGHBOUR * k, f"balls up to neighbour {k} span much of it")


def _repeated(name: str, empty: int, held: np.ndarray) -> str:
    """The caution for repeated samples, whose open balls are empty."""
    if not empty:
        return ""
    return f"{empty:,} of {len(held):,} {name} samples with k-th neighbours equal to them: their open balls are empty"


def _counts(
    real: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    k: int,
    closed: bool,
    devices: Sequence[jax.Device] | None,
    progress: Progress | None,
) -> tuple[neighbours.Inside, list[int]]:
    """The counts, and the number of balls of radius 0 in each set."""
    k = whole("k", k, 1)
    real = blocks.floats("real", real, k + 1)
    fake = blocks.floats("fake", fake, k + 1, real)
    n, m = len(real), len(fake)
    after = lambda before: progress and (lambda done, _: progress(before + done, 2 * n + m))  # noqa: E731
    radii = [
        neighbours.nearest(points, k=k, devices=devices, progress=after(before)).distances[:, -1]
        for points, before in ((real, 0), (fake, n))
    ]
    counts = neighbours.inside(real, fake, *radii, closed=closed, devices=devices, progress=after(n + m))
    return counts, [int((radius == 0).sum()) for radius in radii]
