"""Checkpoints of a run, a layer over Orbax: atomic, written in the background, protected by checksums.

A checkpoint is a folder `checkpoints/STEP` with two items: `state`, and `about`, a JSON record with the score, the
SHA-256 of every leaf and what else the run needs to continue (`extra`). The record has a checksum of its own. Reading
verifies both, because a changed bit in a file is otherwise read as another number.
"""

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.training import about_file, integrity, saved
from jgan.training.saved import Saved
from jgan.training.which import Which
from jgan.types import PyTree
from jgan.utils import text
from jgan.utils.files import synchronize

DELETED = "deleted"
"""the folder to which a checkpoint is moved before its files are removed: a killed run leaves none with some of its files"""


@contextlib.contextmanager
def _errors_only(name: str) -> Iterator[None]:
    """Has a logger of a library keep its warnings for itself: what matters in them arrives as exceptions."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


class Checkpoints:
    """The folder `checkpoints/` of a run: the last `keep` checkpoints, the best one, and those that are kept for good.

    A save copies the state on the device and returns. A thread then fetches the copy, computes its checksums and writes it to a
    temporary folder that is renamed when complete. A checkpoint that is no longer kept is moved to the folder `deleted`; then
    its files are removed. A killed run leaves the previous checkpoint and at most two incomplete folders, which are ignored.

    Args:
      folder: the folder of the checkpoints, created if missing unless `read_only`.
      read_only: whether writing is disabled.
      keep: the number of checkpoints to keep besides the best, at least 1.

    Example:
      >>> import tempfile, jax.numpy as jnp
      >>> from jgan.training.checkpoint import Checkpoints
      >>> with tempfile.TemporaryDirectory() as folder, Checkpoints(folder) as checkpoints:
      ...     checkpoints.save(10, {"w": jnp.ones(2)}, score=1.5)
      ...     checkpoints.save(20, {"w": jnp.zeros(2)}, score=0.5)
      ...     print(checkpoints.step("last"), checkpoints.step("best"), checkpoints.restore({"w": jnp.zeros(2)}, "best"))
      20 10 {'w': array([1., 1.], dtype=float32)}
    """

    def __init__(self, folder: str | Path, *, read_only: bool = False, keep: int = 2) -> None:
        import orbax.checkpoint as ocp

        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(_errors_only("absl"))
        self._ocp = ocp
        self.folder, self.keep = Path(folder).absolute(), keep
        self._ranks: dict[int, tuple[int, float] | None] = {}
        self._kept: dict[int, bool] = {}
        self._durable: set[int] = set()
        options = ocp.CheckpointManagerOptions(
            preservation_policy=_Keep(self),
            create=False,
            multiprocessing_options=saved.without_others(),
            read_only=read_only,
            todelete_subdir=None if read_only else DELETED,
            enable_async_checkpointing=False,  # the thread below also computes the checksums
        )
        if not read_only:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove_deleted()
        self._manager = ocp.CheckpointManager(self.folder, options=options, item_handlers=saved.handlers())
        self._durable |= set(self.steps())
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: tuple[int, Future[None]] | None = None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(raising=kind is None)

    def save(
        self,
        step: int,
        state: PyTree,
        *,
        score: float | None = None,
        phase: int = 0,
        extra: dict[str, Any] | None = None,
        kept: bool = False,
    ) -> None:
        """Saves a state; a step that is already saved is not written again.

        Args:
          step: the number of the step.
          state: a tree of arrays, on any device.
          score: the score, larger is better; the state with the largest is the best. None if not measured.
          phase: the number of the phase; the best is chosen in the last phase that was measured.
          extra: anything that JSON can hold, returned by `read`.
          kept: whether it is kept for good.

        Raises:
          OSError: if the previous save has failed.
        """
        self.wait()
        if step in self.steps():
            return
        # The state's buffers are donated to the next step: without a copy they could not be fetched during it.
        copy = jax.tree.map(jnp.copy, state)
        about = {"step": step, "score": None if score is None else float(score), "phase": phase, "extra": extra or {}}
        about |= {"kept": True} if kept else {}
        self._pending = step, self._writer.submit(self._write, copy, about)

    def _write(self, state: PyTree, about: dict[str, Any]) -> None:
        host = jax.tree.map(np.asarray, state)
        sealed = integrity.seal(about | {"leaves": integrity.checksums(host)})
        items = {saved.STATE: self._ocp.args.StandardSave(host), about_file.ABOUT: self._ocp.args.JsonSave(sealed)}
        self._ranks[about["step"]], self._kept[about["step"]] = about_file.rank(about), about.get("kept", False)
        self._manager.save(about["step"], args=self._ocp.args.Composite(**items))
        synchronize(self.folder / str(about["step"]))
        self._durable.add(about["step"])
        self._remove_deleted()

    def _remove_deleted(self) -> None:
        shutil.rmtree(self.folder / DELETED, ignore_errors=True)

    def check(self) -> None:
        """Raises the error of a save that has failed, as soon as it is known; does not wait.

        Raises:
          OSError: in one line.
        """
        if self._pending is not None and self._pending[1].done():
            self.wait()

    def wait(self) -> None:
        """Waits until all saves are on disk.

        Raises:
          OSError: if one has failed.
        """
        if self._pending is None:
            return
        (step, future), self._pending = self._pending, None
        try:
            future.result()
        except Exception as error:  # Orbax and TensorStore pass on any error of their storage layer
            raise OSError(
                f"the checkpoint of step {step} cannot be written to {self.folder}: {about_file.reason(error)}"
            ) from error

    def steps(self) -> list[int]:
        """The steps of all checkpoints, in ascending order."""
        return sorted(self._manager.all_steps())

    def step(self, which: Which = "last") -> int | None:
        """The step of a checkpoint.

        Args:
          which: `"last"`, `"best"`, the one with the largest score, or a step.

        Returns:
          The step; None if there is none.
        """
        self.wait()
        steps = self.steps()
        if isinstance(which, int):
            return which if which in steps else None
        return max(steps, default=None) if which == "last" else self._best(steps)

    def read(self, step: int, template: PyTree) -> Saved:
        """Reads and verifies a checkpoint.

        Args:
          step: its step.
          template: a tree of arrays, or of shapes and dtypes, like the saved state.

        Returns:
          The `Saved` checkpoint.

        Raises:
          ValueError: if it is damaged, or its tree differs from the template; in one line that names the folder.
        """
        return saved.read(self.folder / str(step), step, template)

    def extra(self, step: int) -> dict[str, Any]:
        """What was saved beside the state of a checkpoint, without reading the state.

        Args:
          step: its step.

        Returns:
          As `Saved.extra`; empty if its record is damaged.
        """
        try:
            about = about_file.read(self.folder / str(step))
        except ValueError:
            return {}
        return {} if about is None else about["extra"]

    def newest(self, template: Callable[[int], PyTree], damaged: Callable[[int, str], None]) -> Saved | None:
        """Reads the newest checkpoint that is not damaged.

        Args:
          template: the template of a step, see `read`.
          damaged: called with the step and the message of each newer checkpoint that is damaged.

        Returns:
          The `Saved` checkpoint; None if there is none, or none that is not damaged.
        """
        self.wait()
        for step in reversed(self.steps()):
            try:
                return self.read(step, template(step))
            except ValueError as error:
                if (self.folder / str(step)).exists():
                    damaged(step, str(error))
                else:  # the process that trains has just replaced it
                    self._manager.reload()
                    return self.newest(template, damaged)
        return None

    def restore(self, template: PyTree, which: Which = "last") -> Any:
        """Reads a checkpoint.

        Args:
          template: see `read`.
          which: see `step`.

        Returns:
          The tree, with NumPy arrays as leaves.

        Raises:
          FileNotFoundError: if there is no checkpoint.
          ValueError: if it is damaged, or its tree differs from the template.
        """
        return self.read(self.expect(which), template).state

    def expect(self, which: Which) -> int:
        """As `step`, but an error if there is none.

        Args:
          which: see `step`.

        Returns:
          The step.

        Raises:
          FileNotFoundError: if there is no such checkpoint.
        """
        step = self.step(which)
        if step is None and isinstance(which, int):
            found = text.listed(self.steps(), 20) or "none"
            raise FileNotFoundError(f"{self.folder}: expected a checkpoint of step {which}, found those of {found}")
        if step is None:
            last = self.step("last")
            other = "" if last is None else f"; --checkpoint last takes that of step {last}"
            raise FileNotFoundError(
                f"{self.folder} holds no {which} checkpoint: the run was stopped before its first one{other}"
            )
        return step

    def set_aside(self, step: int) -> Path:
        """Moves a damaged checkpoint to the folder `damaged` beside the folder of the checkpoints.

        Args:
          step: its step.

        Returns:
          Its new path.
        """
        aside = self.folder.parent / "damaged"
        aside.mkdir(exist_ok=True)
        target = next(path for n in range(1, 10**6) if not (path := aside / (f"{step}" if n == 1 else f"{step}-{n}")).exists())
        (self.folder / str(step)).rename(target)
        self._manager.reload()
        return target

    def delete(self, step: int) -> None:
        """Deletes a checkpoint.

        Args:
          step: its step.
        """
        self.wait()
        self._manager.delete(step)
        self._remove_deleted()

    def close(self, *, raising: bool = True) -> None:
        """Waits for all saves and releases the folder.

        Args:
          raising: whether a save that has failed raises an `OSError`.
        """
        try:
            with contextlib.nullcontext() if raising else contextlib.suppress(OSError):
                self.wait()
        finally:
            self._writer.shutdown()
            self._manager.close()
            self._quiet.close()

    def _best(self, steps: Sequence[int]) -> int | None:
        for step in steps:
            if step not in self._ranks:
                self._ranks[step] = about_file.rank_on_disk(self.folder / str(step))
        ranked = {step: rank for step in steps if (rank := self._ranks[step]) is not None}
        return max(ranked, key=lambda step: (*ranked[step], step), default=None)

    def _for_good(self, steps: Sequence[int]) -> set[int]:
        for step in steps:
            if step not in self._kept:
                self._kept[step] = about_file.kept_on_disk(self.folder / str(step))
        return {step for step in steps if self._kept[step]}


class _Keep:
    """Orbax's preservation policy: the last checkpoints, the best one and those that are kept for good."""

    def __init__(self, owner: Checkpoints) -> None:
        self._owner = owner

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        steps = sorted(checkpoint.step for checkpoint in checkpoints)
        on_disk = max(self._owner._durable & set(steps), default=None)  # never deleted before a newer one is flushed
        kept = {*steps[-self._owner.keep :], self._owner._best(steps), on_disk, *self._owner._for_good(steps)}
        return [checkpoint.step in kept for checkpoint in checkpoints]
