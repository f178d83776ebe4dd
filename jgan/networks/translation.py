"""Networks for image translation: CycleGAN's residual generator, pix2pix's U-Net, and the PatchGAN discriminator of both."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Integer

from jgan import rng
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.layers import Dropout, normal
from jgan.networks.norms import BatchNorm, InstanceNorm
from jgan.networks.ranges import tanh_to_unit, to_signed
from jgan.utils.registry import unknown

NORMS = ("instance", "batch")


class _Layers(nn.Module):
    """What the three networks share: convolutions from N(0, 0.02^2), and one of two kinds of normalisation.

    A convolution in front of a batch norm has no bias; one in front of an instance norm has one, without effect, as published.
    """

    norm: str = "instance"
    dtype: jnp.dtype = jnp.float32

    def _conv(self, features: int, size: int, stride: int = 1, padding: int = 0, *, normed: bool = True) -> Conv:
        bias = not normed or self.norm == "instance"
        return Conv(features, size, stride, padding, use_bias=bias, kernel_init=normal(0.02), dtype=self.dtype)

    def _up(self, features: int, size: int, *, normed: bool = True) -> ConvTranspose:
        bias = not normed or self.norm == "instance"
        return ConvTranspose(features, size, 2, use_bias=bias, kernel_init=normal(0.02), dtype=self.dtype)

    def _normalised(self, x: jax.Array, train: bool, axis_name: str | None) -> jax.Array:
        if self.norm == "instance":
            return InstanceNorm(dtype=self.dtype)(x)
        if self.norm == "batch":
            return BatchNorm(scale_init=normal(0.02, 1.0), dtype=self.dtype)(x, train=train, axis_name=axis_name)
        raise ValueError(unknown("norm", self.norm, NORMS))


class ResNetGenerator(_Layers):
    """Maps an image to an image of the same size through residual blocks, as in CycleGAN.

    A 7x7 convolution, `downsamplings` convolutions of stride 2 that double the channels, `blocks` residual blocks without an
    activation after the sum, as many transposed convolutions, a 7x7 convolution. Images are in [0, 1] outside and scaled to
    [-1, 1] inside; the output is `(tanh + 1) / 2`. Sides that are not multiples of `2**downsamplings` are first continued by
    reflection, half at either end, and the output is cropped.

    Attributes:
      norm: `"instance"` or `"batch"`.
      dtype: the dtype of the computation; the output is float32.
      channels: those of the output.
      width: the channels after the first convolution.
      blocks: the number of residual blocks: 9 for 256x256 images, 6 for 128x128.
      downsamplings: how often the sides are halved; they must be at least 4 and above `2**downsamplings`.
      keep: the probability that dropout in the blocks keeps a value; 1 for no dropout.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.ResNetGenerator(channels=3, width=4, blocks=1, downsamplings=1)
      >>> network = networks.from_module(generator, (8, 8, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 8, 8, 1)))[0].shape
      (2, 8, 8, 3)

    References:
      Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (2017), appendix,
      https://arxiv.org/abs/1703.10593
    """

    channels: int = 3
    width: int = 64
    blocks: int = 9
    downsamplings: int = 2
    keep: float = 1.0

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w inputs"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, height, width, inputs]` to `[B, height, width, channels]` float32 in [0, 1]."""
        _check_sides("ResNetGenerator", x, smallest_side(self.downsamplings))
        normalised = lambda h: self._normalised(h, train, axis_name)  # noqa: E731
        continued, margins = _continued(x, 2**self.downsamplings)
        h = _reflect(to_signed(continued, self.dtype), 3)
        h = nn.relu(normalised(self._conv(self.width, 7)(h)))
        for index in range(self.downsamplings):
            h = nn.relu(normalised(self._conv(self.width << (index + 1), 3, 2, 1)(h)))
        for _ in range(self.blocks):
            inner = nn.relu(normalised(self._conv(h.shape[-1], 3)(_reflect(h, 1))))
            inner = Dropout(self.keep)(inner, train=train, axis_name=axis_name)
            h = h + normalised(self._conv(h.shape[-1], 3)(_reflect(inner, 1)))
        for index in reversed(range(self.downsamplings)):
            h = nn.relu(normalised(self._up(self.width << index, 3)(h)))
        return _cropped(tanh_to_unit(self._conv(self.channels, 7, normed=False)(_reflect(h, 3))), x, margins)


def smallest_side(downsamplings: int) -> int:
    """The smallest side of an image that a `ResNetGenerator` takes.

    Args:
      downsamplings: how often the sides are halved.

    Returns:
      Pixels.

    Example:
      >>> from jgan.networks import translation
      >>> [translation.smallest_side(downsamplings) for downsamplings in (0, 1, 2, 3)]
      [4, 4, 5, 9]
    """
    return max(4, 2**downsamplings + 1)


class UNetGenerator(_Layers):
    """Maps an image to an image of the same size through an encoder and a decoder with skip connections, as in pix2pix.

    Each level halves the sides (4x4 kernels, stride 2); channels double from `width` up to `8 * width`. Each level's output on
    the way up is concatenated with its input on the way down. Images are in [0, 1] outside and scaled to [-1, 1] inside; the
    output is `(tanh + 1) / 2`. Sides that are not multiples of `2**levels` are first continued by reflection, half at either
    end, and the output is cropped.

    Its only noise is dropout, which is drawn from a seed for each example, and is active whenever seeds are given, in training
    and in evaluation: the seeds are the network's latents. Without them there is no dropout.

    Attributes:
      norm: `"batch"` as in pix2pix, or `"instance"`; the outermost and the innermost convolution on the way down have none.
      dtype: the dtype of the computation; the output is float32.
      channels: those of the output.
      width: the channels of the outermost level.
      levels: how often the sides are halved: 8 for 256x256 images, 5 for 32x32; the sides must be above `2**levels / 2`.
      dropouts: the number of levels with dropout on the way up, from the second innermost on; None for the published
        `levels - 5`, those in the middle with `8 * width` channels.
      keep: the probability that dropout keeps a value.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.UNetGenerator(channels=1, width=2, levels=3, dropouts=1)
      >>> network = networks.from_module(generator, (16, 12, 1), (), input_dtypes=(jnp.float32, jnp.uint32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 16, 12, 1)), jnp.arange(2, dtype=jnp.uint32))[0].shape
      (2, 16, 12, 1)

    References:
      Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017), appendix,
      https://arxiv.org/abs/1611.07004; its table has dropout in the three innermost levels on the way up, the authors' PyTorch
      code, followed here, in the three after the innermost
    """

    norm: str = "batch"
    channels: int = 3
    width: int = 64
    levels: int = 8
    dropouts: int | None = None
    keep: float = 0.5

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w inputs"],
        seeds: Integer[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps `[B, height, width, inputs]`, and `[B]` seeds, to `[B, height, width, channels]` float32 in [0, 1]."""
        if self.levels < 2:
            raise ValueError(f"UNetGenerator needs at least 2 levels, found {self.levels}")
        _check_sides(f"UNetGenerator of {self.levels} levels", x, 2 ** (self.levels - 1) + 1)
        normalised = lambda h: self._normalised(h, train, axis_name)  # noqa: E731
        last = self.levels - 2  # the first level with dropout on the way up
        dropouts = max(self.levels - 5, 0) if self.dropouts is None else self.dropouts
        if not 0 <= dropouts <= last:
            raise ValueError(f"dropouts must be from 0 to levels - 2, {last}, found {dropouts}")
        continued, margins = _continued(x, 2**self.levels)
        h, skips = to_signed(continued, self.dtype), []
        for level in range(self.levels):
            outermost, innermost = level == 0, level == self.levels - 1
            h = h if outermost else nn.leaky_relu(h, 0.2)
            h = self._conv(self.width << min(level, 3), 4, 2, 1)(h)
            h = h if outermost or innermost else normalised(h)
            skips.append(h)
        skips.pop()
        for level in reversed(range(1, self.levels)):
            h = normalised(self._up(self.width << min(level - 1, 3), 4)(nn.relu(h)))
            if seeds is not None and last - dropouts < level <= last:
                h = _dropped(h, seeds, level, self.keep)
            h = jnp.concatenate([skips.pop(), h], axis=-1)
        return _cropped(tanh_to_unit(self._up(self.channels, 4, normed=False)(nn.relu(h))), x, margins)


class PatchDiscriminator(_Layers):
    """Maps an image, or several joined by channel, to a map of logits, one for each overlapping patch.

    `layers` convolutions of stride 2 and two of stride 1, all with 4x4 kernels and one row of zeros around, leaky ReLU of slope
    0.2. With 3 layers a logit sees 70x70 pixels, with 2 it sees 34x34, with 1 16x16, with 4 142x142, with 5 286x286. With 0
    layers it is the PixelGAN: three 1x1 convolutions, one logit for each pixel.

    Attributes:
      norm: `"instance"` as in CycleGAN, or `"batch"` as in pix2pix; the first and the last convolution have none.
      dtype: the dtype of the computation; the logits are float32.
      width: the channels after the first convolution; they double up to `8 * width`.
      layers: the number of convolutions of stride 2; 0 for the PixelGAN.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.PatchDiscriminator(width=4, layers=2), (32, 32, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 32, 32, 1)))[0].shape
      (2, 6, 6)

    References:
      Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017), appendix,
      https://arxiv.org/abs/1611.07004
    """

    width: int = 64
    layers: int = 3

    @nn.compact
    def __call__(
        self, *images: Float[jax.Array, "b h w _"], train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h_out w_out"]:
        """Maps one or more `[B, height, width, channels]` in [0, 1] to `[B, h, w]` float32 logits."""
        x = jnp.concatenate(images, axis=-1)
        if self.layers == 0:
            h = nn.leaky_relu(self._conv(self.width, 1, normed=False)(to_signed(x, self.dtype)), 0.2)
            h = nn.leaky_relu(self._normalised(self._conv(2 * self.width, 1)(h), train, axis_name), 0.2)
            return self._conv(1, 1)(h)[..., 0].astype(jnp.float32)  # its bias follows the norm, as published
        # Each layer of stride 2 halves the side (rounded down), the two of stride 1 take one pixel each.
        _check_sides("PatchDiscriminator", x, 3 * 2**self.layers)
        h = nn.leaky_relu(self._conv(self.width, 4, 2, 1, normed=False)(to_signed(x, self.dtype)), 0.2)
        for index in range(1, self.layers + 1):
            stride = 2 if index < self.layers else 1
            h = self._conv(self.width << min(index, 3), 4, stride, 1)(h)
            h = nn.leaky_relu(self._normalised(h, train, axis_name), 0.2)
        return self._conv(1, 4, 1, 1, normed=False)(h)[..., 0].astype(jnp.float32)


def _continued(x: jax.Array, factor: int) -> tuple[jax.Array, list[tuple[int, int]]]:
    """The images continued by reflection to sides that are multiples of a factor, and the margins of both axes."""
    margins = [(margin // 2, margin - margin // 2) for margin in (-side % factor for side in x.shape[1:3])]
    return jnp.pad(x, ((0, 0), *margins, (0, 0)), mode="reflect"), margins


def _cropped(out: jax.Array, x: jax.Array, margins: Sequence[tuple[int, int]]) -> jax.Array:
    """The output of continued images without the margins."""
    (top, _), (left, _) = margins
    return out[:, top : top + x.shape[1], left : left + x.shape[2]]


def _dropped(x: jax.Array, seeds: jax.Array, level: int, keep: float) -> jax.Array:
    """Dropout with a mask for each example from its seed; another one at each level."""
    keys = jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(seed), level))(seeds)
    return jnp.where(rng.bernoulli_masks(keys, keep, x.shape[1:]), x * (1 / keep), 0)


def _reflect(x: jax.Array, margin: int) -> jax.Array:
    """The image continued by its mirror image, the rows at the edge not repeated."""
    return jnp.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")


def _check_sides(owner: str, x: jax.Array, smallest: int) -> None:
    sides: Sequence[int] = x.shape[1:3]
    if min(sides) < smallest:
        raise ValueError(f"{owner} takes images whose sides are at least {smallest}, found {sides[0]}x{sides[1]}")
