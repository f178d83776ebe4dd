"""Streaming mean and covariance of features: the statistics that FID needs of a set.

Float32 sums of squares are not precise enough: for features of mean 1,000 and standard deviation 1 they leave one digit of the
variance. There are two forms with the same functions, both as precise as float64:

- `"float64"`, on the host: NumPy and BLAS (`jgan.metrics.host`);
- `"pairs"`, for accelerators, whose float64 is slow or missing: pure functions that can be jitted, scanned, sharded, donated.
  Their products are exact (`jgan.metrics.exact`), their sums pairs of float32 (`jgan.metrics.pairs`).

The scatter matrix is the sum of the outer products of the deviations from the mean. Scatters of two sets can be merged.

References:
  Chan, Golub and LeVeque, "Algorithms for computing the sample variance: analysis and recommendations" (1983),
  https://doi.org/10.1080/00031305.1983.10483115
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float64, Real

from jgan.metrics import checks, exact, host, pairs
from jgan.metrics.pairs import Pair
from jgan.utils.shapes import AnyArray

Form = Literal["float64", "pairs"]


class Moments(NamedTuple):
    """The accumulated statistics of a set of features.

    Attributes:
      count: the number of samples; an int, or int32 in the form of pairs.
      mean: `[d]`, float64 or a `Pair`.
      scatter: `[d, d]`, float64 or a `Pair`: the sum over the samples of (x - mean)(x - mean)^T.
    """

    count: Any
    mean: Any
    scatter: Any


def empty(dim: int, form: Form = "float64") -> Moments:
    """The moments of no samples.

    Args:
      dim: d, the number of features.
      form: `"float64"` on the host, `"pairs"` inside `jit`.

    Returns:
      The `Moments`.

    Raises:
      ValueError: if the form is unknown, or d is not positive.

    Example:
      >>> from jgan.metrics import moments
      >>> moments.empty(3).scatter.shape
      (3, 3)
    """
    if dim < 1:
        raise ValueError(f"expected at least 1 feature, found {dim}")
    if form == "float64":
        return Moments(0, np.zeros(dim), np.zeros((dim, dim)))
    if form == "pairs":
        return Moments(jnp.int32(0), *(pairs.single(jnp.zeros(shape, jnp.float32)) for shape in ((dim,), (dim, dim))))
    raise ValueError(f"form must be 'float64' or 'pairs', found {form!r}")


def update(moments: Moments, features: Real[AnyArray, "b d"], mask: Bool[AnyArray, " b"] | None = None) -> Moments:
    """Adds a batch of features.

    Args:
      moments: the moments so far; the result has the same form. With pairs this function is pure.
      features: `[B, d]`; converted to float32 with pairs.
      mask: `[B]` bool, the rows to include: False for the padding of a last batch. None to include all rows.

    Returns:
      The updated `Moments`.

    Raises:
      ValueError: if the shapes do not match, or, on the host, an included feature is not finite. With pairs such a feature
        makes the moments NaN or infinite.

    Example:
      >>> import jax, numpy as np
      >>> from jgan.metrics import moments
      >>> batch = np.array([[0.0], [2.0], [9.0]], np.float32)
      >>> found = jax.jit(moments.update)(moments.empty(1, "pairs"), batch, np.array([True, True, False]))
      >>> moments.to_float64(found)
      Moments(count=2, mean=array([1.]), scatter=array([[2.]]))
    """
    dim = _dim(moments)
    if np.ndim(features) != 2 or np.shape(features)[1] != dim:
        raise ValueError(f"expected features [B, {dim}] like those before, found an array of the shape {np.shape(features)}")
    if mask is not None and np.shape(mask) != np.shape(features)[:1]:
        raise ValueError(f"expected a mask [{len(features)}], one value per sample, found the shape {np.shape(mask)}")
    if isinstance(moments.mean, Pair):
        valid = jnp.ones(len(features), bool) if mask is None else jnp.asarray(mask, bool)
        return merge(moments, Moments(*exact.moments(jnp.asarray(features, jnp.float32), valid)))
    rows = np.asarray(features) if mask is None else np.asarray(features)[np.asarray(mask, bool)]
    return merge(moments, Moments(*host.moments(rows, len(rows)))) if len(rows) else moments


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of the union of two sets (Chan et al.).

    Args:
      a: the moments of one set.
      b: the moments of the other, with as many features and in the same form.

    Returns:
      The `Moments` of all samples.

    Raises:
      ValueError: if the dimensions or the forms differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import moments
      >>> moments.merge(moments.of(np.zeros((3, 1))), moments.of(np.full((1, 1), 4.0)))
      Moments(count=4, mean=array([1.]), scatter=array([[12.]]))
    """
    if _dim(a) != _dim(b):
        raise ValueError(f"expected moments of as many features, found {_dim(a)} and {_dim(b)}")
    if isinstance(a.mean, Pair) is not isinstance(b.mean, Pair):
        raise ValueError("expected moments in one form, found one in float64 and one in pairs: see to_float64")
    count = a.count + b.count
    if isinstance(a.mean, Pair):
        share = pairs.whole(b.count) / pairs.whole(jnp.maximum(count, 1))
        weight = pairs.whole(a.count) * share
    else:
        share = b.count / max(count, 1)
        weight = a.count * share
    delta = b.mean - a.mean
    return Moments(count, a.mean + delta * share, a.scatter + b.scatter + delta[:, None] * delta[None, :] * weight)


def across(moments: Moments, axis_name: str) -> Moments:
    """Merges the moments of all devices of a mapped axis, inside `shard_map` or `pmap`, as `pmean` averages arrays.

    Args:
      moments: the moments of this device's samples, in the form of pairs.
      axis_name: the name of the mapped axis.

    Returns:
      The `Moments` of all samples, the same on every device.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jax.sharding import PartitionSpec
      >>> from jgan import parallel
      >>> from jgan.metrics import moments
      >>> local = lambda x: moments.across(moments.update(moments.empty(1, "pairs"), x), parallel.AXIS)
      >>> spread = PartitionSpec(parallel.AXIS)
      >>> everywhere = jax.shard_map(local, mesh=parallel.mesh(), in_specs=spread, out_specs=PartitionSpec())
      >>> int(jax.jit(everywhere)(jnp.ones((4 * jax.device_count(), 1))).count) == 4 * jax.device_count()
      True
    """
    size, index = jax.lax.axis_size(axis_name), jax.lax.axis_index(axis_name)
    # An all-gather by `psum`, in which each device fills its own slot: JAX then knows that the result is replicated, and adding
    # zeros is exact.
    place = lambda leaf: jnp.zeros((size, *leaf.shape), leaf.dtype).at[index].set(leaf)  # noqa: E731
    gathered = jax.lax.psum(jax.tree.map(place, moments), axis_name)
    first, others = (jax.tree.map(lambda leaf, cut=cut: leaf[cut], gathered) for cut in (0, slice(1, None)))
    return jax.lax.scan(lambda held, part: (merge(held, part), None), first, others)[0]


def of(features: Real[AnyArray, "n d"], *, batch_size: int = 2048, form: Form | None = None) -> Moments:
    """The moments of a whole set.

    Args:
      features: `[N, d]`.
      batch_size: the number of samples processed at once. Extra memory: `batch_size * d` numbers.
      form: `"float64"` or `"pairs"`; None for float64 unless the features are on an accelerator.

    Returns:
      The `Moments`, in that form.

    Raises:
      ValueError: if the features are not finite, not `[N, d]`, or empty.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import moments
      >>> features = np.random.default_rng(0).normal(1e3, 1, (500, 3))
      >>> np.allclose(moments.covariance(moments.of(features)), np.cov(features, rowvar=False), rtol=1e-12)
      True
    """
    if np.ndim(features) != 2 or 0 in np.shape(features):
        checks.features("features", features, 1)
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, found {batch_size}")
    on_host = not isinstance(features, jax.Array) or all(device.platform == "cpu" for device in features.devices())
    form = form or ("float64" if on_host else "pairs")
    if form == "float64":
        return Moments(*host.moments(np.asarray(features), min(batch_size, len(features))))
    moments, add = empty(np.shape(features)[1], form), jax.jit(update, donate_argnums=0)
    for first in range(0, len(features), batch_size):
        part = jnp.asarray(features[first : first + batch_size], jnp.float32)
        missing = min(batch_size, len(features)) - len(part)  # one shape, one compilation
        mask = np.arange(len(part) + missing) < len(part)
        moments = add(moments, jnp.pad(part, ((0, missing), (0, 0))), mask)
    if not bool(jnp.isfinite(moments.mean.high).all()):
        checks.features("features", features, 1)
    return moments


def from_statistics(count: int, mean: Real[AnyArray, " d"], covariance: Real[AnyArray, "d d"]) -> Moments:
    """The moments with a given mean and covariance, as stored in files of reference statistics.

    Args:
      count: the number of samples behind the statistics, at least 2. It is reported with FID but does not change it.
      mean: `[d]`.
      covariance: `[d, d]`, with n - 1 in the denominator.

    Returns:
      The `Moments`, in float64.

    Raises:
      ValueError: if the shapes do not match, the covariance is not symmetric, or the count is below 2.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import moments
      >>> moments.covariance(moments.from_statistics(10, np.zeros(2), np.eye(2))).tolist()
      [[1.0, 0.0], [0.0, 1.0]]
    """
    centre = checks.real_numbers("mean", mean).astype(np.float64)
    spread = checks.real_numbers("covariance", covariance).astype(np.float64)
    if centre.ndim != 1 or not centre.size or spread.shape != (len(centre),) * 2:
        raise ValueError(f"expected a mean [d] and a covariance [d, d], found the shapes {centre.shape} and {spread.shape}")
    if not np.allclose(spread, spread.T, equal_nan=True):
        raise ValueError("expected a covariance, found a matrix that is not symmetric")
    if count < 2:
        raise ValueError(f"expected statistics of at least 2 samples, found {count}")
    return Moments(count, centre, spread * (count - 1))


def to_float64(moments: Moments) -> Moments:
    """Converts moments to float64 on the host.

    Args:
      moments: in either form.

    Returns:
      The same moments in float64.

    Example:
      >>> from jgan.metrics import moments
      >>> moments.to_float64(moments.empty(1, "pairs"))
      Moments(count=0, mean=array([0.]), scatter=array([[0.]]))
    """
    if not isinstance(moments.mean, Pair):
        return moments
    scatter = pairs.float64(moments.scatter)
    return Moments(int(moments.count), pairs.float64(moments.mean), (scatter + scatter.T) / 2)


def covariance(moments: Moments) -> Float64[np.ndarray, "d d"]:
    """The unbiased covariance: the scatter divided by n - 1.

    Args:
      moments: in either form.

    Returns:
      `[d, d]` float64.

    Raises:
      ValueError: if there are fewer than 2 samples.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import moments
      >>> moments.covariance(moments.of(np.array([[1.0], [3.0]]))).tolist()
      [[2.0]]
    """
    count = int(moments.count)
    if count < 2:
        raise ValueError(f"a covariance needs at least 2 samples, found {count}; draw more")
    return to_float64(moments).scatter / (count - 1)


def _dim(moments: Moments) -> int:
    return (moments.mean.high if isinstance(moments.mean, Pair) else moments.mean).shape[0]
