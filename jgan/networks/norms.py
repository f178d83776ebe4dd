"""Batch, instance and layer normalisation."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float


class BatchNorm(nn.Module):
    """`flax.linen.BatchNorm`, with `train` and `axis_name` as arguments of the call.

    In training mode it normalises by the mean and the (biased) variance of the batch, over all devices of `axis_name`, and
    updates their moving averages in the collection `batch_stats`; otherwise it normalises by these averages. Statistics are
    float32 in any `dtype`.

    Attributes:
      momentum: the decay of the moving averages; PyTorch calls 1 minus this the momentum.
      epsilon: added to the variance.
      use_scale: whether to multiply by a learnt gain per channel.
      use_bias: whether to add a learnt shift per channel.
      scale_init: the initialiser of the gain.
      bias_init: the initialiser of the shift.
      dtype: the dtype of the output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.BatchNorm(), jnp.array([[1.0], [3.0]])
      >>> variables = layer.init(jax.random.key(0), x)
      >>> y, changed = layer.apply(variables, x, train=True, mutable=["batch_stats"])
      >>> print(y.ravel().round(3), changed["batch_stats"]["mean"])
      [-1.  1.] [0.2]

    References:
      Ioffe and Szegedy, "Batch Normalization" (2015), https://arxiv.org/abs/1502.03167
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    use_scale: bool = True
    use_bias: bool = True
    scale_init: Callable[..., jax.Array] = nn.initializers.ones
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b *shape c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float[jax.Array, "b *shape c"]:
        """Maps `[B, ..., channels]` to the same shape."""
        layer = nn.BatchNorm(
            use_running_average=not train,
            axis_name=axis_name,
            momentum=self.momentum,
            epsilon=self.epsilon,
            use_scale=self.use_scale,
            use_bias=self.use_bias,
            scale_init=self.scale_init,
            bias_init=self.bias_init,
            dtype=jnp.float32,
        )
        nn.share_scope(self, layer)  # its parameters are this layer's own: `scale`, not `BatchNorm_0/scale`
        return layer(x.astype(jnp.float32)).astype(self.dtype)


class InstanceNorm(nn.Module):
    """Normalises each channel of each image by its mean and variance over the pixels; it has no parameters and no state.

    Attributes:
      epsilon: added to the variance.
      dtype: the dtype of the output; statistics are float32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import networks
      >>> image = jnp.array([1.0, 3.0, 1.0, 3.0]).reshape(1, 2, 2, 1)
      >>> print(networks.InstanceNorm().apply({}, image).ravel().round(3))
      [-1.  1. -1.  1.]

    References:
      Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization" (2016),
      https://arxiv.org/abs/1607.08022
    """

    epsilon: float = 1e-5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` to the same shape."""
        wide = x.astype(jnp.float32)
        centred = wide - wide.mean((1, 2), keepdims=True)
        variance = jnp.square(centred).mean((1, 2), keepdims=True)
        return (centred * jax.lax.rsqrt(variance + self.epsilon)).astype(self.dtype)


class LayerNorm(nn.Module):
    """Normalises each image by the mean and the variance of all its pixels and channels; a gain and a shift for each channel.

    Attributes:
      epsilon: added to the variance.
      dtype: the dtype of the output; statistics are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, image = networks.LayerNorm(), jnp.array([1.0, 2.0, 3.0, 2.0]).reshape(1, 1, 2, 2)
      >>> variables = layer.init(jax.random.key(0), image)
      >>> print(layer.apply(variables, image).ravel().round(3), variables["params"]["scale"].shape)
      [-1.414  0.     1.414  0.   ] (2,)

    References:
      Ba et al., "Layer Normalization" (2016), https://arxiv.org/abs/1607.06450; of images as in Gulrajani et al., "Improved
      Training of Wasserstein GANs" (2017), https://arxiv.org/abs/1704.00028
    """

    epsilon: float = 1e-5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` to the same shape."""
        layer = nn.LayerNorm(self.epsilon, dtype=jnp.float32, reduction_axes=(-3, -2, -1), use_fast_variance=False)
        nn.share_scope(self, layer)
        return layer(x.astype(jnp.float32)).astype(self.dtype)


def pixel_norm(x: Float[jax.Array, "*shape c"]) -> Float[jax.Array, "*shape c"]:
    """Scales the channels of each pixel (or the entries of each vector) to a mean square of 1.

    Args:
      x: `[..., channels]` float.

    Returns:
      `x / sqrt(mean_c x^2 + 1e-8)`, of the dtype of `x`; the statistics are float32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks.norms import pixel_norm
      >>> [round(float(value), 4) for value in pixel_norm(jnp.array([3.0, 4.0]))]
      [0.8485, 1.1314]

    References:
      Karras et al., "Progressive Growing of GANs" (2018), section 4.2, https://arxiv.org/abs/1710.10196
    """
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.square(wide).mean(axis=-1, keepdims=True) + 1e-8)).astype(x.dtype)
