"""The mean absolute error of pixels, in units of [0, 1]."""

import numpy as np

from jgan.evaluation.measure import NoOptions
from jgan.evaluation.paired import PAIRED, PairMeasure, mean, rows_of_mean


def _one(output: np.ndarray, truth: np.ndarray, options: NoOptions) -> tuple[float]:
    return (float(np.abs(output - truth).mean()),)


PAIRED.register(
    "mae", PairMeasure(_one, mean, rows_of_mean("mean absolute error", "lower"), "mean absolute error of pixels in [0, 1]")
)
