"""The networks of the conditional DCGAN: the label is joined to the input of every layer."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.labels import joined, vectors
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm


class CDCGANGenerator(nn.Module):
    """Maps latents and labels to images in [0, 1] through two linear layers and transposed convolutions.

    The label is joined to the input of every layer: to vectors as further units, to maps as constant further channels. All
    layers but the last have batch normalisation without gain and shift, and a ReLU; none has biases. The output is a sigmoid.
    For 28x28 images and ten classes it has 6,820,538 parameters, as the authors' network.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      n_classes: the number of classes.
      width: the channels before the last stage; each earlier stage has twice as many.
      units: those of the first linear layer.
      kernel_size: the side of the kernels.
      label_size: the size of a learnt vector for each class; 0 for one-hot vectors.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.CDCGANGenerator((8, 8, 1), n_classes=10, width=4, units=8)
      >>> network = networks.from_module(generator, (16,), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 16)), jnp.array([3, 7]))[0].shape
      (2, 8, 8, 1)

    References:
      The conditional MNIST model in the authors' code of DCGAN, https://github.com/Newmu/dcgan_code
    """

    image_shape: Sequence[int]
    n_classes: int
    width: int = 64
    units: int = 1024
    kernel_size: int = 5
    label_size: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, "b ..."],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps latents `[B, latent_size]` and labels `[B]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape)
        y = vectors(labels, self.n_classes, self.label_size)

        def hidden(h: jax.Array, index: int) -> jax.Array:
            norm = BatchNorm(use_scale=False, use_bias=False, dtype=self.dtype, name=f"norm_{index}")
            return nn.relu(norm(h, train=train, axis_name=axis_name))

        def linear(h: jax.Array, units: int, name: str) -> jax.Array:
            layer = nn.Dense(units, use_bias=False, kernel_init=normal(0.02), dtype=self.dtype, name=name)
            return layer(joined(h, y))

        def up(h: jax.Array, features: int, name: str) -> jax.Array:
            options: dict[str, Any] = {"use_bias": False, "kernel_init": normal(0.02), "dtype": self.dtype, "name": name}
            return ConvTranspose(features, self.kernel_size, stride=2, **options)(joined(h, y))

        channels = self.width << (count - 1)
        h = hidden(linear(z.astype(self.dtype), self.units, "latent"), 0)
        h = hidden(linear(h, base[0] * base[1] * channels, "project"), 1).reshape(-1, *base, channels)
        for index in range(1, count):
            h = hidden(up(h, self.width << (count - 1 - index), f"up_{index}"), index + 1)
        return nn.sigmoid(up(h, self.image_shape[-1], "output").astype(jnp.float32))


class CDCGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] and its label to one logit through convolutions and a linear layer.

    The label is joined to the input of every layer, as in `CDCGANGenerator`. All layers but the first and the last have batch
    normalisation without gain and shift; all but the last a leaky ReLU of slope 0.2. For 28x28 images and ten classes it has
    6,688,202 parameters, as the authors' network.

    Attributes:
      n_classes: the number of classes.
      width: the channels after the first stage; each later stage has twice as many.
      units: those of the linear layer.
      kernel_size: the side of the kernels.
      label_size: the size of a learnt vector for each class; 0 for one-hot vectors.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> discriminator = networks.CDCGANDiscriminator(n_classes=10, width=4, units=8)
      >>> network = networks.from_module(discriminator, (8, 8, 1), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 8, 8, 1)), jnp.array([3, 7]))[0].shape
      (2,)

    References:
      The conditional MNIST model in the authors' code of DCGAN, https://github.com/Newmu/dcgan_code
    """

    n_classes: int
    width: int = 64
    units: int = 1024
    kernel_size: int = 5
    label_size: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        labels: Int[jax.Array, "b ..."],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, " b"]:
        """Maps images `[B, height, width, channels]` and labels `[B]` to `[B]` float32 logits."""
        count, _ = stages(x.shape[1:])
        y = vectors(labels, self.n_classes, self.label_size)
        shared: dict[str, Any] = {"use_bias": False, "kernel_init": normal(0.02), "dtype": self.dtype}

        def hidden(h: jax.Array, index: int) -> jax.Array:
            if index:
                norm = BatchNorm(use_scale=False, use_bias=False, dtype=self.dtype, name=f"norm_{index}")
                h = norm(h, train=train, axis_name=axis_name)
            return nn.leaky_relu(h, 0.2)

        h = x.astype(self.dtype)
        for index in range(count):
            layer = Conv(self.width << index, self.kernel_size, stride=2, **shared, name=f"down_{index}")
            h = hidden(layer(joined(h, y)), index)
        h = hidden(nn.Dense(self.units, **shared, name="hidden")(joined(h.reshape(len(h), -1), y)), count)
        return nn.Dense(1, **shared, name="output")(joined(h, y))[:, 0].astype(jnp.float32)
