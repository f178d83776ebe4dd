"""The networks of ProGAN's test on Stacked MNIST."""

import numpy as np
import torch_layers as layers

from jgan.networks import CrippledDiscriminator, CrippledGenerator

_random = np.random.default_rng(0)
_images = (_random.uniform(size=(2, 16, 24, 3)).astype(np.float32),)
CASES = {
    "generator": (CrippledGenerator(), (_random.normal(size=(2, 7)).astype(np.float32),)),
    "discriminator": (CrippledDiscriminator(), _images),
    "without_norm": (CrippledDiscriminator(2, batch_norm=False), _images),
}
SLOW = ("without_norm",)


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    return (_generator if case == "generator" else _discriminator)(params, *inputs)


def _hidden(params, index, h):
    import torch.nn.functional as F  # noqa: N812

    name = f"norm_{index}"
    return F.leaky_relu(layers.batch_norm(params, name)(h) if f"{name}/mean" in params else h, 0.2)


def _generator(params, z):
    import torch

    h = _hidden(params, 0, layers.unflattened(layers.linear(params, "project")(torch.from_numpy(z)), (4, 4)))
    for index in (1, 2, 3):
        h = torch.nn.functional.interpolate(h, scale_factor=2)
        h = _hidden(params, index, layers.conv(params, f"up_{index}", padding=1)(h))
    return (layers.array(torch.tanh(layers.conv(params, "output", padding=1)(h))) + 1) / 2


def _discriminator(params, x):
    import torch

    h = 2 * layers.image(x) - 1
    for index in range(3):
        h = _hidden(params, index, layers.conv(params, f"conv_{index}", padding=1)(h))
        h = torch.nn.functional.avg_pool2d(h, 2)
    return layers.linear(params, "output")(h.permute(0, 2, 3, 1).flatten(1))[:, 0].numpy()
