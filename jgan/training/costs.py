"""What a training step costs, counted from its program before it is compiled, and what it needs at least on known chips."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan import fsdp
from jgan.training import programs
from jgan.training.config import devices
from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils import memory


class Chip(NamedTuple):
    """An accelerator, by its data sheet: dense products, without sparsity.

    Attributes:
      float32: floating-point operations per second of products of float32 numbers as JAX computes them by default, in TF32 on
        GPUs and with bfloat16 factors on TPUs.
      bfloat16: the same of bfloat16 numbers.
      bandwidth: bytes per second between the chip and its memory.
    """

    float32: float
    bfloat16: float
    bandwidth: float


CHIPS = {
    "A100": Chip(156e12, 312e12, 2.04e12),
    "H100": Chip(495e12, 989e12, 3.35e12),
    "H200": Chip(495e12, 989e12, 4.8e12),
    "TPU v4": Chip(275e12, 275e12, 1.23e12),
    "TPU v5e": Chip(197e12, 197e12, 0.82e12),
    "TPU v5p": Chip(459e12, 459e12, 2.77e12),
}
"""Chips of 80 GB (A100, H100) or of the only size there is."""

LAUNCH = 0.1
"""Milliseconds that starting a program may take: shorter bounds say nothing."""


class Cost(NamedTuple):
    """What one step costs, on all devices together.

    Attributes:
      flop: floating-point operations.
      state: bytes of the state, or of a device's share, which a step reads and writes at least once on each device.
      gradients: bytes of the gradients that the devices add up, if there are several.
      gathered: bytes of the parameters that the devices gather, if the state is spread over them.
    """

    flop: float
    state: int
    gradients: int
    gathered: int = 0


def flop(function: Callable[..., Any], *args: Any) -> float:
    """The floating-point operations of a function, as XLA counts those of its program before it is optimised.

    Nothing is compiled. Of the two branches of `jax.lax.cond` the dearer one counts, and the body of a loop counts once where
    the number of its rounds is not known.

    Args:
      function: a function of arrays; it is traced.
      *args: its arguments, or their shapes and dtypes (`jax.ShapeDtypeStruct`).

    Returns:
      The number.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.training import costs
      >>> costs.flop(lambda x, w: x @ w, jnp.ones((3, 5)), jax.ShapeDtypeStruct((5, 7), jnp.float32))
      210.0
    """
    found: Any = jax.jit(function).lower(*args).cost_analysis()
    return float(found["flops"])


def of_phase(run: Run) -> Cost:
    """The cost of a step of a run's current phase.

    Args:
      run: the run.

    Returns:
      The `Cost`.
    """
    state, data = run.template(), programs.shapes_of_data(run)
    return Cost(
        flop(programs.resident_step(run), programs.step_key(run), state, data),
        held(run),
        gradients(state, run.gan.n_critic),
        gathered(state, run.gan.n_critic) if run.config.parallel == "fsdp" else 0,
    )


def gathered(state: GANState, n_critic: int) -> int:
    """The bytes of all parameters that a step gathers, if the state is spread over devices (`jgan.fsdp`).

    Args:
      state: the state, or its shapes.
      n_critic: discriminator updates in a step.

    Returns:
      The number of bytes: the generator's once, the discriminator's before each of its updates, and once after the last.
    """
    return gradients(state, n_critic + 1)


def held(run: Run) -> int:
    """The bytes of a run's state that each device holds between two steps.

    Args:
      run: the run, in its current phase.

    Returns:
      The number of bytes: of the whole state, or of a device's share.
    """
    if run.config.parallel == "fsdp":
        return fsdp.bytes_on_a_device(run.template(), len(devices(run.config)))
    return memory.bytes_of(run.template())


def gradients(state: GANState, n_critic: int) -> int:
    """The bytes of all gradients of a step: those of the generator, and those of each update of the discriminator.

    Args:
      state: the state, or its shapes.
      n_critic: discriminator updates in a step.

    Returns:
      The number of bytes.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import GANState, PlayerState
      >>> from jgan.training import costs
      >>> player = lambda size: PlayerState({"w": jnp.zeros(size)}, {}, ())
      >>> costs.gradients(GANState(jnp.int32(0), player(3), player(10)), n_critic=5)
      212
    """
    return memory.bytes_of(state.generator.params) + n_critic * memory.bytes_of(state.discriminator.params)


def at_least(cost: Cost, chip: Chip, *, half: bool, count: int = 1) -> float:
    """The time that a step cannot fall below: that of its operations at the chip's peak, or of the state through its memory.

    Args:
      cost: the cost of the step.
      chip: the chip.
      half: whether the networks compute in bfloat16.
      count: the number of chips, over which the batch is spread.

    Returns:
      Seconds.

    Example:
      >>> from jgan.training import costs
      >>> cost = costs.Cost(flop=156e9, state=1_000_000, gradients=0)
      >>> costs.at_least(cost, costs.CHIPS["A100"], half=False), costs.at_least(cost, costs.CHIPS["A100"], half=False, count=2)
      (0.001, 0.0005)
    """
    peak = chip.bfloat16 if half else chip.float32
    return max(cost.flop / count / peak, 2 * cost.state / chip.bandwidth)


def sentences(run: Run, steps: int) -> list[tuple[str, str]]:
    """The cost of a phase in words, for `--dry-run`.

    Args:
      run: the run, in that phase.
      steps: the steps of the phase.

    Returns:
      `(heading, text)` of each line.
    """
    cost, count = of_phase(run), len(devices(run.config))
    images = run.batch_size * run.gan.n_critic
    half = getattr(run.config.model, "dtype", "float32") == "bfloat16"
    each, total = operations(cost.flop / images), operations(cost.flop * steps)
    lines = [("step", f"{operations(cost.flop)}, {each} per real example, {total} in all")]
    times = {name: 1e3 * at_least(cost, chip, half=half, count=count) for name, chip in CHIPS.items()}
    if max(times.values()) > LAUNCH:
        words = ", ".join(f"{name} {time:.3g}" for name, time in times.items())
        lines.append(("at least", f"milliseconds per step, on {count} x: {words}"))
    if count > 1:
        added, gathered = exchanged(cost.gradients, cost.gathered, count)
        what = f"{memory.in_words(added)} of gradients"
        if gathered:
            what += f" and {memory.in_words(gathered)} of parameters"
        lines.append(("exchanged", f"{what} per step and device, in a ring"))
    return lines


def exchanged(gradients: int, gathered: int, count: int) -> tuple[int, int]:
    """The bytes that a device sends in a step, in a ring.

    Args:
      gradients: bytes of the gradients that the devices add up.
      gathered: bytes of the parameters that they gather.
      count: the number of devices.

    Returns:
      Those for the gradients, which go around twice, and those for the parameters.

    Example:
      >>> from jgan.training import costs
      >>> costs.exchanged(1000, 1000, 4)
      (1500, 750)
    """
    return int(2 * (count - 1) / count * gradients), int((count - 1) / count * gathered)


def operations(number: float) -> str:
    """A number of floating-point operations with its unit, to three digits.

    Args:
      number: the number.

    Returns:
      The text.

    Example:
      >>> from jgan.training import costs
      >>> costs.operations(17_840_000_000), costs.operations(12)
      ('17.8 GFLOP', '12 FLOP')
    """
    power = 0 if number < 1000 else min(int(np.log10(number)) // 3, 5)
    return f"{number / 1000**power:.3g} {('', 'k', 'M', 'G', 'T', 'P')[power]}FLOP"
