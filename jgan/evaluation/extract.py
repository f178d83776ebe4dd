"""Feature extraction in batches of one shape, so that one program is compiled; with an optional cache file."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan.evaluation.sets import ImageSet
from jgan.features import Extracted, Extractor
from jgan.metrics.blocks import Progress
from jgan.utils import xla
from jgan.utils.files import replacing


def extract(extractor: Extractor, images: np.ndarray, *, batch_size: int = 100, progress: Progress | None = None) -> Extracted:
    """Computes the features of a set of images.

    Args:
      extractor: the feature network.
      images: uint8 `[N, height, width, channels]`.
      batch_size: images per call; the last batch is padded.
      progress: called after each batch.

    Returns:
      The features `[N, d]` and logits `[N, classes]` or None, NumPy float32.

    Raises:
      ValueError: if a feature is not finite.

    Example:
      >>> from jgan import data, features
      >>> from jgan.evaluation import extract
      >>> extract.extract(features.pixels(), data.load("digits").test.x).features.shape
      (296, 64)
    """
    # Weights that are leaves are arguments of the program; within the function they would become its constants.
    leaves = isinstance(extractor.apply, jax.tree_util.Partial)
    apply = functools.partial(_program(), extractor.apply) if leaves else xla.jit(extractor.apply)
    parts, batch_size = [], min(batch_size, len(images))
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size]
        padding = [(0, batch_size - len(part))] + [(0, 0)] * (images.ndim - 1)
        found = apply(np.pad(part, padding))
        parts.append(jax.tree.map(functools.partial(_head, n=len(part)), found))
        if progress is not None:
            progress(start + len(part), len(images))
    whole = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    if not np.isfinite(whole.features).all():
        raise ValueError(f"the features of {extractor.name} are not finite: the weights may be damaged")
    return whole


@functools.cache
def _program() -> Callable[..., Any]:
    """One for all calls, so that each extractor is compiled once."""
    return xla.jit(lambda apply, images: apply(images))


def _head(leaf: jax.Array, n: int) -> np.ndarray:
    return np.asarray(leaf)[:n]


def cached(
    folder: Path | None,
    extractor: Extractor,
    side: ImageSet,
    *,
    batch_size: int = 100,
    progress: Progress | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Extracted:
    """Computes the features of a set of images, or reads them from a cache file for the same images and network.

    Args:
      folder: the folder of the cache, created if missing; None for no cache. If it cannot be written to, there is no cache.
      extractor: the feature network.
      side: the images.
      batch_size: as in `extract`.
      progress: as in `extract`.
      note: called with one line if the cache cannot be written.

    Returns:
      See `extract`.
    """
    identity = f"{extractor.name}|{extractor.digest}|{extractor.resizer}|{side.digest}"
    path = None if folder is None else folder / f"features-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.npz"
    if path is not None and (held := _read(path, identity)) is not None:
        return held
    found = extract(extractor, side.images, batch_size=batch_size, progress=progress)
    if path is not None:
        arrays = {name: value for name, value in found._asdict().items() if value is not None}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(file, identity=identity, **arrays)
        except OSError as error:
            note(f"the features of {side.name} are not kept: {path.parent} cannot be written to ({error.strerror or error})")
    return found


def _read(path: Path, identity: str) -> Extracted | None:
    """The features in the file; None if the file is missing, has another protocol or is damaged."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if str(file["identity"]) != identity:
                return None
            return Extracted(file["features"], file["logits"] if "logits" in file.files else None)
    except Exception:  # a damaged file can fail in any way; the features are then computed again
        return None
