"""Mean and gather over the devices of a mapped axis; without an axis both return their argument."""

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jgan.types import PyTree


def mean(tree: PyTree, axis_name: str | None) -> PyTree:
    """The mean over the devices of every floating-point leaf.

    Args:
      tree: a tree of arrays. Its other leaves (counters, flags, random keys) must be equal on all devices.
      axis_name: the mapped axis, or None on a single device.

    Returns:
      A tree like it, equal on all devices; other leaves are returned unchanged.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import collectives
      >>> print(jax.vmap(lambda x: collectives.mean(x, "data"), axis_name="data")(jnp.array([1.0, 3.0])))
      [2. 2.]
    """
    if axis_name is None:
        return tree

    def mean_of(leaf: jax.Array) -> jax.Array:
        return jax.lax.pmean(leaf, axis_name) if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf

    return jax.tree.map(mean_of, tree)


def gather(tree: PyTree, axis_name: str | None) -> PyTree:
    """Gathers the global batch on every device: the shares of all devices, concatenated along the first axis.

    A game's memory must be equal on all devices. Memory that depends on the batch (an image pool, a queue of features) is
    therefore computed from the gathered batch, with keys that do not depend on the device.

    Args:
      tree: a tree of `[B / devices, ...]` arrays, this device's share.
      axis_name: the mapped axis over which the batch is spread, or None on a single device.

    Returns:
      A tree of `[B, ...]` arrays, equal on all devices.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import collectives
      >>> shares = jnp.arange(4.0).reshape(2, 2)
      >>> print(jax.vmap(lambda x: collectives.gather(x, "data"), axis_name="data")(shares))
      [[0. 1. 2. 3.]
       [0. 1. 2. 3.]]
    """
    if axis_name is None:
        return tree
    return jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, axis_name, tiled=True), tree)


def whole(tree: PyTree) -> PyTree:
    """Arrays that each device is to have whole, in a program whose state is spread over devices; elsewhere they are unchanged.

    A gradient is the sum of what the devices' examples contribute. Where the optimiser's state is spread, XLA would rather send
    all examples' activations to all devices, each of which would then compute its share of the gradient.

    Args:
      tree: a tree of arrays.

    Returns:
      The same arrays. Under `jax.sharding.use_abstract_mesh`, as `jgan.fsdp` traces a step, they are constrained.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import collectives
      >>> print(collectives.whole(jnp.ones(2)))
      [1. 1.]
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or any(kind != AxisType.Auto for kind in mesh.axis_types):
        return tree
    return jax.lax.with_sharding_constraint(tree, NamedSharding(mesh, PartitionSpec()))
