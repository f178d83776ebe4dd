"""The U-Net of denoising diffusion: predicts the noise in an image at a time of the diffusion."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.layers import Dropout
from jgan.networks.resample import nearest


def scaled(scale: float) -> Callable[..., jax.Array]:
    """The authors' initialiser: uniform, of variance `scale / mean(fan_in, fan_out)`; nearly 0 for a scale of 0.

    Args:
      scale: 1 for most layers; 0 for those that close a residual branch.

    Returns:
      `init(key, shape, dtype) -> array`.
    """
    return nn.initializers.variance_scaling(max(scale, 1e-10), "fan_avg", "uniform")


def time_features(t: Float[jax.Array, " b"], size: int) -> Float32[jax.Array, "b size"]:
    """Sines and cosines of a time, of wavelengths from 2 pi to 10,000 times that.

    Args:
      t: `[B]`, times from 0 to the number of diffusion steps.
      size: the number of features, even.

    Returns:
      `[B, size]`, sines first.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import unet
      >>> unet.time_features(jnp.zeros(1), 4).tolist()
      [[0.0, 0.0, 1.0, 1.0]]

    References:
      Vaswani et al., "Attention Is All You Need" (2017), section 3.5, https://arxiv.org/abs/1706.03762
    """
    rates = jnp.exp(-math.log(10_000) / (size // 2 - 1) * jnp.arange(size // 2, dtype=jnp.float32))
    angles = t.astype(jnp.float32)[:, None] * rates[None]
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1)


class Normed(nn.Module):
    """Group normalisation of up to 32 groups; statistics are float32."""

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` to the same shape."""
        groups = math.gcd(32, x.shape[-1])
        layer = nn.GroupNorm(groups, epsilon=1e-6, dtype=jnp.float32)
        nn.share_scope(self, layer)
        return layer(x.astype(jnp.float32)).astype(self.dtype)


class TimeBlock(nn.Module):
    """A residual block that is told the time: two 3x3 convolutions after group normalisation and swish, a linear map of the
    time between them, and dropout before the second. The shortcut is a 1x1 convolution where the channels change."""

    features: int
    keep: float = 1.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        time: Float[jax.Array, "b t"],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b h w features"]:
        """Maps `[B, height, width, channels]` and features of the time to `[B, height, width, features]`."""
        convolution = lambda size, scale, name: Conv(  # noqa: E731
            self.features, size, kernel_init=scaled(scale), dtype=self.dtype, name=name
        )
        h = convolution(3, 1.0, "conv_1")(nn.swish(Normed(self.dtype, name="norm_1")(x)))
        told = nn.Dense(self.features, kernel_init=scaled(1.0), dtype=self.dtype, name="time")(nn.swish(time))
        h = nn.swish(Normed(self.dtype, name="norm_2")(h + told[:, None, None, :]))
        h = Dropout(self.keep, name="dropout")(h, train=train, axis_name=axis_name)
        h = convolution(3, 0.0, "conv_2")(h)
        return h + (x if x.shape[-1] == self.features else convolution(1, 1.0, "shortcut")(x))


class FullAttention(nn.Module):
    """Adds to each pixel a mean of values of all pixels, weighted by the softmax of `q . k / sqrt(C)`, after normalisation.

    Queries, keys and values have as many channels as the image; the projection of the mean starts at nearly 0. The inner
    products and the softmax are float32.
    """

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` to the same shape."""
        b, height, width, channels = x.shape
        h = Normed(self.dtype, name="norm")(x).reshape(b, height * width, channels)
        linear = lambda scale, name: nn.Dense(channels, kernel_init=scaled(scale), dtype=self.dtype, name=name)  # noqa: E731
        queries, keys, values = (linear(1.0, name)(h) for name in ("query", "key", "value"))
        products = jnp.einsum("bqc,bkc->bqk", queries, keys, preferred_element_type=jnp.float32)
        weights = nn.softmax(products * channels**-0.5).astype(self.dtype)
        mean = linear(0.0, "output")(jnp.einsum("bqk,bkc->bqc", weights, values))
        return x + mean.reshape(x.shape)


class UNet(nn.Module):
    """Maps noisy images and times to the noise in them.

    Going down, each level has `blocks` residual blocks and, but for the last, a 3x3 convolution of stride 2; going up one block
    more, each on the joined output of a block (or of a convolution) of the way down, and nearest-neighbour upsampling with a
    3x3 convolution. Between them are a block, self-attention and a block. With `width` 128, multiples 1, 2, 2, 2, two blocks
    and attention at 16x16 it has 35,746,307 parameters for 32x32x3 images, as the authors' network.

    Attributes:
      width: the channels of the first level.
      multiples: the channels of each level, in units of `width`.
      blocks: residual blocks of a level.
      attention: the smaller side of the maps whose blocks have self-attention; 0 for none beside that in the middle.
      keep: the probability that dropout keeps a number.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.UNet(8, (1, 2), blocks=1), (8, 8, 1), ())
      >>> params, _ = jax.eval_shape(network.init, jax.random.key(0))
      >>> jax.eval_shape(network.apply, params, {}, jnp.zeros((2, 8, 8, 1)), jnp.array([3.0, 500.0]))[0].shape
      (2, 8, 8, 1)

    References:
      Ho et al., "Denoising Diffusion Probabilistic Models" (2020), appendix B, https://arxiv.org/abs/2006.11239; the authors'
      code, hojonathanho/diffusion.
    """

    width: int = 128
    multiples: Sequence[int] = (1, 2, 2, 2)
    blocks: int = 2
    attention: int = 16
    keep: float = 1.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], t: Float[jax.Array, " b"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps images `[B, height, width, channels]` in about [-1, 1] and times `[B]` to `[B, height, width, channels]`."""
        levels = len(self.multiples)
        check_sides(x.shape[1:3], levels)
        shared: dict[str, Any] = {"kernel_init": scaled(1.0), "dtype": self.dtype}
        time = nn.Dense(4 * self.width, **shared, name="time_1")(time_features(t, self.width))
        time = nn.Dense(4 * self.width, **shared, name="time_2")(nn.swish(time))

        def block(h: jax.Array, features: int, name: str) -> jax.Array:
            h = TimeBlock(features, self.keep, self.dtype, name=name)(h, time, train=train, axis_name=axis_name)
            attends = self.attention == min(h.shape[1:3])
            return FullAttention(self.dtype, name=f"{name}_attention")(h) if attends else h

        h = Conv(self.width, 3, **shared, name="input")(x.astype(self.dtype))
        joined = [h]
        for level, multiple in enumerate(self.multiples):
            for index in range(self.blocks):
                h = block(h, self.width * multiple, f"down_{level}_{index}")
                joined.append(h)
            if level < levels - 1:
                h = Conv(h.shape[-1], 3, stride=2, **shared, name=f"down_{level}")(h)
                joined.append(h)
        middle = lambda name: TimeBlock(h.shape[-1], self.keep, self.dtype, name=name)  # noqa: E731
        h = middle("middle_1")(h, time, train=train, axis_name=axis_name)
        h = FullAttention(self.dtype, name="middle_attention")(h)
        h = middle("middle_2")(h, time, train=train, axis_name=axis_name)
        for level, multiple in reversed(list(enumerate(self.multiples))):
            for index in range(self.blocks + 1):
                h = block(jnp.concatenate([h, joined.pop()], axis=-1), self.width * multiple, f"up_{level}_{index}")
            if level:
                h = Conv(h.shape[-1], 3, **shared, name=f"up_{level}")(nearest(h))
        h = nn.swish(Normed(self.dtype, name="norm")(h))
        last = Conv(x.shape[-1], 3, kernel_init=scaled(0.0), dtype=self.dtype, name="output")
        return last(h).astype(jnp.float32)


def check_sides(sides: Sequence[int], levels: int) -> None:
    """Raises a `ValueError` if images cannot be halved as often as a network has levels, less one."""
    unit = 1 << (levels - 1)
    if any(side % unit for side in sides):
        raise ValueError(f"the sides of images must be multiples of {unit} for {levels} levels, found {sides[0]}x{sides[1]}")
