"""A run: its configuration, phases and data; `open_run` opens its folder again.

The folder holds `config.json` (the options, the description of the data, versions and the git commit), `metrics.jsonl` (one
object per line), `samples/step_XXXXXXXX.png`, `checkpoints/` and, at the end, `summary.json` and the pictures of the finished
model. The folder is self-contained and may be moved.

Steps of a run are counted over all its phases; `state.step` counts within the current phase.
"""

import copy
import dataclasses
import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan import data
from jgan.data import Dataset
from jgan.data.kinds import length
from jgan.data.lazy import LOADERS
from jgan.models import Model, phases_of
from jgan.phases import Place, interpolated, place
from jgan.training import records
from jgan.training.checkpoint import Checkpoints
from jgan.training.config import ARRAYS, RunConfig, check_share
from jgan.training.environment import PACKAGES, environment, write_json
from jgan.training.which import Which
from jgan.types import GAN, Batch, DataSpec, Field, GANState, Key, Phase
from jgan.utils import checks

__all__ = [
    "PACKAGES",
    "Keys",
    "Run",
    "RunConfig",
    "Snapshot",
    "assemble",
    "environment",
    "keys",
    "open_run",
    "write_json",
]


class Keys(NamedTuple):
    """The root keys of a run, derived from its seed: initial parameters, steps, pictures, measures."""

    init: Key
    steps: Key
    samples: Key
    evaluation: Key


def keys(seed: int) -> Keys:
    """The root keys of a run.

    Args:
      seed: the run's seed.

    Returns:
      The `Keys`.

    Example:
      >>> from jgan.training import run
      >>> run.keys(0).steps.shape
      ()
    """
    return Keys(*jax.random.split(jax.random.key(checks.seed(seed)), len(Keys._fields)))


class Shared:
    """What all phases of a run share: its start, data, evaluator, locked folder, which phases are scanned, and the number of
    seeds that are trained together."""

    def __init__(self, config: RunConfig, given: Dataset | None) -> None:
        self.config, self.given = config, given
        self.begun = time.monotonic()
        self.evaluator: Any = None
        self.folder: Any = None
        self.fingerprint: dict[str, Any] = {}
        self.scans_fast: dict[int, bool] = {}
        self.together = 1

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The data, loaded on first use; a `ValueError` if they were in memory and are not passed again."""
        if self.given is not None:
            return self.given
        if self.config.dataset.startswith(ARRAYS):
            raise ValueError(
                f"the run's data, {self.config.dataset.removeprefix(ARRAYS)}, were in memory: pass them again, "
                "open_run(workdir, dataset=...)"
            )
        access = LOADERS[self.config.loader]._replace(skip=self.config.on_bad_image == "skip")
        return data.load(self.config.dataset, self.config.data_dir, held_out=self.config.held_out, access=access)


@dataclasses.dataclass(frozen=True)
class Run:
    """A run and its folder.

    Attributes:
      workdir: the folder.
      config: the options.
      spec: the description of the data; without the mean after `open_run`, since only the start needs it.
      model: the model.
      phases: the phases, at least one.
      index: the current phase; -1 for the last.
    """

    workdir: Path
    config: RunConfig
    spec: DataSpec
    model: Model
    phases: tuple[Phase, ...]
    index: int = -1
    shared: Shared = dataclasses.field(kw_only=True, repr=False, compare=False)

    @property
    def dataset(self) -> Dataset:
        """The data, loaded on first use."""
        return self.shared.dataset

    @property
    def phase(self) -> Phase:
        """The present phase."""
        return self.phases[self.index]

    @property
    def gan(self) -> GAN:
        """The model of the current phase."""
        return self.phase.gan

    @property
    def batch_size(self) -> int:
        """Examples in a minibatch of the current phase."""
        return self.phase.batch_size or self.config.batch_size

    @property
    def phase_name(self) -> str:
        """The name of the current phase; "" if there is only one."""
        position = self.index % len(self.phases)
        return "" if len(self.phases) == 1 else self.phase.name or str(position + 1)

    @property
    def stages(self) -> tuple[Place, ...]:
        """The phases that the run's steps reach, with their steps; the last one takes all remaining steps."""
        found: list[Place] = []
        while not found or found[-1].end < self.config.steps:
            found.append(place(self.phases, self.config.steps, found[-1].end + 1 if found else 1))
        return tuple(found)

    def at(self, step: int) -> "Run":
        """The run in the phase of a step; a boundary belongs to the earlier phase."""
        return dataclasses.replace(self, index=place(self.phases, self.config.steps, step).index)

    def step_of(self, state: GANState) -> int:
        """The step of the whole run, from a state of the current phase."""
        position = self.index % len(self.phases)
        return sum(phase.steps or 0 for phase in self.phases[:position]) + int(state.step)

    def template(self) -> GANState:
        """The shapes and dtypes of the current phase's state, as `jax.ShapeDtypeStruct` leaves, without computing anything."""
        return jax.eval_shape(self.gan.init, keys(self.config.seed).init)

    def snapshot(self, which: Which = "last") -> "Snapshot":
        """Reads a checkpoint, and sets the run to its phase.

        Args:
          which: `"last"`, `"best"` by the validation measure, or a step.

        Returns:
          The `Snapshot`, its state on the default device. If the last checkpoint is damaged, the newest one that is not.

        Raises:
          FileNotFoundError: if the checkpoint does not exist.
          ValueError: if the asked or all checkpoints are damaged, or `config.json` was changed after it was written.
        """
        damaged: list[str] = []
        with Checkpoints(self.workdir / "checkpoints", read_only=True) as checkpoints:
            step = checkpoints.expect(which)
            if which != "last":
                saved = checkpoints.read(step, self.at(step).template())
            else:
                newest = checkpoints.newest(lambda step: self.at(step).template(), lambda _, message: damaged.append(message))
                if newest is None:
                    raise ValueError(damaged[0])
                saved = newest
        records.same_run(self, saved)
        return Snapshot(self.at(saved.step), jax.device_put(saved.state), saved.step, tuple(damaged))

    def restore(self, which: Which = "last") -> GANState:
        """The state of a checkpoint: see `snapshot`."""
        return self.snapshot(which).state

    def interpolated(self, found: "Snapshot", share: float) -> "Snapshot":
        """A checkpoint of the last phase with a generator between the end of the phase before and its own.

        Args:
          found: the checkpoint.
          share: the weight of its own generator, from 0 to 1: see `jgan.phases.interpolated`.

        Returns:
          The `Snapshot`.

        Raises:
          FileNotFoundError: if the checkpoint at the end of the phase before is missing.
          ValueError: if the checkpoint is not of the last phase, or the phase before is not kept.
        """
        before = self.at(self.stages[-1].start)
        if len(self.phases) < 2 or found.run.index % len(self.phases) != len(self.phases) - 1 or not before.phase.keep:
            raise ValueError(
                f"expected a checkpoint of a phase that goes on with the weights of another, found step {found.step:,} of "
                f"{self.config.preset}: there is nothing to interpolate"
            )
        step = self.stages[-1].start
        with Checkpoints(self.workdir / "checkpoints", read_only=True) as checkpoints:
            if step not in checkpoints.steps():
                raise FileNotFoundError(f"{checkpoints.folder} lacks step {step}, the end of the phase before the last")
            saved = checkpoints.read(step, before.template())
        records.same_run(self, saved)
        generator = interpolated(jax.device_put(saved.state.generator), found.state.generator, share)
        return found._replace(state=found.state._replace(generator=generator))

    def with_seed(self, config: RunConfig, workdir: Path) -> "Run":
        """The run of the same options with another seed: it shares the data, the model and the evaluator.

        Args:
          config: the options, with the other seed.
          workdir: its folder.

        Returns:
          The `Run`.
        """
        shared = copy.copy(self.shared)
        shared.config, shared.folder = config, None
        return dataclasses.replace(self, workdir=workdir, config=config, shared=shared)

    def with_mean(self) -> "Run":
        """The run with the mean of its data, which some models need for their initial parameters."""
        if self.spec.mean is not None:
            return self
        spec = data.spec(self.dataset, self.config.batch_size)
        return dataclasses.replace(self, spec=spec, phases=phases_of(self.model, self.config.model, spec))


class Snapshot(NamedTuple):
    """A checkpoint that has been read.

    Attributes:
      run: the run, in the phase of the checkpoint.
      state: the state.
      step: the step of the whole run.
      damaged: a message for each newer checkpoint that is damaged.
    """

    run: Run
    state: GANState
    step: int
    damaged: tuple[str, ...] = ()


def assemble(config: RunConfig, workdir: Path, model: Model, dataset: Dataset | None = None) -> Run:
    """Loads the data and builds the model of a configuration.

    Args:
      config: the configuration.
      workdir: the folder of the run; it is neither read nor written.
      model: the model.
      dataset: the data, if not those named in the configuration.

    Returns:
      The `Run`.

    Raises:
      ValueError: if the data or the options are invalid.

    Example:
      See `jgan.training.train`.
    """
    shared = Shared(config, dataset)
    sizes = sizes_of(shared.dataset.train)
    _check_batch("--batch-size", config.batch_size, sizes, config.dataset)
    spec = data.spec(shared.dataset, config.batch_size)
    phases = phases_of(model, config.model, spec)
    for index, phase in enumerate(phases):
        if phase.batch_size is not None:
            name = f"the batch size of the phase {phase.name or index + 1}"
            _check_batch(name, phase.batch_size, sizes, config.dataset)
            check_share(name, phase.batch_size, config)
    _check_classes(phases, shared.dataset)
    return Run(workdir, config, spec, model, phases, shared=shared)


def sizes_of(part: Any) -> dict[str, int]:
    """The number of examples of each set; a single set has the name ''."""
    sets = {"": part} if isinstance(part, Batch) else part
    return {name: length(batch) for name, batch in sets.items()}


def _check_batch(name: str, batch_size: int, sizes: dict[str, int], dataset: str) -> None:
    least = min(sizes, key=sizes.__getitem__)
    if batch_size < 1:
        raise ValueError(f"{name} must be at least 1, found {batch_size}")
    if batch_size > sizes[least]:
        where = f"{dataset}, {least}" if least else dataset
        flag = name.startswith("--") and sizes[least] > 0  # that of a phase has no flag
        advice = f": give {name} {1 << (sizes[least].bit_length() - 1)}" if flag else ""
        raise ValueError(f"{name} must be at most the {sizes[least]} training examples of {where}, found {batch_size}{advice}")


def _check_classes(phases: Sequence[Phase], dataset: Dataset) -> None:
    """Refuses classes without a training example for a model that would never learn them."""
    labelled = [phase.gan.condition for phase in phases if isinstance(phase.gan.condition, Field)]
    if not isinstance(dataset.train, Batch) or dataset.train.y is None:
        return
    for size in (field.size for field in labelled if field.kind == "label"):
        missing = np.setdiff1d(np.arange(size), dataset.train.y)
        if len(missing):
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise ValueError(
                f"{dataset.name}: expected training examples of all {size} classes that the model is conditioned on, found "
                f"none of class {missing[0]}{more}: number the classes from 0 without gaps"
            )


def open_run(
    workdir: str | Path, data_dir: str | Path | None = None, *, model: Any = None, dataset: Dataset | None = None
) -> Run:
    """Opens the folder of a run, finished or not. The data are loaded when `run.dataset` is first used.

    Args:
      workdir: the folder.
      data_dir: the data folder, if it has changed.
      model: the model that was passed to `jgan.training.train`, if it cannot be imported.
      dataset: the run's data, if they were passed in memory.

    Returns:
      The `Run`.

    Raises:
      FileNotFoundError: if the folder is not that of a run.
      ValueError: if its configuration is invalid, or its model cannot be found.

    Example:
      >>> from jgan.training import run
      >>> run.open_run("no/such/run")
      Traceback (most recent call last):
      FileNotFoundError: no/such/run holds no config.json: it is not the folder of a run; python -m jgan.train makes one
    """
    from jgan.training.custom import model_of

    record = records.read(Path(workdir), None if model is None else model_of(model))
    config = record.config
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=Path(data_dir))
    phases = phases_of(record.model, config.model, record.spec)
    return Run(Path(workdir), config, record.spec, record.model, phases, shared=Shared(config, dataset))
