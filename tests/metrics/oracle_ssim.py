"""What scikit-image makes of pairs of photographs of several sizes, in float64."""

import numpy as np


def inputs():
    """Pairs of colour images of several sizes, uint8: smooth ones, and the same with noise."""
    random = np.random.RandomState(1)
    pairs = {}
    for name, (height, width) in {"wide": (23, 40), "tall": (37, 19), "least": (11, 11)}.items():
        rows, columns, channels = np.mgrid[:height, :width, :3]
        clean = 128 + 70 * np.sin(rows / 5 + channels) * np.cos(columns / (3 + channels))
        for kind, image in (("true", clean), ("restored", clean + 12 * random.standard_normal(clean.shape))):
            pairs[f"{name}_{kind}"] = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return pairs


def reference():
    """The SSIM and the PSNR of each pair."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    images = inputs()
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": -1}
    found = {}
    for name in ("wide", "tall", "least"):
        pair = images[f"{name}_restored"], images[f"{name}_true"]
        found[f"{name}_ssim"] = np.float64(structural_similarity(*pair, **gaussian))
        found[f"{name}_psnr"] = np.float64(peak_signal_noise_ratio(pair[1], pair[0], data_range=255))
    return found
