"""The contenders of `benchmarks.throughput`: a matrix product, jgan's step in several forms, PyTorch's step; their FLOPs."""

import functools
import importlib.util
import itertools
import os
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import timing
from benchmarks.drawings import ALONE
from jgan import Batch, data, parallel
from jgan.data import resident
from jgan.models import gan2014
from jgan.types import GAN, GANState, Key, PyTree

PRODUCT = 2048
"""Side of the square matrices whose product measures the machine's peak rate."""


def enlarged_digits(n: int) -> np.ndarray:
    """Images of MNIST's size without MNIST: the embedded 8x8 digits enlarged by 4, cropped, and repeated.

    Args:
      n: the number of images.

    Returns:
      uint8 `[n, 28, 28, 1]`.
    """
    small = data.load("digits").train.x
    large = small.repeat(4, axis=1).repeat(4, axis=2)[:, 2:30, 2:30]
    return large[np.arange(n) % len(large)]


class Way(NamedTuple):
    """One way to run jgan's step: the compiled function, the placement of its state and data, and the steps per call."""

    name: str
    program: parallel.CompiledStep
    place: Callable[[PyTree], PyTree]
    data: Batch
    steps: int


def jgan_ways(gan: GAN, images: np.ndarray, batch_size: int, length: int, devices: Sequence[jax.Device]) -> list[Way]:
    """jgan's step: one step per call, `length` steps per call, and data-parallel over devices."""
    step = resident.on_resident_data(gan.step, batch_size)
    scanned = parallel.scan(step, length)
    as_it_lies = functools.partial(jax.tree.map, jnp.asarray)
    everywhere = functools.partial(parallel.replicate, devices=devices)
    one, copies = as_it_lies(Batch(images)), everywhere(Batch(images))
    return [
        Way("jgan, jit", parallel.jit(step), as_it_lies, one, 1),
        Way(f"jgan, scan of {length} steps", parallel.jit(scanned), as_it_lies, one, length),
        Way(f"jgan, pmap on {len(devices)} devices", parallel.pmap(step, devices, resident=True), everywhere, copies, 1),
    ]


def stepping(way: Way, key: Key, state: GANState) -> timing.Contender:
    """jgan's step as a contender; it keeps the state between calls."""
    state = way.place(state)

    def advance() -> GANState:
        nonlocal state
        state, _ = way.program(key, state, way.data)
        return state

    return timing.Contender(way.name, advance, jax.block_until_ready, way.steps)


def jax_product() -> timing.Contender:
    """The float32 matrix product, an upper bound for this machine."""
    square, product = jnp.ones((PRODUCT, PRODUCT)), jax.jit(jnp.matmul)
    return timing.Contender("product, JAX", lambda: product(square, square), jax.block_until_ready)


def torch_contenders(config: gan2014.Config, images: np.ndarray, batch_size: int) -> list[timing.Contender]:
    """The same product and the same network in PyTorch, updated in four ways, on the same device with as many threads."""
    import torch

    from benchmarks.torch_twin import Twin

    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    if device == "cuda":
        if not torch.cuda.is_available():
            return []
        torch.set_float32_matmul_precision("high")  # TF32, XLA's default on such devices
    torch.set_num_threads(threads())
    torch.manual_seed(0)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    square = torch.ones(PRODUCT, PRODUCT, device=device)
    found = [timing.Contender("product, PyTorch", lambda: square @ square, lambda _: wait())]
    for order in ("simultaneous", "usual order"):
        for compiled in (False, True):
            twin = Twin(config, images, batch_size, simultaneous=order == "simultaneous", compiled=compiled, device=device)
            name = f"PyTorch, {order}, {'compiled' if compiled else 'eager'}"
            found.append(timing.Contender(name, twin.step, lambda _: wait(), optional=compiled))
    return found


def torch_version() -> str | None:
    """The installed PyTorch's version, or None."""
    return metadata.version("torch") if importlib.util.find_spec("torch") else None


def threads() -> int:
    """The number of cores this process may use: XLA uses a thread for each, and PyTorch is set to the same number."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def products(config: gan2014.Config, pixels: int, batch_size: int) -> list[tuple[int, int, int]]:
    """The matrix products that a simultaneous step needs at least.

    Generator: forward, gradients of the weights, gradients between layers. Discriminator: forward on reals and fakes, gradients
    of the weights and between layers for both, and gradients down to the pixels for the generator's gradient.

    Args:
      config: the model's configuration.
      pixels: the number of values in an image.
      batch_size: the batch size.

    Returns:
      `(m, k, n)` for each: `[m, k]` times `[k, n]`.

    Example:
      >>> from benchmarks import contenders
      >>> from jgan.models import gan2014
      >>> len(contenders.products(gan2014.Config(), 784, 100))
      27
    """
    found = []
    g_sizes = (config.latent_size, *config.g_units, pixels)
    for index, (inputs, outputs) in enumerate(itertools.pairwise(g_sizes)):
        forward, weights, back = _of_layer(inputs, outputs, batch_size)
        found += [forward, weights, *([back] if index else [])]
    d_inputs, d_outputs = (pixels, *config.d_units), (*(units * config.d_pieces for units in config.d_units), 1)
    for index, (inputs, outputs) in enumerate(zip(d_inputs, d_outputs, strict=True)):
        forward, weights, back = _of_layer(inputs, outputs, batch_size)
        found += [*[forward] * 2, *[weights] * 2, *[back] * (3 if index else 1)]
    return found


def _of_layer(inputs: int, outputs: int, batch_size: int) -> tuple[tuple[int, int, int], ...]:
    """Forward, gradient of the weights, gradient of the inputs."""
    return (batch_size, inputs, outputs), (inputs, batch_size, outputs), (batch_size, outputs, inputs)


def product_flops(config: gan2014.Config, pixels: int, batch_size: int) -> int:
    """Floating-point operations of those products, two per multiplication.

    Args:
      config: the model's configuration.
      pixels: the number of values in an image.
      batch_size: the batch size.

    Returns:
      The count.

    Example:
      >>> from benchmarks import contenders
      >>> from jgan.models import gan2014
      >>> contenders.product_flops(gan2014.Config(), 784, 100)
      2820816000
    """
    return sum(2 * m * k * n for m, k, n in products(config, pixels, batch_size))


def products_alone(config: gan2014.Config, pixels: int, batch_size: int) -> timing.Contender:
    """Only those products, in one program: the attainable rate at these shapes."""
    pairs = [(jnp.ones((m, k)), jnp.ones((k, n))) for m, k, n in products(config, pixels, batch_size)]
    program = jax.jit(lambda pairs: [a @ b for a, b in pairs])
    # Each pair is a separate argument, since XLA would merge equal products.
    return timing.Contender(ALONE, lambda: program(pairs), jax.block_until_ready)


def compiled_flops(way: Way, key: Key, state: GANState) -> float | None:
    """XLA's count of a step's operations of all kinds; for a scan it counts the body of the loop once."""
    if not hasattr(way.program, "lower"):
        return None
    analysis = way.program.lower(key, state, way.data).compile().cost_analysis()
    return None if not analysis else analysis["flops"]
