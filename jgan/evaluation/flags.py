"""The options of the measures as flags of a command: each measure that has options is a group of flags, `--MEASURE.OPTION`."""

import dataclasses
import keyword
import typing
from collections.abc import Sequence
from typing import Any

from jgan.evaluation.measure import MEASURES
from jgan.evaluation.paired import PAIRED


def with_options(base: type) -> type[Any]:
    """The type of a command's flags, and for each measure that has options a group of its own.

    Args:
      base: a frozen dataclass, the command's other flags.

    Returns:
      A dataclass derived from `base`; the options of the measure `kid`, say, are its field `kid`.

    Raises:
      ValueError: if a measure has the name of a flag of `base`.

    Example:
      >>> import dataclasses
      >>> from jgan.evaluation import flags
      >>> @dataclasses.dataclass(frozen=True)
      ... class Args:
      ...     seed: int = 0
      >>> flags.with_options(Args)().kid.subsets
      100
    """
    from tyro.conf import arg

    taken = sorted({field.name for field in dataclasses.fields(base)} & {_field(name) for name in _types()})
    if taken:
        raise ValueError(f"the metric {taken[0]} has the name of a flag: register it under another name")
    fields = [
        (_field(name), typing.Annotated[options, arg(name=name)], dataclasses.field(default_factory=options))
        for name, options in _types().items()
    ]
    return dataclasses.make_dataclass("Args", fields, bases=(base,), frozen=True, namespace={"__doc__": base.__doc__})


def in_full(argv: Sequence[str]) -> list[str]:
    """The arguments with the short names of options replaced by the full ones.

    Args:
      argv: the arguments of a command.

    Returns:
      The arguments.

    Example:
      >>> from jgan.evaluation import flags
      >>> flags.in_full(["--k", "3", "--k=4", "--kid.subsets", "5"])
      ['--prdc.k', '3', '--prdc.k=4', '--kid.subsets', '5']
    """
    full = {
        field.metadata["flag"]: f"--{name}.{field.name.replace('_', '-')}"
        for name, options in _types().items()
        for field in dataclasses.fields(options)
        if "flag" in field.metadata
    }
    parts = [word.partition("=") for word in argv]
    return [full.get(name, name) + equals + value for name, equals, value in parts]


def check(args: Any, names: Sequence[str]) -> None:
    """Checks that options were given only for measures that are asked for; those of others would silently do nothing.

    Args:
      args: an instance of the type that `with_options` makes.
      names: the measures that are asked for.

    Raises:
      ValueError: names the measure.
    """
    for name, options in _types().items():
        if name not in names and getattr(args, _field(name)) != options():
            raise ValueError(f"--{name}.*: options of {name} are given, but {name} is not among --metrics: add it there")


def options(args: Any, names: Sequence[str]) -> dict[str, Any]:
    """The options of some measures.

    Args:
      args: an instance of the type that `with_options` makes.
      names: the measures.

    Returns:
      The options by the name of the measure, without those that have none.
    """
    return {name: getattr(args, _field(name)) for name in names if name in _types()}


def _types() -> dict[str, type[Any]]:
    known: dict[str, Any] = {**MEASURES, **PAIRED}
    return {name: measure.options for name, measure in known.items() if dataclasses.fields(measure.options)}


def _field(name: str) -> str:
    """The name of the field; `is`, for one, cannot be a field itself."""
    return f"{name}_" if keyword.iskeyword(name) else name
