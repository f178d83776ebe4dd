"""The page of a sweep, for `python -m jgan.report`: what each combination of options has reached, and its last samples."""

import io
from pathlib import Path

from jgan import pages, plots, run_page, seeds_page
from jgan.pages import Markup
from jgan.training import journal, records, seeds, sweep_results, sweeps


def page(workdir: Path) -> str:
    """The page of a sweep that has ended, or is still training.

    Args:
      workdir: its folder.

    Returns:
      The HTML file.

    Raises:
      ValueError, OSError: if the folder is not that of a sweep, has no run yet, or a file of it cannot be read.
    """
    arguments, over = sweeps.read(workdir)
    chosen = sweeps.settings(over)
    begun = [one for one in chosen if (seeds.first(workdir / one.folder) / records.CONFIG).exists()]
    if not begun:
        raise ValueError(f"{workdir}: expected the runs of a sweep, found none that has begun")
    found = sweep_results.ranked(workdir, chosen)
    config = run_page.configuration(seeds.first(workdir / begun[0].folder))["config"]
    name = f"{config.get('preset', 'runs')} with several values of {' and '.join(over)}"
    about = f"{len(found)} of {len(chosen)} combinations have ended; shared arguments: {' '.join(arguments) or 'none'}"
    order = [setting for setting, _ in found] + [one for one in begun if one not in [setting for setting, _ in found]]
    doubt = sweep_results.caution(found)
    header, *rows = sweep_results.table(found) if found else [[]]
    best = pages.table(rows, header) if rows else Markup()
    return pages.page(
        name,
        pages.element("h1", name),
        pages.element("p", about),
        pages.section("The best one first", best, *([pages.element("p", doubt)] if doubt else [])),
        pages.section("Over the steps", _curves(workdir, order, found[0][1].measure if found else "")),
        pages.section("Last samples", *(_samples(workdir, setting) for setting in order)),
        pages.section(
            "Folders",
            pages.element("p", "python -m jgan.report writes the page of each combination from its own folder:"),
            pages.table([[setting.folder] for setting in order]),
        ),
    )


def _words(setting: sweeps.Setting) -> str:
    return ", ".join(f"{flag.rpartition('.')[2]} {value}" for flag, value in setting.options.items())


def _curves(workdir: Path, order: list[sweeps.Setting], measure: str) -> Markup:
    journals = [journal.rows(workdir / setting.folder, torn=True) for setting in order]
    lines = {_words(one): run_page.thinned(rows, run_page.POINTS) for one, rows in zip(order, journals, strict=True)}
    try:
        figure = plots.compared(lines, measure)
    except ValueError:
        return Markup()
    figure.savefig(file := io.BytesIO(), format="svg")
    return pages.image(file.getvalue(), "curves.svg", f"{measure} of each combination over steps", class_="figure")


def _samples(workdir: Path, setting: sweeps.Setting) -> Markup:
    return seeds_page.samples(seeds.first(workdir / setting.folder), _words(setting))
