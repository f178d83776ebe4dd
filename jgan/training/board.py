"""Event files for TensorBoard: the lines of metrics as scalars, the pictures of `samples/`, or the lines of text."""

import importlib.util
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

FOLDER = "tensorboard"
"""the folder in that of the run"""


def check() -> None:
    """Checks that event files can be written.

    Raises:
      ValueError: if tensorboardX is not installed.
    """
    if importlib.util.find_spec("tensorboardX") is None:
        raise ValueError("--tensorboard needs tensorboardX, which is not installed: pip install 'jgan[tensorboard]'")


class Board:
    """Writes event files, if they are wanted; a resumed run hides what an earlier one wrote after its checkpoint.

    Args:
      workdir: the folder of the run.
      step: the step from which it continues.
      wanted: whether to write anything.

    Example:
      >>> import tempfile
      >>> from jgan.training import board
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     with board.Board(Path(folder), 0, wanted=True) as found:
      ...         found.row({"step": 100, "phase": "first", "d_loss": 0.5})
      ...     len(list((Path(folder) / "tensorboard").iterdir()))
      1
    """

    def __init__(self, workdir: Path, step: int, *, wanted: bool) -> None:
        self._writer: Any = None
        if wanted:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(workdir / FOLDER), purge_step=step + 1 if step else None)

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()

    def row(self, row: dict[str, Any]) -> None:
        """Writes the numbers of a line of `metrics.jsonl`, which has a `step`."""
        for name, value in row.items():
            if self._writer is not None and name != "step" and isinstance(value, int | float):
                self._writer.add_scalar(name, value, row["step"])

    def samples(self, path: Path, step: int) -> None:
        """Writes a picture of samples, or a text."""
        if self._writer is None:
            return
        if path.suffix == ".txt":
            lines = path.read_text(encoding="utf-8").splitlines()
            self._writer.add_text("samples", "\n".join(f"    {line}" for line in lines), step)  # as they are, in Markdown
            return
        from PIL import Image

        with Image.open(path) as image:
            self._writer.add_image("samples", np.asarray(image.convert("RGB")), step, dataformats="HWC")
