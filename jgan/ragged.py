"""Images of different sizes as a tree of three arrays: one buffer of all pixels, and where each image lies in it.

In a step the buffer is whole, on every device, and the other two arrays are those of the minibatch; `jgan.views.crop` cuts a
crop of each image out of it.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

MOST_PIXELS = 2**31 - 1
"""Positions in the buffer are int32."""


# The offsets come first among the leaves of the tree: so the first leaf of a batch has the length of the batch.
@functools.partial(jax.tree_util.register_dataclass, data_fields=["offsets", "sizes", "pixels"], meta_fields=[])
@dataclasses.dataclass(frozen=True, eq=False)
class Ragged:
    """Images of different sizes.

    Attributes:
      pixels: `[P, channels]` uint8, the pixels of all images, each row by row.
      offsets: `[N]` int32, the position of the first pixel of each image.
      sizes: `[N, 2]` int32, the height and width of each image.

    Example:
      >>> import numpy as np
      >>> from jgan.ragged import Ragged
      >>> found = Ragged.of([np.zeros((4, 6, 3), np.uint8), np.zeros((5, 2, 3), np.uint8)])
      >>> len(found), found.offsets.tolist(), found.sizes.tolist(), [image.shape for image in found.images()]
      (2, [0, 24], [[4, 6], [5, 2]], [(4, 6, 3), (5, 2, 3)])
    """

    pixels: Any
    offsets: Any
    sizes: Any

    @classmethod
    def of(cls, images: Sequence[np.ndarray]) -> "Ragged":
        """Puts images into one buffer.

        Args:
          images: `[height, width, channels]` uint8 each, at least one, of one number of channels.

        Returns:
          The `Ragged`, of NumPy arrays.

        Raises:
          ValueError: if they have more than 2^31 - 1 pixels together, or anything else is wrong with them.
        """
        channels = {image.shape[2] if image.ndim == 3 and image.dtype == np.uint8 else 0 for image in images}
        if len(channels) != 1 or 0 in channels:
            raise ValueError("expected uint8 images [height, width, channels] of one number of channels")
        sizes = np.array([image.shape[:2] for image in images], np.int64)
        ends = np.cumsum(sizes.prod(axis=1))
        if ends[-1] > MOST_PIXELS:
            raise ValueError(f"expected at most {MOST_PIXELS} pixels in all images together, found {ends[-1]}: give fewer")
        pixels = np.concatenate([image.reshape(-1, image.shape[2]) for image in images])
        return cls(pixels, np.concatenate([[0], ends[:-1]]).astype(np.int32), sizes.astype(np.int32))

    def __len__(self) -> int:
        return len(self.offsets)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("images of different sizes are no single array: take them one by one from images()")

    def images(self) -> list[np.ndarray]:
        """The images, `[height, width, channels]` uint8 each: views of the buffer, nothing is copied."""
        pixels, sizes = np.asarray(self.pixels), np.asarray(self.sizes).tolist()
        starts = np.asarray(self.offsets).tolist()
        return [
            pixels[start : start + height * width].reshape(height, width, -1)
            for start, (height, width) in zip(starts, sizes, strict=True)
        ]

    def compact(self) -> "Ragged":
        """The same images in a buffer that holds nothing else."""
        return Ragged.of(self.images())


def is_ragged(node: Any) -> bool:
    """`is_leaf` for trees that may hold a `Ragged`, for functions of its images rather than its arrays."""
    return isinstance(node, Ragged)


def any_ragged(tree: Any) -> bool:
    """Whether a tree holds images of different sizes."""
    return any(map(is_ragged, jax.tree.leaves(tree, is_leaf=is_ragged)))


def rows(leaf: Any) -> Any:
    """An array with an entry for each example: the offsets of a `Ragged`, any other leaf itself."""
    return leaf.offsets if isinstance(leaf, Ragged) else leaf


def per_example(function: Callable[[Any], Any], tree: Any) -> Any:
    """Applies a function to all arrays of a tree that have an entry for each example, that is, not to a buffer of pixels.

    Args:
      function: `function(array) -> array`, such as a selection of examples.
      tree: arrays and `Ragged`s.

    Returns:
      The tree.

    Example:
      >>> import numpy as np
      >>> from jgan import ragged
      >>> images = ragged.Ragged.of([np.zeros((4, 6, 3), np.uint8), np.zeros((5, 2, 3), np.uint8)])
      >>> found = ragged.per_example(lambda leaf: leaf[1:], images)
      >>> len(found), found.sizes.tolist(), len(found.pixels)
      (1, [[5, 2]], 34)
    """

    def mapped(leaf: Any) -> Any:
        if not isinstance(leaf, Ragged):
            return function(leaf)
        return Ragged(leaf.pixels, function(leaf.offsets), function(leaf.sizes))

    return jax.tree.map(mapped, tree, is_leaf=is_ragged)


def window(images: Ragged, place: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Cuts a window out of one image.

    Args:
      images: one image: an offset `[]` and a size `[2]`; `jax.vmap` over them, not over the pixels, cuts one out of each.
      place: int32 `[2]`, the row and column of its upper left pixel; the window must lie in the image.
      size: its height and width.

    Returns:
      `[height, width, channels]` uint8.

    Example:
      >>> import jax.numpy as jnp, numpy as np
      >>> from jgan import ragged
      >>> images = ragged.Ragged.of([np.zeros((2, 2, 1), np.uint8), np.arange(6, dtype=np.uint8).reshape(2, 3, 1)])
      >>> one = ragged.Ragged(jnp.asarray(images.pixels), images.offsets[1], images.sizes[1])
      >>> ragged.window(one, jnp.array([0, 1]), (2, 2))[..., 0].tolist()
      [[1, 2], [4, 5]]
    """
    height, width = size
    starts = images.offsets + (place[0] + jnp.arange(height)) * images.sizes[1] + place[1]
    row = lambda start: jax.lax.dynamic_slice_in_dim(images.pixels, start, width)  # noqa: E731
    return jax.vmap(row)(starts)


def check(images: Ragged, where: str) -> None:
    """Checks that the images lie within the buffer.

    Args:
      images: NumPy arrays.
      where: their name in error messages.

    Raises:
      ValueError: if they do not, or one is empty.

    Example:
      >>> import numpy as np
      >>> from jgan import ragged
      >>> ragged.check(ragged.Ragged(np.zeros((5, 3), np.uint8), np.array([0]), np.array([[2, 3]])), "here")
      Traceback (most recent call last):
      ValueError: here: expected images of at least one pixel within the 5 of the buffer, found one of 2x3 from pixel 0 on
    """
    sizes, offsets = np.asarray(images.sizes, np.int64), np.asarray(images.offsets, np.int64)
    inside = (sizes >= 1).all(axis=1) & (offsets >= 0) & (offsets + sizes.prod(axis=1) <= len(images.pixels))
    if not inside.all():
        first = int(np.argmin(inside))
        height, width = sizes[first]
        raise ValueError(
            f"{where}: expected images of at least one pixel within the {len(images.pixels)} of the buffer, found one of "
            f"{height}x{width} from pixel {offsets[first]} on"
        )
