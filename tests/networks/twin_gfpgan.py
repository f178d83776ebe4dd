"""GFP-GAN at 16x16: the U-Net of a degraded image, whose styles, scales and shifts steer a StyleGAN2 prior; both forms.

The output is the restored image and the U-Net's own image of the last level, side by side in the channels.
"""

import math

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import torch_layers as layers
import torch_style as style

from jgan.networks import RestorationUNet, StyleGAN2Generator

SQRT2, TOP, STYLE = math.sqrt(2), 2, 16
_SIZES = {"channel_base": 256, "channel_max": 32}


class Restorer(nn.Module):
    """The U-Net and the prior, whose fixed noise is off."""

    clean: bool

    @nn.compact
    def __call__(self, x):
        unet = RestorationUNet((16, 16, 3), STYLE, **_SIZES, clean=self.clean, name="plain" if self.clean else "unet")
        prior = StyleGAN2Generator((16, 16, 3), STYLE, 2, **_SIZES, noise=False, bilinear=self.clean, name="prior")
        made = unet(x)
        return jnp.concatenate([prior.images(made.styles, made.changes), 2 * made.images[-1] - 1], axis=-1)


_x = np.random.default_rng(0).uniform(size=(2, 16, 16, 3)).astype(np.float32)
CASES = {"first": (Restorer(clean=False), (_x,)), "clean": (Restorer(clean=True), (_x,))}


def draw(path, normal):
    """Standard normal kernels where they are scaled at run time; in the plain layers of the clean U-Net of a fitting size."""
    if path.startswith("plain/") and path.endswith("kernel"):
        return normal * math.sqrt(2 / math.prod(normal.shape[:-1]))
    return style.draw(path, normal)


def reference(case, params, inputs):
    """Both images in about [-1, 1]."""
    net = _Clean(params) if case == "clean" else _First(params)
    styles, changes, own = net.unet(2 * layers.image(inputs[0]) - 1)
    return np.concatenate([style.array(net.prior(styles, changes)), style.array(own)], axis=-1)


class _First:
    """Equalised layers, low-pass filters, gains of sqrt 2: the U-Net and the prior of the paper."""

    name = "unet"

    def __init__(self, params):
        self.params = params

    def conv(self, path, x):
        return style.conv(self.params, path, x)

    def leaky(self, x):
        return style.leaky(x, SQRT2)

    def down(self, h, level):
        y = style.upfirdn(self.leaky(self.conv(f"{self.name}/down_{level}_0", h)), padding=(2, 2))
        y = self.leaky(style.conv(self.params, f"{self.name}/down_{level}_1", y, stride=2, padding=0))
        return (y + self.conv(f"{self.name}/down_{level}_shortcut", style.upfirdn(h, down=2, padding=(1, 1)))) / SQRT2

    def up(self, h, level):
        y = self.leaky(self.conv(f"{self.name}/up_{level}_0", h))
        y = self.leaky(self.conv(f"{self.name}/up_{level}_1", _twice(y)))
        return self.joined(y + self.conv(f"{self.name}/up_{level}_shortcut", _twice(h)))

    def joined(self, sum):
        return sum / SQRT2

    def styles(self, flat):
        return style.dense(self.params, f"{self.name}/styles", flat)

    def unet(self, x):
        """The styles, the pairs of scale and shift, the last image."""
        h, skips = self.leaky(self.conv(f"{self.name}/image", x)), []
        for level in (2, 1):
            h = self.down(h, level)
            skips.append(h)
        h = self.leaky(self.conv(f"{self.name}/inner", h))
        styles = self.styles(h.permute(0, 2, 3, 1).flatten(1)).reshape(len(x), 2 * TOP + 2, STYLE)
        changes = []
        for level in (1, 2):
            h = self.up(h + skips.pop(), level)
            changes.append([self.head(h, f"{self.name}/{name}_{level}") for name in ("scale", "shift")])
        return styles, changes, self.conv(f"{self.name}/image_{TOP}", h)

    def head(self, h, path):
        return self.conv(f"{path}_1", self.leaky(self.conv(f"{path}_0", h)))

    def prior(self, ws, changes):
        """The sum of the images of all levels; half of the channels of each level are scaled and shifted."""
        params = self.params

        def conv(h, name, w, up=False):
            h = self.modulated(h, f"prior/synthesis/{name}/conv", w, up)
            return style.leaky(h + style.tensor(params[f"prior/synthesis/{name}/bias"])[None, :, None, None], SQRT2)

        def image(h, level, w):
            y = style.modulated(params, f"prior/synthesis/image_{level}", h, w, demodulate=False)
            return y + style.tensor(params[f"prior/synthesis/image_{level}_bias"])[None, :, None, None]

        h = style.tensor(params["prior/synthesis/constant"]).permute(2, 0, 1).expand(len(ws), -1, -1, -1)
        h = conv(h, "conv_0", ws[:, 0])
        sum = image(h, 0, ws[:, 1])
        for level, (scale, shift) in enumerate(changes, start=1):
            h = conv(h, f"conv_{level}_0", ws[:, 2 * level - 1], up=True)
            h = _changed(h, scale, shift)
            h = conv(h, f"conv_{level}_1", ws[:, 2 * level])
            sum = self.enlarged(sum) + image(h, level, ws[:, 2 * level + 1])
        return sum

    def modulated(self, h, path, w, up):
        return style.modulated(self.params, path, h, w, up=up)

    def enlarged(self, x):
        return style.upfirdn(x, up=2, padding=(2, 1), gain=4)


class _Clean(_First):
    """PyTorch's plain layers and bilinear resizing: the released models from 1.2 on."""

    name = "plain"

    def conv(self, path, x):
        size = self.params[f"{path}/kernel"].shape[0]
        return layers.conv(self.params, path, 1, size // 2)(x)

    def leaky(self, x):
        return style.leaky(x)

    def down(self, h, level):
        from torch.nn import functional

        y = functional.avg_pool2d(self.leaky(self.conv(f"{self.name}/down_{level}_0", h)), 2)
        y = self.leaky(self.conv(f"{self.name}/down_{level}_1", y))
        return y + self.conv(f"{self.name}/down_{level}_shortcut", functional.avg_pool2d(h, 2))

    def joined(self, sum):
        return sum

    def styles(self, flat):
        return layers.linear(self.params, f"{self.name}/styles")(flat)

    def modulated(self, h, path, w, up):
        return style.modulated(self.params, path, _twice(h) if up else h, w)

    def enlarged(self, x):
        return _twice(x)


def _changed(h, scale, shift):
    import torch

    kept, moved = h.chunk(2, dim=1)
    return torch.cat([kept, moved * scale + shift], dim=1)


def _twice(x):
    from torch.nn import functional

    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
