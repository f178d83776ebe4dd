"""BigGAN-deep as ajbrock/BigGAN-PyTorch has it."""

import numpy as np
import torch_layers as layers
from twin_blocks import attention, normalised

from jgan.networks import BigGANDeepDiscriminator, BigGANDeepGenerator

_random = np.random.default_rng(0)
_labels = np.array([2, 0], np.int32)
_latents = _random.normal(scale=0.5, size=(2, 5)).astype(np.float32)
_images = _random.uniform(size=(2, 16, 16, 3)).astype(np.float32)
CASES = {
    "generator": (BigGANDeepGenerator((16, 16, 3), (8, 8, 4), 3, class_size=4, attention=8), (_latents, _labels)),
    "discriminator": (BigGANDeepDiscriminator((4, 8, 8), 3, attention=8), (_images, _labels)),
}
SLOW = tuple(CASES)


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    return (_generator if case == "generator" else _discriminator)(params, *inputs)


def _conv(params, path, padding=0):
    return normalised(layers.conv(params, path, padding=padding), params, path)


def _linear(params, path):
    return normalised(layers.linear(params, path), params, path)


def _one_hot(labels):
    import torch

    return torch.eye(3)[torch.from_numpy(labels).long()]


def _conditioned(params, path, h, condition):
    import torch

    gain, shift = (_linear(params, f"{path}/{name}")(condition)[:, :, None, None] for name in ("gain", "shift"))
    return torch.relu(layers.batch_norm(params, f"{path}/norm")(h) * (1 + gain) + shift)


def _up_block(params, path, x, condition, features, up):
    import torch.nn.functional as F  # noqa: N812

    enlarge = lambda h: F.interpolate(h, scale_factor=2) if up else h  # noqa: E731
    h = _conv(params, f"{path}/conv_1")(_conditioned(params, f"{path}/norm_1", x, condition))
    h = enlarge(_conditioned(params, f"{path}/norm_2", h, condition))
    h = _conv(params, f"{path}/conv_2", 1)(h)
    h = _conv(params, f"{path}/conv_3", 1)(_conditioned(params, f"{path}/norm_3", h, condition))
    h = _conv(params, f"{path}/conv_4")(_conditioned(params, f"{path}/norm_4", h, condition))
    return h + enlarge(x[:, :features])


def _generator(params, z, labels):
    import torch

    condition = torch.cat([_one_hot(labels) @ torch.from_numpy(params["classes/embedding"]), torch.from_numpy(z)], 1)
    h = layers.unflattened(_linear(params, "project")(condition), (4, 4))
    for index, (before, after) in enumerate(((8, 8), (8, 4)), 1):
        h = _up_block(params, f"block_{index}_1", h, condition, before, up=False)
        h = _up_block(params, f"block_{index}_2", h, condition, after, up=True)
        h = attention(params, "attention/", h) if index == 1 else h
    h = torch.relu(layers.batch_norm(params, "norm")(h))
    return (layers.array(torch.tanh(_conv(params, "output", 1)(h))) + 1) / 2


def _down_block(params, path, x, down):
    import torch
    import torch.nn.functional as F  # noqa: N812

    h = _conv(params, f"{path}/conv_1")(torch.relu(x))
    h = _conv(params, f"{path}/conv_2", 1)(torch.relu(h))
    h = torch.relu(_conv(params, f"{path}/conv_3", 1)(torch.relu(h)))
    h, x = (F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)) if down else (h, x)
    if f"{path}/shortcut/kernel" in params:
        x = torch.cat([x, _conv(params, f"{path}/shortcut")(x)], 1)
    return _conv(params, f"{path}/conv_4")(h) + x


def _discriminator(params, x, labels):
    import torch

    h = _conv(params, "input", 1)(2 * layers.image(x) - 1)
    for index in (1, 2):
        h = _down_block(params, f"block_{index}_1", h, down=True)
        h = _down_block(params, f"block_{index}_2", h, down=False)
        h = attention(params, "attention/", h) if index == 1 else h
    h = torch.relu(h).sum((2, 3))
    of_class = _linear(params, "embed")(_one_hot(labels))
    return (_linear(params, "output")(h)[:, 0] + (of_class * h).sum(1)).numpy()
