"""Images one by one made into one array: of one size, resized to it if one is asked for, and RGB if any of them is."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from jgan.data import reading
from jgan.data.lazy import Lazy
from jgan.data.sizes import Size
from jgan.types import Batch


def fit(image: Any, size: Size) -> Any:
    """The largest centred crop of an aspect ratio, resized with antialiasing.

    Args:
      image: Pillow's image.
      size: height and width of the result.

    Returns:
      Pillow's image, by the Lanczos filter.

    Example:
      >>> from PIL import Image
      >>> from jgan.data import stacking
      >>> stacking.fit(Image.new("L", (40, 20)), (5, 5)).size
      (5, 5)
    """
    from PIL import Image, ImageOps

    return ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)


def pixels(image: Any) -> np.ndarray:
    """The pixels of a picture.

    Args:
      image: Pillow's image, grey or RGB.

    Returns:
      uint8 `[height, width, 1 or 3]`.

    Example:
      >>> from PIL import Image
      >>> from jgan.data import stacking
      >>> stacking.pixels(Image.new("L", (4, 2))).shape
      (2, 4, 1)
    """
    return np.array(image).reshape(image.height, image.width, len(image.getbands()))


def resized(image: np.ndarray, size: Size | None) -> np.ndarray:
    """An image of another size, by `fit`.

    Args:
      image: uint8 `[height, width, 1 or 3]`.
      size: the height and width that are wanted; None for those it has.

    Returns:
      uint8 `[height, width, 1 or 3]`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import stacking
      >>> stacking.resized(np.zeros((8, 6, 3), np.uint8), (4, 4)).shape
      (4, 4, 3)
    """
    if size is None or image.shape[:2] == size:
        return image
    from PIL import Image

    return pixels(fit(Image.fromarray(image[..., 0] if image.shape[2] == 1 else image), size))


def stack(images: Iterator[tuple[str, np.ndarray]], n: int, where: str, source: str) -> np.ndarray:
    """Images in one array, for which memory is reserved once.

    Args:
      images: names for messages, and uint8 `[height, width, 1 or 3]`; at least one.
      n: their number.
      where: their name all together, for messages.
      source: the name of the data source, for the advice in an error message.

    Returns:
      uint8 `[n, height, width, 1 or 3]`; grey ones among coloured ones have three equal channels.

    Raises:
      ValueError: if the sizes differ, or all together do not fit into the memory.

    Example:
      >>> import numpy as np
      >>> from jgan.data import stacking
      >>> some = (("a", np.zeros((2, 4, 1), np.uint8)), ("b", np.zeros((2, 4, 3), np.uint8)))
      >>> stacking.stack(iter(some), 2, "here", "folder").shape
      (2, 2, 4, 3)
    """
    first_name, first = next(images)
    height, width, channels = first.shape
    reading.check_size(where, n * first.nbytes)
    stacked = np.empty((n, *first.shape), np.uint8)
    stacked[0] = first
    for index, (name, image) in enumerate(images, start=1):
        same_size(name, image.shape[:2], first_name, (height, width), source)
        if image.shape[2] > channels:  # the first that has colours
            channels = image.shape[2]
            stacked = np.repeat(stacked, channels, axis=3)
        stacked[index] = image
    return stacked


def same_size(name: str, found: Size, first_name: str, expected: Size, source: str) -> None:
    """Checks that an image has the size of the first one.

    Args:
      name: its name, for the message.
      found: its height and width.
      first_name: the name of the first image.
      expected: the height and width of that.
      source: the name of the data source, for the advice.

    Raises:
      ValueError: if it has not.

    Example:
      >>> from jgan.data import stacking
      >>> stacking.same_size("b.png", (2, 4), "a.png", (2, 5), "folder")  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      ValueError: b.png: expected 2x5 pixels (height x width) as a.png, found 2x4: resize them all, as in folder:2x5
    """
    if found != expected:
        height, width = expected
        raise ValueError(
            f"{name}: expected {height}x{width} pixels (height x width) as {first_name}, found {found[0]}x{found[1]}: resize "
            f"them all, as in {source}:{height}x{width}"
        )


def same_channels(parts: dict[str, Batch]) -> dict[str, Batch]:
    """Grey images with three equal channels if those of another part are RGB.

    Args:
      parts: images `[N, height, width, 1 or 3]` by part.

    Returns:
      The parts.

    Example:
      >>> import numpy as np
      >>> from jgan.data import stacking
      >>> parts = {"train": Batch(np.zeros((2, 4, 4, 3), np.uint8)), "test": Batch(np.zeros((1, 4, 4, 1), np.uint8))}
      >>> stacking.same_channels(parts)["test"].x.shape
      (1, 4, 4, 3)
    """
    channels = max(batch.x.shape[3] for batch in parts.values())
    return {part: batch._replace(x=_with_channels(batch.x, channels)) for part, batch in parts.items()}


def _with_channels(x: Any, channels: int) -> Any:
    if isinstance(x, Lazy):
        return x.with_channels(channels)
    return x if x.shape[3] == channels else np.array(np.broadcast_to(x, (*x.shape[:3], channels)))
