"""The generator and the discriminator of DCGAN, for images of many sizes."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks import pyramid
from jgan.networks.activations import ACTIVATIONS
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed
from jgan.utils.checks import whole


def stages(image_shape: Sequence[int], owner: str = "DCGAN") -> tuple[int, tuple[int, int]]:
    """How often the sides of an image can be halved, and what is left of them.

    Args:
      image_shape: `(height, width, channels)`. The smaller side must be 4, 5, 6 or 7 times a power of two, at least 8, and the
        other side a multiple of the same power.
      owner: the network's name, for the message.

    Returns:
      `(number of stages, (base height, base width))`; the smaller base is 4, 5, 6 or 7. Images of 8 or 12 pixels have a second
      stage, and a base of 2 or 3: with one, the discriminator would be too weak to train the generator.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import dcgan
      >>> dcgan.stages((8, 8, 1)), dcgan.stages((28, 28, 1)), dcgan.stages((64, 64, 3))
      ((2, (2, 2)), (2, (7, 7)), (4, (4, 4)))
    """
    height, width, _ = image_shape
    count, _ = pyramid.levels(image_shape, owner)
    if count == 1 and height % 4 == width % 4 == 0:
        count = 2
    return count, (height >> count, width >> count)


class DCGANGenerator(nn.Module):
    """Maps latents to images in [0, 1] through transposed convolutions with batch normalisation.

    A linear layer makes a small image (see `stages`), and each stage doubles its sides and halves its channels (stride 2, no
    biases), down to `width` channels before the last stage. The output is `(tanh + 1) / 2`: the tanh of the paper, in the units
    of this library's images. With 64x64x3 images the layers are those of the DCGAN example of PyTorch; with `width` 128,
    `kernel_size` 5 and `unit_norm` those of the paper's own code.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `stages` for the sizes that fit.
      width: the channels before the last stage.
      activation: that of the hidden layers, the name of one of `ACTIVATIONS`: `"relu"` or `"gelu"`.
      kernel_size: the side of the kernels, at least 2.
      units: those of one more linear layer, with batch normalisation, between the latents and the small image; 0: none. The
        network of the paper's own code for 28x28 digits has one of 1,024; it needs `unit_norm`.
      unit_norm: whether the linear layer's batch normalisation has statistics, a gain and a shift for each unit, rather than
        for each channel of the small image.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.DCGANGenerator((8, 8, 1), width=4), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape
      (3, 8, 8, 1)

    References:
      Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks" (2016),
      https://arxiv.org/abs/1511.06434
    """

    image_shape: Sequence[int]
    width: int = 64
    activation: str = "relu"
    kernel_size: int = 4
    units: int = 0
    unit_norm: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape)
        act = ACTIVATIONS[self.activation]

        def hidden(h: jax.Array, name: int | str) -> jax.Array:
            norm = BatchNorm(scale_init=normal(0.02, 1.0), dtype=self.dtype, name=f"norm_{name}")
            return act(norm(h, train=train, axis_name=axis_name))

        def dense(features: int, name: str) -> nn.Dense:
            return nn.Dense(features, use_bias=False, kernel_init=normal(0.02), dtype=self.dtype, name=name)

        if self.units:
            z = hidden(dense(self.units, "linear")(z), "linear")
        channels = self.width << (count - 1)
        project = dense(base[0] * base[1] * channels, "project")
        h = project(z) if self.unit_norm else project(z).reshape(-1, *base, channels)
        h = hidden(h, 0).reshape(-1, *base, channels)
        for index in range(1, count):
            h = hidden(self._up(self.width << (count - 1 - index), f"up_{index}")(h), index)
        image = self._up(self.image_shape[-1], "output")(h)
        return tanh_to_unit(image)

    def _up(self, features: int, name: str) -> ConvTranspose:
        size = whole("kernel_size", self.kernel_size, 2)
        return ConvTranspose(features, size, stride=2, use_bias=False, kernel_init=normal(0.02), dtype=self.dtype, name=name)


class DCGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit through convolutions with batch normalisation.

    Each stage halves the sides (stride 2, no biases). The first has `width` channels, and each later one twice as many as the
    one before; all but the first have batch normalisation. A linear layer without a bias makes the logit. The image is scaled
    to [-1, 1] first.

    Attributes:
      width: the channels after the first stage.
      activation: that of the hidden layers, the name of one of `ACTIVATIONS`: `"leaky_relu"` (slope 0.2) or `"gelu"`.
      kernel_size: the side of the kernels, at least 2.
      batch_norm: whether the later stages have batch normalisation. Otherwise each logit depends on its own image alone, which
        penalties on input gradients need; all stages have biases then, and the kernels start with the variance `2 / fan_in`:
        with that of DCGAN the signal would shrink at every stage, and such a penalty take long to make it grow.
      units: units of a hidden linear layer before the logit, normalised as the stages are; 0 for none, as in the paper's
        figure. The discriminator of the paper's own code for 28x28 digits has one of 1,024.
      features: whether to return the last hidden layer too, for feature matching.
      dtype: the dtype of the computation; logits and features are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.DCGANDiscriminator(width=4), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3,)

    References:
      Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks" (2016),
      https://arxiv.org/abs/1511.06434
    """

    width: int = 64
    activation: str = "leaky_relu"
    kernel_size: int = 4
    batch_norm: bool = True
    units: int = 0
    features: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"] | tuple[Float32[jax.Array, " b"], Float32[jax.Array, "b ..."]]:
        """Maps `[B, height, width, channels]` to `[B]` float32 logits, or to a pair of them and `[B, ...]` features."""
        count, _ = stages(x.shape[1:])
        act = ACTIVATIONS[self.activation]
        shared: dict[str, Any] = {
            "use_bias": not self.batch_norm,
            "kernel_init": normal(0.02) if self.batch_norm else nn.initializers.he_normal(),
            "dtype": self.dtype,
        }

        def hidden(h: jax.Array, name: int | str) -> jax.Array:
            if self.batch_norm and name != 0:
                norm = BatchNorm(scale_init=normal(0.02, 1.0), dtype=self.dtype, name=f"norm_{name}")
                h = norm(h, train=train, axis_name=axis_name)
            return act(h)

        h, size = to_signed(x, self.dtype), whole("kernel_size", self.kernel_size, 2)
        for index in range(count):
            h = hidden(Conv(self.width << index, size, stride=2, **shared, name=f"down_{index}")(h), index)
        if self.units:
            h = hidden(nn.Dense(self.units, **shared, name="linear")(h.reshape(len(h), -1)), "linear")
        output = nn.Dense(1, **(shared | {"use_bias": False}), name="output")
        logits = output(h.reshape(len(h), -1))[:, 0].astype(jnp.float32)
        return (logits, h.astype(jnp.float32)) if self.features else logits
