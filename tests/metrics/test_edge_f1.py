"""The F1 of edge maps against its definition, pixel by pixel in Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jgan.metrics.edge_f1 import edge_f1


def by_loops(outputs, truths, threshold, tolerance):
    """Precision, recall and F1 in float64, each pixel against each other one."""

    def hits(ones, others):
        right = total = 0
        for one, other in zip(ones, others, strict=True):
            places = [tuple(place) for place in np.argwhere(other[..., 0] >= threshold)]
            for row, column in np.argwhere(one[..., 0] >= threshold):
                total += 1
                right += any(max(abs(row - r), abs(column - c)) <= tolerance for r, c in places)
        return right / total if total else math.nan

    precision, recall = hits(outputs, truths), hits(truths, outputs)
    if math.isnan(recall):
        return math.nan, precision, recall
    if math.isnan(precision) or precision + recall == 0:
        return 0.0, precision, recall
    return 2 * precision * recall / (precision + recall), precision, recall


MAPS = hnp.arrays(np.float64, (3, 5, 7, 1), elements=st.sampled_from([0.0, 0.0, 0.0, 0.25, 0.5, 1.0]))


@given(MAPS, MAPS, st.sampled_from([0.25, 0.5, 0.75]), st.integers(0, 3))
def test_it_is_its_definition(outputs, truths, threshold, tolerance):
    found = edge_f1(outputs, truths, threshold=threshold, tolerance=tolerance)
    np.testing.assert_allclose(found[:3], by_loops(outputs, truths, threshold, tolerance), atol=1e-12)


def test_what_cannot_be_told_has_a_caution():
    empty, full = np.zeros((1, 4, 4, 1)), np.ones((1, 4, 4, 1))
    assert math.isnan(edge_f1(full, empty).f1)
    assert "the true maps have no edge" in edge_f1(full, empty).caution
    assert edge_f1(empty, full).f1 == 0
    assert "the outputs have no edge" in edge_f1(empty, full).caution
    assert edge_f1(full, full) == (1, 1, 1, "")


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((1, 4, 4, 1), (1, 4, 5, 1)), {}, "two edge maps of one shape"),
        (((1, 4, 4, 3), (1, 4, 4, 3)), {}, "two edge maps of one shape"),
        (((1, 4, 4, 1), (2, 4, 4, 1)), {}, "as many outputs as truths, at least 1, found 1 and 2"),
        (((0, 4, 4, 1), (0, 4, 4, 1)), {}, "as many outputs as truths, at least 1, found 0 and 0"),
        (((1, 4, 4, 1), (1, 4, 4, 1)), {"threshold": 0.0}, "threshold must be above 0 and at most 1, found 0.0"),
        (((1, 4, 4, 1), (1, 4, 4, 1)), {"tolerance": -1}, "tolerance must be at least 0, found -1"),
    ],
)
def test_senseless_arguments_are_refused(shapes, options, message):
    with pytest.raises(ValueError, match=message):
        edge_f1(*(np.zeros(shape) for shape in shapes), **options)
