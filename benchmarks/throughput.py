"""The speed of the 2014 MNIST step, compared with the machine's matrix product and with PyTorch.

  python -m benchmarks.throughput

times in turn, in several rounds: a 2048 x 2048 float32 matrix product; jgan's step with one step per call, with many steps per
call, and data-parallel over devices; and, if PyTorch is installed, the same network in PyTorch (`benchmarks.torch_twin`), with
simultaneous updates as in jgan and with updates in the usual order, each eager and compiled. It reports ratios of medians.
"""

import contextlib
import dataclasses
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from benchmarks import contenders, drawings, tables, timing
from jgan import DataSpec, models
from jgan.models import gan2014
from jgan.models.options import EMA
from jgan.training import run
from jgan.utils import cli

PROG = "python -m benchmarks.throughput"


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.throughput`."""

    batch_size: int = 100
    """batch size over all devices"""
    scan: int = 25
    """steps per call of the scanned contender"""
    devices: int = 0
    """number of devices for pmap, simulated on a CPU; 0 for all devices, or two simulated ones"""
    repeats: int = 10
    """rounds; each times every contender once"""
    seconds: float = 0.5
    """duration of each timing"""
    examples: int = 50_000
    """number of images on the device"""
    g_units: tuple[int, ...] = (1200, 1200)
    """hidden layers of the generator"""
    d_units: tuple[int, ...] = (240, 240)
    """maxout layers of the discriminator"""
    torch: bool = True
    """also time PyTorch, if it is installed"""
    out: Path | None = None
    """file of the result; by default benchmarks/results/throughput_DEVICE.json"""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints them as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    devices = choose_devices(args)
    check(args)
    out = args.out or tables.RESULTS / f"throughput_{slug(jax.devices()[0])}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    result = {"command": shlex.join([*PROG.split(), *argv]), **measure(args, devices)}
    run.write_json(out, result)
    print(f"\n{drawings.throughput(result)}\n\n{out}")


def check(args: Args) -> None:
    """Checks the options.

    Args:
      args: the options.

    Raises:
      ValueError: if an option is out of range.
    """
    for name in ("batch_size", "scan", "repeats", "seconds"):
        if getattr(args, name) <= 0:
            raise ValueError(f"--{name.replace('_', '-')} must be above 0, found {getattr(args, name)}")
    if args.examples < args.batch_size:
        raise ValueError(f"--examples must be at least the batch size, {args.batch_size}, found {args.examples}")
    if not args.g_units or not args.d_units or min(args.g_units + args.d_units) < 1:
        raise ValueError(f"--g-units and --d-units must be positive, found {args.g_units} and {args.d_units}")


def choose_devices(args: Args) -> list[jax.Device]:
    """The devices for pmap. On a CPU it simulates several, unless JAX has already initialised its devices.

    Args:
      args: the options.

    Returns:
      The first `--devices` devices; if that is 0, as many as exist and divide the batch.

    Raises:
      ValueError: if there are too few devices, or their number does not divide the batch.
    """
    if args.devices < 0:
        raise ValueError(f"--devices must be at least 0, found {args.devices}")
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # JAX is already initialised: use the existing devices
            jax.config.update("jax_num_cpu_devices", args.devices or 2)
    found = jax.devices()
    if args.devices > len(found):
        raise ValueError(f"--devices must be at most the {len(found)} that this process has, found {args.devices}")
    count = args.devices or max(n for n in range(1, len(found) + 1) if args.batch_size % n == 0)
    if args.batch_size % count:
        raise ValueError(f"--batch-size must be a multiple of the {count} devices, found {args.batch_size}")
    return found[:count]


def measure(args: Args, devices: Sequence[jax.Device]) -> dict[str, Any]:
    """Times all contenders.

    Args:
      args: the options.
      devices: the devices for pmap.

    Returns:
      A dict for JSON, which `drawings.throughput` reads.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if load is not None and load > 0.5 * contenders.threads():
        print(f"others keep this machine busy (load {load:.1f} on {contenders.threads()} cores): the figures will be noisy")
    config = dataclasses.replace(models.presets()["mnist"].config, g_units=args.g_units, d_units=args.d_units, ema=EMA())
    images = contenders.enlarged_digits(args.examples)
    gan = gan2014.make(config, DataSpec.images(images.shape[1:], len(images) // args.batch_size, mean=images.mean(0) / 255))
    key, init = jax.random.key(0), jax.jit(gan.init)
    ways = contenders.jgan_ways(gan, images, args.batch_size, args.scan, devices)
    field = [contenders.jax_product(), *(contenders.stepping(way, key, init(key)) for way in ways)]
    field.append(contenders.products_alone(config, images[0].size, args.batch_size))
    version = contenders.torch_version() if args.torch else None
    if version:
        field += contenders.torch_contenders(config, images, args.batch_size)
    timings = timing.rounds(field, args.repeats, args.seconds, lambda line: print(line, flush=True))
    needed = contenders.product_flops(config, images[0].size, args.batch_size)
    compiled = {way.name: contenders.compiled_flops(way, key, jax.eval_shape(init, key)) for way in ways}
    return {
        "options": {name: value for name, value in vars(args).items() if name != "out"},
        "model": models.to_dict(config),
        "environment": run.environment() | {"pytorch": version, "threads": contenders.threads(), "load_before": load},
        **summary(timings, args.batch_size, needed, compiled),
    }


def summary(timings: Sequence[timing.Timing], batch_size: int, needed: int, flops: dict[str, float | None]) -> dict[str, Any]:
    """Summarises a run.

    Args:
      timings: the timings, in seconds per product or per step.
      batch_size: the batch size.
      needed: `contenders.product_flops`.
      flops: `contenders.compiled_flops` by the name of the contender.

    Returns:
      `matrix_product` (GFLOP/s by framework), `needed_gflop` (per step), `steps` (for each contender: images per second,
      compilation time, compiled GFLOP per step, and the fraction of the faster product's rate, which is None where the update
      is not the simultaneous one that `needed` counts), `ratio` (the best jgan to the best PyTorch, or None).
    """
    products = [found for found in timings if found.name.startswith("product")]
    rates = {
        found.name.removeprefix("product, "): timing.spread([2 * contenders.PRODUCT**3 / s / 1e9 for s in found.seconds])
        for found in products
    }
    peak = max(rate["median"] for rate in rates.values())
    steps = {}
    for found in timings:
        if found in products:
            continue
        speed = timing.spread([batch_size / s for s in found.seconds])
        used = None if "usual" in found.name else round(needed * speed["median"] / batch_size / 1e9 / peak, 3)
        count = flops.get(found.name)
        steps[found.name] = {
            "images_per_second": speed,
            "compile_seconds": round(found.first_call, 1),
            "compiled_gflop": None if count is None else round(count / 1e9, 4),
            "share_of_product": used,
        }
    return {"matrix_product": rates, "needed_gflop": round(needed / 1e9, 4), "steps": steps, "ratio": ratio(steps)}


def ratio(steps: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The ratio of the best of jgan to the best of PyTorch, by medians.

    Args:
      steps: the results by the name of the contender.

    Returns:
      `jgan`, `pytorch` (the names) and `value`; None without PyTorch.
    """
    median = lambda name: steps[name]["images_per_second"]["median"]  # noqa: E731
    ours, theirs = ([name for name in steps if name.startswith(prefix)] for prefix in ("jgan", "PyTorch"))
    if not theirs:
        return None
    best, other = max(ours, key=median), max(theirs, key=median)
    return {"jgan": best, "pytorch": other, "value": round(median(best) / median(other), 2)}


def slug(device: jax.Device) -> str:
    """`cpu`, or the accelerator's name in lower case: the suffix of the result's file name."""
    return "cpu" if device.platform == "cpu" else re.sub(r"[^a-z0-9]+", "_", device.device_kind.lower()).strip("_")


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
