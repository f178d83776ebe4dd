"""Activation functions by name."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax

from jgan.utils.registry import Registry

ACTIVATIONS: Registry[Callable[[jax.Array], jax.Array]] = Registry("activation")
"""`"relu"`, `"leaky_relu"` (slope 0.2), `"gelu"`, `"sigmoid"`, `"tanh"` and `"linear"`; others can be registered."""

ACTIVATIONS.register("relu", nn.relu)
ACTIVATIONS.register("leaky_relu", functools.partial(nn.leaky_relu, negative_slope=0.2))
ACTIVATIONS.register("gelu", nn.gelu)
ACTIVATIONS.register("sigmoid", nn.sigmoid)
ACTIVATIONS.register("tanh", nn.tanh)
ACTIVATIONS.register("linear", lambda x: x)
