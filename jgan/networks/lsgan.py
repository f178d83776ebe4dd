"""The generator of LSGAN for scenes of 112x112 pixels, with two layers at a size as VGG has."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import ConvTranspose
from jgan.networks.dcgan import stages
from jgan.networks.layers import normal
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit

_INIT = normal(0.02)


class LSGANGenerator(nn.Module):
    """Maps latents to images in [0, 1] through 3x3 transposed convolutions of stride 2 and 1 with batch normalisation.

    A linear layer makes a small image of `4 width` channels (see `jgan.networks.dcgan.stages`). Each stage doubles the sides by
    a layer of stride 2. The last has `width` channels and the one before it twice as many; those before have four times as
    many and a second layer, of stride 1. A layer of stride 1 makes the image; the output is `(tanh + 1) / 2`. All layers have
    biases. For 112x112x3 images and 1,024 latents it has 15,591,427 parameters, as published.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      width: the channels of the last stage.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.LSGANGenerator((28, 28, 1), width=2), (5,))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((3, 5)))[0], jax.random.key(0)).shape
      (3, 28, 28, 1)

    References:
      Mao et al., "Least Squares Generative Adversarial Networks" (2017), figure 5, https://arxiv.org/abs/1611.04076, and the
      authors' code, xudonmao/LSGAN
    """

    image_shape: Sequence[int]
    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, z: Float[jax.Array, "b latent"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]` to `[B, height, width, channels]` float32 in [0, 1]."""
        count, base = stages(self.image_shape, "LSGAN")

        def layer(h: jax.Array, features: int, stride: int, name: str) -> jax.Array:
            return ConvTranspose(features, 3, stride, kernel_init=_INIT, dtype=self.dtype, name=name)(h)

        def hidden(h: jax.Array, name: str) -> jax.Array:
            return nn.relu(BatchNorm(dtype=self.dtype, name=f"norm_{name}")(h, train=train, axis_name=axis_name))

        widest = 4 * self.width
        project = nn.Dense(base[0] * base[1] * widest, kernel_init=_INIT, dtype=self.dtype, name="project")
        h = hidden(project(z.astype(self.dtype)).reshape(-1, *base, widest), "0")
        for index in range(1, count + 1):
            features = min(widest, self.width << (count - index))
            h = hidden(layer(h, features, 2, f"up_{index}"), f"{index}")
            if features == widest:
                h = hidden(layer(h, features, 1, f"same_{index}"), f"same_{index}")
        image = layer(h, self.image_shape[-1], 1, "output")
        return tanh_to_unit(image)
