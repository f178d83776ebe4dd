"""Fidelity and diversity, each by itself: precision and recall, density and coverage, of manifolds made of nearest neighbours.

A set of samples stands for its manifold by the balls around them, each out to the k-th nearest neighbour in the set. Then

  precision   the share of fakes in a ball of the reals         recall     the share of reals in a ball of the fakes
  density     the number of balls of the reals a fake is in,    coverage   the share of reals whose ball holds a fake
              divided by k: 1 or so if the sets are alike

Of two sets from one distribution the coverage tends to 1 - 2^-k, as both grow. Precision and recall are misled by outliers,
whose balls are large: density and coverage are less.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax

from jgan.metrics import blocks, neighbours
from jgan.metrics.blocks import Progress
from jgan.metrics.parzen import Images


class PRDC(NamedTuple):
    """Precision, recall, density and coverage.

    Attributes:
      precision: from 0 to 1.
      recall: from 0 to 1.
      density: from 0 up.
      coverage: from 0 to 1.
      k: which neighbour each ball reaches out to.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    k: int


class PrecisionRecall(NamedTuple):
    """Improved precision and recall.

    Attributes:
      precision: from 0 to 1.
      recall: from 0 to 1.
      k: which neighbour each ball reaches out to.
    """

    precision: float
    recall: float
    k: int


def prdc(
    real: Images, fake: Images, *, k: int = 5, devices: Sequence[jax.Device] | None = None, progress: Progress | None = None
) -> PRDC:
    """Precision, recall, density and coverage, as the authors of the latter two measure all four: a ball is open.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated ones.
      k: which neighbour each ball reaches out to; a sample is not a neighbour of its own.
      devices: among which the samples of a block are divided; None for the default device.
      progress: called now and then with the number of samples done and the number there are, 2 N + M.

    Returns:
      The `PRDC`.

    Raises:
      ValueError: if there are not more than k samples in each set, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.prdc import prdc
      >>> real = np.arange(10.0)[:, None]
      >>> prdc(real, real[:5] + 0.25, k=1)
      PRDC(precision=1.0, recall=0.6, density=2.0, coverage=0.6, k=1)

    References:
      Naeem et al., "Reliable fidelity and diversity metrics for generative models" (2020),
      https://arxiv.org/abs/2002.09797, and the authors' package `prdc`.
    """
    counts = _counts(real, fake, k=k, closed=False, devices=devices, progress=progress)
    return PRDC(
        precision=float((counts.y_held > 0).mean()),
        recall=float((counts.x_held > 0).mean()),
        density=float(counts.y_held.mean() / k),
        coverage=float((counts.held_by_x > 0).mean()),
        k=k,
    )


def improved(
    real: Images, fake: Images, *, k: int = 3, devices: Sequence[jax.Device] | None = None, progress: Progress | None = None
) -> PrecisionRecall:
    """Improved precision and recall, as published: a ball is closed, and holds a copy of the neighbour that it reaches to.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated ones; the authors take 50,000 of each.
      k: which neighbour each ball reaches out to.
      devices: among which the samples of a block are divided; None for the default device.
      progress: called now and then with the number of samples done and the number there are, 2 N + M.

    Returns:
      The `PrecisionRecall`.

    Raises:
      ValueError: if there are not more than k samples in each set, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import prdc
      >>> real = np.arange(10.0)[:, None]
      >>> prdc.improved(real, real[:5], k=1)
      PrecisionRecall(precision=1.0, recall=0.6, k=1)

    References:
      Kynkaanniemi et al., "Improved precision and recall metric for assessing generative models" (2019),
      https://arxiv.org/abs/1904.06991
    """
    counts = _counts(real, fake, k=k, closed=True, devices=devices, progress=progress)
    return PrecisionRecall(float((counts.y_held > 0).mean()), float((counts.x_held > 0).mean()), k)


def _counts(
    real: Images, fake: Images, *, k: int, closed: bool, devices: Sequence[jax.Device] | None, progress: Progress | None
) -> neighbours.Inside:
    if k < 1:
        raise ValueError(f"k must be at least 1, found {k}")
    real = blocks.floats("real", real, k + 1)
    fake = blocks.floats("fake", fake, k + 1, real)
    n, m = len(real), len(fake)
    after = lambda before: progress and (lambda done, _: progress(before + done, 2 * n + m))  # noqa: E731
    radii = [
        neighbours.nearest(points, k=k, devices=devices, progress=after(before)).distances[:, -1]
        for points, before in ((real, 0), (fake, n))
    ]
    return neighbours.inside(real, fake, *radii, closed=closed, devices=devices, progress=after(n + m))
