"""An image pool: a buffer of earlier fakes, from which the discriminator receives some of its fakes."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int32

from jgan import collectives
from jgan.types import Key


class Pool(NamedTuple):
    """The state of an image pool; part of a game's memory, so equal on all devices.

    Attributes:
      images: `[size, ...]`, the stored images.
      count: int32 scalar, the number of stored images.
    """

    images: Float[jax.Array, " size *shape"]
    count: Int32[jax.Array, ""]  # type: ignore[assignment]  # hides tuple.count


def init(size: int, shape: tuple[int, ...]) -> Any:
    """An empty pool.

    Args:
      size: the capacity in images; 0 for no pool, which returns new images unchanged.
      shape: the shape of one image.

    Returns:
      The `Pool`; `()` for a size of 0, since checkpoints hold no arrays without elements.

    Raises:
      ValueError: if the size is negative.

    Example:
      >>> from jgan import pool
      >>> pool.init(50, (8, 8, 1)).images.shape
      (50, 8, 8, 1)
    """
    if size < 0:
        raise ValueError(f"the size of an image pool must be at least 0, found {size}")
    return Pool(jnp.zeros((size, *shape)), jnp.zeros((), jnp.int32)) if size else ()


def exchange(
    key: Key, pool: Any, images: Float[jax.Array, " b *shape"], axis_name: str | None = None
) -> tuple[Float[jax.Array, " b *shape"], Any]:
    """Adds new images to a pool and draws images from it, one after the other.

    While the pool is not full, an image is stored and returned. Once it is full, with probability 1/2 a random stored image is
    returned and the new one takes its place; otherwise the new one is returned and not stored.

    Args:
      key: the key, equal on all devices.
      pool: the pool, as `init` returns it.
      images: `[B, ...]`, this device's share of the new images.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `([B, ...] images, pool)`; no gradient flows through them. The pool is that of the global batch, on every device.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import pool
      >>> shown, held = pool.exchange(jax.random.key(0), pool.init(3, ()), jnp.array([1.0, 2.0]))
      >>> shown.tolist(), held.images.tolist(), int(held.count)
      ([1.0, 2.0], [1.0, 2.0, 0.0], 2)

    References:
      Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training" (2017), section 2.3,
      https://arxiv.org/abs/1612.07828; Zhu et al. (2017), section 4, https://arxiv.org/abs/1703.10593
    """
    if not isinstance(pool, Pool):
        return jax.lax.stop_gradient(images), pool
    size, n = len(pool.images), len(images)
    everyone = jax.lax.stop_gradient(collectives.gather(images, axis_name))

    def one(pool: Pool, numbered: tuple[jax.Array, jax.Array]) -> tuple[Pool, jax.Array]:
        image, own_key = numbered
        swap_key, place_key = jax.random.split(own_key)
        full = pool.count >= size
        place = jnp.where(full, jax.random.randint(place_key, (), 0, size), pool.count)
        swaps = full & jax.random.bernoulli(swap_key)
        returned = jnp.where(swaps, pool.images[place], image)
        stored = jnp.where(swaps | ~full, image, pool.images[place])
        return Pool(pool.images.at[place].set(stored), jnp.minimum(pool.count + 1, size)), returned

    pool, shown = jax.lax.scan(one, pool, (everyone, jax.random.split(key, len(everyone))))
    first = 0 if axis_name is None else jax.lax.axis_index(axis_name) * n
    return jax.lax.dynamic_slice_in_dim(shown, first, n), pool
