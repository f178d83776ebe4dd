"""`jgan.training.train` and `train_seeds`: the Python equivalent of `python -m jgan.train`, for any model and any data."""

import dataclasses
import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan import data
from jgan.data import Dataset, values
from jgan.data.dataset import complete
from jgan.data.lazy import BY_MEMORY, LOADERS, Access
from jgan.training import config as configs
from jgan.training import custom, folder, loop, population, report, stopping
from jgan.training.log import Log
from jgan.training.run import Run, RunConfig
from jgan.types import Batch, GANState
from jgan.utils.registry import unknown


class Trained(NamedTuple):
    """A finished run.

    Attributes:
      run: the run, in its last phase: `run.gan` is its model, `run.workdir` its folder, `run.restore("best")` its best state.
      state: its final state.
      summary: the content of `summary.json`.
    """

    run: Run
    state: GANState
    summary: dict[str, Any]


def train(model: Any, config: Any = None, *, dataset: Any = None, **options: Any) -> Trained:
    """Trains a model: writes a run folder with journal, pictures and checkpoints, and can resume it, like the command.

    Args:
      model: a preset's name, a `jgan.models.Model`, the `Config` of one, a `jgan.GAN`, or a function `make(spec)` that returns
        a `GAN` or a tuple of phases.
      config: the model's options; by default those of the preset, or the defaults.
      dataset: the data: a name for `jgan.data.load`, a `Dataset`, a `Batch`, an array of examples, or any object that
        `jgan.data.from_examples` takes; by default those of the preset. Of all but the first two, a sixth each is held out for
        validation and test.
      **options: other fields of `jgan.training.run.RunConfig`, such as `steps`, `batch_size`, `seed`, `workdir` or `resume`
        (without `workdir`: the newest run of this model under `runs/`; `"auto"`: start one if there is none). `dry_run`,
        `verify`, and those of several processes are options of the command only.

    Returns:
      The `Trained` run.

    Raises:
      ValueError: if an argument is invalid, in which case nothing is written, or if the training has diverged; or in one of
        several processes of JAX.
      KeyboardInterrupt: after Ctrl-C, once the state is saved; `resume=True` continues from there.
      TimeoutError: after `time_limit`, once the state is saved.

    Example:
      >>> import contextlib, io, tempfile
      >>> from jgan import models
      >>> from jgan.training import train
      >>> small = models.MODELS["gan2014"].small(models.presets()["digits"].config)
      >>> with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
      ...     trained = train("digits", small, steps=3, workdir=folder + "/run")
      >>> int(trained.state.step), sorted(trained.summary)[:3]
      (3, ['best', 'criterion', 'environment'])
    """
    given, asked, workdir, chosen, resized = _prepared(model, config, dataset, options)
    if asked.seeds > 1:
        raise ValueError(f"train() trains one seed, found seeds={asked.seeds}: use jgan.training.train_seeds")
    try:
        with folder.opened(asked, workdir, chosen.model, given) as run:
            Log(run.workdir).say("\n".join(filter(None, [report.headline(run), resized])))
            state = loop.train(run)
    except stopping.Stopped as stopped:
        raise _as_an_exception(stopped, asked, run.workdir) from None
    return _trained(run.at(asked.steps), state)


def train_seeds(model: Any, config: Any = None, *, seeds: int, dataset: Any = None, **options: Any) -> list[Trained]:
    """Trains several seeds of a model at once, in one compiled step: see `--seeds` of the command.

    Args:
      model: see `train`.
      config: see `train`.
      seeds: their number, at least 2; the first is the option `seed`.
      dataset: see `train`.
      **options: see `train`; `workdir` is the folder of all seeds, in which each has the folder of a run, `seed_N`.

    Returns:
      The `Trained` run of each seed.

    Raises:
      ValueError, KeyboardInterrupt, TimeoutError: see `train`.

    Example:
      >>> import contextlib, io, tempfile
      >>> from jgan import models
      >>> from jgan.training import train_seeds
      >>> small = models.MODELS["gan2014"].small(models.presets()["digits"].config)
      >>> with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
      ...     trained = train_seeds("digits", small, seeds=2, steps=3, eval_samples=50, workdir=folder + "/runs")
      >>> [each.run.workdir.name for each in trained]
      ['seed_0', 'seed_1']
    """
    if seeds < 2:
        raise ValueError(f"seeds must be at least 2, found {seeds}: use jgan.training.train")
    given, asked, workdir, chosen, resized = _prepared(model, config, dataset, options | {"seeds": seeds})
    try:
        with population.opened(asked, workdir, chosen.model, given) as runs:
            Log(workdir).say("\n".join(filter(None, [population.headline(asked, workdir, runs), resized])))
            states = population.train(runs, asked, workdir)
    except stopping.Stopped as stopped:
        raise _as_an_exception(stopped, asked, workdir) from None
    return [_trained(run.at(asked.steps), state) for run, state in zip(runs, states, strict=True)]


class _Prepared(NamedTuple):
    given: Dataset | None
    config: RunConfig
    workdir: Path
    chosen: custom.Chosen
    resized: str


def _prepared(model: Any, config: Any, dataset: Any, options: dict[str, Any]) -> _Prepared:
    """The model, the data and the checked options of a run, and its folder."""
    chosen = custom.choose(model, config)
    access = LOADERS.get(options.get("loader", "auto"), BY_MEMORY)  # another name is refused with the other options
    by_name = dataset is None or isinstance(dataset, str)
    given = None if by_name else as_dataset(dataset, held_out=options.get("held_out"), access=access)
    asked = run_config(chosen, dataset if given is None else f"{configs.ARRAYS}{given.name}", options)
    asked = configs.with_home(asked)
    configs.check(asked)
    if jax.process_count() > 1:
        raise ValueError("several processes train one run by the command only: python -m jgan.train --coordinator ...")
    workdir = folder.choose(asked)
    asked, resized = folder.fitted(asked, workdir, chosen.model)
    return _Prepared(given, asked, workdir, chosen, resized)


def _trained(run: Run, state: GANState) -> Trained:
    return Trained(run, state, json.loads((run.workdir / "summary.json").read_text()))


def _as_an_exception(stopped: stopping.Stopped, asked: RunConfig, workdir: Path) -> BaseException:
    """What a stopped run raises in place of the end of the process."""
    function = "train(..." if asked.seeds == 1 else f"train_seeds(..., seeds={asked.seeds}"
    saved = f"saved in {workdir}; continue with {function}, workdir={str(workdir)!r}, resume=True)"
    if stopped.code == 0:
        return TimeoutError(f"the time limit of {asked.time_limit:g} minutes: {saved}")
    return KeyboardInterrupt(saved) if stopped.code == 128 + signal.SIGINT else stopped


def run_config(chosen: custom.Chosen, dataset: str | None, options: dict[str, Any]) -> RunConfig:
    """Builds the configuration of a run from the preset and the options that override it.

    Args:
      chosen: the model.
      dataset: the name of the data; None for that of the preset.
      options: fields of `RunConfig`.

    Returns:
      The configuration, unchecked.

    Raises:
      ValueError: if an option is unknown, or one without a default is missing.
    """
    others = ("preset", "model", "dataset", "dry_run", "verify", "compilation_cache", "coordinator", "processes", "process")
    names = [field.name for field in dataclasses.fields(RunConfig) if field.name not in others]
    for name in options:
        if name not in names:
            raise ValueError(unknown("option", name, names))
    paths = {name: Path(value) for name, value in options.items() if name in ("workdir", "data_dir", "weights") and value}
    defaults: dict[str, Any] = {"batch_size": 64}
    if isinstance(options.get("resume"), bool):
        options = options | {"resume": "yes" if options["resume"] else "no"}
    preset = chosen.preset
    if preset is not None:
        defaults = {name: getattr(preset, name) for name in ("dataset", "batch_size", "steps", "sample_every")}
    fields = defaults | ({} if dataset is None else {"dataset": dataset}) | options | paths
    for name in ("dataset", "steps"):
        if name not in fields:
            raise ValueError(f"the model {chosen.name} has no preset and so no default {name}: give {name}=...")
    return RunConfig(preset=chosen.name, model=chosen.config, **fields)


def as_dataset(given: Any, name: str = "data", *, held_out: int | None = None, access: Access = BY_MEMORY) -> Dataset:
    """Converts data to a `Dataset`.

    Args:
      given: a `Dataset`, a `Batch` of arrays, one array of examples, or what `jgan.data.from_examples` takes.
      name: the name of the result.
      held_out: see `jgan.data.load`; not for a `Dataset`.
      access: see `jgan.data.from_examples`.

    Returns:
      The `Dataset`; of other data, a sixth each is held out for validation and test.

    Raises:
      ValueError: if the data have another type.

    Example:
      >>> import numpy as np
      >>> from jgan.training import api
      >>> api.as_dataset(np.zeros((12, 2), np.float32)).test.x.shape
      (2, 2)
    """
    if isinstance(given, data.Dataset):
        if held_out is not None:
            raise ValueError("held_out divides a Batch or an array of examples; this Dataset is divided")
        return given
    batch = given if isinstance(given, Batch) else _array(given)
    if batch is None:
        return data.from_examples(given, name, held_out=held_out, access=access)
    if not hasattr(batch.x, "shape") or np.ndim(batch.x) < 2:
        raise ValueError(
            f"expected data as a name, a Dataset, a Batch, an array [N, ...] or examples, found {type(given).__name__}"
        )
    if batch.y is not None:
        batch = batch._replace(y=values.class_labels(batch.y, len(batch.x), f"{name}, y"))
    return complete(name, {"train": batch}, held_out=held_out)


def _array(given: Any) -> Batch | None:
    """Numbers as one array; None for other examples: pairs, mappings, an object that gives them one by one."""
    if isinstance(given, list | tuple):
        try:
            found = np.asarray(given)
        except ValueError:  # of several shapes
            return None
        return None if found.dtype == object else Batch(found)
    examples = not hasattr(given, "__array__") and (hasattr(given, "__getitem__") or isinstance(given, Iterable))
    return None if examples else Batch(np.asarray(given))
