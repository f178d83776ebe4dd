"""`--seeds N`: what each seed's run is, what stands beside them, resuming, several devices, bad input."""

import dataclasses
import json
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from small_runs import assert_same_end, small_run, without_clock

from jgan import evaluate, models, report, sample, train, training
from jgan.training import Trained, about_file, api, custom, journal, loop, population, records, seeds, spreads, train_seeds
from jgan.training.run import assemble, open_run

THREE = ["--seeds", "3"]


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("seeds") / "all"
    train.main(small_run(workdir, 8, *THREE))
    return workdir


@pytest.fixture
def copy(together, tmp_path):
    return shutil.copytree(together, tmp_path / "all")


def leaves(workdir, which="last"):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(open_run(workdir).restore(which))]


def assert_close(first, second, tolerance=1e-5):
    for ours, theirs in zip(leaves(first), leaves(second), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


# ----------------------------------------------------------------------------------------------------------- one of the seeds


def test_a_seed_ends_as_its_run_alone_does(together, finished_run, tmp_path):
    """The first seed, of which `finished_run` is a run, and the last."""
    train.main([*small_run(tmp_path / "alone"), "--seed", "9"])
    for seed, alone in ((7, finished_run.workdir), (9, tmp_path / "alone")):
        assert_close(seeds.member(together, seed), alone)
        for row, other in zip(without_clock(seeds.member(together, seed)), without_clock(alone), strict=True):
            assert row.keys() == other.keys()
            assert row["step"] == other["step"]
            assert [row["d_loss"], row["g_loss"]] == pytest.approx([other["d_loss"], other["g_loss"]], rel=1e-5)


def test_the_seeds_differ(together):
    first, second = leaves(together / "seed_7"), leaves(together / "seed_8")
    assert any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_each_folder_is_that_of_a_run(together, finished_run):
    assert seeds.of(together) == (7, 8, 9)
    for seed in seeds.of(together):
        folder = seeds.member(together, seed)
        assert {path.name for path in folder.iterdir()} == {path.name for path in finished_run.workdir.iterdir()}
        config = records.read(folder).config
        assert (config.seed, config.seeds, config.parallel) == (seed, 1, "jit")


def test_a_seed_is_sampled_measured_and_reported_as_any_run(copy, tmp_path):
    one = str(copy / "seed_8")
    sample.main(["--workdir", one, "--num", "4", "--out", str(tmp_path / "grid.png")])
    evaluate.main(["--workdir", one, "--metrics", "fid", "--num-samples", "200"])
    report.main([one])
    assert (tmp_path / "grid.png").exists()
    assert (copy / "seed_8" / "report.html").exists()
    assert (copy / "seed_8" / "evaluation.json").exists()


def test_a_seed_goes_on_alone(copy):
    """Then the others cannot go on with it: its steps were not theirs."""
    train.main(["--workdir", str(copy / "seed_8"), "--resume", "--steps", "12"])
    text = (copy / "seed_8" / "log.txt").read_text()
    assert "trained on 1 device (jit, 3 seeds at once) until step 8, now on 1 device (jit)" in text
    before = (copy / "seed_8" / "metrics.jsonl").read_bytes()
    with pytest.raises(ValueError, match=r"seed_8 was continued alone, to step 12: continue the other seeds alone too$"):
        train.main(["--workdir", str(copy), "--resume", "--steps", "20"])
    assert (copy / "seed_8" / "metrics.jsonl").read_bytes() == before


# --------------------------------------------------------------------------------------------------------- beside the folders


def test_the_means_are_those_of_the_seeds(together):
    rows = journal.rows(together)
    of_each = [journal.rows(seeds.member(together, seed)) for seed in seeds.of(together)]
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    for row, *each in zip(rows, *of_each, strict=True):
        for name in ("d_loss", "g_loss"):
            values = [other[name] for other in each]
            assert row[name] == pytest.approx(statistics.mean(values))
            assert row[name + spreads.STD] == pytest.approx(statistics.stdev(values))
        assert row["images_per_second"] == pytest.approx(sum(other["images_per_second"] for other in each), abs=0.1)
    summary = json.loads((together / "summary.json").read_text())
    assert summary["last"] == rows[-1]
    best = [summary["seeds"][str(seed)]["best"]["validation_log_likelihood"] for seed in (7, 8, 9)]
    assert best == [max(row.get("validation_log_likelihood", -np.inf) for row in each) for each in of_each]
    assert summary["best"]["validation_log_likelihood"] == pytest.approx(statistics.mean(best))
    assert (together / "curves.png").exists()


def test_a_warning_names_its_seed():
    row = {"step": 1, "d_loss": 1.0, "images_per_second": 1.0}
    found = spreads.means({4: row, 5: row | {"warning": "collapse?", "only": 1.0}})
    assert found["warning"] == "seed 5: collapse?"
    assert "only" not in found


def test_the_page_of_all_seeds(copy):
    report.main([str(copy)])
    page = (copy / "report.html").read_text()
    for seed in (7, 8, 9):
        assert f"seed {seed}, step 8" in page
    last = journal.rows(copy)[-1]
    assert f"{last['d_loss']:.5g}" in page
    assert f"{last['d_loss_std']:.5g}" in page
    with pytest.raises(ValueError, match=r"^--animation is of one run: give the folder of one in "):
        report.main([str(copy), "--animation", str(copy / "all.gif")])


def test_the_page_of_seeds_that_have_not_been_measured(copy):
    for seed in (7, 8, 9):
        (copy / f"seed_{seed}" / "metrics.jsonl").unlink()
        shutil.rmtree(copy / f"seed_{seed}" / "samples")
    (copy / "metrics.jsonl").unlink()
    report.main([str(copy)])
    assert "step 0 of 8" in (copy / "report.html").read_text()


# ------------------------------------------------------------------------------------------------------------------ resuming


def without_last(workdir, seed, step):
    shutil.rmtree(seeds.member(workdir, seed) / "checkpoints" / str(step))


@pytest.mark.slow
def test_killed_between_two_checkpoints_they_end_like_seeds_that_were_not(copy, together):
    """Seed 7 has the checkpoint of step 8, the others do not; the lines of the means are written again."""
    for seed in (8, 9):
        without_last(copy, seed, 8)
    (copy / "metrics.jsonl").write_text('{"step": 2')
    train.main(["--workdir", str(copy), "--resume"])
    for seed in (7, 8, 9):
        assert_same_end(seeds.member(copy, seed), seeds.member(together, seed))
    assert without_clock(copy) == without_clock(together)


@pytest.mark.slow
def test_a_damaged_checkpoint_is_set_aside(copy, together):
    broken = seeds.member(copy, 8) / "checkpoints" / "8"
    for path in sorted(path for path in broken.rglob("*") if path.is_file()):
        path.write_bytes(b"")
    train.main(["--workdir", str(copy), "--resume"])
    assert "moved to" in (copy / "seed_8" / "log.txt").read_text()
    assert (copy / "seed_8" / "damaged").exists()
    assert_same_end(copy / "seed_8", together / "seed_8")


def test_without_a_checkpoint_in_common_it_is_an_error(copy):
    for seed, kept in ((7, "8"), (8, "6"), (9, "8")):
        for path in (seeds.member(copy, seed) / "checkpoints").iterdir():
            if path.name != kept:
                shutil.rmtree(path)
    with pytest.raises(ValueError, match=r"no checkpoint in common \(newest: seed_7: 8, seed_8: 6, seed_9: 8\): continue each"):
        train.main(["--workdir", str(copy), "--resume"])


def test_if_none_that_all_have_is_good_it_is_an_error(copy):
    for folder in (copy / "seed_8" / "checkpoints").iterdir():
        for path in (path for path in folder.rglob("*") if path.is_file()):
            path.write_bytes(b"")
    with pytest.raises(ValueError, match="none of the checkpoints that all 3 seeds have can be used"):
        train.main(["--workdir", str(copy), "--resume"])


@pytest.mark.slow
def test_a_signal_saves_all(tmp_path, together):
    workdir = tmp_path / "all"
    line = [sys.executable, "-m", "jgan.train", *small_run(workdir, 100_000, *THREE)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not any((workdir / "seed_9" / "checkpoints").glob("[0-9]*")):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    assert f"all 3 seeds stopped at step {'' if 'step' in out else '?'}" in out
    assert (
        len({max(int(path.name) for path in (workdir / f"seed_{seed}" / "checkpoints").iterdir()) for seed in (7, 8, 9)}) == 1
    )


@pytest.mark.weekly
def test_kill_minus_nine_at_random_moments(tmp_path):
    """As in test_train.py, of three seeds: each file is that of seeds that were not killed."""
    moments, often = random.Random(3), ["--eval-every", "0", "--sample-every", "0", *THREE]
    whole, workdir = tmp_path / "whole", tmp_path / "killed"
    started = time.monotonic()
    train.main([*small_run(whole, 100), *often])
    span = time.monotonic() - started
    for _ in range(3):
        resume = ["--resume"] if (workdir / records.SEEDS).exists() else []
        line = [sys.executable, "-m", "jgan.train", *small_run(workdir, 100), *often, *resume]
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not any((workdir / "seed_9" / "checkpoints").glob("[0-9]*")):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.2) * span)
        process.kill()
        process.wait()
    train.main([*small_run(workdir, 100), *often, "--resume"])
    for seed in (7, 8, 9):
        assert_same_end(seeds.member(whole, seed), seeds.member(workdir, seed))
    assert without_clock(whole) == without_clock(workdir)


@pytest.mark.slow
def test_without_a_folder_the_newest_seeds_are_resumed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = small_run("", 4, *THREE)
    del arguments[arguments.index("--workdir") : arguments.index("--workdir") + 2]
    train.main(arguments)
    train.main(["digits", "--resume", "--steps", "8"])
    assert [path.name for path in Path("runs").iterdir()] == ["digits"]
    assert "continuing from step 4 of 8" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------- devices, phases, convolutions


@pytest.mark.slow
def test_four_devices_have_a_seed_each(tmp_path):
    one, four = tmp_path / "one", tmp_path / "four"
    train.main(small_run(one, 4, "--seeds", "4"))
    train.main(small_run(four, 4, "--seeds", "4", "--parallel", "shard", "--devices", "4"))
    for seed in (7, 10):
        assert_close(seeds.member(one, seed), seeds.member(four, seed))


@pytest.mark.slow
def test_the_seeds_of_several_devices_need_nothing_of_each_other():
    """No collective operation is in the program."""
    chosen = custom.choose("digits")
    config = api.run_config(chosen, None, {"parallel": "shard", "devices": 4, "seeds": 4, "batch_size": 20})
    run = assemble(config, Path("none"), chosen.model).with_mean()
    step = population.compiled_step(run, config, 2)
    states = jax.eval_shape(jax.vmap(run.gan.init), keys := jax.random.split(jax.random.key(0), 4))
    text = step.lower(keys, states, run.dataset.train).compile().as_text()
    assert "f32[" in text
    assert not any(word in text for word in ("all-reduce", "all-gather", "collective-permute", "all-to-all"))


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["dcgan", pytest.param("progan", marks=pytest.mark.weekly)])
def test_models_with_convolutions_and_with_phases(preset, tmp_path):
    """DCGAN's steps are not scanned on CPU; ProGAN has phases, whose boundary is crossed by all seeds."""
    often = ["--log-every", "1", "--sample-every", "2", "--checkpoint-every", "1", "--eval-every", "2", "--eval-samples", "50"]
    sizes = ["--model.stable-images", "4", "--model.fade-images", "4"]
    options = {
        "dcgan": ["dcgan", "--model.width", "4", "--batch-size", "8", "--steps", "2"],
        "progan": ["progan", "--model.fmap-max", "4", "--batch-size", "4", "--steps", "4", *sizes],
    }[preset]
    train.main([*options, *often, "--seeds", "2", "--workdir", str(tmp_path / "two")])
    train.main([*options, *often, "--seed", "1", "--workdir", str(tmp_path / "alone")])
    assert_close(tmp_path / "two" / "seed_1", tmp_path / "alone", 1e-4)


# --------------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seeds", "0"], "--seeds must be at least 1, found 0"),
        (["--seeds", "4", "--parallel", "pmap"], "--seeds 4 needs --parallel jit or shard"),
        (["--seeds", "4", "--parallel", "fsdp"], "--seeds 4 needs --parallel jit or shard"),
        (["--seeds", "4", "--loader", "streamed"], "--seeds 4 needs data on the device: leave --loader streamed out"),
        (["--seeds", "4", "--on-nonfinite", "rollback"], "--seeds 4 needs --on-nonfinite stop or skip"),
        (["--seeds", "3", "--parallel", "shard", "--devices", "2"], "--seeds must be a multiple of the 2 devices, found 3"),
        (["--seeds", "3", "--seed", "4294967295"], "the last of --seeds must be from 0 to 4294967295, found 4294967297"),
    ],
)
def test_bad_flags(flags, message, tmp_path):
    with pytest.raises(ValueError, match=f"^{message}"):
        train.main(["digits", *flags, "--workdir", str(tmp_path / "none")])
    assert not (tmp_path / "none").exists()


def test_folders_that_hold_something_else(together, finished_run, tmp_path):
    arguments = small_run(together, 8)
    with pytest.raises(ValueError, match="holds the runs of 3 seeds: give --resume to continue them, or another --workdir"):
        train.main(arguments)
    with pytest.raises(ValueError, match="holds the runs of 3 seeds: give --resume to continue them, or another --workdir"):
        train.main([*arguments, "--seeds", "3"])
    with pytest.raises(ValueError, match="of the seeds 7 to 9: expected --seed 7 --seeds 3, found --seed 7 --seeds 4"):
        train.main(["--workdir", str(together), "--resume", "--seeds", "4"])
    with pytest.raises(ValueError, match="holds the run of a single seed: give another --workdir, or leave --seeds out"):
        train.main(small_run(finished_run.workdir, 8, "--seeds", "3"))
    with pytest.raises(FileNotFoundError, match=r"holds the runs of several seeds: give the folder of one of them, .*seed_N"):
        sample.main(["--workdir", str(together)])
    with pytest.raises(ValueError, match="holds no run; leave the flag out to start one"):
        train.main(small_run(tmp_path / "none", 8, "--seeds", "3", "--resume"))


@pytest.mark.parametrize("content", ["[]", '{"seeds": ["a"]}', '{"seeds": []}', "{", '{"seeds": 3}'])
def test_a_damaged_list_of_seeds(copy, content):
    (copy / records.SEEDS).write_text(content)
    with pytest.raises(ValueError, match=r"seeds\.json: expected a list of whole numbers as seeds, found .*; restore it$"):
        train.main(["--workdir", str(copy), "--resume"])


def test_a_value_that_is_not_finite_names_its_seed(copy, monkeypatch):
    before = loop.events

    def broken(run, stage, session, state, step, *, stopping):
        if run.config.seed == 8:
            raise journal.NonFiniteError(f"d_loss is nan at step {step}")
        return before(run, stage, session, state, step, stopping=stopping)

    monkeypatch.setattr(loop, "events", broken)
    with pytest.raises(ValueError, match=r"^seed 8: d_loss is nan at step 10; the checkpoint of step 8 is kept"):
        train.main(["--workdir", str(copy), "--resume", "--steps", "10"])


def test_verify_reads_those_of_all_seeds(copy, capsys):
    train.main(["--verify", str(copy)])
    assert capsys.readouterr().out.count("none is damaged") == 3
    damaged = copy / "seed_7" / "checkpoints" / "8" / about_file.ABOUT / "metadata"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"checkpoints of 1 of the 3 folders are damaged, the first in .*seed_7"):
        train.main(["--verify", str(copy)])
    assert capsys.readouterr().out.count("none is damaged") == 2  # the others are read all the same


# ------------------------------------------------------------------------------------------------------------------ in Python


@pytest.mark.slow
def test_train_seeds(together, tmp_path):
    config = dataclasses.replace(models.presets()["digits"].config, g_units=(16,), d_units=(8,))
    known = {"batch_size": 20, "eval_samples": 200, "log_every": 2, "sample_every": 4, "checkpoint_every": 2, "eval_every": 4}
    trained = train_seeds("digits", config, seeds=3, steps=8, seed=7, workdir=tmp_path / "all", **known)
    assert all(isinstance(each, Trained) for each in trained)
    assert [each.run.config.seed for each in trained] == [7, 8, 9]
    assert_same_end(tmp_path / "all" / "seed_9", together / "seed_9")
    with pytest.raises(ValueError, match=r"seeds must be at least 2, found 1"):
        train_seeds("digits", seeds=1)
    with pytest.raises(ValueError, match=r"train\(\) trains one seed, found seeds=2: use jgan.training.train_seeds"):
        training.train("digits", seeds=2, workdir=tmp_path / "none")
