"""Several seeds of a run at once (`--seeds N`): one compiled step over a leading axis of seeds, a run's folder for each seed.

What a seed's folder holds is what a run with that seed alone writes, up to rounding. What stands beside the folders is made by
`jgan.training.spreads`.
"""

import contextlib
import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from jgan import parallel, phases
from jgan.data import Dataset
from jgan.models import Model
from jgan.training import (
    board,
    evaluators,
    folder,
    loop,
    processes,
    programs,
    records,
    report,
    resuming,
    seeds,
    spreads,
    stopping,
)
from jgan.training.checkpoint import Checkpoints
from jgan.training.config import Resume, RunConfig, devices
from jgan.training.journal import Journal, NonFiniteError
from jgan.training.log import Log
from jgan.training.run import Run, keys
from jgan.types import GANState, Metrics


class Quiet(Log):
    """The log of one seed: its lines are not printed, for every seed says the same."""

    def say(self, text: str) -> None:
        """Writes a line to the file."""
        self.write(text)


@dataclasses.dataclass
class Population:
    """The open resources of all seeds.

    Attributes:
      config: the options, with the first seed and the number of seeds.
      workdir: the folder of the seeds.
      sessions: those of each seed.
      log: the log of all.
      means: the journal of the means.
      bar: the progress bar.
      requests: when to stop early.
      pending: the metrics of the calls that no journal has yet; they stay on the devices.
    """

    config: RunConfig
    workdir: Path
    sessions: list[loop.Session]
    log: Log
    means: Journal
    bar: Any
    requests: stopping.Requests
    pending: list[tuple[Metrics, int]] = dataclasses.field(default_factory=list)


@contextlib.contextmanager
def opened(config: RunConfig, workdir: Path, model: Model, dataset: Dataset | None = None) -> Iterator[list[Run]]:
    """Creates or reopens the folders of all seeds, as `jgan.training.folder.opened` does.

    Args:
      config: the options, with the first seed and the number of seeds.
      workdir: the folder of the seeds.
      model: the model.
      dataset: the data, if not those named in the configuration.

    Yields:
      The runs, which share data, model and evaluator; their folders are locked until the block ends.

    Raises:
      ValueError: as `folder.opened`, and if the folder holds other seeds, or a single run.
      OSError: if a folder cannot be written.
    """
    wanted = tuple(range(config.seed, config.seed + config.seeds))
    _check_folder(config, workdir, wanted)
    # A seed without a folder had not begun when all were killed.
    resume: Resume = "no" if config.resume == "no" else "auto"
    # On the device, and each seed alone: that is how it is continued without the others.
    alone = dataclasses.replace(config, seeds=1, resume=resume, parallel="jit", devices=0, loader="resident")
    with contextlib.ExitStack() as stack:
        runs: list[Run] = []
        for seed in wanted:
            place = seeds.member(workdir, seed)
            own = dataclasses.replace(alone, seed=seed, workdir=place)
            like = runs[0] if runs else None
            runs.append(stack.enter_context(folder.opened(own, place, model, dataset, like=like, together=len(wanted))))
            if like is None:  # the first, which has checked everything
                seeds.write(workdir, wanted)
        yield runs


def _check_folder(config: RunConfig, workdir: Path, wanted: Sequence[int]) -> None:
    held = seeds.of(workdir)
    folder.no_sweep(workdir)
    if (workdir / records.CONFIG).exists():
        raise ValueError(f"{workdir} holds the run of a single seed: give another --workdir, or leave --seeds out")
    if held and config.resume == "no":
        raise ValueError(f"{workdir} holds the runs of {len(held)} seeds: give --resume to continue them, or another --workdir")
    if config.resume == "yes" and not held:
        raise ValueError(f"--resume: {workdir} holds no run; leave the flag out to start one")
    if held and held != tuple(wanted):
        raise ValueError(
            f"{workdir} holds the runs of the seeds {held[0]} to {held[-1]}: expected --seed {held[0]} --seeds {len(held)}, "
            f"found --seed {config.seed} --seeds {config.seeds}"
        )


def headline(config: RunConfig, workdir: Path, runs: Sequence[Run]) -> str:
    """Describes the runs at their start.

    Args:
      config: the options, with the number of seeds.
      workdir: the folder of the seeds.
      runs: the runs.

    Returns:
      The text: as `jgan.training.report.headline`, for all.
    """
    last = config.seed + config.seeds - 1
    first = report.headline(dataclasses.replace(runs[0], workdir=workdir))
    where = devices(config)
    spread = f", {config.seeds // len(where)} on each of {len(where)} devices" if len(where) > 1 else ""
    return (
        f"{first}\n{config.seeds} seeds at once, {config.seed} to {last}{spread}: in {seeds.member(workdir, config.seed)} ..."
    )


def train(runs: Sequence[Run], config: RunConfig, workdir: Path) -> list[GANState]:
    """Trains all seeds to their end, from the newest checkpoint that all of them have, if there is one.

    Args:
      runs: the runs, from `opened`.
      config: the options, with the number of seeds, and the devices over which they are spread.
      workdir: the folder of the seeds.

    Returns:
      The final states, in the order of the seeds.

    Raises:
      ValueError: if a metric or a parameter of a seed is no longer finite; names the seed.
      OSError: if a file cannot be written, or a folder has disappeared.
      Stopped: after a signal or the time limit, once all states are saved.
    """
    first = runs[0].with_mean()
    runs = [dataclasses.replace(run, spec=first.spec, phases=first.phases) for run in runs]
    evaluator = evaluators.of(first)
    with contextlib.ExitStack() as stack:
        saves = [stack.enter_context(Checkpoints(run.workdir / "checkpoints", keep=config.keep_checkpoints)) for run in runs]
        requests = stack.enter_context(stopping.requests(config.time_limit, since=first.shared.begun))
        log, logs = Log(workdir), [Quiet(run.workdir) for run in runs]
        found, step, extras = resuming.common_state(runs, saves, logs)
        if found is not None:
            log.say(f"continuing from step {step:,} of {config.steps:,}")
        bar = stack.enter_context(report.progress(config, step))
        silent = report.silent()
        sessions = [
            loop.Session(
                evaluator,
                saved,
                resuming.journal_of(run, step, extra, quiet),
                quiet,
                stack.enter_context(board.Board(run.workdir, step, wanted=config.tensorboard)),
                silent,
                requests,
                run.shared.folder,
                processes.Alone(),
            )
            for run, saved, quiet, extra in zip(runs, saves, logs, extras, strict=True)
        ]
        for run, state in zip(runs, found or [], strict=False):
            report.missing_picture(run.at(step), evaluator, state, step)
        here = Population(config, workdir, sessions, log, spreads.journal_of(runs, workdir), bar, requests)
        states = _to_the_end(runs, here, found, step)
        for session in sessions:
            session.checkpoints.wait()
    for run, state, quiet in zip(runs, states, logs, strict=True):
        report.finish(run.at(config.steps), evaluator, state, quiet)
    spreads.finish(runs, workdir, evaluator, log)
    return states


def _to_the_end(runs: Sequence[Run], here: Population, found: list[GANState] | None, step: int) -> list[GANState]:
    """Trains through all remaining phases."""
    for stage in runs[0].stages:
        if step < stage.end:
            current = [run.at(stage.end) for run in runs]
            if found is None or step == stage.start:
                enter = resuming.entering(current[0])
                before: Sequence[GANState | None] = [None] * len(runs) if found is None else found
                found = [enter(keys(run.config.seed).init, state) for run, state in zip(current, before, strict=True)]
            found = _train_phase(current, stage, here, found, step)
            step = stage.end
    assert found is not None
    return found


def compiled_step(run: Run, config: RunConfig, length: int) -> parallel.CompiledStep:
    """The compiled step of all seeds: `length` steps of each in one program.

    Args:
      run: the run of one seed, in its current phase.
      config: the options, with the devices over which the seeds are spread.
      length: steps per call; for 1 the metrics have the axis of the seeds only.

    Returns:
      `(keys, states, data) -> (states, metrics)`, compiled; every argument but the data has a leading axis of seeds.
    """
    step = programs.resident_step(run)
    if length > 1:
        step = parallel.scan(step, length)
    together = parallel.vmap(step) if programs.scans_fast(run) else parallel.each(step)
    if len(where := devices(config)) > 1:  # each device trains its own seeds; they need nothing of each other
        seeded = PartitionSpec(parallel.AXIS)
        specs: dict[str, Any] = {"in_specs": (seeded, seeded, PartitionSpec()), "out_specs": seeded}
        together = jax.shard_map(together, mesh=parallel.mesh(where), **specs, check_vma=False)
    return parallel.jit(together)


def _train_phase(
    runs: Sequence[Run], stage: phases.Place, here: Population, found: Sequence[GANState], step: int
) -> list[GANState]:
    """Trains to the end of a phase: see `jgan.training.loop.train_phase`."""
    config, run, where = here.config, runs[0], devices(here.config)
    length = programs.chunk_length(config, scan=programs.scans_fast(run))
    many, one = compiled_step(run, config, length), compiled_step(run, config, 1)
    for session in here.sessions:
        session.journal.begin(step, run.batch_size, run.phase_name)
    report.compiling(here.bar, here.log, run)
    spread = NamedSharding(parallel.mesh(where), PartitionSpec(parallel.AXIS))
    root, states = jax.device_put((_stacked([programs.step_key(run) for run in runs]), _stacked(found)), spread)
    data = parallel.replicate(run.dataset.train, where)
    while step < stage.end:
        size = length if step % length == 0 and step + length <= stage.end else 1
        states, metrics = (many if size == length else one)(root, states, data)
        step += size
        here.pending.append((metrics, size))
        for session in here.sessions:
            session.folder.check()
            session.checkpoints.check()
        leaving = here.requests.reason() if step % length == 0 and step < config.steps else ""
        if leaving or step == stage.end or any(every and step % every == 0 for every in programs.intervals(config)):
            _events(runs, stage, here, states, step, stopping=bool(leaving))
        if leaving:
            _leave(here, step, leaving)
    return _apart(states, len(runs))


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _apart(states: GANState, count: int) -> list[GANState]:
    """The state of each seed, on the default device."""
    device = jax.devices()[0]
    return [jax.device_put(jax.tree.map(lambda leaf, i=index: leaf[i], states), device) for index in range(count)]


def _events(runs: Sequence[Run], stage: phases.Place, here: Population, states: GANState, step: int, *, stopping: bool) -> None:
    """The events of every seed that are due, then the line of their means."""
    fetched, here.pending = jax.device_get(here.pending), []
    rows = []
    for index, (run, session, state) in enumerate(zip(runs, here.sessions, _apart(states, len(runs)), strict=True)):
        for metrics, size in fetched:
            session.journal.add({name: values[index] for name, values in metrics.items()}, size)
        try:
            rows.append(loop.events(run, stage, session, state, step, stopping=stopping))
        except NonFiniteError as error:
            raise ValueError(f"seed {run.config.seed}: {error}; {resuming.kept(session.checkpoints)}") from error
    written = {run.config.seed: row for run, row in zip(runs, rows, strict=True) if row is not None}
    if written:
        row = spreads.means(written)
        here.means.append(row)
        report.show(here.bar, here.log, row, here.sessions[0].evaluator)
        _tell_each(here, written)


def _tell_each(here: Population, rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Prints, or writes to the log beside a bar, the measure of each seed and their spread."""
    found = here.sessions[0].evaluator.criterion_of(next(iter(rows.values())))
    if found is not None:
        (here.log.say if here.bar.disable else here.log.write)(f"  {spreads.in_words(found[0], rows)}")


def _leave(here: Population, step: int, reason: str) -> None:
    for session in here.sessions:
        session.checkpoints.wait()
    here.bar.close()
    command = f"python -m jgan.train --workdir {shlex.quote(str(here.workdir))} --resume"
    here.log.say(f"{reason}: all {len(here.sessions)} seeds stopped at step {step:,}, saved; continue with: {command}")
    raise stopping.Stopped(here.requests.code)
