"""Tests of copying: authenticity (Alaa et al., 2022) and C_T (Meehan et al., 2020)."""

import dataclasses
from typing import NamedTuple

import numpy as np

from jgan.evaluation.measure import MEASURES, Context, Measure, NoOptions, Sides, one
from jgan.metrics import checks, copying
from jgan.utils.checks import whole

LEAST = 100
"""The number of samples from which the standard error of a share is below 0.05."""


class Authenticity(NamedTuple):
    """The share of samples that copy no real image, and why it says little, or ""."""

    value: float
    caution: str = ""


def _authenticity(sides: Sides, options: NoOptions, context: Context) -> Authenticity:
    real, fake = sides.features()
    value = copying.authenticity(real, fake, progress=context.progress)
    why = f"the share has a standard error of up to {0.5 / np.sqrt(len(fake)):.2f}"
    return Authenticity(value, checks.few("generated samples", len(fake), LEAST, why))


@dataclasses.dataclass(frozen=True)
class CTOptions:
    """The options of C_T."""

    cells: int = 3
    """number of cells into which the real images are clustered"""
    least: int = 20
    """minimum number of generated images for a cell to count"""

    def __post_init__(self) -> None:
        whole("cells", self.cells, 1)
        whole("least", self.least, 1)


def _ct(sides: Sides, options: CTOptions, context: Context) -> copying.CT:
    real, fake = sides.features()
    assert sides.held_out is not None
    held_out = np.asarray(sides.held_out.features)
    return copying.c_t(real, held_out, fake, cells=options.cells, least=options.least, seed=context.seed)


MEASURES.register(
    "authenticity",
    Measure(
        "features",
        _authenticity,
        one("authenticity", "near 0.5; below, copied"),
        "share of samples that copy no real image",
        within_class=True,
    ),
)
MEASURES.register(
    "ct", Measure("held_out", _ct, one("C_T", "near 0; below, copied"), "test of copying against held-out images", CTOptions)
)
