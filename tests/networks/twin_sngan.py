"""SN-GAN for 32x32: the authors' residual networks (pfnet-research/sngan_projection) and the plain CNN of the paper."""

import numpy as np
import torch_layers as layers
from twin_blocks import normalised, residual

from jgan.networks import ResidualDiscriminator, ResidualGenerator, SNGANDiscriminator, SNGANGenerator, resnet

_random = np.random.default_rng(0)
_latents = (_random.normal(scale=0.25, size=(2, 128)).astype(np.float32),)  # small, so that the tanh does not saturate
_images = (_random.uniform(size=(2, 32, 32, 3)).astype(np.float32),)
_g_channels, _d_channels = resnet.channels((32, 32, 3))
CASES = {
    "resnet_generator": (ResidualGenerator((32, 32, 3), _g_channels), _latents),
    "resnet_discriminator": (ResidualDiscriminator(_d_channels, use_bias=False), _images),
    "cnn_generator": (SNGANGenerator((32, 32, 3), width=16), _latents),
    "cnn_discriminator": (SNGANDiscriminator(width=16), _images),
    "cnn_discriminator_early": (SNGANDiscriminator(width=16, early=True), _images),
}


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    networks = {"resnet_generator": _resnet_generator, "resnet_discriminator": _resnet_discriminator}
    networks |= {"cnn_generator": _cnn_generator}
    return networks.get(case, _cnn_discriminator)(params, *inputs)


def _resnet_generator(params, z):
    import torch

    h = layers.unflattened(layers.linear(params, "project")(torch.from_numpy(z)), (4, 4))
    for index in (1, 2, 3):
        h = residual(params, f"block_{index}/", h, "up")
    h = torch.relu(layers.batch_norm(params, "norm")(h))
    return (layers.array(torch.tanh(layers.conv(params, "output", padding=1)(h))) + 1) / 2


def _resnet_discriminator(params, x):
    import torch

    h = 2 * layers.image(x) - 1
    for index, resample in enumerate(("down", "down", "none", "none"), 1):
        h = residual(params, f"block_{index}/", h, resample, first=index == 1)
    return normalised(layers.linear(params, "output"), params, "output")(torch.relu(h).sum((2, 3)))[:, 0].numpy()


def _cnn_generator(params, z):
    import torch

    h = layers.unflattened(layers.linear(params, "project")(torch.from_numpy(z)), (4, 4))
    h = torch.relu(layers.batch_norm(params, "norm_0")(h))
    for index in (1, 2, 3):
        h = layers.conv_transpose(params, f"up_{index}", stride=2, padding=1)(h)
        h = torch.relu(layers.batch_norm(params, f"norm_{index}")(h))
    return (layers.array(torch.tanh(layers.conv(params, "output", padding=1)(h))) + 1) / 2


def _cnn_discriminator(params, x):
    import torch

    h = 2 * layers.image(x) - 1
    for name, stride in (
        ("conv_0", 1),
        ("down_0", 2),
        ("conv_1", 1),
        ("down_1", 2),
        ("conv_2", 1),
        ("down_2", 2),
        ("conv_3", 1),
    ):
        layer = normalised(layers.conv(params, name, stride, padding=1), params, name)
        h = torch.nn.functional.leaky_relu(layer(h), 0.1)
    return normalised(layers.linear(params, "output"), params, "output")(h.permute(0, 2, 3, 1).flatten(1))[:, 0].numpy()
