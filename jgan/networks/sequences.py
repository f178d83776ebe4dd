"""Generators of sequences of tokens: likelihood by teacher forcing, samples, completions and relaxed samples, by `lax.scan`.

A `SequenceNetwork` is a recurrent network as pure functions. All sequences begin after a start token, which is token 0. Where
one token ends a sequence (`end`), every later token is that one with probability 1, so the network is a distribution over
sequences of at most `length` tokens.

A sequence is drawn from a key of its own, so that it does not depend on the batch or the devices; the latents of these
generators are the data of such keys (`latent_keys`). A token is drawn by one uniform number: Gumbel noise would take one for
each token of the vocabulary.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float32, Int32, Shaped, UInt32

from jgan import rng
from jgan.types import Key, PyTree

GROUP = 64
"""Tokens in a group of which the probabilities are summed first."""

START = 0


class SequenceNetwork(NamedTuple):
    """A recurrent network over tokens.

    Attributes:
      init: `init(key) -> params`.
      begin: `begin(n) -> carry`, the state before the first token.
      step: `step(params, carry, tokens [n] int32) -> (carry, features [n, ...])`.
      head: `head(params, features [..., H]) -> logits [..., V]` of the next token.
      length: the number of tokens of a sequence.
      size: the number of tokens in the vocabulary.
      end: the token that ends a sequence; -1 for none.
    """

    init: Callable[[Key], PyTree]
    begin: Callable[[int], PyTree]
    step: Callable[[PyTree, PyTree, jax.Array], tuple[PyTree, jax.Array]]
    head: Callable[[PyTree, jax.Array], jax.Array]
    length: int
    size: int
    end: int = -1


def latent_keys(key: Key, n: int, axis_name: str | None = None) -> UInt32[jax.Array, "n words"]:
    """The latents of generators of sequences: the data of one key for each.

    Args:
      key: the key of the whole batch.
      n: the number of sequences on this device.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `[n, 2]` uint32.

    Example:
      >>> import jax
      >>> from jgan.networks import sequences
      >>> sequences.latent_keys(jax.random.key(0), 3).shape
      (3, 2)
    """
    return jax.random.key_data(rng.example_keys(key, n, axis_name))


def alive(tokens: Int32[jax.Array, "b length"], end: int) -> Bool[jax.Array, "b length"]:
    """Whether each token counts: it stands not after the end of its sequence, which counts itself.

    Args:
      tokens: `[B, L]`.
      end: the token that ends a sequence; -1 for none.

    Returns:
      `[B, L]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import sequences
      >>> sequences.alive(jnp.array([[3, 0, 0], [1, 2, 3]]), 0).tolist()
      [[True, True, False], [True, True, True]]
    """
    ended = jnp.cumsum(tokens == end, axis=1) > 0
    return ~jnp.pad(ended[:, :-1], ((0, 0), (1, 0)))


def log_probabilities(net: SequenceNetwork, params: PyTree, tokens: Int32[jax.Array, "b length"]) -> Float32[jax.Array, "..."]:
    """The log probability of each token given those before it, by teacher forcing.

    Args:
      net: the network.
      params: its parameters.
      tokens: `[B, L]`.

    Returns:
      `[B, L]` float32 in nats, exactly 0 after the end of a sequence.

    Example:
      See `jgan.models.sequences`.
    """
    before = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=START)
    _, features = jax.lax.scan(lambda carry, token: net.step(params, carry, token), net.begin(tokens.shape[0]), before.T)
    logs = jax.nn.log_softmax(net.head(params, jnp.moveaxis(features, 0, 1)))  # one product for all places
    chosen = jnp.take_along_axis(logs, tokens[..., None], axis=-1)[..., 0]
    return jnp.where(alive(tokens, net.end), chosen, 0.0)


def categorical(uniform: Float32[jax.Array, " n"], logits: Float32[jax.Array, "n size"]) -> Int32[jax.Array, " n"]:
    """Draws tokens: the first whose cumulative probability is above a number.

    The probabilities are summed in groups first, then within one group, which is faster than over the whole vocabulary.

    Args:
      uniform: `[n]` numbers in [0, 1).
      logits: `[n, V]`.

    Returns:
      `[n]` int32; never a token whose probability is 0 in float32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import sequences
      >>> sequences.categorical(jnp.array([0.2, 0.3]), jnp.log(jnp.array([[0.25, 0.75], [0.25, 0.75]]))).tolist()
      [0, 1]
    """
    n, size = logits.shape
    weights = jnp.exp(logits - jnp.max(logits, axis=1, keepdims=True))
    width = min(GROUP, size)
    groups = jnp.pad(weights, ((0, 0), (0, -size % width))).reshape(n, -1, width)
    until = jnp.cumsum(jnp.sum(groups, axis=2), axis=1)
    group, before = _first_above(until, uniform * until[:, -1])
    inside = jnp.take_along_axis(groups, group[:, None, None], axis=1)[:, 0]
    place, _ = _first_above(jnp.cumsum(inside, axis=1), uniform * until[:, -1] - before)
    return group * width + place


def _first_above(until: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The first index whose cumulative weight is above the target, and the cumulative weight before it.

    Rounding may put the target above all: then it is the last index with a weight.
    """
    index = jnp.sum(until <= target[:, None], axis=1, dtype=jnp.int32)
    index = jnp.minimum(index, jnp.sum(until < until[:, -1:], axis=1, dtype=jnp.int32))
    padded = jnp.pad(until, ((0, 0), (1, 0)))
    return index, jnp.take_along_axis(padded, index[:, None], axis=1)[:, 0]


def _uniform(z: jax.Array, length: int) -> jax.Array:
    """`[L, n]`, one number for each token, from the data of keys `[n, 2]`."""
    return jax.vmap(lambda data: jax.random.uniform(jax.random.wrap_key_data(data), (length,)), out_axes=1)(z)


def completed(
    net: SequenceNetwork,
    params: PyTree,
    z: UInt32[jax.Array, "n words"],
    tokens: Int32[jax.Array, "n length"],
    given: Int32[jax.Array, " n"],
    temperature: float | jax.Array = 1.0,
) -> Int32[jax.Array, "n length"]:
    """Draws sequences with given beginnings.

    Args:
      net: the network.
      params: its parameters.
      z: `[n, 2]` uint32, from `latent_keys`.
      tokens: `[n, L]`, whose first tokens are the beginnings.
      given: `[n]`, how many of them are.
      temperature: the logits are divided by it: below 1, likely tokens become likelier.

    Returns:
      `[n, L]` int32.

    Example:
      See `jgan.models.seqgan`.
    """

    def body(carry, inputs):
        state, before, ended = carry
        place, number, own = inputs
        state, features = net.step(params, state, before)
        drawn = categorical(number, net.head(params, features) / temperature)
        token = jnp.where(place < given, own, jnp.where(ended, net.end, drawn))
        return (state, token, ended | (token == net.end)), token

    n = tokens.shape[0]
    carry = net.begin(n), jnp.full(n, START, jnp.int32), jnp.zeros(n, bool)
    inputs = jnp.arange(net.length, dtype=jnp.int32), _uniform(z, net.length), tokens.T
    return jax.lax.scan(body, carry, inputs)[1].T


def sampled(
    net: SequenceNetwork, params: PyTree, z: UInt32[jax.Array, "n words"], temperature: float | jax.Array = 1.0
) -> Int32[jax.Array, "n length"]:
    """Draws sequences: `completed` with nothing given.

    Args:
      net: the network.
      params: its parameters.
      z: `[n, 2]` uint32, from `latent_keys`.
      temperature: as there.

    Returns:
      `[n, L]` int32.

    Example:
      See `jgan.models.language_model`.
    """
    nothing = jnp.zeros((z.shape[0], net.length), jnp.int32)
    return completed(net, params, z, nothing, jnp.zeros(z.shape[0], jnp.int32), temperature)


def relaxed(
    net: SequenceNetwork, params: PyTree, z: UInt32[jax.Array, "n words"], beta: jax.Array, *, straight_through: bool = False
) -> tuple[Int32[jax.Array, "n length"], Float32[jax.Array, "n length size"]]:
    """Draws sequences with a differentiable relaxation of each token: `softmax(beta (logits + Gumbel noise))`.

    The token itself, the largest entry, is what the network sees next; the gradient flows through the relaxed tokens and the
    state of the network.

    Args:
      net: the network.
      params: its parameters.
      z: `[n, 2]` uint32, from `latent_keys`.
      beta: the inverse temperature: the larger, the closer to the token.
      straight_through: whether the value is that of the token, and only the gradient that of the relaxation.

    Returns:
      The tokens, and `[n, L, V]`, the relaxed ones, which sum to 1.

    References:
      Jang et al., "Categorical Reparameterization with Gumbel-Softmax" (2017), https://arxiv.org/abs/1611.01144; Nie et al.,
      "RelGAN" (2019), https://openreview.net/forum?id=rJedV3R5tm
    """

    def noise(data: jax.Array, place: jax.Array) -> jax.Array:
        return jax.random.gumbel(jax.random.fold_in(jax.random.wrap_key_data(data), place), (net.size,))

    def body(carry, place):
        state, before, ended = carry
        state, features = net.step(params, state, before)
        perturbed = net.head(params, features) + jax.vmap(noise, in_axes=(0, None))(z, place)
        token = jnp.where(ended, net.end, jnp.argmax(perturbed, axis=1).astype(jnp.int32))
        hard = jax.nn.one_hot(token, net.size)
        soft = jax.nn.softmax(beta * perturbed)
        if straight_through:
            soft = hard + soft - jax.lax.stop_gradient(soft)
        soft = jnp.where(ended[:, None], hard, soft)
        return (state, token, ended | (token == net.end)), (token, soft)

    n = z.shape[0]
    carry = net.begin(n), jnp.full(n, START, jnp.int32), jnp.zeros(n, bool)
    tokens, soft = jax.lax.scan(body, carry, jnp.arange(net.length, dtype=jnp.int32))[1]
    return tokens.T, jnp.moveaxis(soft, 0, 1)


def one_hot(tokens: Shaped[jax.Array, "..."], size: int) -> Float32[jax.Array, "..."]:
    """Tokens as vectors, `[..., V]` float32; what is a float already is returned as it is.

    Args:
      tokens: integers `[...]`, or floats `[..., V]`.
      size: the size of the vocabulary V.

    Returns:
      `[..., V]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import sequences
      >>> sequences.one_hot(jnp.array([1, 0]), 2).tolist()
      [[0.0, 1.0], [1.0, 0.0]]
    """
    return tokens if jnp.issubdtype(tokens.dtype, jnp.floating) else jax.nn.one_hot(tokens, size)
