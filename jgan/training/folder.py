"""Chooses, creates or reopens the folder of a run; never writes into the folder of another run."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

from jgan.data import Dataset
from jgan.models import Model
from jgan.training import evaluators, loop, records
from jgan.training.config import RunConfig
from jgan.training.run import Run, assemble

MAY_CHANGE = ("steps", "workdir", "data_dir", "weights", "resume", "dry_run")
"""options that may change when a run is continued"""


def _folders(name: str) -> Iterator[Path]:
    """`runs/NAME`, `runs/NAME-2`, `runs/NAME-3` ..."""
    yield Path("runs") / name
    for number in itertools.count(2):
        yield Path("runs") / f"{name}-{number}"


def newest(name: str) -> Path | None:
    """The newest folder that a run of this name has, of those that `choose` makes; None if there is none."""
    held = list(itertools.takewhile(lambda folder: (folder / records.CONFIG).exists(), _folders(name)))
    return held[-1] if held else None


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
    held = newest(config.preset) if config.resume else None
    if held is not None:
        return held
    return next(folder for folder in _folders(config.preset) if not (folder / records.CONFIG).exists())


def begin(config: RunConfig, workdir: Path, model: Model, dataset: Dataset | None = None) -> Run:
    """Creates the folder of a run, or reopens it.

    Args:
      config: the configuration.
      workdir: the folder.
      model: the model.
      dataset: the data, if not those named in the configuration.

    Returns:
      The `Run`.

    Raises:
      ValueError: if the model does not fit the data or its options; if the folder holds another run, or this run without
        `resume`; if `resume` is set and the folder holds no run. Nothing is written in these cases.
      OSError: if the folder cannot be written.
    """
    exists = (workdir / records.CONFIG).exists()
    if config.resume and not exists:
        raise ValueError(f"--resume: {workdir} holds no run; leave the flag out to start one")
    if exists and not config.resume:
        raise ValueError(f"{workdir} already holds a run; give --resume to continue it, or another --workdir")
    held = records.read(workdir, model) if exists else None
    if held is not None:
        _same_run(config, held.config, workdir)
    run = assemble(config, workdir, model, dataset)
    if held is not None and held.spec.example != run.spec.example:
        raise ValueError(f"{workdir} holds a run on other data: expected {held.spec.example}, found {run.spec.example}")
    evaluators.of(run)  # anything wrong with the measure is reported before a folder is made
    check_fit(run)
    for folder in (workdir, workdir / "samples", workdir / "checkpoints"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"the run's folder {folder} cannot be made: {error.strerror}; give another --workdir") from error
    records.write(workdir, config, run.spec, model)
    return run


def check_fit(run: Run) -> None:
    """Checks that the model, its options and the data fit together: traces the step of each phase, compiles nothing.

    Args:
      run: the run.

    Raises:
      ValueError: if a shape or an option is impossible; the message is one line.
    """
    for stage in run.stages:
        here = run.at(stage.end)
        try:
            loop.scans_fast(here)
        except (ValueError, TypeError, ZeroDivisionError) as error:  # by the networks, or by JAX
            phase = f" in the phase {here.phase_name}" if here.phase_name else ""
            message = " ".join(str(error).split())
            raise ValueError(f"the model does not fit the data or its options{phase}: {message}") from error


def _same_run(asked: RunConfig, held: RunConfig, workdir: Path) -> None:
    for field in dataclasses.fields(RunConfig):
        if field.name in MAY_CHANGE:
            continue
        wanted, found = getattr(asked, field.name), getattr(held, field.name)
        if wanted != found:
            name = field.name.replace("_", "-")
            raise ValueError(f"{workdir} holds a run with other options: expected --{name} {found}, found {wanted}")
