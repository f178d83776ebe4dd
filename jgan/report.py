"""`python -m jgan.report RUN`: one page about a run, to look at and to send: samples, curves, measures, options, log.

  python -m jgan.report runs/mnist                           writes runs/mnist/report.html
  python -m jgan.report runs/mnist --animation samples.gif   and the history of the samples as an animation

The page is one file that loads nothing. A run that is still training has one too; its data are not needed. For the folder of
several seeds (`jgan.train --seeds`) it shows their means, their spreads, and the samples of each; for that of a sweep
(`jgan.sweep`) the combinations side by side.
"""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.report")  # before the imports that take a second

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from jgan import plots, run_page, seeds_page, sweep_page
from jgan.training import records, seeds
from jgan.utils import cli, output
from jgan.utils.files import replacing

PROG = "python -m jgan.report"


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path | None = None
    """folder of the run, of several seeds or of a sweep; also the first argument, without the flag"""
    out: Path | None = None
    """the page; default: report.html in the folder of the run"""
    animation: Path | None = None
    """also write the pictures in samples/ as an animation, a .gif file"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    if given and not given[0].startswith("-"):
        given.insert(0, "--workdir")
    args = cli.parse(Args, given, prog=PROG, description=__doc__ or "")
    if args.workdir is None:
        raise ValueError(f"expected the folder of a run, as in {PROG} runs/digits")
    of_sweep, of_seeds = (args.workdir / records.SWEEP).is_file(), bool(seeds.of(args.workdir))
    if (of_sweep or of_seeds) and args.animation is not None:
        raise ValueError(f"--animation is of one run: give the folder of one in {args.workdir}")
    made_by = sweep_page.page if of_sweep else seeds_page.page if of_seeds else run_page.page
    if made_by is run_page.page:
        run_page.configuration(args.workdir)  # whether it is a run
    out = args.out or args.workdir / "report.html"
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--out must end in .html, found {out}")
    output.file("--out", out)
    if args.animation is not None:
        if args.animation.suffix.lower() != ".gif":
            raise ValueError(f"--animation must end in .gif, found {args.animation}")
        output.file("--animation", args.animation)
    made = made_by(args.workdir)
    frames = [] if args.animation is None else run_page.animation(args.workdir)
    with replacing(out) as temporary:
        temporary.write_text(made, encoding="utf-8", errors="backslashreplace")  # names of files need not be UTF-8
    output.show(f"{out} ({len(made) / 2**20:.1f} MiB)")
    if args.animation is not None:
        plots.animation(frames, args.animation, fps=4)
        output.show(f"{args.animation}: {len(frames)} pictures")


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
