"""Discriminators in the style of VGG, of SRGAN and of ESRGAN: pairs of convolutions, the second of which halves the image."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.norms import BatchNorm
from jgan.networks.srresnet import torch_uniform
from jgan.utils.registry import unknown

HEADS = ("dense", "pool")


class _Layers(nn.Module):
    """What both share: convolutions with batch normalisation and leaky ReLU, and a head of two dense layers."""

    width: int = 64
    levels: int = 4
    head: str = "dense"
    dtype: jnp.dtype = jnp.float32

    def _levels(self, h: jax.Array, sizes: tuple[int, int], biases: bool, *, train: bool, axis_name: str | None) -> jax.Array:
        """The convolutions: at each level one of stride 1, then one of stride 2, with kernels of these sizes."""
        for level in range(self.levels):
            for stride, size in zip((1, 2), sizes, strict=True):
                first, name = (level, stride) == (0, 1), f"level_{level}_{stride}"
                features = self.width << min(level, 3)
                h = Conv(features, size, stride, 1, biases or first, torch_uniform, dtype=self.dtype, name=name)(h)
                if not first:
                    h = BatchNorm(dtype=self.dtype, name=f"{name}_norm")(h, train=train, axis_name=axis_name)
                h = nn.leaky_relu(h, 0.2)
        return h

    def _head(self, h: jax.Array, hidden: int) -> jax.Array:
        """Logits of all pixels of the last map, or of its mean over the image."""
        if self.head not in HEADS:
            raise ValueError(unknown("head", self.head, HEADS))
        h = jnp.mean(h, axis=(1, 2)) if self.head == "pool" else h.reshape(len(h), -1)
        dense = lambda features, name: nn.Dense(  # noqa: E731
            features, kernel_init=torch_uniform, dtype=self.dtype, name=name
        )
        h = nn.leaky_relu(dense(hidden, "hidden")(h), 0.2)
        return dense(1, "output")(h)[:, 0].astype(jnp.float32)

    def _check(self, x: jax.Array) -> None:
        sides, unit = x.shape[1:3], 1 << self.levels
        if any(side % unit for side in sides):
            raise ValueError(
                f"a discriminator of {self.levels} levels takes images whose sides are multiples of {unit}, "
                f"found {sides[0]}x{sides[1]}: choose another crop, or fewer levels"
            )


class SRGANDiscriminator(_Layers):
    """SRGAN's discriminator: at each level a 3x3 convolution of stride 1 and one of stride 2, twice the channels at the next.

    Batch normalisation after all convolutions but the first, leaky ReLU of slope 0.2, dense layers of `16 width` units and of
    one. For 96x96 images it has 23,565,505 parameters. With the head `"pool"` the dense layers see the mean over the image:
    then images may have any size, and it has 5,215,425 parameters.

    Attributes:
      width: the channels of the first level; they double up to `8 * width`.
      levels: how often the sides are halved, at least 1.
      head: `"dense"`, or `"pool"` for the mean over the image.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.SRGANDiscriminator(width=2, levels=2), (8, 8, 3))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 8, 8, 3)))[0].shape
      (2,)

    References:
      Ledig et al. (2017), figure 4, https://arxiv.org/abs/1609.04802; the head `pool`: https://github.com/leftthomas/SRGAN
    """

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` in [0, 1] to `[B]` logits."""
        self._check(x)
        h = self._levels(2 * x.astype(self.dtype) - 1, (3, 3), True, train=train, axis_name=axis_name)
        return self._head(h, 16 * self.width)


class ESRGANDiscriminator(_Layers):
    """ESRGAN's discriminator: at each level a 3x3 convolution of stride 1 and a 4x4 one of stride 2, five levels.

    Batch normalisation after all convolutions but the first, the only one with a bias; leaky ReLU of slope 0.2; dense layers of
    100 units and of one. For 128x128 images it has 14,499,401 parameters. With the head `"pool"` images may have any size.

    Attributes:
      width: the channels of the first level; they double up to `8 * width`.
      levels: how often the sides are halved, at least 1.
      head: `"dense"`, or `"pool"` for the mean over the image.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ESRGANDiscriminator(width=2, levels=2), (8, 8, 3))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 8, 8, 3)))[0].shape
      (2,)

    References:
      Wang et al. (2018), https://arxiv.org/abs/1809.00219; `VGGStyleDiscriminator` in https://github.com/XPixelGroup/BasicSR
    """

    levels: int = 5

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` in [0, 1] to `[B]` logits."""
        self._check(x)
        h = self._levels(x.astype(self.dtype), (3, 4), False, train=train, axis_name=axis_name)
        return self._head(h, 100)
