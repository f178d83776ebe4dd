"""The generator and the discriminator of BigGAN-deep: residual blocks of four convolutions, most with 1/4 of the channels."""

import itertools
from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.attention import SelfAttention
from jgan.networks.biggan import ConditionedBatchNorm, check_sizes, to_image
from jgan.networks.conv_layers import Conv
from jgan.networks.ranges import to_signed
from jgan.networks.resample import average_pool, nearest
from jgan.networks.resized_conv import UpsampleConv
from jgan.networks.resnet import check_attention, projected
from jgan.networks.spectral import applied

NARROWING = 4
"""How many times fewer channels there are between the 1x1 convolutions of a block."""


def _inside(channels: int) -> int:
    return max(1, channels // NARROWING)


class DeepUpBlock(nn.Module):
    """A residual block of the generator: 1x1, 3x3, 3x3 and 1x1 convolutions, each after conditioned normalisation and a ReLU.

    The first makes a quarter of the channels. Where the sides double, they do so before the second convolution. The shortcut is
    the first channels of the input, as many as the output has.

    Attributes:
      features: the number of output channels, at most those of the input.
      up: whether the sides double.
      dtype: the dtype of the computation and of the output.

    References:
      Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), appendix B,
      https://arxiv.org/abs/1809.11096
    """

    features: int
    up: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        condition: Float[jax.Array, "b size"],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, channels]` and `[B, size]` to `[B, height', width', features]`."""
        inside, widen = _inside(x.shape[-1]), UpsampleConv if self.up else Conv
        h, x = x, x[..., : self.features]
        for index, layer in enumerate(
            (
                Conv(inside, 1, dtype=self.dtype, name="conv_1"),
                widen(inside, 3, dtype=self.dtype, name="conv_2"),
                Conv(inside, 3, dtype=self.dtype, name="conv_3"),
                Conv(self.features, 1, dtype=self.dtype, name="conv_4"),
            ),
            1,
        ):
            norm = ConditionedBatchNorm(self.dtype, name=f"norm_{index}")
            h = applied(layer, nn.relu(norm(h, condition, train=train, axis_name=axis_name)), spectral=True, train=train)
        return h + (nearest(x) if self.up else x)


class DeepDownBlock(nn.Module):
    """A residual block of the discriminator: 1x1, 3x3, 3x3 and 1x1 convolutions, each after a ReLU.

    The first makes a quarter of the output's channels. Where the sides are halved, by 2x2 means, it is before the last
    convolution. The shortcut is the input, to which a 1x1 convolution adds the channels that the output has more.

    Attributes:
      features: the number of output channels, at least those of the input.
      down: whether the sides are halved.
      dtype: the dtype of the computation and of the output.

    References:
      As for `DeepUpBlock`.
    """

    features: int
    down: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"], *, train: bool = False) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, channels]` to `[B, height', width', features]`."""

        def convolved(h: jax.Array, features: int, size: int, name: str) -> jax.Array:
            return applied(Conv(features, size, dtype=self.dtype, name=name), h, spectral=True, train=train)

        inside, more = _inside(self.features), self.features - x.shape[-1]
        h = convolved(nn.relu(x), inside, 1, "conv_1")
        h = convolved(nn.relu(h), inside, 3, "conv_2")
        h = nn.relu(convolved(nn.relu(h), inside, 3, "conv_3"))
        h, x = (average_pool(h), average_pool(x)) if self.down else (h, x)
        h = convolved(h, self.features, 1, "conv_4")
        return h + (jnp.concatenate([x, convolved(x, more, 1, "shortcut")], axis=-1) if more else x)


class BigGANDeepGenerator(nn.Module):
    """Maps latents and labels to images in [0, 1].

    All latents, joined to a learnt vector of the class, make the smallest map through a linear layer, and are the condition of
    the normalisation of all blocks. At each resolution there are `depth` blocks, of which the last doubles the sides. All
    layers have spectral normalisation but the last normalisation and the vectors of the classes. For 128x128 images, `channels`
    16, 16, 8, 4, 2 and 1 times 128, 128 latents and 1,000 classes it has 50,244,484 parameters, as in BigGAN-PyTorch.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      channels: those of the smallest map and after each doubling, none above the one before it.
      n_classes: the number of classes.
      class_size: the size of the vector of a class.
      depth: the blocks at each resolution.
      attention: the smaller side of the maps that have self-attention; 0 for none.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.BigGANDeepGenerator((8, 8, 1), (8, 8, 4), n_classes=10, class_size=5)
      >>> network = networks.from_module(generator, (6,), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> draw = lambda key: network.apply(*network.init(key), jnp.zeros((2, 6)), jnp.array([3, 7]))[0]
      >>> jax.eval_shape(draw, jax.random.key(0)).shape
      (2, 8, 8, 1)

    References:
      Brock et al. (2019), appendix B, https://arxiv.org/abs/1809.11096; ajbrock/BigGAN-PyTorch.
    """

    image_shape: Sequence[int]
    channels: Sequence[int]
    n_classes: int
    class_size: int = 128
    depth: int = 2
    attention: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, " b"],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps latents `[B, latent_size]` and labels `[B]` to `[B, height, width, channels]` float32 in [0, 1]."""
        base = check_sizes(self.image_shape, self.channels, self.attention)
        embed = nn.Embed(self.n_classes, self.class_size, embedding_init=nn.initializers.normal(0.02), name="classes")
        condition = jnp.concatenate([embed(labels), z], axis=-1).astype(self.dtype)
        project = nn.Dense(base[0] * base[1] * self.channels[0], dtype=self.dtype, name="project")
        h = applied(project, condition, spectral=True, train=train).reshape(-1, *base, self.channels[0])
        for index, (before, after) in enumerate(itertools.pairwise(self.channels), 1):
            for place in range(1, self.depth + 1):
                last = place == self.depth
                block = DeepUpBlock(after if last else before, last, self.dtype, name=f"block_{index}_{place}")
                h = block(h, condition, train=train, axis_name=axis_name)
            if self.attention == min(base) << index:
                h = SelfAttention(dtype=self.dtype, name="attention")(h, train=train)
        return to_image(h, self.image_shape[-1], self.dtype, train=train, axis_name=axis_name)


class BigGANDeepDiscriminator(nn.Module):
    """Maps an image in [0, 1] and its label to one logit: a 3x3 convolution, `depth` blocks a resolution, a projection.

    The first block of a resolution halves the sides. The logit is a linear function of the sums over the pixels after a ReLU,
    plus their product with a learnt vector of the class. All layers have spectral normalisation. The image is scaled to [-1, 1]
    first. For 128x128x3 images, `channels` 1, 2, 4, 8, 16 and 16 times 128 and 1,000 classes it has 34,590,210 parameters, as
    in BigGAN-PyTorch.

    Attributes:
      channels: those of the first convolution and of each resolution, none below the one before it.
      n_classes: the number of classes.
      depth: the blocks at each resolution.
      attention: the smaller side of the maps that have self-attention; 0 for none.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> discriminator = networks.BigGANDeepDiscriminator((4, 8, 8), n_classes=10)
      >>> network = networks.from_module(discriminator, (8, 8, 1), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> judge = lambda key: network.apply(*network.init(key), jnp.zeros((2, 8, 8, 1)), jnp.array([3, 7]))[0]
      >>> jax.eval_shape(judge, jax.random.key(0)).shape
      (2,)

    References:
      As for `BigGANDeepGenerator`.
    """

    channels: Sequence[int]
    n_classes: int
    depth: int = 2
    attention: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], labels: Int[jax.Array, " b"], *, train: bool = False
    ) -> Float32[jax.Array, " b"]:
        """Maps `[B, height, width, channels]` and labels `[B]` to `[B]` float32 logits."""
        side = min(x.shape[1:3])
        check_attention(self.attention, [side >> index for index in range(1, len(self.channels))])
        first = Conv(self.channels[0], 3, dtype=self.dtype, name="input")
        h = applied(first, to_signed(x, self.dtype), spectral=True, train=train)
        for index, features in enumerate(self.channels[1:], 1):
            for place in range(1, self.depth + 1):
                block = DeepDownBlock(features, place == 1, self.dtype, name=f"block_{index}_{place}")
                h = block(h, train=train)
            if self.attention == side >> index:
                h = SelfAttention(dtype=self.dtype, name="attention")(h, train=train)
        pooled = nn.relu(h.astype(jnp.float32)).sum((1, 2))
        return projected(pooled, labels, self.n_classes, kernel_init=nn.initializers.lecun_normal(), train=train)
