"""SWD, the sliced Wasserstein distance of patches (Karras et al., 2018)."""

import dataclasses

import jax

from jgan.evaluation.measure import MEASURES, Context, Measure, Sides, equal_sizes, one
from jgan.metrics import swd
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of SWD."""

    patches: int = 128
    """number of patches of an image at each level"""
    directions: int = 512
    """number of random directions"""

    def __post_init__(self) -> None:
        whole("patches", self.patches, 1)
        whole("directions", self.directions, 1)


def _compute(sides: Sides, options: Options, context: Context) -> swd.SWD:
    pair = equal_sizes(sides.real.images, sides.fake.images)
    return swd.evaluate(*pair, key=jax.random.key(context.seed), patches=options.patches, directions=options.directions)


MEASURES.register(
    "swd",
    Measure(
        "images",
        _compute,
        one("SWD x 1e3", "lower", "average"),
        "sliced Wasserstein distance of patches",
        Options,
        within_class=True,
    ),
)
