"""The networks of R3GAN: residual networks of grouped convolutions, without normalisation."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks import pyramid, resample
from jgan.networks.conv_layers import Conv
from jgan.networks.grouped_convolution import grouped_conv
from jgan.networks.labels import one_hot
from jgan.networks.layers import normal

LOW_PRECISION = 4
"""The number of highest resolutions whose arithmetic may be bfloat16."""

GAIN = math.sqrt(2 / 1.04)
"""Keeps the variance through a leaky ReLU of slope 0.2."""


def stages(image_shape: Sequence[int]) -> list[tuple[int, int]]:
    """The sides of an image at all resolutions, from the smallest on.

    Args:
      image_shape: `(height, width, channels)`. The smaller side must be 4, 5, 6 or 7 times a power of two, at least 8, and the
        other side a multiple of the same power.

    Returns:
      `(height, width)` of each resolution; the smaller side of the first is 4, 5, 6 or 7.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest squares that do.

    Example:
      >>> from jgan.networks import r3gan
      >>> r3gan.stages((28, 28, 1)), r3gan.stages((32, 48, 3))
      ([(7, 7), (14, 14), (28, 28)], [(4, 6), (8, 12), (16, 24), (32, 48)])
    """
    height, width, _ = image_shape
    count, _ = pyramid.levels(image_shape, "R3GAN")
    return [(height >> power, width >> power) for power in range(count, -1, -1)]


def _widths(sides: Sequence[tuple[int, int]], width: int, widest: int, group_size: int) -> list[int]:
    """The channels at each resolution."""
    found = [width]
    for size in sides[1:]:
        found.append(found[-1] // (2 if min(size) > widest else 1))
    if any(2 * channels % group_size for channels in found) or min(found) < 1:
        raise ValueError(
            f"twice the channels of each resolution must be a multiple of group_size {group_size}, found the channels {found}: "
            "change width or group_size"
        )
    return found


def _dtypes(count: int, dtype: jnp.dtype) -> list[jnp.dtype]:
    """The dtype at each of `count` resolutions: float32 at the lowest, and below the four highest."""
    return [
        jnp.dtype(dtype) if index > 0 and index >= count - LOW_PRECISION else jnp.dtype(jnp.float32) for index in range(count)
    ]


def _scaled(gain: float) -> Callable[..., jax.Array]:
    """The initialiser N(0, gain^2 / fan_in) of a kernel whose last axis is the outputs."""
    return lambda key, shape, dtype=jnp.float32: normal(gain / math.sqrt(math.prod(shape[:-1])))(key, shape, dtype)


def _linear(features: int, dtype: jnp.dtype, name: str, init: Callable[..., jax.Array] | None = None) -> Conv:
    """A 1x1 convolution without a bias."""
    return Conv(features, 1, use_bias=False, kernel_init=init or _scaled(1.0), dtype=dtype, name=name)


def _class_vectors(labels: jax.Array | None, n_classes: int, size: int, gain: float = 1.0) -> jax.Array:
    """A linear function of one-hot labels, of the authors' initial scale, inside a compact method: `[B, size]`."""
    return nn.Dense(size, use_bias=False, kernel_init=_scaled(gain), name="classes")(one_hot(labels, n_classes))


class _Activation(nn.Module):
    """A bias per channel, and a leaky ReLU of slope 0.2."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        return nn.leaky_relu(x + bias.astype(x.dtype).reshape(1, 1, 1, -1), 0.2)


class _GroupedConv(nn.Module):
    """A 3x3 convolution in groups, from as many channels to as many, without a bias."""

    group_size: int
    kernel_init: Callable[..., jax.Array]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param("kernel", self.kernel_init, (3, 3, self.group_size, x.shape[-1]))
        return grouped_conv(x, kernel.astype(x.dtype), padding=1)


class R3GANBlock(nn.Module):
    """A residual block: `x + narrow(act(grouped(act(widen(x)))))`, twice as wide inside.

    `widen` and `narrow` are 1x1 convolutions, `grouped` is a 3x3 convolution in groups; `act` adds a bias and is a leaky ReLU
    of slope 0.2. `narrow` starts at 0, so that a block starts as the identity. There is no normalisation and no other bias.

    Attributes:
      group_size: the channels in a group.
      depth: the number of blocks L in the whole network; the initial kernels are N(0, 2 / 1.04 L^(-1/2) / fan_in).
      dtype: the dtype of the computation and of the output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.networks.r3gan import R3GANBlock
      >>> x = jax.random.normal(jax.random.key(0), (1, 4, 4, 8))
      >>> y, _ = R3GANBlock(group_size=4, depth=1).init_with_output(jax.random.key(1), x)
      >>> bool((y == x).all())
      True

    References:
      Huang et al., "The GAN is dead; long live the GAN!" (2024), section 4, https://arxiv.org/abs/2501.05441; Zhang et al.,
      "Fixup Initialization" (2019), https://arxiv.org/abs/1901.09321
    """

    group_size: int
    depth: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, h, w, channels]` to the same shape."""
        x, init = x.astype(self.dtype), _scaled(GAIN * self.depth**-0.25)
        h = _Activation(name="act_0")(_linear(2 * x.shape[-1], self.dtype, "widen", init)(x))
        h = _Activation(name="act_1")(_GroupedConv(self.group_size, init, name="grouped")(h))
        return x + _linear(x.shape[-1], self.dtype, "narrow", nn.initializers.zeros)(h)


class R3GANGenerator(nn.Module):
    """Maps latents to images; the range is not bounded, [0, 1] are black and white.

    Learnt images of the lowest resolution, one for each channel, are scaled by a linear function of the latent, to which the
    learnt vector of the class is joined if there are labels. Each further resolution is reached by a 1x1 convolution, where the
    number of channels changes, and upsampling by the filter (1, 3, 3, 1).

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `stages` for the sizes that fit.
      width: the channels of resolutions up to `widest`; each doubling beyond halves them.
      widest: the largest side with the full width.
      blocks: the number of residual blocks at each resolution.
      group_size: the channels in a group.
      dtype: the dtype of the computation at the four highest resolutions, without the lowest; the output is float32.
      n_classes: the number of classes; 0 without labels.
      class_size: the dimension of the vector of a class.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.R3GANGenerator((8, 8, 1), width=4, group_size=4), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape
      (3, 8, 8, 1)

    References:
      Huang et al. (2024), https://arxiv.org/abs/2501.05441
    """

    image_shape: Sequence[int]
    width: int = 768
    widest: int = 32
    blocks: int = 2
    group_size: int = 16
    dtype: jnp.dtype = jnp.float32
    n_classes: int = 0
    class_size: int = 64

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], labels: Int[jax.Array, " b"] | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]`, and labels `[B]` if there are classes, to `[B, height, width, channels]` float32."""
        if self.n_classes:
            z = jnp.concatenate([z, _class_vectors(labels, self.n_classes, self.class_size)], axis=1)
        sides = stages(self.image_shape)
        widths, dtypes = _widths(sides, self.width, self.widest, self.group_size), _dtypes(len(sides), self.dtype)
        basis = self.param("basis", normal(1.0), (*sides[0], self.width))
        scales = nn.Dense(self.width, use_bias=False, kernel_init=_scaled(1.0), name="project")(z)
        h = basis[None] * scales[:, None, None, :]
        for index, (channels, dtype) in enumerate(zip(widths, dtypes, strict=True)):
            h = h.astype(dtype)
            if index > 0:
                if channels != widths[index - 1]:
                    h = _linear(channels, dtype, f"change_{index}")(h)
                h = resample.upsample(h)
            for block in range(self.blocks):
                depth = self.blocks * len(sides)
                h = R3GANBlock(self.group_size, depth, dtype, name=f"block_{index}_{block}")(h)
        image = _linear(self.image_shape[-1], dtypes[-1], "output")(h)
        return (image.astype(jnp.float32) + 1) / 2


class R3GANDiscriminator(nn.Module):
    """Maps an image to one logit: the generator mirrored.

    The image is scaled from [0, 1] to [-1, 1]. A convolution of each channel with one kernel of the size of the lowest
    resolution, and a linear layer, make the logit: with labels, the inner product of as many features as channels and the
    learnt vector of the class.

    Attributes:
      width: as that of `R3GANGenerator`.
      widest: as that of `R3GANGenerator`.
      blocks: the number of residual blocks at each resolution.
      group_size: the channels in a group.
      dtype: as that of `R3GANGenerator`; the logits are float32.
      n_classes: the number of classes; 0 without labels.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.R3GANDiscriminator(width=4, group_size=4), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3,)

    References:
      Huang et al. (2024), https://arxiv.org/abs/2501.05441
    """

    width: int = 768
    widest: int = 32
    blocks: int = 2
    group_size: int = 16
    dtype: jnp.dtype = jnp.float32
    n_classes: int = 0

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], labels: Int[jax.Array, "b ..."] | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]`, and labels `[B]` if there are classes, to `[B]` float32 logits."""
        sides = stages(x.shape[1:])
        widths, dtypes = _widths(sides, self.width, self.widest, self.group_size), _dtypes(len(sides), self.dtype)
        h = _linear(widths[-1], dtypes[-1], "input")(2 * x - 1)
        for index in reversed(range(len(sides))):
            h = h.astype(dtypes[index])
            for block in range(self.blocks):
                depth = self.blocks * len(sides)
                h = R3GANBlock(self.group_size, depth, dtypes[index], name=f"block_{index}_{block}")(h)
            if index > 0:
                h = resample.downsample(h)
                if widths[index - 1] != widths[index]:
                    h = _linear(widths[index - 1], dtypes[index], f"change_{index}")(h)
        kernel = self.param("basis", lambda key, shape: normal(1 / math.sqrt(math.prod(sides[0])))(key, shape), h.shape[1:])
        h = jnp.sum(h.astype(jnp.float32) * kernel[None], axis=(1, 2))
        features = nn.Dense(self.width if self.n_classes else 1, use_bias=False, kernel_init=_scaled(1.0), name="output")(h)
        if not self.n_classes:
            return features[:, 0]
        return jnp.sum(features * _class_vectors(labels, self.n_classes, self.width, self.width**-0.5), axis=1)
