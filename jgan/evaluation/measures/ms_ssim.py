"""MS-SSIM of pairs of samples, a measure of their variety (Odena et al., 2017)."""

import dataclasses

import jax

from jgan.evaluation.measure import MEASURES, Context, Measure, Sides, one
from jgan.metrics import msssim
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of MS-SSIM."""

    pairs: int = 10_000
    """number of pairs"""
    scales: int = 0
    """number of scales, from 1 (SSIM) to 5; 0: as many as the images allow"""

    def __post_init__(self) -> None:
        whole("pairs", self.pairs, 1)
        whole("scales", self.scales, 0, len(msssim.WEIGHTS))


def _compute(sides: Sides, options: Options, context: Context) -> msssim.Diversity:
    images = sides.fake.images
    fitting = [scales for scales in range(1, 6) if msssim.least_size(scales) <= min(images.shape[1:3])]
    scales = options.scales or max(fitting, default=5)
    return msssim.diversity(images, key=jax.random.key(context.seed), pairs=options.pairs, scales=scales)


MEASURES.register(
    "msssim",
    Measure(
        "images",
        _compute,
        one("MS-SSIM of pairs", "near that of real", "mean", "standard_error"),
        "similarity of pairs of samples",
        Options,
        least_size=msssim.least_size(1),
    ),
)
