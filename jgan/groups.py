"""Groups of examples in a batch: packs (PacGAN) and the top-k examples that train the generator."""

import jax
import jax.numpy as jnp
from jaxtyping import Float, Shaped

from jgan.types import PyTree


def packed(x: Shaped[jax.Array, "b *middle c"], m: int) -> Shaped[jax.Array, "b//{m} *middle {m}*c"]:
    """Joins each `m` consecutive examples into one, concatenated along the last axis (the channels).

    Args:
      x: `[B, ..., C]`.
      m: examples per pack.

    Returns:
      `[B / m, ..., m C]`.

    Raises:
      ValueError: if the batch is not a multiple of `m`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import groups
      >>> print(groups.packed(jnp.arange(8.0).reshape(4, 2), 2))
      [[0. 1. 2. 3.]
       [4. 5. 6. 7.]]

    References:
      Lin et al. (2018), section 2, https://arxiv.org/abs/1712.04086
    """
    if m == 1:
        return x
    if len(x) % m:
        raise ValueError(f"the batch (on each device) must be a multiple of the {m} examples of a pack, found {len(x)}")
    groups = x.reshape(-1, m, *x.shape[1:])
    return jnp.moveaxis(groups, 1, -2).reshape(len(x) // m, *x.shape[1:-1], m * x.shape[-1])


def packed_tree(tree: PyTree, m: int) -> PyTree:
    """Packs every array of a tree of conditions: one number an example becomes a vector of `m`, all others as in `packed`.

    Args:
      tree: a tree of `[B]` or `[B, ..., C]` arrays.
      m: examples in a pack.

    Returns:
      A tree of `[B / m, m]` or `[B / m, ..., m C]` arrays; the tree itself for `m = 1`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import groups
      >>> groups.packed_tree(jnp.arange(4), 2).tolist()
      [[0, 1], [2, 3]]
    """
    if m == 1:
        return tree
    return jax.tree.map(lambda leaf: packed(leaf[:, None] if leaf.ndim == 1 else leaf, m), tree)


def unpacked(x: Shaped[jax.Array, "packs *middle mc"], m: int) -> Shaped[jax.Array, "{m}*packs *middle mc//{m}"]:
    """The inverse of `packed`.

    Args:
      x: `[B / m, ..., m C]`.
      m: examples per pack.

    Returns:
      `[B, ..., C]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import groups
      >>> x = jnp.arange(8.0).reshape(4, 2)
      >>> bool((groups.unpacked(groups.packed(x, 2), 2) == x).all())
      True
    """
    if m == 1:
        return x
    groups = x.reshape(*x.shape[:-1], m, x.shape[-1] // m)
    return jnp.moveaxis(groups, -2, 1).reshape(len(x) * m, *x.shape[1:-1], x.shape[-1] // m)


def per_example(values: Float[jax.Array, " b *patches"]) -> Float[jax.Array, " b"]:
    """One value per example: the mean over the patches of each, where a discriminator judges patches.

    Args:
      values: `[B]`, or `[B, h, w]`.

    Returns:
      `[B]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import groups
      >>> groups.per_example(jnp.arange(8.0).reshape(2, 2, 2)).tolist()
      [1.5, 5.5]
    """
    return values if values.ndim == 1 else jnp.mean(values.reshape(len(values), -1), axis=1)


def top_k_mean(
    values: Float[jax.Array, " b"],
    logits: Float[jax.Array, " b"],
    share: Float[jax.Array, ""] | float,
    axis_name: str | None = None,
) -> Float[jax.Array, ""]:
    """The mean of the values of the examples with the highest logits.

    Args:
      values: `[B]` float.
      logits: `[B]` float.
      share: float scalar in (0, 1]: the fraction of the global batch to select, rounded up to whole examples.
      axis_name: the mapped axis over which the batch is sharded, or None. The mean of the results over devices is the mean
        over the selected examples.

    Returns:
      A scalar. No gradient flows through the selection.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import groups
      >>> float(groups.top_k_mean(jnp.array([1.0, 2.0, 4.0]), jnp.array([3.0, 1.0, 2.0]), 0.5))  # the first and the last
      2.5

    References:
      Sinha et al. (2020), section 3, https://arxiv.org/abs/2002.06224
    """
    all_logits, devices = jax.lax.stop_gradient(logits), 1
    if axis_name is not None:
        devices = jax.lax.psum(1, axis_name)
        all_logits = jax.lax.all_gather(all_logits, axis_name, tiled=True)
    whole = jnp.ceil(share * len(all_logits) * (1 - 1e-6))  # in float32, 0.15 * 100 is slightly above 15
    k = jnp.clip(whole, 1, len(all_logits)).astype(jnp.int32)
    threshold = jnp.sort(all_logits)[::-1][k - 1]
    selected = jax.lax.stop_gradient(logits) >= threshold
    count = jnp.sum(all_logits >= threshold, dtype=values.dtype)  # above k if logits tie
    return devices * jnp.sum(jnp.where(selected, values, 0)) / count
