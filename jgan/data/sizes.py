"""The size to which images of the user's own are resized: what the name of a set asks for, and what a model accepts."""

import re
from collections.abc import Callable

from jgan.data import pictures

Size = tuple[int, int]
"""Height and width in pixels."""

LARGEST, REDUCED = 256, 64
"""The largest side at which images are taken as they are if no size is asked for; the side to which larger ones are reduced."""


def asked_size(name: str) -> Size | None:
    """Parses the size after the colon of a data set's name.

    Args:
      name: as in `folder`, `folder:64` (a square) or `folder:48x64` (height, width).

    Returns:
      The size, or None if the name has none.

    Raises:
      ValueError: if the text after the colon is not a size.

    Example:
      >>> from jgan.data import sizes
      >>> sizes.asked_size("folder:48x64"), sizes.asked_size("folder:64"), sizes.asked_size("folder")
      ((48, 64), (64, 64), None)
    """
    base, colon, size = name.partition(":")
    if not colon:
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", size)
    if match is None:
        raise ValueError(f"expected a size after the colon, as in {base}:64 or {base}:48x64 (height x width), found {name!r}")
    height, width = int(match[1]), int(match[2] or match[1])
    if height * width > pictures.MOST_PIXELS:
        raise ValueError(f"expected a size of at most {pictures.MOST_PIXELS} pixels after the colon, found {height}x{width}")
    return height, width


def usual_size(found: set[Size]) -> Size:
    """The size for a model if none is asked for.

    Args:
      found: the sizes of the images, at least one.

    Returns:
      The images' own size if all have one of at most `LARGEST` pixels a side. Larger images are reduced to a smaller side of
      `REDUCED`; images of several sizes to squares of that side, or of their smallest side if that is smaller.

    Example:
      >>> from jgan.data import sizes
      >>> sizes.usual_size({(96, 128)}), sizes.usual_size({(3000, 4000)}), sizes.usual_size({(96, 128), (50, 70)})
      ((96, 128), (64, 85), (50, 50))
    """
    smallest = min(map(min, found))
    reduced = min(smallest, REDUCED)
    if len(found) > 1:
        return reduced, reduced
    ((height, width),) = found
    if max(height, width) <= LARGEST:
        return height, width
    return round(height * reduced / smallest), round(width * reduced / smallest)


def fitted(name: str, found: set[Size], nearest: Callable[[Size], Size]) -> tuple[str, str]:
    """The name of a set at the size that a model accepts: see `jgan.data.sources.fitted`.

    Args:
      name: the name of the set; a size may follow a colon.
      found: the sizes of its images; it may be empty if the name has a size.
      nearest: the size nearest to the given one that the model accepts.

    Returns:
      `(name, what was done)`, both unchanged and "" if the images have the size already.

    Example:
      >>> from jgan.data import sizes
      >>> sizes.fitted("folder", {(60, 60)}, lambda size: (64, 64))[0]
      'folder:64x64'
    """
    base = name.partition(":")[0]
    return nearest_size(name, base, asked_size(name), found, nearest)


def nearest_size(
    name: str, base: str, asked: Size | None, found: set[Size], nearest: Callable[[Size], Size]
) -> tuple[str, str]:
    """As `fitted`, for a name that is taken apart already.

    Args:
      name: the name of the set.
      base: the name without a size.
      asked: the size in it.
      found: as in `fitted`.
      nearest: as in `fitted`.

    Returns:
      As in `fitted`.

    Example:
      >>> from jgan.data import sizes
      >>> sizes.nearest_size("a/b", "a/b", None, {(60, 60), (80, 70)}, lambda size: (64, 64))[0]
      'a/b:64x64'
    """
    if not asked and not found:
        return name, ""  # `load` says what is wrong
    wanted = asked or usual_size(found)
    size = nearest(wanted)
    if size == wanted and (asked or found == {size}):
        return name, ""
    of = "x".join(map(str, min(found or {wanted})))
    if len(found) > 1:
        of = f"{len(found)} sizes"
    why = f", the size nearest to {wanted[0]}x{wanted[1]} that the model accepts" if size != wanted else ""
    says = (
        f"images{'' if asked else ' of ' + of} cropped and resized to {size[0]}x{size[1]} (height x width){why}; "
        f"--dataset {base}:HEIGHTxWIDTH asks for another"
    )
    return f"{base}:{size[0]}x{size[1]}", says
