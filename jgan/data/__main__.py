"""`python -m jgan.data PATH`: describes data before training: numbers, classes, sizes, and every file that is broken.

  python -m jgan.data photos                        a folder of images, or a zip or tar archive of one
  python -m jgan.data faces.h5 --sheet faces.png    also writes a contact sheet
  python -m jgan.data mnist --data-dir data         a data set by its name

The exit status is 1 if a file is broken.
"""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.data")

import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jgan import plots
from jgan.data import reading, sources, survey
from jgan.utils import cli, output, text

PROG = "python -m jgan.data"

MOST = 20
"""The most classes, sizes and broken files that are listed."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    path: Path | None = None
    """folder or file of the data; also the first argument, without the flag"""
    dataset: str = ""
    """name of the data set, as for python -m jgan.train; default: what the files look like"""
    data_dir: Path | None = None
    """folder of a data set that is given by its name"""
    sheet: Path | None = None
    """also write a contact sheet, a .png file"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      SystemExit: with the status 1, if a file is broken.
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    if given and not given[0].startswith("-"):
        given.insert(0, "--path")
    args = cli.parse(Args, given, prog=PROG, description=f"{__doc__}\n\nData sets:\n{sources.describe()}")
    if args.sheet is not None:
        if args.sheet.suffix.lower() != ".png":
            raise ValueError(f"--sheet must end in .png, found {args.sheet}")
        output.file("--sheet", args.sheet)
    name, data_dir = what(args)
    found = survey.survey(name, data_dir)
    for line in lines(name, data_dir, found):
        output.show(line)
    if args.sheet is not None and found.pictures is None:
        raise ValueError(f"{data_dir or name}: expected images, for --sheet, found none")
    if args.sheet is not None and found.pictures is not None:
        plots.save_png(args.sheet, plots.grid(found.pictures))
        output.show(f"contact sheet: {args.sheet}")
    if found.broken:
        sys.exit(1)


def what(args: Args) -> tuple[str, Path | None]:
    """The name and the folder of the data set that was asked for.

    Args:
      args: the flags.

    Returns:
      `(name, data_dir)` as for `jgan.data.load`.

    Raises:
      ValueError: if nothing was given, or two paths.
      FileNotFoundError: if the path is neither a file, a folder nor the name of a data set.

    Example:
      >>> from jgan.data import __main__ as command
      >>> command.what(command.Args(Path("mnist"), data_dir=Path("data")))
      ('mnist', PosixPath('data'))
    """
    if args.path is None and not args.dataset:
        raise ValueError(f"expected a folder or a file of data, or the name of a data set, as in {PROG} photos")
    if args.path is None:
        return args.dataset, args.data_dir
    path = reading.user_path(args.path)
    if args.data_dir is None and path.exists():
        return args.dataset or survey.source_of(path), path
    if args.dataset:
        raise ValueError(f"expected one folder or file, found {args.path}, which is not there, or a name beside --dataset")
    if args.data_dir is None and len(path.parts) > 1:
        raise FileNotFoundError(f"{path}: expected a folder or a file of data, found nothing there")
    return str(args.path), args.data_dir


def lines(name: str, data_dir: Path | None, found: survey.Survey) -> list[str]:
    """The description in lines of text.

    Args:
      name: the name of the data set.
      data_dir: its folder or file.
      found: what it holds.

    Returns:
      The lines.

    Example:
      >>> from jgan.data import __main__ as command
      >>> from jgan.data import survey
      >>> command.lines("digits", None, survey.survey("digits", None))[0]
      'digits: 1,797 images, read as --dataset digits'
    """
    noun = "images" if found.pictures is not None else "examples"
    made = [f"{data_dir or name}: {sum(found.parts.values()):,} {noun}, read as --dataset {name}"]
    if set(found.parts) - {"all"}:
        made.append("parts: " + ", ".join(f"{part} {count:,}" for part, count in found.parts.items()))
    if found.classes:
        counts = sorted(found.classes.items(), key=lambda item: (len(item[0]), item[0]) if item[0].isdigit() else (0, item[0]))
        made.append(f"classes: {len(counts)}: {text.listed((f'{label} {count:,}' for label, count in counts), MOST)}")
    if found.sizes:
        made.append(f"sizes: {_sizes(found.sizes)}")
    if found.digest:
        made.append(f"SHA-256 of the training examples: {found.digest}")
    if found.broken:
        made.append(f"broken: {len(found.broken):,}")
        made += [f"  {message}" for message in found.broken[:MOST]]
        if len(found.broken) > MOST:
            made.append(f"  ... and {len(found.broken) - MOST:,} more")
    return made


def _sizes(sizes: Counter[tuple[int, ...]]) -> str:
    """The commonest sizes, height x width x channels."""
    return text.listed((f"{'x'.join(map(str, size))} ({count:,})" for size, count in sizes.most_common()), MOST)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
