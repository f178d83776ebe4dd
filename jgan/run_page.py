"""The page of a run, for `python -m jgan.report`: from the files in its folder, without its data and without its networks."""

import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from jgan import models, pages, plots
from jgan.data import reading
from jgan.pages import Markup
from jgan.training import journal, log, records
from jgan.utils import text

FRAMES, SIDE = 60, 1024
"""Of the history of samples: the most pictures, evenly chosen, and the side to which larger ones are reduced."""

ROWS, POINTS = 100, 2000
"""The most lines of the journal in the table and in the curves, beside those that were measured."""

LINES = 400
"""The most lines of the log."""

T = TypeVar("T")


def page(workdir: Path) -> str:
    """The page of a run.

    Args:
      workdir: the folder of the run.

    Returns:
      The HTML file.

    Raises:
      ValueError, OSError: if it holds no run, or a file of it cannot be read.
    """
    record, rows, lines = configuration(workdir), journal.rows(workdir, torn=True), lines_of_log(workdir)
    path, config = workdir / "summary.json", record["config"]
    summary = _json(path) if path.exists() else {}
    name = f"{config.get('preset', 'run')} on {config.get('dataset', 'its data')}"
    with reading.naming(workdir / records.CONFIG, "the record of a run"):
        about, parts, source = _about(record, rows, summary), options(record), origin(record)
    with reading.naming(path, "the summary of a run"):
        measures = _measures(summary, rows)
    with reading.naming(workdir / journal.METRICS, "the lines of a journal"):
        drawn, table = curves(rows), _rows(rows)
    tail = lines[-LINES:]
    shown = pages.details(f"the last {len(tail):,} lines", pages.element("pre", "\n".join(tail))) if tail else ""
    return pages.page(
        name,
        pages.element("h1", name),
        pages.element("p", about),
        *(pages.element("p", line, class_="warning") for line in warnings(lines, rows)),
        pages.section("Samples", _history(workdir)),
        pages.section("Measures", measures),
        pages.section("Curves", drawn),
        pages.section("Pictures", *_pictures(workdir)),
        pages.section("Options", *parts),
        pages.section("Data and environment", *source),
        pages.section("Journal", table),
        pages.section("Log", shown),
    )


def animation(workdir: Path) -> list[np.ndarray]:
    """The pictures of a run's samples, in the order of their steps, as `jgan.plots.animation` takes them.

    Args:
      workdir: the folder of the run.

    Returns:
      uint8 `[height, width, 3]`, those of the size of the last picture.

    Raises:
      ValueError: if there are none.
    """
    from PIL import Image

    paths = _samples(workdir, ".png")
    if not paths:
        raise ValueError(f"{workdir / 'samples'}: expected pictures of samples, found none")

    def opened(path: Path, read: Callable[[Any], T]) -> T:
        with reading.naming(path, "a picture"), Image.open(path) as picture:
            return read(picture)

    # Those of an earlier phase of a growing model may have another size. Only the chosen ones are decoded.
    sizes = [opened(path, lambda picture: picture.size) for path in paths]
    same = [path for path, size in zip(paths, sizes, strict=True) if size == sizes[-1]]
    return [opened(path, lambda picture: np.asarray(picture.convert("RGB"))) for path in evenly(same, FRAMES)]


def configuration(workdir: Path) -> dict[str, Any]:
    """The content of a run's `config.json`, as it is.

    Args:
      workdir: the folder of the run.

    Returns:
      The record; `["config"]` is a dict.

    Raises:
      ValueError, OSError: if the folder holds no run, or the file is damaged.
    """
    path = workdir / records.CONFIG
    if not workdir.is_dir() or not path.exists():
        raise ValueError(
            f"{workdir}: expected the folder of a run, which holds {records.CONFIG}; python -m jgan.train makes one"
        )
    record = _json(path)
    if not isinstance(record.get("config"), dict):
        raise ValueError(f"{path}: expected the record of a run, found a file without its options")
    return record


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of a sequence, evenly chosen, the first and the last among them.

    Args:
      items: the sequence.
      most: their number, at least 2.

    Returns:
      The chosen ones, in their order.

    Example:
      >>> from jgan import run_page
      >>> run_page.evenly(range(10), 4)
      [0, 3, 6, 9]
    """
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON, found {text.one_line(error)}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected an object of JSON, found {type(found).__name__}")
    return found


def lines_of_log(workdir: Path) -> list[str]:
    """The lines of a folder's `log.txt`; none if there is no such file."""
    path = workdir / log.LOG
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _about(record: dict[str, Any], rows: Sequence[dict[str, Any]], summary: dict[str, Any]) -> str:
    """What the run is and how far it is."""
    config, presets = record["config"], models.presets()
    preset = presets.get(config.get("preset", ""))
    reached, steps = rows[-1]["step"] if rows else 0, config.get("steps", 0)
    done = bool(summary) and reached >= steps
    progress = f"finished after {reached:,} steps" if done else f"step {reached:,} of {steps:,}"
    machine = record.get("environment", {}).get("device", "")
    words = ("" if preset is None else preset.description, progress, f"seed {config.get('seed', 0)}", machine)
    return "; ".join(part for part in words if part)


def warnings(lines: Sequence[str], rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the log and the collapse monitor warn of, each once, without the time."""
    found = [line.split(" ", 1)[-1] for line in lines if re.search(r"\b(warning|error):", line)]
    found += [f"step {row['step']:,}: {row['warning']}" for row in rows if row.get("warning")]
    return list(dict.fromkeys(found))[-20:]


def _samples(workdir: Path, suffix: str) -> list[Path]:
    return sorted((workdir / "samples").glob(f"step_*{suffix}"))


def _history(workdir: Path) -> Markup:
    """Pictures if the run has any, else texts."""
    frames = {}
    for path in evenly(_samples(workdir, ".png") or _samples(workdir, ".txt"), FRAMES):
        step = f"step {int(path.stem.removeprefix('step_')):,}" if path.stem[5:].isdecimal() else path.stem
        if path.suffix == ".txt":
            frames[step] = pages.element("pre", path.read_text(encoding="utf-8", errors="replace"))
        else:
            frames[step] = picture(path, f"samples at {step}")
    return pages.history(frames)


def picture(path: Path, alt: str) -> Markup:
    """A picture in the folder of a run, reduced if it is large, with its alternative text."""
    from PIL import Image

    content = path.read_bytes()
    with reading.naming(path, "a picture"), Image.open(io.BytesIO(content)) as picture:
        if max(picture.size) > SIDE and path.suffix.lower() != ".gif":
            picture.thumbnail((SIDE, SIDE))
            picture.save(smaller := io.BytesIO(), "PNG")
            content = smaller.getvalue()
    return pages.image(content, path.name, alt)


def _pictures(workdir: Path) -> list[Markup]:
    """The other pictures in the folder of the run; the curves are drawn anew."""
    found = [path for path in sorted(workdir.glob("*.*")) if path.suffix.lower() in (".png", ".gif")]
    found = [path for path in found if path.stem != "curves" and not path.name.startswith(".")]
    return [
        pages.element("figure", pages.joined([pages.element("figcaption", path.name), picture(path, path.name)]))
        for path in found
    ]


def _measures(summary: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Markup:
    """The summary's figures, and the last and best lines of the journal side by side."""
    last = rows[-1] if rows else {}
    whole = {name: value for name, value in summary.items() if name not in ("environment", "last", "best", "preset", "steps")}
    whole = records.flat(whole)
    if summary and (summary.get("last") or {}).get("step") != last.get("step"):  # the run went on after it
        whole = {f"{name}, after {number(summary.get('steps'))} steps": value for name, value in whole.items()}
    best = summary.get("best") or {}
    sides = [[name, number(last.get(name)), number(best.get(name))] for name in dict.fromkeys([*last, *best])]
    return pages.joined(
        [
            pages.table([[name, number(value)] for name, value in whole.items()]),
            pages.table(sides, ["", "last", "best"]),
        ]
    )


def curves(rows: Sequence[dict[str, Any]]) -> Markup:
    """The curves of a journal's lines; nothing if there is nothing to draw."""
    chosen = thinned(rows, POINTS)
    try:
        figure = plots.curves(chosen)
    except ValueError:
        return Markup()
    figure.savefig(file := io.BytesIO(), format="svg")
    return pages.image(file.getvalue(), "curves.svg", "curves of losses and measures over steps", class_="figure")


def thinned(rows: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """Fewer lines of a journal for a picture: all that were measured, and of the others some, evenly chosen.

    Args:
      rows: the lines.
      most: how many of those that have no measure that most lines lack.

    Returns:
      The chosen lines, in their order.

    Example:
      >>> from jgan import run_page
      >>> rows = [{"step": step, "d_loss": 0.5} | ({"fid": 3.0} if step == 7 else {}) for step in range(10)]
      >>> [row["step"] for row in run_page.thinned(rows, 3)]
      [0, 4, 7, 9]
    """
    counts: dict[str, int] = {}
    for row in rows:
        for name in row:
            counts[name] = counts.get(name, 0) + 1
    rare = {name for name, count in counts.items() if count < len(rows) / 2}
    kept = {index for index, row in enumerate(rows) if not rare.isdisjoint(row)}
    kept |= set(evenly([index for index in range(len(rows)) if index not in kept], most))
    return [rows[index] for index in sorted(kept)]


def _rows(rows: Sequence[dict[str, Any]]) -> Markup:
    chosen = thinned(rows, ROWS)
    names = list(dict.fromkeys(name for row in chosen for name in row))
    body = pages.table([[number(row.get(name)) for name in names] for row in chosen], names)
    which = f"all {len(rows):,} lines" if len(chosen) == len(rows) else f"{len(chosen)} of {len(rows):,} lines"
    return pages.details(f"{which} of {journal.METRICS}", body) if rows else Markup()


def options(record: dict[str, Any]) -> list[Markup]:
    """The options of a run, from its record; those that its preset has otherwise are emphasised."""
    config, usual = record["config"], dict[str, Any]()
    preset = models.presets().get(config.get("preset", ""))
    if preset is not None:
        same = ("dataset", "batch_size", "steps", "sample_every")
        usual = {name: getattr(preset, name) for name in same} | records.flat({"model": models.to_dict(preset.config)})
        usual = json.loads(json.dumps(usual))
    found = records.flat(config)
    changed = [index for index, (name, value) in enumerate(found.items()) if name in usual and usual[name] != value]
    body = pages.table([[name, _typed(value)] for name, value in found.items()], marked=changed)
    told = pages.element("p", f"Emphasised: what differs from the preset {config.get('preset')}.") if changed else Markup()
    return [told, pages.details(f"{len(found)} options", body)]


def origin(record: dict[str, Any]) -> list[Markup]:
    """The data, the command and the environment of a run, from its record."""
    data = [
        [name, f"{entry.get('count', '')}", " x ".join(map(str, entry.get("shape", ()))), str(entry.get("sha256", ""))[:16]]
        for name, entry in record.get("data", {}).items()
        if isinstance(entry, dict)
    ]
    environment = [[name, value] for name, value in records.flat(record.get("environment", {})).items()]
    parts = [
        pages.table(data, ["data", "examples", "shape", "SHA-256 (first 16 digits)"]),
        pages.element("pre", record["command"]) if record.get("command") else Markup(),
        pages.details("environment", pages.table(environment)) if environment else Markup(),
    ]
    return [part for part in parts if part]


def _typed(value: Any) -> str:
    """An option as it is typed behind its flag."""
    if isinstance(value, list):
        return " ".join(map(_typed, value))
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def number(value: Any) -> str:
    """A measure as it is shown."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _typed(value)
    if isinstance(value, int) or not math.isfinite(value):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.5g}"
