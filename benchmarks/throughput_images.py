"""The speed of the training steps of convolutional GANs, beside the same networks in PyTorch.

  python -m benchmarks.throughput_images
  python -m benchmarks.throughput_images --models dcgan_32 sngan_cnn

For each model it times in turn, in several rounds: jgan's step; the step's matrix products and convolutions alone; the same
step with the options of XLA's compiler that `jax.jit` has by itself; and, if PyTorch is installed, the network of
`benchmarks.torch_images`, with the same parameters, losses, batch and order of updates, eager and compiled. A 2048 x 2048
float32 matrix product measures the machine. It reports medians, and the ratio to the better PyTorch.
"""

import dataclasses
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import bare_products, budget, contenders, drawings, tables, timing
from benchmarks.throughput import slug
from jgan import Batch, DataSpec, models, parallel
from jgan.data import resident
from jgan.models import phases_of
from jgan.models.options import EMA
from jgan.training.environment import environment, write_json
from jgan.types import GAN, PlayerState
from jgan.utils import cli, memory

PROG = "python -m benchmarks.throughput_images"


class Case(NamedTuple):
    """A model with a twin.

    Attributes:
      title: its name in the table.
      preset: the preset from whose options it starts.
      changes: other options, by the dotted names of their fields.
      size: height, width and channels of the images.
      twin: the names of generator and discriminator in `benchmarks.torch_images`, and the argument of both, if they have one.
      transposed: the generator's kernels of transposed convolutions.
      gamma: the weight of R1 and R2.
    """

    title: str
    preset: str
    changes: Mapping[str, Any]
    size: tuple[int, int, int]
    twin: tuple[str, str, int]
    transposed: frozenset[str] = frozenset()
    gamma: float = 0.0


def _ups(count: int, last: bool) -> frozenset[str]:
    return frozenset([f"up_{index}/kernel" for index in range(1, count)] + ["output/kernel"] * last)


_CONSTANT = {"ema": EMA(), "optimizer.decay_steps": 0}
_R3GAN = _CONSTANT | {"optimizer.final_b2": 0.0, "final_gamma": 0.05}
_SNGAN = _CONSTANT | {"d_early": False, "rule.generator_batch": 1, "rule.fresh_latents": False}
CASES = {
    "dcgan_32": Case(
        "DCGAN 32", "dcgan_cifar10", _CONSTANT, (32, 32, 3), ("dcgan_generator", "dcgan_discriminator", 3), _ups(3, True)
    ),
    "dcgan_64": Case(
        "DCGAN 64", "dcgan_cifar10", _CONSTANT, (64, 64, 3), ("dcgan_generator", "dcgan_discriminator", 4), _ups(4, True)
    ),
    "sngan_cnn": Case(
        "SN-GAN CNN 32", "sngan_cifar10", _SNGAN, (32, 32, 3), ("sngan_generator", "sngan_discriminator", 0), _ups(4, False)
    ),
    "r3gan": Case(
        "R3GAN 28, width 32", "r3gan_mnist", _R3GAN, (28, 28, 1), ("r3gan_generator", "r3gan_discriminator", 3), gamma=0.05
    ),
}
"""The models, by the names of `--models`."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.throughput_images`."""

    models: tuple[str, ...] = tuple(CASES)
    """models"""
    width: int = 0
    """width of the networks; 0 for that of the presets"""
    batch_size: int = 64
    """batch size"""
    repeats: int = 7
    """rounds; each times every contender once"""
    seconds: float = 1.0
    """duration of each timing"""
    torch: bool = True
    """also time PyTorch, if it is installed"""
    compiled: bool = True
    """also time torch.compile, where it can differentiate the step"""
    out: Path | None = None
    """file of the result; by default benchmarks/results/throughput_images_DEVICE.json"""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option is invalid; `jgan.utils.cli.run` prints them as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, batch_size=2, repeats=1, width=0)
    unknown = [name for name in args.models if name not in CASES]
    if unknown or not args.models or args.seconds <= 0:
        raise ValueError(f"--models must be some of {', '.join(CASES)}, and --seconds above 0; found {unknown or args.seconds}")
    out = args.out or tables.RESULTS / f"throughput_images_{slug(jax.devices()[0])}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    version = contenders.torch_version() if args.torch else None
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    about = environment() | {"pytorch": version, "threads": contenders.threads(), "load_before": load}
    measured = {name: measure(CASES[name], args, bool(version)) for name in args.models}
    options = {name: value for name, value in vars(args).items() if name != "out"}
    result = {"command": shlex.join([*PROG.split(), *argv]), "options": options, "environment": about, "models": measured}
    write_json(out, result)
    print(f"\n{drawings.throughput_images(result)}\n\n{out}")


def built(case: Case, args: Args) -> tuple[GAN, Any]:
    """The model of a case and its options."""
    changes = dict(case.changes) | ({"width": args.width} if args.width else {})
    config = budget.changed(models.presets()[case.preset].config, changes)
    spec = DataSpec.images(case.size, steps_per_epoch=100, batch_size=args.batch_size)
    (phase,) = phases_of(models.MODELS[models.model_of(case.preset)], config, spec)
    return phase.gan, config


def measure(case: Case, args: Args, with_torch: bool) -> dict[str, Any]:
    """Times the contenders of a model.

    Args:
      case: the model.
      args: the options of the command.
      with_torch: whether PyTorch is among them.

    Returns:
      A dict for JSON, which `drawings.throughput_images` reads.
    """
    gan, config = built(case, args)
    images = np.random.default_rng(0).integers(0, 256, (1024, *case.size), dtype=np.uint8)
    step = resident.on_resident_data(gan.step, args.batch_size)
    key = jax.random.key(0)
    state, data = jax.jit(gan.init)(key), Batch(jnp.asarray(images))
    needed = bare_products.of(step, key, state, data)
    alone, inputs = bare_products.program(needed)
    field = [
        contenders.jax_product(),
        contenders.stepping(contenders.Way("jgan", parallel.jit(step), lambda tree: tree, data, 1), key, _copied(state)),
        timing.Contender(contenders.ALONE, lambda: alone(inputs), jax.block_until_ready),
        contenders.stepping(
            contenders.Way("jgan, jax.jit", jax.jit(step, donate_argnums=1), lambda tree: tree, data, 1), key, _copied(state)
        ),
    ]
    if with_torch:
        field += torch_contenders(case, config, state, images, args)
    print(f"{case.title}: {len(needed)} products and convolutions, {bare_products.flops(needed) / 1e9:.1f} GFLOP a step")
    timings = timing.rounds(field, args.repeats, args.seconds, lambda line: print(line, flush=True))
    return summary(timings, case, args.batch_size, bare_products.flops(needed))


def _copied(tree: Any) -> Any:
    return jax.tree.map(jnp.copy, tree)


def summary(timings: Sequence[timing.Timing], case: Case, batch_size: int, flops: int) -> dict[str, Any]:
    """Summarises the timings of a model.

    Args:
      timings: seconds per product or per step.
      case: the model.
      batch_size: the batch size.
      flops: those of a step's products and convolutions.

    Returns:
      `title`, `gflop` (per step), `product` (GFLOP/s of the matrix product), `steps` (images per second and seconds of
      compilation of each contender), `ratio` (to the better PyTorch, the median over the rounds; None without).
    """
    product, *others = timings
    ours = others[0].seconds
    torchs = [found.seconds for found in others if found.name.startswith("PyTorch")]
    paired = [min(theirs) / mine for mine, *theirs in zip(ours, *torchs, strict=True)] if torchs else []
    return {
        "title": case.title,
        "gflop": round(flops / 1e9, 3),
        "product": timing.spread([2 * contenders.PRODUCT**3 / s / 1e9 for s in product.seconds]),
        "steps": {
            found.name: {
                "images_per_second": timing.spread([batch_size / s for s in found.seconds]),
                "compile_seconds": round(found.first_call, 1),
            }
            for found in others
        },
        "ratio": timing.spread(paired, 2) if paired else None,
    }


# ------------------------------------------------------------------------------------------------------------------ PyTorch


def torch_contenders(case: Case, config: Any, state: Any, images: np.ndarray, args: Args) -> list[timing.Contender]:
    """The twin of a model, eager and compiled, from the same parameters."""
    import torch

    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        return []
    torch.set_num_threads(contenders.threads())
    torch.manual_seed(0)
    wait: Callable[[Any], Any] = (lambda _: torch.cuda.synchronize()) if device == "cuda" else (lambda _: None)
    ways = {"PyTorch, eager": False} | ({"PyTorch, compiled": True} if args.compiled else {})
    found = []
    for name, compiled in ways.items():
        made = twin(case, config, state, images, args.batch_size, compiled=compiled, device=device)
        found.append(timing.Contender(name, made.step, wait, optional=compiled))
    return found


def twin(case: Case, config: Any, state: Any, images: np.ndarray, batch_size: int, **options: Any) -> Any:
    """The model of a case in PyTorch.

    Args:
      case: the model.
      config: its options.
      state: the state whose parameters the twin starts from.
      images: uint8 `[N, height, width, channels]`.
      batch_size: the batch size.
      **options: `compiled` and `device` of `torch_images.Twin`.

    Returns:
      A `torch_images.Twin`.

    Raises:
      ValueError: if it has not as many parameters.
    """
    from benchmarks import torch_images

    *names, count = case.twin
    made = []
    for name, player in zip(names, (state.generator, state.discriminator), strict=True):
        run = getattr(torch_images, name)
        kernels = case.transposed if "generator" in name else frozenset[str]()
        made.append(torch_images.Player(run(count) if count else run, *flat(player), kernels))
        counts = sum(leaf.size for leaf in jax.tree.leaves(player.params)), sum(leaf.numel() for leaf in made[-1].parameters())
        if counts[0] != counts[1]:
            raise ValueError(f"{case.title}: the twin's {name} must have {counts[0]:,} parameters, found {counts[1]:,}")
    rates = config.optimizer
    return torch_images.Twin(
        (made[0], made[1]),
        images,
        batch_size=batch_size,
        latent_size=config.latent_size,
        loss=config.loss,
        adam={"lr": rates.learning_rate, "betas": (rates.b1, rates.b2)},
        gamma=case.gamma,
        **options,
    )


def flat(player: PlayerState) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The parameters of a player, and its other variables, by path."""

    def named(tree: Any, skip: int) -> dict[str, np.ndarray]:
        leaves = jax.tree_util.tree_leaves_with_path(tree)
        return {"/".join(key.key for key in path[skip:]): np.asarray(leaf) for path, leaf in leaves}

    return named(player.params, 0), named(player.model_state, 1)


if __name__ == "__main__":
    memory.keep_freed()  # as `python -m jgan.train` does; for PyTorch too
    cli.run(main, PROG, leave=cli.at_once)
