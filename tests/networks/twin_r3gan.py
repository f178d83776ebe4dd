"""R3GAN of 32 channels for 28x28 images, one block at each resolution, and of 48x48 ones, whose channels change."""

import numpy as np
import torch_layers as layers

from jgan.networks import R3GANDiscriminator, R3GANGenerator

_side = {"width": 16, "group_size": 8}
_random = np.random.default_rng(0)
CASES = {
    "generator": (R3GANGenerator((28, 28, 1), 32, blocks=1), (_random.normal(size=(2, 64)).astype(np.float32),)),
    "discriminator": (R3GANDiscriminator(32, blocks=1), (_random.uniform(size=(2, 28, 28, 1)).astype(np.float32),)),
    "generator of 48x48": (R3GANGenerator((48, 48, 3), **_side), (_random.normal(size=(2, 64)).astype(np.float32),)),
    "discriminator of 48x48": (
        R3GANDiscriminator(**_side),
        (_random.uniform(size=(2, 48, 48, 3)).astype(np.float32),),
    ),
}
_labels = np.array([3, 0], np.int32)
CASES |= {
    f"{case} with labels": (module.clone(n_classes=5), (*inputs, _labels))
    for case, (module, inputs) in CASES.items()
    if "of" not in case
}
COUNTS = {"generator": 3, "discriminator": 3, "generator of 48x48": 4, "discriminator of 48x48": 4}
"""resolutions"""


def reference(case, params, inputs):
    """The images, or the logits."""
    build = _generator if case.startswith("generator") else _discriminator
    return build(params, CASES[case][0].blocks, COUNTS[case.removesuffix(" with labels")], *inputs)


def _vectors(params, labels):
    """A linear layer without a bias, of one-hot labels."""
    import torch

    return layers.linear(params, "classes")(torch.nn.functional.one_hot(torch.from_numpy(labels).long(), 5).float())


def _generator(params, blocks, count, z, labels=None):
    import torch

    z = torch.from_numpy(z)
    if labels is not None:
        z = torch.cat([z, _vectors(params, labels)], dim=1)
    scales = layers.linear(params, "project")(z)
    x = torch.from_numpy(params["basis"].transpose(2, 0, 1)) * scales[:, :, None, None]
    for index in range(count):
        if index > 0:
            if f"change_{index}/kernel" in params:
                x = layers.conv(params, f"change_{index}")(x)
            x = torch.nn.functional.conv_transpose2d(x, 4 * _filter(x), stride=2, padding=1, groups=x.shape[1])
        for block in range(blocks):
            x = _block(params, f"block_{index}_{block}", x)
    return (layers.array(layers.conv(params, "output")(x)) + 1) / 2


def _discriminator(params, blocks, count, images, labels=None):
    import torch

    x = layers.conv(params, "input")(2 * layers.image(images) - 1)
    for index in reversed(range(count)):
        for block in range(blocks):
            x = _block(params, f"block_{index}_{block}", x)
        if index > 0:
            x = torch.nn.functional.conv2d(x, _filter(x), stride=2, padding=1, groups=x.shape[1])
            if f"change_{index}/kernel" in params:
                x = layers.conv(params, f"change_{index}")(x)
    kernel = torch.from_numpy(params["basis"].transpose(2, 0, 1))[:, None]
    x = torch.nn.functional.conv2d(x, kernel, groups=x.shape[1])
    features = layers.linear(params, "output")(x.flatten(1))
    return (features[:, 0] if labels is None else (features * _vectors(params, labels)).sum(dim=1)).numpy()


def _block(params, path, x):
    import torch

    def act(h, name):
        bias = torch.from_numpy(params[f"{path}/{name}/bias"])
        return torch.nn.functional.leaky_relu(h + bias[:, None, None], 0.2)

    h = act(layers.conv(params, f"{path}/widen")(x), "act_0")
    kernel = torch.from_numpy(np.ascontiguousarray(params[f"{path}/grouped/kernel"].transpose(3, 2, 0, 1)))
    h = torch.nn.functional.conv2d(h, kernel, padding=1, groups=h.shape[1] // kernel.shape[1])
    return x + layers.conv(params, f"{path}/narrow")(act(h, "act_1"))


def _filter(x):
    """(1, 2, 1) convolved with (1, 1), in both directions, of the sum 1; one a channel."""
    import torch

    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return (taps[:, None] * taps / 64).repeat(x.shape[1], 1, 1, 1)
