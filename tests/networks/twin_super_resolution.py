"""The networks of super-resolution in PyTorch: SRResNet and MSRResNet, RRDBNet of three scales, the U-Net discriminator."""

import numpy as np
import torch_layers as layers
from twin_blocks import normalised

from jgan.networks import MSRResNet, RRDBNet, SRResNet, UNetDiscriminator

_random = np.random.default_rng(0)
_small = (_random.uniform(size=(2, 8, 4, 3)).astype(np.float32),)
_large = (_random.uniform(size=(2, 16, 8, 3)).astype(np.float32),)
CASES = {
    "srresnet": (SRResNet(width=4, blocks=2), _small),
    "srresnet_tanh_x3": (SRResNet(scale=3, width=4, blocks=1, output="tanh"), _small),
    "msrresnet": (MSRResNet(width=4, blocks=2), _small),
    "rrdb": (RRDBNet(width=4, growth=2, blocks=2), _small),
    "rrdb_x2": (RRDBNet(scale=2, width=4, growth=2, blocks=1), _small),
    "rrdb_x1": (RRDBNet(scale=1, width=4, growth=2, blocks=1), _small),
    "unet_discriminator": (UNetDiscriminator(width=4), _large),
}


def reference(case, params, inputs):
    """The large images, or the map of logits."""
    import torch

    x = layers.image(inputs[0])
    if case == "unet_discriminator":
        return layers.array(_unet(params, x))[..., 0]
    if case == "msrresnet":
        return layers.array(_msrresnet(params, x))
    if case.startswith("srresnet"):
        y = _srresnet(params, x, *((1, (3,)) if case == "srresnet_tanh_x3" else (2, (2, 2))))
        return (layers.array(torch.tanh(y) if "tanh" in case else y) + 1) / 2
    shrunk = {"rrdb": 1, "rrdb_x2": 2, "rrdb_x1": 4}[case]
    return layers.array(_rrdb(params, torch.pixel_unshuffle(x, shrunk), 2 if case == "rrdb" else 1))


def _prelu(params, name, h):
    import torch

    return torch.nn.functional.prelu(h, torch.from_numpy(np.array(params[f"{name}/slope"])).reshape(1))


def _leaky(h, slope=0.2):
    import torch

    return torch.nn.functional.leaky_relu(h, slope)


def _same(params, name):
    """A convolution that keeps the size."""
    return layers.conv(params, name, padding=(params[f"{name}/kernel"].shape[0] - 1) // 2)


def _srresnet(params, x, blocks, factors):
    import torch

    normed = lambda h, name: layers.batch_norm(params, f"{name}_norm")(_same(params, f"{name}_conv")(h))  # noqa: E731
    h = first = _prelu(params, "first_prelu", _same(params, "first")(x))
    for index in range(blocks):
        inner = _prelu(params, f"block_{index}_prelu", normed(h, f"block_{index}_1"))
        h = h + normed(inner, f"block_{index}_2")
    h = first + normed(h, "body")
    for index, factor in enumerate(factors):
        h = torch.nn.PixelShuffle(factor)(_same(params, f"up_{index}")(h))
        h = _prelu(params, f"up_{index}_prelu", h)
    return _same(params, "last")(h)


def _msrresnet(params, x):
    import torch

    h = _leaky(_same(params, "first")(x), 0.1)
    for index in range(2):
        h = h + _same(params, f"block_{index}_2")(torch.relu(_same(params, f"block_{index}_1")(h)))
    for index in range(2):
        h = _leaky(torch.nn.PixelShuffle(2)(_same(params, f"up_{index}")(h)), 0.1)
    y = _same(params, "last")(_leaky(_same(params, "high")(h), 0.1))
    return y + torch.nn.functional.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)


def _rrdb(params, x, blocks):
    import torch

    h = first = _same(params, "first")(x)
    for block in range(blocks):
        inner = h
        for index in range(3):
            maps = [inner]
            for layer in range(4):
                name = f"block_{block}_{index}/conv_{layer}"
                maps.append(_leaky(_same(params, name)(torch.cat(maps, 1))))
            inner = inner + 0.2 * _same(params, f"block_{block}_{index}/conv_4")(torch.cat(maps, 1))
        h = h + 0.2 * inner
    h = first + _same(params, "body")(h)
    for index in range(2):
        h = _leaky(_same(params, f"up_{index}")(torch.nn.functional.interpolate(h, scale_factor=2, mode="nearest")))
    return _same(params, "last")(_leaky(_same(params, "high")(h)))


def _unet(params, x):
    import torch

    up = lambda h: torch.nn.functional.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)  # noqa: E731
    layer = lambda name, h, stride=1: _leaky(  # noqa: E731
        normalised(layers.conv(params, name, stride, padding=1), params, name)(h)
    )
    zero = _leaky(layers.conv(params, "first", padding=1)(x))
    one = layer("down_1", zero, 2)
    two = layer("down_2", one, 2)
    three = layer("down_3", two, 2)
    h = layer("up_2", up(three)) + two
    h = layer("up_1", up(h)) + one
    h = layer("up_0", up(h)) + zero
    h = layer("high_1", layer("high_0", h))
    return layers.conv(params, "last", padding=1)(h)
