"""Animations: a sequence of pictures as a GIF."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from jgan.utils.files import replacing


def animation(frames: Iterable[np.ndarray], path: str | Path, *, fps: float = 10.0) -> None:
    """Writes pictures as a GIF that loops, atomically.

    All frames share one palette of at most 256 colours without dithering, so constant colours do not flicker. If the pictures
    have at most 256 colours in total, the GIF is lossless.

    Args:
      frames: uint8 pictures `[height, width, channels]` of one shape, of 1 or 3 channels, at least one.
      path: the file; its folder must exist. An existing file is replaced.
      fps: frames per second, from 0.1 to 50. (GIF durations are in hundredths of a second, and viewers slow down frames shorter
        than two.) A frame equal to the previous one is stored as a longer duration.

    Raises:
      ValueError: if the frames have the wrong shape or dtype, or `fps` is out of range.
      OSError: if the file cannot be written; an existing file is then kept.

    Example:
      >>> import tempfile, numpy as np
      >>> from pathlib import Path
      >>> from jgan import plots
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     fading = [np.full((4, 4, 1), grey, np.uint8) for grey in (0, 100, 200)]
      ...     plots.animation(fading, Path(folder) / "fading.gif", fps=20)
    """
    from PIL import Image

    pictures = list(frames)
    shapes = sorted({(str(picture.dtype), *picture.shape) for picture in pictures})
    if len(shapes) != 1 or shapes[0][0] != "uint8" or len(shapes[0]) != 4 or shapes[0][3] not in (1, 3):
        raise ValueError(
            f"expected uint8 pictures [height, width, 1 or 3] of one shape, at least one, found {shapes or 'none'}"
        )
    if not 0.1 <= fps <= 50:
        raise ValueError(f"fps must be from 0.1 to 50, found {fps}")
    height, width = pictures[0].shape[:2]
    # The palette is chosen from all frames joined to one long picture.
    film = np.broadcast_to(np.concatenate(pictures), (len(pictures) * height, width, 3))
    indexed = Image.fromarray(film).quantize(256, dither=Image.Dither.NONE)
    cut = [indexed.crop((0, top, width, top + height)) for top in range(0, indexed.height, height)]
    with replacing(path) as temporary:
        cut[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=cut[1:],
            duration=10 * round(100 / fps),
            loop=0,
            optimize=False,
        )
