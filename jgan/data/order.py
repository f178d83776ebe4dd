"""The order of the examples: a new permutation every epoch, evaluated only at the places of a minibatch.

Sorting a permutation of 50,000 indices at every step would cost more than the step. Instead the order is a keyed *bijection* of
{0 ... n - 1}: a Feistel network on the smallest even number of bits that holds n, applied again until the result is below n.

The same bijection is evaluated by JAX inside the compiled step (`batch_indices`, for data on the device) and by NumPy on the
host (`HostOrder`, for data that are read as they are needed); both take the examples in the same order.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, Int32

from jgan import rng
from jgan.types import Key
from jgan.utils.checks import divisible

ROUNDS = 8


def shuffled(key: Key, places: Int[jax.Array, " *shape"], n: int) -> Int32[jax.Array, " *shape"]:
    """Values of a random permutation of {0 ... n - 1} at some places, without computing the whole permutation.

    Args:
      key: chooses the permutation.
      places: int32 of any shape, in [0, n).
      n: the number of permuted elements, at most 2^30.

    Returns:
      int32 of the shape of `places`, in [0, n); distinct places have distinct values.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.data import order
      >>> sorted(order.shuffled(jax.random.key(0), jnp.arange(5), 5).tolist())
      [0, 1, 2, 3, 4]

    References:
      Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002): cycle walking and generalised Feistel networks.
    """
    encrypt = _cipher(_round_keys(key), n)

    def outside(x: jax.Array) -> jax.Array:
        return jnp.any(x >= n)

    walked = jax.lax.while_loop(outside, lambda x: jnp.where(x >= n, encrypt(x), x), encrypt(places.astype(jnp.uint32)))
    return walked.astype(jnp.int32)


def _round_keys(key: Key) -> jax.Array:
    return jax.random.bits(key, (ROUNDS,), "uint32")


def _cipher(round_keys: Any, n: int) -> Callable[[Any], Any]:
    """The Feistel network on the smallest even number of bits that holds `n`: uint32 arrays of JAX or of NumPy to such."""
    half = np.uint32(max(1, ((n - 1).bit_length() + 1) // 2))
    mask = np.uint32(2 ** int(half) - 1)

    def mix(x: Any) -> Any:
        """A 32-bit finaliser: every output bit depends on every input bit (constants of MurmurHash3)."""
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return x ^ (x >> np.uint32(16))

    def encrypt(x: Any) -> Any:
        left, right = x >> half, x & mask
        for round_key in round_keys:
            left, right = right, left ^ (mix(right ^ round_key) & mask)
        return (left << half) | right

    return encrypt


def batch_indices(
    key: Key, step: Int[jax.Array, ""] | int, n: int, batch_size: int, axis_name: str | None = None, *, stream: int = 0
) -> Int32[jax.Array, " share"]:
    """The indices of the examples of one step: without replacement within an epoch, in a new order every epoch.

    An epoch is `n // batch_size` steps. The examples that do not fill a batch are left out; they differ in each epoch.

    Args:
      key: the run's root key.
      step: int32 scalar, the number of earlier minibatches.
      n: the number of examples in the set.
      batch_size: the size of the global batch.
      axis_name: the mapped axis over which the batch is spread, if any: each device gets its share.
      stream: the number of the set if there are several; their orders are independent.

    Returns:
      int32 `[batch_size]`, or `[batch_size / devices]`.

    Raises:
      ValueError: if the batch is larger than the set, or not divisible by the number of devices.

    Example:
      >>> import jax
      >>> from jgan.data import order
      >>> epoch = [order.batch_indices(jax.random.key(0), step, 6, 2) for step in range(3)]
      >>> sorted(index for batch in epoch for index in batch.tolist())
      [0, 1, 2, 3, 4, 5]
    """
    steps_per_epoch = _steps_per_epoch(n, batch_size)
    epoch, position = step // steps_per_epoch, step % steps_per_epoch
    first, count = position * batch_size, batch_size
    if axis_name is not None:
        count = divisible(batch_size, jax.lax.psum(1, axis_name))
        first = first + jax.lax.axis_index(axis_name) * count
    return shuffled(_epoch_key(key, epoch, stream), first + jnp.arange(count), n)


def _steps_per_epoch(n: int, batch_size: int) -> int:
    if batch_size > n:
        raise ValueError(f"the batch must not be larger than the set, found a batch of {batch_size} from {n} examples")
    return n // batch_size


def _epoch_key(key: Key, epoch: Any, stream: int) -> Key:
    set_key = jax.random.fold_in(key, rng.DATA_STREAM)
    if stream:  # counted down from a number above any number of epochs
        set_key = jax.random.fold_in(set_key, rng.DATA_STREAM - stream)
    return jax.random.fold_in(set_key, epoch)


class HostOrder:
    """The indices of `batch_indices`, computed with NumPy: it can be copied to other processes, which do not need JAX for it.

    Args:
      key: the run's root key.
      n: the number of examples in the set.
      batch_size: the size of the global batch.
      first: the first minibatch that will be asked for.
      end: the number of the last one, plus one.
      stream: as for `batch_indices`.

    Raises:
      ValueError: if the batch is larger than the set.

    Example:
      >>> import jax
      >>> from jgan.data import order
      >>> key = jax.random.key(0)
      >>> found = order.HostOrder(key, 6, 2, first=0, end=9)
      >>> found(7).tolist() == order.batch_indices(key, 7, 6, 2).tolist()
      True
    """

    def __init__(self, key: Key, n: int, batch_size: int, *, first: int, end: int, stream: int = 0) -> None:
        self.n, self.batch_size = n, batch_size
        self.steps_per_epoch = _steps_per_epoch(n, batch_size)
        self.first_epoch = first // self.steps_per_epoch
        epochs = jnp.arange(self.first_epoch, max(end - 1, first) // self.steps_per_epoch + 1, dtype=jnp.int32)
        made = jax.jit(lambda key, epochs: jax.vmap(lambda epoch: _round_keys(_epoch_key(key, epoch, stream)))(epochs))
        self.round_keys = np.asarray(made(key, epochs))

    def __call__(self, minibatch: int) -> np.ndarray:
        """The indices of a minibatch, int32 `[batch_size]`."""
        epoch, position = divmod(minibatch, self.steps_per_epoch)
        encrypt = _cipher(self.round_keys[epoch - self.first_epoch], self.n)
        x = encrypt(np.arange(position * self.batch_size, (position + 1) * self.batch_size, dtype=np.uint32))
        while (outside := x >= self.n).any():
            x[outside] = encrypt(x[outside])
        return x.astype(np.int32)
