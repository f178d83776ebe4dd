"""Chooses, creates or reopens the folder of a run; never writes into the folder of another run."""

import contextlib
import dataclasses
import itertools
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from jgan import data, models
from jgan.data import Dataset
from jgan.models import Model
from jgan.models.accepts import described
from jgan.training import evaluators, feed, journal, lock, programs, records, seeds
from jgan.training.config import RunConfig
from jgan.training.log import LOG, Log
from jgan.training.run import Run, assemble
from jgan.utils import memory

CHECKPOINTS = "checkpoints"

BYTES_PER_VALUE = 8
"""memory per value of the samples of a measure: they and their blocks, in float32"""


def name_of(preset: str, dataset: str | None) -> str:
    """The name of a run's folder: the preset, and the data if they are not the preset's own.

    Args:
      preset: the name of the preset.
      dataset: the name of the data; None for the preset's own.

    Returns:
      The name, of letters, digits, dots, dashes and underscores.

    Example:
      >>> from jgan.training import folder
      >>> folder.name_of("digits", "digits"), folder.name_of("digits", "inverted:mnist")
      ('digits', 'digits-inverted-mnist')
    """
    known = models.presets().get(preset)
    if dataset is None or (known is not None and known.dataset == dataset) or known is None:
        return preset
    return f"{preset}-{re.sub(r'[^A-Za-z0-9._-]+', '-', dataset).strip('-')}"


def _folders(name: str) -> Iterator[Path]:
    """`runs/NAME`, `runs/NAME-2`, `runs/NAME-3` ..."""
    yield Path("runs") / name
    for number in itertools.count(2):
        yield Path("runs") / f"{name}-{number}"


def newest(name: str) -> Path | None:
    """The folder of the run of this name that was started or continued last, of those that `choose` makes; None if none was."""
    own = re.compile(re.escape(name) + r"(-\d+)?")
    files = [*Path("runs").glob(f"*/{records.CONFIG}"), *Path("runs").glob(f"*/{records.SEEDS}")]
    held = [path for path in files if own.fullmatch(path.parent.name)]
    latest = max(held, key=lambda path: path.stat().st_mtime_ns, default=None)
    return None if latest is None else latest.parent


def choose(config: RunConfig) -> Path:
    """Chooses the folder of a run: `config.workdir`, or a new one, `runs/PRESET` or `runs/PRESET-2` ...

    With `config.resume`, it is the newest one that exists instead of a new one.

    Args:
      config: the configuration.

    Returns:
      The path; the folder is not created.
    """
    if config.workdir is not None:
        return config.workdir
    name = name_of(config.preset, config.dataset)
    held = newest(name) if config.resume != "no" else None
    return held or next(folder for folder in _folders(name) if not folder.exists())


def fitted(config: RunConfig, workdir: Path, model: Model) -> tuple[RunConfig, str]:
    """The configuration with the user's own images at the size nearest to what was asked that the model accepts.

    The size becomes a part of the data set's name, so that whoever opens the run loads the same images. A run that is continued
    with the name it has keeps it.

    Args:
      config: the configuration.
      workdir: the folder of the run, which may hold it already.
      model: the model.

    Returns:
      The configuration, and a line that says what is done to the images; "" if nothing is.

    Raises:
      ValueError: if an image cannot be read.
    """
    if config.resume != "no" and (seeds.first(workdir) / records.CONFIG).exists():
        held = records.read(seeds.first(workdir), model).config
        if held.dataset == config.dataset:
            return config, ""
    name, done = data.fitted(config.dataset, config.data_dir, model.nearest, skip=config.on_bad_image == "skip")
    return dataclasses.replace(config, dataset=name), done


@contextlib.contextmanager
def opened(
    config: RunConfig,
    workdir: Path,
    model: Model,
    dataset: Dataset | None = None,
    *,
    like: Run | None = None,
    together: int = 1,
) -> Iterator[Run]:
    """Creates the folder of a run, or reopens it, and locks it; errors inside are written to its log.

    Args:
      config: the configuration.
      workdir: the folder; if it was chosen for a new run and another process has taken it since, the next one is taken.
      model: the model.
      dataset: the data, if not those named in the configuration.
      like: the run of another seed, of the same options otherwise, that is open already: its data and model are shared.
      together: the number of seeds that are trained together.

    Yields:
      The `Run`; its folder is locked until the block ends.

    Raises:
      ValueError: if the model does not fit the data or its options; if the folder holds another run, or this run without
        `resume`; if `resume` is set and the folder holds no run; if another process trains in it. Nothing is written then.
      OSError: if the folder cannot be written.
    """
    _check_name(workdir)
    new = config.workdir is None and config.resume == "no"
    exists = not new and _holds_run(config, workdir)
    held = records.read(workdir, model) if exists else None
    if held is not None:
        _same_options(config, held.config, model, workdir)
    run = assemble(config, workdir, model, dataset) if like is None else like.with_seed(config, workdir)
    run.shared.together = together
    fingerprint = data.fingerprint(run.dataset) if like is None else like.shared.fingerprint
    if held is not None:
        _same_data(run, held, fingerprint)
    if like is None:
        evaluators.of(run)  # anything wrong with the measure is reported before a folder is made
        check_fit(run)
    while not _make(workdir) and new:  # another process has made it since it was chosen
        workdir = choose(config)
    run = dataclasses.replace(run, workdir=workdir)
    with lock.held(workdir) as locked:
        if (workdir / records.CONFIG).exists() != exists:
            raise ValueError(f"{workdir} was begun by another process a moment ago; give another --workdir")
        _enough_steps(config, workdir)
        for folder in (workdir / "samples", workdir / CHECKPOINTS):
            _make(folder)
        records.write(workdir, config, run.spec, model, fingerprint, run.dataset.classes)
        Log(workdir).write(f"command: {records.command()}")
        run.shared.folder, run.shared.fingerprint = locked, fingerprint
        try:
            yield run
        except Exception as error:
            with contextlib.suppress(OSError):
                Log(workdir).write(f"error: {' '.join(str(error).split())}")
            raise


def _check_name(workdir: Path) -> None:
    """The storage library takes names in UTF-8 only: without this check, the first checkpoint would fail."""
    try:
        str(workdir.absolute()).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"expected the run's folder to have a name in UTF-8, found {os.fsencode(workdir.absolute())!r}; give another "
            "--workdir, or set the locale to C.UTF-8"
        ) from None


def no_sweep(workdir: Path) -> None:
    """Checks that a folder is not that of a sweep.

    Args:
      workdir: the folder.

    Raises:
      ValueError: if it is.
    """
    if (workdir / records.SWEEP).exists():
        raise ValueError(f"{workdir} holds a sweep: continue it with python -m jgan.sweep --resume, or give another --workdir")


def _holds_run(config: RunConfig, workdir: Path) -> bool:
    """Whether the folder holds a run that is to be continued; a `ValueError` if that is not what was asked for."""
    for name in (records.CONFIG, journal.METRICS, LOG, "summary.json"):
        if (workdir / name).exists() and not (workdir / name).is_file():
            raise ValueError(f"expected {workdir / name} to be a file, found something else: move it away")
    exists = (workdir / records.CONFIG).exists()
    if held := seeds.of(workdir):
        raise ValueError(f"{workdir} holds the runs of {len(held)} seeds: give --resume to continue them, or another --workdir")
    no_sweep(workdir)
    checkpoints = workdir / CHECKPOINTS
    saved = checkpoints.is_dir() and any(checkpoints.iterdir())
    written = (workdir / journal.METRICS).exists() and (workdir / journal.METRICS).stat().st_size > 0
    if not exists and (saved or written):
        raise ValueError(
            f"{workdir} holds {'checkpoints' if saved else 'metrics'} of a run, but no {records.CONFIG}: they cannot be "
            "continued; restore that file, or give another --workdir"
        )
    if config.resume == "yes" and not exists:
        raise ValueError(f"--resume: {workdir} holds no run; leave the flag out to start one")
    if exists and config.resume == "no":
        raise ValueError(f"{workdir} already holds a run; give --resume to continue it, or another --workdir")
    if exists and written and not checkpoints.is_dir():
        raise ValueError(f"{workdir} holds a run whose folder {CHECKPOINTS}/ is missing; restore it, or start another run")
    if exists and not saved and (workdir / "summary.json").exists():
        raise ValueError(f"{workdir} holds a finished run whose checkpoints are missing; restore them, or start another run")
    return exists


def _enough_steps(config: RunConfig, workdir: Path) -> None:
    found = [int(path.name) for path in (workdir / CHECKPOINTS).glob("*") if path.name.isdecimal() and any(path.glob("*"))]
    if found and max(found) > config.steps:
        raise ValueError(f"{workdir} is at step {max(found)} already; expected --steps of at least that, found {config.steps}")


def _make(folder: Path) -> bool:
    """Makes a folder; False if it exists."""
    try:
        folder.mkdir(parents=True)
        return True
    except OSError as error:
        if folder.is_dir():
            return False
        raise OSError(f"the run's folder {folder} cannot be made: {error.strerror}; give another --workdir") from error


def check_fit(run: Run) -> None:
    """Checks that the model, its options and the data fit together: traces the step of each phase, compiles nothing.

    Args:
      run: the run.

    Raises:
      ValueError: if a shape or an option is impossible; the message is one line.
    """
    feed.check(run)
    if evaluators.of(run).draws:
        (example, *_) = (batch.x for batch in run.spec.sets.values())
        size = math.prod(example.shape) * BYTES_PER_VALUE * run.config.eval_samples
        memory.require(f"--eval-samples {run.config.eval_samples:,}: choose a smaller number", size)
    for stage in run.stages:
        here = run.at(stage.end)
        try:
            programs.scans_fast(here)
            leaves = jax.tree_util.tree_leaves_with_path(here.template())
            size = run.shared.together * memory.bytes_of([leaf for _, leaf in leaves])
            fewer = "give a smaller model" + (", or fewer --seeds" if run.shared.together > 1 else "")
            memory.require(f"{fewer}: for its state", size)
            for path, leaf in leaves:
                if 0 in leaf.shape:
                    raise ValueError(f"state{jax.tree_util.keystr(path)} would be empty, of shape {leaf.shape}")
        except (ValueError, TypeError, ArithmeticError, IndexError) as error:  # by the networks, or by JAX
            phase = f" in the phase {here.phase_name}" if here.phase_name else ""
            message = " ".join(str(error).split())
            raise ValueError(f"the model does not fit the data or its options{phase}: {message}") from error


def _same_options(asked: RunConfig, held: RunConfig, model: Model, workdir: Path) -> None:
    for name, wanted, found in records.differences(records.identity(held, model), records.identity(asked, model)):
        flag = name.replace("_", "-")
        raise ValueError(f"{workdir} holds a run with other options: expected --{flag} {wanted}, found {found}")


def _same_data(run: Run, held: records.Record, fingerprint: dict[str, Any]) -> None:
    if held.spec.example != run.spec.example:
        expected, found = described(held.spec), described(run.spec)
        raise ValueError(f"{run.workdir} holds a run on other data: expected {expected}, found {found}; start another run")
    if held.spec.steps_per_epoch != run.spec.steps_per_epoch and held.data == fingerprint:
        counts = f"expected {run.spec.steps_per_epoch} steps per epoch, found {held.spec.steps_per_epoch}"
        raise ValueError(f"{run.workdir / records.CONFIG} was changed: {counts}; restore it, or start another run")
    if not held.data or held.data == fingerprint or run.config.accept_data:
        return
    name = next(name for name in {**held.data, **fingerprint} if held.data.get(name) != fingerprint.get(name))
    raise ValueError(
        f"{run.workdir} holds a run on other data: expected {name} to be {_phrase(held.data.get(name))}, found "
        f"{_phrase(fingerprint.get(name))}; restore the data, or give --accept-data to continue with these"
    )


def _phrase(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "absent"
    return f"{entry['count']} of {tuple(entry['shape'])} {entry['dtype']} with SHA-256 {entry['sha256'][:12]}"
