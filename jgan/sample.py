"""`python -m jgan.sample`: images of a trained generator, as a picture or as an array."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots
from jgan.training import evaluators
from jgan.training.checkpoint import Which
from jgan.training.run import Run, keys, open_run
from jgan.types import GAN, GANState, Key
from jgan.utils import cli
from jgan.utils.files import replacing

PROG = "python -m jgan.sample"


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path
    """folder of the run"""
    out: Path | None = None
    """a picture (.png), or an array (.npz: `samples` uint8 [N, height, width, channels]); by default grid.png in the folder"""
    num: int = 64
    """how many images"""
    interpolate: bool = False
    """rows of images whose latents lie on straight lines, as in the paper's figure 3"""
    columns: int = 0
    """images in a row; 0 for a square, or for 8 with --interpolate"""
    seed: int = 0
    """chooses the latents; that of the run gives the pictures in its samples/"""
    checkpoint: Which = "best"
    """the best by the validation measure, or the last"""
    averaged: bool = True
    """the averaged parameters, where the model keeps them"""
    data_dir: Path | None = None
    """where the run's data are now, if not where it found them"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is not good; `jgan.utils.cli.run` makes one line of it.
    """
    args = cli.parse(
        Args,
        sys.argv[1:] if argv is None else argv,
        prog=PROG,
        description="Draw images from the generator of a run, into a picture or an array.",
    )
    out = args.out or args.workdir / "grid.png"
    columns = args.columns or (8 if args.interpolate else 0)
    check(args, out, columns)
    run = open_run(args.workdir, args.data_dir)
    state = run.restore(args.checkpoint)
    if evaluators.name_of(run) != "images":
        points(run, state, args, out)
        return
    z = latents(run.gan, keys(args.seed).samples, args.num, line=columns if args.interpolate else 1)
    images = plots.to_uint8(draw(run.gan, state, z, averaged=args.averaged))
    if out.suffix.lower() == ".png":
        plots.save_png(out, plots.grid(images, columns=columns or None))
    else:
        write_array(out, images, run, state, args)
    print(f"{len(images):,} images of {run.config.preset}, {args.checkpoint} checkpoint (step {int(state.step):,}): {out}")


def points(run: Run, state: GANState, args: Args, out: Path) -> None:
    """The command for models that make no images: the picture of their display, or their points.

    Args:
      run: the run.
      state: the state whose generator is asked.
      args: the flags.
      out: the file to write.

    Raises:
      ValueError: if `--interpolate` is given.
    """
    if args.interpolate:
        raise ValueError(f"--interpolate draws images, and {run.config.preset} makes points: leave it out")
    if out.suffix.lower() == ".png":
        plots.save_png(out, evaluators.of(run).sheet(run, state))
        print(f"{run.config.preset}, {args.checkpoint} checkpoint (step {int(state.step):,}): {out}")
        return
    drawn = draw(run.gan, state, latents(run.gan, keys(args.seed).samples, args.num), averaged=args.averaged)
    write_array(out, drawn, run, state, args)
    print(f"{len(drawn):,} points of {run.config.preset}, {args.checkpoint} checkpoint (step {int(state.step):,}): {out}")


def write_array(out: Path, samples: np.ndarray, run: Run, state: GANState, args: Args) -> None:
    """Writes samples and what they depend on, in one piece.

    Args:
      out: the .npz file.
      samples: the samples.
      run: the run.
      state: the state whose generator was asked.
      args: the flags.
    """
    about = {name: getattr(args, name) for name in ("seed", "checkpoint", "averaged", "interpolate")}
    about |= {"preset": run.config.preset, "dataset": run.config.dataset, "step": int(state.step)}
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.savez(file, samples=samples, **about)


def check(args: Args, out: Path, columns: int) -> None:
    """Checks the flags before anything is computed.

    Args:
      args: the flags.
      out: the file to write.
      columns: images in a row, 0 for a square.

    Raises:
      ValueError: naming the flag, what it must be and what was found.
      FileNotFoundError: if the folder of `out` is not there.
    """
    if out.suffix.lower() not in (".png", ".npz"):
        raise ValueError(f"--out must end in .png (a picture) or .npz (an array), found {out}")
    cli.at_least(args, num=1, columns=0, seed=0)
    if args.interpolate and (columns < 2 or args.num % columns):
        raise ValueError(
            f"--interpolate fills rows: --columns must be at least 2 and --num a multiple of it, found {columns} and {args.num}"
        )
    if args.out is not None:
        cli.in_a_folder(out)


def latents(gan: GAN, key: Key, n: int, *, line: int = 1) -> jax.Array:
    """Draws latents, each on its own or on straight lines between two.

    Args:
      gan: the model.
      key: the key of those that are drawn.
      n: how many, a multiple of `line`.
      line: latents on a line, both ends included; 1 for independent ones.

    Returns:
      `[n, ...]`, line after line.

    Example:
      See `draw`.
    """
    if line == 1:
        return gan.latents(key, n)
    start, end = jnp.split(gan.latents(key, 2 * (n // line)), 2)
    return plots.interpolate(start, end, line).reshape(n, *start.shape[1:])


def draw(gan: GAN, state: GANState, latents: jax.Array, *, averaged: bool = True, block: int = 1000) -> np.ndarray:
    """Generates many images, a block at a time, so that memory does not grow with their number.

    Args:
      gan: the model.
      state: the state whose generator is asked.
      latents: `[N, ...]`, as `gan.latents` draws them.
      averaged: whether to use the averaged parameters, where the model keeps them.
      block: images generated at once.

    Returns:
      `[N, height, width, channels]` float32 in [0, 1].

    Raises:
      ValueError: if a pixel is not finite.

    Example:
      >>> import jax
      >>> from jgan import sample
      >>> from jgan.models import gan2014
      >>> from jgan.types import DataSpec
      >>> gan = gan2014.make(gan2014.Config(g_units=(16,), d_units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> sample.draw(gan, gan.init(key), sample.latents(gan, key, 6, line=3), block=4).shape
      (6, 8, 8, 1)
    """
    generate = jax.jit(lambda state, z: gan.generate(state, z, averaged=averaged))
    blocks = [np.asarray(generate(state, latents[first : first + block])) for first in range(0, len(latents), block)]
    images = np.concatenate(blocks)
    if not np.isfinite(images).all():
        raise ValueError(f"the generator's images are not finite at step {int(state.step)}: its training has diverged")
    return images


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
