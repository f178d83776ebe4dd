"""BLEU and self-BLEU of generated sentences, vectorised: the references' largest counts of each n-gram are found once.

The convention of the papers on text GANs: the mean over the generated sentences of their sentence BLEU with uniform weights on
the orders 1..n, all test sentences as references, the brevity penalty by the reference of the closest length, and .1 matches
where a precision would be 0 (nltk's `SmoothingFunction().method1`). The values are those of nltk's `sentence_bleu`.

BLEU rises with the number of references, and self-BLEU with the number of samples: both stand in the result. In self-BLEU a
sentence is compared with the others, never with itself, which would make it about 1.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from jgan.metrics import checks
from jgan.metrics.text.counting import Corpus, corpus, counts, ngrams

ORDERS = (2, 3, 4, 5)
"""The orders that papers report."""

EPSILON = 0.1
"""Matches of an order that has none."""

FEW = 100
"""The number of sentences below which a caution is given."""

Sentences = Iterable[Sequence[Hashable]]
"""Sentences as sequences of tokens: words, characters (a string) or integers."""


class BLEU(NamedTuple):
    """BLEU of several orders.

    Attributes:
      scores: BLEU-n by its order n, each in [0, 1].
      samples: the number of generated sentences.
      references: the number of references of each of them.
      smoothing: what is done where a precision would be 0.
      caution: a sentence if there are few samples or references, else "".
    """

    scores: dict[int, float]
    samples: int
    references: int
    smoothing: str
    caution: str = ""


SMOOTHING = f"{EPSILON} matches where there are none (nltk's method1)"


def bleu(samples: Sentences, references: Sentences, *, orders: Sequence[int] = ORDERS) -> BLEU:
    """BLEU of generated sentences against a set of references that all of them share.

    Args:
      samples: the generated sentences; one without tokens scores 0.
      references: real sentences that were not trained on.
      orders: the orders n.

    Returns:
      The `BLEU`.

    Raises:
      ValueError: if there is no sample or no reference, or an order is below 1.

    Example:
      >>> from jgan.metrics.text import bleu
      >>> references = ["a man rides a horse".split(), "a man on a horse outside".split()]
      >>> found = bleu(["a man is on a horse".split()], references)
      >>> {order: round(score, 4) for order, score in found.scores.items()}, found.references
      ({2: 0.7071, 3: 0.5, 4: 0.2541, 5: 0.1835}, 2)

    References:
      Papineni et al., "BLEU: a method for automatic evaluation of machine translation" (2002); Yu et al., "SeqGAN" (2017),
      https://arxiv.org/abs/1609.05473; Zhu et al., "Texygen" (2018), https://arxiv.org/abs/1802.01886
    """
    samples, references = list(samples), list(references)
    _check(len(samples), len(references), orders)
    n, found = len(samples), corpus(samples, references)
    lengths, of_references = found.lengths[:n], np.unique(found.lengths[n:])

    def limits(sentence: np.ndarray, gram: np.ndarray, count: np.ndarray) -> np.ndarray:
        most, real = np.zeros(int(gram.max(initial=0)) + 1, np.int64), sentence >= n
        np.maximum.at(most, gram[real], count[real])
        return most[gram]

    closest = _closest(lengths, np.broadcast_to(of_references, (n, len(of_references))))
    scores = _scores(found, n, closest, limits, orders)
    return BLEU(scores, n, len(references), SMOOTHING, _caution(n, len(references)))


def self_bleu(samples: Sentences, *, orders: Sequence[int] = ORDERS) -> BLEU:
    """BLEU of each generated sentence against all others: high where a generator repeats itself.

    Args:
      samples: the generated sentences; the value depends on their number.
      orders: the orders n.

    Returns:
      The `BLEU`; `references` is one less than `samples`.

    Raises:
      ValueError: if there are fewer than two samples, or an order is below 1.

    Example:
      >>> from jgan.metrics.text import self_bleu
      >>> found = self_bleu(["a b c d e".split(), "a b c d e".split(), "v w x y z".split()])
      >>> round(found.scores[5], 4), found.references  # two of the three have a copy
      (0.6667, 2)

    References:
      Zhu et al., "Texygen: A Benchmarking Platform for Text Generation Models" (2018), https://arxiv.org/abs/1802.01886
    """
    samples = list(samples)
    _check(len(samples), len(samples) - 1, orders)
    n, found = len(samples), corpus(samples)

    def limits(sentence: np.ndarray, gram: np.ndarray, count: np.ndarray) -> np.ndarray:
        # Sorted by n-gram and count, the two largest counts of an n-gram stand at the end of its run.
        order = np.lexsort((count, gram))
        last = np.flatnonzero(np.append(np.diff(gram[order]) != 0, True)[: len(gram)])
        first, second, owner = (np.zeros(int(gram.max(initial=0)) + 1, np.int64) for _ in range(3))
        first[gram[order[last]]], owner[gram[order[last]]] = count[order[last]], sentence[order[last]]
        several = last[np.diff(last, prepend=-1) > 1]
        second[gram[order[several]]] = count[order[several - 1]]
        return np.where(owner[gram] == sentence, second[gram], first[gram])

    values, held = np.unique(found.lengths, return_counts=True)
    others = np.where((found.lengths[:, None] == values) & (held == 1), _NONE, values)  # a length of nobody else
    scores = _scores(found, n, _closest(found.lengths, others), limits, orders)
    return BLEU(scores, n, n - 1, SMOOTHING, _caution(n, n - 1))


_NONE = 2**40
"""A length that is never the closest."""


def _check(samples: int, references: int, orders: Sequence[int]) -> None:
    if samples < 1 or references < 1:
        raise ValueError(f"BLEU needs at least one sample and one reference, found {max(samples, 0)} and {max(references, 0)}")
    if not orders or min(orders) < 1:
        raise ValueError(f"the orders of BLEU must be at least 1, found {tuple(orders)}")


def _caution(samples: int, references: int) -> str:
    why = "BLEU depends on their number"
    return checks.joined(checks.few("samples", samples, FEW, why), checks.few("references", references, FEW, why))


def _closest(lengths: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`[N]`, for each length the nearest of its `[N, K]` values in rising order, the smaller of two."""
    nearest = np.argmin(np.abs(values - lengths[:, None]), axis=1)
    return np.take_along_axis(values, nearest[:, None], axis=1)[:, 0]


def _scores(found: Corpus, n: int, closest: np.ndarray, limits, orders: Sequence[int]) -> dict[int, float]:
    """The mean BLEU of the first n sentences, in float64, by order."""
    lengths, logarithms, first = found.lengths[:n], [], np.zeros(n, bool)
    for order in range(1, max(orders) + 1):
        sentence, gram, count = counts(*ngrams(found, order))
        clipped = np.minimum(count, limits(sentence, gram, count))
        own = sentence < n
        matches = np.bincount(sentence[own], clipped[own], minlength=n)
        total = np.maximum(lengths - order + 1, 1)
        logarithms.append(np.log(np.where(matches == 0, EPSILON, matches) / total))
        first = matches > 0 if order == 1 else first  # a sentence without a known token scores 0
    penalty = np.where(lengths > closest, 1.0, np.exp(1 - closest / np.maximum(lengths, 1)))
    means = np.cumsum(logarithms, axis=0)
    each = {order: np.where(first, penalty * np.exp(means[order - 1] / order), 0.0) for order in orders}
    return {order: float(values.mean()) for order, values in each.items()}
