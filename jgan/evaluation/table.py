"""Tables of one result, or of several side by side if their protocols are the same."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jgan.evaluation import protocol
from jgan.evaluation.measure import Row
from jgan.utils.text import shortened

LARGEST = 10**7
"""The most bytes that a result may have; it usually has some thousands."""


def text(columns: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """One table line per value.

    Args:
      columns: the heading and the rows of each result.

    Returns:
      The lines, below a line of headings if there are several results. A value with a caution is marked by `!`, and the caution
      stands below the table.

    Example:
      >>> from jgan.evaluation import table
      >>> from jgan.evaluation.measure import Row
      >>> print(table.text([("", [Row("KID", 0.0125, 0.001, "lower")])]))
      KID                           0.0125 +- 0.001   lower
      >>> print(table.text([("", [Row("FID", 3.5, None, "lower", "20 samples, fewer than 65: ...")])]))
      FID                                     3.5 !   lower
      ! FID: 20 samples, fewer than 65: ...
    """
    lines, cautions = [], []
    if len(columns) > 1:
        lines.append(f"{'':<24}" + "".join(f"{heading:>21}" for heading, _ in columns))
    for name in dict.fromkeys(row.name for _, rows in columns for row in rows):
        held = [next((row for row in rows if row.name == name), None) for _, rows in columns]
        better = next(row.better for row in held if row is not None)
        lines.append(f"{name:<24}" + "".join(f"{_figure(row):>21}" for row in held) + f"   {better}")
        cautions += [
            (row.caution, f"{name}, {heading}" if heading else name)
            for row, (heading, _) in zip(held, columns, strict=True)
            if row is not None and row.caution
        ]
    for caution in dict.fromkeys(caution for caution, _ in cautions):
        lines.append(f"! {', '.join(name for of, name in cautions if of == caution)}: {caution}")
    return "\n".join(lines)


def _figure(row: Row | None) -> str:
    if row is None:
        return "not measured"
    return f"{row.value:.5g}" + ("" if row.spread is None else f" +- {row.spread:.2g}") + (" !" if row.caution else "")


def side_by_side(paths: Sequence[Path], *, any_protocol: bool = False) -> str:
    """A table of several results of `python -m jgan.evaluate`, side by side.

    Args:
      paths: the paths of the results, at least two.
      any_protocol: whether to show them even if their protocols differ; the differences are listed above the table.

    Returns:
      The table.

    Raises:
      FileNotFoundError: if a result does not exist.
      ValueError: if the protocols differ and `any_protocol` is false, or a file is not such a result.
    """
    if len(paths) < 2:
        raise ValueError(f"--compare needs at least two results, found {len(paths)}")
    results = [_result(path) for path in paths]
    notes = []
    for path, result in zip(paths[1:], results[1:], strict=True):
        differences = protocol.differences(results[0]["protocol"], result["protocol"])
        if differences and not any_protocol:
            raise ValueError(
                f"{paths[0]} and {path} were measured in different ways, {'; '.join(differences)}: measure one of them "
                "again, or give --any-protocol to show them anyway"
            )
        notes += [f"different in {path}: {difference}" for difference in differences]
    columns = [
        (path.stem, [row for rows in result["table"].values() for row in rows])
        for path, result in zip(paths, results, strict=True)
    ]
    return "\n".join([*notes, text(columns)])


def _result(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST or not path.is_file():
            raise ValueError(f"it is not a file of at most {LARGEST:,} bytes")
        result = json.loads(path.read_text())
        table = {name: [Row(**row) for row in rows] for name, rows in dict(result["table"]).items()}
        for row in (row for rows in table.values() for row in rows):
            if not isinstance(row.value, int | float) or not isinstance(row.spread, int | float | None):
                raise ValueError(f"the value of {shortened(str(row.name), 60)} is not a number")
        return {"protocol": dict(result["protocol"]), "table": table}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such result; python -m jgan.evaluate writes one") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = shortened(repr(error), 200)
        raise ValueError(f"{path}: expected a result of python -m jgan.evaluate with a protocol in it ({what})") from error
