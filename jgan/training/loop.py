"""The training loop: a pure step, compiled once per phase (`compiled_step`) and called until the phase's last step.

Between two calls, at the intervals of the configuration, the loop writes a line of metrics, a picture, a checkpoint, a measure.
The results of a run depend only on its configuration; only `images_per_second` depends on the clock.

The checkpoint at the boundary of two phases holds the final state of the earlier one and is saved before the later one is
entered. Entering is deterministic, so a run resumed there enters the phase again with the same result.
"""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes

from jgan import parallel, phases
from jgan.data import resident
from jgan.training import evaluators, report
from jgan.training.checkpoint import Checkpoints
from jgan.training.config import RunConfig, devices
from jgan.training.journal import Journal
from jgan.training.run import Run, keys
from jgan.types import GANState, Key, Step

__all__ = ["chunk_length", "compiled_step", "devices", "train"]


class Stopped(SystemExit):
    """Raised after a signal once the state is saved; `code` is 128 plus the number of the signal."""


class Session(NamedTuple):
    """The open resources of a training run."""

    evaluator: evaluators.Evaluator
    checkpoints: Checkpoints
    journal: Journal
    bar: Any
    stop: list[int]


def step_key(run: Run) -> Key:
    """The root key of the steps of a run's current phase."""
    return phases.step_key(keys(run.config.seed).steps, run.index % len(run.phases))


def resident_step(run: Run) -> Step:
    """The step of a run's current phase over its whole data set, for one device or inside `pmap`."""
    return resident.on_resident_data(run.gan.step, run.batch_size, run.gan.n_critic, example=run.spec.example)


def scans_fast(run: Run) -> bool:
    """Whether the steps of a run's current phase are scanned (`parallel.scans_fast`); traces the step once per run and phase.

    Args:
      run: the run.

    Returns:
      Whether one program should contain several steps.

    Raises:
      ValueError, TypeError: what the model or its networks raise if the data or the options do not fit.
    """
    position, known = run.index % len(run.phases), run.shared.scans_fast
    if position not in known:
        data = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, dtypes.canonicalize_dtype(leaf.dtype)), run.dataset.train
        )
        step, given = resident_step(run), (step_key(run), run.template(), data)
        jax.eval_shape(step, *given)  # `parallel.scans_fast` traces on CPU only
        known[position] = parallel.scans_fast(step, *given)
    return known[position]


def compiled_step(run: Run, length: int) -> parallel.CompiledStep:
    """The compiled step of a run's current phase: resident data, `length` steps in one program, on the run's devices.

    Args:
      run: the run.
      length: steps per call; for 1 the metrics have no leading axis.

    Returns:
      `(key, state, data) -> (state, metrics)`, compiled; the state is donated.

    Example:
      See `train`.
    """
    config, gan, where = run.config, run.gan, devices(run.config)
    if config.parallel == "shard":
        step = parallel.constrained(gan.step, where, axis=0 if gan.n_critic == 1 else 1)
        step = resident.on_resident_data(step, run.batch_size, gan.n_critic, example=run.spec.example)
    else:
        step = resident_step(run)
    if length > 1:
        step = parallel.scan(step, length)
    if config.parallel == "pmap":
        return parallel.pmap(step, where, resident=True)
    return parallel.jit(step) if config.parallel == "jit" else parallel.shard(step, where, resident=True)


def chunk_length(config: RunConfig, scan: bool) -> int:
    """The number of steps per program: a divisor of all intervals, so that every event falls between two programs.

    Args:
      config: the configuration.
      scan: whether a program may contain several steps.

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
    """Trains a run to its end, starting from its last checkpoint if it has one.

    Args:
      run: the run, with a folder from `jgan.training.folder.begin`.

    Returns:
      The final state.

    Raises:
      ValueError: if a metric or a parameter is no longer finite; the last good checkpoint is kept.
      SystemExit: after SIGTERM (143) or Ctrl-C (130), once the state is saved.
    """
    run = run.with_mean()
    config, evaluator = run.config, evaluators.of(run)
    data = parallel.replicate(run.dataset.train, devices(config))
    with Checkpoints(run.workdir / "checkpoints") as checkpoints, stop_requests() as stop:
        state, step = last_state(run, checkpoints)
        with report.progress(config, step) as bar:
            session = Session(evaluator, checkpoints, Journal(run.workdir, step), bar, stop)
            for stage in run.stages:
                if step < stage.end:
                    here = run.at(stage.end)
                    state = entered(here, state) if state is None or step == stage.start else state
                    state = parallel.replicate(state, devices(config))
                    state = train_phase(here, stage, session, state, step, data)
                    step = stage.end
        checkpoints.wait()
    assert state is not None
    report.finish(run.at(step), evaluator, state)
    return state


def last_state(run: Run, checkpoints: Checkpoints) -> tuple[GANState | None, int]:
    """The last checkpoint and its step; `(None, 0)` if there is none."""
    last = checkpoints.step()
    if last is None:
        return None, 0
    return jax.device_put(checkpoints.restore(run.at(last).template())), last


def entered(run: Run, previous: GANState | None) -> GANState:
    """The initial state of a run's current phase, from the final state of the previous phase."""
    position, key = run.index % len(run.phases), keys(run.config.seed).init
    if previous is None or run.phase.enter is None:
        return jax.jit(lambda key: phases.enter(run.phases, position, key, None))(key)
    # From the host, as after a restart: the result must not depend on the arrays' placement.
    return phases.enter(run.phases, position, key, jax.device_get(previous))


def train_phase(run: Run, stage: phases.Place, session: Session, state: GANState, step: int, data: Any) -> GANState:
    """Trains to the end of a phase.

    Args:
      run: the run in that phase.
      stage: the steps of the phase.
      session: the open resources of the run.
      state: the state after `step`, replicated on the run's devices.
      step: the step of the whole run.
      data: the training set, replicated.

    Returns:
      The state at the end of the phase; it has been saved.
    """
    key = step_key(run)
    length = chunk_length(run.config, scan=scans_fast(run))
    many, one = compiled_step(run, length), compiled_step(run, 1)
    session.journal.begin(step, run.batch_size, run.phase_name)
    while step < stage.end:
        size = length if step % length == 0 and step + length <= stage.end else 1
        state, metrics = (many if size == length else one)(key, state, data)
        step += size
        session.journal.add(metrics, size)
        leaving = bool(session.stop) and step % length == 0
        events(run, stage, session, state, step, stopping=leaving)
        if leaving and step < run.config.steps:
            _leave(run, session, step)
    return state


def events(run: Run, stage: phases.Place, session: Session, state: GANState, step: int, *, stopping: bool) -> None:
    """Runs the events that are due after a step: a measure, a line of metrics, a picture, a checkpoint.

    Args:
      run: the run in its current phase.
      stage: the steps of the phase.
      session: the open resources of the run.
      state: the state after the step.
      step: the step of the whole run.
      stopping: whether to save now regardless of the intervals.

    Raises:
      ValueError: if a metric or a parameter is not finite.
    """
    config, evaluator, journal = run.config, session.evaluator, session.journal
    final, boundary = step == config.steps, step == stage.end

    def due(interval: int) -> bool:
        return final or (interval > 0 and step % interval == 0)

    measured: dict[str, Any] = {}
    if due(config.eval_every):
        journal.check(step)
        measured = evaluator.measure(run, state)
    if measured or boundary or due(config.log_every):
        report.show(session.bar, journal.write(step, measured), evaluator)
    if due(config.sample_every):
        report.write_samples(run, evaluator, state, step)
    if measured or boundary or stopping or due(config.checkpoint_every):
        journal.check(step)
        _check_finite(state, step)
        score = evaluator.score(measured) if evaluator.criterion in measured else None
        session.checkpoints.save(step, state, score=score, phase=stage.index)
        if boundary:
            session.checkpoints.wait()


def _check_finite(state: GANState, step: int) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        array = np.asarray(leaf)
        if jnp.issubdtype(array.dtype, jnp.inexact) and not np.isfinite(array).all():
            name = jax.tree_util.keystr(path)
            raise ValueError(f"state{name} is not finite after step {step}; the last good checkpoint is kept")


def _leave(run: Run, session: Session, step: int) -> None:
    session.checkpoints.wait()
    print(f"\nstopped at step {step}, saved; continue with: python -m jgan.train --workdir {run.workdir} --resume")
    raise Stopped(128 + session.stop[0])


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Records SIGINT and SIGTERM instead of ending the process; a second signal interrupts immediately.

    Yields:
      A list that holds the number of a signal once one has arrived; outside the main thread, where Python delivers no signals,
      it stays empty.
    """
    received: list[int] = []

    def handler(signum: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signum)

    try:
        before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread
        before = {}
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)
