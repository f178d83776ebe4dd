"""The package from outside: the examples of CONTRIBUTING.md (a new objective) and README.md (DCGAN), as they stand there."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def example(file, name):
    """The lines between the marker `<!-- example: NAME -->` and the end of the block."""
    (code,) = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)```\n<!-- end -->", (ROOT / file).read_text(), re.DOTALL)
    return code


@pytest.mark.slow
def test_the_example_of_the_map_trains():
    code = example("CONTRIBUTING.md", "objective")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names: dict = {}
    with jax.numpy_dtype_promotion("standard"):  # optax's own Adam mixes an int32 count with Python floats
        exec(code, names)
    losses = np.asarray(names["metrics"]["d_loss"])
    assert losses.shape == (200,)
    assert np.isfinite(losses).all()
    assert losses[-20:].mean() < losses[:5].mean()  # |r - 1| + |f + 1| begins near 2, and D learns something
    assert names["state"].step == 200
    assert "d_penalty" in names["metrics"]


def test_the_readmes_dcgan_trains_on_an_array():
    """With fewer steps, after which the mean of its samples is nearer to that of the images."""
    code = example("README.md", "dcgan")
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 12
    assert "from jgan.models import dcgan" in lines
    code, changed = re.subn(r"range\(5_000\)", "range(20)", code)
    assert changed == 1
    names: dict = {}
    exec(code, names)
    assert isinstance(names["images"], np.ndarray)
    assert names["state"].step == 20
    assert all(np.isfinite(value) for value in names["metrics"].values())
    samples, real = np.asarray(names["samples"]), names["images"] / 255
    assert samples.shape == (64, *real.shape[1:])
    untrained = jax.jit(lambda key: names["gan"].sample(key, names["gan"].init(key), 64))(names["key"])
    far = lambda made: np.abs(made.mean(0) - real.mean(0)).mean()  # noqa: E731
    assert far(samples) < far(np.asarray(untrained))
