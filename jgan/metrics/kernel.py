"""The kernel inception distance, and squared maximum mean discrepancies (MMD) in general.

For a kernel k, the mean of k(x, x') + k(y, y') - k(x, y') - k(x', y) over independent samples is the squared distance
between the mean embeddings of two distributions. The unbiased estimate omits the pairs of a sample with itself, so it may be
negative; the biased estimate is the squared distance between the mean embeddings of the samples.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from jgan.metrics import blocks
from jgan.metrics import kernel_sums as sums
from jgan.metrics.blocks import Progress
from jgan.metrics.kernel_sums import Gaussian, Kernel, Polynomial
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

__all__ = ["CUBIC", "KID", "Gaussian", "Kernel", "Polynomial", "draws", "kid", "median_width", "mmd2"]

CUBIC = Polynomial()
"""KID's kernel, (x.y / d + 1)^3"""


class KID(NamedTuple):
    """A kernel inception distance.

    Attributes:
      mean: the mean of the unbiased MMD^2 over the subsets.
      std: their standard deviation (ddof 0, as in torch-fidelity). NaN if there is a single subset, or each is the whole of
        both sets, where it would be of rounding errors alone.
      subsets: the number of subsets.
      subset_size: the number of samples per set in a subset.
      seed: the seed of the subsets; None if they were given.
      caution: why the spread says little, or "".
    """

    mean: float
    std: float
    subsets: int
    subset_size: int
    seed: int | None
    caution: str = ""


def draws(
    n_real: int, n_fake: int, *, subsets: int, subset_size: int, seed: int
) -> tuple[Int[np.ndarray, "subsets subset_size"], Int[np.ndarray, "subsets subset_size"]]:
    """The subsets of KID. For the seed 2020 they equal those of torch-fidelity with the fakes as its first input.

    Args:
      n_real: the number of real samples.
      n_fake: the number of generated samples.
      subsets: the number of subsets.
      subset_size: the number of samples per set in a subset, drawn without replacement.
      seed: the seed of NumPy's `RandomState`, whose stream is stable across versions.

    Returns:
      The indices of the real and of the generated samples, each `[subsets, subset_size]` int.

    Example:
      >>> from jgan.metrics import kernel
      >>> [indices.shape for indices in kernel.draws(9, 5, subsets=3, subset_size=4, seed=2020)]
      [(3, 4), (3, 4)]
    """
    generator = np.random.RandomState(check_seed(seed))
    subsets, subset_size = whole("subsets", subsets, 1), whole("subset_size", subset_size, 2)
    chosen = [[generator.choice(n, subset_size, replace=False) for n in (n_fake, n_real)] for _ in range(subsets)]
    fake, real = np.array(chosen).swapaxes(0, 1)
    return real, fake


def kid(
    real: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 2020,
    indices: tuple[Int[np.ndarray, "subsets size"], Int[np.ndarray, "subsets size"]] | None = None,
    kernel: Kernel = CUBIC,
    progress: Progress | None = None,
) -> KID:
    """The kernel inception distance: the mean of the unbiased MMD^2 over subsets. `mmd2` uses all samples instead.

    Args:
      real: `[N, d]` float, features of real samples.
      fake: `[M, d]` float, features of generated samples.
      subsets: the number of subsets.
      subset_size: the number of samples per set in a subset, at least 2.
      seed: the seed of the subsets; see `draws`.
      indices: the subsets themselves, `[S, m]` int for real and fake; `subsets`, `subset_size` and `seed` are then unused.
      kernel: by default the published one.
      progress: called after each subset as progress(subsets done, subsets).

    Returns:
      The `KID`.

    Raises:
      ValueError: if there is no subset, a set is smaller than a subset, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import kernel
      >>> real, fake = np.random.default_rng(0).normal(size=(2, 60, 8))
      >>> found = kernel.kid(real, fake + 1, subsets=10, subset_size=50)
      >>> abs(kernel.kid(real, fake, subsets=10, subset_size=50).mean) < 0.1 < found.mean
      True

    References:
      Binkowski et al., "Demystifying MMD GANs" (2018), section 4, https://arxiv.org/abs/1801.01401
    """
    if indices is None:
        whole("subsets", subsets, 1)
    elif [np.ndim(index) for index in indices] != [2, 2] or len(indices[0]) != len(indices[1]) or not len(indices[0]):
        raise ValueError(
            f"indices: expected two arrays [subsets, size], at least one subset, found {[np.shape(index) for index in indices]}"
        )
    least = whole("subset_size", subset_size, 2) if indices is None else np.shape(indices[0])[1]
    real = blocks.floats("real", real, 2)
    fake = blocks.floats("fake", fake, 2, real)
    if not 2 <= least <= min(len(real), len(fake)):
        raise ValueError(
            f"expected a subset_size from 2 to the number of samples, found {least:,} and {len(real):,} real and {len(fake):,} "
            "generated samples; draw more, or choose another subset_size"
        )
    chosen = draws(len(real), len(fake), subsets=subsets, subset_size=subset_size, seed=seed) if indices is None else indices
    frame = blocks.frame(real, fake)
    form, unit = sums.form_of(kernel, frame, real.shape[1])
    parts = [jax.device_put(sums.part_of(frame, points, len(points), form)) for points in (real, fake)]
    found = []
    for done, (i, j) in enumerate(zip(*chosen, strict=True), 1):
        xx, yy, xy = np.asarray(sums.subset_sums(form, *parts, i, j), np.float64).sum(axis=1)
        m, n = len(i), len(j)
        found.append(unit * (xx / (m * (m - 1)) + yy / (n * (n - 1)) - 2 * xy / (m * n)))
        if progress:
            progress(done, len(chosen[0]))
    std, caution = _spread(found, least, len(real), len(fake), given=indices is not None)
    return KID(float(np.mean(found)), std, len(found), least, seed if indices is None else None, caution)


def _spread(found: Sequence[float], size: int, n_real: int, n_fake: int, *, given: bool) -> tuple[float, str]:
    """The standard deviation over subsets, and the caution if it says little."""
    if len(found) == 1:
        return np.nan, "one subset has no spread"
    if given or 2 * size <= min(n_real, n_fake):
        return float(np.std(found)), ""
    if size == n_real == n_fake:
        return np.nan, f"each subset is the whole of both sets, {size:,} samples: there is no spread; choose smaller subsets"
    which = "generated" if n_fake <= n_real else "real"
    number = f"{size:,} of the {min(n_real, n_fake):,} {which} samples"
    return float(np.std(found)), f"each subset holds {number}: the spread is too small; choose subsets of at most half"


def mmd2(
    x: Float[AnyArray, "n d"],
    y: Float[AnyArray, "m d"],
    *,
    kernel: Kernel = CUBIC,
    unbiased: bool = True,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
) -> float:
    """The squared MMD between two sets, over all pairs, computed in blocks.

    Args:
      x: `[N, d]` float.
      y: `[M, d]` float.
      kernel: a `Polynomial`, KID's by default, or a `Gaussian`.
      unbiased: whether to omit the pairs of a sample with itself.
      devices: the devices over which a block is sharded; None for the default device.
      progress: called periodically as progress(samples done, 2 N + M).

    Returns:
      The estimate; an unbiased one may be negative.

    Raises:
      ValueError: if there are fewer than 2 samples in a set, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import kernel
      >>> x, y = np.array([[0.0], [1.0]]), np.array([[3.0], [1.0]])
      >>> linear = kernel.Polynomial(degree=1)
      >>> round(kernel.mmd2(x, y, kernel=linear, unbiased=False), 6)  # (1/2 - 2)^2
      2.25
      >>> round(kernel.mmd2(x, y, kernel=linear), 6)  # 0 * 1 + 3 * 1 - 2 * 1/2 * 2
      1.0

    References:
      Gretton et al., "A kernel two-sample test" (2012), equations 3 and 5, https://jmlr.org/papers/v13/gretton12a.html
    """
    x = blocks.floats("x", x, 2)
    y = blocks.floats("y", y, 2, x)
    n, m = len(x), len(y)
    frame = blocks.frame(x, y)
    form, unit = sums.form_of(kernel, frame, x.shape[1])

    def after(before: int) -> Callable[[int], None] | None:
        return (lambda done: progress(before + done, 2 * n + m)) if progress else None

    xx, xx_itself = sums.summed(form, frame, x, None, devices, after(0))
    yy, yy_itself = sums.summed(form, frame, y, None, devices, after(n))
    xy, _ = sums.summed(form, frame, x, y, devices, after(n + m))
    if unbiased:
        return unit * (xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m))
    return unit * ((xx + xx_itself) / n**2 + (yy + yy_itself) / m**2 - 2 * xy / (n * m))


def median_width(x: Float[AnyArray, "n d"], y: Float[AnyArray, "m d"], *, most: int = 1000, seed: int = 0) -> float:
    """The median heuristic for the width of a Gaussian kernel: the median distance between samples of the joined sets.

    Args:
      x: `[N, d]` float.
      y: `[M, d]` float.
      most: the maximum number of samples used; if there are more, a random subset is drawn.
      seed: the seed of the subset.

    Returns:
      The median.

    Raises:
      ValueError: if dimensions differ, a feature is not finite, or the median is 0 because most samples are equal.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import kernel
      >>> kernel.median_width(np.array([[0.0], [1.0]]), np.array([[3.0]]))
      2.0

    References:
      Gretton et al. (2012), section 8, https://jmlr.org/papers/v13/gretton12a.html
    """
    from scipy.spatial.distance import pdist

    most, seed = whole("most", most, 2), check_seed(seed)
    x = blocks.floats("x", x, 1)
    y = blocks.floats("y", y, 1, x)
    which = np.random.default_rng(seed).permutation(len(x) + len(y))[:most]
    together = np.concatenate([x[which[which < len(x)]], y[which[which >= len(x)] - len(x)]])
    width = float(np.median(pdist(together.astype(np.float64))))
    if width == 0:
        raise ValueError("the median distance between two samples is 0, most samples are equal: choose a width yourself")
    return width
