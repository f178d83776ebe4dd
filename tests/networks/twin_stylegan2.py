"""StyleGAN2 at 32x32 with 128 channels: the generator without noise and with fixed noise, both discriminators."""

import math

import numpy as np
import torch_style as style

from jgan.networks import StyleGAN2Discriminator, StyleGAN2Generator
from jgan.networks.noise import fixed_noise

draw = style.draw
_random = np.random.default_rng(0)
_z = _random.normal(size=(2, 64)).astype(np.float32)
_images = _random.uniform(size=(2, 32, 32, 3)).astype(np.float32)
_WIDTHS = {"channel_base": 2048, "channel_max": 128}
_GENERATOR = {"image_shape": (32, 32, 3), "style_size": 64, "mapping_layers": 3, **_WIDTHS}
CASES = {
    "generator": (StyleGAN2Generator(**_GENERATOR, noise=False), (_z,)),
    "generator_noise": (StyleGAN2Generator(**_GENERATOR, truncation=0.7), (_z,)),
    "discriminator": (StyleGAN2Discriminator(**_WIDTHS), (_images,)),
    "discriminator_orig": (StyleGAN2Discriminator(**_WIDTHS, residual=False), (4 * _images,)),  # logits of about 1
}
_labels = np.array([3, 0], np.int32)
CASES |= {
    "generator_labels": (StyleGAN2Generator(**_GENERATOR, noise=False, n_classes=5), (_z, _labels)),
    "discriminator_labels": (StyleGAN2Discriminator(**_WIDTHS, n_classes=5, mapping_layers=2), (_images, _labels)),
}
SQRT2 = math.sqrt(2)


def reference(case, params, inputs):
    """The images, about in [0, 1], or the logits."""
    if case.startswith("generator"):
        return _generator(params, *inputs, noise=case == "generator_noise", psi=0.7 if case == "generator_noise" else 1.0)
    return _discriminator(params, *inputs, residual=case != "discriminator_orig")


def _vectors(params, labels):
    """The vectors of the classes, of a mean square of 1."""
    one_hot = style.tensor(np.eye(5, dtype=np.float32)[labels])
    return style.pixel_norm(style.dense(params, "mapping/classes", one_hot))


def _generator(params, z, labels=None, *, noise, psi):
    import torch

    w = style.pixel_norm(style.tensor(z))
    if labels is not None:
        w = torch.cat([w, _vectors(params, labels)], dim=1)
    for index in range(3):
        w = style.leaky(style.dense(params, f"mapping/layer_{index}", w, rate=0.01), SQRT2)
    average = style.tensor(params["w"])
    w = average + psi * (w - average)

    def conv(h, name, up=False):
        h = style.modulated(params, f"synthesis/{name}/conv", h, w, up=up)
        if noise:
            fixed = np.asarray(fixed_noise(f"synthesis/{name}/noise", *h.shape[2:]))[:, :, 0]
            h = h + float(params[f"synthesis/{name}/noise/strength"]) * style.tensor(fixed)
        return style.leaky(h + style.tensor(params[f"synthesis/{name}/bias"])[None, :, None, None], SQRT2)

    def image(h, level):
        y = style.modulated(params, f"synthesis/image_{level}", h, w, demodulate=False)
        return y + style.tensor(params[f"synthesis/image_{level}_bias"])[None, :, None, None]

    h = conv(style.tensor(params["synthesis/constant"]).permute(2, 0, 1).expand(len(z), -1, -1, -1), "conv_0")
    sum = image(h, 0)
    for level in (1, 2, 3):
        h = conv(conv(h, f"conv_{level}_0", up=True), f"conv_{level}_1")
        sum = style.upfirdn(sum, up=2, padding=(2, 1), gain=4) + image(h, level)
    return (style.array(sum) + 1) / 2


def _discriminator(params, x, labels=None, *, residual):
    h = style.leaky(style.conv(params, "image", 2 * style.image(x) - 1), SQRT2)
    for level in (3, 2, 1):
        y = style.leaky(style.conv(params, f"conv_{level}_0", h), SQRT2)
        y = style.conv(params, f"conv_{level}_1", style.upfirdn(y, padding=(2, 2)), stride=2, padding=0)
        y = style.leaky(y, SQRT2)
        if residual:
            y = (y + style.conv(params, f"shortcut_{level}", style.upfirdn(h, down=2, padding=(1, 1)))) / SQRT2
        h = y
    h = style.leaky(style.conv(params, "conv_0", style.minibatch_std(h, 2)), SQRT2)
    h = style.leaky(style.dense(params, "hidden", h.permute(0, 2, 3, 1).flatten(1)), SQRT2)
    output = style.dense(params, "output", h)
    if labels is None:
        return output[:, 0].numpy()
    classes = _vectors(params, labels)
    for index in range(2):
        classes = style.leaky(style.dense(params, f"mapping/layer_{index}", classes, rate=0.01), SQRT2)
    return ((output * classes).sum(dim=1) / math.sqrt(output.shape[1])).numpy()
