"""Reading a checkpoint, and verifying it."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan.training import about_file, integrity
from jgan.types import PyTree

STATE = "state"
"""the item of a checkpoint that holds the state"""


class Saved(NamedTuple):
    """A checkpoint that has been read and verified.

    Attributes:
      step: its step.
      state: the tree, with NumPy arrays as leaves.
      extra: what was passed to `Checkpoints.save` as `extra`; empty if it was not verified.
      verified: whether it has checksums; a checkpoint of an earlier version has none.
    """

    step: int
    state: Any
    extra: dict[str, Any]
    verified: bool = True


def read(path: Path, step: int, template: PyTree) -> Saved:
    """Reads and verifies a checkpoint.

    Args:
      path: its folder.
      step: its step.
      template: a tree of arrays, or of shapes and dtypes, like the saved state.

    Returns:
      The `Saved` checkpoint.

    Raises:
      OSError: if it cannot be read now.
      ValueError: if it is damaged, or its tree differs from the template; in one line that names the folder.

    Example:
      See `jgan.training.checkpoint.Checkpoints`.
    """
    shapes = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), template)
    try:
        about = about_file.read(path)
        restored = _restored(path / (about_file.OLD_STATE if about is None else STATE), shapes)
    except MemoryError:
        raise
    except Exception as error:  # Orbax and TensorStore pass on any error of their storage layer
        if any(os.strerror(code) in about_file.reason(error) for code in about_file.PASSING):
            raise OSError(f"the checkpoint {path} cannot be read now: {about_file.reason(error)}") from error
        message = f"the checkpoint {path} cannot be read: it is damaged or of another model ({about_file.reason(error)})"
        raise ValueError(message) from error
    if about is None:
        return Saved(step, restored, {}, verified=False)
    found = integrity.checksums(restored)
    wrong = [name for name in {**about["leaves"], **found} if about["leaves"].get(name) != found.get(name)]
    if wrong or about["step"] != step:
        what = f"the checksum of {wrong[0]} differs" if wrong else f"it was written as step {about['step']}"
        raise ValueError(f"the checkpoint {path} is damaged: {what}")
    return Saved(step, restored, about["extra"])


def without_others() -> Any:
    """Orbax's options for process 0, which alone reads and writes: by default all processes of JAX would have to take part."""
    import orbax.checkpoint as ocp

    return ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0})


def handlers() -> dict[str, Any]:
    """Orbax's handlers of the items of a checkpoint."""
    import orbax.checkpoint as ocp

    alone = without_others()
    return {
        STATE: ocp.StandardCheckpointHandler(multiprocessing_options=alone),
        about_file.ABOUT: ocp.JsonCheckpointHandler(multiprocessing_options=alone),
    }


def _restored(path: Path, shapes: PyTree) -> Any:
    import orbax.checkpoint as ocp

    with ocp.Checkpointer(handlers()[STATE], multiprocessing_options=without_others()) as reader:
        found = reader.restore(path, args=ocp.args.StandardRestore(shapes))
    return jax.tree.map(lambda leaf, like: np.asarray(leaf, like.dtype), found, shapes)
