"""The Fréchet distance of two sets of features, which is FID if the features are Inception's.

Of two Gaussians with the sets' means and covariances,

  FID = |mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))

Here each covariance is written `S = R^T R`, and the trace of the square root is the sum of the singular values of `R_1 R_2^T`.
Nothing is lost by that: the eigenvalues of `S_1 S_2` are the squares of those singular values, so whoever takes their roots has
half the digits of the small ones left, and of a rank-deficient covariance some thousand roots of rounding errors. That is why
others add a small number to the diagonal, which adds to FID, too; here the root R has as many rows as the covariance has rank:

- of fewer samples than features, R is the centred features themselves, over the root of n - 1, and no covariance is made;
- of more, it is the Cholesky factor with pivots, which ends where only rounding errors are left.

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
from scipy.linalg import lapack

from jgan.metrics import checks
from jgan.metrics import moments as moments_of
from jgan.metrics.moments import Moments
from jgan.metrics.parzen import Images

LEAST = 2
"""samples without which there is no covariance"""


class FID(NamedTuple):
    """A Fréchet distance, in the square of the features' unit.

    Attributes:
      fid: the distance, the sum of the two terms.
      mean_term: `|mu_1 - mu_2|^2`.
      covariance_term: `tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`.
      n_real: the number of real samples.
      n_fake: the number of generated samples.
    """

    fid: float
    mean_term: float
    covariance_term: float
    n_real: int
    n_fake: int


class FIDInfinity(NamedTuple):
    """FID at several numbers of generated samples, and the line through them in 1/n.

    Attributes:
      fid: where the line is at 1/n = 0.
      standard_error: of that intercept, by the scatter of the points about the line. The points share samples and the real
        set, so it says how straight the line is rather than how far the truth may be.
      slope: of the line.
      sizes: the numbers of generated samples.
      fids: FID at each.
      n_real: the number of real samples.
      n_fake: the number of generated samples that the subsets were drawn from.
      seed: of the draws.
    """

    fid: float
    standard_error: float
    slope: float
    sizes: tuple[int, ...]
    fids: tuple[float, ...]
    n_real: int
    n_fake: int
    seed: int


class _Gaussian(NamedTuple):
    """A mean `[d]`, a root `[r, d]` of the covariance `root^T root`, and the number of samples they are of."""

    mean: np.ndarray
    root: np.ndarray
    n: int


def distance(a: Moments, b: Moments) -> float:
    """The Fréchet distance of two sets of which the moments are known.

    Args:
      a: of one set.
      b: of the other; in either form.

    Returns:
      The distance, made in float64 on the host.

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


def fid(real: Images | Moments, fake: Images | Moments, *, batch_size: int = 2048) -> FID:
    """FID and its two terms.

    Args:
      real: `[N, d]` features, or their moments.
      fake: `[M, d]` features, or their moments.
      batch_size: how many features are worked on at once.

    Returns:
      The `FID`. It falls with the number of samples: compare only where N and M are the same, or see `fid_infinity`.

    Raises:
      ValueError: if there are fewer than 2 samples, one is not finite, or the dimensions differ.

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
    real: Images | Moments,
    fake: Images,
    *,
    seed: int,
    least: int = 5000,
    points: int = 15,
    batch_size: int = 2048,
    progress: Callable[[int, int], None] | None = None,
) -> FIDInfinity:
    """FID as it would be of infinitely many generated samples: the bias of FID goes with 1/n, so a line is put through it.

    Each point is the FID of a subset drawn anew without replacement.

    Args:
      real: `[N, d]` features, or their moments.
      fake: `[M, d]` features.
      seed: of the draws.
      least: the size of the smallest subset; the others are evenly spaced up to M.
      points: how many subsets, at least 3, or the line has no error.
      batch_size: how many features are worked on at once.
      progress: is called with how many points are done and how many there are.

    Returns:
      The `FIDInfinity`.

    Raises:
      ValueError: if there are fewer samples than the sizes need, one is not finite, or the dimensions differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import frechet
      >>> real, fake = np.random.default_rng(0).normal(size=(2, 2000, 8)).astype(np.float32)
      >>> found = frechet.fid_infinity(real, fake, seed=0, least=200, points=5)
      >>> found.sizes, found.slope > 0, found.fid < frechet.fid(real, fake).fid
      ((200, 650, 1100, 1550, 2000), True, True)

    References:
      Chong and Forsyth (2020), https://arxiv.org/abs/1911.07023; the sizes are those of its authors' code.
    """
    from scipy import stats

    if points < 3 or least < LEAST:
        raise ValueError(f"expected at least 3 points and subsets of at least {LEAST}, found {points} and {least}")
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
    )


def _between(one: _Gaussian, other: _Gaussian) -> FID:
    mean_term = float(np.sum(np.square(one.mean - other.mean)))
    product = one.root @ other.root.T
    crossed = scipy.linalg.svdvals(product, overwrite_a=True).sum() if product.size else 0.0
    spread = float(np.sum(np.square(one.root)) + np.sum(np.square(other.root)) - 2 * crossed)
    spread = max(spread, 0.0)  # of equal covariances only rounding errors are left, of either sign
    return FID(mean_term + spread, mean_term, spread, one.n, other.n)


def _gaussian(name: str, found: Images | Moments, batch_size: int, like: _Gaussian | None = None) -> _Gaussian:
    """The Gaussian of features, or of moments, which it checks."""
    if isinstance(found, Moments):
        known = moments_of.to_float64(found)
        if like is not None and known.mean.shape != like.mean.shape:
            raise ValueError(f"{name}: expected moments of {len(like.mean)} features like the others, found {len(known.mean)}")
        if known.count < LEAST:
            raise ValueError(f"{name}: expected moments of at least {LEAST} samples, found {known.count}; draw more")
        if not (np.isfinite(known.mean).all() and np.isfinite(known.scatter).all()):
            raise ValueError(f"{name}: a moment is not finite, so a feature was not; leave it out or find its cause")
        return _Gaussian(known.mean, _cholesky(moments_of.covariance(known)), known.count)
    features = checks.features(name, found, LEAST, like=None if like is None else like.root)
    if len(features) > features.shape[1]:
        return _gaussian(name, moments_of.of(features, batch_size=batch_size), batch_size)
    samples = features.astype(np.float64)
    mean = samples.mean(axis=0)
    return _Gaussian(mean, (samples - mean) / math.sqrt(len(samples) - 1), len(samples))


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    """`root [r, d]` with `covariance = root^T root`, r being the rank to rounding.

    LAPACK takes the greatest pivot left, and stops when that is less than d times the rounding error of the first.
    """
    factor, pivots, rank, _ = lapack.dpstrf(covariance, lower=1)
    root = np.empty((rank, len(covariance)))
    root[:, pivots - 1] = np.tril(factor)[:, :rank].T
    return root
