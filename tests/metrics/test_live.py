"""The reference figures, made again by the libraries themselves, where they are installed."""

import numpy as np
import oracles
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: the kept figures stand for it")
pytest.importorskip("pytorch_fid", reason="the reference libraries are not installed", exc_type=ImportError)


@pytest.mark.parametrize("name", oracles.ORACLES)
@pytest.mark.filterwarnings("ignore")
def test_the_kept_figures_are_those_of_the_library(name):
    kept, made = oracles.load(name), oracles.reference(name)
    assert kept.keys() == made.keys()
    for key, value in made.items():
        # What a deep network makes in float32 depends, in the fifth digit, on how many threads divide its sums.
        digits = 5e-5 if value.dtype == np.float32 else 1e-6
        np.testing.assert_allclose(kept[key], value, rtol=digits, atol=1e-6, err_msg=f"{name}: {key}")
