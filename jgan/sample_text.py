"""Samples of a model of text for `python -m jgan.sample`: lines, or an array of their tokens."""

from pathlib import Path
from typing import Any

from jgan.training import outputs
from jgan.training.evaluators import sampling, text
from jgan.training.run import Run, Snapshot, keys
from jgan.types import Field


def is_text(run: Run) -> bool:
    """Whether the model of a run makes sequences of tokens.

    Args:
      run: the run.

    Returns:
      True for tokens.
    """
    return any(isinstance(batch.x, Field) and batch.x.kind == "tokens" for batch in run.spec.sets.values())


def check(args: Any, name: str) -> None:
    """Checks the flags for a model of text: its latents are keys, between which there is nothing.

    Args:
      args: the flags of the command.
      name: the preset of the run.

    Raises:
      ValueError: names the flag, its valid values and the value found.
    """
    if args.interpolate or args.explores:
        flag = "interpolate" if args.interpolate else "traverse, --arithmetic, --project"
        raise ValueError(f"--{flag}: {name} makes text, and its latents have no directions: leave it out")
    if args.columns:
        raise ValueError(f"--columns: {name} makes text, which has no columns: leave it out")
    if args.out is not None and args.out.suffix.lower() not in (".txt", ".npz"):
        raise ValueError(f"--out: {name} makes text: give a .txt file (lines) or an .npz file (tokens)")


def write(found: Snapshot, args: Any, settings: dict[str, Any], out: Path) -> str:
    """Draws samples and writes them as lines of text (.txt), or as an array of tokens.

    Args:
      found: the checkpoint.
      args: the flags of the command.
      settings: what else the samples depend on, for the array.
      out: the file.

    Returns:
      A description of the output.
    """
    run = found.run
    asked = run.gan.inputs(keys(args.seed).samples, args.num)
    drawn = sampling.draw(run.gan, found.state, asked, ema=args.ema, temperature=args.temperature)
    if out.suffix.lower() == ".txt":
        outputs.write_text(out, "".join(f"{line}\n" for line in text.lines_of(run, drawn)))
    else:
        outputs.write_array(out, found, settings, samples=drawn)
    return f"{len(drawn):,} lines"
