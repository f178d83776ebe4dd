"""A player that owns several networks, such as the two generators of CycleGAN."""

from collections.abc import Mapping
from typing import Any

from jgan.networks.boundary import fold_name
from jgan.types import Key, Network, PyTree
from jgan.utils.registry import unknown


def several(**networks: Network) -> Network:
    """Makes one `Network` of several: one player owns them all.

    `params` and `model_state` are dicts by name. `apply` takes one input, a dict from the names of the networks to be called to
    their inputs, and returns a dict of outputs. Networks that are not named are not called, and keep their state. Each
    network's key, in `init` and in `apply`, is the given key folded with the network's name.

    Args:
      **networks: the networks by name.

    Returns:
      The `Network`. An entry of its input is the network's input; for a network of several inputs, a tuple of them. Its `apply`
      raises a `ValueError` if its input is not one dict, or names a network that is not there.

    Raises:
      ValueError: if no network is given.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> a_to_b = networks.from_module(networks.PointGenerator(2, units=(4,)), (3,))
      >>> b_to_a = networks.from_module(networks.PointGenerator(3, units=(4,)), (2,))
      >>> both = networks.several(ab=a_to_b, ba=b_to_a)
      >>> params, model_state = both.init(jax.random.key(0))
      >>> sorted(params)
      ['ab', 'ba']
      >>> outputs, _ = both.apply(params, model_state, {"ab": jax.numpy.zeros((5, 3))})
      >>> {name: output.shape for name, output in outputs.items()}
      {'ab': (5, 2)}
    """
    if not networks:
        raise ValueError("several needs at least one network, found none")

    def init(key: Key) -> tuple[PyTree, PyTree]:
        made = {name: network.init(fold_name(key, name)) for name, network in networks.items()}
        return {name: params for name, (params, _) in made.items()}, {name: state for name, (_, state) in made.items()}

    def apply(
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]:
        outputs, states = {}, dict(model_state)
        for name, args in _one_dict(inputs, networks).items():
            outputs[name], states[name] = networks[name].apply(
                params[name],
                model_state[name],
                *(args if type(args) is tuple else (args,)),  # a NamedTuple is one input that is a tree
                key=None if key is None else fold_name(key, name),
                train=train,
                axis_name=axis_name,
            )
        return outputs, states

    return Network(init, apply)


def _one_dict(inputs: tuple[Any, ...], networks: Mapping[str, Network]) -> Mapping[str, Any]:
    if len(inputs) != 1 or not isinstance(inputs[0], Mapping):
        found = ", ".join(type(x).__name__ for x in inputs) or "nothing"
        raise ValueError(f"several networks take one dict of inputs by name ({', '.join(networks)}), found {found}")
    for name in inputs[0]:
        if name not in networks:
            raise ValueError(unknown("network", name, networks))
    return inputs[0]
