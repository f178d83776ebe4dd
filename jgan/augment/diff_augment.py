"""DiffAugment: differentiable random augmentation of all images that the discriminator sees, real and fake.

It keeps the discriminator from memorising a small data set. Since the generator is trained through the same augmentations, it
learns the distribution of the original images. Every image gets new random parameters, with probability 1.

The paper's images lie in [-1, 1], jgan's in [0, 1]: `low` and `high` give the range, and the augmentations are scaled from the
paper's range to it. Padding is mid grey, the paper's 0, unless `fill` is given. As in the paper, results are not clipped: the
discriminator sees values outside the range.

References:
  Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training" (2020), https://arxiv.org/abs/2006.10738
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jgan.augment import operations
from jgan.types import Augmentation, Key

POLICIES = ("color", "translation", "cutout")
"""The paper's three policies, in its order."""


def brightness(key: Key, images: jax.Array, *, low: float = 0.0, high: float = 1.0, axis_name: str | None = None) -> jax.Array:
    """Adds U(-0.5, 0.5), scaled to the range of the images, to each image.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float.
      low: the value of black.
      high: the value of white.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape.

    Raises:
      ValueError: if `images` do not have four axes or are not floats, or `low` is not below `high`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> x = augment.brightness(jax.random.key(0), jnp.zeros((100, 4, 4, 1)))  # in [0, 1] the amount is half the paper's
      >>> bool(abs(x).max() < 0.25)
      True

    References:
      Zhao et al. (2020), section 4, https://arxiv.org/abs/2006.10738
    """
    _, half = operations.middle_and_half(low, high)
    change = lambda key, image: operations.brighten(image, half * jax.random.uniform(key, minval=-0.5, maxval=0.5))  # noqa: E731
    return operations.per_example(change, key, images, axis_name)


def saturation(key: Key, images: jax.Array, *, axis_name: str | None = None) -> jax.Array:
    """Multiplies the distance of each pixel from its own grey value by U(0, 2), one factor per image.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float, of any range.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape.

    Raises:
      ValueError: if `images` do not have four axes or are not floats.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> x = augment.saturation(jax.random.key(0), jnp.ones((2, 4, 4, 3)))  # white does not change
      >>> bool(abs(x - 1).max() < 1e-6)
      True

    References:
      Zhao et al. (2020), section 4, https://arxiv.org/abs/2006.10738
    """
    change = lambda key, image: operations.saturate(image, jax.random.uniform(key, maxval=2.0))  # noqa: E731
    return operations.per_example(change, key, images, axis_name)


def contrast(key: Key, images: jax.Array, *, axis_name: str | None = None) -> jax.Array:
    """Multiplies the distance of each value from the mean of its image by U(0.5, 1.5), one factor per image.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float, of any range.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape.

    Raises:
      ValueError: if `images` do not have four axes or are not floats.

    Example:
      >>> import jax
      >>> from jgan import augment
      >>> x = jax.random.uniform(jax.random.key(0), (2, 4, 4, 3))
      >>> change = augment.contrast(jax.random.key(1), x) - x
      >>> bool(abs(change.mean((1, 2, 3))).max() < 1e-6)  # the mean of an image does not change
      True

    References:
      Zhao et al. (2020), section 4, https://arxiv.org/abs/2006.10738
    """
    change = lambda key, image: operations.contrast(image, jax.random.uniform(key, minval=0.5, maxval=1.5))  # noqa: E731
    return operations.per_example(change, key, images, axis_name)


def color(key: Key, images: jax.Array, *, low: float = 0.0, high: float = 1.0, axis_name: str | None = None) -> jax.Array:
    """The policy "color": brightness, then saturation, then contrast.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float.
      low: the value of black.
      high: the value of white.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape.

    Raises:
      ValueError: if `images` do not have four axes or are not floats, or `low` is not below `high`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> augment.color(jax.random.key(0), jnp.zeros((2, 4, 4, 1))).shape
      (2, 4, 4, 1)

    References:
      Zhao et al. (2020), section 4, https://arxiv.org/abs/2006.10738
    """
    keys = jax.random.split(key, 3)
    images = brightness(keys[0], images, low=low, high=high, axis_name=axis_name)
    images = saturation(keys[1], images, axis_name=axis_name)
    return contrast(keys[2], images, axis_name=axis_name)


def _fraction(name: str, ratio: float) -> None:
    if not 0 <= ratio <= 1:
        raise ValueError(f"the ratio of a {name} must be a fraction of the image, in [0, 1], found {ratio}")


def translation(
    key: Key, images: jax.Array, *, ratio: float = 1 / 8, fill: float = 0.5, axis_name: str | None = None
) -> jax.Array:
    """The policy "translation": shifts each image by a uniform number of whole pixels, at most `ratio` of its size.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float.
      ratio: the maximum shift as a fraction of the image; rounded to whole pixels, halves up.
      fill: the padding value; 0.5 is mid grey in [0, 1].
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape.

    Raises:
      ValueError: if `images` do not have four axes or are not floats, or `ratio` is not in [0, 1].

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> x = augment.translation(jax.random.key(0), jnp.ones((2, 16, 16, 1)), fill=0.0)
      >>> bool(x.sum() >= 2 * 14 * 14)  # at most two rows and two columns of each image are lost
      True

    References:
      Zhao et al. (2020), section 4, https://arxiv.org/abs/2006.10738
    """
    _fraction("translation", ratio)

    def change(key: Key, image: jax.Array) -> jax.Array:
        limit = jnp.array([int(side * ratio + 0.5) for side in image.shape[:2]])
        down, right = jax.random.randint(key, (2,), -limit, limit + 1)
        return operations.translate(image, down, right, fill)

    return operations.per_example(change, key, images, axis_name)


def cutout(key: Key, images: jax.Array, *, ratio: float = 1 / 2, fill: float = 0.5, axis_name: str | None = None) -> jax.Array:
    """The policy "cutout": fills a rectangle of `ratio` of each image's height and width, at a uniform position.

    The centre may lie anywhere in the image, so part of the rectangle may lie outside: at the paper's ratio of 1/2, the
    rectangle covers at most a quarter of the image, and about a fifth on average.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float.
      ratio: the sides of the rectangle as a fraction of the image's; rounded to whole pixels, halves up.
      fill: the value of the rectangle; 0.5 is mid grey in [0, 1].
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape.

    Raises:
      ValueError: if `images` do not have four axes or are not floats, or `ratio` is not in [0, 1].

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> x = augment.cutout(jax.random.key(0), jnp.ones((2, 16, 16, 1)), fill=0.0)
      >>> bool(x.sum() >= 2 * (16 * 16 - 8 * 8))
      True

    References:
      Zhao et al. (2020), section 4, https://arxiv.org/abs/2006.10738
    """
    _fraction("cutout", ratio)

    def change(key: Key, image: jax.Array) -> jax.Array:
        sides = jnp.array(image.shape[:2])
        size = jnp.array([int(side * ratio + 0.5) for side in image.shape[:2]])
        odd = size % 2  # a rectangle with an odd side is centred on a pixel, one with an even side between two
        twice_the_centre = 2 * jax.random.randint(key, (2,), 0, sides + 1 - odd) + odd
        return operations.cut_out(image, twice_the_centre / 2, size.astype(jnp.float32), fill)

    return operations.per_example(change, key, images, axis_name)


def diff_augment(
    policy: Sequence[str] = POLICIES, *, low: float = 0.0, high: float = 1.0, fill: float | None = None
) -> Augmentation:
    """DiffAugment, for a game's `augment` option.

    Args:
      policy: the names of the augmentations, of "color", "translation" and "cutout", in order of application.
      low: the value of black.
      high: the value of white.
      fill: the value of padding and of a cutout; by default mid grey, `(low + high) / 2`.

    Returns:
      The `Augmentation`, without memory.

    Raises:
      ValueError: if a name is unknown or `low` is not below `high`; when applied, if the images do not have four axes
        or are not floats.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> augmentation = augment.diff_augment(("color", "cutout"))
      >>> augmentation.apply(jax.random.key(0), augmentation.init(), jnp.zeros((2, 16, 16, 3)), None).shape
      (2, 16, 16, 3)

    References:
      Zhao et al. (2020), equations 4 to 6, https://arxiv.org/abs/2006.10738
    """
    if isinstance(policy, str) or not set(policy) <= set(POLICIES):
        raise ValueError(f"policy must be a sequence of names of {POLICIES}, found {policy!r}")
    middle, _ = operations.middle_and_half(low, high)
    paint = middle if fill is None else fill
    changes = {
        "color": lambda key, images, axis_name: color(key, images, low=low, high=high, axis_name=axis_name),
        "translation": lambda key, images, axis_name: translation(key, images, fill=paint, axis_name=axis_name),
        "cutout": lambda key, images, axis_name: cutout(key, images, fill=paint, axis_name=axis_name),
    }

    def apply(key: Key, memory: tuple, images: jax.Array, axis_name: str | None) -> jax.Array:
        for index, name in enumerate(policy):
            images = changes[name](jax.random.fold_in(key, index), images, axis_name)
        return images

    return Augmentation(init=lambda: (), apply=apply, update=lambda memory, real_logits, axis_name: memory)
