"""PRD, the curve of precision and recall of distributions (Sajjadi et al., 2018)."""

from jgan import plots
from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, equal_sizes, several
from jgan.metrics import prd


def _compute(sides: Sides, options: Options) -> prd.PRD:
    return prd.evaluate(*equal_sizes(*sides.features()), seed=options.seed)


MEASURES.register(
    "prd",
    Measure(
        "features",
        _compute,
        several("higher", f_8="PRD F_8", f_1_8="PRD F_1/8"),
        "curve of precision and recall",
        picture=lambda found: plots.prd_curve({"generated": found}),
    ),
)
