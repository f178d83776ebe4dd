"""The configuration of a run, and what of it is checked before anything is loaded."""

import dataclasses
import typing
from pathlib import Path
from typing import Any, Literal

import jax

from jgan.features import choice
from jgan.utils import cli
from jgan.utils.registry import unknown

AUTO = "auto"
"""the value of an option that is chosen by the data or the model"""

ARRAYS = "arrays:"
"""before the name of a data set that was given in memory, which only its owner can give again"""


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """The options of `python -m jgan.train`; every field is a flag."""

    preset: str
    """name of the preset, or of the model for one that has none"""
    dataset: str
    """data: digits, mnist, fashion_mnist, folder, npz ... or any image set of tensorflow-datasets"""
    batch_size: int
    """examples in a minibatch, over all devices"""
    steps: int
    """generator updates in the whole run, over all its phases"""
    model: Any
    """options of the model"""
    seed: int = 0
    """root of all randomness: same seed, same run"""
    workdir: Path | None = None
    """folder of the run; by default a new one under runs/"""
    data_dir: Path | None = None
    """where the data are, if not in their default place"""
    resume: bool = False
    """continue the run in --workdir, or the newest of this preset"""
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
    eval_samples: int = 10_000
    """generated images of a measure, for models of images"""
    metric: str = AUTO
    """measure of models of images: log_likelihood (Parzen windows on the validation images, the default), fid or kid"""
    extractor: str = AUTO
    """features of FID and KID; auto: InceptionV3 if --weights is given, the digits' classifier for 8x8 images, else pixels"""
    weights: Path | None = None
    """file of the extractor's weights"""
    dry_run: bool = False
    """print the configuration, the parameters and the memory, and stop"""


def check(config: RunConfig) -> None:
    """Checks the ranges and names of a configuration.

    Args:
      config: the configuration.

    Raises:
      ValueError: naming the flag, what it must be and what was found.
    """
    from jgan.evaluation.criteria import CRITERIA

    cli.at_least(
        config,
        steps=1,
        batch_size=1,
        eval_samples=50,
        log_every=1,
        sample_every=0,
        checkpoint_every=0,
        eval_every=0,
        seed=0,
        devices=0,
    )
    for flag, kind, known in (
        ("metric", "metric", (AUTO, *CRITERIA)),
        ("extractor", "extractor", typing.get_args(choice.Name)),
        ("parallel", "mode", ("jit", "pmap", "shard")),
    ):
        if getattr(config, flag) not in known:
            raise ValueError(f"--{flag}: {unknown(kind, getattr(config, flag), known)}")
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
