"""How much memory a training step takes: what the shapes predict, and what is measured.

  python -m benchmarks.memory
  python -m benchmarks.memory --presets first_gan_conv dcgan --side 128 --channels 3 --batch-sizes 1 16

The prediction is the sum of the parameters, the optimisers' states, the average of the weights, other variables, one minibatch,
and the compiled program's own plan for its temporary arrays: activations and gradients. Measured is the largest memory while
three steps run, beyond what the process had before the state was made: the device's own count on an accelerator, the process's
resident memory on a CPU (Linux).
"""

import ctypes
import dataclasses
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import budget
from jgan import models
from jgan.training.environment import environment, write_json
from jgan.types import GAN, GANState
from jgan.utils import cli, memory, xla
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.memory"

STEPS = 3


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.memory`."""

    presets: tuple[str, ...] = ("first_gan_faces", "first_gan_conv")
    """presets to measure"""
    side: tuple[int, int] = (0, 0)
    """height and width of the images; 0: 218x178, and 128x128 for first_gan_conv"""
    channels: int = 3
    """channels of the images"""
    batch_sizes: tuple[int, ...] = (1, 16)
    """examples in a minibatch, one measurement each"""
    out: Path = Path("benchmarks/results/memory.json")
    """result file"""


def size_of(tree: Any) -> int:
    """The bytes of the arrays of a tree, or of what describes them.

    Args:
      tree: arrays or `jax.ShapeDtypeStruct`s; keys count as what they are made of.

    Returns:
      The number of bytes.

    Example:
      >>> import jax.numpy as jnp
      >>> from benchmarks import memory
      >>> memory.size_of({"a": jnp.zeros((2, 3)), "b": jnp.zeros(5, jnp.int8)})
      29
    """
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def predicted(state: GANState, batch: Any, compiled: Any) -> dict[str, int]:
    """The bytes of each part of a training step.

    Args:
      state: the state of the model: arrays, or their shapes and dtypes.
      batch: what its step takes, likewise.
      compiled: the compiled step, whose state is donated.

    Returns:
      Bytes by part; their sum is what the step needs.
    """
    players = (state.generator, state.discriminator)
    plan = compiled.memory_analysis()
    return {
        "parameters": sum(size_of(player.params) for player in players),
        "optimisers": sum(size_of(player.opt_state) for player in players),
        "average": sum(size_of(player.ema) for player in players),
        "other variables": sum(size_of(player.model_state) for player in players) + size_of(state.memory),
        "minibatch": size_of(batch),
        "activations and gradients": plan.temp_size_in_bytes,
    }


def measured(gan: GAN, batch: Any, compiled: Any) -> int | None:
    """The largest memory while a few steps run, beyond what was taken before.

    Args:
      gan: the model.
      batch: as in `predicted`.
      compiled: as in `predicted`.

    Returns:
      Bytes; None where the system does not tell, or on an accelerator if an earlier measurement of the process took more.
    """
    key = jax.random.key(0)
    init = jax.jit(gan.init).lower(key).compile()
    gc.collect()
    device = jax.devices()[0]
    on_device = device.memory_stats()
    before = on_device["bytes_in_use"] if on_device else _resident(restart=True)
    highest = on_device["peak_bytes_in_use"] if on_device else 0  # of a device, the peak since the process began
    if before is None:
        return None
    state = init(key)
    arrays = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), batch)
    for _ in range(STEPS):
        state, _ = compiled(key, state, arrays)
    jax.block_until_ready(state)
    after = device.memory_stats()["peak_bytes_in_use"] if on_device else _resident()
    return None if after is None or after <= highest else after - before


def _resident(restart: bool = False) -> int | None:
    """The resident memory of this process: its peak since the last restart; with `restart`, what it is now."""
    try:
        if restart:
            ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back to the system
            Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, AttributeError, StopIteration):
        return None


def measure(preset: str, size: tuple[int, int, int], batch_size: int) -> dict[str, Any]:
    """Measures one preset.

    Args:
      preset: its name.
      size: height, width and channels of the images.
      batch_size: examples in a minibatch.

    Returns:
      For JSON.
    """
    gan, spec = budget.model_of(preset, size, batch_size)
    batch = budget.batch_of(gan, spec, batch_size)
    key = jax.eval_shape(lambda: jax.random.key(0))
    state = jax.eval_shape(gan.init, key)
    compiled = xla.jit(gan.step, donate_argnums=1).lower(key, state, batch).compile()
    counts = [sum(leaf.size for leaf in jax.tree.leaves(player.params)) for player in (state.generator, state.discriminator)]
    return {
        "preset": preset,
        "image": size,
        "batch_size": batch_size,
        "parameters": {"generator": counts[0], "discriminator": counts[1]},
        "predicted": predicted(state, batch, compiled),
        "measured": measured(gan, batch, compiled),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError: if a preset is unknown or does not take images of the size; `jgan.utils.cli.run` prints it as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    rows = []
    for preset in args.presets:
        if preset not in models.presets():
            raise ValueError(unknown("preset", preset, models.presets()))
        usual = (128, 128) if preset == "first_gan_conv" else (218, 178)
        for batch_size in args.batch_sizes:
            height, width = (asked or side for asked, side in zip(args.side, usual, strict=True))
            rows.append(measure(preset, (height, width, args.channels), batch_size))
            print(described(rows[-1]), flush=True)
    write_json(args.out, {"command": " ".join([*PROG.split(), *argv]), "rows": rows, "environment": environment()})
    print(args.out)


def described(row: dict[str, Any]) -> str:
    """One measurement in words.

    Args:
      row: what `measure` returns.

    Returns:
      One line.
    """
    parts = ", ".join(f"{name} {memory.in_words(size)}" for name, size in row["predicted"].items() if size)
    peak = "not told by the system" if row["measured"] is None else memory.in_words(row["measured"])
    total = memory.in_words(sum(row["predicted"].values()))
    return f"{row['preset']}, minibatches of {row['batch_size']}: {parts}; together {total}, measured {peak}"


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
