"""The benchmark of super-resolution: what its phases must show, the table, and the command end to end at a tiny size."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import super_resolution
from benchmarks.tables import TABLES
from jgan.evaluation import enlargements
from jgan.features import maps
from jgan.models import options
from jgan.utils import cli

ENVIRONMENT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-26T00:00:00+00:00"}


def measures(psnr, distance, kid):
    return {"psnr": psnr, "ssim": 0.8, "distance": distance, "kid": kid}


def ways(first, second, bicubic=None):
    return {"bicubic": bicubic or measures(28.0, 2.0, 0.2), "first": first, "halfway": first, "second": second}


def test_what_the_phases_must_show():
    good = ways(measures(29.01, 1.9, 0.19), measures(28.5, 1.0, 0.1))
    assert set(super_resolution.success({"Set5": good, "Set14": good}).values()) == {True}
    assert len(super_resolution.success({"Set5": good, "Set14": good})) == 7
    bad = ways(measures(28.99, 1.9, 0.19), measures(29.5, 1.95, 0.3))
    assert list(super_resolution.success({"Set5": bad}).values()) == [False, False, False, False]
    worse = ways(measures(29.5, 2.5, 0.3), measures(28.5, 2.2, 0.25))  # better than the first phase alone is not enough
    assert list(super_resolution.success({"Set5": worse}).values()) == [True, True, False, False]


def test_the_table_has_a_row_for_each_way_and_says_what_is_not_met():
    found = ways(measures(28.5, 1.9, 0.19), measures(28.1, 1.0, 0.1))
    result = {
        "training": "200 photographs",
        "steps": [9000, 2000],
        "batch_size": 8,
        "judge": {"name": "lite1"},
        "loss_network": {"name": "lite0"},
        "sets": {"Set5": found},
        "success": super_resolution.success({"Set5": found}),
        "command": "python -m benchmarks.super_resolution",
        "environment": ENVIRONMENT,
    }
    table = TABLES["super_resolution"].draw({"srgan": result})
    assert "| Set5 | bicubic |  | 28.00 | 0.8000 | 2.000 | 0.2000 |" in table
    assert "| Set5 | `srgan` | adversarial | 28.10 | 0.8000 | 1.000 | 0.1000 |" in table
    assert table.count("| Set5 |") == 4
    assert "- NOT met: `srgan`, Set5: the first phase is above bicubic by 1 dB" in table
    assert "`srgan` 9,000 and 2,000 steps of 8 crops" in table


@pytest.mark.parametrize(
    ("flags", "message"),
    [(["--models", "srgna"], "srgna"), (["--times", "0"], "--times must be above 0, found 0.0")],
)
def test_bad_options_are_one_line(tmp_path, flags, message):
    with pytest.raises(ValueError, match=message):
        super_resolution.main(["--data-dir", str(tmp_path), *flags])


@pytest.fixture
def folders(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    for folder, count in ((super_resolution.TRAINING, 12), *((folder, 2) for folder in super_resolution.SETS.values())):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for index in range(count):
            coarse = Image.fromarray(random.integers(0, 256, (8, 9, 3), np.uint8)).resize((38, 36))
            (coarse.convert("L") if index == 1 and count == 2 else coarse).save(tmp_path / "data" / folder / f"{index}.png")
    sgd = options.Optimizer("sgd", learning_rate=0.01)
    tiny = {"g_width": 4, "g_blocks": 1, "d_width": 2, "d_levels": 2, "crop.side": 4, "perceptual.features": "random:0"}
    tiny |= {"pretrain": sgd, "optimizer": sgd}
    monkeypatch.setitem(super_resolution.ENTRIES, "srgan", super_resolution.Entry("srgan_photographs", tiny, 4, 4, 2))
    monkeypatch.setattr(super_resolution, "SHOWN", (("Set5", "0"), ("Set14", "1")))
    monkeypatch.setattr(enlargements, "network", lambda *arguments: maps.choose("random:1"))
    return tmp_path


@pytest.mark.slow
def test_the_command_end_to_end(folders):
    places = [f"--{name}={folders / name}" for name in ("workdir", "results", "pictures")]
    call = ["--data-dir", str(folders / "data"), "--models", "srgan", *places]
    super_resolution.main(call)
    result = json.loads((folders / "results" / "srgan.json").read_text())
    assert result["steps"] == [4, 4]
    bicubic, first, half, second = (result["sets"]["Set5"][way]["psnr"] for way in ("bicubic", "first", "halfway", "second"))
    assert len({bicubic, first, half, second}) == 4
    assert set(result["sets"]) == {"Set5", "Set14"}
    with Image.open(folders / "pictures" / "srgan.png") as picture:
        assert picture.width > 2 * 36
        assert picture.height > 4 * 36
    before = (folders / "results" / "srgan.json").stat().st_mtime_ns
    super_resolution.main(call)  # what has its result is left as it is
    assert (folders / "results" / "srgan.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_run_stopped_by_its_time_limit_goes_on(folders, capsys):
    places = [f"--{name}={folders / name}" for name in ("workdir", "results", "pictures")]
    call = ["--data-dir", str(folders / "data"), "--models", "srgan", *places]
    super_resolution.main([*call, "--minutes", "0.0001"])
    assert "goes on from there" in capsys.readouterr().out
    assert not list((folders / "results").glob("*.json"))


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    call = [
        "--data-dir",
        str(tmp_path / "none"),
        *(f"--{name}={tmp_path / name}" for name in ("workdir", "results", "pictures")),
    ]
    with pytest.raises(SystemExit) as left:
        cli.run(lambda: super_resolution.main(call), super_resolution.PROG)
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "CSet5" in line
