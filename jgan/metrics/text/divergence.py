"""The Jensen-Shannon divergence between the n-grams of two texts, as in the experiments of WGAN-GP on characters."""

from typing import NamedTuple

import numpy as np

from jgan.metrics import checks
from jgan.metrics.text.bleu import Sentences
from jgan.metrics.text.counting import corpus, ngrams


class NgramDivergence(NamedTuple):
    """The divergence between two texts.

    Attributes:
      value: the Jensen-Shannon divergence of the frequencies in base 2, from 0 (equal) to 1 (no n-gram in common).
      n: tokens of an n-gram.
      samples: the number of generated sentences.
      references: the number of real sentences.
      caution: a sentence if the value is large for the small number of n-grams alone, else "".
    """

    value: float
    n: int
    samples: int
    references: int
    caution: str = ""


def ngram_divergence(samples: Sentences, references: Sentences, n: int) -> NgramDivergence:
    """Compares the frequencies of n-grams.

    With p and q the frequencies and m = (p + q) / 2, it is `KL(p || m) / 2 + KL(q || m) / 2`, in bits. It is biased upwards for
    few sentences: real sentences that were held out, as many as there are samples, show the floor.

    Args:
      samples: the generated sentences, as sequences of tokens; a string is the sequence of its characters.
      references: real sentences. Where lines are padded to one length, pad those of both or neither.
      n: tokens of an n-gram.

    Returns:
      The `NgramDivergence`.

    Raises:
      ValueError: if n is below 1, or one of the texts has no n-gram.

    Example:
      >>> from jgan.metrics.text import ngram_divergence
      >>> round(ngram_divergence(["aab"], ["ab"], 1).value, 4), ngram_divergence(["aa"], ["bb"], 2).value
      (0.0207, 1.0)

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), section 5.2, https://arxiv.org/abs/1704.00028
    """
    samples, references = list(samples), list(references)
    sentence, gram = ngrams(corpus(samples, references), n)
    size = int(gram.max(initial=0)) + 1
    both = [np.bincount(gram[fake], minlength=size) for fake in (sentence < len(samples), sentence >= len(samples))]
    totals = [int(count.sum()) for count in both]
    if not all(totals):
        raise ValueError(f"expected samples and references with sequences of {n} tokens, found {totals[0]} and {totals[1]}")
    p, q = (count / total for count, total in zip(both, totals, strict=True))
    value = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    caution = checks.few(f"{n}-grams of samples", totals[0], 1_000, "rare ones are missing by chance")
    return NgramDivergence(float(np.clip(value, 0, 1)), n, len(samples), len(references), caution)


def _entropy(frequencies: np.ndarray) -> float:
    some = frequencies[frequencies > 0]
    return float(-np.sum(some * np.log2(some)))
