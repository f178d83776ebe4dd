"""Files that are replaced: by a name that nobody can foresee, and only once their content is on the disk."""

import os

import pytest

from jgan.utils import files


def test_a_link_planted_under_the_temporary_name_is_not_followed(tmp_path, monkeypatch):
    """Even if the name were guessed."""
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "guessed")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".a.txt.guessed.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError), files.replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("other")
    assert victim.read_text() == "precious"


def test_the_temporary_name_differs_from_time_to_time(tmp_path):
    names = set()
    for _ in range(3):
        with files.replacing(tmp_path / "a.txt") as temporary:
            names.add(temporary.name)
            temporary.write_text("whole")
    assert len(names) == 3


def test_content_and_name_are_flushed_before_and_after_the_rename(tmp_path, monkeypatch):
    happened, fsync = [], os.fsync

    def recording(handle):
        path = os.readlink(f"/proc/self/fd/{handle}")
        happened.append((path, (tmp_path / "a.txt").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", recording)
    with files.replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
        written = str(temporary)
    assert happened == [(written, False), (str(tmp_path), True)]


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def half() -> None:
        with files.replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
