"""What a process has of the arrays of a run that several processes train: its rows of a minibatch, its copy of the state."""

from collections.abc import Sequence

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from jgan import parallel
from jgan.types import PyTree


def rows(devices: Sequence[jax.Device], batch_size: int) -> np.ndarray | None:
    """The places in a minibatch of the examples that the devices of this process compute with.

    Args:
      devices: the devices of the run, of all processes.
      batch_size: the size of the global batch, a multiple of their number.

    Returns:
      The places, ascending; None, for all, if no other process has devices.

    Example:
      >>> import jax
      >>> from jgan.training import shares
      >>> shares.rows(jax.devices(), 8) is None
      True
    """
    mine = [place for place, device in enumerate(devices) if device.process_index == jax.process_index()]
    if len(mine) == len(devices):
        return None
    return np.arange(batch_size).reshape(len(devices), -1)[mine].ravel()


def together(tree: PyTree, devices: Sequence[jax.Device], axis: int) -> PyTree:
    """Makes global arrays of the rows that each process has read.

    Args:
      tree: arrays of this process's rows, those of `rows`.
      devices: the devices of the run, of all processes.
      axis: the axis of the rows.

    Returns:
      The tree of global arrays, spread over the devices along the axis; nothing is sent.

    Example:
      >>> import jax, numpy as np
      >>> from jgan.training import shares
      >>> shares.together(np.zeros((2, 8)), jax.devices(), axis=1).shape
      (2, 8)
    """
    spread = NamedSharding(parallel.mesh(devices), PartitionSpec(*[None] * axis, parallel.AXIS))
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(spread, leaf), tree)


def own(tree: PyTree) -> PyTree:
    """This process's copy of replicated arrays: what is computed with it takes no part of any other process.

    Args:
      tree: replicated arrays.

    Returns:
      The tree, on the first of this process's devices; unchanged if no other process has a part of it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.training import shares
      >>> shares.own(jnp.ones(2)).tolist()
      [1.0, 1.0]
    """
    return jax.tree.map(lambda leaf: leaf if leaf.is_fully_addressable else leaf.addressable_data(0), tree)
