"""Precision and recall of distributions (PRD): the trade-off between the quality of the fakes and the coverage of the reals.

For two distributions over the same states, P of real and Q of generated samples, and every ratio lambda > 0,

  precision(lambda) = sum min(lambda P, Q),    recall(lambda) = sum min(P, Q / lambda) = precision(lambda) / lambda.

The states are clusters of the features of both sets. The curve distinguishes a generator with all modes in wrong proportions
from one with only some of the modes, which a single number may not.
"""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64, Real

from jgan.metrics import checks
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

EDGE = 1e-10
"""Distance of the first and last angle from 0 and pi/2, where lambda is 0 and infinite."""

SAMPLES_PER_CLUSTER = 10
"""The number of samples per cluster from which the two histograms differ by less than their own size, even by chance."""


class PRD(NamedTuple):
    """A precision-recall curve and how it was computed.

    Attributes:
      precision: `[angles]` float64, increasing.
      recall: `[angles]` float64, decreasing.
      f_8: the maximum F_8 on the curve, which weights recall.
      f_1_8: the maximum F_1/8, which weights precision.
      clusters: the number of states.
      runs: the number of clusterings averaged.
      n: the number of real samples, and of generated samples.
      seed: the seed of the first clustering.
      caution: why the curve says little, or "".
    """

    precision: Float64[np.ndarray, " angles"]
    recall: Float64[np.ndarray, " angles"]
    f_8: float
    f_1_8: float
    clusters: int
    runs: int
    n: int
    seed: int
    caution: str = ""


def curve(
    real: Real[AnyArray, " k"], fake: Real[AnyArray, " k"], *, angles: int = 1001
) -> tuple[Float64[np.ndarray, " angles"], Float64[np.ndarray, " angles"]]:
    """The precision-recall curve of two known distributions.

    Args:
      real: `[K]` float, nonnegative, the probability or the count of each state among real samples.
      fake: `[K]` float, the same among generated samples.
      angles: the number of ratios `lambda = tan(angle)`, with angles evenly spaced from 0 to pi/2.

    Returns:
      precision and recall, `[angles]` float64 each. The last precision is the fraction of fakes in states that reals occupy,
      the first recall the fraction of reals in states that fakes occupy.

    Raises:
      ValueError: if the shapes differ, a value is negative or not finite, a sum is 0, or there are fewer than 3 angles.

    Example:
      >>> from jgan.metrics import prd
      >>> precision, recall = prd.curve([0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0])  # half of the modes
      >>> precision.max().round(6), recall.max().round(6)
      (np.float64(1.0), np.float64(0.5))

    References:
      Sajjadi et al., "Assessing generative models via precision and recall" (2018), equations 1 to 3 and algorithm 1,
      https://arxiv.org/abs/1806.00035; the end points are those of the authors' code.
    """
    p, q = _distribution("real", real), _distribution("fake", fake)
    if p.shape != q.shape:
        raise ValueError(f"expected as many states in both distributions, found {len(p)} real and {len(q)} fake")
    angles = whole("angles", angles, 3)
    ratios = np.tan(np.linspace(EDGE, np.pi / 2 - EDGE, angles))[:, None]
    return np.minimum(ratios * p, q).sum(axis=1), np.minimum(p, q / ratios).sum(axis=1)


def f_beta(precision: Float[np.ndarray, " angles"], recall: Float[np.ndarray, " angles"], beta: float) -> float:
    """The maximum F_beta on a curve: `(1 + beta^2) p r / (beta^2 p + r)`, or 0 where both are 0.

    Args:
      precision: `[angles]` float.
      recall: `[angles]` float.
      beta: above 1 weights recall, below 1 precision.

    Returns:
      The maximum, from 0 to 1.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import prd
      >>> prd.f_beta(np.array([1.0]), np.array([0.5]), 1)
      0.6666666666666666
    """
    below = beta**2 * precision + recall
    values = np.divide((1 + beta**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0)
    return float(values.max())


def histograms(
    real: Float[AnyArray, "n d"], fake: Float[AnyArray, "m d"], *, clusters: int = 20, seed: int
) -> tuple[Int64[np.ndarray, " clusters"], Int64[np.ndarray, " clusters"]]:
    """Histograms of two sets over the clusters of their union, by minibatch k-means with 10 initialisations.

    Args:
      real: `[N, d]` float.
      fake: `[M, d]` float.
      clusters: the number of clusters.
      seed: the seed of the clustering.

    Returns:
      The cluster counts of the real and of the fake features, `[clusters]` int64 each.

    Raises:
      ValueError: if there are fewer samples than clusters, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import prd
      >>> real = np.array([[0.0], [0.1], [9.0], [9.1]])
      >>> found = prd.histograms(real, real[:2], clusters=2, seed=0)
      >>> sorted(zip(*(counts.tolist() for counts in found)))
      [(2, 0), (2, 2)]
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    clusters, seed = whole("clusters", clusters, 1), check_seed(seed)
    real = checks.features("real", real, clusters)
    fake = checks.features("fake", fake, 1, like=real)
    union = np.concatenate([real, fake], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # with fewer distinct samples than clusters, some stay empty
        labels = MiniBatchKMeans(clusters, n_init=10, random_state=seed).fit(union).labels_
    return np.bincount(labels[: len(real)], minlength=clusters), np.bincount(labels[len(real) :], minlength=clusters)


def evaluate(
    real: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    clusters: int = 20,
    runs: int = 10,
    angles: int = 1001,
    seed: int = 0,
) -> PRD:
    """The precision-recall curve of two sets of features, averaged over several clusterings.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[N, d]` float, as many generated samples: with unequal sizes the larger set would dominate the clusters.
      clusters: the number of states.
      runs: the number of clusterings.
      angles: the number of points of the curve.
      seed: the seed of the first clustering; run i uses seed + i.

    Returns:
      The `PRD`.

    Raises:
      ValueError: if the sets differ in size, are smaller than the number of clusters, or differ in dimension.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import prd
      >>> features = np.random.default_rng(0).standard_normal((200, 3))
      >>> found = prd.evaluate(features, features, clusters=5, runs=2)
      >>> round(found.f_8, 6), round(found.f_1_8, 6)
      (1.0, 1.0)

    References:
      Sajjadi et al. (2018), sections 4.1 and 4.2, https://arxiv.org/abs/1806.00035
    """
    if len(real) != len(fake):
        raise ValueError(
            f"expected as many generated samples as real ones, found {len(fake):,} and {len(real):,}; measure the first "
            f"{min(len(real), len(fake)):,} of each"
        )
    runs = whole("runs", runs, 1)
    counts = [histograms(real, fake, clusters=clusters, seed=seed + run) for run in range(runs)]
    curves = [curve(*both, angles=angles) for both in counts]
    precision, recall = np.mean(curves, axis=0)
    f_8, f_1_8 = f_beta(precision, recall, 8), f_beta(precision, recall, 1 / 8)
    empty = max(int((p + q == 0).sum()) for p, q in counts)
    why = "the counts are mostly noise"
    caution = checks.joined(
        checks.few(f"samples of each set in {clusters} clusters", len(real), SAMPLES_PER_CLUSTER * clusters, why),
        f"empty clusters: {empty} of {clusters}, as there are fewer different samples than clusters" if empty else "",
    )
    return PRD(precision, recall, f_8, f_1_8, clusters, runs, len(real), seed, caution)


def _distribution(name: str, masses: Real[AnyArray, " k"]) -> Float64[np.ndarray, " k"]:
    """The masses normalised to sum 1, `[K]` float64."""
    found = checks.real_numbers(name, masses).astype(np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or (found < 0).any() or not found.sum() > 0:
        raise ValueError(f"{name}: expected nonnegative probabilities or counts [K], not all 0, found {masses}")
    return found / found.sum()
