"""Precision, recall, density and coverage by nearest neighbours (Kynkaanniemi et al., 2019; Naeem et al., 2020)."""

import dataclasses

from jgan.evaluation.measure import MEASURES, Context, Measure, Sides, several
from jgan.metrics import prdc
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of precision, recall, density and coverage."""

    k: int = dataclasses.field(default=5, metadata={"flag": "--k"})
    """number of nearest neighbours: the k-th gives the radius of a ball; also --k"""

    def __post_init__(self) -> None:
        whole("k", self.k, 1)


@dataclasses.dataclass(frozen=True)
class ImprovedOptions:
    """The options of improved precision and recall."""

    k: int = 3
    """number of nearest neighbours: the k-th gives the radius of a ball"""

    def __post_init__(self) -> None:
        whole("k", self.k, 1)


def _prdc(sides: Sides, options: Options, context: Context) -> prdc.PRDC:
    return prdc.prdc(*sides.features(), k=options.k, progress=context.progress)


def _improved(sides: Sides, options: ImprovedOptions, context: Context) -> prdc.PrecisionRecall:
    return prdc.improved(*sides.features(), k=options.k, progress=context.progress)


MEASURES.register(
    "prdc",
    Measure(
        "features",
        _prdc,
        several("higher", precision="precision", recall="recall", density="density", coverage="coverage"),
        "precision, recall, density and coverage",
        Options,
        within_class=True,
    ),
)
MEASURES.register(
    "improved",
    Measure(
        "features",
        _improved,
        several("higher", precision="improved precision", recall="improved recall"),
        "improved precision and recall",
        ImprovedOptions,
        within_class=True,
    ),
)
