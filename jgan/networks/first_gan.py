"""The networks of "Make Your First GAN With PyTorch": one hidden layer, or a few convolutions with large kernels.

Weights and biases start in U(-a, a) with `a = 1 / sqrt(fan)`, as in PyTorch; for a transposed convolution the fan counts the
outputs of the kernel.
"""

import functools
import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.activations import ACTIVATIONS
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.labels import joined, one_hot
from jgan.networks.layers import symmetric_uniform
from jgan.networks.norms import BatchNorm

KERNEL = 8
"""The side of the kernels of all convolutions."""

CODES = 3
"""The channels of the generator's first image and of the discriminator's last."""


def activation(name: str, slope: float) -> Callable[[jax.Array], jax.Array]:
    """An activation by its name.

    Args:
      name: a name in `ACTIVATIONS`.
      slope: of `"leaky_relu"` below 0, in place of the registered one.

    Returns:
      The function.

    Example:
      >>> from jgan.networks import first_gan
      >>> float(first_gan.activation("leaky_relu", 0.5)(-2.0))
      -1.0
    """
    return functools.partial(nn.leaky_relu, negative_slope=slope) if name == "leaky_relu" else ACTIVATIONS[name]


def _affine(units: int, inputs: int, dtype: jnp.dtype, name: str) -> nn.Dense:
    init = symmetric_uniform(1 / math.sqrt(inputs))
    return nn.Dense(units, kernel_init=init, bias_init=init, dtype=dtype, name=name)


class FirstGenerator(nn.Module):
    """Maps latents, and labels if there are any, to images in [0, 1] through one hidden layer with layer normalisation.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      units: those of the hidden layer.
      classes: the number of classes, whose one-hot vectors are joined to the latents; 0: no labels.
      activation: that of the hidden layer, by its name in `ACTIVATIONS`.
      slope: of `"leaky_relu"` below 0.
      layer_norm: whether the hidden layer is normalised.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FirstGenerator((28, 28, 1)), (100,))
      >>> sum(leaf.size for leaf in jax.tree.leaves(network.init(jax.random.key(0))[0]))
      178184

    References:
      Rashid, "Make Your First GAN With PyTorch" (2020), https://github.com/makeyourownneuralnetwork/gan
    """

    image_shape: Sequence[int]
    units: int = 200
    classes: int = 0
    activation: str = "leaky_relu"
    slope: float = 0.02
    layer_norm: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` and `[B]` to `[B, height, width, channels]` float32 in [0, 1]."""
        del train, axis_name  # nothing here is random or looks across the batch
        z = joined(z, one_hot(labels, self.classes)) if self.classes else z
        h = _hidden(self, z)
        h = _affine(math.prod(self.image_shape), self.units, self.dtype, "output")(h)
        return nn.sigmoid(h.astype(jnp.float32)).reshape(-1, *self.image_shape)


class FirstDiscriminator(nn.Module):
    """Maps images, and labels if there are any, to logits through one hidden layer with layer normalisation.

    Attributes:
      units: those of the hidden layer.
      classes: the number of classes, whose one-hot vectors are joined to the pixels; 0: no labels.
      activation: that of the hidden layer, by its name in `ACTIVATIONS`.
      slope: of `"leaky_relu"` below 0.
      layer_norm: whether the hidden layer is normalised.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FirstDiscriminator(), (28, 28, 1))
      >>> sum(leaf.size for leaf in jax.tree.leaves(network.init(jax.random.key(0))[0]))
      157601

    References:
      Rashid, "Make Your First GAN With PyTorch" (2020), https://github.com/makeyourownneuralnetwork/gan
    """

    units: int = 200
    classes: int = 0
    activation: str = "leaky_relu"
    slope: float = 0.02
    layer_norm: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` and `[B]` to `[B]` float32."""
        del train, axis_name  # nothing here is random or looks across the batch
        h = x.reshape(len(x), -1)
        h = _hidden(self, joined(h, one_hot(labels, self.classes)) if self.classes else h)
        return _affine(1, self.units, self.dtype, "output")(h)[:, 0].astype(jnp.float32)


def _hidden(network: FirstGenerator | FirstDiscriminator, x: jax.Array) -> jax.Array:
    """The hidden layer of the module whose compact method calls this."""
    h = _affine(network.units, x.shape[1], network.dtype, "hidden")(x.astype(network.dtype))
    h = activation(network.activation, network.slope)(h)
    if not network.layer_norm:
        return h
    norm = nn.LayerNorm(1e-5, dtype=jnp.float32, use_fast_variance=False, name="norm")
    return norm(h.astype(jnp.float32)).astype(network.dtype)


def grid(side: int) -> int:
    """The side of the generator's first image, which two convolutions without padding and one with 1 enlarge.

    Args:
      side: that of the image, `8 g + 40`.

    Returns:
      `g`.

    Raises:
      ValueError: if there is none, or the discriminator's last image would be empty.

    Example:
      >>> from jgan.networks import first_gan
      >>> first_gan.grid(128)
      11
    """
    if side % 8 or side < 56:
        lower = max(56, side // 8 * 8)
        raise ValueError(f"these networks make images whose sides are multiples of 8 from 56, found {side}: take {lower}")
    return (side - 40) // 8


class FirstConvGenerator(nn.Module):
    """Maps latents to images in [0, 1] through three transposed convolutions of 8x8 kernels with batch normalisation.

    For 128x128 images: 100 latents, 363 units as 11x11 pixels of 3 channels, then 28x28 and 62x62 pixels of `width` channels.
    The output is normalised too, before the sigmoid.

    Attributes:
      image_shape: `(height, width, channels)` of the output; the sides are multiples of 8 from 56.
      width: the channels of the hidden images.
      activation: that of the hidden layers, by its name in `ACTIVATIONS`.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FirstConvGenerator((128, 128, 3)), (100,))
      >>> sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0))[0]))
      4330816

    References:
      Rashid, "Make Your First GAN With PyTorch" (2020), https://github.com/makeyourownneuralnetwork/gan
    """

    image_shape: Sequence[int]
    width: int = 256
    activation: str = "leaky_relu"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        act, (height, width, channels) = activation(self.activation, 0.2), self.image_shape
        rows, columns = grid(height), grid(width)

        def up(h: jax.Array, features: int, padding: int, name: int) -> jax.Array:
            init = symmetric_uniform(1 / (KERNEL * math.sqrt(features)))
            layer = ConvTranspose(
                features, KERNEL, 2, padding, kernel_init=init, bias_init=init, dtype=self.dtype, name=f"up_{name}"
            )
            return BatchNorm(dtype=self.dtype, name=f"norm_{name}")(layer(h), train=train, axis_name=axis_name)

        h = act(_affine(rows * columns * CODES, z.shape[1], self.dtype, "project")(z)).reshape(-1, rows, columns, CODES)
        h = act(up(h, self.width, 0, 1))
        h = act(up(h, self.width, 0, 2))
        return nn.sigmoid(up(h, channels, 1, 3).astype(jnp.float32))


class FirstConvDiscriminator(nn.Module):
    """Maps images to logits through three convolutions of 8x8 kernels, the first two with batch normalisation.

    For 128x128 images: 61x61 and 27x27 pixels of `width` channels, 10x10 of 3, and one linear layer.

    Attributes:
      width: the channels of the first two hidden images.
      activation: that of the hidden layers, by its name in `ACTIVATIONS`.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> network = networks.from_module(networks.FirstConvDiscriminator(), (128, 128, 3))
      >>> sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0))[0]))
      4294448

    References:
      Rashid, "Make Your First GAN With PyTorch" (2020), https://github.com/makeyourownneuralnetwork/gan
    """

    width: int = 256
    activation: str = "leaky_relu"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` to `[B]` float32."""
        act = activation(self.activation, 0.2)

        def down(h: jax.Array, features: int, name: int) -> jax.Array:
            init = symmetric_uniform(1 / (KERNEL * math.sqrt(h.shape[-1])))
            return Conv(features, KERNEL, 2, 0, kernel_init=init, bias_init=init, dtype=self.dtype, name=f"down_{name}")(h)

        h = x
        for index in (1, 2):
            norm = BatchNorm(dtype=self.dtype, name=f"norm_{index}")
            h = act(norm(down(h, self.width, index), train=train, axis_name=axis_name))
        h = act(down(h, CODES, 3)).reshape(len(x), -1)
        return _affine(1, h.shape[1], self.dtype, "output")(h)[:, 0].astype(jnp.float32)
