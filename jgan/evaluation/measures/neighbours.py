"""Precision, recall, density and coverage by nearest neighbours (Kynkaanniemi et al., 2019; Naeem et al., 2020)."""

from jgan.evaluation.measure import MEASURES, Measure, several
from jgan.metrics import prdc

MEASURES.register(
    "prdc",
    Measure(
        "features",
        lambda sides, options: prdc.prdc(*sides.features(), k=options.k, progress=options.progress),
        several("higher", precision="precision", recall="recall", density="density", coverage="coverage"),
        "precision, recall, density and coverage",
    ),
)
MEASURES.register(
    "improved",
    Measure(
        "features",
        lambda sides, options: prdc.improved(*sides.features(), progress=options.progress),
        several("higher", precision="improved precision", recall="improved recall"),
        "improved precision and recall, k = 3",
    ),
)
