"""Lines of text as sequences of words or of characters, all of one length.

`lines` reads a UTF-8 file or a folder; options follow after colons, in any order:

  words, characters   what a token is; words (the default) are what stands between blanks
  LENGTH              tokens of a sequence, by default those of the longest line; a longer line is an error,
  cut                 unless it is cut there
  minN                tokens found fewer than N times become one unknown token, as do those that only other parts have

A folder with `train.txt` is divided: `validation.txt` (or `valid.txt`) and `test.txt` are the set's own other lines. Of any
other folder all `.txt` files are read, in the order of their names, and, as of a single file, a sixth of the lines is for
validation and a sixth for testing. Lines are read without blanks at either end; those with nothing else are left out.

Token 0 ends a line that is shorter than the sequence and fills the places after it.
"""

import collections
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from jgan.data import reading, sources
from jgan.data.dataset import Dataset, complete
from jgan.types import Batch, Field
from jgan.utils import text

END = 0
"""The token that ends a line."""

UNKNOWN = "<unk>"
"""What stands for the tokens that are not in the vocabulary, where unknown tokens are allowed."""

Unit = Literal["words", "characters"]


class Vocabulary(NamedTuple):
    """The words or characters of a text and their tokens.

    Attributes:
      entries: the entry of token i + 1 is `entries[i]`; token 0 is the end. `UNKNOWN`, if it is one, is the last.
      unit: what an entry is.
    """

    entries: tuple[str, ...]
    unit: Unit = "words"

    @property
    def size(self) -> int:
        """The number of tokens, the end included."""
        return len(self.entries) + 1

    def parts(self, line: str) -> list[str]:
        """The words or characters of a line."""
        return line.split() if self.unit == "words" else list(line)

    def encode(self, lines: Iterable[str], length: int, *, cut: bool = False) -> np.ndarray:
        """Encodes lines as tokens.

        Args:
          lines: strings.
          length: the length of each result; shorter lines are filled with 0.
          cut: whether longer lines are cut.

        Returns:
          `[N, length]`, uint8 if the vocabulary has at most 256 tokens, else int32.

        Raises:
          ValueError: if an entry is unknown and there is no token for that, or a line is too long.

        Example:
          >>> from jgan.data import lines
          >>> lines.Vocabulary(("a", "b"), "characters").encode(["ba", "abba"], 3, cut=True).tolist()
          [[2, 1, 0], [1, 2, 2]]
        """
        tokens = {entry: token for token, entry in enumerate(self.entries, 1)}
        unknown = tokens.get(UNKNOWN)
        lines = list(lines)
        found = np.zeros((len(lines), length), np.uint8 if self.size <= 256 else np.int32)
        for row, line in zip(found, lines, strict=True):
            parts = self.parts(line)
            if len(parts) > length and not cut:
                raise ValueError(
                    f"expected lines of at most {length} {self.unit}, found {len(parts)} in "
                    f"{text.shortened(line, 60)!r}: give a greater length, or cut"
                )
            numbers = [tokens.get(part, unknown) for part in parts[:length]]
            if None in numbers:
                raise ValueError(
                    f"expected {self.unit} of the vocabulary, found {parts[numbers.index(None)]!r} in "
                    f"{text.shortened(line, 60)!r}: give min2, which has a token for what is rare"
                )
            row[: len(numbers)] = numbers
        return found

    def decode(self, tokens: Any) -> list[str]:
        """Decodes tokens into lines, each up to its end.

        Args:
          tokens: int `[N, length]` in [0, size).

        Returns:
          The lines.

        Example:
          >>> from jgan.data import lines
          >>> lines.Vocabulary(("to", "be")).decode([[1, 2, 0], [2, 0, 1]])
          ['to be', 'be']
        """
        between = " " if self.unit == "words" else ""
        return [between.join(self.entries[token - 1] for token in row[: ending(row)]) for row in np.asarray(tokens)]


def ending(row: np.ndarray, end: int = END) -> int:
    """The number of tokens before the end of a sequence."""
    return int(np.append(np.flatnonzero(row == end), len(row))[0])


def read_lines(path: Path) -> list[str]:
    """Reads the non-blank lines of a UTF-8 file, without blanks at either end.

    Args:
      path: the file.

    Returns:
      The lines, at least one.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it is not UTF-8, not a regular file, or holds no line.

    Example:
      >>> import tempfile
      >>> from jgan.data import lines
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = Path(folder) / "a.txt"
      ...     _ = path.write_text("one\\n\\n two \\n")
      ...     lines.read_lines(path)
      ['one', 'two']
    """
    content = reading.content(reading.user_path(path), "text in UTF-8")
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8, found a byte at {error.start} that is not: convert it") from error
    found = [line.strip() for line in io.StringIO(decoded, newline=None) if line.strip()]  # ends of lines of any system
    if not found:
        raise ValueError(f"{path}: expected lines of text, found none: give a file that is not empty")
    return found


class Options(NamedTuple):
    """What the name of the source says after its colons; `length` 0 is that of the longest line."""

    unit: Unit = "words"
    length: int = 0
    least: int = 1
    cut: bool = False


def options_of(name: str) -> Options:
    """Reads the options of a name.

    Args:
      name: such as `lines:characters:32:cut`.

    Returns:
      The `Options`.

    Raises:
      ValueError: if an option is unknown, or cut has no length.

    Example:
      >>> from jgan.data import lines
      >>> lines.options_of("lines:characters:32:cut")
      Options(unit='characters', length=32, least=1, cut=True)
    """
    found = Options()
    for option in name.split(":")[1:]:
        number = option.removeprefix("min")
        counts = number.isdecimal() and len(number) < 10 and int(number) > 0
        if option in ("words", "characters"):
            found = found._replace(unit=option)  # type: ignore[arg-type]
        elif option == "cut":
            found = found._replace(cut=True)
        elif counts and option.startswith("min"):
            found = found._replace(least=int(number))
        elif counts:
            found = found._replace(length=int(number))
        else:
            expected = "expected words, characters, a length, minN or cut after the colons, as in lines:words:20:min2"
            raise ValueError(f"{expected}, found {text.shortened(option, 40)!r} in {text.shortened(name, 60)!r}")
    if found.cut and not found.length:
        raise ValueError(f"cut needs the length at which lines are cut, as in lines:{found.unit}:20:cut, found {name!r}")
    return found


def parts_of(data_dir: Path | None) -> dict[str, list[Path]]:
    """The files of each part: the file itself, the parts of a divided folder, or all .txt files of another."""
    if data_dir is None:
        raise ValueError("lines reads a text from a file: give it, or its folder, with --data-dir")
    if not data_dir.is_dir():
        return {"train": [data_dir]}
    names = {"train": ("train.txt",), "validation": ("validation.txt", "valid.txt"), "test": ("test.txt",)}
    own = {part: [data_dir / file for file in files if (data_dir / file).exists()][:1] for part, files in names.items()}
    if own["train"]:
        return {part: files for part, files in own.items() if files}
    found = sorted(path for path in data_dir.glob("*.txt") if not reading.is_litter(path))
    if not found:
        raise FileNotFoundError(f"{data_dir}: expected a .txt file, or a folder that holds some, found none")
    return {"train": found}


def vocabulary_of(lines: Iterable[str], options: Options) -> Vocabulary:
    """The vocabulary of lines: their words or characters in Unicode order.

    Args:
      lines: the training lines.
      options: the unit, the length at which they are cut, and how often an entry must occur.

    Returns:
      The `Vocabulary`; with an unknown token if `options.least` is above 1.

    Example:
      >>> from jgan.data import lines
      >>> lines.vocabulary_of(["a b a", "a c"], lines.Options(least=2)).entries
      ('a', '<unk>')
    """
    empty, end = Vocabulary((), options.unit), options.length if options.cut else None
    counts = collections.Counter(part for line in lines for part in empty.parts(line)[:end])
    entries = sorted(entry for entry, count in counts.items() if count >= options.least and entry != UNKNOWN)
    unknown = (UNKNOWN,) if options.least > 1 or UNKNOWN in counts else ()
    return Vocabulary((*entries, *unknown), options.unit)


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads lines of text as tokens.

    Args:
      name: `lines` with its options.
      data_dir: a text file, or a folder of `.txt` files.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`: `x` tokens `[N, length]`, no labels; its `truth` is the `Vocabulary`, that of the training lines.

    Raises:
      FileNotFoundError: if no file is found.
      ValueError: if an option is unknown, a file is empty or not UTF-8, a line is too long, another part has a word that the
        training lines do not have, or there are fewer than six lines.

    Example:
      >>> import tempfile
      >>> from jgan.data import lines
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     _ = (Path(folder) / "a.txt").write_text("to be\\nor not to be\\n" * 6)
      ...     dataset = lines.load("lines", Path(folder))
      >>> dataset.train.x.shape, dataset.fields.x.size, dataset.fields.x.end, dataset.truth.decode(dataset.test.x)
      ((8, 4), 5, 0, ['or not to be', 'or not to be'])
    """
    options = options_of(name)
    files = parts_of(data_dir)
    found = {part: [(path, read_lines(path)) for path in paths] for part, paths in files.items()}
    training = [line for _, some in found["train"] for line in some]
    empty = Vocabulary((), options.unit)
    length = options.length or max(len(empty.parts(line)) for each in found.values() for _, some in each for line in some)
    number = sum(len(some) for each in found.values() for _, some in each)
    reading.check_size(f"{data_dir}, {number} lines of {length} {options.unit}", 4 * number * length)
    vocabulary = vocabulary_of(training, options)

    def encoded(path: Path, some: list[str]) -> np.ndarray:
        try:
            return vocabulary.encode(some, length, cut=options.cut)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    parts = {part: Batch(np.concatenate([encoded(*one) for one in each])) for part, each in found.items()}
    fields = Batch(Field((length,), "tokens", vocabulary.size, END))
    return complete(name, parts, held_out=held_out, fields=fields, truth=vocabulary)


sources.register(
    "lines",
    load,
    "lines of a UTF-8 .txt file (or a folder of them) as words or characters, at most N or cut there; minN: rare ones are one",
    usage="lines, lines:characters:N:cut",
    holds_out=True,
)
