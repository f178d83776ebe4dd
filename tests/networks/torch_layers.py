"""Layers of PyTorch with the weights of ours, for the twins: `params` are arrays by path, as `twins.flat` names them.

Images are `[B, channels, height, width]` in PyTorch; `image` and `array` convert.
"""

import numpy as np


def image(x):
    """`[B, height, width, channels]` NumPy -> a tensor `[B, channels, height, width]`."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(np.asarray(x, np.float32), -1, 1)))


def array(x):
    """A tensor `[B, channels, height, width]` -> `[B, height, width, channels]` NumPy; of two axes as it is."""
    return np.moveaxis(x.numpy(), 1, -1)


def conv(params, path, stride=1, padding=0):
    """`nn.Conv2d` with the kernel `[k, k, inputs, outputs]` of ours."""
    import torch

    size, _, inputs, outputs = params[f"{path}/kernel"].shape
    layer = torch.nn.Conv2d(inputs, outputs, size, stride, padding, bias=f"{path}/bias" in params)
    return _filled(layer, params, path, (3, 2, 0, 1))


def conv_transpose(params, path, stride=1, padding=0, output_padding=0):
    """`nn.ConvTranspose2d` with the kernel `[k, k, inputs, outputs]` of ours."""
    import torch

    size, _, inputs, outputs = params[f"{path}/kernel"].shape
    layer = torch.nn.ConvTranspose2d(inputs, outputs, size, stride, padding, output_padding, bias=f"{path}/bias" in params)
    return _filled(layer, params, path, (2, 3, 0, 1))


def linear(params, path):
    """`nn.Linear` with the kernel `[inputs, outputs]` of ours."""
    import torch

    layer = torch.nn.Linear(*params[f"{path}/kernel"].shape, bias=f"{path}/bias" in params)
    return _filled(layer, params, path, (1, 0))


def flattened(kernel, sides):
    """The kernel of a dense layer on a flattened image, its inputs in PyTorch's order (channels first)."""
    inputs, outputs = kernel.shape
    return kernel.reshape(*sides, -1, outputs).transpose(2, 0, 1, 3).reshape(inputs, outputs)


def unflattened(x, sides):
    """`[B, height * width * channels]`, the channels last as in ours -> `[B, channels, height, width]`."""
    return x.reshape(len(x), *sides, -1).permute(0, 3, 1, 2)


def batch_norm(params, path, epsilon=1e-5):
    """`nn.BatchNorm2d` in evaluation mode."""
    import torch

    layer = torch.nn.BatchNorm2d(len(params[f"{path}/mean"]), eps=epsilon, affine=f"{path}/scale" in params).eval()
    for name, ours in (("weight", "scale"), ("bias", "bias"), ("running_mean", "mean"), ("running_var", "var")):
        if getattr(layer, name) is not None:
            getattr(layer, name).data.copy_(torch.from_numpy(params[f"{path}/{ours}"]))
    return layer


def layer_norm(params, path, x, epsilon=1e-5):
    """Over all channels and pixels of an image, with a gain and a shift for each channel."""
    import torch

    gain, shift = (torch.from_numpy(params[f"{path}/{name}"])[:, None, None] for name in ("scale", "bias"))
    return torch.nn.functional.layer_norm(x, x.shape[1:], eps=epsilon) * gain + shift


def _filled(layer, params, path, axes):
    import torch

    layer.weight.data.copy_(torch.from_numpy(params[f"{path}/kernel"].transpose(axes)))
    if layer.bias is not None:
        layer.bias.data.copy_(torch.from_numpy(params[f"{path}/bias"]))
    return layer


def spectral(layer, params, path):
    """PyTorch's own spectral normalisation of a layer, from the vector of ours: in training mode it makes one iteration.

    It is the older of the two that PyTorch has, which starts from the same vector as ours. `path` is that of the layer; the
    module that has the vector is `spectral_NAME` beside it.
    """
    import torch

    parent, _, name = path.rpartition("/")
    vector = params[f"{parent}/spectral_{name}/kernel".lstrip("/")]
    layer = torch.nn.utils.spectral_norm(layer)
    layer.weight_u.copy_(torch.from_numpy(vector))
    return layer.train()
