"""FastGAN's generator of Projected GAN without spectral normalisation, for 28x28 images, and 64x64, where the first gate is."""

import numpy as np
import torch_layers as layers

from jgan.networks import FastGANGenerator

_random = np.random.default_rng(0)
CASES = {
    "28x28": (FastGANGenerator((28, 28, 1), 2, spectral=False), (_random.normal(size=(2, 16)).astype(np.float32),)),
    "64x64": (FastGANGenerator((64, 64, 1), 2, spectral=False), (_random.normal(size=(2, 16)).astype(np.float32),)),
}


def reference(case, params, inputs):
    """The images."""
    import torch

    base, count = {"28x28": (7, 2), "64x64": (4, 4)}[case]
    z = torch.from_numpy(inputs[0])[:, :, None, None]
    z = z / torch.sqrt((z**2).mean(1, keepdim=True) + 1e-8)
    images = [_gated(params, "first", layers.conv_transpose(params, "first/conv")(z))]
    for index in range(1, count + 1):
        x = torch.nn.functional.interpolate(images[-1], scale_factor=2, mode="nearest")
        for name in (f"up_{index}", f"refine_{index}"):
            if f"{name}/conv/kernel" in params:
                x = _gated(params, name, layers.conv(params, f"{name}/conv", padding=1)(x))
        if index >= 4:
            h = torch.nn.functional.adaptive_avg_pool2d(images[index - 4], base)
            h = torch.nn.functional.silu(layers.conv(params, f"excite_{index}/squeeze")(h))
            x = x * torch.sigmoid(layers.conv(params, f"excite_{index}/excite")(h))
        images.append(x)
    assert all(any(path.startswith(f"refine_{index}") for path in params) == (index % 2 == 1) for index in range(1, count + 1))
    return (layers.array(layers.conv(params, "output", padding=1)(images[-1])) + 1) / 2


def _gated(params, path, x):
    import torch

    return torch.nn.functional.glu(layers.batch_norm(params, f"{path}/norm")(x), dim=1)
