"""The Inception Score: are single samples classified surely, and all of them together evenly?

With p the class probabilities of the samples and q their mean,

  IS = exp(1/N sum_i KL(p_i || q)) = exp(H(q) - 1/N sum_i H(p_i)),

from 1, where the probabilities are the same for every sample, to the number of classes. The samples are cut into parts, and the
mean and the standard deviation of the parts' scores are told: both depend on how many samples there are and how they are cut.
"""

from typing import NamedTuple

import numpy as np
from scipy import special

from jgan.metrics import checks
from jgan.metrics.parzen import Images

BLOCK = 1000
"""samples whose probabilities are held at once, in float64"""


class InceptionScore(NamedTuple):
    """An Inception Score and its protocol.

    Attributes:
      mean: of the scores of the parts.
      std: their standard deviation (ddof 0): by custom the figure behind the plus-minus. It is no standard error.
      splits: the number of parts.
      n: the number of samples, all parts together.
      seed: of the order of the samples before they were cut, None if they stayed as they were given.
    """

    mean: float
    std: float
    splits: int
    n: int
    seed: int | None


def evaluate(logits: Images, *, splits: int = 10, seed: int | None = None) -> InceptionScore:
    """The Inception Score of samples, from what the classifier makes of them.

    The sums are in float64, on the host: `H(q) - mean H(p)` is a small difference where the score is near 1.

    Args:
      logits: `[N, classes]` float, before the softmax. The custom is those of the Inception network of 2015, 1,008 classes, of
        50,000 samples.
      splits: into how many parts to cut the samples. Part i is from `i N // splits` to `(i + 1) N // splits`: where N is not a
        multiple, some parts have one sample more.
      seed: of a permutation by `numpy.random.RandomState` before the cut: torch-fidelity's custom, with 2020. None leaves the
        samples in their order, as Salimans et al. do; then samples that come sorted by class score less.

    Returns:
      The `InceptionScore`.

    Raises:
      ValueError: if there are fewer samples than parts, or a logit is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import inception_score
      >>> sure_and_even = 1000 * np.tile(np.eye(4), (5, 1))
      >>> inception_score.evaluate(sure_and_even, splits=5)
      InceptionScore(mean=4.0, std=0.0, splits=5, n=20, seed=None)

    References:
      Salimans et al., "Improved techniques for training GANs" (2016), section 4, https://arxiv.org/abs/1606.03498; what the
      parts do to it: Barratt and Sharma, "A note on the Inception Score" (2018), https://arxiv.org/abs/1801.01973
    """
    if splits < 1:
        raise ValueError(f"splits must be at least 1, found {splits}")
    logits = checks.features("logits", logits, splits)
    n = len(logits)
    order = np.arange(n) if seed is None else np.random.RandomState(seed).permutation(n)
    scores = [_score(logits, order[i * n // splits : (i + 1) * n // splits]) for i in range(splits)]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)), splits, n, seed)


def _score(logits: np.ndarray, chosen: np.ndarray) -> float:
    """The score of one part, its samples given by their numbers."""
    total, negative_entropy = np.zeros(logits.shape[1]), 0.0
    for first in range(0, len(chosen), BLOCK):
        log_p = special.log_softmax(logits[chosen[first : first + BLOCK]].astype(np.float64), axis=1)
        p = np.exp(log_p)
        total += p.sum(axis=0)
        negative_entropy += float((p * log_p).sum())
    q = total / len(chosen)
    return float(np.exp(special.entr(q).sum() + negative_entropy / len(chosen)))
