"""What torch-fidelity, PyTorch and clean-fid make of images of another size."""

import numpy as np

SIZES = {
    "up": ((7, 9), (20, 13)),
    "down": ((40, 30), (13, 11)),
    "to_inception": ((1, 32), (1, 299)),
    "from_large": ((1024, 1), (299, 1)),
    "from_a_pixel": ((1, 1), (3, 2)),
    "to_a_pixel": ((5, 6), (1, 1)),
    "same": ((6, 5), (6, 5)),
}


def inputs():
    random = np.random.RandomState(0)
    return {name: random.uniform(0, 255, (1, *before, 3)).astype(np.float32) for name, (before, _) in SIZES.items()}


def reference():
    import torch
    from cleanfid.resize import make_resizer
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    found = {}
    for name, images in inputs().items():
        size = SIZES[name][1]
        tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        tf1 = interpolate_bilinear_2d_like_tensorflow1x(tensor, size=size, align_corners=False)
        linear = torch.nn.functional.interpolate(tensor, size=size, mode="bilinear", align_corners=False)
        clean = make_resizer("PIL", False, "bicubic", size[::-1])(images[0])[None]
        found |= {f"{name}_tf1": tf1.numpy().transpose(0, 2, 3, 1), f"{name}_torch": linear.numpy().transpose(0, 2, 3, 1)}
        found[f"{name}_clean"] = clean
    return found
