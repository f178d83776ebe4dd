"""Networks: the boundaries that turn modules of any kind into a pure `Network`; layers and networks of Flax Linen."""

from jgan.networks.acgan import ACGANDiscriminator, ACGANGenerator
from jgan.networks.activations import ACTIVATIONS
from jgan.networks.arcface import ArcFace
from jgan.networks.attention import SelfAttention
from jgan.networks.attention_dcgan import AttentionDCGANDiscriminator, AttentionDCGANGenerator
from jgan.networks.biggan import BigGANBlock, BigGANGenerator, ConditionedBatchNorm
from jgan.networks.biggan_deep import BigGANDeepDiscriminator, BigGANDeepGenerator
from jgan.networks.cdcgan import CDCGANDiscriminator, CDCGANGenerator
from jgan.networks.cgan import CGANDiscriminator, CGANGenerator
from jgan.networks.class_norm import ClassBatchNorm
from jgan.networks.classifier import ConvClassifier, DenseClassifier
from jgan.networks.conv import ConvDiscriminator, ConvGenerator, Deconv, MaxoutConv
from jgan.networks.conv_layers import Conv, ConvTranspose
from jgan.networks.crippled import CrippledDiscriminator, CrippledGenerator
from jgan.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from jgan.networks.equalised import EqualisedConv, EqualisedDense
from jgan.networks.fastgan import FastGANGenerator
from jgan.networks.first_gan import FirstConvDiscriminator, FirstConvGenerator, FirstDiscriminator, FirstGenerator
from jgan.networks.four_stage import FourStageDiscriminator, FourStageGenerator
from jgan.networks.functions import from_functions
from jgan.networks.gfpgan import ComponentDiscriminator, RestorationUNet
from jgan.networks.grouping import several
from jgan.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from jgan.networks.layers import Dense, Dropout, Maxout
from jgan.networks.lsgan import LSGANGenerator
from jgan.networks.lstm import LSTM
from jgan.networks.masked_pixelcnn import MaskedPixelCNN, PlainPixelCNN
from jgan.networks.mlp import MLP, GrownGenerator, MLPDiscriminator, MLPGenerator, SigmoidDiscriminator
from jgan.networks.modulated import ModulatedConv
from jgan.networks.module import from_module
from jgan.networks.nnx_module import from_nnx
from jgan.networks.noise import GaussianNoise, NoiseInjection
from jgan.networks.norms import BatchNorm, InstanceNorm, LayerNorm
from jgan.networks.pixelcnn import GatedBlock, PixelCNN
from jgan.networks.pixelcnn_pp import GatedResidual, PixelCNNPP
from jgan.networks.points import PointDiscriminator, PointGenerator
from jgan.networks.progan import ProGANDiscriminator, ProGANGenerator
from jgan.networks.projected import ProjectedDiscriminator
from jgan.networks.r3gan import R3GANBlock, R3GANDiscriminator, R3GANGenerator
from jgan.networks.relational import RelationalMemory
from jgan.networks.residual import ResidualBlock
from jgan.networks.resized_conv import ConvMeanPool, UpsampleConv
from jgan.networks.resnet import ResidualDiscriminator, ResidualGenerator
from jgan.networks.rrdb import RRDBNet
from jgan.networks.sgan import SGANDiscriminator, SGANGenerator
from jgan.networks.sgan_conv import SGANConvDiscriminator, SGANConvGenerator
from jgan.networks.sngan import SNGANDiscriminator, SNGANGenerator
from jgan.networks.spectral import SpectralNorm
from jgan.networks.srresnet import MSRResNet, SRResNet
from jgan.networks.stylegan2 import StyleGAN2Generator
from jgan.networks.stylegan2_discriminator import StyleGAN2Discriminator
from jgan.networks.text_discriminators import MultiRepresentationCNN, TextCNN
from jgan.networks.translation import PatchDiscriminator, ResNetGenerator, UNetGenerator
from jgan.networks.unet import UNet
from jgan.networks.unet_discriminator import UNetDiscriminator
from jgan.networks.unrolled import UnrolledDiscriminator, UnrolledGenerator
from jgan.networks.vae import VAE
from jgan.networks.vgg_discriminator import ESRGANDiscriminator, SRGANDiscriminator
from jgan.networks.weight_norm import WeightNormConv, WeightNormDense
from jgan.networks.wgan_gp import WGANGPCritic, WGANGPGenerator
from jgan.networks.wgan_gp_resnet import LayerNormCritic
from jgan.networks.wgan_gp_text import TextCritic, TextGenerator

__all__ = [
    "ACTIVATIONS",
    "LSTM",
    "MLP",
    "VAE",
    "ACGANDiscriminator",
    "ACGANGenerator",
    "ArcFace",
    "AttentionDCGANDiscriminator",
    "AttentionDCGANGenerator",
    "BatchNorm",
    "BigGANBlock",
    "BigGANDeepDiscriminator",
    "BigGANDeepGenerator",
    "BigGANGenerator",
    "CDCGANDiscriminator",
    "CDCGANGenerator",
    "CGANDiscriminator",
    "CGANGenerator",
    "ClassBatchNorm",
    "ComponentDiscriminator",
    "ConditionedBatchNorm",
    "Conv",
    "ConvClassifier",
    "ConvDiscriminator",
    "ConvGenerator",
    "ConvMeanPool",
    "ConvTranspose",
    "CrippledDiscriminator",
    "CrippledGenerator",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Deconv",
    "Dense",
    "DenseClassifier",
    "Dropout",
    "ESRGANDiscriminator",
    "EqualisedConv",
    "EqualisedDense",
    "FastGANGenerator",
    "FirstConvDiscriminator",
    "FirstConvGenerator",
    "FirstDiscriminator",
    "FirstGenerator",
    "FourStageDiscriminator",
    "FourStageGenerator",
    "GatedBlock",
    "GatedResidual",
    "GaussianNoise",
    "GrownGenerator",
    "InfoGANDiscriminator",
    "InfoGANGenerator",
    "InstanceNorm",
    "LSGANGenerator",
    "LayerNorm",
    "LayerNormCritic",
    "MLPDiscriminator",
    "MLPGenerator",
    "MSRResNet",
    "MaskedPixelCNN",
    "Maxout",
    "MaxoutConv",
    "ModulatedConv",
    "MultiRepresentationCNN",
    "NoiseInjection",
    "PatchDiscriminator",
    "PixelCNN",
    "PixelCNNPP",
    "PlainPixelCNN",
    "PointDiscriminator",
    "PointGenerator",
    "ProGANDiscriminator",
    "ProGANGenerator",
    "ProjectedDiscriminator",
    "R3GANBlock",
    "R3GANDiscriminator",
    "R3GANGenerator",
    "RRDBNet",
    "RelationalMemory",
    "ResNetGenerator",
    "ResidualBlock",
    "ResidualDiscriminator",
    "ResidualGenerator",
    "RestorationUNet",
    "SGANConvDiscriminator",
    "SGANConvGenerator",
    "SGANDiscriminator",
    "SGANGenerator",
    "SNGANDiscriminator",
    "SNGANGenerator",
    "SRGANDiscriminator",
    "SRResNet",
    "SelfAttention",
    "SigmoidDiscriminator",
    "SpectralNorm",
    "StyleGAN2Discriminator",
    "StyleGAN2Generator",
    "TextCNN",
    "TextCritic",
    "TextGenerator",
    "UNet",
    "UNetDiscriminator",
    "UNetGenerator",
    "UnrolledDiscriminator",
    "UnrolledGenerator",
    "UpsampleConv",
    "WGANGPCritic",
    "WGANGPGenerator",
    "WeightNormConv",
    "WeightNormDense",
    "from_functions",
    "from_module",
    "from_nnx",
    "several",
]
