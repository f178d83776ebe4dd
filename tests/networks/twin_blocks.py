"""Residual blocks, self-attention and spectral normalisation, as in the code of the papers."""

import flax.linen as nn
import numpy as np
import torch_layers as layers

from jgan.networks import Conv, ConvTranspose, ResidualBlock, SelfAttention, SpectralNorm


class Spectral(nn.Module):
    """A layer with spectral normalisation, by name."""

    layer: nn.Module

    @nn.compact
    def __call__(self, x):
        return SpectralNorm(self.layer, name="spectral_layer")(x)


def _images(*shape):
    return (np.random.default_rng(1).normal(size=shape).astype(np.float32),)


CASES = {
    "up": (ResidualBlock(6, "up", norm=True), _images(2, 4, 3, 5)),
    "up_spectral": (ResidualBlock(5, "up", norm=True, spectral=True), _images(2, 4, 4, 5)),
    "first": (ResidualBlock(6, "down", first=True, spectral=True), _images(2, 8, 6, 3)),
    "down_narrow": (ResidualBlock(6, "down", hidden=4, spectral=True), _images(2, 8, 6, 4)),
    "down_plain": (ResidualBlock(4, "down"), _images(2, 6, 6, 4)),
    "none": (ResidualBlock(4, spectral=True), _images(2, 5, 4, 4)),
    "none_wider": (ResidualBlock(6, spectral=True), _images(2, 5, 4, 4)),
    "attention": (SelfAttention(), _images(2, 6, 4, 16)),
    "attention_unpooled": (SelfAttention(pooled=False, value_divisor=1, spectral=False), _images(2, 4, 5, 8)),
    "spectral_dense": (Spectral(nn.Dense(7, name="layer")), _images(3, 9)),
    "spectral_conv": (Spectral(Conv(7, 3, name="layer")), _images(2, 5, 5, 4)),
    "spectral_conv_transpose": (Spectral(ConvTranspose(7, 4, 2, 1, name="layer")), _images(2, 5, 5, 4)),
}


def reference(case, params, inputs):
    """The block's output."""
    module, _ = CASES[case]
    if isinstance(module, ResidualBlock):
        return layers.array(residual(params, "", layers.image(*inputs), module.resample, module.first))
    if isinstance(module, SelfAttention):
        return layers.array(attention(params, "", layers.image(*inputs), module.pooled))
    return _spectral(case, params, *inputs)


def normalised(layer, params, path):
    """The layer, with spectral normalisation where ours has a vector for it."""
    parent, _, name = path.rpartition("/")
    return layers.spectral(layer, params, path) if f"{parent}/spectral_{name}/kernel".lstrip("/") in params else layer


def residual(params, prefix, x, resample, first=False):
    """The block of the SN-GAN authors: the resampling apart, the shortcut's convolution before it, at full size."""
    import torch.nn.functional as F  # noqa: N812

    def conv(name, x):
        layer = layers.conv(params, prefix + name, padding=0 if name == "shortcut" else 1)
        return normalised(layer, params, prefix + name)(x)

    def act(x, index):
        name = f"{prefix}norm_{index}"
        if f"{name}/mean" in params:
            x = layers.batch_norm(params, name)(x)
        elif f"{name}/scale" in params:
            x = layers.layer_norm(params, name, x)
        return F.relu(x)

    up = lambda x: F.interpolate(x, scale_factor=2, mode="nearest") if resample == "up" else x  # noqa: E731
    down = lambda x: F.avg_pool2d(x, 2) if resample == "down" else x  # noqa: E731
    h = conv("conv_1", up(x if first else act(x, 1)))
    h = down(conv("conv_2", act(h, 2)))
    return h + (down(conv("shortcut", up(x))) if f"{prefix}shortcut/kernel" in params else x)


def attention(params, prefix, x, pooled=True):
    """Self-attention as brain-research/self-attention-gan has it, or without the last projection, as heykeetae does."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    def project(name, x):
        return normalised(layers.conv(params, prefix + name), params, prefix + name)(x)

    pool = lambda h: F.max_pool2d(h, 2) if pooled else h  # noqa: E731
    query, key, value = project("query", x), pool(project("key", x)), pool(project("value", x))
    weights = torch.softmax(query.flatten(2).transpose(1, 2) @ key.flatten(2), dim=-1)
    mean = (value.flatten(2) @ weights.transpose(1, 2)).reshape(len(x), -1, *x.shape[2:])
    gamma = torch.from_numpy(params[f"{prefix}gamma"])
    return x + gamma * (project("output", mean) if f"{prefix}output/kernel" in params else mean)


def _spectral(case, params, x):
    import torch

    if case == "spectral_dense":
        return layers.spectral(layers.linear(params, "layer"), params, "layer")(torch.from_numpy(x)).numpy()
    make = {"spectral_conv": layers.conv, "spectral_conv_transpose": layers.conv_transpose}[case]
    layer = make(params, "layer", padding=1, stride=1 if case == "spectral_conv" else 2)
    return layers.array(layers.spectral(layer, params, "layer")(layers.image(x)))
