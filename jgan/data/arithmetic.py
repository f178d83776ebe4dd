"""Synthetic lines of a small grammar, as characters: sums, differences, products and quotients of x.

The toy of the first Gumbel-softmax GAN: `S -> x | S+S | S-S | S*S | S/S`, lines of at most 15 characters with the operators
drawn evenly, so that every line alternates x and an operator: x, x+x, x*x-x ... It needs no file, and `share` says how many
lines of a generator belong to the grammar.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset, reads_no_files
from jgan.data.lines import END, Vocabulary
from jgan.types import Batch, Field

LENGTH, OPERATORS = 16, "*+-/"
"""Characters of a sequence, of which the last is always the end or its filling."""

SIZES = (10_000, 1_000, 1_000)
"""training, validation and test lines"""


class Grammar(NamedTuple):
    """The grammar: the truth of the set.

    Attributes:
      vocabulary: its characters.
    """

    vocabulary: Vocabulary

    def decode(self, tokens: np.ndarray) -> list[str]:
        """Tokens as lines: see `jgan.data.lines.Vocabulary.decode`."""
        return self.vocabulary.decode(tokens)

    def share(self, lines: Sequence[str]) -> float:
        """The share of lines that belong to the grammar.

        Args:
          lines: at least one.

        Returns:
          From 0 to 1.

        Example:
          >>> from jgan.data import arithmetic
          >>> arithmetic.GRAMMAR.share(["x+x", "x", "x+", ""])
          0.5
        """
        good = [len(line) % 2 and set(line[::2]) == {"x"} and set(line[1::2]) <= set(OPERATORS) for line in lines]
        return sum(map(bool, good)) / len(good)


GRAMMAR = Grammar(Vocabulary(tuple(sorted({"x", *OPERATORS})), "characters"))


def make(n: int, *, seed: int | tuple[int, ...]) -> list[str]:
    """Draws lines: a number of operators from 0 to 7, each evenly.

    Args:
      n: the number of lines.
      seed: of NumPy's PCG64.

    Returns:
      The lines.

    Example:
      >>> from jgan.data import arithmetic
      >>> arithmetic.GRAMMAR.share(arithmetic.make(100, seed=0))
      1.0
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    counts = generator.integers(LENGTH // 2, size=n)
    drawn = generator.integers(len(OPERATORS), size=(n, LENGTH // 2))
    return ["x" + "".join(f"{OPERATORS[place]}x" for place in row[:count]) for row, count in zip(drawn, counts, strict=True)]


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """Makes the set.

    Args:
      name: `arithmetic`.
      data_dir: must be None: there are no files to read.

    Returns:
      The `Dataset`: `x` tokens `[N, 16]`; its `truth` is the `Grammar`.

    Raises:
      ValueError: if a folder is given.

    Example:
      >>> from jgan.data import arithmetic
      >>> dataset = arithmetic.load("arithmetic")
      >>> dataset.train.x.shape, dataset.fields.x.size
      ((10000, 16), 6)

    References:
      Kusner and Hernandez-Lobato, "GANs for Sequences of Discrete Elements with the Gumbel-softmax Distribution" (2016),
      https://arxiv.org/abs/1611.04051
    """
    reads_no_files(name, data_dir)
    vocabulary = GRAMMAR.vocabulary
    train, validation, test = (Batch(vocabulary.encode(make(n, seed=(0, part)), LENGTH)) for part, n in enumerate(SIZES))
    return Dataset(name, train, validation, test, fields=Batch(Field((LENGTH,), "tokens", vocabulary.size, END)), truth=GRAMMAR)


sources.register("arithmetic", load, "12,000 synthetic lines of a small grammar as characters: x, x+x, x*x-x ...")
