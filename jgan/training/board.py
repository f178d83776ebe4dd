"""Event files for TensorBoard: the lines of metrics as scalars, the pictures of `samples/`, or the lines of text.

They are written at once, not in a thread of their own: what cannot be written is an error of the run at that step.
"""

import importlib.util
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from jgan.utils.files import naming

FOLDER = "tensorboard"
"""the folder in that of the run"""


def check() -> None:
    """Checks that event files can be written.

    Raises:
      ValueError: if tensorboardX is not installed.

    Example:
      >>> from jgan.training import board
      >>> board.check()
    """
    if importlib.util.find_spec("tensorboardX") is None:
        raise ValueError("--tensorboard needs tensorboardX, which is not installed: pip install 'jgan[tensorboard]'")


class Board:
    """Writes event files, if they are wanted; what an earlier one has after the step of a checkpoint is hidden.

    Args:
      workdir: the folder of the run.
      step: the step from which it continues.
      wanted: whether to write anything.

    Raises:
      OSError: if a file cannot be written.

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
        if not wanted:
            return
        from tensorboardX.record_writer import RecordWriter

        goes_on = (workdir / FOLDER).exists()
        (workdir / FOLDER).mkdir(exist_ok=True)
        self.path = workdir / FOLDER / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        with naming(self.path):
            self._writer = RecordWriter(str(self.path))
        self._add(file_version="brain.Event:2")
        if goes_on:
            self.restart(step)

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()

    def restart(self, step: int) -> None:
        """Hides all that was written for later steps.

        Args:
          step: the step from which the run continues.
        """
        if self._writer is not None:
            from tensorboardX.proto.event_pb2 import SessionLog

            self._add(step=step + 1, session_log=SessionLog(status=SessionLog.START))

    def row(self, row: dict[str, Any]) -> None:
        """Writes the numbers of a line of metrics.

        Args:
          row: a line of `metrics.jsonl`, which has a `step`.
        """
        if self._writer is None:
            return
        from tensorboardX.proto.summary_pb2 import Summary

        numbers = {name: value for name, value in row.items() if name != "step" and isinstance(value, int | float)}
        values = [Summary.Value(tag=name, simple_value=float(value)) for name, value in numbers.items()]
        self._add(step=row["step"], summary=Summary(value=values))

    def samples(self, path: Path, step: int) -> None:
        """Writes samples.

        Args:
          path: their picture, or a text, `.txt`.
          step: the step.
        """
        if self._writer is None:
            return
        from PIL import Image
        from tensorboardX import summary

        if path.suffix == ".txt":
            lines = path.read_text(encoding="utf-8").splitlines()
            made = summary.text("samples", "\n".join(f"    {line}" for line in lines))  # as they are, in Markdown
        else:
            with Image.open(path) as image:
                made = summary.image("samples", np.asarray(image.convert("RGB")), dataformats="HWC")
        self._add(step=step, summary=made)

    def _add(self, **fields: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        with naming(self.path):
            self._writer.write(Event(wall_time=time.time(), **fields).SerializeToString())
            self._writer.flush()
