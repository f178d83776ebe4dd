"""The programs of a run: the step of its current phase on its data, compiled for its devices, one or several in a call."""

import math
from typing import Any

import jax
from jax import dtypes

from jgan import finite, fsdp, parallel, phases
from jgan.data import resident, streamed
from jgan.training import feed
from jgan.training.config import RunConfig, devices
from jgan.training.run import Run, keys
from jgan.types import GANState, Key, Step


def step_key(run: Run, rollbacks: int = 0) -> Key:
    """The root key of the steps of a run's current phase, another one after each rollback."""
    key = phases.step_key(keys(run.config.seed).steps, run.index % len(run.phases))
    return jax.random.fold_in(key, rollbacks) if rollbacks else key


def resident_step(run: Run, step: Step | None = None) -> Step:
    """The step of a run's current phase over its whole data set, for one device or inside `pmap`."""
    step, known = step or run.gan.step, {"example": run.spec.example, "view": run.dataset.view}
    return _tolerant(run, resident.on_resident_data(step, run.batch_size, run.gan.n_critic, **known))


def windowed_step(run: Run, length: int, step: Step) -> Step:
    """The step of a run's current phase over a window of `length` steps, for one device or inside `pmap`."""
    known = {"example": run.spec.example, "view": run.dataset.view}
    return _tolerant(run, streamed.on_windows(step, length, run.gan.n_critic, **known))


def _tolerant(run: Run, step: Step) -> Step:
    """The step, without updates that are not finite if the run is to skip them."""
    return finite.skip_nonfinite(step) if run.config.on_nonfinite == "skip" else step


def shapes_of_data(run: Run) -> Any:
    """The shapes and dtypes of a run's whole data set on a device."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, dtypes.canonicalize_dtype(leaf.dtype)), run.dataset.train)


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
        step, given = resident_step(run), (step_key(run), run.template(), shapes_of_data(run))
        jax.eval_shape(step, *given)  # `parallel.scans_fast` traces on CPU only
        known[position] = parallel.scans_fast(step, *given)
    return known[position]


def compiled_step(run: Run, length: int) -> parallel.CompiledStep:
    """The compiled step of a run's current phase: `length` steps in one program, on the run's devices.

    Args:
      run: the run.
      length: steps per call; for 1 the metrics have no leading axis.

    Returns:
      `(key, state, data) -> (state, metrics)`, compiled; the state is donated, and `data` is what `jgan.training.feed` gives.

    Example:
      See `train`.
    """
    config, gan, where = run.config, run.gan, devices(run.config)
    axis, inner = 0 if gan.n_critic == 1 else 1, gan.step  # the axis of the examples in a step's batch
    placed = fsdp.shardings(run.template(), where) if config.parallel == "fsdp" else None
    if config.parallel in ("shard", "fsdp"):
        inner = parallel.constrained(gan.step, where, axis=axis)
    if placed is not None:
        inner = fsdp.sharded(inner, placed)
    streams = feed.is_streamed(run)
    step = windowed_step(run, length, inner) if streams else resident_step(run, inner)
    if length > 1:
        step = parallel.scan(step, length)
    if config.parallel == "jit":
        return parallel.jit(step)
    if config.parallel == "pmap":
        return parallel.pmap(step, where, resident=not streams, axis=axis + 1)
    return parallel.shard(step, where, resident=not streams, axis=axis + 1, state=placed)


def placed(run: Run, state: GANState) -> GANState:
    """The state where a run's steps expect it: on all devices, whole or spread.

    Args:
      run: the run.
      state: the state.

    Returns:
      The state.
    """
    place = fsdp.spread if run.config.parallel == "fsdp" else parallel.replicate
    return place(state, devices(run.config))


def chunk_length(config: RunConfig, scan: bool, most: int = 100) -> int:
    """The number of steps per program: a divisor of all intervals, so that every event falls between two programs.

    Args:
      config: the configuration.
      scan: whether a program may contain several steps.
      most: the largest number.

    Returns:
      At least 1, at most 100.

    Example:
      >>> from jgan import train
      >>> from jgan.training import programs
      >>> programs.chunk_length(train.configuration(["digits"]), scan=True)
      100
    """
    if not scan:
        return 1
    common = math.gcd(*intervals(config))
    return next(length for length in range(min(common, most, 100), 0, -1) if common % length == 0)


def intervals(config: RunConfig) -> tuple[int, ...]:
    """The numbers of steps between two events of each kind; 0 for events at the end only."""
    return config.log_every, config.sample_every, config.checkpoint_every, config.eval_every
