"""Runs whose data are read while they train end with the same bits as runs on resident data."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import assert_same_end, without_clock

from jgan import train
from jgan.data.loader import Stream
from jgan.models import dcgan
from jgan.training import api, feed, stopping

TINY = ("--batch-size", "8", "--eval-samples", "60", "--log-every", "2", "--sample-every", "4", "--checkpoint-every", "2")
SMALL = ("digits", "--model.g-units", "16", "--model.d-units", "8", *TINY, "--eval-every", "8")
CONV = ("--model.width", "2", "--model.latent-size", "3", *TINY, "--eval-every", "0")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for number in range(90):
        place = root / "ab"[number % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (9, 11, 3), np.uint8)).save(place / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    """A run on resident data."""
    workdir = tmp_path_factory.mktemp("runs") / "resident"
    trained(workdir, photos, "--loader", "resident")
    return workdir


def trained(workdir, photos, *more, steps=8):
    flags = ["--dataset", "folder:8", "--data-dir", str(photos), "--workdir", str(workdir), "--steps", str(steps)]
    train.main([*SMALL, *flags, *more])


def test_a_streamed_run_ends_with_the_bits_of_a_resident_one(run, photos, tmp_path, capsys):
    trained(tmp_path / "run", photos, "--loader", "streamed")
    assert "read from the files by threads while the device computes" in capsys.readouterr().out
    assert_same_end(run, tmp_path / "run")
    picture = "samples/step_00000008.png"
    assert (run / picture).read_bytes() == (tmp_path / "run" / picture).read_bytes()


@pytest.mark.weekly
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_to_all_processes_while_workers_start(photos, tmp_path, name):
    flags = [*SMALL, "--dataset", "folder:8", "--data-dir", str(photos), "--steps", "2000", "--workdir", str(tmp_path / "run")]
    command = [sys.executable, "-m", "jgan.train", *flags, "--loader", "streamed", "--loader-workers", "2"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        limit = time.monotonic() + 200
        while time.monotonic() < limit and sum(_is_worker(pid) for pid in _children(run.pid)) < 2:
            time.sleep(0.05)
        time.sleep(0.3)
        os.killpg(run.pid, getattr(signal, name))
        _, told = run.communicate(timeout=200)
    assert run.returncode == 128 + getattr(signal, name)
    assert "Traceback" not in told
    assert "stopped at step" in (tmp_path / "run" / "log.txt").read_text()


def _children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += task.read_text().split()
    return found


def _is_worker(pid):
    with contextlib.suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@pytest.mark.slow
def test_a_zip_archive_does(run, photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in sorted(photos.rglob("*.png")):
            archive.write(file, file.relative_to(photos))
    trained(tmp_path / "run", tmp_path / "photos.zip", "--loader", "streamed")
    assert without_clock(run) == without_clock(tmp_path / "run")


def stop_at(monkeypatch, step):
    """Sends SIGTERM while the data of a step are taken; 0 for never."""
    for kind in (feed.Resident, feed.Streamed):

        def take(self, size, kept=kind.take):
            self.taken = getattr(self, "taken", 0) + 1
            if self.taken == step:
                os.kill(os.getpid(), signal.SIGTERM)
            return kept(self, size)

        monkeypatch.setattr(kind, "take", take)


@pytest.mark.slow
def test_so_does_one_that_is_stopped_twice_and_goes_on_otherwise(run, photos, tmp_path, monkeypatch):
    for loader, stop, more in (("streamed", 2, ()), ("resident", 1, ("--resume",)), ("streamed", 0, ("--resume",))):
        with monkeypatch.context() as patched:
            stop_at(patched, stop)
            if stop:
                with pytest.raises(stopping.Stopped):
                    trained(tmp_path / "run", photos, "--loader", loader, *more)
            else:
                trained(tmp_path / "run", photos, "--loader", loader, *more)
    assert_same_end(run, tmp_path / "run")
    assert (tmp_path / "run" / "log.txt").read_text().count("stopped at step") == 2


@pytest.mark.parametrize("mode", [pytest.param("pmap", marks=pytest.mark.slow), "shard"])
def test_on_several_devices(photos, tmp_path, mode):
    for loader in ("resident", "streamed"):
        trained(tmp_path / loader, photos, "--loader", loader, "--parallel", mode, steps=4)
    assert_same_end(tmp_path / "resident", tmp_path / "streamed")


def conv_runs(photos, tmp_path, model, *more):
    for loader in ("resident", "streamed"):
        flags = ["--dataset", "folder:8", "--data-dir", str(photos), "--steps", "2", "--loader", loader, *more]
        train.main([model, *CONV, *flags, "--workdir", str(tmp_path / loader)])
    return tmp_path / "resident", tmp_path / "streamed"


@pytest.mark.slow
def test_a_model_of_several_minibatches_a_step(photos, tmp_path):
    """Bit for bit, in processes with XLA's optimisations: without, as here, the gathering is fused with what follows."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "JAX_"))}
    for loader in ("resident", "streamed"):
        flags = ["--dataset", "folder:8", "--data-dir", str(photos), "--steps", "2", "--loader", loader]
        flags += ["--model.rule.n-critic", "3", "--workdir", str(tmp_path / loader)]
        command = [sys.executable, "-m", "jgan.train", "wgan", *CONV, *flags]
        subprocess.run(command, env=kept | {"JAX_PLATFORMS": "cpu"}, check=True, capture_output=True)
    assert_same_end(tmp_path / "resident", tmp_path / "streamed")


@pytest.mark.slow
def test_a_model_with_labels(photos, tmp_path):
    """To rounding: XLA fuses the gathering of labels with what uses them. The batches themselves are equal: `test_loader`."""
    resident, streamed = map(without_clock, conv_runs(photos, tmp_path, "cdcgan"))
    assert resident[0]["d_loss"] == pytest.approx(streamed[0]["d_loss"], rel=1e-5)
    assert resident[0]["g_loss"] == pytest.approx(streamed[0]["g_loss"], rel=1e-5)


@pytest.mark.weekly
def test_worker_processes_and_another_number_of_them(run, photos, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, 2)
        with pytest.raises(stopping.Stopped):
            trained(tmp_path / "run", photos, "--loader", "streamed", "--loader-workers", "1")
    trained(tmp_path / "run", photos, "--loader", "streamed", "--loader-workers", "2", "--resume")
    assert_same_end(run, tmp_path / "run")


@pytest.mark.slow
def test_arrays_in_memory_are_streamed_too(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8)
    options = {"batch_size": 8, "eval_samples": 50, "sample_every": 0, "eval_every": 0, "steps": 3}
    for loader in ("resident", "streamed"):
        api.train(dcgan.Config(width=2, latent_size=3), dataset=images, workdir=tmp_path / loader, loader=loader, **options)
    assert "from the host's memory by threads" in capsys.readouterr().out
    assert without_clock(tmp_path / "resident") == without_clock(tmp_path / "streamed")


def test_the_loader_is_chosen_by_the_memory_and_said_in_the_plan(photos, tmp_path, monkeypatch, capsys):
    flags = [
        "dcgan",
        "--dataset",
        "folder:8",
        "--data-dir",
        str(photos),
        *TINY,
        "--workdir",
        str(tmp_path / "run"),
        "--dry-run",
    ]
    train.main(flags)
    assert "data: 12 KB, on the device" in capsys.readouterr().out
    monkeypatch.setattr("jgan.data.lazy.memory.available", lambda: 90 * 8 * 8 * 3)
    monkeypatch.setattr("jgan.training.folder.memory.require", lambda what, size: None)
    train.main(flags)
    assert "data: 12 KB, read from the files by threads" in capsys.readouterr().out


@pytest.mark.slow
def test_a_broken_image_stops_the_run_before_it_begins_or_is_left_out(photos, tmp_path, capsys):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "a" / "10.png").write_bytes(b"\x89PNG, but no more")
    for loader in ("resident", "streamed"):
        with pytest.raises(ValueError, match=r"10\.png: expected an image"):
            trained(tmp_path / "none", tmp_path / "photos", "--loader", loader, steps=2)
        assert not (tmp_path / "none").exists()
        trained(tmp_path / loader, tmp_path / "photos", "--loader", loader, "--on-bad-image", "skip", steps=2)
        said = "left out, because they cannot be read, 1 images: "
        assert said in capsys.readouterr().out
        assert said in (tmp_path / loader / "log.txt").read_text()
    assert_same_end(tmp_path / "resident", tmp_path / "streamed")


@pytest.mark.parametrize("kind", ["stop", "skip"])
@pytest.mark.slow
def test_one_that_breaks_in_the_middle(photos, tmp_path, kind, monkeypatch, capsys):
    """Every image of a class is overwritten while the run computes: it is named, and stops the run or is replaced."""
    shutil.copytree(photos, tmp_path / "photos")

    def begin(self, run, key, first, end, kept=feed.Streamed.begin):
        (tmp_path / "photos" / "a" / "10.png").write_bytes(b"no image")
        (tmp_path / "photos" / "b" / "11.png").unlink()
        kept(self, run, key, first, end)

    monkeypatch.setattr(feed.Streamed, "begin", begin)
    flags = ("--loader", "streamed", "--on-bad-image", kind, "--held-out", "0")
    if kind == "stop":
        with pytest.raises((ValueError, OSError), match=r"1[01]\.png"):
            trained(tmp_path / "run", tmp_path / "photos", *flags, steps=12)
        return
    whole = np.zeros((90, 8, 8, 3), np.float32)
    monkeypatch.setattr("jgan.evaluation.criteria.RealImages.part", lambda self, name, first=None: whole[:first])
    trained(tmp_path / "run", tmp_path / "photos", *flags, steps=12)
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "warning: another image is taken in place of one that cannot be read (1 so far): " in log
    assert "a/10.png" in log
    assert "b/11.png" in log
    assert log.count("warning: another image") == 2  # each once, though each is met in several epochs


@pytest.mark.slow
def test_a_run_of_more_epochs_than_a_stream_has_goes_on(photos, tmp_path, monkeypatch):
    flags = ("--loader", "streamed", "--batch-size", "30")
    trained(tmp_path / "whole", photos, *flags, steps=12)
    monkeypatch.setattr("jgan.data.loader.MOST_EPOCHS", 1)
    opened = []
    kept = Stream.__init__
    monkeypatch.setattr(Stream, "__init__", lambda self, *args: (opened.append(args), kept(self, *args))[1])
    trained(tmp_path / "run", photos, *flags, steps=12)
    assert len(opened) > 3
    assert_same_end(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.slow
def test_the_log_names_a_loader_that_is_the_bottleneck(photos, tmp_path, monkeypatch, slow):
    monkeypatch.setattr(feed, "CALLS", 3)
    monkeypatch.setattr(feed, "LONG", 0.001 if slow else 60)
    kept = feed.Streamed._next
    monkeypatch.setattr(feed.Streamed, "_next", lambda self: (time.sleep(0.2), kept(self))[1])
    trained(tmp_path / "run", photos, "--loader", "streamed", steps=8)
    said = "reading the data takes longer than the steps"
    assert (tmp_path / "run" / "log.txt").read_text().count(said) == slow


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--loader", "stream"), r"loader.*resident.*streamed"),
        (("--on-bad-image", "ignore"), r"on-bad-image.*stop.*skip"),
        (("--loader", "resident", "--loader-workers", "2"), r"--loader-workers 2 needs --loader streamed or auto"),
        (("--loader-workers", "-1"), r"--loader-workers must be at least 0, found -1"),
        (("--loader-workers", "100000"), r"--loader-workers must be at most \d+ on this machine, found 100000"),
    ],
)
def test_wrong_options(photos, tmp_path, flags, message):
    with pytest.raises((ValueError, SystemExit), match=message) as error:
        trained(tmp_path / "run", photos, *flags)
    assert not (tmp_path / "run").exists()
    assert "Traceback" not in str(error.value)


def test_without_grain(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(ValueError, match=r"streamed with Grain, which is not installed: pip install 'jgan\[stream\]'"):
        trained(tmp_path / "run", photos, "--loader", "streamed")
