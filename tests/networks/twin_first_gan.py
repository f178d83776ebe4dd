"""The networks of "Make Your First GAN With PyTorch", layer by layer as in the book's notebooks 8, 14, 15 and 16."""

import numpy as np
import torch_layers as layers

from jgan.networks import FirstConvDiscriminator, FirstConvGenerator, FirstDiscriminator, FirstGenerator

_random = np.random.default_rng(0)
_z = _random.normal(size=(3, 100)).astype(np.float32)
_digits, _faces = (_random.uniform(size=(3, *shape)).astype(np.float32) for shape in ((28, 28, 1), (64, 72, 3)))
_labels = np.array([3, 0, 9], np.int32)
CASES = {
    "generator": (FirstGenerator((28, 28, 1)), (_z,)),
    "discriminator": (FirstDiscriminator(), (_digits,)),
    "generator with labels": (FirstGenerator((28, 28, 1), classes=10), (_z, _labels)),
    "discriminator with labels": (FirstDiscriminator(classes=10), (_digits, _labels)),
    "convolutional generator": (FirstConvGenerator((64, 72, 3), width=16), (_z,)),
    "convolutional discriminator": (FirstConvDiscriminator(width=16), (_faces,)),
}


def reference(case, params, inputs):
    """The images, or the logits."""
    import torch

    x = torch.from_numpy(inputs[0])
    if "convolutional" in case:
        return _conv_generator(params, x) if "generator" in case else _conv_discriminator(params, x)
    x = x.reshape(len(x), -1)
    if len(inputs) > 1:
        x = torch.cat([x, torch.nn.functional.one_hot(torch.from_numpy(inputs[1]).long(), 10)], 1)
    norm = torch.nn.LayerNorm(200)
    for name, ours in (("weight", "scale"), ("bias", "bias")):
        getattr(norm, name).data.copy_(torch.from_numpy(params[f"norm/{ours}"]))
    network = [layers.linear(params, "hidden"), torch.nn.LeakyReLU(0.02), norm, layers.linear(params, "output")]
    y = torch.nn.Sequential(*network)(x)
    return torch.sigmoid(y).reshape(-1, 28, 28, 1).numpy() if "generator" in case else y[:, 0].numpy()


def _conv_generator(params, z):
    import torch

    act = torch.nn.LeakyReLU(0.2)
    h = layers.unflattened(act(layers.linear(params, "project")(z)), (3, 4))
    network = []
    for index, padding in ((1, 0), (2, 0), (3, 1)):
        network += [layers.conv_transpose(params, f"up_{index}", 2, padding), layers.batch_norm(params, f"norm_{index}"), act]
    return layers.array(torch.sigmoid(torch.nn.Sequential(*network[:-1])(h)))


def _conv_discriminator(params, x):
    import torch

    act = torch.nn.LeakyReLU(0.2)
    network = []
    for index in (1, 2):
        network += [layers.conv(params, f"down_{index}", 2), layers.batch_norm(params, f"norm_{index}"), act]
    h = torch.nn.Sequential(*network, layers.conv(params, "down_3", 2), act)(layers.image(x.numpy()))
    flat = torch.from_numpy(layers.array(h)).reshape(len(x), -1)
    return layers.linear(params, "output")(flat)[:, 0].numpy()
