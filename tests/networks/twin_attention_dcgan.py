"""SAGAN for 64x64 as heykeetae/Self-Attention-GAN has it: DCGAN's networks with self-attention after the last hidden layers.

PyTorch's spectral normalisation of a transposed convolution takes the outputs as rows, that of this code the inputs: so the
twin, as our networks, differs from it in the norms of these kernels.
"""

import numpy as np
import torch_layers as layers
from twin_blocks import attention, normalised

from jgan.networks import AttentionDCGANDiscriminator, AttentionDCGANGenerator

_random = np.random.default_rng(0)
_latents = (_random.normal(scale=30, size=(2, 6)).astype(np.float32),)
_images = (_random.uniform(size=(2, 32, 48, 3)).astype(np.float32),)
CASES = {
    "generator": (AttentionDCGANGenerator((32, 48, 3), width=8), _latents),
    "discriminator": (AttentionDCGANDiscriminator(width=8), _images),
    "pooled": (AttentionDCGANDiscriminator(width=8, pooled=True), _images),
}


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    return _generator(params, *inputs) if case == "generator" else _discriminator(params, *inputs, pooled=case == "pooled")


def _generator(params, z):
    import torch

    h = layers.unflattened(normalised(layers.linear(params, "project"), params, "project")(torch.from_numpy(z)), (4, 6))
    h = h + torch.from_numpy(params["bias"])[:, None, None]
    for index in range(3):
        if index:
            h = normalised(layers.conv_transpose(params, f"up_{index}", 2, 1), params, f"up_{index}")(h)
        h = torch.relu(layers.batch_norm(params, f"norm_{index}")(h))
        h = attention(params, f"attention_{index}/", h, pooled=False) if index else h
    return (layers.array(torch.tanh(layers.conv_transpose(params, "output", 2, 1)(h))) + 1) / 2


def _discriminator(params, x, pooled):
    import torch

    h = 2 * layers.image(x) - 1
    for index in range(3):
        layer = normalised(layers.conv(params, f"down_{index}", 2, 1), params, f"down_{index}")
        h = torch.nn.functional.leaky_relu(layer(h), 0.1)
        h = attention(params, f"attention_{index}/", h, pooled) if index else h
    return layers.linear(params, "output")(h.permute(0, 2, 3, 1).flatten(1))[:, 0].numpy()
