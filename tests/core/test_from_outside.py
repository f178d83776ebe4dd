"""A new objective from outside the package: the example of CONTRIBUTING.md, as it stands there."""

import re
from pathlib import Path

import jax
import numpy as np

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


def test_the_example_of_the_map_trains():
    (code,) = re.findall(r"<!-- example: objective -->\n```python\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names: dict = {}
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam mixes an int32 count with Python floats
        exec(code, names)
    losses = np.asarray(names["metrics"]["d_loss"])
    assert losses.shape == (200,)
    assert np.isfinite(losses).all()
    assert losses[-20:].mean() < losses[:5].mean()  # |r - 1| + |f + 1| begins near 2, and D learns something
    assert names["state"].step == 200
    assert "d_penalty" in names["metrics"]
