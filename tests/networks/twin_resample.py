"""The filters of `jgan.networks.resample` as grouped convolutions, with the paddings of StyleGAN2's `upfirdn2d`."""

from collections.abc import Callable

import flax.linen as nn
import jax
import numpy as np
import torch_layers as layers

from jgan.networks import resample

TAPS = (1, 3, 3, 1)


class Function(nn.Module):
    """A function of images as a module."""

    function: Callable[[jax.Array], jax.Array]

    @nn.compact
    def __call__(self, x):
        return self.function(x)


_images = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype(np.float32)
CASES = {
    "upsample": (Function(resample.upsample), (_images,)),
    "downsample": (Function(resample.downsample), (_images,)),
    "smooth": (Function(resample.smooth), (_images,)),
    "nearest": (Function(resample.nearest), (_images,)),
    "average_pool": (Function(resample.average_pool), (_images,)),
}


def reference(case, params, inputs):
    """`[2, h, w, 3]`."""
    import torch
    from torch.nn import functional

    x = layers.image(inputs[0])
    kernel = torch.outer(torch.tensor(TAPS), torch.tensor(TAPS)).float()
    kernel = (kernel / kernel.sum()).expand(3, 1, 4, 4)
    if case == "nearest":
        return layers.array(functional.interpolate(x, scale_factor=2, mode="nearest"))
    if case == "average_pool":
        return layers.array(functional.avg_pool2d(x, 2))
    if case == "upsample":  # the transposed convolution inserts the zeros; its padding of 1 is that of upfirdn2d, (2, 1)
        return layers.array(functional.conv_transpose2d(x, 4 * kernel, stride=2, padding=1, groups=3))
    if case == "downsample":
        return layers.array(functional.conv2d(x, kernel, stride=2, padding=1, groups=3))
    return layers.array(functional.conv2d(functional.pad(x, (2, 1, 2, 1)), kernel, groups=3))
