"""Measures of enlarged pictures beside the true ones: PSNR, SSIM, a perceptual distance, and the kernel distance of patches.

PSNR and SSIM are those of the luma, without a border as wide as the scale, of whole pictures of 8 bits; values are means over
pictures. The distance is that of `jgan.metrics.perceptual`.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.features import choice, efficientnet, maps
from jgan.metrics import kernel, perceptual
from jgan.metrics.psnr import psnr
from jgan.metrics.restored import Channel
from jgan.metrics.ssim import ssim
from jgan.resize import eight_bits, matlab_bicubic

PATCH = 96
"""the side of the patches in which the perceptual distance is measured, or the smallest side of a picture"""


def bicubic(small: np.ndarray, scale: int) -> np.ndarray:
    """The enlargement by MATLAB's bicubic interpolation, rounded to 8 bits.

    Args:
      small: `[height, width, channels]` uint8.
      scale: the factor.

    Returns:
      `[scale height, scale width, channels]` uint8.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import enlargements
      >>> enlargements.bicubic(np.full((2, 3, 1), 7, np.uint8), 4).shape
      (8, 12, 1)
    """
    return eight_bits(matlab_bicubic(small, scale)).astype(np.uint8)


def network(extractor: str, weights: Path | None, loss: str) -> maps.Maps:
    """The network of the perceptual distance, another one than that of the loss.

    Args:
      extractor: with `"auto"` it is EfficientNet-Lite1 (Lite0 if the loss is in its features), and if that is not installed a
        network of random weights; otherwise `"classifier"` or one of the two.
      weights: the file of a classifier.
      loss: the name of the features of the loss, as in `jgan.features.maps.choose`.

    Returns:
      The `Maps`.

    Raises:
      FileNotFoundError: if its weights are missing.
      ValueError: if the network has no maps, or is that of the loss.

    Example:
      >>> from jgan.evaluation import enlargements
      >>> enlargements.network("efficientnet_lite0", None, "efficientnet_lite0")
      Traceback (most recent call last):
      ValueError: --extractor efficientnet_lite0 is the network of the loss: measure with another one
    """
    name = extractor
    if name == "auto":
        name = "efficientnet_lite0" if loss == "efficientnet_lite1" else "efficientnet_lite1"
        try:
            efficientnet.path("lite0" if name == "efficientnet_lite0" else "lite1")
        except FileNotFoundError:
            name = "random:1" if loss != "random:1" else "random:0"
    elif name == "classifier":
        name = f"classifier:{weights}"
    elif not name.startswith("efficientnet"):
        names = [known for known in choice.NAMES if known.startswith(("auto", "classifier", "efficientnet"))]
        raise ValueError(f"--extractor must be among {', '.join(names)} for a perceptual distance, found {name}")
    if name == loss:
        raise ValueError(f"--extractor {extractor} is the network of the loss: measure with another one")
    return maps.choose(name)


def fidelity(truths: Sequence[np.ndarray], found: Sequence[np.ndarray], border: int) -> dict[str, float]:
    """The mean PSNR and SSIM of pictures.

    Args:
      truths: the true pictures, uint8.
      found: as many others, of the same sizes.
      border: the pixels at each edge that are left out.

    Returns:
      `psnr` in dB and `ssim`, of the luma of colour pictures.
    """
    channel: Channel = "y" if truths[0].shape[-1] == 3 else "rgb"
    return {
        "psnr": psnr(found, truths, channel=channel, border=border).mean,
        "ssim": ssim(found, truths, channel=channel, border=border).mean,
    }


def patches(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """All pictures in patches of one size, side by side from the upper left on.

    Args:
      pictures: `[height, width, channels]` uint8 each.

    Returns:
      `[N, side, side, channels]` float32 in [0, 1].
    """
    side = min(PATCH, *(min(picture.shape[:2]) for picture in pictures))
    cut = [
        picture[row : row + side, column : column + side]
        for picture in pictures
        for row in range(0, picture.shape[0] - side + 1, side)
        for column in range(0, picture.shape[1] - side + 1, side)
    ]
    return np.stack(cut).astype(np.float32) / 255


def perceptual_values(
    network: maps.Maps, truths: Sequence[np.ndarray], found: Sequence[np.ndarray], *, kid: bool = False
) -> dict[str, float]:
    """The perceptual distance of pictures, and the kernel distance of their patches as sets.

    Args:
      network: the feature maps.
      truths: the true pictures, uint8.
      found: as many others, of the same sizes.
      kid: whether to compute the kernel distance too.

    Returns:
      `distance`, and `kid`: of the means of the maps over each patch.
    """
    used = [index for index, name in enumerate(network.layers) if name in network.defaults]
    x, y = patches(truths), patches(found)
    chosen = _maps(network.apply, tuple(used))
    values = {"distance": float(perceptual.distances(x, y, chosen).mean())}
    if kid and len(x) > 1:
        pooled = jax.jit(lambda images: jnp.concatenate([jnp.mean(leaf, axis=(1, 2)) for leaf in chosen(images)], axis=1))
        features = [np.concatenate([np.asarray(pooled(image[None])) for image in images]) for images in (x, y)]
        values["kid"] = float(kernel.kid(*features, subset_size=min(len(x), 500), seed=0).mean)
    return values


@functools.lru_cache(maxsize=4)
def _maps(apply: Any, used: tuple[int, ...]) -> Any:
    """One function for equal arguments, so that a program is compiled once."""

    def chosen(images: jax.Array) -> list[jax.Array]:
        found = apply(images)
        return [found[index] for index in used]

    return chosen


def described(features: str) -> dict[str, str]:
    """The name and the digest of the network of a loss, for results.

    Args:
      features: its name, as in `jgan.features.maps.choose`, or `"none"`.

    Returns:
      `name` and `digest`, which is "" if the network is not at hand.

    Example:
      >>> from jgan.evaluation import enlargements
      >>> enlargements.described("none")
      {'name': 'none', 'digest': ''}
    """
    if features == "none":
        return {"name": "none", "digest": ""}
    try:
        found = maps.choose(features)
    except (OSError, ValueError):  # a run that ended in its first phase did not need it
        return {"name": features, "digest": ""}
    return {"name": found.name, "digest": found.digest}


def most_detailed(image: np.ndarray, side: int) -> tuple[slice, slice]:
    """The square of an image in which neighbouring pixels differ most.

    Args:
      image: `[height, width, channels]` uint8.
      side: the side of the square; the image's if that is smaller.

    Returns:
      Its rows and columns.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import enlargements
      >>> image = np.zeros((6, 9, 1), np.uint8)
      >>> image[1::2, 7] = 200
      >>> enlargements.most_detailed(image, 3)[1]
      slice(6, 9, None)
    """
    grey = image.astype(np.float64).mean(axis=-1)
    detail = np.zeros_like(grey)
    detail[1:] += np.abs(np.diff(grey, axis=0))
    detail[:, 1:] += np.abs(np.diff(grey, axis=1))
    height, width = (min(side, length) for length in grey.shape)
    total = np.pad(detail.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    row, column = (int(place) for place in np.unravel_index(np.argmax(sums), sums.shape))
    return slice(row, row + height), slice(column, column + width)
