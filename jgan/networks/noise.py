"""Noise inputs: of a style-based generator, one value a pixel times a learnt strength; Gaussian noise on any layer."""

import zlib

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Float, Float32

from jgan import rng


def fixed_noise(path: str, height: int, width: int) -> Float32[jax.Array, "h w 1"]:
    """The noise that a layer adds outside training: standard normal, the same for all images and all runs.

    Args:
      path: the path of the layer in its network, with slashes.
      height: the height of the image.
      width: its width.

    Returns:
      `[height, width, 1]` float32.

    Example:
      >>> from jgan.networks.noise import fixed_noise
      >>> fixed_noise("block_1/noise", 4, 4).shape
      (4, 4, 1)
    """
    key = jax.random.fold_in(jax.random.key(0), np.uint32(zlib.crc32(path.encode())))
    return jax.random.normal(key, (height, width, 1))


class NoiseInjection(nn.Module):
    """Adds noise to an image, `x + strength * noise`; the strength is one number for the layer, initially 0.

    In training the noise is drawn for each example from the random stream `noise`. Otherwise it is `fixed_noise`, so that the
    same latents always give the same image, or none.

    Attributes:
      outside_training: whether there is noise outside training.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.NoiseInjection(), jnp.zeros((2, 4, 4, 3))
      >>> y = layer.apply({"params": {"strength": 1.0}}, x, train=True, rngs={"noise": jax.random.key(0)})
      >>> bool((y[..., 0] == y[..., 1]).all()), bool((y[0] == y[1]).any())
      (True, False)

    References:
      Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks" (2019), section 2,
      https://arxiv.org/abs/1812.04948
    """

    outside_training: bool = True

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, h, w, channels]` to the same shape and dtype."""
        strength = self.param("strength", nn.initializers.zeros, ())
        b, h, w, _ = x.shape
        if train:
            noise = rng.one_each(self.make_rng("noise"), b, lambda key: jax.random.normal(key, (h, w, 1)), axis_name)
        elif self.outside_training:
            noise = fixed_noise("/".join(self.path), h, w)[None]
        else:
            return x
        return x + (strength * noise).astype(x.dtype)


class GaussianNoise(nn.Module):
    """Adds noise from N(0, std^2) in training mode.

    The noise is drawn example by example (`jgan.rng`), so that it does not depend on the number of devices.

    Attributes:
      std: its standard deviation.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.GaussianNoise(0.5), jnp.zeros((1000, 10))
      >>> noisy = layer.apply({}, x, train=True, rngs={"dropout": jax.random.key(0)})
      >>> round(float(noisy.std()), 1), float(layer.apply({}, x).std())
      (0.5, 0.0)
    """

    std: float

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, " b *shape"], *, train: bool = False, axis_name: str | None = None
    ) -> Float[jax.Array, " b *shape"]:
        """Maps `[B, ...]` to the same shape."""
        if not train or not self.std:
            return x
        draw = lambda key: jax.random.normal(key, x.shape[1:], x.dtype)  # noqa: E731
        return x + self.std * rng.one_each(self.make_rng("dropout"), len(x), draw, axis_name)
