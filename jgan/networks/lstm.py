"""The LSTM of SeqGAN as a generator of sequences: embedding, one layer, one affine map to the logits."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int32

from jgan.networks.layers import normal
from jgan.networks.sequences import SequenceNetwork
from jgan.types import PyTree

State = tuple[jax.Array, jax.Array]


class LSTM(nn.Module):
    """A recurrent network of long short-term memory over tokens.

    `c' = sigmoid(f) c + sigmoid(i) tanh(g)` and `h' = sigmoid(o) tanh(c')`, the gates i, f, o and the candidate g being affine
    in the embedded token and h. All weights and biases begin as N(0, stddev^2).

    Attributes:
      size: the size of the vocabulary.
      embedding: the size of an embedded token.
      hidden: the size of the state.
      stddev: the spread of the initial weights and biases.
    """

    size: int
    embedding: int = 32
    hidden: int = 32
    stddev: float = 0.1

    def setup(self) -> None:
        init = normal(self.stddev)
        self.embed = nn.Embed(self.size, self.embedding, embedding_init=init)
        self.gates = nn.Dense(4 * self.hidden, kernel_init=init, bias_init=init)
        self.output = nn.Dense(self.size, kernel_init=init, bias_init=init)

    def __call__(self, state: State, tokens: Int32[jax.Array, " n"]) -> Float32[jax.Array, "n size"]:
        """The logits after one step, `[n, V]`; `init` makes all parameters by it."""
        return self.head(self.step(state, tokens)[1])

    def step(self, state: State, tokens: Int32[jax.Array, " n"]) -> tuple[State, Float32[jax.Array, "n hidden"]]:
        """One step: `(state, h [n, H])`."""
        h, c = state
        i, f, o, g = jnp.split(self.gates(jnp.concatenate([self.embed(tokens), h], axis=1)), 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def head(self, h: Float[jax.Array, "*lead hidden"]) -> Float32[jax.Array, "*lead size"]:
        """The logits of the next token."""
        return self.output(h)


def sequence_network(module: nn.Module, begin: Callable[[int], Any], length: int, size: int, end: int = -1) -> SequenceNetwork:
    """The network of a module with the methods `step` and `head`.

    Args:
      module: an `LSTM` or another recurrent module over tokens.
      begin: `begin(n) -> state`, before the first token.
      length: the number of tokens of a sequence.
      size: the size of the vocabulary.
      end: the token that ends a sequence; -1 for none.

    Returns:
      The `SequenceNetwork`.

    Raises:
      ValueError: if the length or the vocabulary is empty.

    Example:
      See `lstm`.
    """
    if length < 1 or size < 2:
        raise ValueError(f"expected sequences of at least 1 token from a vocabulary of at least 2, found {length} and {size}")

    def apply(method: str, params: PyTree, *args: Any) -> Any:
        return module.apply({"params": params}, *args, method=method)

    return SequenceNetwork(
        init=lambda key: module.init(key, begin(1), jnp.zeros(1, jnp.int32))["params"],
        begin=begin,
        step=functools.partial(apply, "step"),
        head=functools.partial(apply, "head"),
        length=length,
        size=size,
        end=end,
    )


def lstm(
    size: int, length: int, *, end: int = -1, embedding: int = 32, hidden: int = 32, stddev: float = 0.1
) -> SequenceNetwork:
    """The generator of SeqGAN.

    Args:
      size: the size of the vocabulary.
      length: the number of tokens of a sequence.
      end: the token that ends a sequence; -1 for none.
      embedding: the size of an embedded token.
      hidden: the size of the state.
      stddev: the spread of the initial weights; the synthetic oracle has 1.

    Returns:
      The `SequenceNetwork`.

    Example:
      >>> import jax
      >>> from jgan.networks import lstm, sequences
      >>> net = lstm.lstm(10, 4)
      >>> key = jax.random.key(0)
      >>> params = net.init(key)
      >>> tokens = sequences.sampled(net, params, sequences.latent_keys(key, 3))
      >>> tokens.shape, sequences.log_probabilities(net, params, tokens).shape
      ((3, 4), (3, 4))

    References:
      Yu et al., "SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient" (2017), https://arxiv.org/abs/1609.05473
    """

    def begin(n: int) -> State:
        return jnp.zeros((n, hidden)), jnp.zeros((n, hidden))

    return sequence_network(LSTM(size, embedding, hidden, stddev), begin, length, size, end)
