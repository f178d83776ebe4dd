"""ProGAN at 32x32 in the published configuration for CIFAR-10, whole; the generator while its last level fades in, too."""

import math

import numpy as np
import torch_style as style

from jgan.networks import ProGANDiscriminator, ProGANGenerator

draw = style.draw
_random = np.random.default_rng(0)
_z = _random.normal(size=(2, 128)).astype(np.float32)
_images = _random.uniform(size=(2, 32, 32, 3)).astype(np.float32)
_SHARE = np.float32(0.3)
_WIDTHS = {"image_shape": (32, 32, 3), "fmap_base": 4096, "fmap_max": 128}
CASES = {
    "generator": (ProGANGenerator(**_WIDTHS), (_z,)),
    "generator_fading": (ProGANGenerator(**_WIDTHS, level=2, fading=True), (_z, _SHARE)),
    "discriminator": (ProGANDiscriminator(**_WIDTHS, group=0), (_images,)),
    "discriminator_fading": (ProGANDiscriminator(**_WIDTHS, level=2, fading=True, group=0), (_images, _SHARE)),
}


def reference(case, params, inputs):
    """The images in [0, 1], or the logits."""
    level, share = (2, float(_SHARE)) if case.endswith("fading") else (3, 1.0)
    return (_generator if case.startswith("generator") else _discriminator)(params, inputs[0], level, share)


def _generator(params, z, level, share):
    from torch.nn import functional

    def layer(h, name):
        return style.pixel_norm(style.leaky(style.conv(params, name, h, gain=math.sqrt(2))))

    def enlarged(h, times=1):
        return functional.interpolate(h, scale_factor=2**times, mode="nearest")

    h = style.dense(params, "first", style.pixel_norm(style.tensor(z)), gain=math.sqrt(2) / 4)
    h = h.reshape(len(z), 4, 4, 128).permute(0, 3, 1, 2) + style.tensor(params["first_bias"])[None, :, None, None]
    h = layer(style.pixel_norm(style.leaky(h)), "conv_0")
    for index in range(1, level + 1):
        before, h = h, layer(layer(enlarged(h), f"conv_{index}_0"), f"conv_{index}_1")
    image = style.conv(params, f"image_{level}", h)
    image = share * image + (1 - share) * enlarged(style.conv(params, f"image_{level - 1}", before))
    return style.array(enlarged(image, 3 - level) + 1) / 2


def _discriminator(params, x, level, share):
    from torch.nn import functional

    def layer(h, name):
        return style.leaky(style.conv(params, name, h, gain=math.sqrt(2)))

    image = functional.avg_pool2d(2 * style.image(x) - 1, 2 ** (3 - level))
    h = layer(image, f"image_{level}")
    for index in range(level, 0, -1):
        h = functional.avg_pool2d(layer(layer(h, f"conv_{index}_0"), f"conv_{index}_1"), 2)
        if index == level:
            h = share * h + (1 - share) * layer(functional.avg_pool2d(image, 2), f"image_{level - 1}")
    h = layer(style.minibatch_std(h, 0), "conv_0")
    h = style.leaky(style.dense(params, "hidden", h.permute(0, 2, 3, 1).flatten(1), gain=math.sqrt(2)))
    return style.dense(params, "output", h)[:, 0].numpy()
