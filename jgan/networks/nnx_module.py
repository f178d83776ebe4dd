"""The boundary between Flax NNX and the rest of the library: a stateful module becomes two pure functions."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jgan.networks.boundary import InputSpec, device_key, equal_on_devices, keywords
from jgan.types import Key, Network, PyTree

if TYPE_CHECKING:  # imported where it is used, since few models need it and it takes a sixth of a second
    from flax import nnx


def from_nnx(
    constructor: "Callable[[nnx.Rngs], nnx.Module]",
    *input_shapes: Any,
    input_dtypes: Sequence[Any] | None = None,
    method: str = "__call__",
) -> Network:
    """Makes a `Network` of a Flax NNX module.

    Variables of the type `nnx.Param` become `params`, as nested dicts with the module's attribute names for keys; all others
    (`nnx.BatchStat`, ...) become `model_state`, under the key `batch_stats` if there are batch statistics, and are updated in
    training mode only. The states of the random number
    generators belong to neither: in each pass every generator is seeded anew, from `key` and its place in the module.

    `apply` calls `module.train()` or `module.eval()` first, then `module(*inputs)`, with the keywords `train` and `axis_name`
    if the method's signature names them. On several devices each `nnx.BatchNorm` takes its statistics over all of them, and
    random numbers differ from device to device unless the method takes `axis_name`.

    Args:
      constructor: `constructor(rngs) -> module`, called with an `nnx.Rngs` whenever parameters are initialised.
      *input_shapes: for each input the shape of one example, a tree of such, or None; see `from_module`.
      input_dtypes: for each input its dtype, or a tree of dtypes; None if all are float32.
      method: the name of the method to call.

    Returns:
      The `Network`. Its `apply` raises a `ValueError` if the inputs are not as declared, or if the module draws random
      numbers and `key` is None.

    Raises:
      TypeError: at the first use, if the constructor does not return an NNX module.

    Example:
      >>> import jax
      >>> from flax import nnx
      >>> from jgan import networks
      >>> network = networks.from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs), (3,))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> sorted(params), model_state
      (['bias', 'kernel'], {})
      >>> network.apply(params, model_state, jax.numpy.ones((5, 3)))[0].shape
      (5, 2)
    """
    from flax import nnx

    @functools.cache
    def abstract() -> tuple[Any, ...]:
        """`(type, definition, params, keys, counts, rest)` without arrays: made once, when first needed."""
        module = nnx.eval_shape(lambda: constructor(nnx.Rngs(0)))
        if not isinstance(module, nnx.Module):
            raise TypeError(f"the constructor must return a flax.nnx.Module, found {type(module).__name__}")
        return type(module), *_parts(module)

    @functools.cache
    def spec() -> tuple[InputSpec, frozenset[str]]:
        kind = abstract()[0]
        dtypes = None if input_dtypes is None else tuple(input_dtypes)
        return InputSpec(kind.__name__, input_shapes, dtypes), keywords(getattr(kind, method), "train", "axis_name")

    @functools.cache
    def has_statistics() -> bool:
        module = nnx.eval_shape(lambda: constructor(nnx.Rngs(0)))
        return bool(jax.tree.leaves(nnx.split(module, nnx.BatchStat, ...)[1]))

    # Batch statistics get the name of Linen's collection, by which a game knows that examples depend on each other.
    def collected(variables: dict[str, Any]) -> dict[str, Any]:
        return {"batch_stats": variables} if has_statistics() else variables

    def uncollected(model_state: dict[str, Any]) -> dict[str, Any]:
        return model_state["batch_stats"] if has_statistics() else model_state

    def init(key: Key) -> tuple[PyTree, PyTree]:
        abstract()  # its error is clearer than what follows
        _, params, _, _, rest = _parts(constructor(nnx.Rngs(key)))
        return _to_dict(params), collected(_to_dict(rest))

    def apply(
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]:
        inputs_spec, accepted = spec()
        inputs_spec.check(inputs)
        kind, definition, abstract_params, keys, counts, rest = abstract()
        local_key = device_key(key, None if "axis_name" in accepted else axis_name)
        counts = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), counts)
        before = jax.tree.leaves(counts)
        others = _from_dict(rest, uncollected(model_state))
        module = nnx.merge(definition, _from_dict(abstract_params, params), _seeded(keys, local_key), counts, others)
        _set_mode(module, train, axis_name)
        options = {"train": train, "axis_name": axis_name}
        output = getattr(module, method)(*inputs, **{name: options[name] for name in accepted})
        _, _, _, new_counts, new_rest = _parts(module)
        # Counting makes another array, be it traced or not.
        drawn = any(a is not b for a, b in zip(before, jax.tree.leaves(new_counts), strict=True))
        if key is None and drawn:
            raise ValueError(f"{kind.__name__} draws random numbers in this pass: give apply a key")
        if not (train and model_state):
            return output, model_state
        return output, equal_on_devices(collected(_to_dict(new_rest, like=rest)), axis_name)

    return Network(init, apply)


def _parts(module: "nnx.Module") -> tuple[Any, ...]:
    from flax import nnx

    return nnx.split(module, nnx.Param, nnx.RngKey, nnx.RngCount, ...)


def _set_mode(module: "nnx.Module", train: bool, axis_name: str | None) -> None:
    from flax import nnx

    if not train:
        module.eval()
        return
    module.train()
    if axis_name is not None:
        module.set_attributes(nnx.BatchNorm, axis_name=axis_name, raise_if_not_found=False)


def _seeded(keys: Any, key: Key | None) -> Any:
    """The state of the generators: `key` folded with the place of each, so that two dropout layers never share a mask."""
    leaves, structure = jax.tree_util.tree_flatten(keys)
    key = jax.random.key(0) if key is None else key
    folded = [jax.random.fold_in(key, place) for place in range(len(leaves))]
    shaped = [k if not leaf.shape else jax.random.split(k, leaf.shape) for k, leaf in zip(folded, leaves, strict=True)]
    return jax.tree_util.tree_unflatten(structure, shaped)


# A tree of NNX and a plain dict of the same arrays: the paths of the leaves, without the wrapper around each.


def _path(path: tuple[Any, ...]) -> tuple[str, ...]:
    """The keys of a leaf, without the attribute in which a variable holds its value; indices of lists become strings."""
    entries = (entry for entry in path if not isinstance(entry, jax.tree_util.GetAttrKey))
    return tuple(str(getattr(entry, "key", getattr(entry, "idx", entry))) for entry in entries)


def _to_dict(state: Any, like: Any = None) -> dict[str, Any]:
    """The arrays of a state as nested dicts: all of them, or those at the paths of another state."""
    leaves = {_path(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]}
    paths = list(leaves) if like is None else [_path(path) for path, _ in jax.tree_util.tree_flatten_with_path(like)[0]]
    nested: dict[str, Any] = {}
    for path in paths:
        node = nested
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = leaves[path]
    return nested


def _from_dict(state: Any, nested: dict[str, Any]) -> Any:
    """The state with the arrays of nested dicts."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(state)
    arrays = [functools.reduce(lambda node, name: node[name], _path(path), nested) for path, _ in leaves]
    return jax.tree_util.tree_unflatten(structure, arrays)
