"""The Stacked MNIST command end to end at a tiny size, how it goes on, its counting of modes and its table."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from benchmarks import drawings, stacked_mnist
from jgan import Batch, DataSpec, data
from jgan.data.stacked import stack
from jgan.features.extractor import Extracted, Extractor


def test_a_mode_is_the_three_digits_of_the_channels():
    """A "classifier" that reads the digit from the brightness of the first pixel."""

    def apply(images):
        return Extracted(jnp.zeros((len(images), 1)), jax.nn.one_hot(jnp.asarray(images)[:, 0, 0, 0], 10))

    images = np.zeros((3, 28, 28, 3), np.uint8)
    images[:, 0, 0] = [[0, 0, 7], [4, 0, 2], [9, 9, 9]]
    extractor = Extractor("brightness", "", "none", apply)
    assert stacked_mnist.classes_of(extractor, images).tolist() == [7, 402, 999]


def noise():
    """28x28 noise with labels, in place of MNIST."""
    rng = np.random.default_rng(0)
    part = Batch(rng.integers(0, 256, (200, 28, 28, 1), np.uint8), np.arange(200, dtype=np.int32) % 10)
    return data.Dataset("mnist", part, part, part)


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stacked_mnist, "SAMPLES", 20)
    monkeypatch.setattr(stacked_mnist, "BLOCK", 10)
    mnist = noise()
    made = {"mnist": mnist, "stacked:mnist": data.Dataset("stacked:mnist", *(stack(x, 10, 0) for x in mnist.parts.values()))}
    monkeypatch.setattr(stacked_mnist.data, "load", lambda name, folder: made[name])
    flags = [
        "--networks",
        "progan",
        "--seeds",
        "2",
        "--steps",
        "2",
        "--batch-size",
        "4",
        "--epochs",
        "1",
        "--workdir",
        str(tmp_path / "w"),
    ]
    flags += ["--out", str(tmp_path / "result.json"), "--picture", str(tmp_path / "picture.png")]
    stacked_mnist.main([*flags, "--objectives", "PacGAN2"])
    first = json.loads((tmp_path / "result.json").read_text())["objectives"]["PacGAN2"]
    stacked_mnist.main([*flags, "--objectives", "PacGAN2", "WGAN-GP"])
    result = json.loads((tmp_path / "result.json").read_text())
    assert list(result["objectives"]) == ["PacGAN2", "WGAN-GP"]
    assert result["objectives"]["PacGAN2"] == first
    for found in result["objectives"].values():
        assert len(found["modes"]["seeds"]) == 2
        assert 1 <= found["modes"]["mean"] <= 20
        assert np.log(1000 / 20) - 1e-4 <= found["kl"]["mean"] <= np.log(1000) + 1e-4
    table = drawings.stacked_mnist(result)
    assert "| PacGAN2 |" in table
    assert "| relativistic + R1 + R2 (published) | 1000 | 0.08 |" in table
    assert "2 seeds, 2 steps of 4" in table
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.height % 2 == 0  # two rows
    with pytest.raises(ValueError, match="other options"):
        stacked_mnist.main([*flags, "--seed", "1"])


@pytest.mark.parametrize(("networks", "side"), [("unrolled", 28), ("progan", 32)])
@pytest.mark.parametrize("objective", ["PacGAN2", "non-saturating + R1"])
def test_the_sizes_of_the_networks(networks, side, objective):
    args = stacked_mnist.Args(networks=networks)
    gan = stacked_mnist.make(args, stacked_mnist.OBJECTIVES[objective], DataSpec.images((side, side, 3), steps_per_epoch=10))

    def one_step(key):
        state, _ = gan.step(key, gan.init(key), Batch(jnp.zeros((4, side, side, 3))))
        return gan.sample(key, state, 2)

    assert jax.eval_shape(one_step, jax.random.key(0)).shape == (2, side, side, 3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--objectives", "PacGAN3"], "unknown objective 'PacGAN3': known are non-saturating, "),
        (["--seeds", "0"], "--seeds must be at least 1, found 0"),
        (["--steps", "0"], "--steps must be at least 1, found 0"),
    ],
)
def test_bad_flags(flags, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        stacked_mnist.main([*flags, "--out", str(tmp_path / "result.json")])
    assert not (tmp_path / "result.json").exists()
