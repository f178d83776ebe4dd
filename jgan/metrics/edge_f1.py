"""F1 of edge maps: how many of the edges that were drawn are true, and how many of the true ones were drawn.

An edge pixel counts as right if the other map has an edge within a few rows and columns of it. Unlike in the benchmark of
BSDS500, which assigns each edge pixel to one of the other map, several may be right by the same one: thick edges cost nothing.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray


class EdgeF1(NamedTuple):
    """The agreement of edge maps, over the pixels of all images together.

    Attributes:
      f1: the harmonic mean of precision and recall; 0 if one of them is 0, NaN without any edge.
      precision: the share of the edges of the outputs that are right; NaN if they have none.
      recall: the share of the true edges that were drawn; NaN if there are none.
      caution: why the value says little, or "".
    """

    f1: float
    precision: float
    recall: float
    caution: str = ""


class Counts(NamedTuple):
    """Edge pixels: those of the output that are right and all of them, the true ones that were drawn and all of them."""

    right: int
    found: int
    drawn: int
    true: int


def counts(output: Any, truth: Any, *, threshold: float = 0.5, tolerance: int = 1) -> Counts:
    """Counts the edge pixels of one pair of maps.

    Args:
      output: `[height, width]` or `[height, width, 1]` in [0, 1].
      truth: the true map, of the same shape.
      threshold: from this value on a pixel is an edge.
      tolerance: rows and columns by which an edge may be off.

    Returns:
      The `Counts`.

    Raises:
      ValueError: if the shapes differ or are not maps, the threshold is not in (0, 1], or the tolerance is below 0.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import edge_f1
      >>> edge_f1.counts(np.eye(4), np.eye(4, k=2))
      Counts(right=2, found=4, drawn=2, true=2)
    """
    x, y = np.asarray(output), np.asarray(truth)
    if x.shape != y.shape or x.ndim not in (2, 3) or x.shape[2:] not in ((), (1,)):
        shapes = f"{x.shape} and {y.shape}"
        raise ValueError(f"expected two edge maps of one shape, [height, width] or [height, width, 1], found {shapes}")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, found {threshold}")
    whole("tolerance", tolerance, 0)
    found, true = (image.reshape(image.shape[:2]) >= threshold for image in (x, y))
    right, drawn = found & _widened(true, tolerance), true & _widened(found, tolerance)
    return Counts(*(int(np.count_nonzero(mask)) for mask in (right, found, drawn, true)))


def _widened(edges: np.ndarray, by: int) -> np.ndarray:
    """Where an edge is within some rows and columns."""
    for axis in (0, 1):
        wide = edges.copy()
        for shift in range(1, min(by, edges.shape[axis] - 1) + 1):
            before, after = ((slice(None),) * axis + (part,) for part in (slice(None, -shift), slice(shift, None)))
            wide[after] |= edges[before]
            wide[before] |= edges[after]
        edges = wide
    return edges


def of_counts(found: Iterable[Counts]) -> EdgeF1:
    """The agreement over all images, from the counts of each.

    Args:
      found: the counts.

    Returns:
      The `EdgeF1`.

    Example:
      >>> from jgan.metrics import edge_f1
      >>> edge_f1.of_counts([edge_f1.Counts(1, 2, 1, 1), edge_f1.Counts(2, 2, 1, 3)]).precision
      0.75
    """
    right, edges, drawn, true = np.sum([list(each) for each in found], axis=0)
    precision, recall = (float(part / of) if of else float("nan") for part, of in ((right, edges), (drawn, true)))
    if not true:
        return EdgeF1(float("nan"), precision, recall, "the true maps have no edge at this threshold")
    if not right or not drawn:
        caution = "" if edges else "the outputs have no edge at this threshold"
        return EdgeF1(0.0, precision, recall, caution)
    return EdgeF1(2 * precision * recall / (precision + recall), precision, recall)


def edge_f1(
    outputs: Float[AnyArray, "n h w 1"], truths: Float[AnyArray, "n h w 1"], *, threshold: float = 0.5, tolerance: int = 1
) -> EdgeF1:
    """The F1 of edge maps.

    Args:
      outputs: `[N, height, width, 1]` in [0, 1].
      truths: the true maps, of the same shape.
      threshold: from this value on a pixel is an edge.
      tolerance: rows and columns by which an edge may be off.

    Returns:
      The `EdgeF1`.

    Raises:
      ValueError: as `counts`, or if the numbers of maps differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.edge_f1 import edge_f1
      >>> true = np.eye(8)[None, :, :, None]
      >>> edge_f1(true[:, ::-1], true[:, ::-1]).f1, round(edge_f1(np.roll(true, 1, axis=1), true).precision, 3)
      (1.0, 0.875)

    References:
      Martin, Fowlkes and Malik, "Learning to Detect Natural Image Boundaries Using Local Brightness, Color, and Texture Cues"
      (2004), which defines precision and recall of boundaries
    """
    if len(outputs) != len(truths) or not len(outputs):
        raise ValueError(f"expected as many outputs as truths, at least 1, found {len(outputs)} and {len(truths)}")
    pairs = zip(np.asarray(outputs), np.asarray(truths), strict=True)
    return of_counts(counts(output, truth, threshold=threshold, tolerance=tolerance) for output, truth in pairs)
