"""Synthetic sequences of a random LSTM, the oracle of SeqGAN: their exact likelihood is known.

`oracle:VOCABULARY:LENGTH:SEED`, by default 5000 tokens, length 20 and seed 0. The LSTM has an embedding and a state of 32, all
weights and biases N(0, 1), and begins with token 0 and a state of zeros. No token ends a sequence.

Figures are per oracle: the likelihood of its own data differs from seed to seed. Always report two anchors: that of the data
themselves, and that of independent tokens of their frequencies (`unigram`).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.data import reading, sources
from jgan.data.dataset import Dataset, reads_no_files
from jgan.types import Batch, Field
from jgan.utils import text

VOCABULARY, LENGTH, HIDDEN = 5000, 20, 32

SIZES = (9_984, 2_000, 2_000)
"""training, validation and test sequences; SeqGAN trained on 156 minibatches of 64"""

BLOCK, GROUP = 1024, 64
"""sequences computed at once, and tokens in a group of which the probabilities are summed first"""


class Oracle(NamedTuple):
    """A distribution of sequences of tokens.

    Attributes:
      embedding: `[V, H]` float32.
      kernel: `[2 H, 4 H]` float32, from the embedded token and the state to the gates i, f, o and the candidate.
      bias: `[4 H]` float32.
      output: `[H, V]` float32.
      output_bias: `[V]` float32.
      length: tokens of a sequence.
    """

    embedding: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray
    length: int

    @property
    def size(self) -> int:
        """The number of tokens in the vocabulary."""
        return len(self.embedding)

    def step(self, token: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The logits of the next token, `[B, V]`, and the new state, after `token` `[B]`."""
        gates = np.concatenate([self.embedding[token], h], axis=1) @ self.kernel + self.bias
        i, f, o, g = np.split(gates, 4, axis=1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        return h @ self.output + self.output_bias, h, c

    def sample(self, n: int, seed: int | tuple[int, ...]) -> np.ndarray:
        """Draws sequences.

        Args:
          n: their number.
          seed: of NumPy's PCG64.

        Returns:
          int32 `[n, length]`.
        """
        generator = np.random.Generator(np.random.PCG64(seed))
        uniform = generator.random((n, self.length))
        found = np.zeros((n, self.length), np.int32)
        for first in range(0, n, BLOCK):
            rows = slice(first, first + BLOCK)
            token = np.zeros(len(found[rows]), np.int32)
            h = c = np.zeros((len(token), self.embedding.shape[1]), np.float32)
            for place in range(self.length):
                logits, h, c = self.step(token, h, c)
                token = _chosen(np.exp(logits - logits.max(axis=1, keepdims=True)), uniform[rows, place])
                found[rows, place] = token
        return found

    def log_probability(self, tokens: np.ndarray) -> np.ndarray:
        """The log probability of each token given those before it.

        Args:
          tokens: int `[B, length]`.

        Returns:
          float64 `[B, length]`, in nats.

        Raises:
          ValueError: if the shape or a token is not that of the oracle.
        """
        tokens = np.asarray(tokens)
        if tokens.ndim != 2 or tokens.shape[1] != self.length or tokens.min() < 0 or tokens.max() >= self.size:
            raise ValueError(
                f"expected tokens [B, {self.length}] from 0 to {self.size - 1}, found {tokens.shape} from {tokens.min()} to "
                f"{tokens.max()}"
            )
        weights = (self.embedding, self.kernel, self.bias, self.output, self.output_bias)
        exact = Oracle(*(leaf.astype(np.float64) for leaf in weights), length=self.length)  # type: ignore[misc, arg-type]
        before, found = np.zeros(len(tokens), np.int32), np.zeros(tokens.shape)
        h = c = np.zeros((len(tokens), self.embedding.shape[1]))
        for place in range(self.length):
            logits, h, c = exact.step(before, h, c)
            before = tokens[:, place]
            most = logits.max(axis=1)
            total = most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
            found[:, place] = logits[np.arange(len(tokens)), before] - total
        return found

    def decode(self, tokens: np.ndarray) -> list[str]:
        """Sequences as lines: the numbers of their tokens."""
        return [" ".join(map(str, row)) for row in np.asarray(tokens).tolist()]


def _chosen(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Tokens drawn with these weights `[B, V]`: the first whose cumulative share is above a number in [0, 1).

    The sums are over groups of tokens first, then within one: a cumulative sum over all tokens is ten times slower.
    """
    n, size = weights.shape
    groups = np.pad(weights, ((0, 0), (0, -size % GROUP))).reshape(n, -1, GROUP)
    until = np.cumsum(groups.sum(axis=2), axis=1, dtype=np.float64)
    target = uniform * until[:, -1]
    group = np.sum(until <= target[:, None], axis=1)
    rest = target - np.where(group > 0, until[np.arange(n), group - 1], 0)
    within = np.cumsum(groups[np.arange(n), group], axis=1, dtype=np.float64)
    # Rounding may leave a rest that the group does not hold: then it is its last token with a weight.
    place = np.minimum(np.sum(within <= rest[:, None], axis=1), np.sum(within < within[:, -1:], axis=1))
    return (group * GROUP + place).astype(np.int32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))  # without an overflow


def make(vocabulary: int, length: int, seed: int = 0, hidden: int = HIDDEN) -> Oracle:
    """Makes an oracle.

    Args:
      vocabulary: its tokens.
      length: tokens of a sequence.
      seed: the seed of its weights.
      hidden: the size of the embedding and of the state.

    Returns:
      The `Oracle`.

    Example:
      >>> from jgan.data import oracle
      >>> made = oracle.make(50, 8)
      >>> tokens = made.sample(3, seed=1)
      >>> tokens.shape, made.log_probability(tokens).shape
      ((3, 8), (3, 8))

    References:
      Yu et al., "SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient" (2017), section 4,
      https://arxiv.org/abs/1609.05473
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    shapes = ((vocabulary, hidden), (2 * hidden, 4 * hidden), (4 * hidden,), (hidden, vocabulary), (vocabulary,))
    return Oracle(*(generator.standard_normal(shape, np.float32) for shape in shapes), length=length)  # type: ignore[misc, arg-type]


def unigram(tokens: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Sequences of independent tokens with the frequencies of some data: the anchor that a model must beat.

    Args:
      tokens: int `[N, length]`, the data.
      n: the number of sequences.
      seed: of NumPy's PCG64.

    Returns:
      `[n, length]`, tokens of the data.

    Example:
      >>> import numpy as np
      >>> from jgan.data import oracle
      >>> oracle.unigram(np.array([[3, 3], [3, 3]]), 2, seed=0).tolist()
      [[3, 3], [3, 3]]
    """
    return np.random.Generator(np.random.PCG64(seed)).choice(tokens.reshape(-1), (n, tokens.shape[1]))


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """Makes an oracle and draws its data.

    Args:
      name: `oracle`, or with VOCABULARY, LENGTH and SEED after colons.
      data_dir: must be None: there are no files to read.

    Returns:
      The `Dataset`: `x` tokens `[N, length]`; its `truth` is the `Oracle`.

    Raises:
      ValueError: if the numbers are not as expected, or a folder is given.

    Example:
      >>> from jgan.data import oracle
      >>> dataset = oracle.load("oracle:20:5")
      >>> dataset.train.x.shape, dataset.fields.x.size, dataset.truth.length
      ((9984, 5), 20, 5)
    """
    reads_no_files(name, data_dir)
    given = name.split(":")[1:]
    numbers = [int(part) for part in given if part.isdecimal() and len(part) < 8]
    vocabulary, length, seed = [*numbers, *(VOCABULARY, LENGTH, 0)[len(numbers) :]][:3]
    if len(numbers) != len(given) or len(given) > 3 or vocabulary < 2 or length < 1:
        raise ValueError(
            "expected a vocabulary of at least 2 tokens, a length and a seed after the colons, as in oracle:5000:20:0, found "
            f"{text.shortened(name, 60)!r}"
        )
    reading.check_size(name, 4 * (vocabulary * (2 * HIDDEN + 8 * BLOCK) + sum(SIZES) * length))
    made = make(vocabulary, length, seed)
    train, validation, test = (Batch(made.sample(n, (seed, part))) for part, n in enumerate(SIZES, 1))
    return Dataset(name, train, validation, test, fields=Batch(Field((length,), "tokens", vocabulary)), truth=made)


sources.register(
    "oracle",
    load,
    f"synthetic sequences of a random LSTM, whose likelihood is known: {VOCABULARY} tokens, length {LENGTH}, seed 0 by default",
    usage="oracle, oracle:VOCABULARY:LENGTH:SEED",
)
