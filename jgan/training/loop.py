"""The training loop: a pure step, compiled once per phase (`jgan.training.programs`) and called until the phase's last step.

Between two calls, at the intervals of the configuration, the loop writes a line of metrics, a picture, a checkpoint, a measure.
The results of a run depend only on its configuration; only `images_per_second` depends on the clock.

The checkpoint at the boundary of two phases holds the final state of the earlier one and is saved before the later one is
entered. Entering is deterministic, so a run resumed there enters the phase again with the same result.
"""

import contextlib
import dataclasses
import shlex
from typing import Any

import jax

from jgan import finite, phases
from jgan.training import evaluators, feed, lock, processes, programs, records, report, resuming, stopping
from jgan.training.board import Board
from jgan.training.checkpoint import Checkpoints
from jgan.training.config import ARRAYS
from jgan.training.journal import Journal, NonFiniteError
from jgan.training.log import Log
from jgan.training.run import Run
from jgan.types import GANState

MOST_ROLLBACKS = 10
"""of a run with `--on-nonfinite rollback`; then it stops"""


@dataclasses.dataclass
class Session:
    """The open resources of a training run, and where it is."""

    evaluator: evaluators.Evaluator
    checkpoints: Checkpoints
    journal: Journal
    log: Log
    board: Board
    bar: Any
    requests: stopping.Requests
    folder: lock.Folder
    team: processes.Alone
    rollbacks: int = 0


def train(run: Run, team: processes.Alone | None = None) -> GANState:
    """Trains a run to its end, starting from its newest checkpoint that is not damaged, if it has one.

    Args:
      run: the run, from `jgan.training.folder.opened`.
      team: the processes that this one leads; None if it is alone.

    Returns:
      The final state.

    Raises:
      ValueError: if a metric or a parameter is no longer finite, or if the checkpoint is of another run.
      OSError: if a file cannot be written, or the folder has disappeared.
      Stopped: after a signal or the time limit, once the state is saved.
    """
    run = run.with_mean()
    config, evaluator, team = run.config, evaluators.of(run), team or processes.Alone()
    with contextlib.ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(run.workdir / "checkpoints", keep=config.keep_checkpoints))
        requests = stack.enter_context(stopping.requests(config.time_limit, since=run.shared.begun))
        log = Log(run.workdir)
        team.attend(requests, log.write, lambda: resuming.of_all_processes(run))
        data = feed.of(run, log)
        stack.callback(data.close)
        state, step, extra = resuming.last_state(run, checkpoints, log)
        bar = stack.enter_context(report.progress(config, step))
        journal = resuming.journal_of(run, step, extra, log)
        if state is not None:
            report.missing_picture(run.at(step), evaluator, state, step)
        board = stack.enter_context(Board(run.workdir, step, wanted=config.tensorboard))
        session = Session(evaluator, checkpoints, journal, log, board, bar, requests, run.shared.folder, team)
        session.rollbacks = extra.get("rollbacks", 0)
        while state is None or step < config.steps:
            try:
                state, step = _to_the_end(run, session, state, step, data)
            except NonFiniteError as error:
                state, step = _after(error, run, session)
        checkpoints.wait()
    report.finish(run.at(step), evaluator, state, log)
    return state


def _to_the_end(run: Run, session: Session, state: GANState | None, step: int, data: feed.Feed) -> tuple[GANState, int]:
    """Trains through all remaining phases."""
    for stage in run.stages:
        if step < stage.end:
            here = run.at(stage.end)
            state = resuming.entered(here, state) if state is None or step == stage.start else state
            state = train_phase(here, stage, session, programs.placed(here, state), step, data)
            step = stage.end
    assert state is not None
    return state, step


def _after(error: NonFiniteError, run: Run, session: Session) -> tuple[GANState | None, int]:
    """The state to go on with after a value that is not finite; raises a `ValueError` if there is none."""
    kept = resuming.kept(session.checkpoints)
    if run.config.on_nonfinite != "rollback":
        raise ValueError(f"{error}; {kept}") from error
    if session.rollbacks == MOST_ROLLBACKS:
        raise ValueError(f"{error}, after {MOST_ROLLBACKS} rollbacks; {kept}") from error
    session.rollbacks += 1
    state, step, extra = resuming.last_planned_state(run, session.checkpoints, session.log)
    session.journal = Journal(run.workdir, step, extra.get("sums"))
    session.board.restart(step)
    session.bar.update(step - session.bar.n)
    session.log.say(f"{error}: back to step {step:,}, with other random numbers (rollback {session.rollbacks})")
    return state, step


def train_phase(run: Run, stage: phases.Place, session: Session, state: GANState, step: int, data: feed.Feed) -> GANState:
    """Trains to the end of a phase.

    Args:
      run: the run in that phase.
      stage: the steps of the phase.
      session: the open resources of the run.
      state: the state after `step`, `placed` on the run's devices.
      step: the step of the whole run.
      data: the data of the steps.

    Returns:
      The state at the end of the phase; it has been saved.

    Raises:
      NonFiniteError: if a metric or a parameter is not finite.
      Stopped: after a signal or the time limit, once the state is saved.
    """
    key = programs.step_key(run, session.rollbacks)
    most = feed.longest(run) if feed.is_streamed(run) else 100
    length = programs.chunk_length(run.config, scan=programs.scans_fast(run), most=most)
    many, one = programs.compiled_step(run, length), programs.compiled_step(run, 1)
    session.journal.begin(step, run.batch_size, run.phase_name)
    report.compiling(session.bar, session.log, run)
    span = {"first": step - stage.start, "last": stage.end - stage.start}
    session.team.begin(state, end=stage.end, length=length, rollbacks=session.rollbacks, **span)
    data.begin(run, key, span["first"], span["last"])
    while step < stage.end:
        size = length if step % length == 0 and step + length <= stage.end else 1
        session.team.call(size)
        state, metrics = (many if size == length else one)(key, state, data.take(size))
        data.running(metrics)
        step += size
        session.journal.add(metrics, size)
        session.folder.check()
        session.checkpoints.check()
        leaving = session.requests.reason() if step % length == 0 and step < run.config.steps else ""
        events(run, stage, session, session.team.own(state), step, stopping=bool(leaving))
        if leaving:
            _leave(run, session, step, leaving)
    return session.team.own(state)


def events(
    run: Run, stage: phases.Place, session: Session, state: GANState, step: int, *, stopping: bool
) -> dict[str, Any] | None:
    """Runs the events that are due after a step: a measure, a line of metrics, a picture, a checkpoint.

    The checkpoint comes after the files of its step, so that a run killed in between writes them again; and before anything is
    shown, so that a terminal that has gone costs nothing.

    Args:
      run: the run in its current phase.
      stage: the steps of the phase.
      session: the open resources of the run.
      state: the state after the step.
      step: the step of the whole run.
      stopping: whether to save now regardless of the intervals.

    Returns:
      The line of metrics; None if none was due.

    Raises:
      NonFiniteError: if a metric or a parameter is not finite.
    """
    config, evaluator, journal = run.config, session.evaluator, session.journal
    final, boundary = step == config.steps, step == stage.end

    def due(interval: int) -> bool:
        return final or (interval > 0 and step % interval == 0)

    measured: dict[str, Any] = {}
    row, done = None, False
    if boundary or due(config.eval_every) or due(config.log_every):
        journal.check(step)
    try:
        if due(config.eval_every):
            measured = evaluator.measure(run, state)
        if measured or boundary or due(config.log_every):
            row = journal.write(step, measured)
            session.board.row(row)
        if due(config.sample_every):
            session.board.samples(report.write_samples(run, evaluator, state, step), step)
        done = True
    finally:  # what cannot be measured or drawn does not cost the steps since the last checkpoint
        planned = bool(measured) or boundary or due(config.checkpoint_every)
        if planned or stopping or not done:
            journal.check(step)
            _check_finite(state, step)
            journal.flush()
            extra = resuming.extra(run, journal, session.rollbacks, planned=planned)
            score = evaluator.score(measured) if evaluator.judges(measured) else None
            kept = (boundary and run.phase.keep) or (config.keep_every > 0 and step % config.keep_every == 0)
            session.checkpoints.save(step, state, score=score, phase=stage.index, extra=extra, kept=kept)
            if boundary:
                session.checkpoints.wait()
    if row is not None:
        report.show(session.bar, session.log, row, evaluator)
        report.pace(session.bar, session.log, row, journal.images_per_step, config.log_every)
    return row


_finite_leaves = jax.jit(finite.finite_leaves)


def _check_finite(state: GANState, step: int) -> None:
    """Raises `NonFiniteError` for the first leaf that is not finite; only the answer leaves the device."""
    for path, good in jax.tree_util.tree_leaves_with_path(jax.device_get(_finite_leaves(state))):
        if not good:
            raise NonFiniteError(f"state{jax.tree_util.keystr(path)} is not finite after step {step}")


def _leave(run: Run, session: Session, step: int, reason: str) -> None:
    session.checkpoints.wait()
    session.bar.close()
    command = f"python -m jgan.train --workdir {shlex.quote(str(run.workdir))} --resume"
    if run.config.time_limit:
        command += f" --time-limit {run.config.time_limit:g}"
    if run.config.dataset.startswith(ARRAYS) or records.model_to_dict(run.model, run.config.model)["model"] is None:
        command = f"jgan.training.train(..., workdir={str(run.workdir)!r}, resume=True), with the same model and data"
    session.log.say(f"{reason}: stopped at step {step:,}, saved; continue with: {command}")
    raise stopping.Stopped(session.requests.code)
