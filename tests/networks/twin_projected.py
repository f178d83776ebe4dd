"""Projected GAN's discriminator on features of a small network, without spectral normalisation; the features are ours."""

import jax
import numpy as np
import torch_layers as layers

from jgan.networks import ProjectedDiscriminator
from jgan.networks.efficientnet import EfficientNetLite, Stage

_random = np.random.default_rng(0)
_STAGES = tuple(Stage(3, 2 if index else 1, 2, 4 + index, 1) for index in range(5))
_SHARED = {"stem": 4, "width": 2, "depth": 6, "spectral": False}


def _images(*shape):
    """A dark one and a bright one."""
    return (_random.uniform(size=shape) * np.array([0.1, 1]).reshape(2, 1, 1, 1)).astype(np.float32)


CASES = {
    "3x3": (ProjectedDiscriminator(_STAGES, resolution=64, **_SHARED), (_images(2, 40, 40, 1),)),
    "1x1": (ProjectedDiscriminator(_STAGES, resolution=96, mixing_kernel=1, judges=2, **_SHARED), (_images(2, 28, 28, 3),)),
}


def reference(case, params, inputs):
    """The logits; `tests/metrics/test_efficientnet.py` tests the frozen network by itself."""
    import torch

    module, functional = CASES[case][0], torch.nn.functional
    x = functional.interpolate(layers.image(inputs[0]), size=module.resolution, mode="bilinear", align_corners=False)
    x = (x * 255 - 127) / 128
    levels = _features(params, layers.array(x.expand(-1, 3, -1, -1)))
    mixture, mixtures = 0, []
    for index in reversed(range(4)):
        mixture = mixture + layers.conv(params, f"channels_{index}")(layers.image(levels[index]))
        mixture = functional.interpolate(mixture, scale_factor=2, mode="bilinear", align_corners=True)
        mixture = layers.conv(params, f"scales_{index}", padding=module.mixing_kernel // 2)(mixture)
        mixtures.insert(0, mixture)
    logits = []
    for level, x in enumerate(mixtures[: module.judges]):
        for index in range(4 - level):
            path = f"judge_{level}/{{}}_{index}"
            x = layers.batch_norm(params, path.format("norm"))(layers.conv(params, path.format("down"), 2, 1)(x))
            x = functional.leaky_relu(x, 0.2)
        logits.append(layers.conv(params, f"judge_{level}/output")(x)[:, 0])
    return torch.cat(logits, 1).numpy()


def _features(params, x):
    backbone = {}
    for path, array in params.items():
        if path.startswith("backbone/"):
            *modules, leaf = path.split("/")[1:]
            held = backbone
            for module in modules:
                held = held.setdefault(module, {})
            held[leaf] = array
    return jax.jit(EfficientNetLite(_STAGES, 4, 8, 1).apply)({"params": backbone}, x).levels
