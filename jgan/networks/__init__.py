"""Networks: Flax Linen modules and layers, and the thin boundary that turns a module into a pure `Network`."""

from jgan.networks.classifier import ConvClassifier
from jgan.networks.conv import ConvDiscriminator, ConvGenerator, Deconv, MaxoutConv
from jgan.networks.layers import Dense, Dropout, Maxout
from jgan.networks.mlp import MLP, GrownGenerator, MLPDiscriminator, MLPGenerator, SigmoidDiscriminator
from jgan.networks.module import from_module
from jgan.networks.points import PointDiscriminator, PointGenerator
from jgan.networks.spectral import SpectralNorm

__all__ = [
    "MLP",
    "ConvClassifier",
    "ConvDiscriminator",
    "ConvGenerator",
    "Deconv",
    "Dense",
    "Dropout",
    "GrownGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "Maxout",
    "MaxoutConv",
    "PointDiscriminator",
    "PointGenerator",
    "SigmoidDiscriminator",
    "SpectralNorm",
    "from_module",
]
