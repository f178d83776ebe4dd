"""PixelCNN++: two streams of shifted convolutions at three scales, with skips from the way up to the way down."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan.networks.layers import Dropout
from jgan.networks.logistic_mixture import outputs
from jgan.networks.ranges import to_signed
from jgan.networks.weight_norm import WeightNormConv

SCALES = 3
"""The number of scales; the sides are halved between them."""

_SHARED: dict[str, Any] = {"learn_length": True, "direction_scale": 0.05}


class Stream(NamedTuple):
    """What a stream of the network sees.

    Attributes:
      window: height and width of its kernels.
      margins: the zeros before its convolutions, `((above, below), (left, right))`.
      cut: what is cut off the output of its transposed convolutions of stride 2, likewise.
    """

    window: tuple[int, int]
    margins: tuple[tuple[int, int], tuple[int, int]]
    cut: tuple[tuple[int, int], tuple[int, int]]


UPPER = Stream((2, 3), ((1, 0), (1, 1)), ((0, 0), (1, 0)))
"""The stream of the rows above: its convolutions see their own row and the one above it."""

LEFT = Stream((2, 2), ((1, 0), (1, 0)), ((0, 0), (0, 0)))
"""The stream of the rows above and of the pixels to the left: it sees nothing to the right."""


def nearest(size: tuple[int, int]) -> tuple[int, int]:
    """The size nearest to a given one that the network accepts.

    Args:
      size: height and width.

    Returns:
      Multiples of 4.

    Example:
      >>> from jgan.networks import pixelcnn_pp
      >>> pixelcnn_pp.nearest((28, 30)), pixelcnn_pp.nearest((1, 33))
      ((28, 32), (4, 32))
    """
    step = 2 ** (SCALES - 1)
    height, width = (max(step, (side + step // 2) // step * step) for side in size)
    return height, width


def check_sides(shape: Sequence[int]) -> None:
    """Checks that the sides of images can be halved twice.

    Args:
      shape: `(height, width, channels)`.

    Raises:
      ValueError: if they cannot; it names the nearest that can.

    Example:
      >>> from jgan.networks import pixelcnn_pp
      >>> pixelcnn_pp.check_sides((30, 28, 1))
      Traceback (most recent call last):
      ValueError: PixelCNN++ needs images whose sides are multiples of 4, found 30x28; the nearest size is 32x28
    """
    height, width = fitting = nearest((shape[0], shape[1]))
    if fitting != tuple(shape[:2]):
        raise ValueError(
            f"PixelCNN++ needs images whose sides are multiples of {2 ** (SCALES - 1)}, found {shape[0]}x{shape[1]}; "
            f"the nearest size is {height}x{width}"
        )


def concat_elu(x: Float[jax.Array, "*shape c"]) -> Float[jax.Array, "*shape d"]:
    """ELU of the channels and of their negatives: twice as many channels.

    Args:
      x: `[..., channels]` float.

    Returns:
      `[..., 2 channels]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import pixelcnn_pp
      >>> [round(float(value), 2) for value in pixelcnn_pp.concat_elu(jnp.array([2.0, -1.0]))]
      [2.0, -0.63, -0.86, 1.0]
    """
    return nn.elu(jnp.concatenate([x, -x], axis=-1))


class GatedResidual(nn.Module):
    """`x + a sigmoid(b)`, a and b from two convolutions of a stream.

    The convolutions are of the concatenated ELU; between them a 1x1 convolution of the second input is added, and there is
    dropout. Outputs of the second convolution have a deviation of 0.1 at first.

    Attributes:
      stream: the stream to which the block belongs.
      keep: the probability that dropout keeps a number.
      dtype: the dtype of the computation and of the output.

    References:
      Salimans et al. (2017), section 2.5, https://arxiv.org/abs/1701.05517; the authors' code, openai/pixel-cnn.
    """

    stream: Stream
    keep: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        other: Float[jax.Array, "b h w d"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, c]`, and a second input of the same sides, to `[B, height, width, c]`."""
        c, options = x.shape[-1], dict[str, Any](train=train, axis_name=axis_name)
        shared: dict[str, Any] = {"dtype": self.dtype, **_SHARED}
        sized: dict[str, Any] = {"kernel_size": self.stream.window, "margins": self.stream.margins, **shared}
        h = WeightNormConv(c, name="first", **sized)(concat_elu(x), **options)
        if other is not None:
            h = h + WeightNormConv(c, kernel_size=1, name="other", **shared)(concat_elu(other), **options)
        h = Dropout(self.keep)(concat_elu(h), **options)
        a, b = jnp.split(WeightNormConv(2 * c, initial_deviation=0.1, name="second", **sized)(h, **options), 2, axis=-1)
        return x + a * nn.sigmoid(b)


class PixelCNNPP(nn.Module):
    """Maps images to the parameters of each pixel's mixture of logistics, given the pixels before it in reading order.

    One stream sees the rows above a pixel, the other those and the pixels to its left, so that there is no blind spot. On the
    way up each of three scales has `blocks` gated residual blocks a stream, and convolutions of stride 2 lie between. On the
    way down, with transposed convolutions between, they have `blocks`, `blocks + 1` and `blocks + 1`, each of which is given an
    activation of the way up, the latest first. The second stream is given the first in each block. All layers are normalised by
    their weights, with learnt lengths and an initialisation from the data (`jgan.networks.weight_norm`). With 160 filters, 5
    blocks and 10 components it has 53,659,080 parameters for images of three channels.

    Attributes:
      filters: the channels of both streams.
      blocks: the number of blocks of a scale.
      mixtures: the number of logistics.
      keep: the probability that dropout keeps a number.
      dtype: the dtype of the computation; the outputs are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> network = networks.from_module(networks.PixelCNNPP(filters=4, blocks=1), (8, 8, 3))
      >>> jax.eval_shape(lambda key: network.apply(*network.init(key), jnp.zeros((2, 8, 8, 3)))[0], jax.random.key(0)).shape
      (2, 8, 8, 100)

    References:
      Salimans et al., "PixelCNN++: Improving the PixelCNN with Discretized Logistic Mixture Likelihood and Other Modifications"
      (2017), https://arxiv.org/abs/1701.05517; the authors' code, openai/pixel-cnn.
    """

    filters: int = 160
    blocks: int = 5
    mixtures: int = 10
    keep: float = 0.5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b h w c"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b h w outputs"]:
        """Maps `[B, height, width, channels]` in [0, 1] to `[B, height, width, outputs]`: see `logistic_mixture.outputs`."""
        check_sides(x.shape[1:])
        options: dict[str, Any] = {"train": train, "axis_name": axis_name}

        def both(name: str, u: jax.Array, ul: jax.Array, skips: tuple[jax.Array, ...] = ()) -> tuple[jax.Array, jax.Array]:
            u = GatedResidual(UPPER, self.keep, self.dtype, name=f"{name}_u")(u, *skips[:1], **options)
            seen = jnp.concatenate([u, *skips[1:]], axis=-1)
            return u, GatedResidual(LEFT, self.keep, self.dtype, name=f"{name}_ul")(ul, seen, **options)

        held = [self._first(to_signed(x, self.dtype), options)]
        for scale in range(SCALES):
            if scale:
                held.append(self._resized(f"smaller_{scale}", *held[-1], options))
            for index in range(self.blocks):
                held.append(both(f"up_{scale}_{index}", *held[-1]))
        u, ul = held.pop()
        for scale in reversed(range(SCALES)):
            for index in range(self.blocks + (scale < SCALES - 1)):
                u, ul = both(f"down_{scale}_{index}", u, ul, held.pop())
            if scale:
                u, ul = self._resized(f"larger_{scale}", u, ul, options, transposed=True)
        channels = outputs(x.shape[-1], self.mixtures)
        output = WeightNormConv(channels, kernel_size=1, dtype=self.dtype, name="output", **_SHARED)
        return output(nn.elu(ul), **options).astype(jnp.float32)

    def _first(self, x: jax.Array, options: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        """Both streams, neither of which sees its own pixel; a channel of ones tells the image from the zeros around it."""

        def moved(name: str, window: tuple[int, int], margins: Any, down: int, right: int) -> jax.Array:
            layer = WeightNormConv(self.filters, kernel_size=window, margins=margins, dtype=self.dtype, name=name, **_SHARED)
            h = layer(x, **options)
            return jnp.pad(h, ((0, 0), (down, 0), (right, 0), (0, 0)))[:, : h.shape[1], : h.shape[2]]

        x = jnp.concatenate([x, jnp.ones_like(x[..., :1])], axis=-1)
        above = moved("input_u", *UPPER[:2], down=1, right=0)
        row_above = moved("input_above", (1, 3), ((0, 0), (1, 1)), down=1, right=0)
        return above, row_above + moved("input_left", (2, 1), ((1, 0), (0, 0)), down=0, right=1)

    def _resized(
        self, name: str, u: jax.Array, ul: jax.Array, options: dict[str, Any], transposed: bool = False
    ) -> tuple[jax.Array, jax.Array]:
        """Both streams with half the sides, or twice if transposed."""

        def one(suffix: str, stream: Stream, h: jax.Array) -> jax.Array:
            sides: dict[str, Any] = {"kernel_size": stream.window, "stride": 2, "transposed": transposed}
            margins = stream.cut if transposed else stream.margins
            layer = WeightNormConv(self.filters, margins=margins, dtype=self.dtype, name=f"{name}_{suffix}", **sides, **_SHARED)
            return layer(h, **options)

        return one("u", UPPER, u), one("ul", LEFT, ul)
