"""Two sets of images measured as a command does it: each result is written, and then shown, as soon as it is known."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jgan.evaluation import by_class, flags, paired, sides, table
from jgan.evaluation.measure import MEASURES, Row
from jgan.features import choice
from jgan.utils import output
from jgan.utils.results import Results


def measure(given: sides.Given, names: Sequence[str], args: Any, results: Results) -> None:
    """Measures one set of images against another, one measure after the other.

    Args:
      given: the sets.
      names: the measures.
      args: the flags of the command.
      results: takes the protocol, each result by its name, and the table, as each measure is done.
    """
    shape = given.real.images.shape[1:]
    extractor = choice.choose(args.extractor, shape, args.weights, args.resizer)
    names = [name for name in names if name in MEASURES]
    outcomes: list[sides.Outcome] = []
    with sides.progress_bar() as progress:
        measurement = sides.Measurement(
            *(given, names, extractor),
            options=flags.options(args, names),
            seed=args.seed,
            cache=args.cache or (None if args.workdir is None else args.workdir / "features"),
            progress=progress,
            note=output.warn,
        )
        heading = f"\n{sides.headline(measurement.protocol)}\n"
        for name in names:
            outcomes.append(measurement.compute(name))
            if outcomes[-1].error:
                results.fail(name, outcomes[-1].error)
                continue
            done = {outcome.name: outcome for outcome in outcomes if not outcome.error}
            results.add(
                heading + table.text([("", done[name].rows)]),
                protocol=measurement.protocol._asdict(),
                table={name: [_plain(row) for row in outcome.rows] for name, outcome in done.items()},
                **{name: outcome.result for name, outcome in done.items()},
            )
            heading = ""
        if args.per_class:
            within = [outcome.name for outcome in outcomes if not outcome.error and MEASURES[outcome.name].within_class]
            classes = by_class.measure(measurement, within)
            results.add(f"\nwithin each class\n{by_class.text(classes)}", by_class=[of.result for of in classes])
    if args.pictures is not None and len(results.failed) < len(names):
        for path in sides.draw(args.pictures, sides.collect(measurement, outcomes)):
            output.show(f"picture: {path}")


def _plain(row: Row) -> dict[str, Any]:
    """A row for JSON, its numbers as Python's."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in row._asdict().items()}


def measure_pairs(
    given: Mapping[str, Iterable[paired.Pair]], names: Sequence[str], options: Mapping[str, Any], results: Results
) -> None:
    """Measures images against their truths.

    Args:
      given: the pairs, by direction if a model has several; "" for a single set.
      names: the measures, of `jgan.evaluation.paired.PAIRED`.
      options: the options of those that have any.
      results: takes the protocol, each result by its name, and the table.
    """
    protocol: dict[str, Any] = {}
    lines: dict[str, list[dict[str, Any]]] = {}
    for direction, some in given.items():
        measured = paired.measure(some, names, options)
        beginning, ending = (f"{direction}, ", f"_{direction}") if direction else ("", "")
        protocol |= {f"{key}{ending}": value for key, value in measured.protocol.items() if key != "options"}
        protocol["options"] = measured.protocol["options"]
        for name, rows in measured.rows.items():
            lines[name + ending] = [_plain(row._replace(name=beginning + row.name)) for row in rows]
        heading = f"{beginning}{measured.protocol['n']:,} images against their truths"
        shown = table.text([("", [row for rows in measured.rows.values() for row in rows])])
        found = {name + ending: result for name, result in measured.results.items()}
        results.add(f"\n{heading}\n{shown}", protocol=protocol, table=lines, **found)
