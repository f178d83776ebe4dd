"""Networks: the boundaries that turn modules of any kind into a pure `Network`; layers and networks of Flax Linen."""

from jgan.networks.activations import ACTIVATIONS
from jgan.networks.cgan import CGANDiscriminator, CGANGenerator
from jgan.networks.classifier import ConvClassifier
from jgan.networks.conv import ConvDiscriminator, ConvGenerator, Deconv, MaxoutConv
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from jgan.networks.fastgan import FastGANGenerator
from jgan.networks.functions import from_functions
from jgan.networks.grouping import several
from jgan.networks.layers import Dense, Dropout, Maxout
from jgan.networks.mlp import MLP, GrownGenerator, MLPDiscriminator, MLPGenerator, SigmoidDiscriminator
from jgan.networks.module import from_module
from jgan.networks.nnx_module import from_nnx
from jgan.networks.norms import BatchNorm, InstanceNorm
from jgan.networks.points import PointDiscriminator, PointGenerator
from jgan.networks.projected import ProjectedDiscriminator
from jgan.networks.r3gan import R3GANBlock, R3GANDiscriminator, R3GANGenerator
from jgan.networks.spectral import SpectralNorm
from jgan.networks.translation import PatchDiscriminator, ResNetGenerator, UNetGenerator
from jgan.networks.wgan_gp import WGANGPCritic, WGANGPGenerator

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "BatchNorm",
    "CGANDiscriminator",
    "CGANGenerator",
    "Conv",
    "ConvClassifier",
    "ConvDiscriminator",
    "ConvGenerator",
    "ConvTranspose",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Deconv",
    "Dense",
    "Dropout",
    "FastGANGenerator",
    "GrownGenerator",
    "InstanceNorm",
    "MLPDiscriminator",
    "MLPGenerator",
    "Maxout",
    "MaxoutConv",
    "PatchDiscriminator",
    "PointDiscriminator",
    "PointGenerator",
    "ProjectedDiscriminator",
    "R3GANBlock",
    "R3GANDiscriminator",
    "R3GANGenerator",
    "ResNetGenerator",
    "SigmoidDiscriminator",
    "SpectralNorm",
    "UNetGenerator",
    "WGANGPCritic",
    "WGANGPGenerator",
    "from_functions",
    "from_module",
    "from_nnx",
    "several",
]
