"""What pytorch-msssim and scikit-image make of pairs of images, in float64."""

import numpy as np


def inputs():
    """Pairs of images: waves and the same with more or less noise, and two waves; grey for five scales, and colour."""
    random = np.random.RandomState(0)
    rows, columns = np.mgrid[:176, :192] / 176
    waves = [np.sin(2 * np.pi * (f * rows + g * columns)) for f, g in ((1, 2), (5, -3), (0, 17), (40, 9))]
    clean = 128 + 60 * np.stack([waves[0], waves[1], waves[2] * waves[0], waves[3]])
    noisy = clean + np.array([1, 10, 60, 5])[:, None, None] * random.standard_normal(clean.shape)
    noisy[3] = 128 + 60 * waves[1]
    to_images = lambda array: np.clip(np.rint(array), 0, 255).astype(np.uint8)  # noqa: E731
    return {
        "first": to_images(clean)[..., None],
        "second": to_images(noisy)[..., None],
        "first_colour": random.randint(0, 256, (3, 20, 31, 3)).astype(np.uint8),
        "second_colour": random.randint(0, 256, (3, 20, 31, 3)).astype(np.uint8),
    }


def reference():
    """`[N]` each."""
    import pytorch_msssim
    import torch
    from skimage.metrics import structural_similarity

    images = inputs()
    tensors = {name: torch.from_numpy(array.astype(np.float64).transpose(0, 3, 1, 2)) for name, array in images.items()}
    options = {"data_range": 255, "size_average": False}
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": -1}
    pairs = zip(images["first"], images["second"], strict=True)
    return {
        "ssim": pytorch_msssim.ssim(tensors["first"], tensors["second"], **options).numpy(),
        "ms_ssim": pytorch_msssim.ms_ssim(tensors["first"], tensors["second"], **options).numpy(),
        "ssim_colour": pytorch_msssim.ssim(tensors["first_colour"], tensors["second_colour"], **options).numpy(),
        "ssim_skimage": np.array([structural_similarity(first, second, **gaussian) for first, second in pairs]),
    }
