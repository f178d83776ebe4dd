"""The convolutional networks of WGAN-GP, for images of any size: 5x5 kernels, no normalisation in the critic."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.layers import symmetric_uniform
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit
from jgan.types import Key

KERNEL, LARGEST_BASE = 5, 4


def sizes(image_shape: Sequence[int]) -> list[tuple[int, int]]:
    """The sides of an image at all stages: halved and rounded up, until the smaller is at most 4, and at least twice.

    Args:
      image_shape: `(height, width, channels)`; both sides must be at least 5, that of the kernels.

    Returns:
      `(height, width)` from the whole image down to the smallest.

    Raises:
      ValueError: if the image is smaller than a kernel.

    Example:
      >>> from jgan.networks import wgan_gp
      >>> wgan_gp.sizes((28, 28, 1))
      [(28, 28), (14, 14), (7, 7), (4, 4)]
    """
    height, width, _ = image_shape
    if min(height, width) < KERNEL:
        raise ValueError(
            f"the networks of WGAN-GP have kernels of {KERNEL}x{KERNEL} and make images of that size or larger, found "
            f"{height}x{width}; the nearest is {'x'.join(map(str, nearest((height, width))))}"
        )
    found = [(height, width)]
    while len(found) < 3 or min(found[-1]) > LARGEST_BASE:
        found.append((-(-found[-1][0] // 2), -(-found[-1][1] // 2)))
    return found


def nearest(size: tuple[int, int]) -> tuple[int, int]:
    """The size of images that these networks make nearest to a given one: no side smaller than a kernel.

    Args:
      size: height and width.

    Returns:
      Height and width.

    Example:
      >>> from jgan.networks import wgan_gp
      >>> wgan_gp.nearest((3, 28))
      (5, 28)
    """
    return max(size[0], KERNEL), max(size[1], KERNEL)


def fan_average(gain: float, fan_in: float, fan_out: float) -> Callable[..., jax.Array]:
    """The initialiser U(-a, a) of the standard deviation `sqrt(2 gain / (fan_in + fan_out))`.

    Args:
      gain: 1 for Glorot's initialisation, 2 before a ReLU.
      fan_in: the number of inputs of an output.
      fan_out: the number of outputs of an input.

    Returns:
      `init(key, shape, dtype) -> array`.

    Example:
      >>> import jax
      >>> from jgan.networks import wgan_gp
      >>> bool(abs(wgan_gp.fan_average(1.0, 2, 4)(jax.random.key(0), (2, 4))).max() <= 1)
      True
    """
    return symmetric_uniform(math.sqrt(6 * gain / (fan_in + fan_out)))


def _conv_init(key: Key, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
    k, _, inputs, outputs = shape
    return fan_average(2, k * k * inputs, k * k * outputs / 4)(key, shape, dtype)


def _up_init(key: Key, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
    k, _, inputs, outputs = shape
    return fan_average(2, k * k * inputs / 4, k * k * outputs)(key, shape, dtype)


def _dense(features: int, inputs: int, dtype: jnp.dtype, name: str, use_bias: bool = True) -> nn.Dense:
    init = fan_average(1, inputs, features)
    return nn.Dense(features, use_bias=use_bias, kernel_init=init, dtype=dtype, name=name)


class WGANGPGenerator(nn.Module):
    """Maps latents to images in [0, 1] through transposed convolutions (5x5, stride 2, with biases) and ReLUs.

    A linear layer makes the smallest image of `sizes`, with twice as many channels a stage as the one after it and `width`
    before the last; each stage doubles the sides and crops what is too much, as from 8x8 to the 7x7 of a 28x28 image.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      width: the channels before the last stage; 64 for MNIST, 128 for CIFAR-10 in the authors' code.
      batch_norm: whether the hidden layers have batch normalisation, the first for each unit; as for CIFAR-10, not for MNIST.
      symmetric: whether the image is `(tanh + 1) / 2`, as for CIFAR-10, rather than a sigmoid, as for MNIST.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.WGANGPGenerator((28, 28, 1), width=4), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape
      (3, 28, 28, 1)

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), https://arxiv.org/abs/1704.00028, and its code,
      https://github.com/igul222/improved_wgan_training, `gan_mnist.py` and `gan_cifar.py`
    """

    image_shape: Sequence[int]
    width: int = 64
    batch_norm: bool = True
    symmetric: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        *larger, base = sizes(self.image_shape)

        def hidden(h: jax.Array, index: int) -> jax.Array:
            if self.batch_norm:
                # It undoes the bias, whose gradient is 0: only rounding errors would be left of that, and Adam's steps of them.
                bias = self.param(f"bias_{index}", nn.initializers.zeros, h.shape[-1:])
                h = h + jax.lax.stop_gradient(bias).astype(self.dtype).reshape(*[1] * (h.ndim - 1), -1)
                h = BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name)
            return nn.relu(h)

        channels = self.width << (len(larger) - 1)
        h = _dense(math.prod(base) * channels, z.shape[-1], self.dtype, "project", not self.batch_norm)(z)
        h = hidden(h, 0).reshape(-1, *base, channels)
        for index, (height, width) in enumerate(reversed(larger), 1):
            last = index == len(larger)
            features = self.image_shape[-1] if last else self.width << (len(larger) - 1 - index)
            name = "output" if last else f"up_{index}"
            layer = ConvTranspose(
                features,
                KERNEL,
                stride=2,
                use_bias=last or not self.batch_norm,
                kernel_init=_up_init,
                dtype=self.dtype,
                name=name,
            )
            h = layer(h)
            h = (h if last else hidden(h, index))[:, :height, :width]
        return tanh_to_unit(h) if self.symmetric else nn.sigmoid(h.astype(jnp.float32))


class WGANGPCritic(nn.Module):
    """Maps an image in [0, 1] to one number through convolutions (5x5, stride 2, with biases), without normalisation.

    Attributes:
      width: the channels after the first stage; each later stage has twice as many as the one before.
      symmetric: whether the image is scaled to [-1, 1] first.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.WGANGPCritic(width=4), (28, 28, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 28, 28, 1)))[0].shape
      (3,)

    References:
      As for `WGANGPGenerator`.
    """

    width: int = 64
    symmetric: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32."""
        h = x.astype(self.dtype)
        h = 2 * h - 1 if self.symmetric else h
        for index in range(len(sizes(x.shape[1:])) - 1):
            layer = Conv(self.width << index, KERNEL, stride=2, kernel_init=_conv_init, dtype=self.dtype, name=f"down_{index}")
            h = nn.leaky_relu(layer(h), 0.2)
        h = h.reshape(h.shape[0], -1)
        return _dense(1, h.shape[-1], self.dtype, "output")(h)[:, 0].astype(jnp.float32)
