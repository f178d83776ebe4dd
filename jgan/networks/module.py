"""The boundary between Flax and the rest of the library: a module becomes two pure functions."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jgan.types import Key, Network, PyTree
from jgan.utils.checks import example_shape


def from_module(module: nn.Module, *input_shapes: Sequence[int]) -> Network:
    """Makes a `Network` of a Flax Linen module.

    The module is called as `module(*inputs, train=..., axis_name=...)`. Its collection `params` becomes `params`; all
    others (`batch_stats`, ...) become `extra`, and are updated in training mode only. It may draw from the `dropout` stream.

    Args:
      module: the module.
      *input_shapes: the shape of one example of each input, without the batch.

    Returns:
      The `Network`; its `apply` raises a `ValueError` if an input's shape is not the declared one.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> network = networks.from_module(networks.MLPDiscriminator(units=(8,), pieces=2), (4, 4, 1))
      >>> params, extra = network.init(jax.random.key(0))
      >>> logits, _ = network.apply(params, extra, jax.numpy.zeros((3, 4, 4, 1)))
      >>> logits.shape
      (3,)
    """

    def check(inputs: Sequence[jax.Array]) -> None:
        for array, shape in zip(inputs, input_shapes, strict=True):
            example_shape(f"the input of {type(module).__name__}", array, shape)

    def init(key: Key) -> tuple[PyTree, PyTree]:
        examples = [jnp.zeros((1, *shape)) for shape in input_shapes]
        variables = dict(module.init(key, *examples, train=False))
        return variables.pop("params"), variables

    def apply(
        params: PyTree,
        extra: PyTree,
        *inputs: jax.Array,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]:
        check(inputs)
        rngs = {} if key is None else {"dropout": key}
        variables = {"params": params, **extra}
        if not (train and extra):
            return module.apply(variables, *inputs, train=train, axis_name=axis_name, rngs=rngs), extra
        return module.apply(variables, *inputs, train=train, axis_name=axis_name, rngs=rngs, mutable=list(extra))

    return Network(init, apply)
