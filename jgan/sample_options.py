"""The flags of `python -m jgan.sample`, and what they must be: alone, and with a run."""

import dataclasses
import math
from pathlib import Path

import jax

from jgan import latents, plots, sample_text, translation
from jgan.training import records, which
from jgan.training.evaluators import sampling
from jgan.training.run import Run
from jgan.types import GAN
from jgan.utils import checks, cli, memory, output, text
from jgan.utils.registry import unknown

PROG = "python -m jgan.sample"

BYTES_PER_VALUE = 40
"""Peak memory per value of a sample: in float32 and float64 while it is rounded, and in 8 bits."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path
    """folder of the run"""
    out: Path | None = None
    """output: a picture (.png), an array `samples` (.npz; images as uint8), or a new folder of images (a name without suffix):
    0000.png ..., of a model conditioned on labels 0000-label3.png ..., of --input under the names of the pictures; of a model
    of text, lines (.txt) or an array of tokens; default, in the run's folder: grid.png, translated-NAME.png for --input, or
    lines.txt"""
    num: int = 64
    """number of samples; with --input the most pictures of a sheet"""
    labels: tuple[str, ...] = ()
    """classes by number or name, separated by commas or spaces, a row each, for a model conditioned on labels; default: all"""
    input: Path | None = None
    """what a model that translates images is to translate: a picture, a folder of pictures or an .npz file; the picture that is
    written is the translation of one picture, of several a sheet of inputs and outputs"""
    direction: str = ""
    """direction of a model that translates in several directions"""
    between_phases: float = 1.0
    """weights between the end of the phase before, 0, and the checkpoint, 1, of a model of super-resolution; 0.8 in ESRGAN"""
    interpolate: bool = False
    """interpolate between latents in each row, as in the 2014 paper's figure 3; each row has one label: see --labels"""
    path: latents.Path = "linear"
    """with --interpolate: linear, or spherical, which suits Gaussian latents"""
    traverse: int = 0
    """draw this many rows, in each of which one image moves along a direction in which the model's images vary most"""
    arithmetic: str = ""
    """add and subtract means of latents of samples: "3,7,9 - 1,4 + 12"; the numbers count the samples of this seed from 0"""
    project: Path | None = None
    """search the latents of these images: a folder or an .npz file; each row is an image, its projection, their difference"""
    columns: int = 0
    """images per row; 0: a square grid, 8 with --interpolate, an equal share of --num per label with rows of labels"""
    seed: int = 0
    """seed of the latents; the run's seed reproduces the pictures in its samples/"""
    checkpoint: str = "best"
    """checkpoint: best (by the validation measure), last, or the number of a step"""
    ema: bool = True
    """use the averaged weights, if the model keeps them"""
    truncation: float = 1.0
    """psi of a model with the truncation trick (stylegan2, biggan): below 1, samples vary less and are nearer to the average"""
    temperature: float = 1.0
    """of a model of text, by which the logits of tokens are divided: below 1, lines are likelier and less varied"""
    data_dir: Path | None = None
    """folder of the run's data, for pictures that also show real examples"""

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels as numbers."""
        words = [word for group in self.labels for word in group.split(",") if word]
        if not all(_is_number(word) for word in words):
            raise ValueError(f"--labels must be class labels such as 0,1,2, found {text.listed(words)}")
        return tuple(map(int, words))

    @property
    def explores(self) -> bool:
        """Whether the latent space is explored, instead of samples drawn."""
        return bool(self.traverse or self.arithmetic or self.project)


def _is_number(word: str) -> bool:
    return word.isdecimal() and len(word) < 10


def numbered(args: Args) -> Args:
    """The flags with the names of classes replaced by their numbers; a number that is no name stays.

    Args:
      args: the flags.

    Returns:
      The flags.

    Raises:
      ValueError: if the run's data have no class of a name; suggests the closest one.
    """
    if not args.labels or not (args.workdir / records.CONFIG).is_file():
        return args
    known = records.read(args.workdir).classes
    if not known:
        return args
    groups = [[group] if group in known else map(str.strip, group.split(",")) for group in args.labels]  # names have commas too
    words = [word for group in groups for word in group if word]
    wrong = [word for word in words if word not in known and not (_is_number(word) and int(word) < len(known))]
    if wrong:
        raise ValueError(f"--labels: {unknown('class', wrong[0], known)}")
    return dataclasses.replace(args, labels=tuple(str(known.index(word)) if word in known else word for word in words))


def check(args: Args, out: Path) -> None:
    """Checks the flags before anything is read.

    Args:
      args: the flags.
      out: the file to write.

    Raises:
      ValueError: names the flag, its valid values and the value found.
      FileNotFoundError: if the folder of `out` does not exist.
    """
    which.asked(args.checkpoint)
    if out.suffix.lower() not in (".png", ".npz", ".txt", ""):
        raise ValueError(
            "--out must end in .png (a picture), .npz (an array) or .txt (lines of text), or have no suffix (a folder of "
            f"images), found {out}"
        )
    cli.at_least(args, num=1, columns=0, traverse=0)
    checks.seed(args.seed, "--seed")
    if not (math.isfinite(args.temperature) and args.temperature > 0):
        raise ValueError(f"--temperature must be above 0 and finite, found {args.temperature}")
    if not math.isfinite(args.truncation):
        raise ValueError(f"--truncation must be a finite number, found {args.truncation}")
    columns = args.columns or 8
    if args.interpolate and (columns < 2 or args.num % columns):
        raise ValueError(
            f"--interpolate fills rows: --columns must be at least 2 and --num a multiple of it, found {columns} and {args.num}"
        )
    modes = {name: getattr(args, name) for name in ("interpolate", "traverse", "arithmetic", "project", "input")}
    several = [f"--{name}" for name, value in modes.items() if value]
    if len(several) > 1:
        raise ValueError(f"expected one of {' and '.join(several)}, found both")
    if args.path != "linear" and not args.interpolate:
        raise ValueError("--path is the way between the latents of --interpolate: give that flag too")
    if args.explores and len(args.classes) > 1:
        raise ValueError(f"--labels: expected one label with {several[0]}, found {len(args.classes)}")
    if args.traverse and args.columns == 1:
        raise ValueError("--columns must be at least 2 with --traverse, found 1")
    if args.truncation != 1 and args.explores:
        raise ValueError(f"--truncation: {several[0]} shows the latent space as it is, leave it out")
    if args.columns and (args.arithmetic or args.project):
        raise ValueError(f"--columns: {several[0]} has rows of its own, leave it out")
    if args.interpolate and len(args.classes) > args.num // columns:
        least, found = len(args.classes) * columns, f"{args.num} for {len(args.classes)} --labels in rows of {columns}"
        raise ValueError(f"--num must be at least {least}, a row for each label, found {found}")
    if args.columns and not out.suffix and not args.interpolate:
        raise ValueError("--columns lays out a picture, and --out is a folder of images: leave it out")
    if args.out is not None:
        (output.file if out.suffix else output.folder)("--out", out)


def check_condition(args: Args, run: Run) -> None:
    """Checks the labels, the images and the direction against the condition of the run's model.

    Args:
      args: the flags.
      run: the run.

    Raises:
      ValueError: names the flag, its valid values and the value found.
    """
    size, name = sampling.classes(run.gan), run.config.preset
    known = translation.directions(run.gan)
    if args.classes and not size:
        raise ValueError(f"--labels: the model of {name} is not conditioned on labels: leave it out")
    wrong = [label for label in args.classes if label >= size]
    if wrong:
        raise ValueError(f"--labels must be from 0 to {size - 1}, found {wrong[0]}")
    if args.truncation != 1 and not run.gan.truncates:
        raise ValueError(f"--truncation: the model of {name} has no truncation: leave it out")
    if args.temperature != 1 and not run.gan.tempers:
        raise ValueError(f"--temperature: the model of {name} has no temperature: leave it out")
    if sample_text.is_text(run):
        sample_text.check(args, name)
    elif args.out is not None and args.out.suffix.lower() == ".txt":
        raise ValueError(f"--out: {name} makes no text: give a .png or .npz file, or a folder")
    if (args.input is not None or args.direction) and not known:
        flag = "--input" if args.input is not None else "--direction"
        raise ValueError(f"{flag}: the model of {name} is not conditioned on images: leave it out")
    if args.direction and args.direction not in known:
        raise ValueError(f"--direction must be among {', '.join(known)}, found {args.direction}")
    if known and args.input is None and (args.out is not None and args.out.suffix.lower() != ".png"):
        raise ValueError(f"the model of {name} translates images: give them with --input")
    if known and args.interpolate:
        raise ValueError(f"--interpolate: the model of {name} translates images: leave it out")


def check_memory(args: Args, out: Path, run: Run) -> None:
    """Checks that the samples fit into memory, before a checkpoint is read or a program compiled.

    Args:
      args: the flags.
      out: the file or folder to write.
      run: the run.

    Raises:
      ValueError: names the flags, the memory needed and the memory available.
    """
    output.file("--out", out) if out.suffix else output.folder("--out", out)
    (example, *_) = (batch.x for batch in run.spec.sets.values())
    rows = len(args.classes) or max(1, sampling.classes(run.gan))
    number = max(args.num, args.columns * (rows if out.suffix.lower() == ".png" else 1))
    size = math.prod(example.shape) * BYTES_PER_VALUE
    if out.suffix.lower() == ".png" and example.kind == "image":
        size += 3 * plots.LEGIBLE**2 * max(1, math.prod(example.shape[2:]))  # the enlarged tile
    memory.require(f"--num {args.num:,}, --columns {args.columns:,}: choose smaller numbers", number * size)


def takes_data(gan: GAN) -> bool:
    """Whether a model is conditioned on more than labels, such as images: the conditions are those of data."""
    return bool(jax.tree.leaves(gan.condition)) and not sampling.classes(gan)
