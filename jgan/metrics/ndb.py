"""NDB, the number of statistically different bins: clusters of the training set that hold too many or too few samples.

The training set is clustered once, and each sample is assigned to the nearest centre. A bin is different if a two-proportion z
test rejects the hypothesis that both sets fall into it equally often. For two sets of one distribution, the fraction of
different bins is the level of the test, 5 %. The Jensen-Shannon divergence of the two histograms measures how much they differ.

Fit `Bins` once and reuse them: `assign` runs on the device, and counts of batches can be added.
"""

import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, Float64, Int32, Real
from scipy import special

from jgan.metrics import checks
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

BLOCK = 4096
"""The number of samples assigned at once."""

EPSILON = 1e-6
"""Added to the standard deviations before division, as in the authors' code."""

SAMPLES_PER_BIN = 5
"""The mean number of samples per bin from which the normal approximation of the test holds."""


class Bins(NamedTuple):
    """The clusters of a training set, most frequent first: a pytree of arrays that can be passed to jitted functions.

    Attributes:
      centres: `[K, d]` float32, in the coordinates `(x - mean) / scale`.
      counts: `[K]` int32, the number of training samples in each bin.
      mean: `[d]` float32, the mean of the training samples.
      scale: `[d]` float32, the standard deviations if whitened, else 1.
    """

    centres: Float32[jax.Array, "k d"]
    counts: Int32[jax.Array, " k"]
    mean: Float32[jax.Array, " d"]
    scale: Float32[jax.Array, " d"]


class NDB(NamedTuple):
    """The difference of two sets over the bins, and how it was computed.

    Attributes:
      different: NDB, the number of different bins.
      share: NDB / K; for two sets of one distribution, about the level of the test.
      js: the Jensen-Shannon divergence of the two histograms in nats, from 0 to ln 2.
      bins: K, the number of bins.
      n_real: the number of training samples.
      n_fake: the number of generated samples.
      significance: the level of the two-sided test.
      caution: why the values say little, or "".
    """

    different: int
    share: float
    js: float
    bins: int
    n_real: int
    n_fake: int
    significance: float
    caution: str = ""


def fit(
    training: Real[AnyArray, " n *shape"], *, bins: int = 100, whiten: bool = False, seed: int, iterations: int = 100
) -> Bins:
    """Clusters a training set by scikit-learn's k-means, with one k-means++ initialisation.

    Args:
      training: `[N, ...]` float or uint8, features or images; further axes are flattened. The authors use 80,000 images and
        recommend about 500 per bin.
      bins: K, the number of bins. If training samples coincide, some bins may be empty.
      whiten: whether to divide each dimension by its standard deviation first.
      seed: the seed of the initialisation.
      iterations: the maximum number of rounds of Lloyd's algorithm, of 2 N K d operations each. All dimensions are used; the
        authors use a random sixth of them if there are more than 1,000.

    Returns:
      The `Bins`.

    Raises:
      ValueError: if there are fewer training samples than bins, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import ndb
      >>> bins = ndb.fit(np.array([[0.0], [0.5], [0.2], [9.0]]), bins=2, seed=0)
      >>> bins.counts.tolist()
      [3, 1]
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    bins, iterations, seed = whole("bins", bins, 2), whole("iterations", iterations, 1), check_seed(seed)
    flat = checks.features("training", np.reshape(training, (len(training), -1)), bins)
    mean = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = (flat.std(axis=0, dtype=np.float64) + EPSILON).astype(np.float32) if whiten else np.ones_like(mean)
    # Centred even without whitening: distances do not change, and float32 keeps more of their digits.
    points = flat.astype(np.float32)
    points -= mean
    points /= scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # with fewer distinct samples than bins, some bins stay empty
        model = KMeans(bins, n_init=1, max_iter=iterations, random_state=seed, copy_x=False).fit(points)
    unsorted = Bins(*map(jnp.asarray, (model.cluster_centers_, np.zeros(bins, np.int32), mean, scale)))
    counts = _count(unsorted, flat)
    order = np.argsort(-counts, kind="stable")
    return unsorted._replace(centres=unsorted.centres[order], counts=jnp.asarray(counts[order], jnp.int32))


@jax.jit
def assign(bins: Bins, samples: Real[AnyArray, " n *shape"]) -> Int32[jax.Array, " k"]:
    """The number of samples assigned to each bin. A pure function with static shapes; counts of batches can be added.

    Args:
      bins: the `Bins`.
      samples: `[N, ...]` float or uint8, like the training samples. Memory: `N (K + d)` float32.

    Returns:
      `[K]` int32. Samples that are not finite are assigned to no bin; the sum is then less than N.

    Raises:
      ValueError: if the number of features differs from that of the training samples.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import ndb
      >>> bins = ndb.fit(np.array([[0.0], [0.5], [0.2], [9.0]]), bins=2, seed=0)
      >>> ndb.assign(bins, np.array([[7.0], [0.0], [np.nan]])).tolist()
      [1, 1]
    """
    points = jnp.asarray(samples).reshape(len(samples), -1).astype(jnp.float32)
    if points.shape[1] != bins.centres.shape[1]:
        raise ValueError(f"expected samples of {bins.centres.shape[1]} features, as the bins have, found {points.shape[1]}")
    points = (points - bins.mean[None]) / bins.scale[None]
    # |x|^2 is the same for all centres, so it is left out.
    cross = jnp.matmul(points, bins.centres.T, precision=jax.lax.Precision.HIGHEST)
    squared = jnp.sum(jnp.square(bins.centres), axis=1)[None] - 2 * cross
    nearest = jnp.argmin(squared, axis=1)
    belongs = (nearest[:, None] == jnp.arange(len(bins.centres))[None]) & jnp.isfinite(squared).all(axis=1)[:, None]
    return jnp.sum(belongs, axis=0, dtype=jnp.int32)


def p_values(real: Real[AnyArray, " k"], fake: Real[AnyArray, " k"]) -> Float64[np.ndarray, " k"]:
    """The two-sided p-value of each bin, from the two-proportion z test with pooled variance.

    Args:
      real: `[K]` int, the counts of the bins in one set.
      fake: `[K]` int, the counts in the other.

    Returns:
      `[K]` float64; 1 for a bin that is empty in both sets or contains all of both.

    Raises:
      ValueError: if the shapes differ, a count is negative, or a set is empty.

    Example:
      >>> from jgan.metrics import ndb
      >>> ndb.p_values([50, 50], [35, 65]).round(4).tolist()  # z = 0.15 / sqrt(0.425 * 0.575 * 0.02) = 2.1456
      [0.0319, 0.0319]
    """
    a, b = _counts(real, fake)
    n, m = a.sum(), b.sum()
    pooled = (a + b) / (n + m)
    variance = pooled * (1 - pooled) * (1 / n + 1 / m)
    difference = np.abs(a / n - b / m)
    z = np.divide(difference, np.sqrt(variance), out=np.zeros_like(difference), where=variance > 0)
    return special.erfc(z / np.sqrt(2))


def compare(real: Real[AnyArray, " k"], fake: Real[AnyArray, " k"], *, significance: float = 0.05) -> NDB:
    """NDB and the Jensen-Shannon divergence, from the counts of the bins.

    Args:
      real: `[K]` int, the counts of the training samples: `bins.counts`.
      fake: `[K]` int, the counts of the generated samples: the sum of `assign`.
      significance: the level of the test.

    Returns:
      The `NDB`.

    Raises:
      ValueError: if the shapes differ, a count is negative, or a set is empty.

    Example:
      >>> from jgan.metrics import ndb
      >>> found = ndb.compare([50, 50, 0], [50, 0, 50])
      >>> found.different, round(found.js, 4)  # ln 2 / 2: half of each set is in a bin that the other does not fill
      (2, 0.3466)

    References:
      Richardson and Weiss, "On GANs and GMMs" (2018), section 3, https://arxiv.org/abs/1805.12462
    """
    if not 0 < significance < 1:
        raise ValueError(f"significance must be between 0 and 1, found {significance}")
    a, b = _counts(real, fake)
    different = int(np.count_nonzero(p_values(a, b) < significance))
    p, q = a / a.sum(), b / b.sum()
    middle = (p + q) / 2
    js = float((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2)
    smaller = int(min(a.sum(), b.sum()))
    why = "the test of a bin holds for five samples in it at least"
    empty = int((a + b == 0).sum())
    caution = checks.joined(
        checks.few(f"samples of the smaller set in {len(a)} bins", smaller, SAMPLES_PER_BIN * len(a), why),
        f"empty bins: {empty} of {len(a)}, as there are fewer different samples than bins" if empty else "",
    )
    return NDB(different, different / len(a), js, len(a), int(a.sum()), int(b.sum()), significance, caution)


def evaluate(bins: Bins, samples: Real[AnyArray, " n *shape"], *, significance: float = 0.05) -> NDB:
    """NDB and the Jensen-Shannon divergence of generated samples.

    Args:
      bins: the bins of the training set, from `fit`.
      samples: `[N, ...]` float or uint8, at least K.
      significance: the level of the test.

    Returns:
      The `NDB`.

    Raises:
      ValueError: if there are fewer samples than bins, a value is not finite, or the dimensions differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import ndb
      >>> points = np.random.default_rng(0).uniform(size=(4000, 2))
      >>> bins = ndb.fit(points[:2000], bins=10, seed=0)
      >>> ndb.evaluate(bins, points[:2000]).different, ndb.evaluate(bins, points[2000:] * [1, 0.5]).different > 5
      (0, True)

    References:
      Richardson and Weiss (2018), https://arxiv.org/abs/1805.12462
    """
    flat = checks.features("samples", np.reshape(samples, (len(samples), -1)), len(bins.centres), like=bins.centres)
    return compare(bins.counts, _count(bins, flat), significance=significance)


def _count(bins: Bins, flat: np.ndarray) -> np.ndarray:
    """The counts of many samples, computed in blocks."""
    counts = np.zeros(len(bins.centres), np.int64)
    for first in range(0, len(flat), BLOCK):
        part = flat[first : first + BLOCK].astype(np.float32)
        # All blocks have one shape, to compile once; padding is NaN, which is assigned to no bin.
        padded = np.pad(part, ((0, min(BLOCK, len(flat)) - len(part)), (0, 0)), constant_values=np.nan)
        counts += np.asarray(assign(bins, padded))
    return counts


def _counts(
    real: Real[AnyArray, " k"], fake: Real[AnyArray, " k"]
) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
    """Checks the counts and converts them to `[K]` float64."""
    a, b = (checks.real_numbers(name, counts).astype(np.float64) for name, counts in (("real", real), ("fake", fake)))
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"expected the counts [K] of the same bins in both sets, found the shapes {a.shape} and {b.shape}")
    if not (min(a.min(initial=0), b.min(initial=0)) >= 0 and a.sum() > 0 and b.sum() > 0):
        raise ValueError(f"expected nonnegative counts, not all 0, found {a} and {b}")
    return a, b
