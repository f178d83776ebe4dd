"""The benchmark of Table 1, of a tiny size."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import mnist_parzen
from jgan import Batch
from jgan.data import Dataset


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    images = lambda n: Batch(random.integers(0, 256, (n, 28, 28, 1), np.uint8))  # noqa: E731
    tiny = Dataset("mnist", images(5_000), images(20), images(10))  # an epoch is one chunk of steps
    monkeypatch.setattr(mnist_parzen, "load", lambda name, data_dir: tiny)
    flags = ["--seeds", "2", "--eval-every", "1", "--half-lives", "1", "--num-samples", "30"]
    flags += ["--workdir", str(tmp_path / "run"), "--out", str(tmp_path / "a.json"), "--pictures", str(tmp_path)]
    mnist_parzen.main([*flags, "--epochs", "1"])
    mnist_parzen.main([*flags, "--epochs", "2"])
    found = json.loads((tmp_path / "a.json").read_text())
    assert (found["epochs"], found["seeds"], [row["epoch"] for row in found["curve"]]) == (2, 2, [1, 2])
    assert list(found["figures"]) == ["last", "average of 1 epochs"]
    for figures in found["figures"].values():
        of_seeds = [seed["mean"] for seed in figures["last epoch"]["seeds"]]
        assert figures["last epoch"]["mean"] == pytest.approx(np.mean(of_seeds))
        assert figures["last epoch"]["standard_error_over_seeds"] == pytest.approx(np.std(of_seeds, ddof=1) / 2**0.5)
    best = {
        name: np.mean([max(row["validation"][name][seed] for row in found["curve"]) for seed in (0, 1)])
        for name in found["figures"]
    }
    assert found["chosen"] == max(best, key=best.__getitem__)
    for name in ("samples", "nearest", "interpolation"):
        with Image.open(tmp_path / f"mnist_{name}.png") as picture:
            assert picture.width > 28
    assert f"{found['chosen']}, best validation: " in capsys.readouterr().out
