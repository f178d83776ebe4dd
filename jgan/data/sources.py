"""The registry of data sets: each source registers itself in the file where it is written.

To add a data set, write one file in this folder: a function `load(name, data_dir) -> Dataset`, and at the end of the file
`sources.register(name, load, "what it holds")`. No list needs an entry.
"""

import difflib
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jgan.data.dataset import Dataset
from jgan.utils.registry import Registry

Load = Callable[[str, Path | None], Dataset]
"""`load(name, data_dir) -> Dataset`; the name is what was asked for, with any options after a colon."""


class Source(NamedTuple):
    """A source of data.

    Attributes:
      load: the function that loads it.
      description: what it holds and where that is read from, for the help of the commands.
      usage: how its name is written, with its options.
    """

    load: Load
    description: str
    usage: str


SOURCES: Registry[Source] = Registry("data set")
"""The sources, by the part of the name before a colon; any other name is looked up in tensorflow-datasets."""


def register(name: str, load: Load, description: str, *, usage: str = "") -> Source:
    """Registers a source.

    Args:
      name: its name, without a colon.
      load: the function that loads it.
      description: what it holds and where that is read from, in one line.
      usage: how the name is written if it takes options, such as `"folder, folder:HEIGHTxWIDTH"`.

    Returns:
      The `Source`.

    Raises:
      ValueError: if the name is taken.

    Example:
      >>> from jgan.data import sources
      >>> sources.SOURCES["digits"].usage
      'digits'
    """
    return SOURCES.register(name, Source(load, description, usage or name))


def load(name: str, data_dir: str | Path | None = None) -> Dataset:
    """Loads a data set into memory.

    Args:
      name: one of the names that `describe` lists, or any set of images of tensorflow-datasets.
      data_dir: the folder of the data, for `npz` and `text` also the file; None for sets that read no files, and for the
        default folder of tensorflow-datasets.

    Returns:
      The `Dataset`.

    Raises:
      ValueError: if the name is unknown, or the data are not what they should be.
      FileNotFoundError: if files are missing.

    Example:
      >>> from jgan import data
      >>> data.load("digits").test.x.shape
      (296, 8, 8, 1)
      >>> data.load("digit")  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      ValueError: unknown data set 'digit', did you mean 'digits'? Known are cifar10, digits, ...
    """
    from jgan.data import tfds  # it imports modules that register themselves here

    folder = None if data_dir is None else Path(data_dir).expanduser()
    base = name.partition(":")[0]
    if base in SOURCES:
        return SOURCES[base].load(name, folder)
    if not tfds.knows(name, folder):
        raise ValueError(_unknown(name))
    return tfds.load(name, folder)


def _unknown(name: str) -> str:
    """The message for a name that no source has."""
    from jgan.data import tfds

    try:
        others = tfds.names()
        rest = f"the {len(others)} of tensorflow-datasets"
    except ValueError as error:
        others, rest = [], f"those of tensorflow-datasets; but {error}"
    close = difflib.get_close_matches(name.lower(), [*sorted(SOURCES), *others], n=1)
    hint = f", did you mean {close[0]!r}? Known" if close else ": known"
    return f"unknown data set {name!r}{hint} are {', '.join(sorted(SOURCES))} and {rest}"


def inner(name: str, example: str) -> str:
    """The name of the data set that a derived one is made from: all that follows the first colon.

    Args:
      name: the whole name, such as `inverted:mnist`.
      example: a right name, for the error.

    Returns:
      The name after the colon.

    Raises:
      ValueError: if nothing follows.

    Example:
      >>> from jgan.data import sources
      >>> sources.inner("inverted:olivetti:32", "inverted:mnist")
      'olivetti:32'
    """
    base, _, rest = name.partition(":")
    if not rest:
        raise ValueError(f"{base} is made from another data set: write its name after a colon, as in {example}, found {name!r}")
    return rest


def describe(width: int = 120) -> str:
    """Lists the data sets, for the help of the commands.

    Args:
      width: the number of characters in a line.

    Returns:
      The text: one entry for each source, and one for those of tensorflow-datasets.

    Example:
      >>> from jgan import data
      >>> print(data.describe().splitlines()[2])
        digits                       1,797 real digits, 8x8, 10 classes; part of scikit-learn
    """
    entries = {source.usage: source.description for _, source in sorted(SOURCES.items())}
    entries["NAME, NAME/CONFIG"] = "any set of images of one size of tensorflow-datasets; --data-dir is its data folder"
    column = 2 + max(map(len, entries)) + 2
    return "\n".join(
        textwrap.fill(
            text, width, initial_indent=f"  {usage}".ljust(column), subsequent_indent=" " * column, break_on_hyphens=False
        )
        for usage, text in entries.items()
    )
