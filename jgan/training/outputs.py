"""The files that samples are written to: an array with its settings, a folder of images, or lines of text."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from jgan import plots
from jgan.training.run import Snapshot
from jgan.utils.files import replacing


def write_array(out: Path, found: Snapshot, settings: dict[str, Any], **arrays: Any) -> None:
    """Writes samples and the settings they depend on, atomically.

    Args:
      out: the .npz file.
      found: the checkpoint.
      settings: what else the samples depend on, by name.
      **arrays: the samples, and the labels if the model has them.
    """
    about = settings | {"preset": found.run.config.preset, "dataset": found.run.config.dataset, "step": found.step}
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays, **about)


def write_text(out: Path, lines: str) -> None:
    """Writes a text in UTF-8, atomically.

    Args:
      out: the file.
      lines: its content.
    """
    with replacing(out) as temporary:
        temporary.write_text(lines, encoding="utf-8")


def write_folder(out: Path, images: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Writes each image as a PNG file, all of them or none: the folder appears when it is complete.

    The folder is flat, with the label in the name, because that is what all of pytorch-fid, torch-fidelity and clean-fid read.

    Args:
      out: the folder, which does not exist or is empty.
      images: uint8 `[N, height, width, 1 or 3]`.
      labels: `[N]` int, the class of each, or None.
    """
    digits = max(4, len(str(len(images) - 1)))
    of = lambda index: "" if labels is None else f"-label{labels[index]}"  # noqa: E731
    write_named(out, ((f"{index:0{digits}}{of(index)}", image) for index, image in enumerate(images)))


def write_named(out: Path, named: Iterable[tuple[str, np.ndarray]]) -> int:
    """Writes images under given names as PNG files, all of them or none: the folder appears when it is complete.

    Args:
      out: the folder, which does not exist or is empty.
      named: names without a suffix, all different, and images, uint8 `[height, width, 1 or 3]`; drawn one at a time.

    Returns:
      The number of images.
    """
    number = 0
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        whole = Path(scratch) / out.name
        whole.mkdir()
        for name, image in named:
            plots.save_png(whole / f"{name}.png", image)
            number += 1
        os.replace(whole, out)
    return number
