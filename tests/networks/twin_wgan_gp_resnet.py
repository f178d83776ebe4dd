"""WGAN-GP's residual networks for 64x64 images, here smaller: igul222/improved_wgan_training, gan_64x64.py."""

import numpy as np
import torch_layers as layers
from twin_blocks import residual

from jgan.networks import LayerNormCritic, ResidualGenerator

_random = np.random.default_rng(0)
CASES = {
    "generator": (
        ResidualGenerator((16, 16, 3), (6, 6, 4), first_bias=False),
        (_random.normal(scale=0.5, size=(2, 7)).astype(np.float32),),
    ),
    "critic": (LayerNormCritic((4, 6, 6)), (_random.uniform(size=(2, 16, 12, 3)).astype(np.float32),)),
}
SLOW = ("generator",)


def reference(case, params, inputs):
    """The images in [0, 1], or the critic's values."""
    return (_generator if case == "generator" else _critic)(params, *inputs)


def _generator(params, z):
    import torch

    h = layers.unflattened(layers.linear(params, "project")(torch.from_numpy(z)), (4, 4))
    for index in (1, 2):
        assert f"block_{index}/conv_1/bias" not in params
        h = residual(params, f"block_{index}/", h, "up")
    h = torch.relu(layers.batch_norm(params, "norm")(h))
    return (layers.array(torch.tanh(layers.conv(params, "output", padding=1)(h))) + 1) / 2


def _critic(params, x):
    h = layers.conv(params, "input", padding=1)(2 * layers.image(x) - 1)
    for index in (1, 2):
        assert f"block_{index}/conv_1/bias" not in params
        h = residual(params, f"block_{index}/", h, "down")
    return layers.linear(params, "output")(h.permute(0, 2, 3, 1).flatten(1))[:, 0].numpy()
