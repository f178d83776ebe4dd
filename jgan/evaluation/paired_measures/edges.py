"""The F1 of edge maps, or of the edges of images."""

import dataclasses

import numpy as np

from jgan.data.edges import edge_map
from jgan.evaluation.measure import Row
from jgan.evaluation.paired import PAIRED, PairMeasure
from jgan.metrics import edge_f1
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of the F1 of edges."""

    threshold: float = 0.5
    """from this value on, in [0, 1], a pixel is an edge"""
    tolerance: int = 1
    """rows and columns by which an edge may be off"""
    gradient: bool = False
    """compare the morphological gradients of the images, which are not edge maps themselves"""

    def __post_init__(self) -> None:
        whole("tolerance", self.tolerance, 0)
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1, found {self.threshold}")


def _one(output: np.ndarray, truth: np.ndarray, options: Options) -> edge_f1.Counts:
    if options.gradient:
        output, truth = edge_map(output), edge_map(truth)
    if output.shape[-1] != 1:
        raise ValueError("expected grey edge maps, found RGB images: give --edge_f1.gradient to compare their gradients")
    return edge_f1.counts(output, truth, threshold=options.threshold, tolerance=options.tolerance)


def _total(found: np.ndarray) -> edge_f1.EdgeF1:
    return edge_f1.of_counts(edge_f1.Counts(*(int(number) for number in row)) for row in found)


def _rows(found: edge_f1.EdgeF1) -> list[Row]:
    values = {"edge F1": found.f1, "edge precision": found.precision, "edge recall": found.recall}
    return [Row(name, value, None, "higher", found.caution) for name, value in values.items()]


PAIRED.register("edge_f1", PairMeasure(_one, _total, _rows, "F1, precision and recall of edge maps", Options))
