"""The layers that ProGAN and StyleGAN2 are made of."""

import flax.linen as nn
import numpy as np
import torch_style as style

from jgan.networks import EqualisedConv, EqualisedDense, ModulatedConv
from jgan.networks.minibatch_std import minibatch_std
from jgan.networks.norms import pixel_norm

draw = style.draw


class PixelNorm(nn.Module):
    def __call__(self, x):
        return pixel_norm(x)


class MinibatchStd(nn.Module):
    def __call__(self, x):
        return minibatch_std(x, 2)


_random = np.random.default_rng(0)
_images, _small = (_random.normal(size=(4, side, side + 1, 5)).astype(np.float32) for side in (6, 3))
_styles = _random.normal(size=(4, 7)).astype(np.float32)
CASES = {
    "dense": (EqualisedDense(8, gain=1.5, rate=0.1), (_styles,)),
    "conv": (EqualisedConv(8, gain=2.0), (_images,)),
    "pixel_norm": (PixelNorm(), (_images,)),
    "minibatch_std": (MinibatchStd(), (_images,)),
    "modulated": (ModulatedConv(8), (_images, _styles)),
    "modulated_up": (ModulatedConv(8, up=True), (_small, _styles)),
    "modulated_1x1": (ModulatedConv(3, 1, demodulate=False), (_images, _styles)),
}


def reference(case, params, inputs):
    """The outputs of a layer."""
    if case == "dense":
        return style.dense(_named(params), "layer", style.tensor(inputs[0]), gain=1.5, rate=0.1).numpy()
    x = style.image(inputs[0])
    if case == "conv":
        return style.array(style.conv(_named(params), "layer", x, gain=2.0))
    if case == "pixel_norm":
        return style.array(style.pixel_norm(x))
    if case == "minibatch_std":
        return style.array(style.minibatch_std(x, 2))
    options = {"up": case == "modulated_up", "demodulate": case != "modulated_1x1"}
    return style.array(style.modulated(_named(params), "layer", x, style.tensor(inputs[1]), **options))


def _named(params):
    """The parameters of the lone layer as those of one called `layer`."""
    return {f"layer/{path}": array for path, array in params.items()}
