"""pix2pix's U-Net, its PatchGAN on joined images and the PixelGAN, CycleGAN's residual generator, small.

The U-Net is nested, each level a block around the next one, as in the authors' code; ours is a loop.
"""

import numpy as np
import torch_layers as layers

from jgan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator

_random = np.random.default_rng(0)
_draw = lambda *shape: _random.uniform(size=shape).astype(np.float32)  # noqa: E731
CASES = {
    "u_net_batch": (UNetGenerator(channels=3, width=4, levels=5), (_draw(2, 32, 64, 1),)),
    "u_net_instance": (UNetGenerator(norm="instance", channels=1, width=4, levels=4), (_draw(2, 32, 32, 3),)),
    "u_net_padded": (UNetGenerator(channels=1, width=4, levels=3), (_draw(2, 7, 10, 1),)),
    "patch_batch": (PatchDiscriminator(norm="batch", width=4, layers=3), (_draw(2, 32, 40, 3), _draw(2, 32, 40, 1))),
    "patch_instance": (PatchDiscriminator(width=4, layers=2), (_draw(2, 16, 16, 3),)),
    "pixel": (PatchDiscriminator(norm="batch", width=4, layers=0), (_draw(2, 8, 8, 3), _draw(2, 8, 8, 3))),
    "resnet": (ResNetGenerator(channels=3, width=4, blocks=2), (_draw(2, 16, 16, 1),)),
}


def reference(case, params, inputs):
    """Images `[B, height, width, channels]`, or logits `[B, height, width]`."""
    import torch

    module = CASES[case][0]
    x = 2 * torch.cat([layers.image(image) for image in inputs], 1) - 1
    if isinstance(module, PatchDiscriminator):
        return layers.array(_patches(params, module, x))[..., 0]
    out = (_u_net if isinstance(module, UNetGenerator) else _resnet)(params, module, x)
    return layers.array((torch.tanh(out) + 1) / 2)


def _norms(params, module):
    """The normalisations in the order of the calls."""
    import torch

    if module.norm == "instance":
        return lambda h: torch.nn.InstanceNorm2d(h.shape[1])(h)
    numbers = iter(range(100))
    return lambda h: layers.batch_norm(params, f"BatchNorm_{next(numbers)}")(h)


def _u_net(params, module, x):
    import torch

    norm, height, width = _norms(params, module), *x.shape[2:]
    vertical, horizontal = (-side % 2**module.levels for side in (height, width))
    around = (horizontal // 2, horizontal - horizontal // 2, vertical // 2, vertical - vertical // 2)
    leaky = lambda h: torch.nn.functional.leaky_relu(h, 0.2)  # noqa: E731

    def block(level, h):
        lower = layers.conv(params, f"Conv_{level}", 2, 1)(h if level == 0 else leaky(h))
        if level < module.levels - 1:
            lower = block(level + 1, lower if level == 0 else norm(lower))
        raised = layers.conv_transpose(params, f"ConvTranspose_{module.levels - 1 - level}", 2, 1)(torch.relu(lower))
        return raised if level == 0 else torch.cat([h, norm(raised)], 1)

    out = block(0, torch.nn.functional.pad(x, around, "reflect"))
    return out[:, :, around[2] : around[2] + height, around[0] : around[0] + width]


def _patches(params, module, x):
    import torch

    norm = _norms(params, module)
    leaky = lambda h: torch.nn.functional.leaky_relu(h, 0.2)  # noqa: E731
    if module.layers == 0:
        h = leaky(layers.conv(params, "Conv_0")(x))
        return layers.conv(params, "Conv_2")(leaky(norm(layers.conv(params, "Conv_1")(h))))
    h = leaky(layers.conv(params, "Conv_0", 2, 1)(x))
    for index in range(1, module.layers):
        h = leaky(norm(layers.conv(params, f"Conv_{index}", 2, 1)(h)))
    h = leaky(norm(layers.conv(params, f"Conv_{module.layers}", 1, 1)(h)))
    return layers.conv(params, f"Conv_{module.layers + 1}", 1, 1)(h)


def _resnet(params, module, x):
    import torch

    norm, numbers = _norms(params, module), iter(range(100))
    conv = lambda h, stride=1, padding=0: layers.conv(params, f"Conv_{next(numbers)}", stride, padding)(h)  # noqa: E731
    reflect = lambda h, margin: torch.nn.functional.pad(h, [margin] * 4, "reflect")  # noqa: E731
    h = torch.relu(norm(conv(reflect(x, 3))))
    for _ in range(module.downsamplings):
        h = torch.relu(norm(conv(h, 2, 1)))
    for _ in range(module.blocks):
        inner = torch.relu(norm(conv(reflect(h, 1))))
        h = h + norm(conv(reflect(inner, 1)))
    for index in range(module.downsamplings):
        h = torch.relu(norm(layers.conv_transpose(params, f"ConvTranspose_{index}", 2, 1, 1)(h)))
    return conv(reflect(h, 3))
