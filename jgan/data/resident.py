"""Data that lives on the device as uint8 and is shuffled and cut there, by the key, inside the compiled step.

Each epoch visits the examples in an order of its own. A sorted permutation of 50,000 indices at every step would cost more
than the step; instead the order is a keyed *bijection* of {0 ... n - 1} that is evaluated at the batch's own places only: a
Feistel network on the smallest even number of bits that holds n, walked along its cycle until it lands below n.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jgan.types import Batch, Key, Step
from jgan.utils.checks import divisible

ROUNDS = 8
_DATA_STREAM = 2**31 - 1  # the data's root key: a number no step's count reaches


def shuffled(key: Key, places: jax.Array, n: int) -> jax.Array:
    """The image of some places under a random permutation of {0 ... n - 1}, without making the permutation.

    Args:
      key: chooses the permutation.
      places: int32 of any shape, in [0, n).
      n: the size of the permuted set, at most 2^30.

    Returns:
      int32 of the shape of `places`, in [0, n); distinct places have distinct images.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.data import resident
      >>> sorted(resident.shuffled(jax.random.key(0), jnp.arange(5), 5).tolist())
      [0, 1, 2, 3, 4]

    References:
      Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002): cycle walking and generalised Feistel networks.
    """
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    mask = jnp.uint32(2**half - 1)
    round_keys = jax.random.bits(key, (ROUNDS,), "uint32")

    def mix(x: jax.Array) -> jax.Array:
        """A 32-bit finaliser: every input bit reaches every output bit (constants of MurmurHash3)."""
        x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
        x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
        return x ^ (x >> 16)

    def encrypt(x: jax.Array) -> jax.Array:
        left, right = x >> half, x & mask
        for round_key in round_keys:
            left, right = right, left ^ (mix(right ^ round_key) & mask)
        return (left << half) | right

    def outside(x: jax.Array) -> jax.Array:
        return jnp.any(x >= n)

    walked = jax.lax.while_loop(outside, lambda x: jnp.where(x >= n, encrypt(x), x), encrypt(places.astype(jnp.uint32)))
    return walked.astype(jnp.int32)


def batch_indices(key: Key, step: jax.Array, n: int, batch_size: int, axis_name: str | None = None) -> jax.Array:
    """The indices of the examples of one step: without replacement within an epoch, a new order every epoch.

    An epoch is `n // batch_size` steps; what does not fill a batch is left out, another part in each epoch.

    Args:
      key: the run's root key.
      step: int32 scalar, the number of minibatches drawn before.
      n: the number of examples in the set.
      batch_size: the size of the global batch.
      axis_name: the mapped axis over which the batch is spread, if any: each device gets its share.

    Returns:
      int32 `[batch_size]`, or `[batch_size / devices]`.

    Raises:
      ValueError: if the batch is larger than the set, or not divisible by the devices.

    Example:
      >>> import jax
      >>> from jgan.data import resident
      >>> epoch = [resident.batch_indices(jax.random.key(0), step, 6, 2) for step in range(3)]
      >>> sorted(index for batch in epoch for index in batch.tolist())
      [0, 1, 2, 3, 4, 5]
    """
    if batch_size > n:
        raise ValueError(f"the batch must not be larger than the set, found a batch of {batch_size} from {n} examples")
    steps_per_epoch = n // batch_size
    epoch, position = step // steps_per_epoch, step % steps_per_epoch
    first, count = position * batch_size, batch_size
    if axis_name is not None:
        count = divisible(batch_size, jax.lax.psum(1, axis_name))
        first = first + jax.lax.axis_index(axis_name) * count
    order_key = jax.random.fold_in(jax.random.fold_in(key, _DATA_STREAM), epoch)
    return shuffled(order_key, first + jnp.arange(count), n)


def cut(data: Batch, indices: jax.Array) -> Batch:
    """Gathers examples and brings uint8 pixels to float32 in [0, 1].

    Args:
      data: the whole set; `x` is uint8 `[N, ...]` (or already float), `y` int `[N]` or None.
      indices: int32 of any shape.

    Returns:
      The `Batch` of those examples.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.data import resident
      >>> print(resident.cut(Batch(jnp.array([[0], [255]], jnp.uint8)), jnp.array([1])).x)
      [[1.]]
    """
    batch = jax.tree.map(lambda leaf: leaf[indices], data)
    if batch.x.dtype != jnp.uint8:
        return batch
    return batch._replace(x=batch.x.astype(jnp.float32) / 255)


def on_resident_data(step: Step, batch_size: int, n_critic: int = 1) -> Step:
    """Turns a step over batches into a step over a whole data set that lives on the device.

    Args:
      step: `(key, state, batch, *, axis_name=None) -> (state, metrics)`.
      batch_size: the size of the global batch.
      n_critic: minibatches a step; above 1 the step gets them along a leading axis.

    Returns:
      `(key, state, data, *, axis_name=None) -> (state, metrics)`; the minibatch follows from `key` and `state.step`.

    Example:
      See `jgan.train`.
    """

    def resident_step(key: Key, state: Any, data: Batch, *, axis_name: str | None = None):
        def indices(index: int) -> jax.Array:
            return batch_indices(key, state.step * n_critic + index, len(data.x), batch_size, axis_name)

        several = [indices(index) for index in range(n_critic)]
        batch = cut(data, several[0] if n_critic == 1 else jnp.stack(several))
        return step(key, state, batch, axis_name=axis_name)

    return resident_step
