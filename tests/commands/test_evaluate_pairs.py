"""`python -m jgan.evaluate --pairs`: images against their truths, of files and of runs, and what it says of bad input."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_models import SHIFT, Shift

from jgan import evaluate
from jgan.metrics.edge_f1 import edge_f1
from jgan.training import train
from jgan.utils import cli

RNG = np.random.default_rng(0)
TRUTHS = {name: RNG.integers(0, 256, shape, np.uint8) for name, shape in {"a": (8, 6), "b": (8, 6), "c": (5, 9)}.items()}
OUTPUTS = {name: RNG.integers(0, 256, truth.shape, np.uint8) for name, truth in TRUTHS.items()}


def folder(path, images, suffix=".png"):
    path.mkdir()
    for name, image in images.items():
        Image.fromarray(image).save(path / f"{name}{suffix}")
    return path


def run(*flags):
    evaluate.main([str(flag) for flag in flags])


def refused(capsys, *flags):
    with pytest.raises(SystemExit) as stopped:
        cli.run(lambda: run(*flags), "evaluate")
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_two_folders_are_paired_by_name(tmp_path, capsys):
    fake, real = folder(tmp_path / "fake", OUTPUTS, ".bmp"), folder(tmp_path / "real", TRUTHS)
    out = tmp_path / "a.json"
    run("--fake", fake, "--real", real, "--pairs", "--metrics", "mae,edge_f1", "--edge_f1.tolerance", "0", "--out", out)
    result = json.loads(out.read_text())
    errors = [np.abs(OUTPUTS[name] / 255 - TRUTHS[name] / 255).mean() for name in TRUTHS]
    assert result["mae"]["mean"] == pytest.approx(np.mean(errors))
    assert result["mae"]["standard_error"] == pytest.approx(np.std(errors, ddof=1) / np.sqrt(3))
    assert (result["mae"]["least"], result["mae"]["greatest"]) == pytest.approx((min(errors), max(errors)))
    flat = [np.concatenate([images[name].ravel() for name in TRUTHS]) / 255 for images in (OUTPUTS, TRUTHS)]
    expected = edge_f1(*(row.reshape(1, 1, -1, 1) for row in flat), tolerance=0)
    assert result["edge_f1"]["f1"] == pytest.approx(expected.f1)
    assert result["protocol"]["n"] == 3
    assert result["protocol"]["options"] == {"edge_f1": {"threshold": 0.5, "tolerance": 0, "gradient": False}}
    shown = capsys.readouterr().out
    assert f"{np.mean(errors):.5g}" in shown
    assert "3 images against their truths" in shown
    run("--fake", real, "--real", real, "--pairs", "--metrics", "mae", "--out", tmp_path / "b.json")
    run("--compare", out, tmp_path / "b.json")
    assert "mean absolute error" in capsys.readouterr().out


def test_arrays_are_paired_by_order_and_grey_is_compared_in_rgb(tmp_path):
    grey, coloured = RNG.integers(0, 256, (4, 5, 6, 1), np.uint8), RNG.integers(0, 256, (4, 5, 6, 3), np.uint8)
    np.savez(tmp_path / "a.npz", samples=grey)
    real = folder(tmp_path / "real", {f"{index}": image for index, image in enumerate(coloured)})
    run("--fake", tmp_path / "a.npz", "--real", real, "--pairs", "--metrics", "mae", "--out", tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text())["mae"]["mean"]
    assert found == pytest.approx(np.abs(grey / 255 - coloured / 255).mean())


def test_a_run_is_measured_on_its_test_pairs(tmp_path, capsys):
    trained = train(SHIFT, Shift(0.25), dataset="inverted:digits", steps=1, batch_size=16, workdir=tmp_path / "a")
    run("--workdir", tmp_path / "a", "--pairs", "--metrics", "mae", "--checkpoint", "last")
    result = json.loads((tmp_path / "a" / "evaluation.json").read_text())
    for direction in ("ab", "ba"):
        expected = trained.summary["translation"][f"error_{direction}"]
        assert result[f"mae_{direction}"]["mean"] == pytest.approx(expected, abs=2e-3)
        assert result["protocol"][f"n_{direction}"] == 296
    assert "ab, 296 images against their truths" in capsys.readouterr().out


def test_what_does_not_pair_is_named_in_one_line(tmp_path, capsys):
    real = folder(tmp_path / "real", TRUTHS)
    other = folder(tmp_path / "other", {**OUTPUTS, "d": OUTPUTS["a"]})
    less = folder(tmp_path / "less", {"a": OUTPUTS["a"], "b": OUTPUTS["b"]})
    small = folder(tmp_path / "small", {**OUTPUTS, "c": OUTPUTS["a"]})
    np.savez(tmp_path / "two.npz", x=np.zeros((2, 8, 6), np.uint8))
    np.savez(tmp_path / "three.npz", x=np.zeros((3, 8, 6), np.uint8))
    cases = [
        ((other, real), f"{real}: expected an image for each of {other}, found none of the name d"),
        ((less, real), f"{less}: expected an image for each of {real}, found none of the name c"),
        ((small, real), "c.png: expected 5x9 pixels (height x width) as its truth has, found 8x6: resize one of them"),
        ((tmp_path / "two.npz", tmp_path / "three.npz"), "two.npz: expected 3 images, as many as in"),
        ((tmp_path / "three.npz", tmp_path / "two.npz"), "three.npz: expected 2 images, as many as in"),
        ((tmp_path / "none", real), "none: expected a"),
    ]
    for (fake, truth), message in cases:
        said = refused(capsys, "--fake", fake, "--real", truth, "--pairs", "--metrics", "mae", "--out", tmp_path / "a.json")
        assert message in said
        assert said.count("\n") == 1
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--metrics", "fid"], "--metrics, --pairs: unknown metric 'fid'"),
        (["--per-class"], "--per-class: --pairs measures images against their own truths: leave it out"),
        (["--metrics", "mae", "--edge_f1.tolerance", "2"], "options of edge_f1 are given, but edge_f1 is not among --metrics"),
    ],
)
def test_flags_that_do_not_go_with_pairs_are_refused(capsys, flags, message):
    assert message in refused(capsys, "--fake", "a", "--real", "b", "--pairs", *flags)


def test_colours_are_no_edge_maps(tmp_path, capsys):
    images = {"a": RNG.integers(0, 256, (4, 4, 3), np.uint8)}
    fake, real = folder(tmp_path / "fake", images), folder(tmp_path / "real", images)
    flags = ["--fake", fake, "--real", real, "--pairs", "--metrics", "edge_f1", "--out", tmp_path / "a.json"]
    assert "a.png, edge_f1: expected grey edge maps, found RGB images: give --edge_f1.gradient" in refused(capsys, *flags)
    run(*flags, "--edge_f1.gradient")
    assert json.loads((tmp_path / "a.json").read_text())["edge_f1"]["f1"] == 1
