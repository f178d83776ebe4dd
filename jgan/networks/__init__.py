"""Networks: Flax Linen modules and layers, and the thin boundary that turns a module into a pure `Network`."""

from jgan.networks.layers import Dense, Dropout, Maxout
from jgan.networks.mlp import MLPDiscriminator, MLPGenerator
from jgan.networks.module import from_module

__all__ = ["Dense", "Dropout", "MLPDiscriminator", "MLPGenerator", "Maxout", "from_module"]
