"""Real-ESRGAN's discriminator: a U-Net with spectral normalisation that judges each pixel."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.resample import bilinear
from jgan.networks.spectral import applied
from jgan.networks.srresnet import torch_uniform

LEVELS = 3


class UNetDiscriminator(nn.Module):
    """Maps images to a map of logits, one for each pixel.

    A 3x3 convolution; three 4x4 convolutions of stride 2 that double the channels; three times linear doubling and a 3x3
    convolution, to which the map of the same size on the way down is added; three more 3x3 convolutions. Spectral normalisation
    of all but the first and the last, which alone have a bias; leaky ReLU of slope 0.2. With the defaults it has 4,376,897
    parameters.

    Attributes:
      width: the channels at the size of the image.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.UNetDiscriminator(width=2), (16, 8, 3))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 16, 8, 3)))[0].shape
      (2, 16, 8)

    References:
      Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data" (2021), section 3.3,
      https://arxiv.org/abs/2107.10833
    """

    width: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w"]:
        """Maps `[B, height, width, channels]` in [0, 1], sides multiples of 8, to `[B, height, width]` logits."""
        del axis_name  # nothing here looks across the batch
        sides = x.shape[1:3]
        if any(side % 2**LEVELS for side in sides):
            found = f"{sides[0]}x{sides[1]}"
            raise ValueError(f"the U-Net discriminator takes images whose sides are multiples of {2**LEVELS}, found {found}")

        def conv(h: jax.Array, features: int, name: str, size: int = 3, stride: int = 1, plain: bool = False) -> jax.Array:
            layer = Conv(features, size, stride, 1, plain, torch_uniform, dtype=self.dtype, name=name)
            return applied(layer, h, spectral=not plain, train=train)

        activated = lambda h: nn.leaky_relu(h, 0.2)  # noqa: E731
        maps = [activated(conv(x.astype(self.dtype), self.width, "first", plain=True))]
        for level in range(1, LEVELS + 1):
            maps.append(activated(conv(maps[-1], self.width << level, f"down_{level}", 4, 2)))
        h = maps.pop()
        for level in reversed(range(LEVELS)):
            h = activated(conv(bilinear(h, 2), self.width << level, f"up_{level}")) + maps.pop()
        for index in range(2):
            h = activated(conv(h, self.width, f"high_{index}"))
        return conv(h, 1, "last", plain=True)[..., 0].astype(jnp.float32)
