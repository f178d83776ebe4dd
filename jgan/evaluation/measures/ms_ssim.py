"""MS-SSIM of pairs of samples, a measure of their variety (Odena et al., 2017)."""

import jax

from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, one
from jgan.metrics import msssim


def _compute(sides: Sides, options: Options) -> msssim.Diversity:
    images = sides.fake.images
    fitting = [scales for scales in range(1, 6) if msssim.least_size(scales) <= min(images.shape[1:3])]
    return msssim.diversity(images, key=jax.random.key(options.seed), scales=max(fitting, default=5))


MEASURES.register(
    "msssim",
    Measure(
        "images",
        _compute,
        one("MS-SSIM of pairs", "near that of real", "mean", "standard_error"),
        "similarity of pairs of samples",
        least_size=msssim.least_size(1),
    ),
)
