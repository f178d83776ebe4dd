"""How a run continues: from which checkpoint, with what it holds besides the state, and into the next phase.

A checkpoint also holds the sums of the journal's unfinished line, the options of the run and the number of its rollbacks: all
that a resumed run needs to write the same files as one that was not interrupted.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jgan import phases
from jgan.training import feed, journal, records
from jgan.training.checkpoint import Checkpoints
from jgan.training.config import devices
from jgan.training.log import Log
from jgan.training.run import Run, keys
from jgan.training.saved import Saved
from jgan.types import GANState, Key


def last_state(run: Run, checkpoints: Checkpoints, log: Log) -> tuple[GANState | None, int, dict[str, Any]]:
    """The newest good checkpoint, its step and what else it holds; `(None, 0, {})` if there is none.

    Damaged newer checkpoints are set aside and named in the log. If all are damaged, that is an error: to start again would
    overwrite the journal.
    """
    damaged: list[tuple[int, str]] = []
    saved = checkpoints.newest(lambda step: run.at(step).template(), lambda step, message: damaged.append((step, message)))
    if saved is None and damaged:
        raise ValueError(f"none of the {len(damaged)} checkpoints in {checkpoints.folder} can be used: {damaged[0][1]}")
    if saved is None:
        if journal.rows(run.workdir):
            log.say("no checkpoint: starting at step 0")
        return None, 0, {}
    _same(run, saved, log)
    for step, message in damaged:
        log.say(f"warning: {message}; moved to {checkpoints.set_aside(step)}")
    log.say(f"continuing from step {saved.step:,} of {run.config.steps:,}")
    return jax.device_put(saved.state), saved.step, saved.extra


def common_state(
    runs: Sequence[Run], checkpoints: Sequence[Checkpoints], logs: Sequence[Log]
) -> tuple[list[GANState] | None, int, list[dict[str, Any]]]:
    """As `last_state`, for the runs of several seeds that are trained together: the newest step of which all have a good one.

    Returns their states, that step, and what else each checkpoint holds; `(None, 0, [{}, ...])` if there is none.
    """
    _none_went_on_alone(runs, checkpoints)
    damaged: list[tuple[int, int, str]] = []
    for step in sorted(set.intersection(*(set(each.steps()) for each in checkpoints)), reverse=True):
        found: list[Saved] = []
        for index, (run, held) in enumerate(zip(runs, checkpoints, strict=True)):
            try:
                found.append(held.read(step, run.at(step).template()))
            except ValueError as error:
                damaged.append((index, step, str(error)))
        if len(found) < len(runs):
            continue
        for run, saved, log in zip(runs, found, logs, strict=True):
            _same(run, saved, log)
            log.say(f"continuing from step {step:,} of {run.config.steps:,}")
        for index, bad, message in damaged:
            logs[index].say(f"warning: {message}; moved to {checkpoints[index].set_aside(bad)}")
        for held in checkpoints:  # killed before the others had theirs: it is written again
            for later in [found for found in held.steps() if found > step]:
                held.delete(later)
        return [jax.device_put(saved.state) for saved in found], step, [saved.extra for saved in found]
    if damaged:
        raise ValueError(f"none of the checkpoints that all {len(runs)} seeds have can be used: {damaged[0][2]}")
    if all(each.steps() for each in checkpoints):
        newest = ", ".join(f"{run.workdir.name}: {max(held.steps()):,}" for run, held in zip(runs, checkpoints, strict=True))
        raise ValueError(f"the seeds have no checkpoint in common (newest: {newest}): continue each alone")
    return None, 0, [{} for _ in runs]


def _none_went_on_alone(runs: Sequence[Run], checkpoints: Sequence[Checkpoints]) -> None:
    for run, held in zip(runs, checkpoints, strict=True):
        last = held.step()
        if last is not None and (extra := held.extra(last)) and extra.get("together", 1) == 1:
            raise ValueError(f"{run.workdir} was continued alone, to step {last:,}: continue the other seeds alone too")


def _same(run: Run, saved: Saved, log: Log) -> None:
    """Checks that a checkpoint is one of the run as it is now; says where the run was trained, if that has changed."""
    records.same_run(run, saved)
    _same_numbers(run, saved)
    was, now = saved.extra.get("placement"), placement(run)
    if was is not None and was != now:
        log.say(
            f"trained on {was} until step {saved.step:,}, now on {now}: a step's results agree to rounding, but the game "
            "amplifies such differences, so that the runs diverge"
        )


def _same_numbers(run: Run, saved: Saved) -> None:
    """Checks that a checkpoint was trained on the run's data, and in its precision."""
    held, found = saved.extra.get("data"), run.shared.fingerprint
    if held is not None and held != found and not run.config.accept_data:
        raise ValueError(
            f"{run.workdir} holds a run on other data: so says its checkpoint of step {saved.step:,}; restore the data, or "
            "give --accept-data to continue with these"
        )
    was, now = saved.extra.get("x64"), x64()
    if was is not None and was != now:
        raise ValueError(
            f"the run was trained with JAX_ENABLE_X64={int(was)}, found {int(now)}, which changes its numbers: set it as it was"
        )


def x64() -> bool:
    """Whether JAX computes in 64 bits where nothing else is said, which changes random numbers."""
    return bool(jax.config.read("jax_enable_x64"))


def of_all_processes(run: Run) -> dict[str, Any]:
    """What must be the same in all processes that train a run together, by the names of the options."""
    values = {name: getattr(run.config, name) for name in ("steps", "parallel", "on_nonfinite", "time_limit")}
    loader = "streamed" if feed.is_streamed(run) else "resident"
    values |= {"loader": loader, "JAX_ENABLE_X64": x64(), "data": run.shared.fingerprint}
    return records.flat(records.identity(run.config, run.model)) | values


def last_planned_state(run: Run, checkpoints: Checkpoints, log: Log) -> tuple[GANState | None, int, dict[str, Any]]:
    """As `last_state`, after deleting newer checkpoints that were saved only because the run was asked to leave."""
    for step in reversed(checkpoints.steps()):
        if checkpoints.extra(step).get("planned", True):
            break
        checkpoints.delete(step)
    return last_state(run, checkpoints, log)


def kept(checkpoints: Checkpoints) -> str:
    """What is left of a run that cannot go on, in words; waits for the last save."""
    last = checkpoints.step()
    return "there is no checkpoint before it" if last is None else f"the checkpoint of step {last:,} is kept"


def placement(run: Run) -> str:
    """What a run is executed on, in words."""
    count, config = len(devices(run.config)), run.config
    of = f" of {config.processes} processes" if config.processes > 1 else ""
    beside = f", {run.shared.together} seeds at once" if run.shared.together > 1 else ""
    return f"{count} device{'s' if count > 1 else ''}{of} ({config.parallel}{beside})"


def journal_of(run: Run, step: int, extra: dict[str, Any], log: Log) -> journal.Journal:
    """The journal of a run that continues from a checkpoint, with warnings of lines that it has lost.

    Args:
      run: the run.
      step: the step of the checkpoint; 0 at the start.
      extra: what the checkpoint holds besides the state.
      log: the log of the run.

    Returns:
      The `Journal`.
    """
    found = journal.Journal(run.workdir, step, extra.get("sums"))
    if found.unreadable:
        log.say(f"warning: {found.unreadable} damaged lines were removed from {found.path}")
    if found.lines < extra.get("lines", 0):
        log.say(f"warning: {found.path} had {extra['lines']} lines at step {step:,} and has {found.lines} now")
    return found


def extra(run: Run, written: journal.Journal, rollbacks: int, *, planned: bool = True) -> dict[str, Any]:
    """What a checkpoint holds besides the state.

    Args:
      run: the run.
      written: its journal.
      rollbacks: the number of its rollbacks.
      planned: whether a run that is not interrupted has this checkpoint too. Rollbacks return only to such checkpoints, so that
        an interruption does not change the run.

    Returns:
      A dict for JSON.
    """
    return {
        "config": records.identity(run.config, run.model),
        "data": run.shared.fingerprint,
        "x64": x64(),
        "placement": placement(run),
        "together": run.shared.together,
        "sums": written.sums(),
        "lines": written.lines,
        "rollbacks": rollbacks,
        "planned": planned,
    }


def entered(run: Run, previous: GANState | None) -> GANState:
    """The initial state of a run's current phase, from the final state of the previous phase."""
    return entering(run)(keys(run.config.seed).init, previous)


def entering(run: Run) -> Callable[[Key, GANState | None], GANState]:
    """How a run's current phase is entered: `(key, final state of the previous phase) -> state`, compiled once for all keys."""
    position = run.index % len(run.phases)
    enter = jax.jit(lambda key, before: phases.enter(run.phases, position, key, before))

    def enters(key: Key, previous: GANState | None) -> GANState:
        # From the host, as after a restart: the result must not depend on the arrays' placement.
        if previous is None or run.phase.enter is None:
            return enter(key, None)
        # Copied: an array that passes through a compiled function may be the same buffer in two places of the result, and a
        # step is given the buffers of its state.
        return jax.tree.map(jnp.copy, enter(key, jax.device_get(previous)))

    return enters
