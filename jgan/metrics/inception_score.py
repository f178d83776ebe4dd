"""The Inception Score: it rewards confident predictions for single samples and an even spread of classes over all samples.

With p the class probabilities of the samples and q their mean,

  IS = exp(1/N sum_i KL(p_i || q)) = exp(H(q) - 1/N sum_i H(p_i)),

which ranges from 1, if all samples have the same probabilities, to the number of classes. The samples are cut into parts, and
the result is the mean and the standard deviation of the parts' scores. Both depend on the number of samples and of parts.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from jgan.metrics import checks
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray

BLOCK = 1000
"""Number of samples whose probabilities are held in float64 at once."""


class InceptionScore(NamedTuple):
    """An Inception Score and how it was computed.

    Attributes:
      mean: the mean of the scores of the parts.
      std: their standard deviation (ddof 0), by convention the figure after the plus-minus sign. It is not a standard error.
        NaN with a single part, which has none.
      splits: the number of parts.
      n: the total number of samples.
      seed: the seed of the permutation before the split, or None without a permutation.
      caution: why the score says little, or "".
    """

    mean: float
    std: float
    splits: int
    n: int
    seed: int | None
    caution: str = ""


def evaluate(logits: Float[AnyArray, "n classes"], *, splits: int = 10, seed: int | None = None) -> InceptionScore:
    """The Inception Score, from a classifier's logits.

    The sums are float64 on the host, because `H(q) - mean H(p)` is a small difference when the score is near 1.

    Args:
      logits: `[N, classes]` float, before the softmax. By convention, the 1,008 logits of the 2015 Inception network for 50,000
        samples.
      splits: the number of parts. Part i holds samples `i N // splits` to `(i + 1) N // splits`; if N is not a multiple, some
        parts have one sample more.
      seed: the seed of a permutation by `numpy.random.RandomState` before the split, as in torch-fidelity with 2020. None keeps
        the order of the samples, as Salimans et al. do; samples sorted by class then score lower.

    Returns:
      The `InceptionScore`.

    Raises:
      ValueError: if there are fewer samples than parts, a logit is not finite, or all rows are probabilities.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import inception_score
      >>> sure_and_even = 1000 * np.tile(np.eye(4), (5, 1))
      >>> inception_score.evaluate(sure_and_even, splits=5)
      InceptionScore(mean=4.0, std=0.0, splits=5, n=20, seed=None, caution='')

    References:
      Salimans et al., "Improved techniques for training GANs" (2016), section 4, https://arxiv.org/abs/1606.03498. On the
      effect of the parts: Barratt and Sharma, "A note on the Inception Score" (2018), https://arxiv.org/abs/1801.01973
    """
    splits, seed = whole("splits", splits, 1), seed if seed is None else check_seed(seed)
    logits = checks.features("logits", logits, splits)
    n, classes = logits.shape
    if classes > 1 and (logits >= 0).all() and np.allclose(logits.sum(axis=1, dtype=np.float64), 1, rtol=0, atol=1e-3):
        raise ValueError("logits: expected logits, found probabilities, at least 0 with the sum 1: pass their logarithms")
    order = np.arange(n) if seed is None else np.random.RandomState(seed).permutation(n)
    scores = [_score(logits, order[i * n // splits : (i + 1) * n // splits]) for i in range(splits)]
    why = f"a part's score cannot be higher than its number of samples, and is lower than with many; {splits} parts"
    scarce = checks.few(f"samples in a part for {classes:,} classes", n // splits, classes, why)
    caution = scarce if classes > 1 else "the score of one class is always 1"
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)) if splits > 1 else np.nan, splits, n, seed, caution)


def _score(logits: np.ndarray, chosen: np.ndarray) -> float:
    """The score of one part, given by the indices of its samples."""
    total, negative_entropy = np.zeros(logits.shape[1]), 0.0
    for first in range(0, len(chosen), BLOCK):
        log_p = special.log_softmax(logits[chosen[first : first + BLOCK]].astype(np.float64), axis=1)
        p = np.exp(log_p)
        total += p.sum(axis=0)
        negative_entropy += float((p * log_p).sum())
    q = total / len(chosen)
    return float(np.exp(special.entr(q).sum() + negative_entropy / len(chosen)))
