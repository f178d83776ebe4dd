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
        # What a deep network makes in float32 depends on how many threads divide its sums: in the sixth digit of its scale.
        single = value.dtype == np.float32
        near = 5e-6 * float(np.abs(value).max()) if single else 1e-6
        np.testing.assert_allclose(kept[key], value, rtol=1e-5 if single else 1e-6, atol=near, err_msg=f"{name}: {key}")
