"""A run: its configuration, its folder, and how to open it again.

The folder holds `config.json` (what was asked for, with versions and the git commit), `metrics.jsonl` (one object a line),
`samples/step_XXXXXXXX.png`, `checkpoints/` and, at the end, `summary.json` and the pictures of the finished model.
"""

import dataclasses
import datetime
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax

from jgan import data, models
from jgan.features import choice
from jgan.training.checkpoint import Checkpoints, Which
from jgan.types import GAN, DataSpec, GANState, Key
from jgan.utils.files import replacing

CONFIG = "config.json"


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """What `python -m jgan.train` was asked to do; every field is a flag."""

    preset: str
    """the name under which the model was asked for"""
    dataset: str
    """the data: digits, mnist, fashion_mnist, folder, npz ... or any image set of tensorflow-datasets"""
    batch_size: int
    """examples in a minibatch, over all devices"""
    steps: int
    """generator updates in the whole run"""
    model: Any
    """the options of the model"""
    seed: int = 0
    """root of all randomness: same seed, same run"""
    workdir: Path | None = None
    """folder of the run; by default a new one under runs/"""
    data_dir: Path | None = None
    """where the data are, if not in their default place"""
    resume: bool = False
    """go on with the run in --workdir, or the newest of this preset"""
    parallel: Literal["jit", "pmap", "shard"] = "jit"
    """one device, one program a device, or one program over a mesh"""
    devices: int = 0
    """devices for pmap and shard; 0 for all"""
    log_every: int = 100
    """steps between two lines of metrics.jsonl"""
    sample_every: int = 1000
    """steps between two pictures; 0 for none"""
    checkpoint_every: int = 1000
    """steps between two checkpoints; 0 for the end only"""
    eval_every: int = 1000
    """steps between two measures, by which the best checkpoint is kept; 0 for the end only"""
    metric: Literal["log_likelihood", "fid", "kid"] = "log_likelihood"
    """the measure, of models of images: Parzen windows on the validation images, or FID or KID to the training images"""
    extractor: choice.Name = "auto"
    """features of FID and KID; auto: InceptionV3 if --weights is given, the digits' classifier for 8x8 images, else pixels"""
    weights: Path | None = None
    """the file of the extractor's weights"""
    dry_run: bool = False
    """print the configuration, the parameters and the memory, and stop"""


class Keys(NamedTuple):
    """The root keys of a run, all from its seed: of the initial parameters, of the steps, of the pictures, of the measures."""

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
    return Keys(*jax.random.split(jax.random.key(seed), len(Keys._fields)))


class Run(NamedTuple):
    """A run in its folder.

    Attributes:
      workdir: the folder.
      config: what was asked for.
      dataset: the data.
      spec: what the model knows of the data.
      gan: the model.
    """

    workdir: Path
    config: RunConfig
    dataset: data.Dataset
    spec: DataSpec
    gan: GAN

    def template(self) -> GANState:
        """The shapes and dtypes of the state, as `jax.ShapeDtypeStruct` leaves, without computing anything."""
        return jax.eval_shape(self.gan.init, keys(self.config.seed).init)

    def restore(self, which: Which = "last") -> GANState:
        """Reads a checkpoint of the run.

        Args:
          which: `"last"`, or `"best"` by the validation measure.

        Returns:
          The state, on the default device.

        Raises:
          FileNotFoundError: if there is no such checkpoint.
          ValueError: if it is damaged.
        """
        with Checkpoints(self.workdir / "checkpoints", read_only=True) as checkpoints:
            return jax.device_put(checkpoints.restore(self.template(), which))


def assemble(config: RunConfig, workdir: Path) -> Run:
    """Loads the data and makes the model of a configuration.

    Args:
      config: the configuration.
      workdir: the folder of the run, which is not touched.

    Returns:
      The `Run`.

    Raises:
      ValueError: if the data or the options do not fit.

    Example:
      See `jgan.train`.
    """
    dataset = data.load(config.dataset, config.data_dir)
    if config.batch_size > len(dataset.train.x):
        raise ValueError(
            f"--batch-size must be at most the {len(dataset.train.x)} training examples of {config.dataset}, "
            f"found {config.batch_size}"
        )
    about = data.spec(dataset, config.batch_size)
    return Run(workdir, config, dataset, about, models.make(config.model, about))


def open_run(workdir: str | Path, data_dir: str | Path | None = None) -> Run:
    """Opens the folder of a run, finished or not.

    Args:
      workdir: the folder.
      data_dir: where the data are now, if not where the run found them.

    Returns:
      The `Run`.

    Raises:
      FileNotFoundError: if it is not the folder of a run.
      ValueError: if its configuration cannot be understood.

    Example:
      >>> from jgan.training import run
      >>> run.open_run("no/such/run")
      Traceback (most recent call last):
      FileNotFoundError: no/such/run holds no config.json: it is not the folder of a run; python -m jgan.train makes one
    """
    config = read_config(Path(workdir))
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=Path(data_dir))
    return assemble(config, Path(workdir))


def write_config(config: RunConfig, workdir: Path) -> None:
    """Writes `config.json`, with the versions and the commit of the code.

    Args:
      config: the configuration.
      workdir: the folder of the run.
    """
    fields = dataclasses.asdict(config) | {"model": models.to_dict(config.model), "workdir": str(workdir)}
    write_json(workdir / CONFIG, {"config": fields, "environment": environment()})


def read_config(workdir: Path) -> RunConfig:
    """Reads `config.json`.

    Args:
      workdir: the folder of the run.

    Returns:
      The configuration.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it is not a configuration of this version.
    """
    path = Path(workdir) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{workdir} holds no {CONFIG}: it is not the folder of a run; python -m jgan.train makes one")
    try:
        fields = json.loads(path.read_text())["config"]
        fields["model"] = models.from_dict(fields["model"])
        for name in ("workdir", "data_dir", "weights"):
            fields[name] = Path(fields[name]) if fields.get(name) is not None else None
        return RunConfig(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the configuration of a run of this version of jgan ({error!r})") from error


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file in one piece.

    Args:
      path: the file.
      value: what `json.dumps` takes, and paths.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, default=str) + "\n")


PACKAGES: Sequence[str] = ("jgan", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scikit-learn")


def environment() -> dict[str, Any]:
    """What a result depends on beside its configuration: versions, commit, device, date.

    Returns:
      A dict for JSON: `python`, `packages`, `git_commit` (None outside a checkout), `device`, `device_count`, `date` (UTC).

    Example:
      >>> from jgan.training import run
      >>> sorted(run.environment())
      ['date', 'device', 'device_count', 'git_commit', 'packages', 'python']
    """
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    device = jax.devices()[0]
    return {
        "python": platform.python_version(),
        "packages": versions,
        "git_commit": _git_commit(),
        "device": f"{device.platform}: {_processor() if device.platform == 'cpu' else device.device_kind}",
        "device_count": jax.device_count(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _git_commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()}, {cores} cores"
