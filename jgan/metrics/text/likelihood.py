"""Negative log-likelihoods of sequences of tokens, in nats for each token: NLL_oracle, NLL_gen and NLL_div.

  NLL_oracle   the generator's samples under a known distribution, as of synthetic data: low if samples are likely. It alone
               rewards collapse: one likely sequence, repeated, beats real data
  NLL_gen      held-out real data under the generator: low if nothing of the data is missing
  NLL_div      the generator's samples under the generator itself: low if it repeats itself

Of a sequence that ends early the tokens up to and including the end count, which models say by log probabilities of exactly 0
after it (`jgan.networks.sequences.log_probabilities`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jgan.metrics import checks
from jgan.metrics.blocks import cut

LogProbability = Callable[[Any], Any]
"""`(tokens [B, L]) -> [B, L]`, the log probability of each token given those before it; 0 after the end of a sequence."""

BLOCK = 256
"""sequences at once"""


class NLL(NamedTuple):
    """A negative log-likelihood.

    Attributes:
      nats: the mean over tokens.
      standard_error: of this mean, from the spread between sequences.
      samples: the number of sequences.
      tokens: the number of tokens, the ends of sequences included.
      of: what was measured.
      under: the distribution.
      caution: a sentence if there are few sequences, else "".
    """

    nats: float
    standard_error: float
    samples: int
    tokens: int
    of: str
    under: str
    caution: str = ""


def nll(log_probability: LogProbability, tokens: Any, *, of: str, under: str) -> NLL:
    """The negative log-likelihood of sequences.

    Args:
      log_probability: `(tokens [B, L]) -> [B, L]`, of the distribution; called with blocks.
      tokens: int `[N, L]`.
      of: what the sequences are, for the result.
      under: what the distribution is, for the result.

    Returns:
      The `NLL`, summed in float64.

    Raises:
      ValueError: if there are fewer than two sequences, or a log probability is not finite or above 0.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.text import nll
      >>> found = nll(lambda tokens: np.full(tokens.shape, np.log(0.25)), np.zeros((3, 5), int), of="zeros", under="uniform")
      >>> round(found.nats, 4), found.tokens, found.samples
      (1.3863, 15, 3)
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or len(tokens) < 2:
        raise ValueError(f"expected at least two sequences of tokens [N, L], found an array of the shape {tokens.shape}")
    sums, lengths = np.zeros(len(tokens)), np.zeros(len(tokens))
    for at in cut(len(tokens), BLOCK):
        each = np.asarray(log_probability(tokens[at]), np.float64)
        if each.shape != tokens[at].shape or not np.isfinite(each).all() or each.max() > 1e-6:
            raise ValueError(f"expected log probabilities {tokens[at].shape}, finite and at most 0, found {each.shape}")
        sums[at], lengths[at] = -each.sum(axis=1), np.count_nonzero(each, axis=1)
    total = int(lengths.sum())
    mean = float(sums.sum() / max(total, 1))
    error = float(np.std(sums - mean * lengths, ddof=1) * np.sqrt(len(tokens)) / max(total, 1))
    caution = checks.few("sequences", len(tokens), 100, "the mean is noisy")
    return NLL(mean, error, len(tokens), total, of, under, caution)


def nll_oracle(oracle: LogProbability, samples: Any) -> NLL:
    """NLL_oracle: the generator's samples under the known distribution of the data; see `nll` for arguments and errors."""
    return nll(oracle, samples, of="samples of the generator", under="the oracle")


def nll_gen(generator: LogProbability, data: Any, *, part: str = "held-out data") -> NLL:
    """NLL_gen: real data under the generator; see `nll` for arguments and errors. `part` names the data."""
    return nll(generator, data, of=part, under="the generator")


def nll_div(generator: LogProbability, samples: Any) -> NLL:
    """NLL_div: the generator's samples under the generator; see `nll` for arguments and errors."""
    return nll(generator, samples, of="samples of the generator", under="the generator")
