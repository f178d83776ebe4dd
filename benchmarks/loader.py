"""How fast images are streamed, beside how fast models take them, and whether the memory stays flat.

  python -m benchmarks.loader
  python -m benchmarks.loader --data-dir PHOTOS --side 64 --workers 0 4 8

JPEG files (made up, unless there is a folder) are decoded, cropped and resized by `jgan.data.loader`, in threads and in worker
processes, for some epochs: images per second after the first minibatches, and the resident memory of the process with its
workers after each epoch (Linux). The models' compiled steps are timed on minibatches of the same shape in device memory, on the
same cores, one thing at a time.
"""

import contextlib
import dataclasses
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import budget
from jgan import data, parallel
from jgan.data import loader
from jgan.data.lazy import Access
from jgan.training.environment import environment, write_json
from jgan.utils import cli

PROG = "python -m benchmarks.loader"

WARM = 5
"""minibatches before the clock starts"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.loader`."""

    data_dir: Path | None = None
    """folder of images; by default files of 128x128 pixels are made up"""
    images: int = 5_000
    """number of files that are made up"""
    side: int = 64
    """height and width to which they are resized"""
    batch_size: int = 64
    """images in a minibatch"""
    epochs: int = 3
    """epochs for each number of workers"""
    workers: tuple[int, ...] = (0, 1, 2)
    """numbers of worker processes; 0: threads"""
    presets: tuple[str, ...] = ("cifar10_fc", "dcgan", "sngan", "r3gan")
    """models whose steps are timed"""
    steps: int = 20
    """steps of each model that are timed"""
    out: Path = Path("benchmarks/results/loader.json")
    """result file"""


def make_files(folder: Path, count: int, side: int = 128) -> None:
    """Writes JPEG files that cost as much to decode as photographs: smooth patches with some noise.

    Args:
      folder: an empty folder.
      count: the number of files.
      side: their height and width.
    """
    from PIL import Image

    random = np.random.default_rng(0)
    for index in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
        image = np.clip(np.asarray(coarse).astype(int) + random.integers(-12, 13, (side, side, 3)), 0, 255).astype(np.uint8)
        content = io.BytesIO()
        Image.fromarray(image).save(content, "JPEG", quality=90)
        (folder / f"{index:06d}.jpg").write_bytes(content.getvalue())


def streamed(train: Any, args: Args, workers: int) -> dict[str, Any]:
    """Streams some epochs.

    Args:
      train: the images, read when they are needed.
      args: the options.
      workers: the number of worker processes.

    Returns:
      For JSON: images per second of each epoch, and the memory in bytes after it, None where the system does not tell.
    """
    per_epoch = len(train.x) // args.batch_size
    steps = loader.Steps(train, jax.random.key(0), args.batch_size, first=0, end=WARM + args.epochs * per_epoch)
    rates, taken = [], []
    with loader.Stream(steps, 0, workers) as stream:
        for _ in range(WARM):
            next(stream)
        for _ in range(args.epochs):
            began = time.perf_counter()
            for _ in range(per_epoch):
                next(stream)
            rates.append(per_epoch * args.batch_size / (time.perf_counter() - began))
            taken.append(resident())
    return {"workers": workers, "images_per_second": rates, "resident_bytes": taken}


def resident() -> int | None:
    """The resident memory of this process and its children together, in bytes; None where the system does not tell."""
    own = _pages("self")
    if own is None:
        return None
    children: list[str] = []
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            children += task.read_text().split()
    return (own + sum(_pages(child) or 0 for child in children)) * os.sysconf("SC_PAGE_SIZE")


def _pages(process: str) -> int | None:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):  # not Linux, or the process has just ended
        return None


def taken(preset: str, args: Args) -> dict[str, Any]:
    """How many images a second the steps of a model take.

    Args:
      preset: its name.
      args: the options.

    Returns:
      For JSON: the median over the steps.
    """
    gan, spec = budget.model_of(preset, (args.side, args.side, 3), args.batch_size)
    key = jax.random.key(0)
    batch = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), budget.batch_of(gan, spec, args.batch_size))
    step, state = parallel.jit(gan.step), jax.jit(gan.init)(key)
    times = []
    for _ in range(args.steps + 2):
        began = time.perf_counter()
        state, _ = jax.block_until_ready(step(key, state, batch))
        times.append(time.perf_counter() - began)
    return {"preset": preset, "images_per_second": args.batch_size * gan.n_critic / statistics.median(times[2:])}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError: if the images or a preset do not fit; `jgan.utils.cli.run` prints it as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.data_dir or Path(scratch)
        if args.data_dir is None:
            make_files(folder, args.images)
        train = data.load(f"folder:{args.side}", folder, held_out=0, access=Access(lazy=True)).train
        streams = [streamed(train, args, workers) for workers in args.workers]
        count = len(train.x)
    steps = [taken(preset, args) for preset in args.presets]
    result = {
        "command": " ".join([*PROG.split(), *argv]),
        "images": count,
        "side": args.side,
        "streams": streams,
        "models": steps,
        "environment": environment(),
    }
    write_json(args.out, result)
    for found in streams:
        print(f"{found['workers']} workers: {statistics.median(found['images_per_second']):,.0f} images/s")
    for found in steps:
        print(f"{found['preset']}: takes {found['images_per_second']:,.0f} images/s")
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
