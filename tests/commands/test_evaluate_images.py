"""`python -m jgan.evaluate` on two sets of images: files that jgan did not make, runs, results side by side."""

import dataclasses
import functools
import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jgan import data, evaluate, sample
from jgan.metrics import ndb, prd, prdc
from jgan.utils import cli


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of 120 real digits, an .npz file of 100 others, and both as arrays."""
    folder = tmp_path_factory.mktemp("sets")
    digits = data.load("digits")
    real, fake = digits.train.x[:120], digits.test.x[:100]
    (folder / "real").mkdir()
    for index, image in enumerate(real):
        Image.fromarray(image[..., 0]).save(folder / "real" / f"{index:03}.png")
    np.savez(folder / "fake.npz", arr_0=fake)
    return folder, real, fake


def flat(images):
    return (images / 255).reshape(len(images), -1)


def run(*flags):
    evaluate.main([str(flag) for flag in flags])


def test_two_sets_of_files(files, tmp_path, capsys):
    folder, real, fake = files
    out = tmp_path / "a.json"
    run(
        "--fake", folder / "fake.npz", "--real", folder / "real", "--metrics", "fid,prdc", "--extractor", "pixels", "--out", out
    )
    result = json.loads(out.read_text())
    # by the float64 formula, on features made here
    a, b = np.cov(flat(real).T), np.cov(flat(fake).T)
    cross = np.sqrt(np.maximum(np.linalg.eigvals(a @ b).real, 0)).sum()
    expected = np.sum((flat(real).mean(0) - flat(fake).mean(0)) ** 2) + np.trace(a) + np.trace(b) - 2 * cross
    assert result["fid"]["fid"] == pytest.approx(expected, rel=1e-4)
    assert result["prdc"] == prdc.prdc(flat(real).astype(np.float32), flat(fake).astype(np.float32), k=5)._asdict()
    protocol = result["protocol"]
    assert (protocol["extractor"], protocol["resizer"], protocol["n_real"], protocol["n_fake"]) == ("pixels", "none", 120, 100)
    assert protocol["options"] == {"seed": 0, "prdc": {"k": 5}}
    assert result["environment"]["packages"]["jax"]
    table = capsys.readouterr().out
    assert f"{result['fid']['fid']:.5g}" in table
    assert "100 generated images against 120 of" in table


def test_the_shipped_classifier_is_the_default_of_digits(files, tmp_path):
    folder, _, _ = files
    run("--fake", folder / "fake.npz", "--real", folder / "real", "--metrics", "is", "fid", "--out", tmp_path / "a.json")
    result = json.loads((tmp_path / "a.json").read_text())
    assert result["protocol"]["extractor"] == "classifier of digits"
    assert len(result["protocol"]["digest"]) == 64
    assert 5 < result["is"]["mean"] < 10  # ten classes, each rather sure


def test_a_run_is_measured_as_its_samples_are(finished_run, tmp_path):
    """The command on the run, and on the file that `python -m jgan.sample` wrote, by the same latents, agree."""
    folder = shutil.copytree(finished_run.workdir, tmp_path / "run")
    run("--workdir", folder, "--metrics", "fid", "--num-samples", 60, "--cache", tmp_path / "cache")
    of_run = json.loads((folder / "evaluation.json").read_text())
    assert of_run["protocol"]["real"] == "digits, train"
    assert len(list((tmp_path / "cache").glob("features-*.npz"))) == 1
    state = finished_run.restore("best")
    images = sample.draw(finished_run.gan, state, finished_run.gan.inputs(evaluate.keys(0).evaluation, 60))
    quantised = np.round(np.asarray(images) * 255).astype(np.uint8)
    np.savez(tmp_path / "fake.npz", samples=quantised)
    np.savez(tmp_path / "real.npz", x=finished_run.dataset.train.x)
    run("--fake", tmp_path / "fake.npz", "--real", tmp_path / "real.npz", "--metrics", "fid", "--out", tmp_path / "b.json")
    of_files = json.loads((tmp_path / "b.json").read_text())
    assert of_run["fid"].pop("caution") == of_files["fid"].pop("caution") != ""  # 60 samples of 64 features
    assert of_run["fid"] == pytest.approx(of_files["fid"], rel=1e-5)
    # The same images under another name are the same protocol: they may be compared.
    run("--compare", folder / "evaluation.json", tmp_path / "b.json")


def test_a_phase_of_another_resolution_is_resized_as_in_training(finished_run, tmp_path, monkeypatch):
    """Grey images of 4x4: their covariance is 0, so the distance to the data is closed-form."""
    folder = shutil.copytree(finished_run.workdir, tmp_path / "run")
    grey = finished_run.gan._replace(generate=lambda state, inputs, ema=True: jnp.full((len(inputs.z), 4, 4, 1), 0.4))

    original = type(finished_run).snapshot

    def snapshot(self, which="last"):
        found = original(self, which)
        return found._replace(run=dataclasses.replace(found.run, phases=(found.run.phase._replace(gan=grey),)))

    monkeypatch.setattr(type(finished_run), "snapshot", snapshot)
    run("--workdir", folder, "--metrics", "fid", "--num-samples", 20, "--extractor", "pixels")
    real = flat(finished_run.dataset.train.x)
    expected = np.sum((real.mean(0) - 0.4) ** 2) + np.trace(np.cov(real.T))
    assert json.loads((folder / "evaluation.json").read_text())["fid"]["fid"] == pytest.approx(expected, rel=1e-4)


def test_pictures(files, tmp_path, monkeypatch):
    """The picture of NDB is drawn from the clustering that was measured."""
    folder, _, _ = files
    clusterings, fit = [], ndb.fit
    monkeypatch.setattr(prd, "evaluate", functools.partial(prd.evaluate, runs=1))
    monkeypatch.setattr(ndb, "fit", lambda *given, **options: clusterings.append(None) or fit(*given, **options))
    flags = ["--metrics", "prd,ndb", "--extractor", "pixels", "--out", tmp_path / "a.json", "--pictures", tmp_path / "pictures"]
    run("--fake", folder / "fake.npz", "--real", folder / "real", *flags)
    found = {path.name: np.asarray(Image.open(path)) for path in (tmp_path / "pictures").iterdir()}
    assert found.keys() == {"nearest_features.png", "spectrum.png", "prd.png", "ndb.png"}
    assert all(picture.std() > 5 for picture in found.values())
    assert len(clusterings) == 1


def results(tmp_path, **changes):
    """Two results, the second changed in its protocol."""
    protocol = {"extractor": "pixels", "n_fake": 100, "options": {"k": 5, "seed": 0}}
    row = {"name": "FID", "value": 12.5, "spread": None, "better": "lower"}
    for name, change in (("a", {}), ("b", changes)):
        value = {"protocol": protocol | change, "table": {"fid": [row | {"value": 12.5 if name == "a" else 8.25}]}}
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    return tmp_path / "a.json", tmp_path / "b.json"


def test_results_of_one_protocol_stand_side_by_side(tmp_path, capsys):
    run("--compare", *results(tmp_path))
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == ["a", "b"]
    assert line.split() == ["FID", "12.5", "8.25", "lower"]


def test_results_of_other_protocols_are_refused_unless_told_to(tmp_path, capsys):
    paths = results(tmp_path, n_fake=50_000)
    with pytest.raises(ValueError, match="measured in different ways, n_fake 100 against 50000: measure one of them again, or"):
        run("--compare", *paths)
    run("--compare", *paths, "--any-protocol")
    assert "different in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--fake", "fake.npz"], "--fake needs --real"),
        (["--fake", "fake.npz", "--real", "nowhere"], "nowhere: expected a folder of images or an .npz file, found nothing"),
        (
            ["--fake", "fake.npz", "--real", "real", "--metrics", "parzen"],
            "--metrics: parzen measures a run, and these are images",
        ),
        (
            ["--fake", "fake.npz", "--real", "real", "--metrics", "ct"],
            "ct compares with real images that the model has not seen",
        ),
        (["--fake", "fake.npz", "--real", "cut"], "cut/b.png: expected an image, found a file that cannot be read as one"),
        (
            ["--fake", "fake.npz", "--real", "large.npz"],
            "fake.npz: expected images of 9x9x1 like those of large.npz, found 8x8x1",
        ),
        (["--fake", "one.npz", "--real", "real", "--extractor", "pixels"], "expected at least 2 samples, found 1; draw more"),
        (["--fake", "fake.npz", "--real", "real", "--weights", "w.pth"], "w.pth: expected a file of weights, found none"),
        (
            ["--fake", "fake.npz", "--real", "real", "--weights", "other.npz"],
            "other.npz: expected weights whose hash begins with",
        ),
        (["--compare", "fake.npz", "fake.npz"], "fake.npz: expected a result of python -m jgan.evaluate"),
        (["--compare", "a.json"], "--compare needs at least two results, found 1"),
        (["--compare", "a.json", "b.json"], "a.json: there is no such result"),
        ([], "expected one of --workdir (a run), --fake with --real (images) and --compare (results)"),
    ],
)
def test_bad_input(files, flags, message, capsys, monkeypatch, tmp_path):
    folder, _, fake = files
    shutil.copytree(folder, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "cut").mkdir()
    shutil.copy("real/000.png", "cut/a.png")
    (tmp_path / "here" / "cut" / "b.png").write_bytes(b"\x89PNG\r\n")
    np.savez("large.npz", x=np.zeros((20, 9, 9), np.uint8))
    np.savez("one.npz", x=fake[:1])
    np.savez("other.npz", weights=np.zeros(3, np.float32))
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: evaluate.main(flags), evaluate.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "here" / "evaluation.json").exists()
