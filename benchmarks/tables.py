"""Generates the tables of the README and of the site from the result files, so that no number is typed by hand.

  python -m benchmarks.tables            writes them into README.md and docs/*.md
  python -m benchmarks.tables --check    exits with status 1 if a file differs from the result files

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. It is generated from `benchmarks/results/NAME.json`, or from
all files in `benchmarks/results/NAME/`, by the function of `TABLES` whose key is a prefix of NAME. A table that shows other
results than those of its name lists them as its sources.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import (
    drawings,
    gallery_drawings,
    lesson_drawings,
    model_drawings,
    restoration_drawings,
    site_drawings,
    text_drawings,
    translation_drawings,
)
from jgan.utils import cli
from jgan.utils.files import replacing

PROG = "python -m benchmarks.tables"
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(?P<begin><!-- table: (?P<name>[\w-]+) -->\n)(?P<table>.*?)(?P<end><!-- end -->)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.tables`."""

    check: bool = False
    """write nothing; exit with status 1 if a table differs from its result file"""
    files: tuple[Path, ...] = ()
    """files that contain the tables; default: README.md and the pages of docs/"""
    results: Path = RESULTS
    """folder of the result files"""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the text or a result cannot be read; `jgan.utils.cli.run` prints them as one line.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    texts = {path: path.read_text() for path in args.files or pages()}
    drawn = {path: draw(text, args.results) for path, text in texts.items()}
    stale = [(path, name) for path, (_, names) in drawn.items() for name in names]
    if args.check:
        for path, name in stale:
            print(f"{path}: the table {name} is not what the files in {args.results} say; run {PROG}", file=sys.stderr)
        sys.exit(1 if stale else 0)
    for path in dict.fromkeys(path for path, _ in stale):
        with replacing(path) as temporary:
            temporary.write_text(drawn[path][0])
    print(f"{len(texts)} files: {sum(len(MARKED.findall(text)) for text in texts.values())} tables, {len(stale)} changed")


def pages() -> list[Path]:
    """The files that contain tables: README.md and the pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def draw(text: str, results: Path = RESULTS) -> tuple[str, list[str]]:
    """Generates all tables of a text.

    Args:
      text: the text with the markers.
      results: the folder of the result files.

    Returns:
      `(new text, names of the tables that changed)`.

    Raises:
      FileNotFoundError: if the result file of a table does not exist.
      ValueError: if a marker is not closed, a table's name is unknown, or its file has the wrong content.
    """
    stale = []

    def drawn(match: re.Match[str]) -> str:
        table = f"{render(match['name'], results)}\n"
        if table != match["table"]:
            stale.append(match["name"])
        return match["begin"] + table + match["end"]

    new = MARKED.sub(drawn, text)
    opened, found = text.count("<!-- table:"), len(MARKED.findall(text))
    if opened != found or any("<!-- table:" in match["table"] for match in MARKED.finditer(text)):
        raise ValueError("each <!-- table: NAME --> needs a line of its own, and its <!-- end --> before the next one")
    return new, stale


def render(name: str, results: Path = RESULTS) -> str:
    """Generates one table.

    Args:
      name: the name of the result file without its suffix.
      results: the folder of the result files.

    Returns:
      Markdown, without a final newline.

    Raises:
      FileNotFoundError: if the file does not exist.
      ValueError: if no function matches the name, or a file has the wrong content.
    """
    table = next((table for prefix, table in TABLES.items() if name.startswith(prefix)), None)
    if table is None:
        raise ValueError(f"expected a table whose name begins with one of {', '.join(TABLES)}, found {name!r}")
    found = {source: _content(source, results, table) for source in table.sources or (name,)}
    try:
        return table.draw(found if len(table.sources) > 1 else next(iter(found.values())))
    except (KeyError, TypeError) as error:
        where = " and ".join(str(results / source) for source in found)
        raise ValueError(f"{where}: not a result that {table.command} wrote ({error!r})") from error


def _content(name: str, results: Path, table: "Table") -> dict[str, Any]:
    """The content of one result file, or of all in the folder of the name, by their names."""
    path = results / f"{name}.json"
    several = sorted((results / name).glob("*.json"))
    if not path.is_file() and not several:
        raise FileNotFoundError(f"{path} is not there; {table.command} makes it")
    try:
        if several:
            return {path.stem: json.loads(path.read_text()) for path in several}
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not a result that {table.command} wrote ({error!r})") from error


class Table(NamedTuple):
    """A table.

    Attributes:
      draw: generates it from the content of its result, or of its results by their names if there are several sources.
      command: the command that writes the result.
      sources: the names of the results; default: that of the table.
    """

    draw: Callable[[dict[str, Any]], str]
    command: str
    sources: tuple[str, ...] = ()


TABLES: dict[str, Table] = {
    "table1": Table(drawings.table1, "python -m benchmarks.mnist_parzen"),
    # the first prefix that fits counts
    "throughput_images": Table(drawings.throughput_images, "python -m benchmarks.throughput_images"),
    "throughput": Table(drawings.throughput, "python -m benchmarks.throughput"),
    "mode_coverage": Table(drawings.mode_coverage, "python -m benchmarks.mode_coverage"),
    "stacked_mnist": Table(drawings.stacked_mnist, "python -m benchmarks.stacked_mnist"),
    "collapse": Table(drawings.collapse, "python -m benchmarks.collapse"),
    "faults": Table(drawings.faults, "python -m benchmarks.faults"),
    "first_models": Table(model_drawings.first_models, "python -m benchmarks.first_models"),
    "few_labels": Table(model_drawings.few_labels, "python -m benchmarks.few_labels"),
    "first_step": Table(drawings.first_step, "python -m benchmarks.first_step"),
    "overhead": Table(drawings.overhead, "python -m benchmarks.overhead"),
    "gallery_samples": Table(gallery_drawings.samples, "python -m benchmarks.gallery", sources=("gallery",)),
    "gallery_changes": Table(gallery_drawings.changes, "python -m benchmarks.gallery", sources=("gallery",)),
    "gallery_photographs": Table(gallery_drawings.photographs, "python -m benchmarks.gallery", sources=("gallery",)),
    "gallery": Table(gallery_drawings.gallery, "python -m benchmarks.gallery"),
    "translation": Table(translation_drawings.translation, "python -m benchmarks.translation"),
    "sample_time": Table(model_drawings.sample_time, "python -m benchmarks.sample_time"),
    "memory": Table(model_drawings.memory_of_steps, "python -m benchmarks.memory"),
    "many_seeds": Table(model_drawings.many_seeds, "python -m benchmarks.many_seeds"),
    "loader": Table(model_drawings.loader, "python -m benchmarks.loader"),
    "metrics_speed": Table(drawings.metrics_speed, "python -m benchmarks.metrics_speed"),
    "classifier_steps": Table(lesson_drawings.classifier_steps, "python -m benchmarks.classifier_steps"),
    "augmentation": Table(lesson_drawings.augmentation, "python -m benchmarks.augmentation"),
    "restoration": Table(restoration_drawings.restoration, "python -m benchmarks.restoration"),
    "super_resolution": Table(restoration_drawings.super_resolution, "python -m benchmarks.super_resolution"),
    "text_oracle": Table(text_drawings.text_oracle, "python -m benchmarks.text_oracle"),
    "text_quality": Table(text_drawings.text_quality, "python -m benchmarks.text_quality"),
    "metrics_memory": Table(drawings.metrics_speed, "python -m benchmarks.metrics_speed --alone"),
    "which_gan": Table(gallery_drawings.which_gan, "python -m benchmarks.gallery", sources=("gallery",)),
    "papers": Table(
        site_drawings.papers,
        "the command of its name",
        sources=("table1_mnist", "first_models", "mode_coverage", "classifier_steps"),
    ),
}
"""The tables by the prefix of their names."""


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
