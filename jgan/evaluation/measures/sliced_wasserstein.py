"""SWD, the sliced Wasserstein distance of patches (Karras et al., 2018)."""

import jax

from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, equal_sizes, one
from jgan.metrics import swd


def _compute(sides: Sides, options: Options) -> swd.SWD:
    return swd.evaluate(*equal_sizes(sides.real.images, sides.fake.images), key=jax.random.key(options.seed))


MEASURES.register(
    "swd", Measure("images", _compute, one("SWD x 1e3", "lower", "average"), "sliced Wasserstein distance of patches")
)
