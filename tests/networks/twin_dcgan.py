"""DCGAN for 64x64 images with the layers of PyTorch's example, pytorch/examples:dcgan/main.py."""

import numpy as np
import torch_layers as layers

from jgan.networks import DCGANDiscriminator, DCGANGenerator

_random = np.random.default_rng(0)
CASES = {
    "generator": (DCGANGenerator((64, 64, 3)), (_random.normal(size=(2, 100)).astype(np.float32),)),
    "discriminator": (DCGANDiscriminator(), (_random.uniform(size=(2, 64, 64, 3)).astype(np.float32),)),
}


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    return {"generator": _generator, "discriminator": _discriminator}[case](params, *inputs)


def _generator(params, z):
    import torch

    # The example's first layer is a transposed convolution of a 1x1 image, ours a dense one.
    first = {"first/kernel": params["project/kernel"].reshape(100, 4, 4, 512).transpose(1, 2, 0, 3)}
    network = [layers.conv_transpose(first, "first"), layers.batch_norm(params, "norm_0"), torch.nn.ReLU()]
    for index in (1, 2, 3):
        network += [layers.conv_transpose(params, f"up_{index}", 2, 1), layers.batch_norm(params, f"norm_{index}")]
        network += [torch.nn.ReLU()]
    network += [layers.conv_transpose(params, "output", 2, 1), torch.nn.Tanh()]
    return (layers.array(torch.nn.Sequential(*network)(torch.from_numpy(z)[:, :, None, None])) + 1) / 2


def _discriminator(params, x):
    import torch

    network = [layers.conv(params, "down_0", 2, 1), torch.nn.LeakyReLU(0.2)]
    for index in (1, 2, 3):
        network += [layers.conv(params, f"down_{index}", 2, 1), layers.batch_norm(params, f"norm_{index}")]
        network += [torch.nn.LeakyReLU(0.2)]
    last = {"last/kernel": params["output/kernel"].reshape(4, 4, 512, 1)}  # a dense layer of ours on 4x4 pixels
    network += [layers.conv(last, "last")]
    return torch.nn.Sequential(*network)(2 * layers.image(x) - 1).reshape(-1).numpy()
