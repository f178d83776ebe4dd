"""Registries of named objects (losses, penalties, models, data sets ...), each registered in the file that defines it."""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from jgan.utils.text import listed, shortened

T = TypeVar("T")


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The error message for an unknown name, with the closest known one.

    Args:
      kind: the kind of object that the name refers to, such as "loss".
      name: the unknown name.
      known: all known names.

    Returns:
      The message.

    Example:
      >>> from jgan.utils import registry
      >>> registry.unknown("loss", "hing", ["hinge", "wasserstein"])
      "unknown loss 'hing', did you mean 'hinge'? Known are hinge, wasserstein"
    """
    names = list(known)
    close = difflib.get_close_matches(str(name).lower(), names, n=1)
    hint = f", did you mean {close[0]!r}? Known" if close else ": known"
    found = shortened(name, 60) if isinstance(name, str) else name
    return f"unknown {kind} {found!r}{hint} are {listed(names, MOST_NAMES)}"


MOST_NAMES = 40
"""Names listed in a message about an unknown one."""


class Registry(Mapping[str, T]):
    """A mapping from names to objects of one kind; an unknown name raises a `ValueError` that suggests the closest one.

    Args:
      kind: the kind of object, for messages, such as "loss".
      fill: called once before the first look-up, to import the modules whose objects register themselves.

    Example:
      >>> from jgan.utils.registry import Registry
      >>> colours = Registry("colour")
      >>> colours.register("red", 1)
      1
      >>> colours["rod"]
      Traceback (most recent call last):
      ValueError: unknown colour 'rod', did you mean 'red'? Known are red
    """

    def __init__(self, kind: str, fill: Callable[[], object] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._fill = fill

    def register(self, name: str, entry: T) -> T:
        """Adds an entry and returns it; raises a `ValueError` if the name is taken by another one."""
        if name in self._entries and self._entries[name] is not entry:
            raise ValueError(f"a {self.kind} named {name!r} is registered already: choose another name")
        self._entries[name] = entry
        return entry

    def _filled(self) -> dict[str, T]:
        if self._fill is not None:
            fill, self._fill = self._fill, None  # None while it runs: what it imports may look entries up
            try:
                fill()
            except BaseException:
                self._fill = fill  # the next look-up reports the error again
                raise
        return self._entries

    def __getitem__(self, name: str) -> T:
        entries = self._filled()
        if name not in entries:
            raise ValueError(unknown(self.kind, name, entries))
        return entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._filled()

    def __iter__(self) -> Iterator[str]:
        return iter(self._filled())

    def __len__(self) -> int:
        return len(self._filled())


def import_all(package: str, path: Iterable[str]) -> list[str]:
    """Imports every module of a package, so that each registers what it defines.

    Args:
      package: the package's name, `__name__`.
      path: the package's `__path__`.

    Returns:
      The names of the modules, sorted, without the package's. A command, `__main__`, is left out.

    Example:
      >>> import jgan.losses
      >>> from jgan.utils import registry
      >>> "classic" in registry.import_all("jgan.losses", jgan.losses.__path__)
      True
    """
    names = sorted(module.name for module in pkgutil.iter_modules(path) if module.name != "__main__")
    for name in names:
        importlib.import_module(f"{package}.{name}")
    return names
