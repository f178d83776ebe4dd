"""The README's tables, drawn from the result files, so that no number in it is typed by hand.

  python -m benchmarks.tables            writes them into README.md
  python -m benchmarks.tables --check    exit status 1 if the README says anything else than the files

In the README a table stands between `<!-- table: NAME -->` and `<!-- end -->`; it is drawn from
`benchmarks/results/NAME.json` by the function of `TABLES` whose key NAME begins with.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import drawings
from jgan.utils import cli
from jgan.utils.files import replacing

PROG = "python -m benchmarks.tables"
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(?P<begin><!-- table: (?P<name>[\w-]+) -->\n)(?P<table>.*?)(?P<end><!-- end -->)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Args:
    """What `python -m benchmarks.tables` is asked to do."""

    check: bool = False
    """write nothing; exit with status 1 if a table is not what its file says"""
    readme: Path = ROOT / "README.md"
    """the text with the tables"""
    results: Path = RESULTS
    """the folder of the result files"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the text or a result cannot be read; `jgan.utils.cli.run` makes one line of it.
    """
    args = cli.parse(Args, sys.argv[1:] if argv is None else argv, prog=PROG, description=__doc__ or "")
    text = args.readme.read_text()
    drawn, stale = draw(text, args.results)
    if args.check:
        for name in stale:
            print(f"{args.readme}: the table {name} is not what {args.results / name}.json says; run {PROG}", file=sys.stderr)
        sys.exit(1 if stale else 0)
    if stale:
        with replacing(args.readme) as temporary:
            temporary.write_text(drawn)
    print(f"{args.readme}: {len(MARKED.findall(text))} tables, {len(stale)} changed")


def draw(text: str, results: Path = RESULTS) -> tuple[str, list[str]]:
    """Draws every table of a text anew.

    Args:
      text: the text with the markers.
      results: the folder of the result files.

    Returns:
      `(new text, names of the tables that changed)`.

    Raises:
      FileNotFoundError: if a table's result is not there.
      ValueError: if a marker is not closed, or a table's name is unknown, or its file is not such a result.
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
    """Draws one table.

    Args:
      name: the result file's name without its ending.
      results: its folder.

    Returns:
      Markdown, without a final newline.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if no function draws it, or it is not such a result.
    """
    table = next((table for prefix, table in TABLES.items() if name.startswith(prefix)), None)
    if table is None:
        raise ValueError(f"expected a table whose name begins with one of {', '.join(TABLES)}, found {name!r}")
    path = results / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; {table.command} makes it")
    try:
        return table.draw(json.loads(path.read_text()))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a result that {table.command} wrote ({error!r})") from error


class Table(NamedTuple):
    """How a table is drawn from a result, and the command that makes the result."""

    draw: Callable[[dict[str, Any]], str]
    command: str


TABLES: dict[str, Table] = {
    "table1": Table(drawings.table1, "python -m benchmarks.mnist_parzen"),
    "throughput": Table(drawings.throughput, "python -m benchmarks.throughput"),
    "mode_coverage": Table(drawings.mode_coverage, "python -m benchmarks.mode_coverage"),
    "metrics_speed": Table(drawings.metrics_speed, "python -m benchmarks.metrics_speed"),
    "metrics_memory": Table(drawings.metrics_speed, "python -m benchmarks.metrics_speed --alone"),
}
"""The tables by what their names begin with."""


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
