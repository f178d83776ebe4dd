"""`python -m jgan.train [PRESET]`: the small training loop, and its command line.

The loop is a pure step, wrapped once (`compiled_step`) and called until `state.step` reaches its goal. What happens between
the calls, at the steps that the configuration names, writes files: a line of metrics, a picture, a checkpoint, a measure.
All that a run computes follows from its configuration; the clock appears in `images_per_second` alone.
"""

import dataclasses
import difflib
import json
import math
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import cli, models, parallel, report
from jgan.checkpoint import Checkpoints
from jgan.data import resident
from jgan.files import replacing
from jgan.run import Run, RunConfig, assemble, keys, read_config, write_config
from jgan.types import GANState, Metrics, Step

PROG = "python -m jgan.train"


# ------------------------------------------------------------------------------------------------------- the command line


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is not good; `jgan.cli.run` makes one line of it.
    """
    config = configuration(sys.argv[1:] if argv is None else argv)
    workdir = choose_workdir(config)
    if config.dry_run:
        print(report.plan(assemble(config, workdir)))
        return
    run = begin(config, workdir)
    print(report.headline(run))
    train(run)


def configuration(argv: Sequence[str]) -> RunConfig:
    """Reads the command line: a preset's name, `digits` by default, and flags over its values.

    Args:
      argv: the arguments.

    Returns:
      The checked configuration.

    Raises:
      ValueError: if the preset or a flag is unknown, or a value out of its range.

    Example:
      >>> from jgan import train
      >>> train.configuration(["mnist", "--steps", "7"]).steps
      7
    """
    presets = models.presets()
    name, rest = ("digits", argv) if not argv or argv[0].startswith("-") else (argv[0], argv[1:])
    if name not in presets:
        close = difflib.get_close_matches(name, presets, n=1)
        hint = f", did you mean {close[0]}?" if close else ""
        raise ValueError(f"expected a preset among {', '.join(presets)}, found {name!r}{hint}")
    preset = presets[name]
    default = RunConfig(
        preset=name, dataset=preset.dataset, batch_size=preset.batch_size, steps=preset.steps, model=preset.model
    )
    listing = "\n".join(f"  {key:<16} {value.description}" for key, value in presets.items())
    description = f"Train {name}: {preset.description}.\n\nPresets:\n{listing}"
    config = cli.parse(RunConfig, rest, prog=f"{PROG} {name}", description=description, default=default)
    check(config)
    return config


def check(config: RunConfig) -> None:
    """Checks the ranges of a configuration.

    Args:
      config: the configuration.

    Raises:
      ValueError: naming the flag, what it must be and what was found.
    """
    least = {"steps": 1, "batch_size": 1, "log_every": 1, "sample_every": 0, "checkpoint_every": 0, "eval_every": 0}
    for name, bound in (least | {"seed": 0, "devices": 0}).items():
        value = getattr(config, name)
        if value < bound:
            raise ValueError(f"--{name.replace('_', '-')} must be at least {bound}, found {value}")
    if config.parallel != "jit":
        count = len(devices(config))
        if config.batch_size % count:
            raise ValueError(f"--batch-size must be a multiple of the {count} devices, found {config.batch_size}")


def devices(config: RunConfig) -> list[jax.Device]:
    """The devices of a run.

    Args:
      config: the configuration.

    Returns:
      One for jit, otherwise as many as were asked for.

    Raises:
      ValueError: if there are fewer.
    """
    found = jax.devices()
    wanted = 1 if config.parallel == "jit" else config.devices or len(found)
    if wanted > len(found):
        raise ValueError(f"--devices must be at most the {len(found)} that this process has, found {config.devices}")
    return found[:wanted]


def choose_workdir(config: RunConfig) -> Path:
    """The folder of a run: the one asked for, or a new one, `runs/PRESET` or `runs/PRESET-2` ...; to resume, the newest.

    Args:
      config: the configuration.

    Returns:
      The path; nothing is made.
    """
    if config.workdir is not None:
        return config.workdir
    base, number, path = Path("runs") / config.preset, 1, Path("runs") / config.preset
    while (path / "config.json").exists():
        newest, number = path, number + 1
        path = base.with_name(f"{base.name}-{number}")
    return newest if config.resume and number > 1 else path


# --------------------------------------------------------------------------------------------------------------- the loop


def begin(config: RunConfig, workdir: Path) -> Run:
    """Makes the folder of a run, or opens it again; never touches that of another run.

    Args:
      config: the configuration.
      workdir: the folder.

    Returns:
      The `Run`.

    Raises:
      ValueError: if the folder holds another run, or this one and `--resume` is not given; or holds none, and it is.
      OSError: if the folder cannot be written.
    """
    exists = (workdir / "config.json").exists()
    if config.resume and not exists:
        raise ValueError(f"--resume: {workdir} holds no run; leave the flag out to begin one")
    if exists and not config.resume:
        raise ValueError(f"{workdir} already holds a run; give --resume to go on with it, or another --workdir")
    if exists:
        _same_run(config, read_config(workdir), workdir)
    run = assemble(config, workdir)
    for folder in (workdir, workdir / "samples", workdir / "checkpoints"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(f"the run's folder {folder} cannot be made: {error.strerror}; give another --workdir") from error
    write_config(config, workdir)
    return run


def _same_run(asked: RunConfig, held: RunConfig, workdir: Path) -> None:
    """A run is resumed as it was begun: only its length, its place and its data's place may change."""
    for field in dataclasses.fields(RunConfig):
        if field.name in ("steps", "workdir", "data_dir", "resume", "dry_run"):
            continue
        wanted, found = getattr(asked, field.name), getattr(held, field.name)
        if wanted != found:
            name = field.name.replace("_", "-")
            raise ValueError(f"{workdir} holds a run with other options: expected --{name} {found}, found {wanted}")


def compiled_step(run: Run, length: int) -> Step:
    """The step of a run as it is executed: resident data, `length` steps in one program, on the run's devices.

    Args:
      run: the run.
      length: steps a call; with 1 the metrics carry no leading axis.

    Returns:
      `(key, state, data) -> (state, metrics)`, compiled; the state is donated.

    Example:
      See `train`.
    """
    config, gan, where = run.config, run.gan, devices(run.config)
    step = gan.step
    if config.parallel == "shard":
        step = parallel.constrained(step, where, axis=0 if gan.n_critic == 1 else 1)
    step = resident.on_resident_data(step, config.batch_size, gan.n_critic)
    if length > 1:
        step = parallel.scan(step, length)
    if config.parallel == "pmap":
        return parallel.pmap(step, where, resident=True)
    return parallel.jit(step) if config.parallel == "jit" else parallel.shard(step, where, resident=True)


def chunk_length(config: RunConfig, scan: bool) -> int:
    """How many steps one program runs: what divides all the intervals, so that every event falls between two programs.

    Args:
      config: the configuration.
      scan: whether to put several steps in a program at all.

    Returns:
      At least 1, at most 100.

    Example:
      >>> from jgan import train
      >>> train.chunk_length(train.configuration(["digits"]), scan=True)
      100
    """
    if not scan:
        return 1
    intervals = [config.log_every, config.sample_every, config.checkpoint_every, config.eval_every]
    common = math.gcd(*intervals)
    return next(length for length in range(min(common, 100), 0, -1) if common % length == 0)


def train(run: Run) -> GANState:
    """Trains a run to its end, from its last checkpoint if it has one.

    Args:
      run: the run, its folder made by `begin`.

    Returns:
      The final state.

    Raises:
      ValueError: if a metric or a parameter is no longer finite; the last good checkpoint stays.
      SystemExit: after SIGTERM (143) or Ctrl-C (130), when the state has been saved.
    """
    config, key = run.config, keys(run.config.seed)
    on_cpu = jax.default_backend() == "cpu"
    length = chunk_length(config, scan=run.gan.scan_on_cpu or not on_cpu)
    many, one = compiled_step(run, length), compiled_step(run, 1)
    data = jax.tree.map(jnp.asarray, run.dataset.train)
    with Checkpoints(run.workdir / "checkpoints") as checkpoints, stop_requests() as stop:
        state, step = _initial(run, checkpoints)
        journal = Journal(run, step)
        with report.progress(config, step) as bar:
            while step < config.steps:
                size = length if step % length == 0 and step + length <= config.steps else 1
                state, metrics = (many if size == length else one)(key.steps, state, data)
                step += size
                journal.add(metrics, size)
                events(run, checkpoints, journal, bar, state, step, stopping=bool(stop) and step % length == 0)
                if stop and step % length == 0 and step < config.steps:
                    _leave(run, checkpoints, stop[0], step)
        checkpoints.wait()
    report.finish(run, state)
    return state


def _initial(run: Run, checkpoints: Checkpoints) -> tuple[GANState, int]:
    """The last checkpoint, or a new state."""
    last = checkpoints.step()
    if last is None:
        return jax.jit(run.gan.init)(keys(run.config.seed).init), 0
    return jax.device_put(checkpoints.restore(run.template())), last


def events(
    run: Run, checkpoints: Checkpoints, journal: "Journal", bar: Any, state: GANState, step: int, *, stopping: bool
) -> None:
    """What is due after a step: a measure, a line of metrics, a picture, a checkpoint.

    Args:
      run: the run.
      checkpoints: its checkpoints.
      journal: its metrics.
      bar: its progress bar.
      state: the state after the step.
      step: the number of the step.
      stopping: whether to save now, whatever the intervals say.

    Raises:
      ValueError: if a metric or a parameter is not finite.
    """
    config, end = run.config, step == run.config.steps

    def due(interval: int) -> bool:
        return end or (interval > 0 and step % interval == 0)

    extra: dict[str, float] = {}
    if due(config.eval_every):
        journal.check(step)
        extra["validation_log_likelihood"] = report.validation_score(run, state)
    if extra or due(config.log_every):
        row = journal.write(step, extra)
        report.show(bar, row)
    if due(config.sample_every):
        report.write_samples(run, state, step)
    if due(config.checkpoint_every) or extra or stopping:
        journal.check(step)
        _check_finite(state, step)
        checkpoints.save(step, state, score=extra.get("validation_log_likelihood"))


def _check_finite(state: GANState, step: int) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if not np.isfinite(np.asarray(leaf)).all():
            name = jax.tree_util.keystr(path)
            raise ValueError(f"state{name} is not finite after step {step}; the last good checkpoint is kept")


def _leave(run: Run, checkpoints: Checkpoints, signum: int, step: int) -> None:
    checkpoints.wait()
    print(f"\nstopped at step {step}, saved; go on with: {PROG} {run.config.preset} --workdir {run.workdir} --resume ...")
    raise SystemExit(128 + signum)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of dying of them; a second Ctrl-C interrupts at once.

    Yields:
      A list that holds the number of a signal once one has come.
    """
    received: list[int] = []

    def handler(signum: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signum)

    try:
        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread, where Python delivers no signals
        before = {}
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)


class Journal:
    """`metrics.jsonl`: the mean of each metric over the steps since the last line, and the clock.

    Metrics stay on the device until a line is due, so that the loop never waits for a step. A resumed run drops the lines
    that are later than its checkpoint: it is about to write them again, with the same values.

    Args:
      run: the run.
      step: the step from which it goes on.
    """

    def __init__(self, run: Run, step: int) -> None:
        self.path = run.workdir / "metrics.jsonl"
        self.images_per_step = run.config.batch_size
        self.since, self.pending, self.window = step, [], []  # type: ignore[var-annotated]
        self.clock = time.perf_counter()
        if self.path.exists():
            lines = [line for line in self.path.read_text().splitlines() if _step_of(line) <= step]
            with replacing(self.path) as temporary:
                temporary.write_text("".join(line + "\n" for line in lines))

    def add(self, metrics: Metrics, size: int) -> None:
        """Takes the metrics of one call, which ran `size` steps."""
        self.pending.append((metrics, size))

    def check(self, step: int) -> None:
        """Fetches what is pending; raises a `ValueError` that names the first metric and step that is not finite."""
        done = step - sum(size for _, size in self.pending)
        for metrics, size in self.pending:
            fetched = {name: np.atleast_1d(np.asarray(value)) for name, value in metrics.items()}
            for offset in range(size):
                for name, values in fetched.items():
                    if not np.isfinite(values[offset]):
                        raise ValueError(
                            f"{name} is {values[offset]} at step {done + offset + 1}; the last good checkpoint is kept"
                        )
            done += size
            self.window.append(fetched)
        self.pending = []

    def write(self, step: int, extra: dict[str, float]) -> dict[str, float]:
        """Writes one line and returns it."""
        self.check(step)
        names = self.window[0] if self.window else ()
        means = {name: float(np.mean(np.concatenate([row[name] for row in self.window]))) for name in names}
        now = time.perf_counter()
        rate = (step - self.since) * self.images_per_step / (now - self.clock)
        row = {"step": step, **means, **extra, "images_per_second": round(rate, 1)}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.since, self.window, self.clock = step, [], now
        return row


def _step_of(line: str) -> float:
    """The step of a line; a line cut short by a killed run counts as later than any."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf


if __name__ == "__main__":
    cli.run(main, PROG)
