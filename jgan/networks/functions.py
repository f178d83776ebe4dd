"""The boundary between plain functions, or any other library of networks, and the rest of the library."""

from collections.abc import Callable
from typing import Any

from jgan.networks.boundary import device_key, keywords
from jgan.types import Key, Network, PyTree


def from_functions(init: Callable[[Key], PyTree], apply: Callable[..., Any]) -> Network:
    """Makes a `Network` of two plain functions, for networks without state.

    Args:
      init: `init(key) -> params`.
      apply: `apply(params, *inputs) -> output`; it is also given those of the keywords `key`, `train` and `axis_name` that its
        signature names. Without `axis_name`, the key differs from device to device.

    Returns:
      The `Network`; its `model_state` is `{}`.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> init = lambda key: {"kernel": jax.random.normal(key, (3, 2))}
      >>> network = networks.from_functions(init, lambda params, x: x @ params["kernel"])
      >>> params, model_state = network.init(jax.random.key(0))
      >>> output, _ = network.apply(params, model_state, jax.numpy.ones((5, 3)))
      >>> output.shape, model_state
      ((5, 2), {})
    """
    accepted = keywords(apply, "key", "train", "axis_name")

    def apply_network(
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]:
        local_key = key if "axis_name" in accepted or "key" not in accepted else device_key(key, axis_name)
        options = {"key": local_key, "train": train, "axis_name": axis_name}
        return apply(params, *inputs, **{name: options[name] for name in accepted}), model_state

    return Network(lambda key: (init(key), {}), apply_network)
