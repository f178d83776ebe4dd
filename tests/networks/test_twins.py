"""Our networks against the same networks in PyTorch, with the same weights: `twins.py` says how."""

import importlib.util

import numpy as np
import pytest
import twins

CASES = [
    pytest.param(name, case, id=f"{name}-{case}", marks=[pytest.mark.slow] * (case in getattr(twins.twin(name), "SLOW", ())))
    for name in twins.NAMES
    for case in twins.twin(name).CASES
]


def assert_equal(found, expected):
    """To 1e-5 of the size of the output."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_network_is_that_of_pytorch(name, case):
    assert_equal(twins.output(name, case), twins.load(name)[case])


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_kept_output_says_something(name, case):
    """It is neither constant nor saturated, and its examples differ: an output that any network has would prove nothing."""
    kept = twins.load(name)[case]
    assert np.isfinite(kept).all()
    assert len(kept) > 1
    assert np.std(kept, axis=0).mean() > 0.02 * np.abs(kept - kept.mean()).max()


def test_each_twin_has_its_file():
    assert {path.stem for path in twins.FOLDER.iterdir()} == set(twins.NAMES)
    for name in twins.NAMES:
        assert twins.load(name).keys() == twins.twin(name).CASES.keys()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed: the kept outputs stand for it")
@pytest.mark.parametrize("name", twins.NAMES)
@pytest.mark.filterwarnings("ignore")
def test_the_kept_outputs_are_those_of_pytorch_now(name):
    kept = twins.load(name)
    for case, made in twins.reference(name).items():
        assert_equal(kept[case], made)
