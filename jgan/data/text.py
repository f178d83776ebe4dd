"""Lines of text as sequences of characters, all of one length.

`text` and `text:LENGTH` read a UTF-8 file, or the `.txt` files of a folder in the order of their names. Each line that is not
blank is an example: its first LENGTH characters (32 by default), without spaces at either end. Token 0 pads shorter lines;
the other tokens are the characters of all files in Unicode order. A sixth of the lines is for validation, a sixth for testing.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import reading, sources
from jgan.data.dataset import Dataset, complete
from jgan.types import Batch, Field

LENGTH = 32
"""Characters of a line if the name has no length."""


class Vocabulary(NamedTuple):
    """The characters of a text and their tokens.

    Attributes:
      characters: the character of token i + 1 is `characters[i]`; token 0 is the padding.
    """

    characters: str

    @property
    def size(self) -> int:
        """The number of tokens, the padding included."""
        return len(self.characters) + 1

    def encode(self, lines: Iterable[str], length: int) -> np.ndarray:
        """Encodes lines as tokens.

        Args:
          lines: strings of known characters.
          length: the length of each result: longer lines are cut, shorter ones padded with 0.

        Returns:
          `[N, length]`, uint8 if the vocabulary has at most 256 tokens, else int32.

        Raises:
          ValueError: if a character is unknown.

        Example:
          >>> from jgan.data import text
          >>> text.Vocabulary("ab").encode(["ba", "abba"], 3).tolist()
          [[2, 1, 0], [1, 2, 2]]
        """
        tokens = {character: token for token, character in enumerate(self.characters, 1)}
        lines = list(lines)
        found = np.zeros((len(lines), length), np.uint8 if self.size <= 256 else np.int32)
        for row, line in zip(found, lines, strict=True):
            unknown = sorted(set(line[:length]) - tokens.keys())
            if unknown:
                raise ValueError(f"expected characters of the vocabulary, found {unknown[0]!r} in {line!r}")
            row[: len(line)] = [tokens[character] for character in line[:length]]
        return found

    def decode(self, tokens: Any) -> list[str]:
        """Decodes tokens into lines, each up to its first padding token.

        Args:
          tokens: int `[N, length]` in [0, size).

        Returns:
          The lines.

        Example:
          >>> from jgan.data import text
          >>> text.Vocabulary("ab").decode([[2, 1, 0], [1, 2, 2]])
          ['ba', 'abb']
        """
        lines = []
        for row in np.asarray(tokens):
            end = np.append(np.flatnonzero(row == 0), len(row))[0]
            lines.append("".join(self.characters[token - 1] for token in row[:end]))
        return lines


def read_lines(path: Path) -> list[str]:
    """Reads the non-blank lines of a UTF-8 file, without spaces at either end.

    Args:
      path: the file.

    Returns:
      The lines.

    Raises:
      FileNotFoundError: if there is none.
      ValueError: if it is not UTF-8, or not a regular file.

    Example:
      >>> import tempfile
      >>> from jgan.data import text
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = Path(folder) / "a.txt"
      ...     _ = path.write_text("one\\n\\n two \\n")
      ...     text.read_lines(path)
      ['one', 'two']
    """
    content = reading.content(reading.user_path(path), "text in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8, found a byte at {error.start} that is not: convert it") from error
    return [line.strip() for line in io.StringIO(text, newline=None) if line.strip()]  # ends of lines of any system


def _files(data_dir: Path | None) -> list[Path]:
    """The file itself, or the .txt files of a folder."""
    if data_dir is None:
        raise ValueError("text reads lines from a file: give it, or its folder, with --data-dir")
    if data_dir.exists() and not data_dir.is_dir():
        return [data_dir]
    found = sorted(path for path in data_dir.glob("*.txt") if not reading.is_litter(path))
    if not found:
        raise FileNotFoundError(f"{data_dir}: expected a .txt file, or a folder that holds some, found none")
    return found


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads lines of text as tokens.

    Args:
      name: `text` or `text:LENGTH`.
      data_dir: a text file, or a folder of `.txt` files.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset`: `x` tokens `[N, length]`, no labels; its `truth` is the `Vocabulary`.

    Raises:
      FileNotFoundError: if no file is found.
      ValueError: if the length is not a number, a file is not UTF-8, or there are fewer than six lines.

    Example:
      >>> import tempfile
      >>> from jgan.data import text
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     _ = (Path(folder) / "a.txt").write_text("to be\\nor not\\n" * 6)
      ...     dataset = text.load("text:4", Path(folder))
      >>> dataset.train.x.shape, dataset.fields.x, dataset.truth.decode(dataset.test.x)
      ((8, 4), Field(shape=(4,), kind='tokens', size=7), ['or n', 'or n'])
    """
    _, colon, asked = name.partition(":")
    if colon and not (asked.isdecimal() and len(asked) < 10 and int(asked)):
        raise ValueError(f"expected a number of characters after the colon, as in text:{LENGTH}, found {name!r}")
    length = int(asked or LENGTH)
    lines = [line for path in _files(data_dir) for line in read_lines(path)]
    reading.check_size(f"{data_dir}, {len(lines)} lines of {length} characters", 4 * len(lines) * length)
    vocabulary = Vocabulary("".join(sorted({character for line in lines for character in line[:length]})))
    fields = Batch(Field((length,), "tokens", vocabulary.size))
    return complete(
        name, {"train": Batch(vocabulary.encode(lines, length))}, held_out=held_out, fields=fields, truth=vocabulary
    )


sources.register(
    "text",
    load,
    f"lines of a UTF-8 .txt file (or a folder of them) as LENGTH characters each ({LENGTH} by default)",
    usage="text, text:LENGTH",
    holds_out=True,
)
