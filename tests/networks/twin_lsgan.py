"""LSGAN's generator for scenes, and DCGAN with four stages: its discriminator, and the networks of VEEGAN's test."""

import numpy as np
import torch_layers as layers

from jgan.networks import FourStageDiscriminator, FourStageGenerator, LSGANGenerator

_random = np.random.default_rng(0)
_latents = (_random.normal(size=(2, 7)).astype(np.float32),)
CASES = {
    "scenes_generator": (LSGANGenerator((32, 32, 3), width=3), _latents),
    "digits_generator": (FourStageGenerator((28, 21, 3), width=3), _latents),
    "digits_discriminator": (FourStageDiscriminator(width=3), (_random.uniform(size=(2, 28, 21, 3)).astype(np.float32),)),
}
SLOW = ("scenes_generator", "digits_generator")


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    made = {"scenes_generator": _scenes_generator, "digits_generator": _digits_generator}
    return made.get(case, _discriminator)(params, *inputs)


def _hidden(params, name, h):
    import torch

    return torch.relu(layers.batch_norm(params, f"norm_{name}")(h))


def _scenes_generator(params, z):
    import torch

    h = layers.unflattened(layers.linear(params, "project")(torch.from_numpy(z)), (4, 4))
    h = _hidden(params, "0", h)
    for name, stride, norm in (("up_1", 2, "1"), ("same_1", 1, "same_1"), ("up_2", 2, "2"), ("up_3", 2, "3")):
        h = _hidden(params, norm, layers.conv_transpose(params, name, stride, 1, output_padding=stride - 1)(h))
    return (layers.array(torch.tanh(layers.conv_transpose(params, "output", 1, 1)(h))) + 1) / 2


def _digits_generator(params, z):
    import torch

    h = layers.unflattened(layers.linear(params, "project")(torch.from_numpy(z)), (2, 2))
    h = _hidden(params, "0", h)
    for index, (rows, columns) in enumerate(((4, 3), (7, 6), (14, 11)), 1):
        h = layers.conv_transpose(params, f"up_{index}", 2, 2, output_padding=1)(h)[:, :, :rows, :columns]
        h = _hidden(params, index, h)
    h = layers.conv_transpose(params, "output", 2, 2, output_padding=1)(h)[:, :, :28, :21]
    return (layers.array(torch.tanh(h)) + 1) / 2


def _discriminator(params, x):
    import torch

    h = 2 * layers.image(x) - 1
    for index in range(4):
        h = layers.conv(params, f"down_{index}", 2, 2)(h)
        h = torch.nn.functional.leaky_relu(layers.batch_norm(params, f"norm_{index}")(h) if index else h, 0.2)
    return layers.linear(params, "output")(h.permute(0, 2, 3, 1).flatten(1))[:, 0].numpy()
