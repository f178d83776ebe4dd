"""N-grams as numbers: equal n-grams of all sentences get one number, so that counts are sums over arrays."""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Corpus(NamedTuple):
    """Sentences one after the other, as numbers.

    Attributes:
      tokens: `[T]` int64, the tokens of all sentences.
      lengths: `[N]` int64, the tokens of each sentence.
    """

    tokens: np.ndarray
    lengths: np.ndarray

    @property
    def sentence(self) -> np.ndarray:
        """`[T]` int64, the sentence of each token."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def corpus(*sets: Iterable[Sequence[Hashable]]) -> Corpus:
    """Numbers the tokens of sentences: words, characters or integers.

    Args:
      *sets: sets of sentences, each a sequence of tokens; a string is the sequence of its characters.

    Returns:
      The `Corpus` of all sets, in their order.

    Example:
      >>> from jgan.metrics.text import corpus
      >>> found = corpus([["a", "b"], ["b"]], [["b", "c"]])
      >>> found.tokens.tolist(), found.lengths.tolist()
      ([0, 1, 1, 1, 2], [2, 1, 2])
    """
    numbers: dict[Hashable, int] = {}
    sentences = [sentence for some in sets for sentence in some]
    tokens = [numbers.setdefault(token, len(numbers)) for sentence in sentences for token in sentence]
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    return Corpus(np.array(tokens, np.int64), lengths)


def ngrams(found: Corpus, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams of all sentences; none crosses the end of a sentence.

    Args:
      found: the sentences.
      n: tokens of an n-gram, at least 1.

    Returns:
      `(sentence [M], gram [M])`, int64: the sentence that each n-gram is from, and its number; equal n-grams have one number.

    Raises:
      ValueError: if n is below 1.

    Example:
      >>> from jgan.metrics.text import corpus, ngrams
      >>> sentence, gram = ngrams(corpus(["abab", "ab"]), 2)
      >>> sentence.tolist(), gram.tolist()
      ([0, 0, 0, 1], [0, 1, 0, 0])
    """
    if n < 1:
        raise ValueError(f"an n-gram has at least 1 token, found {n}")
    tokens, sentence = found.tokens, found.sentence
    size = int(tokens.max(initial=0)) + 1
    gram = tokens
    for order in range(1, n):  # an n-gram is the pair of an (n-1)-gram and a token; numbered anew, so that products stay small
        pairs = gram[:-1] * size + tokens[order:]
        gram = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    within = sentence[: max(0, len(tokens) - n + 1)] == sentence[n - 1 :]
    return sentence[: len(within)][within], gram[: len(within)][within]


def counts(sentence: np.ndarray, gram: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each n-gram stands in each sentence.

    Args:
      sentence: `[M]` int64, as from `ngrams`.
      gram: `[M]` int64.

    Returns:
      `(sentence [K], gram [K], count [K])`, one entry for each n-gram of each sentence, sentences in their order.

    Example:
      >>> from jgan.metrics.text import corpus, counting, ngrams
      >>> [column.tolist() for column in counting.counts(*ngrams(corpus(["aab"]), 1))]
      [[0, 0], [0, 1], [2, 1]]
    """
    size = int(gram.max(initial=0)) + 1
    both, count = np.unique(sentence * size + gram, return_counts=True)
    return both // size, both % size, count
