"""The Fréchet distance between two sets of features; with Inception features, FID.

For Gaussians with the means and covariances of the sets,

  FID = |mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))

Each covariance is factored as `S = R^T R`, and the trace of the matrix square root is the sum of the singular values of
`R_1 R_2^T`. This keeps full precision. The eigenvalues of `S_1 S_2` are the squares of those singular values, so their square
roots have only half the digits of the small ones, and a rank-deficient covariance adds thousands of square roots of rounding
errors. (Other implementations add a small number to the diagonal, which changes FID.) The factor R has as many rows as the
rank of the covariance:

- with fewer samples than features, R is the centred features divided by sqrt(n - 1), and no covariance matrix is formed;
- otherwise, R is the pivoted Cholesky factor, truncated where only rounding errors remain.

References:
  Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (2017), equation 6,
  https://arxiv.org/abs/1706.08500;
  Chong and Forsyth, "Effectively unbiased FID and Inception Score and where to find them" (2020),
  https://arxiv.org/abs/1911.07023
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float
from scipy.linalg import lapack

from jgan.metrics import checks
from jgan.metrics import moments as moments_of
from jgan.metrics.moments import Moments
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

LEAST = 2
"""The minimum number of samples for a covariance."""


class FID(NamedTuple):
    """A Fréchet distance, in squared units of the features.

    Attributes:
      fid: the distance, the sum of the two terms.
      mean_term: `|mu_1 - mu_2|^2`.
      covariance_term: `tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`.
      n_real: the number of real samples.
      n_fake: the number of generated samples.
      caution: why the distance says little, or "".
    """

    fid: float
    mean_term: float
    covariance_term: float
    n_real: int
    n_fake: int
    caution: str = ""


class FIDInfinity(NamedTuple):
    """The extrapolation of FID to infinitely many samples: FID at several sample sizes n and a linear fit in 1/n.

    Attributes:
      fid: the intercept of the fit, at 1/n = 0.
      standard_error: the standard error of the intercept, from the residuals of the fit. The points share samples and the real
        set, so it measures the linearity of the fit rather than the error of the estimate.
      slope: the slope of the fit.
      sizes: the sample sizes.
      fids: FID at each size.
      n_real: the number of real samples.
      n_fake: the number of generated samples that the subsets are drawn from.
      seed: the seed of the draws.
      caution: why the distance says little, or "".
    """

    fid: float
    standard_error: float
    slope: float
    sizes: tuple[int, ...]
    fids: tuple[float, ...]
    n_real: int
    n_fake: int
    seed: int
    caution: str = ""


class _Gaussian(NamedTuple):
    """A mean `[d]`, a factor `[r, d]` of the covariance `root^T root`, and the number of samples."""

    mean: np.ndarray
    root: np.ndarray
    n: int


def distance(a: Moments, b: Moments) -> float:
    """The Fréchet distance between two sets, from their moments.

    Args:
      a: the moments of one set, in either form.
      b: the moments of the other.

    Returns:
      The distance, computed in float64 on the host.

    Raises:
      ValueError: if there are fewer than 2 samples, a moment is not finite, or the dimensions differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import frechet, moments
      >>> one = moments.from_statistics(1000, np.zeros(64), np.eye(64))
      >>> frechet.distance(one, one._replace(mean=np.ones(64)))
      64.0

    References:
      Dowson and Landau, "The Fréchet distance between multivariate normal distributions" (1982),
      https://doi.org/10.1016/0047-259X(82)90077-X
    """
    return fid(a, b).fid


def fid(real: Float[AnyArray, "n d"] | Moments, fake: Float[AnyArray, "m d"] | Moments, *, batch_size: int = 2048) -> FID:
    """FID, with its two terms.

    Args:
      real: `[N, d]` features, or their moments.
      fake: `[M, d]` features, or their moments.
      batch_size: the number of samples processed at once.

    Returns:
      The `FID`. It is biased, and decreases with the number of samples: compare values only at equal N and M, or use
      `fid_infinity`. With no more samples than features a covariance is singular, and the bias large: `caution` says so.

    Raises:
      ValueError: if there are fewer than 2 samples, a feature is not finite, or the dimensions differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import frechet
      >>> real = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
      >>> found = frechet.fid(real, real + 1)
      >>> round(found.fid, 3), round(found.mean_term, 3), round(found.covariance_term, 3)
      (8.0, 8.0, 0.0)

    References:
      Heusel et al. (2017), equation 6, https://arxiv.org/abs/1706.08500
    """
    one = _gaussian("real", real, batch_size)
    return _between(one, _gaussian("fake", fake, batch_size, like=one))


def fid_infinity(
    real: Float[AnyArray, "n d"] | Moments,
    fake: Float[AnyArray, "m d"],
    *,
    seed: int,
    least: int = 5000,
    points: int = 15,
    batch_size: int = 2048,
    progress: Callable[[int, int], None] | None = None,
) -> FIDInfinity:
    """FID-infinity: FID extrapolated to infinitely many generated samples by a linear fit in 1/n, the order of its bias.

    Each point of the fit is the FID of a random subset, drawn without replacement.

    Args:
      real: `[N, d]` features, or their moments.
      fake: `[M, d]` features.
      seed: the seed of the draws.
      least: the size of the smallest subset; the sizes are evenly spaced from it to M.
      points: the number of subsets, at least 3 for a standard error.
      batch_size: the number of samples processed at once.
      progress: called as progress(points done, points).

    Returns:
      The `FIDInfinity`.

    Raises:
      ValueError: if there are too few samples for the sizes, a feature is not finite, or the dimensions differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import frechet
      >>> real, fake = np.random.default_rng(0).normal(size=(2, 2000, 8)).astype(np.float32)
      >>> found = frechet.fid_infinity(real, fake, seed=0, least=200, points=5)
      >>> found.sizes, found.slope > 0, found.fid < frechet.fid(real, fake).fid
      ((200, 650, 1100, 1550, 2000), True, True)

    References:
      Chong and Forsyth (2020), https://arxiv.org/abs/1911.07023; the sizes are those of the authors' code.
    """
    from scipy import stats

    points, least, seed = whole("points", points, 3), whole("least", least, LEAST), check_seed(seed)
    one = _gaussian("real", real, batch_size)
    samples = checks.features("fake", fake, least + points - 1, like=one.root)
    sizes = np.linspace(least, len(samples), points).astype(int)
    generator, fids = np.random.default_rng(seed), []
    for number, size in enumerate(sizes):
        subset = samples[generator.choice(len(samples), size, replace=False)]
        fids.append(_between(one, _gaussian("fake", subset, batch_size)).fid)
        if progress is not None:
            progress(number + 1, points)
    line = stats.linregress(1 / sizes, fids)
    return FIDInfinity(
        fid=float(line.intercept),
        standard_error=float(line.intercept_stderr),
        slope=float(line.slope),
        sizes=tuple(sizes.tolist()),
        fids=tuple(fids),
        n_real=one.n,
        n_fake=len(samples),
        seed=seed,
        caution=_caution(one.n, least, len(one.mean), "samples in the smallest subset"),
    )


def _between(one: _Gaussian, other: _Gaussian) -> FID:
    mean_term = float(np.sum(np.square(one.mean - other.mean)))
    product = one.root @ other.root.T
    crossed = scipy.linalg.svdvals(product, overwrite_a=True).sum() if product.size else 0.0
    spread = float(np.sum(np.square(one.root)) + np.sum(np.square(other.root)) - 2 * crossed)
    spread = max(spread, 0.0)  # for equal covariances only rounding errors are left, which may be negative
    return FID(mean_term + spread, mean_term, spread, one.n, other.n, _caution(one.n, other.n, len(one.mean)))


def _caution(n_real: int, n_fake: int, d: int, fake: str = "generated samples") -> str:
    """The caution for singular covariances."""
    why = f"the covariance of {d:,} features is singular, and the distance mostly the bias of small sets"
    return checks.joined(checks.few("real samples", n_real, d + 1, why), checks.few(fake, n_fake, d + 1, why))


def _gaussian(name: str, found: Float[AnyArray, "n d"] | Moments, batch_size: int, like: _Gaussian | None = None) -> _Gaussian:
    """Checks features or moments and returns their Gaussian."""
    batch_size = whole("batch_size", batch_size, 1)
    if isinstance(found, Moments):
        known = moments_of.to_float64(found)
        if like is not None and known.mean.shape != like.mean.shape:
            raise ValueError(f"{name}: expected moments of {len(like.mean)} features like the others, found {len(known.mean)}")
        if known.count < LEAST:
            raise ValueError(f"{name}: expected moments of at least {LEAST} samples, found {known.count}; draw more")
        if not (np.isfinite(known.mean).all() and np.isfinite(known.scatter).all()):
            raise ValueError(f"{name}: a moment is not finite, so a feature was not; remove that sample or find its cause")
        return _Gaussian(known.mean, _cholesky(moments_of.covariance(known)), known.count)
    features = checks.features(name, found, LEAST, like=None if like is None else like.root)
    if len(features) > features.shape[1]:
        return _gaussian(name, moments_of.of(features, batch_size=batch_size), batch_size)
    samples = features.astype(np.float64)
    mean = samples.mean(axis=0)
    return _Gaussian(mean, (samples - mean) / math.sqrt(len(samples) - 1), len(samples))


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    """`root [r, d]` with `covariance = root^T root`, where r is the numerical rank.

    LAPACK pivots on the largest remaining diagonal entry and stops when it is below d rounding errors of the first pivot.
    """
    factor, pivots, rank, _ = lapack.dpstrf(covariance, lower=1)
    root = np.empty((rank, len(covariance)))
    root[:, pivots - 1] = np.tril(factor)[:, :rank].T
    return root
