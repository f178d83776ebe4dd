"""The page of several seeds, for `python -m jgan.report`: means and spreads, and the last samples of each seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jgan import models, pages, run_page
from jgan.data import reading
from jgan.pages import Markup
from jgan.training import journal, records, seeds, spreads


def page(workdir: Path) -> str:
    """The page of several seeds that were, or are, trained together.

    Args:
      workdir: their folder.

    Returns:
      The HTML file.

    Raises:
      ValueError, OSError: if the folder is none of several seeds, or a file of it cannot be read.
    """
    held = seeds.of(workdir)
    record = run_page.configuration(seeds.first(workdir))
    rows, lines = journal.rows(workdir, torn=True), run_page.lines_of_log(workdir)
    of_each = {seed: journal.rows(seeds.member(workdir, seed), torn=True) for seed in held}
    config = record["config"]
    name = f"{config.get('preset', 'run')} on {config.get('dataset', 'its data')}, {len(held)} seeds"
    with reading.naming(seeds.first(workdir) / records.CONFIG, "the record of a run"):
        options, origin = run_page.options(record), run_page.origin(record)
    with reading.naming(workdir / journal.METRICS, "the lines of a journal"):
        curves, table = run_page.curves(rows), _table({seed: found[-1] for seed, found in of_each.items() if found})
    return pages.page(
        name,
        pages.element("h1", name),
        pages.element("p", _about(record, held, rows)),
        *(pages.element("p", line, class_="warning") for line in run_page.warnings(lines, rows)),
        pages.section("Last line of each seed", table),
        pages.section("Curves: means, and one standard deviation", curves),
        pages.section("Last samples of each seed", *(samples(seeds.member(workdir, seed), f"seed {seed}") for seed in held)),
        pages.section("Options of the first seed", *options),
        pages.section("Data and environment", *origin),
        pages.section("Log", pages.details("the last lines", pages.element("pre", "\n".join(lines[-run_page.LINES :])))),
    )


def _about(record: dict[str, Any], held: Sequence[int], rows: Sequence[dict[str, Any]]) -> str:
    config = record["config"]
    preset = models.presets().get(config.get("preset", ""))
    reached, steps = rows[-1]["step"] if rows else 0, config.get("steps", 0)
    words = (
        "" if preset is None else preset.description,
        f"step {reached:,} of {steps:,}",
        f"seeds {held[0]} to {held[-1]}, trained together",
        record.get("environment", {}).get("device", ""),
        "python -m jgan.report writes the page of one seed, with its history, from its own folder",
    )
    return "; ".join(part for part in words if part)


def _table(rows: Mapping[int, Mapping[str, Any]]) -> Markup:
    """The last line of each seed, side by side, with their mean and standard deviation."""
    if len(rows) < 2:
        return Markup()
    mean = spreads.means(rows)
    names = [name for name in mean if not name.endswith(spreads.STD) and name not in ("step", "warning")]
    body = [
        [name, run_page.number(mean[name]), run_page.number(mean.get(name + spreads.STD, ""))]
        + [run_page.number(row.get(name)) for row in rows.values()]
        for name in names
    ]
    return pages.table(body, ["", "mean", "standard deviation", *(f"seed {seed}" for seed in rows)])


def samples(workdir: Path, title: str) -> Markup:
    """The newest samples of a run, a picture or lines of text.

    Args:
      workdir: the folder of the run.
      title: what the caption says before the step.

    Returns:
      The figure; nothing if there are none.
    """
    found = sorted((workdir / "samples").glob("step_*.*"))
    if not found:
        return Markup()
    path, caption = found[-1], pages.element("figcaption", f"{title}, step {int(found[-1].stem[5:]):,}")
    if path.suffix == ".txt":
        shown = pages.element("pre", path.read_text(encoding="utf-8", errors="replace"))
    else:
        shown = run_page.picture(path, f"samples: {title}")
    return pages.element("figure", pages.joined([caption, shown]))
