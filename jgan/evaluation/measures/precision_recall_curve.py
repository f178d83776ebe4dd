"""PRD, the curve of precision and recall of distributions (Sajjadi et al., 2018)."""

import dataclasses

from jgan import plots
from jgan.evaluation.measure import MEASURES, Context, Measure, Sides, equal_sizes, several
from jgan.metrics import prd
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of PRD."""

    clusters: int = 20
    """number of clusters of both sets"""
    runs: int = 10
    """number of clusterings that are averaged"""

    def __post_init__(self) -> None:
        whole("clusters", self.clusters, 2)
        whole("runs", self.runs, 1)


def _compute(sides: Sides, options: Options, context: Context) -> prd.PRD:
    pair = equal_sizes(*sides.features())
    return prd.evaluate(*pair, clusters=options.clusters, runs=options.runs, seed=context.seed)


MEASURES.register(
    "prd",
    Measure(
        "features",
        _compute,
        several("higher", f_8="PRD F_8", f_1_8="PRD F_1/8"),
        "curve of precision and recall",
        Options,
        picture=lambda found: plots.prd_curve({"generated": found}),
    ),
)
