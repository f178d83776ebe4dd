"""What PyTorch's `interpolate` makes of images, by the methods of published degradations."""

import numpy as np

SIZES = {
    "up": ((7, 9), (20, 13)),
    "down": ((40, 30), (13, 11)),
    "little": ((16, 16), (15, 3)),
    "from_a_pixel": ((1, 1), (3, 2)),
}
FACTORS = {"half": ((9, 12), 0.5), "odd": ((13, 10), 0.37), "larger": ((7, 9), 1.43)}
METHODS = {
    "area": {"mode": "area"},
    "bilinear": {"mode": "bilinear", "align_corners": False},
    "bicubic": {"mode": "bicubic", "align_corners": False},
    "antialiased": {"mode": "bicubic", "align_corners": False, "antialias": True},
}


def inputs():
    random = np.random.RandomState(0)
    shapes = {name: before for name, (before, _) in (SIZES | FACTORS).items()}
    return {name: random.uniform(0, 1, (*before, 2)).astype(np.float32) for name, before in shapes.items()}


def reference():
    import torch

    found = {}
    for name, image in inputs().items():
        tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
        size = {"size": SIZES[name][1]} if name in SIZES else {"scale_factor": FACTORS[name][1]}
        for method, options in METHODS.items():
            made = torch.nn.functional.interpolate(tensor, **size, **options)
            found[f"{name}_{method}"] = made[0].numpy().transpose(1, 2, 0)
    return found
