"""Event files: the metrics and pictures of a run, also of one that was resumed."""

import io
import sys

import numpy as np
import pytest
from PIL import Image
from small_runs import small_run

from jgan import train
from jgan.data import tfrecord
from jgan.training import board, journal

pytest.importorskip("tensorboardX")
from tensorboardX.proto.event_pb2 import Event


def events(workdir):
    """All events of a run, in the order of the files."""
    files = sorted((workdir / "tensorboard").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    records = [(path.read_bytes(), tfrecord.places(path).tolist()) for path in files]
    return [Event.FromString(content[at : at + length]) for content, places in records for at, length in places]


def values(found, name):
    return {event.step: value for event in found for value in event.summary.value if value.tag == name}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run of 4 steps, stopped and resumed at 4, of 8 in all."""
    workdir = tmp_path_factory.mktemp("board") / "run"
    train.main([*small_run(workdir, 4), "--tensorboard"])
    train.main(["--workdir", str(workdir), "--resume", "--steps", "8"])
    return workdir


@pytest.mark.slow
def test_every_line_of_metrics_is_there(workdir):
    found, rows = events(workdir), journal.rows(workdir)
    assert len(rows) == 4
    for row in rows:
        for name in ("d_loss", "g_loss", "images_per_second"):
            assert values(found, name)[row["step"]].simple_value == pytest.approx(row[name], rel=1e-6)
    measured = [row for row in rows if "validation_log_likelihood" in row]
    assert set(values(found, "validation_log_likelihood")) == {row["step"] for row in measured}


def test_every_picture_is_there(workdir):
    found = values(events(workdir), "samples")
    paths = sorted((workdir / "samples").glob("*.png"))
    assert {f"step_{step:08}.png" for step in found} == {path.name for path in paths}
    shown = Image.open(io.BytesIO(found[8].image.encoded_image_string))
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(Image.open(paths[-1]).convert("RGB")))


def test_a_resumed_run_hides_what_came_after_its_checkpoint(workdir):
    starts = [event.step for event in events(workdir) if event.HasField("session_log")]
    assert starts == [5]


def test_a_run_without_the_flag_writes_none(finished_run):
    assert not (finished_run.workdir / "tensorboard").exists()


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_the_state_is_saved(tmp_path, monkeypatch):
    from tensorboardX.record_writer import RecordWriter

    def full(self, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        write, count = RecordWriter.write, iter(range(100))
        patched.setattr(RecordWriter, "write", lambda self, data: (full if next(count) > 2 else write)(self, data))
        with pytest.raises(OSError, match=r"No space left on device: '.*events.out.tfevents"):
            train.main([*small_run(tmp_path / "run", 8), "--tensorboard"])
    assert list((tmp_path / "run" / "checkpoints").iterdir())
    train.main(["--workdir", str(tmp_path / "run"), "--resume"])
    assert {row["step"] for row in journal.rows(tmp_path / "run")} == {2, 4, 6, 8}


def test_what_a_rollback_undoes_is_hidden(tmp_path):
    with board.Board(tmp_path, 0, wanted=True) as found:
        found.row({"step": 2, "d_loss": 1.0})
        found.restart(0)
    assert [event.step for event in events(tmp_path) if event.HasField("session_log")] == [1]


def test_text_is_written_as_it_is(tmp_path):
    (tmp_path / "step_2.txt").write_text("to *be*\nor not\n")
    with board.Board(tmp_path, 0, wanted=True) as found:
        found.samples(tmp_path / "step_2.txt", 2)
    (value,) = values(events(tmp_path), "samples/text_summary").values()
    assert value.tensor.string_val == [b"    to *be*\n    or not"]


def test_without_tensorboardx_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match=r"--tensorboard needs tensorboardX, which is not installed: pip install 'jgan\[tens"):
        train.main([*small_run(tmp_path / "run", 4), "--tensorboard"])
    assert not (tmp_path / "run").exists()
