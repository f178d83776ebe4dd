"""Wrappers that compile a pure step, scan it, or run it over devices or seeds. They do not depend on the GAN.

Each takes `step(key, state, data, *, axis_name=None) -> (state, metrics)` and returns a function of the same three
arguments. `data` is a batch, or a set resident on the devices (`jgan.data.resident`); the state never has a device axis.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jgan import ragged
from jgan.types import GANState, Key, Metrics, PyTree, Step
from jgan.utils import xla
from jgan.utils.checks import divisible

CompiledStep = Callable[[Key, GANState, Any], tuple[GANState, Metrics]]
"""`(key, state, data) -> (state, metrics)`, compiled; the state is donated."""

AXIS = "data"
"""The name of the mapped axis, or of the mesh axis, over which batches are spread."""


def scan(step: Step, length: int) -> Step:
    """Runs `length` steps in one program.

    Args:
      step: the step over *resident* data, which selects its minibatch by `state.step`.
      length: the number of steps.

    Returns:
      A step that makes `length` steps and whose metrics have a leading axis of that length.

    Example:
      >>> import jax
      >>> from jgan import parallel
      >>> count = lambda key, state, data, *, axis_name=None: (state + data, {"seen": state})
      >>> state, metrics = parallel.scan(count, 3)(None, 0, 2)
      >>> int(state), metrics["seen"].tolist()
      (6, [0, 2, 4])
    """

    def scanned(key: Key, state: GANState, data: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        def body(state: GANState, _: None) -> tuple[GANState, Metrics]:
            return step(key, state, data, axis_name=axis_name)

        return jax.lax.scan(body, state, None, length=length)

    return scanned


def jit(step: Step) -> CompiledStep:
    """Compiles a step for one device; the state's buffers are donated, so the state passed in must not be used again.

    On CPU it uses the options of `jgan.utils.xla`, which JAX accepts at the top level only: within another `jax.jit`, call the
    step itself.

    Args:
      step: the step.

    Returns:
      The compiled step.

    Example:
      >>> from jgan import parallel
      >>> step = parallel.jit(lambda key, state, data: (state + data, {}))
      >>> int(step(None, 1, 2)[0])
      3
    """
    return xla.jit(step, donate_argnums=1)


def pmap(step: Step, devices: Sequence[jax.Device] | None = None, *, resident: bool = False, axis: int = 0) -> CompiledStep:
    """Runs a step on several devices with `pmap`: each takes its share of the batch, and gradients are averaged.

    Args:
      step: the step; it is called with `axis_name=AXIS`.
      devices: the devices; None for all.
      resident: whether `data` is a whole set: every device holds a copy and selects its share. Otherwise `data` is
        a global batch, split along an axis.
      axis: that axis: 0, or that of the batches in a window (`jgan.data.streamed`).

    Returns:
      The compiled step with the same signature; state and metrics have no device axis.

    Raises:
      ValueError: at the call, if the batch is not divisible by the number of devices.

    Example:
      See `jgan.train`.
    """
    devices = list(devices or jax.devices())

    def on_device(index: jax.Array, key: Key, state: GANState, data: Any) -> tuple[GANState, Metrics]:
        del index  # pmap needs one argument that differs between the devices; the step uses `axis_index`
        return step(key, state, data, axis_name=AXIS)

    mapped = jax.pmap(
        on_device,
        axis_name=AXIS,
        in_axes=(0, None, None, None if resident else axis),
        out_axes=None,
        donate_argnums=2,
        devices=devices,
    )
    indices = np.arange(len(devices))
    if resident:
        return lambda key, state, data: mapped(indices, key, state, data)

    def spread(leaf: jax.Array) -> jax.Array:
        share = divisible(leaf.shape[axis], len(devices))
        return leaf.reshape(*leaf.shape[:axis], len(devices), share, *leaf.shape[axis + 1 :])

    def spread_step(key: Key, state: GANState, batch: Any) -> tuple[GANState, Metrics]:
        _check_spreads(batch)
        return mapped(indices, key, state, jax.tree.map(spread, batch))

    return spread_step


def _check_spreads(batch: Any) -> None:
    """Photographs share a buffer, which every device must have whole."""
    if ragged.any_ragged(batch):
        raise ValueError("photographs cannot be spread over devices: keep the whole set on each, with resident=True")


def mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """The one-dimensional mesh over which `shard` spreads batches.

    Args:
      devices: the devices; None for all.

    Returns:
      The mesh, its axis named `AXIS`.

    Example:
      >>> import jax
      >>> from jgan import parallel
      >>> parallel.mesh(jax.devices()[:1]).shape[parallel.AXIS]
      1
    """
    return Mesh(np.array(list(devices or jax.devices())), (AXIS,))


def replicate(tree: PyTree, devices: Sequence[jax.Device] | None = None) -> PyTree:
    """Puts a copy of every leaf on each device, as `pmap` and `shard` expect state and resident data.

    Arrays on one device only would be copied to the others at every call. A state on one device at the first call would also
    cause a second compilation, because the step returns it replicated.

    Args:
      tree: a tree of arrays.
      devices: the devices; None for all.

    Returns:
      The tree, replicated. Devices of other processes get their copies from those processes, which must hold the same tree.

    Example:
      >>> import jax
      >>> from jgan import parallel
      >>> parallel.replicate(jax.numpy.zeros(3)).sharding.is_fully_replicated
      True
    """
    everywhere = NamedSharding(mesh(devices), PartitionSpec())
    if everywhere.is_fully_addressable:
        return jax.device_put(tree, everywhere)
    # `device_put` would send every leaf to the other processes, to compare it with theirs.
    host = jax.tree.map(np.asarray, tree)
    return jax.tree.map(lambda leaf: jax.make_array_from_callback(leaf.shape, everywhere, lambda at: leaf[at]), host)


def shard(
    step: Step,
    devices: Sequence[jax.Device] | None = None,
    *,
    resident: bool = False,
    axis: int = 0,
    state: PyTree | None = None,
) -> CompiledStep:
    """Compiles a step for a mesh of devices with `jit`; XLA partitions the work and inserts the communication.

    The step is the same as on a single device; only the sharding of its batch is specified.

    Args:
      step: the step.
      devices: the devices; None for all.
      resident: whether `data` is a whole replicated set; wrap the inner step with `constrained` so that the minibatch
        is sharded. Otherwise `data` is a global batch, sharded along an axis.
      axis: that axis: 0, or that of the batches in a window (`jgan.data.streamed`).
      state: the shardings of a state that is spread (`jgan.fsdp`); None if each device holds the whole.

    Returns:
      The compiled step, with the method `lower` of `jax.jit`.

    Raises:
      ValueError: at the call, if the batch is not divisible by the number of devices.

    Example:
      See `jgan.train`.
    """
    the_mesh = mesh(devices)
    replicated = NamedSharding(the_mesh, PartitionSpec())
    spread = NamedSharding(the_mesh, PartitionSpec(*[None] * axis, AXIS))
    held = replicated if state is None else state
    compiled = xla.jit(
        step,
        donate_argnums=1,
        in_shardings=(replicated, held, replicated if resident else spread),
        out_shardings=(held, replicated),
    )
    if resident:
        return compiled

    def sharded(key: Key, state: GANState, batch: Any) -> tuple[GANState, Metrics]:
        _check_spreads(batch)
        for leaf in jax.tree.leaves(batch):
            divisible(leaf.shape[axis], the_mesh.size)
        return compiled(key, state, batch)

    sharded.lower = compiled.lower  # type: ignore[attr-defined]
    return sharded


def constrained(step: Step, devices: Sequence[jax.Device] | None = None, *, axis: int = 0) -> Step:
    """Shards the batch of an inner step over the mesh, inside a program that `shard` compiles.

    Args:
      step: the step over batches.
      devices: the devices; None for all.
      axis: the batch axis: 0, or 1 if a leading axis of `n_critic` minibatches comes before it.

    Returns:
      The step with a sharding constraint on its batch.

    Example:
      See `jgan.train`.
    """
    the_mesh = mesh(devices)
    spread = NamedSharding(the_mesh, PartitionSpec(*[None] * axis, AXIS))

    def constrained_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None):
        for leaf in map(ragged.rows, jax.tree.leaves(batch, is_leaf=ragged.is_ragged)):
            divisible(leaf.shape[axis], the_mesh.size)
        batch = ragged.per_example(lambda leaf: jax.lax.with_sharding_constraint(leaf, spread), batch)
        return step(key, state, batch, axis_name=axis_name)

    return constrained_step


def vmap(step: Step) -> Step:
    """Runs one step of many seeds on the same data in one program, with `vmap`.

    Args:
      step: the step.

    Returns:
      The step over `[S]` keys and a state whose leaves have a leading axis of S, as `jax.vmap(gan.init)(keys)` makes it;
      `data` is shared.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import parallel
      >>> add = lambda key, state, data, *, axis_name=None: (state + data, {})
      >>> parallel.vmap(add)(jax.random.split(jax.random.key(0), 2), jnp.array([1, 2]), 10)[0].tolist()
      [11, 12]
    """

    def population(keys: Key, states: GANState, data: Any, *, axis_name: str | None = None):
        return jax.vmap(lambda key, state: step(key, state, data, axis_name=axis_name))(keys, states)

    return population


def each(step: Step) -> Step:
    """Runs one step of many seeds on the same data in one program, one seed after the other.

    The same as `vmap`, for networks of convolutions on CPU: there XLA's convolutions with a kernel for each seed are several
    times slower than one convolution for each seed. The program grows with the number of seeds.

    Args:
      step: the step.

    Returns:
      The step over `[S]` keys and a state whose leaves have a leading axis of S; `data` is shared.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import parallel
      >>> add = lambda key, state, data, *, axis_name=None: (state + data, {})
      >>> parallel.each(add)(jax.random.split(jax.random.key(0), 2), jnp.array([1, 2]), 10)[0].tolist()
      [11, 12]
    """

    def population(keys: Key, states: GANState, data: Any, *, axis_name: str | None = None):
        made = [
            step(key, jax.tree.map(lambda leaf, i=i: leaf[i], states), data, axis_name=axis_name) for i, key in enumerate(keys)
        ]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *made)

    return population


def scans_fast(step: Step, key: Key, state: Any, data: Any) -> bool:
    """Whether `scan` over this step is fast on the current backend.

    On CPU, XLA runs convolutions inside a loop on a single thread, so a step with a convolution is dispatched on its own there.

    Args:
      step: the step.
      key: the root key.
      state: the state, or its shapes and dtypes (`jax.eval_shape`).
      data: the batch or the resident set, or its shapes and dtypes.

    Returns:
      False on CPU if the step contains a convolution, otherwise True. Nothing is compiled or run; the step is traced once.

    Example:
      >>> import jax
      >>> from jgan import parallel
      >>> add = lambda key, state, data, *, axis_name=None: (state + data, {})
      >>> parallel.scans_fast(add, jax.random.key(0), 1.0, 2.0)
      True
    """
    if jax.default_backend() != "cpu":
        return True
    return not _contains(jax.make_jaxpr(step)(key, state, data).jaxpr, "conv_general_dilated")


def _contains(jaxpr: Any, primitive: str) -> bool:
    """Whether a primitive appears in a jaxpr or in one nested in it."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == primitive:
            return True
        # A closed jaxpr holds its jaxpr as `.jaxpr`; a `cond` has a tuple of them.
        values = [value for entry in equation.params.values() for value in (entry if isinstance(entry, tuple) else (entry,))]
        inner = [getattr(value, "jaxpr", value) for value in values]
        if any(_contains(each, primitive) for each in inner if hasattr(each, "eqns")):
            return True
    return False
