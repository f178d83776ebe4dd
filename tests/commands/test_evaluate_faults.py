"""`python -m jgan.evaluate` where something goes wrong: nothing that was measured is lost, and each failure is one line."""

import dataclasses
import io
import json
import math
import shutil
import sys
import zipfile
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from jgan import data, evaluate
from jgan.evaluation import extract
from jgan.evaluation.measure import MEASURES, Measure, one
from jgan.metrics import inception_score, kernel, prdc
from jgan.utils import cli, memory, output, results


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with 120 real and 100 generated digits, and 100 equal images; the current one."""
    digits = data.load("digits")
    for name, images in (("real", digits.train.x[:120]), ("fake", digits.test.x[:100]), ("flat", digits.test.x[[0] * 100])):
        np.savez(tmp_path / f"{name}.npz", x=images)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*flags):
    """Runs the command on the two files, in features of pixels; returns what it wrote, read as strict JSON."""
    evaluate.main(["--fake", "fake.npz", "--real", "real.npz", "--extractor", "pixels", *map(str, flags)])
    return written("evaluation.json")


def written(path):
    def no_constant(name):
        raise AssertionError(f"{name} is not JSON")

    with open(path) as file:
        return json.load(file, parse_constant=no_constant)


def refused(capsys, *flags):
    """The lines of stderr, after exit status 2."""
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: evaluate.main([str(flag) for flag in flags]), evaluate.PROG)
    assert leaving.value.code == 2
    return capsys.readouterr().err.splitlines()


def pixels(name):
    with np.load(f"{name}.npz") as file:
        return (file["x"] / np.float32(255)).astype(np.float32).reshape(len(file["x"]), -1)


# --------------------------------------------------------------------------------------- several measures, some of which fail


def test_one_failing_measure_does_not_lose_the_others(here, capsys):
    both = ("--fake", "flat.npz", "--real", "flat.npz", "--extractor", "pixels")
    (line,) = refused(capsys, *both, "--metrics", "fid,mmd,kid")
    assert line.startswith("python -m jgan.evaluate: error: mmd: the median distance between two samples is 0")
    result = written("evaluation.json")
    assert result["fid"]["fid"] == 0
    assert result["kid"]["mean"] == 0
    assert result["failed"].keys() == {"mmd"}
    assert list(result["table"]) == ["fid", "kid"]


def test_every_failure_is_a_line(here, capsys):
    lines = refused(
        capsys, "--fake", "flat.npz", "--real", "flat.npz", "--metrics", "prdc,mmd,fid", "--k", 100, "--extractor", "pixels"
    )
    assert [line.split(": ")[2] for line in lines] == ["prdc", "mmd"]
    assert written("evaluation.json")["fid"]["fid"] == 0


def test_where_all_fail_nothing_is_written(here, capsys):
    flags = ["--fake", "flat.npz", "--real", "flat.npz", "--metrics", "mmd", "--extractor", "pixels"]
    assert len(refused(capsys, *flags)) == 1
    assert not (here / "evaluation.json").exists()


def test_a_measure_is_written_and_shown_before_the_next_begins(here, monkeypatch, capsys):
    """Ctrl-C during the second leaves the first."""
    seen = []

    def interrupted(*given, **options):
        seen.append((written("evaluation.json"), capsys.readouterr().out))
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel, "kid", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("--metrics", "fid,kid")
    ((result, shown),) = seen
    assert f"{result['fid']['fid']:.5g}" in shown
    assert written("evaluation.json") == result


def test_features_that_cannot_be_made_lose_no_measure_of_images(here, monkeypatch, capsys):
    made = np.zeros((40, 16, 16), np.uint8)
    np.savez("large.npz", x=made)

    def broken(*given, **options):
        raise ValueError("the features are not finite")

    monkeypatch.setattr("jgan.evaluation.sides.extract", broken)
    flags = ["--fake", "large.npz", "--real", "large.npz", "--metrics", "fid,kid,swd", "--extractor", "pixels"]
    lines = refused(capsys, *flags, "--swd.patches", 2, "--swd.directions", 2)
    assert [line.split(": ", 2)[2] for line in lines] == [f"{name}: the features are not finite" for name in ("fid", "kid")]
    assert written("evaluation.json")["swd"]["average"] == 0


def test_a_value_that_is_not_finite_is_a_failure(here, monkeypatch, capsys):
    monkeypatch.setattr(kernel, "kid", lambda *given, **options: kernel.KID(math.inf, 1.0, 1, 2, 0))
    flags = ["--fake", "fake.npz", "--real", "real.npz", "--metrics", "kid", "--extractor", "pixels"]
    assert "kid: KID is inf" in refused(capsys, *flags)[0]


# ----------------------------------------------------------------------------------------------- folders that cannot be written


def test_a_run_that_cannot_be_written_to_is_measured(finished_run, tmp_path, capsys):
    """Its caches are left out, with a note. (A file stands for a folder that is read-only: tests may run as root.)"""
    folder = shutil.copytree(finished_run.workdir, tmp_path / "run")
    (folder / "features").write_text("no folder")
    (folder / "anchors.json").mkdir()
    out = tmp_path / "out.json"
    flags = ["--workdir", str(folder), "--metrics", "parzen,fid", "--num-samples", "80", "--out", str(out)]
    evaluate.main(flags)
    result = written(out)
    assert result["parzen"].keys() >= {"generator", "training_images", "kmeans_centroids"}
    assert result["fid"]["fid"] > 0
    notes = capsys.readouterr().err
    assert f"the baselines are not kept: {folder / 'anchors.json'} cannot be written" in notes
    assert f"the features of digits, train are not kept: {folder / 'features'} cannot be written to" in notes
    assert (folder / "features").read_text() == "no folder"


def test_results_are_shown_even_if_they_cannot_be_written(here, monkeypatch, capsys):
    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(results, "replacing", full)
    flags = ["--fake", "fake.npz", "--real", "real.npz", "--extractor", "pixels"]
    with pytest.raises(SystemExit):
        cli.run(lambda: evaluate.main(flags), evaluate.PROG)
    printed = capsys.readouterr()
    assert "FID" in printed.out
    assert printed.err == "python -m jgan.evaluate: error: No space left on device: evaluation.json\n"


class Closed(io.TextIOBase):
    """Standard output that a reader has closed, or on a full disk."""

    encoding = "utf-8"

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_closed_output_loses_nothing(here, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Closed())
    result = run("--metrics", "fid,kid,prdc")
    assert result["prdc"]["k"] == 5
    assert len([line for line in capsys.readouterr().err.splitlines() if "standard output cannot be written to" in line]) == 1


def test_no_output_at_all_loses_nothing(here, monkeypatch):
    """As under a service manager: Python sets both streams to None."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert run("--metrics", "fid,prdc")["prdc"]["k"] == 5


def test_names_that_the_terminal_cannot_show_lose_nothing(here, monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", screen)
    shutil.copy("real.npz", "図.npz")
    assert run("--real", "図.npz")["protocol"]["real"] == "図.npz"
    assert r"of \u56f3.npz; features" in screen.buffer.getvalue().decode("cp1252")


# ---------------------------------------------------------------------------------------------------------------------- options


def test_options_of_measures_are_flags(here):
    flags = ["--kid.subset-size", 40, "--kid.subsets", 7, "--k", 3, "--improved.k", 4]
    result = run("--metrics", "kid,prdc,improved,fid", *flags, "--seed", 2)
    real, fake = pixels("real"), pixels("fake")
    expected = kernel.kid(real, fake, subset_size=40, subsets=7, seed=2)
    assert result["kid"].pop("caution") == expected.caution == ""
    assert list(result["kid"].values()) == pytest.approx(expected[:5], rel=1e-5)
    assert result["prdc"] == prdc.prdc(real, fake, k=3)._asdict()
    assert result["improved"] == prdc.improved(real, fake, k=4)._asdict()
    expected = {"seed": 2, "kid": {"subset_size": 40, "subsets": 7}, "prdc": {"k": 3}, "improved": {"k": 4}}
    assert result["protocol"]["options"] == expected


def test_the_parts_of_the_inception_score_are_a_flag(here):
    evaluate.main(["--fake", "fake.npz", "--real", "real.npz", "--metrics", "is", "--is.splits", "4", "--is.shuffle"])
    found = written("evaluation.json")["is"]
    with np.load("fake.npz") as file:
        logits = extract.extract(evaluate.choice.choose("classifier", (8, 8, 1)), file["x"]).logits
    assert found == inception_score.evaluate(logits, splits=4, seed=0)._asdict()


def test_a_new_measure_brings_its_flags(here, monkeypatch):
    """Registered as its own file would: no list is edited elsewhere."""

    @dataclasses.dataclass(frozen=True)
    class Options:
        """The options of brightness."""

        scale: float = 1.0
        """factor of the value"""

    class Brightness(NamedTuple):
        value: float
        caution: str = "of no use"

    def compute(sides, options, context):
        return Brightness(options.scale * float(sides.fake.images.mean()))

    measure = Measure("images", compute, one("brightness", "higher"), "mean grey level", Options)
    monkeypatch.setitem(MEASURES._filled(), "brightness", measure)
    result = run("--metrics", "brightness", "--brightness.scale", "2")
    assert result["brightness"]["value"] == pytest.approx(2 * 255 * pixels("fake").mean(), rel=1e-6)
    assert result["protocol"]["options"]["brightness"] == {"scale": 2.0}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--metrics", "fid", "--kid.subsets", "5"], "options of kid are given, but kid is not among --metrics: add it there"),
        (["--metrics", "kid", "--kid.subsets", "0"], "Error parsing kid: subsets must be at least 1, found 0"),
        (["--metrics", "kid", "--kid.subset-size", "1"], "subset_size must be at least 2, found 1"),
        (["--metrics", "kid", "--kid.subset-size", "101"], "kid: expected a subset_size from 2 to the number of samples"),
        (["--metrics", "prdc", "--k", "0"], "k must be at least 1, found 0"),
        (["--metrics", "prdc", "--k=-1"], "k must be at least 1, found -1"),
        (["--metrics", "is", "--is.splits", "0"], "splits must be at least 1, found 0"),
        (["--metrics", "msssim", "--msssim.scales", "6"], "scales must be from 0 to 5, found 6"),
        (["--metrics", "c2st", "--c2st.classifier", "forest"], "forest"),
        (["--metrics", "ndb", "--ndb.significance", "nan"], "significance must be between 0 and 1, found nan"),
        (["--metrics", "FID"], "--metrics: unknown metric 'FID', did you mean 'fid'?"),
        (["--metrics", "Fid-Infinity"], "--metrics: unknown metric 'Fid-Infinity', did you mean 'fid_infinity'?"),
        (["--seed", str(2**32)], "--seed must be from 0 to 4294967295, found 4294967296"),
        (["--seed", "9" * 20], "--seed must be from 0 to 4294967295, found 99999999999999999999"),
        (["--seed", "9" * 4000], "--seed must be from 0 to 4294967295, found a number of 13288 bits"),
        (["--out", ""], "--out is empty: give it a value, or leave it out"),
        (["--out="], "--out is empty"),
        (["--workdir", ""], "--workdir is empty"),
        (["--out", "here"], "--out: here is a folder, not a file"),
        (["--pictures", "fake.npz"], "--pictures: fake.npz is a file, not a folder"),
    ],
)
def test_bad_options(here, capsys, flags, message):
    (here / "here").mkdir()
    before = sorted(here.iterdir())
    (line,) = refused(capsys, "--fake", "fake.npz", "--real", "real.npz", "--extractor", "pixels", *flags)
    assert message in line
    assert sorted(here.iterdir()) == before


def test_words_without_flags_are_told_where_they_belong(here, capsys):
    (line,) = refused(capsys, "fake.npz", "real.npz")
    assert "expected --workdir RUN, or --fake IMAGES --real IMAGES, found 'fake.npz'" in line


def test_more_samples_than_memory_are_refused_before_anything_is_read(finished_run, capsys, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    monkeypatch.setattr(type(finished_run), "snapshot", None)
    (line,) = refused(capsys, "--workdir", finished_run.workdir, "--num-samples", 10**12)
    assert "--num-samples 1,000,000,000,000: choose a smaller number: about 2.6 PB of memory are needed, and 1 GB" in line


# --------------------------------------------------------------------------------------------------------------------- cautions


def test_a_caution_stands_in_the_file_and_in_the_table(here, capsys):
    np.savez("few.npz", x=data.load("digits").test.x[:20])
    result = run("--fake", "few.npz", "--metrics", "fid,kid,prdc")
    shown = capsys.readouterr().out
    assert result["fid"]["caution"].startswith("20 generated samples, fewer than 65: the covariance of 64 features is singular")
    assert result["kid"]["caution"].startswith("each subset holds 20 of the 20 generated samples")
    for name, label in (("fid", "FID"), ("kid", "KID"), ("prdc", "precision, recall, density, coverage")):
        assert {row["caution"] for row in result["table"][name]} == {result[name]["caution"]}
        assert f"! {label}: {result[name]['caution']}\n" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("FID ")]
    assert line.split() == ["FID", f"{result['fid']['fid']:.5g}", "!", "lower"]


def test_a_spread_of_nothing_is_left_out(here, capsys):
    result = run("--real", "fake.npz", "--metrics", "kid")
    assert result["kid"]["std"] is None
    assert result["table"]["kid"][0]["spread"] is None
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("KID")]
    assert "+-" not in line


def test_cautions_stand_below_results_side_by_side(here, capsys):
    run("--real", "fake.npz", "--metrics", "kid")
    for name in ("a.json", "b.json"):
        shutil.copy("evaluation.json", name)
    capsys.readouterr()
    evaluate.main(["--compare", "a.json", "b.json"])
    heading, line, caution = capsys.readouterr().out.splitlines()
    assert heading.split() == ["a", "b"]
    assert line.split().count("!") == 2
    assert caution.startswith("! KID, a, KID, b: each subset is the whole of both sets")


# ----------------------------------------------------------------------------------------------------------------------- images


def test_an_archive_of_images_is_measured(here):
    with np.load("fake.npz") as file:
        images = file["x"]
    with zipfile.ZipFile("fake.zip", "w") as archive:
        for index, image in enumerate(images):
            png = io.BytesIO()
            Image.fromarray(image[..., 0]).save(png, "PNG")
            archive.writestr(f"00000/img{index:08}.png", png.getvalue())
    of_archive, of_arrays = run("--fake", "fake.zip"), run()
    assert of_archive["fid"] == of_arrays["fid"]


def test_lists_of_names_are_cut(here, capsys):
    np.savez("others.npz", **{f"array_{index:05}": np.zeros(1) for index in range(1000)})
    (line,) = refused(capsys, "--fake", "others.npz", "--real", "real.npz")
    assert "array_00000" in line
    assert len(line) < 500


def test_output_checks(tmp_path, capsys):
    (tmp_path / "file").touch()
    output.folder("--out", tmp_path / "new")
    with pytest.raises(ValueError, match="is not empty"):
        output.folder("--out", tmp_path)
    output.not_empty(["--out=a", "-", "b"])
    output.show("shown")
    assert capsys.readouterr().out == "shown\n"
