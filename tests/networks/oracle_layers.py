"""Layers by their definitions, in NumPy float64; images are `[B, height, width, channels]`."""

import numpy as np


def f64(tree):
    return {name: f64(leaf) if isinstance(leaf, dict) else np.asarray(leaf, np.float64) for name, leaf in tree.items()}


def conv(x, kernel, bias=None, *, stride=1, padding=0):
    """Window by window; the kernel is `[k, k, inputs, outputs]`."""
    k = kernel.shape[0]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    rows, columns = ((side - k) // stride + 1 for side in x.shape[1:3])
    y = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    for i in range(rows):
        for j in range(columns):
            window = x[:, i * stride : i * stride + k, j * stride : j * stride + k]
            y[:, i, j] = np.einsum("nabc,abco->no", window, kernel)
    return y if bias is None else y + bias


def conv_transpose(x, kernel, bias=None, *, stride, padding, output_padding=0):
    """Each pixel adds its multiple of the kernel `[k, k, inputs, outputs]`, then margins are cut off."""
    n, height, width, _ = x.shape
    k = kernel.shape[0]
    y = np.zeros((n, stride * (height - 1) + k + output_padding, stride * (width - 1) + k + output_padding, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            y[:, i * stride : i * stride + k, j * stride : j * stride + k] += np.einsum("nc,abco->nabo", x[:, i, j], kernel)
    y = y[:, padding : y.shape[1] - padding, padding : y.shape[2] - padding]
    return y if bias is None else y + bias


def normalised(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def instance_norm(x):
    return normalised(x, (1, 2))


def batch_norm(x, params):
    """In training mode."""
    return normalised(x, tuple(range(x.ndim - 1))) * params["scale"] + params["bias"]


def relu(x):
    return np.maximum(x, 0)


def leaky(x, slope=0.2):
    return np.where(x > 0, x, slope * x)


def reflect(x, margin):
    return np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def to_unit(x):
    """(tanh + 1) / 2."""
    return (np.tanh(x) + 1) / 2
