"""The residual generator and discriminator of WGAN-GP, SN-GAN and SAGAN, with and without labels, for images of many sizes."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.attention import SelfAttention
from jgan.networks.conv_layers import Conv
from jgan.networks.dcgan import stages
from jgan.networks.layers import glorot_uniform
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit, to_signed
from jgan.networks.residual import ResidualBlock
from jgan.networks.spectral import applied


def channels(image_shape: Sequence[int], width: int = 64) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The published channels of both networks for images of a size.

    With `width` 64 they are those of SN-GAN: for up to 32x32 pixels 256 throughout in the generator and 128 in the
    discriminator, for 64x64 and 128x128 from 1024 to 64 and back.

    Args:
      image_shape: `(height, width, channels)`; see `jgan.networks.dcgan.stages` for the sizes that fit.
      width: the unit of which all are multiples.

    Returns:
      `(generator's, discriminator's)`: the generator's first number is that of the smallest map, the others those of its
      blocks; the discriminator's are those of its blocks.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import resnet
      >>> resnet.channels((32, 32, 3))
      ((256, 256, 256, 256), (128, 128, 128, 128))
      >>> resnet.channels((64, 64, 3))
      ((1024, 512, 256, 128, 64), (64, 128, 256, 512, 1024))
    """
    count, _ = stages(image_shape, "a residual network")
    if count <= 3:
        # Of images below 16x16 the last two blocks of the four would see a few pixels only.
        return (4 * width,) * (count + 1), (2 * width,) * (4 if min(image_shape[:2]) >= 16 else 2)
    # Beyond 16 times the unit the channels stay as they are: 1024, 1024, 512 ... for 128x128.
    multiples = [min(2**index, 16) for index in range(count + 1)]
    return tuple(width * m for m in reversed(multiples)), tuple(width * m for m in multiples)


class ResidualGenerator(nn.Module):
    """Maps latents to images in [0, 1]: a linear layer, residual blocks that double the sides, normalisation, a convolution.

    The output is `(tanh + 1) / 2`: the tanh of the papers, in the units of this library's images.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      channels: those of the smallest map and of each block; see `channels` of this module.
      spectral: whether all layers have spectral normalisation, as in SAGAN.
      attention: the smaller side of the maps that have self-attention; 0 for none.
      pooled: whether its keys and values are pooled.
      n_classes: the number of classes if it is given labels, which choose the gains and shifts of the blocks' normalisation.
      first_bias: whether the first convolution of a block has a bias.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ResidualGenerator((8, 8, 1), channels=(4, 4, 4)), (16,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 16)))[0].shape
      (3, 8, 8, 1)

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), appendix, https://arxiv.org/abs/1704.00028; Miyato et
      al., "Spectral Normalization for Generative Adversarial Networks" (2018), appendix, https://arxiv.org/abs/1802.05957
    """

    image_shape: Sequence[int]
    channels: Sequence[int]
    spectral: bool = False
    attention: int = 0
    pooled: bool = True
    n_classes: int = 0
    first_bias: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, latent_size]`, and labels `[B]` if there are classes, to `[B, height, width, channels]` in [0, 1]."""
        count, base = stages(self.image_shape, "a residual network")
        if len(self.channels) != count + 1:
            raise ValueError(f"channels must have {count + 1} numbers for these images, found {len(self.channels)}")
        side = min(base)
        check_attention(self.attention, [side << index for index in range(1, count + 1)])
        first = nn.Dense(base[0] * base[1] * self.channels[0], kernel_init=glorot_uniform(), dtype=self.dtype, name="project")
        h = applied(first, z.astype(self.dtype), spectral=self.spectral, train=train).reshape(-1, *base, self.channels[0])
        for index, features in enumerate(self.channels[1:], 1):
            block = ResidualBlock(
                features,
                "up",
                norm=True,
                n_classes=self.n_classes,
                spectral=self.spectral,
                first_bias=self.first_bias,
                dtype=self.dtype,
                name=f"block_{index}",
            )
            h = block(h, labels, train=train, axis_name=axis_name)
            if self.attention == side << index:
                h = SelfAttention(self.pooled, spectral=self.spectral, dtype=self.dtype, name="attention")(h, train=train)
        h = nn.relu(BatchNorm(dtype=self.dtype, name="norm")(h, train=train, axis_name=axis_name))
        last = Conv(self.image_shape[-1], 3, kernel_init=glorot_uniform(), dtype=self.dtype, name="output")
        image = applied(last, h, spectral=self.spectral, train=train)
        return tanh_to_unit(image)


class ResidualDiscriminator(nn.Module):
    """Maps an image in [0, 1] to one logit: residual blocks, a ReLU, the sum or the mean over the pixels, a linear layer.

    The first blocks halve the sides. The image is scaled to [-1, 1] first.

    Attributes:
      channels: those of each block; see `channels` of this module.
      halvings: how many of the blocks halve the sides, from the first on.
      wide: whether the hidden channels of a block are those of its output, as in SAGAN; if not, those of its input, as in
        SN-GAN. The first block's are those of its output.
      spectral: whether all layers have spectral normalisation; without it this is WGAN-GP's critic.
      mean: whether the features are the means over the pixels, as in WGAN-GP, instead of the sums.
      use_bias: whether the last layer has a bias.
      attention: the smaller side of the maps that have self-attention; 0 for none.
      pooled: whether its keys and values are pooled.
      n_classes: the number of classes if it is given labels: the logit has one more summand then, the product of the features
        and a vector of the class (the projection discriminator).
      auxiliary: whether it says the class, as in AC-GAN, instead of being told it: its second output is the classes' logits.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.ResidualDiscriminator((4, 4, 4)), (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((3, 8, 8, 1)))[0].shape
      (3,)

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), appendix, https://arxiv.org/abs/1704.00028; Miyato et
      al., "Spectral Normalization for Generative Adversarial Networks" (2018), appendix, https://arxiv.org/abs/1802.05957;
      Miyato and Koyama, "cGANs with Projection Discriminator" (2018), https://arxiv.org/abs/1802.05637
    """

    channels: Sequence[int]
    halvings: int = 2
    wide: bool = False
    spectral: bool = True
    mean: bool = False
    use_bias: bool = True
    attention: int = 0
    pooled: bool = True
    n_classes: int = 0
    auxiliary: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], labels: Int[jax.Array, " b"] | None = None, *, train: bool = False
    ) -> Float32[jax.Array, " b"] | tuple[Float32[jax.Array, " b"], Float32[jax.Array, "b classes"]]:
        """Maps `[B, height, width, channels]`, and labels `[B]` if it is told them, to `[B]` float32 logits."""
        sides = x.shape[1:3]
        if any(side % 2**self.halvings for side in sides):
            raise ValueError(f"the sides of images must be multiples of {2**self.halvings}, found {sides[0]}x{sides[1]}")
        check_attention(self.attention, [min(sides) >> index for index in range(1, self.halvings + 1)])
        h = to_signed(x, self.dtype)
        for index, features in enumerate(self.channels, 1):
            before = min(h.shape[1:3])
            block = ResidualBlock(
                features,
                "down" if index <= self.halvings else "none",
                hidden=features if self.wide or index == 1 else h.shape[-1],
                first=index == 1,
                spectral=self.spectral,
                dtype=self.dtype,
                name=f"block_{index}",
            )
            h = block(h, train=train)
            if self.attention == min(h.shape[1:3]) < before:
                h = SelfAttention(self.pooled, spectral=self.spectral, dtype=self.dtype, name="attention")(h, train=train)
        h = nn.relu(h.astype(jnp.float32))  # the sum over many pixels and what follows are cheap
        pooled = h.mean((1, 2)) if self.mean else h.sum((1, 2))
        logits = projected(
            pooled,
            labels,
            0 if self.auxiliary else self.n_classes,
            kernel_init=glorot_uniform(),
            use_bias=self.use_bias,
            spectral=self.spectral,
            train=train,
        )
        if not self.auxiliary:
            return logits
        layer = nn.Dense(self.n_classes, kernel_init=glorot_uniform(), name="classes")
        return logits, applied(layer, pooled, spectral=self.spectral, train=train)


def projected(
    pooled: Float[jax.Array, "b features"],
    labels: Int[jax.Array, " b"] | None,
    n_classes: int,
    *,
    kernel_init: Callable[..., jax.Array],
    use_bias: bool = True,
    spectral: bool = True,
    train: bool = False,
) -> Float[jax.Array, " b"]:
    """The logits of a discriminator: linear in its features and, with labels, their product with a learnt vector of the class.

    To be called in a compact method, whose module gets the layers `output` and `embed`.

    Args:
      pooled: `[B, features]` float32.
      labels: `[B]` labels, or None if there are no classes.
      n_classes: the number of classes; 0 for none.
      kernel_init: the initialiser of both kernels.
      use_bias: whether the logit has a bias.
      spectral: whether both layers have spectral normalisation.
      train: whether its estimates are updated.

    Returns:
      `[B]` logits.

    References:
      Miyato and Koyama, "cGANs with Projection Discriminator" (2018), https://arxiv.org/abs/1802.05637
    """
    last = nn.Dense(1, use_bias=use_bias, kernel_init=kernel_init, name="output")
    logits = applied(last, pooled, spectral=spectral, train=train)[:, 0]
    if not n_classes:
        return logits
    embed = nn.Dense(pooled.shape[-1], use_bias=False, kernel_init=kernel_init, name="embed")
    of_class = applied(embed, jax.nn.one_hot(labels, n_classes), spectral=spectral, train=train)
    return logits + jnp.sum(of_class * pooled, axis=1)


def halvings(image_shape: Sequence[int], blocks: int) -> int:
    """How many blocks of the published discriminator halve the sides of images of a size.

    Args:
      image_shape: `(height, width, channels)`.
      blocks: the number of blocks.

    Returns:
      At most two for up to 32x32 pixels, as for CIFAR-10; for larger images as many as the sides allow, and one block that
      does not if there are more than five, as for 128x128.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import resnet
      >>> resnet.halvings((28, 28, 1), 4), resnet.halvings((64, 64, 3), 5), resnet.halvings((128, 128, 3), 6)
      (2, 5, 5)
    """
    count, base = stages(image_shape, "a residual network")
    if count <= 3:
        return min(count, 2)
    return count + (blocks == 5 and all(side % 2 == 0 for side in base))


def check_attention(side: int, sides: Sequence[int]) -> None:
    """Raises a `ValueError` if self-attention is asked for at maps of a side that a network does not have."""
    if side and side not in sides:
        raise ValueError(f"attention must be at maps with a side of {', '.join(map(str, sides))}, or 0, found {side}")
