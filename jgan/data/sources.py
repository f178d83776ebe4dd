"""The registry of data sets: each source registers itself in the file that defines it.

To add a data set, write one file in this folder with a function `load(name, data_dir) -> Dataset` and, at the end,
`sources.register(name, load, "description")`. No other file needs a change. A source whose data may come undivided takes one
more argument, `load(name, data_dir, held_out=None)`, passes it to `dataset.complete`, and says `register(..., holds_out=True)`;
one whose images may be read when they are needed takes `access`, see `jgan.data.lazy`, and says `register(..., streams=True)`.
"""

import difflib
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jgan.data import reading
from jgan.data.dataset import Dataset
from jgan.data.lazy import AT_ONCE, Access
from jgan.utils import text
from jgan.utils.registry import Registry

Load = Callable[..., Dataset]
"""`load(name, data_dir) -> Dataset`; the name includes any options after a colon."""

Fit = Callable[..., tuple[str, str]]
"""`fitted(name, data_dir, nearest) -> (name, what was done)`."""

COLUMN = 41
"""Where the descriptions of `describe` begin."""

DIVISION = (
    "A set that does not come divided into train, validation and test gives a sixth of each class to validation and a sixth to "
    "test, a fifth where only one of them is missing; so a third of such images is not trained on."
)
"""What the help says on the division of sets."""


class Source(NamedTuple):
    """A source of data.

    Attributes:
      load: the function that loads it.
      description: its content and where it is read from, for the help text of the commands.
      usage: the syntax of its name, with options.
      holds_out: whether its data may come undivided, and `load` has the argument `held_out`.
      streams: whether its images may be read when they are needed, and `load` has the argument `access`.
      skips: whether it can do without images that are broken; then `fitted` has the argument `skip`.
      fitted: for images of the user's own, which it resizes to the size after the colon: `fitted(name, data_dir, nearest)`, see
        the function of this name; None for sets that have the size they have.
    """

    load: Load
    description: str
    usage: str
    holds_out: bool = False
    streams: bool = False
    skips: bool = False
    fitted: Fit | None = None


SOURCES: Registry[Source] = Registry("data set")
"""The sources, by the part of the name before a colon; any other name is looked up in tensorflow-datasets."""


def register(
    name: str,
    load: Load,
    description: str,
    *,
    usage: str = "",
    holds_out: bool = False,
    streams: bool = False,
    skips: bool = False,
    fitted: Fit | None = None,
) -> Source:
    """Registers a source.

    Args:
      name: its name, without a colon.
      load: the function that loads it.
      description: its content and where it is read from, in one line.
      usage: the syntax of the name if it takes options, such as `"folder, folder:HEIGHTxWIDTH"`.
      holds_out: whether `load` has the argument `held_out`.
      streams: whether `load` has the argument `access`.
      skips: whether it can do without images that are broken.
      fitted: see `Source`.

    Returns:
      The `Source`.

    Raises:
      ValueError: if the name is taken.

    Example:
      >>> from jgan.data import sources
      >>> sources.SOURCES["digits"].usage
      'digits'
    """
    return SOURCES.register(name, Source(load, description, usage or name, holds_out, streams, skips, fitted))


def load(name: str, data_dir: str | Path | None = None, *, held_out: int | None = None, access: Access = AT_ONCE) -> Dataset:
    """Loads a data set into memory, or lists the images that are read when they are needed.

    Args:
      name: one of the names that `describe` lists, or any set of images of tensorflow-datasets.
      data_dir: the folder of the data, or the file for `npz` and `lines`; None for sets that read no files, and for the
        default folder of tensorflow-datasets. `~` is expanded.
      held_out: for sets that do not come divided: of this many successive examples of a class one is for validation and one for
        testing. By default 6, or 5 if only one of the two parts is missing; 0 holds out none: the training examples are then
        also those of the missing parts, and a measure on them does not tell whether a model has copied them.
      access: how the images of a source that `streams` are read: whether when they are needed, and what is done with those
        that are broken. By default all are read at once, and a broken one is an error. Other sources are always read at once.

    Returns:
      The `Dataset`.

    Raises:
      ValueError: if the name is unknown, the data are invalid, `held_out` is given for a set that comes divided, or a source
        cannot leave broken images out.
      FileNotFoundError: if files are missing.

    Example:
      >>> from jgan import data
      >>> data.load("digits").test.x.shape
      (296, 8, 8, 1)
      >>> data.load("digits", held_out=10).train.x.shape
      (1444, 8, 8, 1)
      >>> data.load("digit")  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      ValueError: unknown data set 'digit', did you mean 'digits'? Known are arithmetic, blurred, bsds, ...
    """
    from jgan.data import tfds  # it imports modules that register themselves here

    folder = None if data_dir is None else reading.user_path(data_dir)
    base = name.partition(":")[0]
    if base not in SOURCES and not tfds.knows(name, folder):
        raise ValueError(_unknown(name))
    source = _source(name)
    if ":" in name and source.usage and ":" not in source.usage:
        raise ValueError(f"{base} takes no options after a colon, found {text.listed([name])}: leave them out")
    if held_out is not None and not source.holds_out:
        raise comes_divided(name)
    if access.skip and not source.skips:
        able = ", ".join(sorted(known for known in SOURCES if SOURCES[known].skips))
        raise ValueError(f"{name}: only some sets can do without images that are broken, {able}: leave the option out")
    options: dict[str, Any] = {} if held_out is None else {"held_out": held_out}
    options |= {"access": access} if source.streams else {}
    try:
        return source.load(name, folder, **options)
    except RecursionError as error:
        raise ValueError(f"{text.listed([name])}: expected a data set, found too many inside each other") from error
    except ValueError as error:  # a check of the arrays does not know where they are from
        if folder is None or str(folder) in str(error):
            raise
        message = str(error).removeprefix("" if ":" in name else f"{name}: ")
        raise ValueError(f"{folder}: {message}") from error


def fitted(
    name: str,
    data_dir: str | Path | None,
    nearest: Callable[[tuple[int, int]], tuple[int, int]],
    *,
    skip: bool = False,
) -> tuple[str, str]:
    """The data set at the size that a model accepts, if it holds images of the user's own; any other set as it is.

    Args:
      name: a name for `load`.
      data_dir: the folder of the data.
      nearest: `nearest((height, width)) -> (height, width)`, the size nearest to the given one that the model accepts.
      skip: whether images that cannot be read are left out.

    Returns:
      A name for `load`, which has the size if images must be resized, and a line that says so, "" if they need not be.

    Raises:
      ValueError: if an image cannot be read and is not to be left out.

    Example:
      >>> from jgan.data import sources
      >>> sources.fitted("folder:70", "photos", lambda size: (64, 64))[0], sources.fitted("mnist", None, lambda size: (64, 64))
      ('folder:64x64', ('mnist', ''))
    """
    from jgan.data import tfds  # it imports modules that register themselves here

    source, folder = _source(name), None if data_dir is None else reading.user_path(data_dir)
    if source.fitted is None or (source.load is tfds.load and not tfds.knows(name, folder)):
        return name, ""
    options = {"skip": skip} if source.skips else {}
    return source.fitted(name, folder, nearest, **options)


def _source(name: str) -> Source:
    """The source of a set: the registered one, or tensorflow-datasets."""
    from jgan.data import tfds

    base = name.partition(":")[0]
    return SOURCES[base] if base in SOURCES else Source(tfds.load, "", "", holds_out=True, streams=True, fitted=tfds.fitted)


def comes_divided(name: str) -> ValueError:
    """The error for `held_out` with a set that has a fixed division.

    Args:
      name: the set.

    Returns:
      The error.

    Example:
      >>> from jgan.data import sources
      >>> sources.comes_divided("ring8")
      ValueError('ring8 comes divided into train, validation and test: leave held_out out')
    """
    return ValueError(f"{name} comes divided into train, validation and test: leave held_out out")


def _unknown(name: str) -> str:
    """The error message for an unknown name."""
    from jgan.data import tfds

    try:
        others = tfds.names()
        rest = f"the {len(others)} of tensorflow-datasets"
    except ValueError as error:
        others, rest = [], f"those of tensorflow-datasets; but {error}"
    close = difflib.get_close_matches(name[:60].lower(), [*sorted(SOURCES), *others], n=1)
    hint = f", did you mean {close[0]!r}? Known" if close else ": known"
    return f"unknown data set {text.listed([name])!r}{hint} are {', '.join(sorted(SOURCES))} and {rest}"


def inner(name: str, example: str) -> str:
    """The name of the source of a derived data set: the part after the first colon.

    Args:
      name: the whole name, such as `inverted:mnist`.
      example: a valid name, for the error message.

    Returns:
      The name after the colon.

    Raises:
      ValueError: if nothing follows the colon.

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
      The text: one entry for each source, one for tensorflow-datasets, and after an empty line how a set is divided.

    Example:
      >>> from jgan import data
      >>> print(next(line for line in data.describe().splitlines() if line.startswith("  digits ")))
        digits                                 1,797 real digits, 8x8, 10 classes; part of scikit-learn
    """
    entries = {source.usage: source.description for _, source in sorted(SOURCES.items())}
    entries["NAME, NAME/CONFIG"] = (
        "any tensorflow-datasets set of images, of one size, or cropped and resized to one (NAME:64); --data-dir is its data "
        "folder"
    )
    lines = []
    for usage, about in entries.items():
        first = f"  {usage}".ljust(COLUMN)
        if len(first) > COLUMN or not first.endswith("  "):  # a long one has a line of its own
            lines.append(first.rstrip())
            first = " " * COLUMN
        fill = textwrap.TextWrapper(width, initial_indent=first, subsequent_indent=" " * COLUMN, break_on_hyphens=False)
        lines.append(fill.fill(about))
    return "\n".join([*lines, "", textwrap.fill(DIVISION, width)])
