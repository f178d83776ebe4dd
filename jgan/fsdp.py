"""Training with a state that is spread over the devices ("fully sharded data parallel"), for networks that are large.

With `jgan.parallel.shard` each device holds the whole state: with Adam and an average of the weights four times the parameters.
Here a device holds its share of each large array between two steps. In a step the parameters are gathered where they are used,
since every example needs all of them; the moments of the optimiser and the averages never are: each device updates its share.
The numbers are those of one device, to the rounding of sums.

References:
  Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models" (2020), https://arxiv.org/abs/1910.02054
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec

from jgan import parallel
from jgan.types import GANState, Key, Metrics, PlayerState, Step

SMALLEST = 2**12
"""elements of the smallest array that is spread: a vector, such as a bias, would cost more time than it saves memory"""


def shardings(state: GANState, devices: Sequence[jax.Device] | None = None, *, smallest: int = SMALLEST) -> GANState:
    """Where each array of a state belongs.

    Of both players the parameters, the optimiser's state and the averages are spread, each along its longest axis that the
    devices can share; small arrays, and everything else, are whole on each device.

    Args:
      state: the state, or its shapes and dtypes (`jax.eval_shape`).
      devices: the devices; None for all.
      smallest: elements of the smallest array that is spread.

    Returns:
      The tree of `NamedSharding`s.

    Example:
      >>> import jax
      >>> from jgan import fsdp, models
      >>> from jgan.types import DataSpec
      >>> gan = models.make(models.presets()["digits"].config, DataSpec.images((8, 8, 1), steps_per_epoch=1))
      >>> placed = fsdp.shardings(jax.eval_shape(gan.init, jax.random.key(0)))
      >>> [tuple(at.spec) for at in jax.tree.leaves(placed.discriminator.params["output"])]
      [(), ()]
    """
    mesh = parallel.mesh(devices)
    everywhere = NamedSharding(mesh, PartitionSpec())

    def share(leaf: jax.Array) -> NamedSharding:
        axis = _axis(leaf.shape, mesh.size, smallest)
        return everywhere if axis is None else NamedSharding(mesh, PartitionSpec(*[None] * axis, parallel.AXIS))

    def player(player: PlayerState, placed: PlayerState) -> PlayerState:
        spread = jax.tree.map(share, player)
        return spread._replace(model_state=placed.model_state)

    placed = jax.tree.map(lambda leaf: everywhere, state)
    return placed._replace(
        generator=player(state.generator, placed.generator), discriminator=player(state.discriminator, placed.discriminator)
    )


def spread(state: GANState, devices: Sequence[jax.Device] | None = None, *, smallest: int = SMALLEST) -> GANState:
    """Gives each device its share of a state.

    Args:
      state: the state.
      devices: the devices; None for all.
      smallest: elements of the smallest array that is spread.

    Returns:
      The state with the `shardings`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import GANState, fsdp
      >>> from jgan.types import PlayerState
      >>> player = PlayerState({"kernel": jnp.zeros((8192, 10))}, {}, ())
      >>> state = fsdp.spread(GANState(jnp.int32(0), player, player))
      >>> len(jax.devices()), state.generator.params["kernel"].addressable_shards[0].data.shape
      (4, (2048, 10))
    """
    return jax.device_put(state, shardings(state, devices, smallest=smallest))


def _axis(shape: Sequence[int], count: int, smallest: int) -> int | None:
    """The axis along which an array is divided among some devices; None if each has the whole."""
    shared = [axis for axis, size in enumerate(shape) if size % count == 0]
    return max(shared, key=lambda axis: shape[axis]) if shared and math.prod(shape) >= smallest else None


def bytes_on_a_device(state: GANState, count: int, *, smallest: int = SMALLEST) -> int:
    """The memory that each of some devices needs for its share of a state.

    Args:
      state: the state, or its shapes and dtypes.
      count: the number of devices.
      smallest: elements of the smallest array that is spread.

    Returns:
      Bytes.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import GANState, fsdp
      >>> from jgan.types import PlayerState
      >>> player = PlayerState({"kernel": jnp.zeros((8192, 10))}, {}, ())
      >>> fsdp.bytes_on_a_device(GANState(jnp.int32(0), player, player), 2)
      327684
    """

    def held(leaf: jax.Array, spread: bool) -> int:
        return leaf.size * leaf.dtype.itemsize // (count if spread and _axis(leaf.shape, count, smallest) is not None else 1)

    def of(tree: Any, spread: bool) -> int:
        return sum(held(leaf, spread) for leaf in jax.tree.leaves(tree))

    players = state.generator, state.discriminator
    spread = [(player.params, player.opt_state, player.ema) for player in players]
    return of(spread, True) + of([state.step, state.memory, *(player.model_state for player in players)], False)


def sharded(step: Step, placed: GANState) -> Step:
    """A step on a state that is spread: it gathers the parameters where they are used, and leaves the new state spread.

    Args:
      step: the step on a whole state.
      placed: the `shardings` of the state.

    Returns:
      The step, for a program that `parallel.shard(..., state=placed)` compiles.

    Example:
      See `jgan.training.programs`.
    """
    mesh = jax.tree.leaves(placed)[0].mesh.abstract_mesh

    def sharded_step(key: Key, state: GANState, data: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        with jax.sharding.use_abstract_mesh(mesh):  # `collectives.whole` looks for it
            state, metrics = step(key, state, data, axis_name=axis_name)
        return jax.lax.with_sharding_constraint(state, placed), metrics

    return sharded_step
