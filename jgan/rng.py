"""Random streams, and one key per example.

Each random number of an example (latents, dropout masks) is drawn from a separate key, folded from
the step's key and the example's place in the *global* batch. So the numbers do not depend on how the batch is distributed over
devices: `jit` on one device, `pmap` on eight and a sharded `jit` draw the same latents and the same masks, with no
communication, and each device draws only its share.

All keys of a run are folded from its root key: `step_key` for a step, `stream` for each use within a step, `stream_key` for
streams that must differ from those of all steps.
"""

import enum
import math
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float32, Int, Shaped

from jgan.types import Key

Noise = Literal["uniform", "gaussian"]


class Stream(enum.IntEnum):
    """The uses of a step's key in `jgan.games.Adversarial`, `jgan.views` and `jgan.data.resident`.

    Each has the number that is folded into the key.
    """

    LATENTS = 0
    GENERATOR = 1
    DISCRIMINATOR_REAL = 2
    DISCRIMINATOR_FAKE = 3
    AUGMENT_REAL = 4
    AUGMENT_FAKE = 5
    PENALTIES = 6
    CONDITION = 7
    POOL = 8
    DEQUANTISATION = 9
    VIEW = 10
    DATA_VIEW = 11
    ROLLOUTS = 12


DATA_STREAM = 2**31 - 1
"""Folded into the root key for the order of the data; larger than any step count."""


PHASE_STREAM = 1000
"""Added to the index of a phase after the first for its `stream_key`."""


def step_key(key: Key, step: Int[jax.Array, ""]) -> Key:
    """The key of one step.

    Args:
      key: the run's root key.
      step: int32 scalar, `state.step`.

    Returns:
      The key.
    """
    return jax.random.fold_in(key, step)


def stream(key: Key, use: Stream) -> Key:
    """The key of one use within a step.

    Args:
      key: the step's key.
      use: the purpose of the key.

    Returns:
      The key.

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> latents_key = rng.stream(jax.random.key(0), rng.Stream.LATENTS)
    """
    return jax.random.fold_in(key, int(use))


def stream_key(key: Key, index: int) -> Key:
    """A root key whose steps share no key with those of `key` itself, which fold in numbers below 2^31.

    Args:
      key: the run's root key.
      index: the index of the stream, from 0.

    Returns:
      The key.
    """
    return jax.random.fold_in(key, 2**31 + index)


def stream_keys(key: Key, n: int) -> Shaped[Key, " n"]:
    """The first keys of `stream_key`, as one array.

    Args:
      key: the run's root key.
      n: the number of streams.

    Returns:
      `[n]` keys.

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> key = jax.random.key(0)
      >>> bool(rng.stream_keys(key, 3)[2] == rng.stream_key(key, 2))
      True
    """
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, np.uint32(2**31) + np.arange(n, dtype=np.uint32))


def example_keys(key: Key, n: int, axis_name: str | None = None) -> Shaped[Key, " n"]:
    """One key for each example of the local batch.

    Args:
      key: the key of the whole batch.
      n: the number of examples *on this device*.
      axis_name: the mapped axis over which the batch is spread, if any; device `i` holds the examples `i n ... i n + n - 1`.

    Returns:
      `[n]` keys.

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> rng.example_keys(jax.random.key(0), 3).shape
      (3,)
    """
    first = 0 if axis_name is None else jax.lax.axis_index(axis_name) * n
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, first + jnp.arange(n))


def one_each(
    key: Key, n: int, draw: Callable[[Key], Shaped[jax.Array, " *shape"]], axis_name: str | None = None
) -> Shaped[jax.Array, " n *shape"]:
    """One draw for each example of the local batch.

    Args:
      key: the key of the whole batch.
      n: the number of examples on this device.
      draw: `draw(key) -> array`, of one example.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `[n, ...]`.

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> rng.one_each(jax.random.key(0), 3, lambda key: jax.random.normal(key, (2,))).shape
      (3, 2)
    """
    return jax.vmap(draw)(example_keys(key, n, axis_name))


def latents(
    key: Key, n: int, size: int, noise: Noise = "gaussian", axis_name: str | None = None
) -> Float32[jax.Array, "n size"]:
    """Draws the generator's input.

    Args:
      key: the key of the whole batch.
      n: the number of examples on this device.
      size: the dimension of the latent space.
      noise: `"gaussian"` for N(0, I); `"uniform"` for U(-sqrt 3, sqrt 3), which has unit variance too.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `[n, size]` float32, zero mean and unit variance.

    Raises:
      ValueError: if `noise` is not one of the two.

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> z = rng.latents(jax.random.key(0), 4, 100, "uniform")
      >>> z.shape, bool(abs(z).max() < 3 ** 0.5)
      ((4, 100), True)

    References:
      The two kinds of noise of Goodfellow et al., "Generative Adversarial Nets" (2014), https://arxiv.org/abs/1406.2661
    """
    if noise == "uniform":
        return one_each(key, n, lambda k: jax.random.uniform(k, (size,), minval=-(3**0.5), maxval=3**0.5), axis_name)
    if noise == "gaussian":
        return one_each(key, n, lambda k: jax.random.normal(k, (size,)), axis_name)
    raise ValueError(f"noise must be 'uniform' or 'gaussian', found {noise!r}")


def bernoulli_mask(key: Key, keep: float, shape: tuple[int, ...], axis_name: str | None = None) -> Bool[jax.Array, "n ..."]:
    """Draws a dropout mask, one independent row for each example.

    `jax.random.bernoulli` uses 32 random bits per element. Here a probability that is a multiple of 1/2, 1/4, 1/16 or 1/256
    uses 1, 2, 4 or 8 bits and is exact; any other uses 16 bits and is accurate to 2^-17.

    Args:
      key: the key of the whole batch.
      keep: the probability of True, in [0, 1].
      shape: `(n, ...)`, `n` being the number of examples on this device.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      A bool array of that shape.

    Raises:
      ValueError: if `keep` is not in [0, 1].

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> bool(rng.bernoulli_mask(jax.random.key(0), 1.0, (2, 3)).all())
      True
    """
    return bernoulli_masks(example_keys(key, shape[0], axis_name), keep, shape[1:])


def bernoulli_masks(keys: Shaped[Key, " n"], keep: float, shape: tuple[int, ...]) -> Bool[jax.Array, "n ..."]:
    """Draws a mask from each of several keys, as `bernoulli_mask` does for the examples of a batch.

    Args:
      keys: `[n]` keys.
      keep: the probability of True, in [0, 1].
      shape: the shape of one mask.

    Returns:
      `[n, ...]` bool.

    Raises:
      ValueError: if `keep` is not in [0, 1].

    Example:
      >>> import jax
      >>> from jgan import rng
      >>> rng.bernoulli_masks(jax.random.split(jax.random.key(0), 2), 0.5, (3, 4)).shape
      (2, 3, 4)
    """
    if not 0 <= keep <= 1:
        raise ValueError(f"keep must be a probability, in [0, 1], found {keep}")
    n, size = len(keys), math.prod(shape)
    width = next(bits for bits in (1, 2, 4, 8, 16) if bits == 16 or float(keep * 2**bits).is_integer())
    coins_per_word = 32 // width
    words = -(-size // coins_per_word)
    word = jax.vmap(lambda k: jax.random.bits(k, (words,), "uint32"))(keys)
    shifts = jnp.arange(0, 32, width, dtype=jnp.uint32)
    numbers = (word[:, :, None] >> shifts[None, None, :]) & jnp.uint32(2**width - 1)
    coins = numbers.reshape(n, words * coins_per_word)[:, :size] < jnp.uint32(round(keep * 2**width))
    return coins.reshape(n, *shape)
