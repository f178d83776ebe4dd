"""The networks of the semi-supervised GAN: a classifier with noise in every layer, and a generator of its features."""

import math
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.noise import GaussianNoise
from jgan.networks.norms import BatchNorm
from jgan.networks.weight_norm import WeightNormDense


class SGANGenerator(nn.Module):
    """Maps latents to images in [0, 1] through linear layers, batch normalisation and softplus.

    The normalisation of the hidden layers has a shift and no gain. The last layer is weight-normalised, with a learnt length
    for each pixel, and a sigmoid follows. For 28x28 images and 100 latents it has 693,784 parameters and 784 lengths.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      units: those of the hidden layers.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SGANGenerator((8, 8, 1), units=(16,)), (10,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 10)))[0].shape
      (3, 8, 8, 1)

    References:
      Salimans et al., "Improved Techniques for Training GANs" (2016), https://arxiv.org/abs/1606.03498; the authors' code for
      MNIST, openai/improved-gan.
    """

    image_shape: Sequence[int]
    units: Sequence[int] = (500, 500)
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        h = z
        for index, units in enumerate(self.units):
            h = nn.Dense(units, use_bias=False, dtype=self.dtype, name=f"hidden_{index}")(h)
            norm = BatchNorm(use_scale=False, dtype=self.dtype, name=f"norm_{index}")
            h = nn.softplus(norm(h, train=train, axis_name=axis_name))
        last = WeightNormDense(math.prod(self.image_shape), learn_length=True, data_init=False, dtype=self.dtype, name="output")
        return nn.sigmoid(last(h).astype(jnp.float32)).reshape(-1, *self.image_shape)


class SGANDiscriminator(nn.Module):
    """Maps an image in [0, 1] to the logits of K classes, and to one logit that it is of any of them.

    The one logit is the log-sum-exp of the K: a real image is of one of the classes, a fake of a further one whose logit is 0.
    Each layer is weight-normalised with an initialisation from the data, and Gaussian noise is added to its input in training.
    For 28x28 images and ten classes it has 1,538,760 parameters and 10 lengths, those of the last layer.

    Attributes:
      n_classes: K.
      units: those of the hidden layers.
      input_noise: the standard deviation of the noise on the image.
      hidden_noise: that of the noise on hidden layers.
      dtype: the dtype of the computation; the outputs are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SGANDiscriminator(n_classes=10, units=(16, 8)), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> logits, (classes, features) = network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0]
      >>> logits.shape, classes.shape, features.shape
      ((3,), (3, 10), (3, 8))

    References:
      Salimans et al. (2016), section 5, https://arxiv.org/abs/1606.03498; the authors' code for MNIST, openai/improved-gan.
    """

    n_classes: int
    units: Sequence[int] = (1000, 500, 250, 250, 250)
    input_noise: float = 0.3
    hidden_noise: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> tuple[Float32[jax.Array, " b"], tuple[Float32[jax.Array, "b classes"], Float32[jax.Array, "b features"]]]:
        """Maps `[B, height, width, channels]` to `([B] logits, ([B, n_classes] logits, [B, units[-1]] features))`."""
        options: dict[str, Any] = {"train": train, "axis_name": axis_name}
        h = GaussianNoise(self.input_noise, name="noise")(x.reshape(len(x), -1).astype(self.dtype), **options)
        features = h
        for index, units in enumerate(self.units):
            features = nn.relu(WeightNormDense(units, dtype=self.dtype, name=f"hidden_{index}")(h, **options))
            h = GaussianNoise(self.hidden_noise, name=f"noise_{index}")(features, **options)
        last = WeightNormDense(self.n_classes, learn_length=True, dtype=self.dtype, name="output")
        classes = last(h, **options).astype(jnp.float32)
        return nn.logsumexp(classes, axis=1), (classes, features.astype(jnp.float32))
