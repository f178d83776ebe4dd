"""The networks of AC-GAN: the discriminator also predicts the class."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.labels import joined, vectors
from jgan.networks.layers import Dropout, normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed


class ACGANGenerator(nn.Module):
    """Maps latents and labels to images in [0, 1]: a linear layer, then transposed convolutions with batch normalisation.

    The one-hot label is joined to the latents. The linear layer makes `width / 4` small maps (see `jgan.networks.dcgan.stages`)
    with a ReLU; each 5x5 transposed convolution doubles the sides. The last stage but one has `width` channels, those before
    it twice as many as the next. The output is `(tanh + 1) / 2`. For CIFAR-10 it has 626,691 parameters, as published.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      n_classes: the number of classes.
      width: the channels before the last stage, at least 4.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.ACGANGenerator((8, 8, 1), n_classes=10, width=4)
      >>> network = networks.from_module(generator, (16,), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 16)), jnp.array([3, 7]))[0].shape
      (2, 8, 8, 1)

    References:
      Odena et al., "Conditional Image Synthesis With Auxiliary Classifier GANs" (2017), appendix,
      https://arxiv.org/abs/1610.09585
    """

    image_shape: Sequence[int]
    n_classes: int
    width: int = 96
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
        count, base = stages(self.image_shape, "AC-GAN")
        maps = max(1, self.width // 4)
        shared: dict[str, Any] = {"kernel_init": normal(0.02), "dtype": self.dtype}
        z = joined(z.astype(self.dtype), vectors(labels, self.n_classes, 0))
        h = nn.relu(nn.Dense(base[0] * base[1] * maps, **shared, name="project")(z)).reshape(-1, *base, maps)
        for index in range(1, count):
            h = ConvTranspose(self.width << (count - 1 - index), 5, stride=2, **shared, name=f"up_{index}")(h)
            norm = BatchNorm(dtype=self.dtype, name=f"norm_{index}")
            h = nn.relu(norm(h, train=train, axis_name=axis_name))
        image = ConvTranspose(self.image_shape[-1], 5, stride=2, **shared, name="output")(h)
        return tanh_to_unit(image)


class ACGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit and to the logits of its class, through 3x3 convolutions with dropout.

    Pairs of convolutions, the first of stride 2; each convolution has twice the channels of the one before it, from `width` on.
    All but the first have batch normalisation; a leaky ReLU of slope 0.2 and dropout follow. For CIFAR-10 it has 1,664,875
    parameters, as published. The image is scaled to [-1, 1] first.

    Attributes:
      n_classes: the number of classes.
      width: the channels of the first convolution.
      keep: the probability that dropout keeps a number.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ACGANDiscriminator(n_classes=10, width=2), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> logits, classes = network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0]
      >>> logits.shape, classes.shape
      ((3,), (3, 10))

    References:
      Odena et al. (2017), appendix, https://arxiv.org/abs/1610.09585
    """

    n_classes: int
    width: int = 16
    keep: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        labels: Int[jax.Array, "b ..."] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Float32[jax.Array, " b"], Float32[jax.Array, "b classes"]]:
        """Maps `[B, height, width, channels]` to `[B]` and `[B, n_classes]` float32 logits; it does not look at labels."""
        shared: dict[str, Any] = {"kernel_init": normal(0.02), "dtype": self.dtype}
        h = to_signed(x, self.dtype)
        for index in range(2 * pairs(x.shape[1:])):
            h = Conv(self.width << index, 3, stride=2 - index % 2, **shared, name=f"conv_{index}")(h)
            if index:
                h = BatchNorm(dtype=self.dtype, name=f"norm_{index}")(h, train=train, axis_name=axis_name)
            h = Dropout(self.keep, name=f"dropout_{index}")(nn.leaky_relu(h, 0.2), train=train, axis_name=axis_name)
        found = nn.Dense(1 + self.n_classes, **shared, name="output")(h.reshape(len(h), -1)).astype(jnp.float32)
        return found[:, 0], found[:, 1:]


def pairs(image_shape: Sequence[int]) -> int:
    """How many pairs of convolutions the discriminator has for images of a size.

    Args:
      image_shape: `(height, width, channels)`.

    Returns:
      The number: three as published, two for images below 16 pixels.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import acgan
      >>> acgan.pairs((32, 32, 3)), acgan.pairs((8, 8, 1))
      (3, 2)
    """
    stages(image_shape, "AC-GAN")
    return 3 if min(image_shape[:2]) >= 16 else 2
