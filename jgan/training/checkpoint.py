"""Checkpoints of a run, a thin layer over Orbax: atomic and asynchronous; the last two and the best are kept."""

import contextlib
import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import jax
import numpy as np

from jgan.types import PyTree

Which = Literal["last", "best"]


class Checkpoints:
    """The folder `checkpoints/` of a run.

    A save copies the state to the host, returns, and writes in the background to a temporary folder that is renamed when
    complete. A killed run leaves the previous checkpoint and at most an incomplete folder, which is ignored.

    Args:
      folder: the folder of the checkpoints, created if missing unless `read_only`.
      read_only: whether writing is disabled.

    Example:
      >>> import tempfile, jax.numpy as jnp
      >>> from jgan.training.checkpoint import Checkpoints
      >>> with tempfile.TemporaryDirectory() as folder, Checkpoints(folder) as checkpoints:
      ...     checkpoints.save(10, {"w": jnp.ones(2)}, score=1.5)
      ...     checkpoints.save(20, {"w": jnp.zeros(2)}, score=0.5)
      ...     print(checkpoints.step("last"), checkpoints.step("best"), checkpoints.restore({"w": jnp.zeros(2)}, "best"))
      20 10 {'w': array([1., 1.], dtype=float32)}
    """

    def __init__(self, folder: str | Path, *, read_only: bool = False) -> None:
        import orbax.checkpoint as ocp
        from orbax.checkpoint import checkpoint_managers as policies

        logging.getLogger("absl").setLevel(logging.ERROR)
        self._ocp = ocp
        self.folder = Path(folder).absolute()
        keep = policies.AnyPreservationPolicy(
            [
                policies.LatestN(2),
                policies.BestN(get_metric_fn=_rank, n=1, keep_checkpoints_without_metrics=False),
            ]
        )
        options = ocp.CheckpointManagerOptions(
            preservation_policy=keep,
            best_fn=_rank,
            create=not read_only,
            read_only=read_only,
            enable_async_checkpointing=not read_only,
        )
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def save(self, step: int, state: PyTree, *, score: float | None = None, phase: int = 0) -> None:
        """Saves a state; a step that is already saved is not written again.

        Args:
          step: the number of the step.
          state: a tree of arrays, on any device.
          score: the score, larger is better; the state with the largest is the best. None if not measured.
          phase: the number of the phase; the best is chosen in the last phase that was measured.
        """
        if step in self._manager.all_steps():
            return
        # Copied, because the state's buffers are donated to the next step while this state is being written.
        host = jax.tree.map(lambda leaf: np.array(leaf, copy=True), state)
        metrics = None if score is None else {"score": float(score), "phase": phase}
        self._manager.save(step, args=self._ocp.args.StandardSave(host), metrics=metrics)

    def step(self, which: Which = "last") -> int | None:
        """The step of the last or of the best checkpoint.

        Args:
          which: `"last"`, or `"best"`, the one with the largest score.

        Returns:
          The step; None if there is none.
        """
        return self._manager.latest_step() if which == "last" else self._best_step()

    def restore(self, template: PyTree, which: Which = "last") -> Any:
        """Reads a checkpoint.

        Args:
          template: a tree of arrays, or of shapes and dtypes, like the saved state.
          which: `"last"` or `"best"`.

        Returns:
          The tree, with NumPy arrays as leaves.

        Raises:
          FileNotFoundError: if there is no checkpoint.
          ValueError: if it is damaged, or its tree differs from the template.
        """
        step = self.step(which)
        if step is None:
            raise FileNotFoundError(f"{self.folder} holds no {which} checkpoint: the run was stopped before its first one")
        shapes = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), template)
        try:
            restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(shapes))
        except Exception as error:  # Orbax and TensorStore pass on any error of their storage layer
            raise ValueError(
                f"the checkpoint {self.folder / str(step)} cannot be read: it is damaged or of another model; "
                f"move that folder away to continue from an earlier one ({_first_line(error)})"
            ) from error
        return jax.tree.map(lambda leaf, like: np.asarray(leaf, like.dtype), restored, shapes)

    def wait(self) -> None:
        """Waits until all saves are on disk."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits for all saves and releases the folder."""
        with contextlib.suppress(ValueError):  # a second close
            self._manager.wait_until_finished()
        self._manager.close()

    def _best_step(self) -> int | None:
        return self._manager.best_step()


def _rank(metrics: dict[str, Any]) -> Any:
    """The sort key of checkpoints: first the phase, then the score, because scores of different phases are not comparable."""
    return metrics.get("phase", 0), metrics["score"]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
