"""The boundary between Flax Linen and the rest of the library: a module becomes two pure functions."""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn

from jgan.networks.boundary import InputSpec, device_key, equal_on_devices, keywords, stream_keys
from jgan.types import Key, Network, PyTree


def from_module(
    module: nn.Module,
    *input_shapes: Any,
    input_dtypes: Sequence[Any] | None = None,
    rngs: Sequence[str] = ("dropout",),
    method: str | Callable[..., Any] | None = None,
    any_sides: bool = False,
) -> Network:
    """Makes a `Network` of a Flax Linen module.

    The module is called as `module(*inputs, train=..., axis_name=...)`; a keyword that the method's signature does not name is
    left out. The collection `params` becomes `params`; all others (`batch_stats`, ...) become `model_state`, and are updated in
    training mode only.

    A module without the keyword `axis_name` does not know of other devices. On several devices its random streams differ from
    device to device, it normalises each device's part of the batch by itself, and `model_state` is averaged over the devices.

    Args:
      module: the module.
      *input_shapes: for each input the shape of one example, without the batch; a tree of such shapes for an input that is a
        tree; or None for an input without a batch axis, such as the scalar progress of a fade-in, which is not checked.
      input_dtypes: for each input its dtype, or a tree of dtypes; None if all are float32. Labels and tokens are `jnp.int32`.
      rngs: the random streams that the module draws from. The stream `dropout` gets the key of the pass itself; each other
        stream gets that key folded with its name.
      method: the method to call, by name or as a function; None for `__call__`.
      any_sides: whether the network, a fully convolutional one, also takes images of other heights and widths than declared.

    Returns:
      The `Network`. Its `apply` raises a `ValueError` if the inputs are not as declared.

    Raises:
      TypeError: if `module` is not a Flax Linen module.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> network = networks.from_module(networks.MLPDiscriminator(units=(8,), pieces=2), (4, 4, 1))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> logits, _ = network.apply(params, model_state, jax.numpy.zeros((3, 4, 4, 1)))
      >>> logits.shape
      (3,)
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"from_module takes a module of flax.linen, found {type(module).__name__}; "
            "for flax.nnx use from_nnx, for plain functions from_functions"
        )
    spec = InputSpec(type(module).__name__, input_shapes, None if input_dtypes is None else tuple(input_dtypes), any_sides)
    function = method if callable(method) else getattr(type(module), method or "__call__")
    accepted = keywords(function, "train", "axis_name")

    def call(transform: Callable[..., Any], train: bool, axis_name: str | None, *args: Any, **kwargs: Any) -> Any:
        options = {"train": train, "axis_name": axis_name}
        return transform(*args, method=method, **{name: options[name] for name in accepted}, **kwargs)

    def init(key: Key) -> tuple[PyTree, PyTree]:
        variables = dict(call(module.init, False, None, key, *spec.examples()))
        return variables.pop("params", {}), variables

    def apply(
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]:
        spec.check(inputs)
        unaware = None if "axis_name" in accepted else axis_name
        streams = stream_keys(device_key(key, unaware), rngs)
        variables = {"params": params, **model_state}
        if not (train and model_state):
            return call(module.apply, train, axis_name, variables, *inputs, rngs=streams), model_state
        output, changed = call(module.apply, train, axis_name, variables, *inputs, rngs=streams, mutable=list(model_state))
        return output, equal_on_devices(changed, unaware)

    return Network(init, apply)
