"""ArcFace's ResNet-18 for faces, whose features GFP-GAN's identity loss compares.

References:
  Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition" (2019), https://arxiv.org/abs/1801.07698
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.conv_layers import Conv
from jgan.networks.convolution import max_pool
from jgan.networks.norms import BatchNorm

WIDTHS = (64, 128, 256, 512)
BLOCKS = 2
"""Blocks of each width."""


class ArcFace(nn.Module):
    """Maps grey faces of 128x128 in [-1, 1] to features of length 512, which are not normalised.

    A convolution, residual blocks with a batch normalisation before their first convolution, and a linear layer between two
    normalisations. A parametric ReLU is shared by the two places of a block. The published network has dropout of 1/2 before
    the linear layer in training; this one is for frozen weights and has none.

    Attributes:
      features: the length of the features.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ArcFace(), (128, 128, 1))
      >>> params, model_state = jax.eval_shape(network.init, jax.random.key(0))
      >>> sum(leaf.size for leaf in jax.tree.leaves(params))
      25627081
      >>> jax.eval_shape(network.apply, params, model_state, jnp.zeros((3, 128, 128, 1)))[0].shape
      (3, 512)
    """

    features: int = 512

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w 1"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b features"]:
        """Maps `[B, height, width, 1]` to `[B, features]`."""
        options: dict[str, Any] = {"train": train, "axis_name": axis_name}
        h = Conv(WIDTHS[0], 3, use_bias=False, name="conv")(x)
        h = nn.PReLU(negative_slope_init=0.25, name="prelu")(BatchNorm(name="norm")(h, **options))
        h = max_pool(h, window=2, stride=2)
        for stage, width in enumerate(WIDTHS):
            for block in range(BLOCKS):
                h = _Block(width, 2 if stage and not block else 1, name=f"block_{stage}_{block}")(h, **options)
        h = BatchNorm(name="norm_before")(h, **options)
        h = nn.Dense(self.features, name="output")(h.reshape(len(h), -1))
        return BatchNorm(name="norm_behind")(h, **options)


class _Block(nn.Module):
    features: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array, **options: Any) -> jax.Array:
        prelu = nn.PReLU(negative_slope_init=0.25, name="prelu")
        h = Conv(x.shape[-1], 3, use_bias=False, name="conv_0")(BatchNorm(name="norm_0")(x, **options))
        h = prelu(BatchNorm(name="norm_1")(h, **options))
        h = Conv(self.features, 3, self.stride, use_bias=False, name="conv_1")(h)
        h = BatchNorm(name="norm_2")(h, **options)
        if self.stride > 1 or x.shape[-1] != self.features:
            x = Conv(self.features, 1, self.stride, padding=0, use_bias=False, name="shortcut")(x)
            x = BatchNorm(name="shortcut_norm")(x, **options)
        return prelu(h + x)


def faces(images: Float[jax.Array, "b h w c"]) -> Float[jax.Array, "b 128 128 1"]:
    """Images as the network takes them: grey, 128x128 by bilinear interpolation, in [-1, 1].

    Args:
      images: `[B, height, width, 1 or 3]` in [0, 1].

    Returns:
      `[B, 128, 128, 1]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import arcface
      >>> arcface.faces(jnp.ones((2, 64, 64, 3))).shape
      (2, 128, 128, 1)
    """
    grey = images if images.shape[-1] == 1 else images @ jnp.array(LUMA)[:, None]
    resized = jax.image.resize(grey, (len(images), 128, 128, 1), "linear", antialias=False)
    return 2 * resized - 1


LUMA = (0.2989, 0.5870, 0.1140)
"""The weights of red, green and blue in grey, of the authors' code."""
