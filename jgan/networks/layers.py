"""Layers and initialisers of the 2014 paper that Flax does not have: maxout, dropout with any scale, sparse weights."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan import rng
from jgan.types import Key


def symmetric_uniform(irange: float) -> Callable[..., jax.Array]:
    """The initialiser U(-irange, irange).

    Args:
      irange: half the width of the interval, pylearn2's name for it.

    Returns:
      `init(key, shape, dtype) -> array`.

    Example:
      >>> import jax
      >>> from jgan.networks.layers import symmetric_uniform
      >>> bool(abs(symmetric_uniform(0.05)(jax.random.key(0), (3, 4))).max() <= 0.05)
      True
    """

    def init(key: Key, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
        # The same numbers as drawn with four axes, which takes XLA on CPU five times as long to compile.
        return jax.random.uniform(key, (math.prod(shape),), dtype, -irange, irange).reshape(shape)

    return init


def glorot_uniform(gain: float = 1.0) -> Callable[..., jax.Array]:
    """Glorot's initialiser: U(-a, a) with the variance `2 gain^2 / (fan in + fan out)`.

    Args:
      gain: a factor on the weights; sqrt 2 for a layer beside a ReLU.

    Returns:
      `init(key, shape, dtype) -> array`, the shape being `[..., inputs, outputs]`; both fans count the leading axes.

    Example:
      >>> import jax
      >>> from jgan.networks.layers import glorot_uniform
      >>> bool(abs(glorot_uniform()(jax.random.key(0), (3, 3, 1, 5))).max() <= (6 / (9 * 6)) ** 0.5)
      True

    References:
      Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
    """

    def init(key: Key, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
        fans = math.prod(shape[:-2]) * (shape[-2] + shape[-1])
        return symmetric_uniform(gain * math.sqrt(6 / fans))(key, shape, dtype)

    return init


def normal(stddev: float, mean: float = 0.0) -> Callable[..., jax.Array]:
    """The initialiser N(mean, stddev^2).

    Args:
      stddev: the standard deviation.
      mean: the mean.

    Returns:
      `init(key, shape, dtype) -> array`.

    Example:
      >>> import jax
      >>> from jgan.networks.layers import normal
      >>> normal(0.02)(jax.random.key(0), (3, 4)).shape
      (3, 4)
    """

    def init(key: Key, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
        # Drawn flat, as in `symmetric_uniform`: XLA on CPU compiles it faster.
        return mean + stddev * jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)

    return init


def sparse_normal(nonzero: int) -> Callable[..., jax.Array]:
    """The initialiser that gives each output `nonzero` inputs, drawn without replacement, with weights N(0, 1); the rest are 0.

    Args:
      nonzero: the number of nonzero weights in a column, pylearn2's `sparse_init`.

    Returns:
      `init(key, shape, dtype) -> array`, the shape being `[inputs, outputs]`; it raises a `ValueError` if there are fewer
      inputs than `nonzero`.

    Example:
      >>> import jax
      >>> from jgan.networks.layers import sparse_normal
      >>> (sparse_normal(2)(jax.random.key(0), (5, 3)) != 0).sum(axis=0).tolist()
      [2, 2, 2]

    References:
      Martens, "Deep learning via Hessian-free optimization" (2010), whose sparse initialisation this is.
    """

    def init(key: Key, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
        inputs, outputs = shape
        if nonzero > inputs:
            raise ValueError(f"a sparse column has at most as many weights as inputs, found {nonzero} of {inputs}")
        place_key, weight_key = jax.random.split(key)
        _, rows = jax.lax.top_k(jax.random.uniform(place_key, (outputs, inputs)), nonzero)
        weights = jax.random.normal(weight_key, (outputs, nonzero), dtype)
        return jnp.zeros(shape, dtype).at[rows, jnp.arange(outputs)[:, None]].set(weights)

    return init


class Dense(nn.Module):
    """`x W + b`, W ~ U(-irange, irange) by default; the parameters are float32, the product is in `dtype`.

    Attributes:
      features: the number of outputs.
      irange: half the width of the initial distribution of W.
      kernel_init: the initialiser of W; None for U(-irange, irange).
      bias_init: the initialiser of b.
      dtype: the dtype of the computation and of the output.
    """

    features: int
    irange: float
    kernel_init: Callable[..., jax.Array] | None = None
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b inputs"]) -> Float[jax.Array, "b features"]:
        """Maps `[B, inputs]` to `[B, features]`."""
        layer = nn.Dense(
            self.features,
            dtype=self.dtype,
            kernel_init=self.kernel_init or symmetric_uniform(self.irange),
            bias_init=self.bias_init,
            name="affine",
        )
        return layer(x)


@jax.custom_jvp
def largest(z: Float[jax.Array, "*shape pieces"]) -> Float[jax.Array, " *shape"]:
    """`jnp.max(z, axis=-1)` with a gradient that goes undivided to *every* entry equal to the maximum.

    JAX divides the gradient among tied entries. Counting them costs more than the maximum on a CPU. Theano, in which the
    experiments of the paper were written, does not divide. Without ties the two agree.

    Args:
      z: `[..., pieces]` float.

    Returns:
      `[...]`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.networks.layers import largest
      >>> print(largest(jnp.array([1.0, 3.0, 2.0])), jax.grad(largest)(jnp.array([1.0, 3.0, 2.0])))
      3.0 [0. 1. 0.]
    """
    return jnp.max(z, axis=-1)


@largest.defjvp
def _largest_jvp(primals, tangents):
    (z,), (dz,) = primals, tangents
    top = jnp.max(z, axis=-1)
    return top, jnp.sum(jnp.where(z == top[..., None], dz, 0), axis=-1)


class Maxout(nn.Module):
    """Maxout: each unit is the largest of `pieces` affine functions of its input.

    The kernel is `[inputs, units * pieces]`; unit u has the columns `u * pieces ... (u + 1) * pieces - 1`.

    Attributes:
      units: the number of outputs.
      pieces: affine functions a unit.
      irange: half the width of the initial distribution of W; b starts at 0.
      dtype: the dtype of the computation and of the output.

    References:
      Goodfellow et al., "Maxout Networks" (2013), https://arxiv.org/abs/1302.4389
    """

    units: int
    pieces: int
    irange: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b inputs"]) -> Float[jax.Array, "b units"]:
        """Maps `[B, inputs]` to `[B, units]`."""
        z = Dense(self.units * self.pieces, self.irange, dtype=self.dtype, name="pieces")(x)
        return largest(z.reshape(*z.shape[:-1], self.units, self.pieces))


class Dropout(nn.Module):
    """Dropout in training mode; the kept entries are multiplied by `scale`.

    The masks are drawn example by example (`jgan.rng`), so that they do not depend on the number of devices.

    Attributes:
      keep: the probability that an entry is kept.
      scale: the factor of the kept entries; None for `1 / keep`. Evaluation rescales nothing.

    References:
      Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors" (2012),
      https://arxiv.org/abs/1207.0580
    """

    keep: float
    scale: float | None = None

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, " b *shape"], *, train: bool, axis_name: str | None = None
    ) -> Float[jax.Array, " b *shape"]:
        """Maps `[B, ...]` to the same shape."""
        if not train or self.keep == 1.0:
            return x
        mask = rng.bernoulli_mask(self.make_rng("dropout"), self.keep, x.shape, axis_name)
        return jnp.where(mask, x * (1 / self.keep if self.scale is None else self.scale), 0)
