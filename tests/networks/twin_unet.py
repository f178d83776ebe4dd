"""The U-Net of denoising diffusion, with two levels, attention at the second and a shortcut in each."""

import numpy as np
import torch_layers as layers

from jgan.networks import UNet

_random = np.random.default_rng(0)
CASES = {
    "two_levels": (
        UNet(8, (1, 2), blocks=1, attention=4),
        (_random.normal(size=(2, 8, 8, 3)).astype(np.float32), np.array([3.0, 700.0], np.float32)),
    )
}


def reference(case, params, inputs):
    """The noise, `[B, height, width, channels]`."""
    import torch

    x, t = inputs
    half = np.exp(-np.log(10_000) / 3 * np.arange(4))
    angles = t[:, None] * half[None]
    time = torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32))
    time = layers.linear(params, "time_2")(_swish(layers.linear(params, "time_1")(time)))

    def block(h, name, attends=False):
        h = _block(params, name, h, time)
        return _attention(params, f"{name}_attention", h) if attends else h

    first = layers.conv(params, "input", padding=1)(layers.image(x))
    one = block(first, "down_0_0")
    lower = layers.conv(params, "down_0", 2, padding=1)(one)
    two = block(lower, "down_1_0", True)
    h = _block(params, "middle_1", two, time)
    h = _block(params, "middle_2", _attention(params, "middle_attention", h), time)
    h = block(torch.cat([h, two], 1), "up_1_0", True)
    h = block(torch.cat([h, lower], 1), "up_1_1", True)
    h = layers.conv(params, "up_1", padding=1)(torch.nn.functional.interpolate(h, scale_factor=2))
    h = block(torch.cat([h, one], 1), "up_0_0")
    h = block(torch.cat([h, first], 1), "up_0_1")
    return layers.array(layers.conv(params, "output", padding=1)(_swish(_norm(params, "norm", h))))


def _swish(h):
    import torch

    return h * torch.sigmoid(h)


def _norm(params, path, h):
    import torch

    channels = h.shape[1]
    layer = torch.nn.GroupNorm(np.gcd(32, channels), channels, eps=1e-6)
    layer.weight.data.copy_(torch.from_numpy(params[f"{path}/scale"]))
    layer.bias.data.copy_(torch.from_numpy(params[f"{path}/bias"]))
    return layer(h)


def _block(params, path, x, time):
    h = layers.conv(params, f"{path}/conv_1", padding=1)(_swish(_norm(params, f"{path}/norm_1", x)))
    h = h + layers.linear(params, f"{path}/time")(_swish(time))[:, :, None, None]
    h = layers.conv(params, f"{path}/conv_2", padding=1)(_swish(_norm(params, f"{path}/norm_2", h)))
    return h + (layers.conv(params, f"{path}/shortcut")(x) if f"{path}/shortcut/kernel" in params else x)


def _attention(params, path, x):
    import torch

    h = _norm(params, f"{path}/norm", x).permute(0, 2, 3, 1).flatten(1, 2)
    query, key, value = (layers.linear(params, f"{path}/{name}")(h) for name in ("query", "key", "value"))
    mean = torch.softmax(query @ key.transpose(1, 2) / x.shape[1] ** 0.5, -1) @ value
    mean = layers.linear(params, f"{path}/output")(mean)
    return x + mean.reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)
