"""Tests of copying: authenticity (Alaa et al., 2022) and C_T (Meehan et al., 2020)."""

from typing import NamedTuple

import numpy as np

from jgan.evaluation.measure import MEASURES, Measure, Options, Sides, one
from jgan.metrics import copying


class Authenticity(NamedTuple):
    """The share of samples that copy no real image."""

    value: float


def _authenticity(sides: Sides, options: Options) -> Authenticity:
    return Authenticity(copying.authenticity(*sides.features(), progress=options.progress))


def _ct(sides: Sides, options: Options) -> copying.CT:
    real, fake = sides.features()
    assert sides.held_out is not None
    return copying.c_t(real, np.asarray(sides.held_out.features), fake, seed=options.seed)


MEASURES.register(
    "authenticity",
    Measure(
        "features", _authenticity, one("authenticity", "near 0.5; below, copied"), "share of samples that copy no real image"
    ),
)
MEASURES.register(
    "ct", Measure("held_out", _ct, one("C_T", "near 0; below, copied"), "test of copying against held-out images")
)
