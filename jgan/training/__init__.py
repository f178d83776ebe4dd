"""Training: runs and their folders, the loop, checkpoints, evaluators; `train` runs everything in one call."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jgan.training.api import Trained, train, train_seeds
    from jgan.training.run import open_run

__all__ = ["Trained", "open_run", "train", "train_seeds"]


def __getattr__(name: str) -> Any:
    """Imports the names above on first access, because models import evaluators of this package."""
    if name in ("train", "train_seeds", "Trained"):
        from jgan.training import api

        return getattr(api, name)
    if name == "open_run":
        from jgan.training.run import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
