"""Networks that make an image by doubling its sides level by level: which sizes they make, and from which base."""

import math
from collections.abc import Sequence

SMALLEST, LARGEST = 4, 7


def levels(image_shape: Sequence[int], owner: str) -> tuple[int, tuple[int, int]]:
    """How often the sides of an image can be halved down to a base of 4 to 7 pixels.

    28x28 images have a base of 7x7 and two doublings, 32x32 a base of 4x4 and three.

    Args:
      image_shape: `(height, width, channels)`. The smaller side must be 4, 5, 6 or 7 times a power of two, at least 8, and the
        other side a multiple of the same power.
      owner: the name of the networks, for the message.

    Returns:
      `(doublings, (base height, base width))`.

    Raises:
      ValueError: if the sides do not fit; the message names the nearest that do.

    Example:
      >>> from jgan.networks import pyramid
      >>> pyramid.levels((28, 28, 1), "ProGAN"), pyramid.levels((32, 64, 3), "ProGAN")
      ((2, (7, 7)), (3, (4, 8)))
      >>> pyramid.levels((30, 30, 1), "ProGAN")
      Traceback (most recent call last):
      ValueError: ProGAN makes images whose sides are 4 to 7 times a power of two (at least 2), the same for both sides, found 30x30; the nearest squares are 28x28 and 32x32
    """  # noqa: E501  a message of one line
    height, width, _ = image_shape
    side, count = min(height, width), 0
    while side % 2 == 0 and side // 2 >= SMALLEST:
        side, count = side // 2, count + 1
    if count == 0 or side > LARGEST or max(height, width) % 2**count:
        raise ValueError(
            f"{owner} makes images whose sides are {SMALLEST} to {LARGEST} times a power of two (at least 2), the same "
            f"for both sides, found {height}x{width}; {_nearest_squares(min(height, width))}"
        )
    return count, (height >> count, width >> count)


def nearest(size: tuple[int, int]) -> tuple[int, int]:
    """The size nearest to a given one that such networks make.

    Args:
      size: height and width.

    Returns:
      The height and the width with the smallest sum of ratios to those asked for: the size itself if it fits.

    Example:
      >>> from jgan.networks import pyramid
      >>> pyramid.nearest((28, 28)), pyramid.nearest((70, 70)), pyramid.nearest((85, 64))
      ((28, 28), (64, 64), (80, 64))
    """
    small, large = sorted(size)
    fitting = (
        (side, max(side, times << power)) for side, power in _fitting() for times in (large >> power, (large >> power) + 1)
    )

    def distance(found: tuple[int, int]) -> float:
        return sum(abs(math.log(side / asked)) for side, asked in zip(found, (small, large), strict=True))

    found = min(fitting, key=distance)
    return found if size[0] <= size[1] else (found[1], found[0])


def _fitting() -> list[tuple[int, int]]:
    """The smaller sides that fit, and the power of two that must divide the other side."""
    return sorted((base << power, power) for base in range(SMALLEST, LARGEST + 1) for power in range(1, 16))


def _nearest_squares(side: int) -> str:
    fitting = [size for size, _ in _fitting()]
    below, above = [size for size in fitting if size < side], [size for size in fitting if size > side]
    return "the nearest squares are " + " and ".join(f"{size}x{size}" for size in [*below[-1:], *above[:1]])
