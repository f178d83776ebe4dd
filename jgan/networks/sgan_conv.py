"""The convolutional networks of the semi-supervised GAN, for photographs."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.layers import Dropout, normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed
from jgan.networks.weight_norm import WeightNormConv, WeightNormDense

SMALLEST = 3
"""The side of the kernels, and of the smallest map that the convolution without padding reads."""

_SPREAD = 0.05


class SGANConvGenerator(nn.Module):
    """Maps latents to images in [0, 1] through 5x5 transposed convolutions of stride 2.

    A linear layer makes a small image (see `jgan.networks.dcgan.stages`); each stage doubles its sides and halves its channels.
    The hidden layers have batch normalisation with a shift and no gain, the first for each unit, and ReLU. The last layer is
    weight-normalised, with a learnt length for each channel; the output is `(tanh + 1) / 2`. For 32x32x3 images and 100 latents
    it has 4,933,379 parameters and 3 lengths.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      width: the channels before the last stage.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SGANConvGenerator((8, 8, 1), width=4), (10,))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 10)))[0], jax.random.key(0)).shape
      (3, 8, 8, 1)

    References:
      Salimans et al., "Improved Techniques for Training GANs" (2016), https://arxiv.org/abs/1606.03498; the authors' code for
      CIFAR-10, openai/improved-gan.
    """

    image_shape: Sequence[int]
    width: int = 128
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape, "the semi-supervised GAN")
        options: dict[str, Any] = {"train": train, "axis_name": axis_name}
        shared: dict[str, Any] = {"use_bias": False, "kernel_init": normal(_SPREAD), "dtype": self.dtype}

        def hidden(h: jax.Array, index: int) -> jax.Array:
            return nn.relu(BatchNorm(use_scale=False, epsilon=1e-6, dtype=self.dtype, name=f"norm_{index}")(h, **options))

        channels = self.width << (count - 1)
        h = nn.Dense(base[0] * base[1] * channels, name="project", **shared)(z.astype(self.dtype))
        h = hidden(h, 0).reshape(-1, *base, channels)
        for index in range(1, count):
            h = hidden(ConvTranspose(channels >> index, 5, 2, name=f"up_{index}", **shared)(h), index)
        last = WeightNormConv(
            self.image_shape[-1],
            learn_length=True,
            dtype=self.dtype,
            direction_scale=_SPREAD,
            initial_deviation=0.1,
            kernel_size=5,
            stride=2,
            transposed=True,
            name="output",
        )
        return tanh_to_unit(last(h, **options))


class SGANConvDiscriminator(nn.Module):
    """Maps an image in [0, 1] to the logits of K classes, and to one logit that it is of any of them.

    Two groups of three 3x3 convolutions, of `width` and twice as many channels, the third of stride 2, follow dropout. A 3x3
    convolution without padding (with it where the map is below 3x3), two 1x1 ones and the means over the pixels, the features,
    follow dropout too. All layers are weight-normalised with an initialisation from the data; the activation is leaky ReLU of
    slope 0.2. For 32x32x3 images and ten classes it has 1,406,794 parameters and 10 lengths, those of the last layer. The image
    is scaled to [-1, 1] first.

    Attributes:
      n_classes: K.
      width: the channels of the first group.
      input_keep: the probability that dropout keeps a number of the image.
      hidden_keep: the probability that it keeps one of a hidden layer.
      dtype: the dtype of the computation; the outputs are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SGANConvDiscriminator(n_classes=10, width=2), (12, 12, 1))
      >>> judge = lambda key: network.apply(*network.init(key), jnp.zeros((3, 12, 12, 1)))[0]
      >>> logits, (classes, features) = jax.eval_shape(judge, jax.random.key(0))
      >>> logits.shape, classes.shape, features.shape
      ((3,), (3, 10), (3, 4))

    References:
      As for `SGANConvGenerator`.
    """

    n_classes: int
    width: int = 96
    input_keep: float = 0.8
    hidden_keep: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> tuple[Float32[jax.Array, " b"], tuple[Float32[jax.Array, "b classes"], Float32[jax.Array, "b features"]]]:
        """Maps `[B, height, width, channels]` to `([B] logits, ([B, n_classes] logits, [B, 2 width] features))`."""
        options: dict[str, Any] = {"train": train, "axis_name": axis_name}
        shared: dict[str, Any] = {"dtype": self.dtype, "direction_scale": _SPREAD}

        def hidden(h: jax.Array, name: str, features: int, size: int = 3, stride: int = 1, padded: bool = True) -> jax.Array:
            layer = WeightNormConv(features, kernel_size=size, stride=stride, padded=padded, name=name, **shared)
            return nn.leaky_relu(layer(h, **options), 0.2)

        h = to_signed(x, self.dtype)
        for group, channels in enumerate((self.width, 2 * self.width)):
            h = Dropout(self.hidden_keep if group else self.input_keep, name=f"dropout_{group}")(h, **options)
            for index, stride in enumerate((1, 1, 2)):
                h = hidden(h, f"conv_{group}_{index}", channels, stride=stride)
        h = Dropout(self.hidden_keep, name="dropout_2")(h, **options)
        h = hidden(h, "conv_2_0", 2 * self.width, padded=min(h.shape[1:3]) < SMALLEST)
        for index in (1, 2):
            h = hidden(h, f"conv_2_{index}", 2 * self.width, size=1)
        features = h.astype(jnp.float32).mean((1, 2))
        last = WeightNormDense(self.n_classes, learn_length=True, initial_deviation=0.1, name="output", **shared)
        classes = last(features, **options).astype(jnp.float32)
        return nn.logsumexp(classes, axis=1), (classes, features)
