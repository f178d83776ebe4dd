"""The checks of shapes, over all shapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan.utils import checks

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(first=SHAPES, second=SHAPES)
def test_same_shape_passes_equal_shapes_and_names_others(first, second):
    arrays = np.zeros(first), np.zeros(second)
    if first == second:
        checks.same_shape("a", arrays[0], "b", arrays[1])
        return
    with pytest.raises(ValueError, match="a and b must have the same shape") as error:
        checks.same_shape("a", arrays[0], "b", arrays[1])
    assert f"found {first} and {second}" in str(error.value)


@given(found=SHAPES, expected=SHAPES)
def test_example_shape_leaves_the_batch_free_and_nothing_else(found, expected):
    if len(found) == len(expected) + 1 and found[1:] == expected:
        checks.example_shape("images", np.zeros(found), expected)
        return
    with pytest.raises(ValueError, match="images must have the shape") as error:
        checks.example_shape("images", np.zeros(found), expected)
    assert f"[batch{''.join(f', {n}' for n in expected)}], found {found}" in str(error.value)


@given(batch_size=st.integers(1, 1000), devices=st.integers(1, 16))
def test_divisible_gives_the_share_or_names_both_numbers(batch_size, devices):
    if batch_size % devices == 0:
        assert checks.divisible(batch_size, devices) * devices == batch_size
        return
    with pytest.raises(ValueError, match=f"found a batch of {batch_size} on {devices} devices"):
        checks.divisible(batch_size, devices)
