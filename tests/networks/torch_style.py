"""Layers of ProGAN and StyleGAN2 as their authors write them in PyTorch, with our weights; images are `[B, c, h, w]`."""

import math

import numpy as np
import torch_layers as layers


def tensor(array):
    import torch

    return torch.from_numpy(np.array(array))


def kernel(params, path):
    """`[outputs, inputs, k, k]`."""
    return tensor(params[f"{path}/kernel"].transpose(3, 2, 0, 1))


def dense(params, path, x, *, gain=1.0, rate=1.0):
    """An equalised linear layer."""
    from torch.nn import functional

    weight = tensor(params[f"{path}/kernel"].T) * (gain * rate / math.sqrt(x.shape[1]))
    bias = tensor(params[f"{path}/bias"]) * rate if f"{path}/bias" in params else None
    return functional.linear(x, weight, bias)


def conv(params, path, x, *, gain=1.0, stride=1, padding=None):
    """An equalised convolution."""
    from torch.nn import functional

    weight = kernel(params, path)
    scale = gain / math.sqrt(weight[0].numel())
    bias = tensor(params[f"{path}/bias"]) if f"{path}/bias" in params else None
    return functional.conv2d(x, weight * scale, bias, stride, weight.shape[-1] // 2 if padding is None else padding)


def leaky(x, gain=1.0):
    from torch.nn import functional

    return functional.leaky_relu(x, 0.2) * gain


def pixel_norm(x):
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def minibatch_std(x, group):
    """Of runs of neighbours: the authors' has every n-th example in a group."""
    import torch

    size = group or len(x)
    y = x.reshape(-1, size, *x.shape[1:])
    y = (y - y.mean(dim=1, keepdim=True)).square().mean(dim=1)
    y = (y + 1e-8).sqrt().mean(dim=(1, 2, 3))
    y = y.repeat_interleave(size).reshape(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
    return torch.cat([x, y], dim=1)


def upfirdn(x, up=1, down=1, padding=(0, 0), gain=1.0):
    """StyleGAN2's `upfirdn2d` with the filter [1, 3, 3, 1]."""
    import torch
    from torch.nn import functional

    b, c, h, w = x.shape
    spread = functional.pad(x.reshape(b, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(b, c, h * up, w * up)
    spread = functional.pad(spread, (*padding, *padding))
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    filters = (gain * torch.outer(taps, taps) / taps.sum().square()).expand(c, 1, 4, 4)
    return functional.conv2d(spread, filters, groups=c)[:, :, ::down, ::down]


def modulated(params, path, x, w, *, up=False, demodulate=True):
    """One kernel an example, as a grouped convolution."""
    from torch.nn import functional

    weight = kernel(params, path)
    styles = dense(params, f"{path}/style", w)
    if not demodulate:
        styles = styles / math.sqrt(weight[0].numel())
    weights = weight[None] * styles[:, None, :, None, None]  # [B, outputs, inputs, k, k]
    if demodulate:
        weights = weights * (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    b, outputs, inputs, k, _ = weights.shape
    joined = x.reshape(1, b * inputs, *x.shape[2:])
    if up:
        weights = weights.transpose(1, 2).reshape(b * inputs, outputs, k, k)
        y = functional.conv_transpose2d(joined, weights, stride=2, groups=b)
        y = y.reshape(b, outputs, *y.shape[2:])
        return upfirdn(y, padding=(1, 1), gain=4)
    y = functional.conv2d(joined, weights.reshape(b * outputs, inputs, k, k), padding=k // 2, groups=b)
    return y.reshape(b, outputs, *y.shape[2:])


def draw(path, normal):
    """Weights as these networks have them: standard normal kernels, 100 times as large in the mapping network."""
    kind = path.rpartition("/")[2]
    if kind in ("kernel", "constant"):
        return 100 * normal if path.startswith("mapping/") else normal
    if path.endswith("style/bias"):
        return 1 + 0.1 * normal
    return 10 * normal if path.startswith("mapping/") else 0.1 * normal


array, image = layers.array, layers.image
