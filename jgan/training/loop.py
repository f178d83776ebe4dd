"""The training loop: a pure step, wrapped once (`compiled_step`) and called until the run's last step.

What happens between two calls, at the steps that the configuration names, writes files: a line of metrics, a picture, a
checkpoint, a measure. All that a run computes follows from its configuration; the clock appears in `images_per_second` alone.
"""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from jgan import models, optim, parallel
from jgan.data import resident
from jgan.training import evaluators, report
from jgan.training.checkpoint import Checkpoints
from jgan.training.journal import Journal
from jgan.training.run import Run, RunConfig, keys, open_run
from jgan.types import GANState


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


def compiled_step(run: Run, length: int) -> parallel.CompiledStep:
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
      >>> from jgan.training import loop
      >>> loop.chunk_length(train.configuration(["digits"]), scan=True)
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
    config, key, display = run.config, keys(run.config.seed), evaluators.of(run)
    on_cpu = jax.default_backend() == "cpu"
    length = chunk_length(config, scan=run.gan.scan_on_cpu or not on_cpu)
    many, one = compiled_step(run, length), compiled_step(run, 1)
    data = parallel.replicate(run.dataset.train, devices(config))
    with Checkpoints(run.workdir / "checkpoints") as checkpoints, stop_requests() as stop:
        state, step = _initial(run, checkpoints)
        state = parallel.replicate(state, devices(config))
        journal = Journal(run, step)
        with report.progress(config, step) as bar:
            while step < config.steps:
                size = length if step % length == 0 and step + length <= config.steps else 1
                state, metrics = (many if size == length else one)(key.steps, state, data)
                step += size
                journal.add(metrics, size)
                events(run, display, checkpoints, journal, bar, state, step, stopping=bool(stop) and step % length == 0)
                if stop and step % length == 0 and step < config.steps:
                    _leave(run, checkpoints, stop[0], step)
        checkpoints.wait()
    report.finish(run, display, state)
    return state


def _initial(run: Run, checkpoints: Checkpoints) -> tuple[GANState, int]:
    """The last checkpoint; or a new state, begun from the generator of an earlier stage if the model names one."""
    last = checkpoints.step()
    if last is not None:
        return jax.device_put(checkpoints.restore(run.template())), last
    state = jax.jit(run.gan.init)(keys(run.config.seed).init)
    earlier = getattr(run.config.model, "pretrained", "")
    if earlier:
        first = open_run(earlier).restore()
        state = models.grow(run.config.model, state, optim.ema_params(first.generator))
    return state, 0


def events(
    run: Run,
    display: evaluators.Evaluator,
    checkpoints: Checkpoints,
    journal: Journal,
    bar: Any,
    state: GANState,
    step: int,
    *,
    stopping: bool,
) -> None:
    """What is due after a step: a measure, a line of metrics, a picture, a checkpoint.

    Args:
      run: the run.
      display: how it is judged and shown.
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

    extra: dict[str, Any] = {}
    if due(config.eval_every):
        journal.check(step)
        extra = display.measure(run, state)
    if extra or due(config.log_every):
        row = journal.write(step, extra)
        report.show(bar, row, display)
    if due(config.sample_every):
        report.write_samples(run, display, state, step)
    if due(config.checkpoint_every) or extra or stopping:
        journal.check(step)
        _check_finite(state, step)
        checkpoints.save(step, state, score=display.score(extra) if extra else None)


def _check_finite(state: GANState, step: int) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        if not np.isfinite(np.asarray(leaf)).all():
            name = jax.tree_util.keystr(path)
            raise ValueError(f"state{name} is not finite after step {step}; the last good checkpoint is kept")


def _leave(run: Run, checkpoints: Checkpoints, signum: int, step: int) -> None:
    checkpoints.wait()
    print(f"\nstopped at step {step}, saved; go on with: python -m jgan.train --workdir {run.workdir} --resume")
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
