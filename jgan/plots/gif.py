"""Animations: a sequence of pictures as a GIF."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from jgan.utils.files import replacing


def animation(frames: Iterable[np.ndarray], path: str | Path, *, fps: float = 10.0) -> None:
    """Writes pictures as a GIF that starts anew when it has ended, in one piece.

    One palette of at most 256 colours serves all frames, and no dithering: a colour that stays is drawn alike throughout, so
    that nothing flickers. Pictures of up to 256 colours in all come back as they were.

    Args:
      frames: uint8 pictures `[height, width, channels]` of one shape, of 1 or 3 channels, at least one.
      path: the file; its folder must be there. One that is there is replaced.
      fps: frames in a second, from 0.1 to 50: a GIF counts in hundredths of a second, and viewers slow down what shows a frame
        for less than two. A frame equal to the one before is not stored, but shown for longer.

    Raises:
      ValueError: if there are no such frames, or `fps` is out of range.
      OSError: if the file cannot be written; one that was there is kept.

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
    # The frames are one long picture while their colours are chosen: hence one palette.
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
