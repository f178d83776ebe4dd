"""The configuration of a run, and its checks before anything is loaded."""

import dataclasses
import typing
from pathlib import Path
from typing import Any, Literal

import jax

from jgan import rng
from jgan.data import loader, reading, workers
from jgan.features import choice
from jgan.training import board, numbers
from jgan.utils import checks, cli
from jgan.utils.registry import unknown

AUTO = "auto"
"""value of an option that is chosen from the data, the model or the job"""

Resume = Literal["no", "yes", "auto"]

MOST_STEPS = rng.DATA_STREAM - 1
"""the counters of steps are int32, and the last number is that of the stream of the data"""

ARRAYS = "arrays:"
"""prefix of the name of a data set that was passed in memory and must be passed again to reopen the run"""


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """The options of `python -m jgan.train`; every field is a flag."""

    preset: str
    """name of the preset, or of the model if it has no preset"""
    dataset: str
    """data: digits, mnist, fashion_mnist, folder, npz ... or any image set of tensorflow-datasets"""
    batch_size: int
    """examples in a minibatch, over all devices"""
    steps: int
    """generator updates in the whole run, over all its phases"""
    model: Any
    """options of the model"""
    seed: int = 0
    """seed of all random numbers; the same seed gives the same run"""
    seeds: int = 1
    """train so many seeds at once, from --seed on: each has a run's folder in --workdir, beside the means of all"""
    workdir: Path | None = None
    """folder of the run; by default a new one under runs/"""
    data_dir: Path | None = None
    """folder of the data, if not the default one"""
    held_out: int | None = None
    """of undivided data, one of this many examples goes to validation and one to test; 0: none; by default 6: a third in all"""
    loader: Literal["auto", "resident", "streamed"] = "auto"
    """resident: data lie on the device; streamed: they are read while it computes; auto: streamed if they do not fit"""
    loader_workers: int = 0
    """processes that read streamed images; 0 for threads of this process, which is as fast on few cores"""
    on_bad_image: Literal["stop", "skip"] = "stop"
    """what to do with an image of a folder or an archive that cannot be read: stop, or leave it out and name it"""
    resume: Resume = "no"
    """continue the run in --workdir, or the newest of this preset; auto: continue it if there is one, otherwise start one"""
    accept_data: bool = False
    """continue a run although its data have changed"""
    parallel: Literal["jit", "pmap", "shard", "fsdp"] = "jit"
    """jit: one device; pmap: one program per device; shard: one program over a mesh; fsdp: that, with the state spread too"""
    devices: int = 0
    """devices for pmap, shard and fsdp; 0 for all"""
    coordinator: str | None = None
    """HOST:PORT of process 0, if several train together: the same command, --parallel shard, with other --process; auto: under
    SLURM, one task on each node, and Open MPI 4, which tell all three"""
    processes: int = 1
    """how many train together"""
    process: int = 0
    """the number of this one, from 0; process 0 alone writes the run's folder"""
    log_every: int = 100
    """steps between two lines of metrics.jsonl"""
    sample_every: int = 1000
    """steps between two pictures; 0 for none"""
    checkpoint_every: int = 1000
    """steps between two checkpoints; 0 for the end only"""
    keep_checkpoints: int = 2
    """checkpoints to keep, besides the best one"""
    keep_every: int = 0
    """of the checkpoints, also keep for good those of every so many steps, a multiple of --checkpoint-every; 0: none"""
    eval_every: int = 1000
    """steps between two measures, which select the best checkpoint; 0 for the end only"""
    eval_samples: int = 10_000
    """generated images per measure, for image models"""
    metric: str = AUTO
    """measure of image models: log_likelihood (Parzen windows on the validation images, the default), fid or kid"""
    extractor: str = AUTO
    """features of FID and KID, as in python -m jgan.evaluate: pixels, classifier, inception, efficientnet_lite0 ..."""
    weights: Path | None = None
    """file of the extractor's weights"""
    on_nonfinite: Literal["stop", "skip", "rollback"] = "stop"
    """after an update that is not finite: stop the run, skip the update, or return to the last checkpoint with other noise"""
    time_limit: float = 0.0
    """minutes after its start at which the run is saved and ends with status 0, for schedulers; 0 for no limit"""
    compilation_cache: bool = True
    """keep compiled programs in the user's cache folder, for the next start"""
    tensorboard: bool = False
    """also write the metrics and pictures as event files, into tensorboard/ of the run: pip install 'jgan[tensorboard]'"""
    dry_run: bool = False
    """print the configuration, the parameters and the memory, and stop"""
    verify: Path | None = None
    """folder of a run whose checkpoints are checked for damage, and stop"""


def check(config: RunConfig) -> None:
    """Checks a configuration: its values, and that this process has its devices.

    Args:
      config: the configuration.

    Raises:
      ValueError: names the flag, its valid values and the value found.
    """
    check_values(config)
    numbers.check(config.model)
    if config.seeds == 1:
        check_share("--batch-size", config.batch_size, config)
    elif config.seeds % (count := len(devices(config))):
        raise ValueError(f"--seeds must be a multiple of the {count} devices, found {config.seeds}")


def check_values(config: RunConfig) -> None:
    """Checks the ranges and names of a configuration, which may be that of a run on other devices.

    Args:
      config: the configuration.

    Raises:
      ValueError: names the flag, its valid values and the value found.
    """
    from jgan.evaluation.criteria import CRITERIA

    cli.at_least(
        config,
        batch_size=1,
        seeds=1,
        eval_samples=50,
        log_every=1,
        sample_every=0,
        checkpoint_every=0,
        eval_every=0,
        devices=0,
        keep_checkpoints=1,
        keep_every=0,
        loader_workers=0,
    )
    if config.keep_every and (not config.checkpoint_every or config.keep_every % config.checkpoint_every):
        raise ValueError(
            f"--keep-every must be a multiple of --checkpoint-every, {config.checkpoint_every}, found {config.keep_every}"
        )
    _check_processes(config)
    _check_seeds(config)
    if config.tensorboard:
        board.check()
    if config.loader == "streamed":
        loader.check()
    if config.loader == "resident" and config.loader_workers:
        raise ValueError(f"--loader-workers {config.loader_workers} needs --loader streamed or auto, found --loader resident")
    if config.loader_workers > (most := workers.most_workers()):
        raise ValueError(f"--loader-workers must be at most {most} on this machine, found {config.loader_workers}")
    if not 0 <= config.time_limit < float("inf"):
        raise ValueError(f"--time-limit must be a number of minutes, at least 0, found {config.time_limit}")
    checks.whole("--steps", config.steps, 1, MOST_STEPS)
    if config.held_out is not None:
        checks.whole("--held-out", config.held_out, 0, MOST_STEPS)
    for flag, kind, known in (
        ("metric", "metric", (AUTO, *CRITERIA)),
        ("extractor", "extractor", typing.get_args(choice.Name)),
        ("parallel", "mode", ("jit", "pmap", "shard", "fsdp")),
        ("resume", "value", typing.get_args(Resume)),
        ("on_nonfinite", "value", ("stop", "skip", "rollback")),
        ("loader", "value", ("auto", "resident", "streamed")),
        ("on_bad_image", "value", ("stop", "skip")),
    ):
        if getattr(config, flag) not in known:
            raise ValueError(f"--{flag.replace('_', '-')}: {unknown(kind, getattr(config, flag), known)}")


def _check_seeds(config: RunConfig) -> None:
    checks.seed(config.seed, "--seed")
    if config.seeds == 1:
        return
    checks.seed(config.seed + config.seeds - 1, "the last of --seeds")
    for given, instead in (
        (config.coordinator is not None, "one process: leave --coordinator out"),
        (config.parallel in ("pmap", "fsdp"), "--parallel jit or shard"),
        (config.loader == "streamed", "data on the device: leave --loader streamed out"),
        (config.on_nonfinite == "rollback", "--on-nonfinite stop or skip"),
    ):
        if given:
            raise ValueError(f"--seeds {config.seeds} needs {instead}")


def _check_processes(config: RunConfig) -> None:
    cli.at_least(config, processes=1, process=0)
    if config.coordinator is None:
        if config.processes > 1 or config.process:
            raise ValueError("--processes and --process need --coordinator HOST:PORT, where process 0 can be reached")
        return
    host, _, port = config.coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"--coordinator must be HOST:PORT, found {config.coordinator}")
    if config.processes < 2:
        raise ValueError("--coordinator needs the number of processes, --processes of at least 2")
    if config.process >= config.processes:
        raise ValueError(f"--process must be below the {config.processes} of --processes, found {config.process}")
    if config.parallel != "shard" or config.devices:
        raise ValueError("several processes train with --parallel shard, on all of their devices: give it, and no --devices")
    if config.dry_run or config.verify is not None:
        raise ValueError("--dry-run and --verify are for one process: leave --coordinator out")


def check_share(name: str, batch_size: int, config: RunConfig) -> None:
    """Checks that a batch is divisible by the number of devices of a run.

    Args:
      name: the name of the batch size in the message.
      batch_size: examples in a minibatch, over all devices.
      config: the configuration.

    Raises:
      ValueError: if it is not.
    """
    count = len(devices(config))
    if batch_size % count:
        raise ValueError(f"{name} must be a multiple of the {count} devices, found {batch_size}")


def with_home(config: RunConfig) -> RunConfig:
    """The configuration with `~` expanded in all paths.

    Args:
      config: the configuration.

    Returns:
      The new configuration.

    Raises:
      ValueError: if the home folder is that of an unknown user.
    """
    paths: dict[str, Any] = {name: getattr(config, name) for name in ("workdir", "data_dir", "weights", "verify")}
    expanded: dict[str, Any] = {name: reading.user_path(path) for name, path in paths.items() if path is not None}
    return dataclasses.replace(config, **expanded)


def devices(config: RunConfig) -> list[jax.Device]:
    """The devices of a run.

    Args:
      config: the configuration.

    Returns:
      One device for jit, otherwise `config.devices` devices, all if it is 0.

    Raises:
      ValueError: if there are fewer devices.
    """
    found = jax.devices()
    wanted = 1 if config.parallel == "jit" else config.devices or len(found)
    if wanted > len(found):
        raise ValueError(
            f"--devices must be at most the {len(found)} that this process has, found {config.devices}; a run may go on with "
            f"--devices {len(found)} or --parallel jit"
        )
    return found[:wanted]
