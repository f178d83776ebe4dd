"""Damaged files of every format: one line that names the file, or arrays of the right shape."""

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("the memory of a child process is bounded on Linux only", allow_module_level=True)

import fuzzing

from jgan.data import cifar


@pytest.fixture(autouse=True)
def _small_cifar(monkeypatch):
    monkeypatch.setattr(cifar, "IMAGES_PER_FILE", 20)


@pytest.mark.slow
def test_damaged_files():
    counts, wrong = fuzzing.survey(100)
    assert not wrong, "\n".join(wrong)
    assert sum(count.total() for count in counts.values()) >= 100
    assert sum(count["refused"] for count in counts.values()) > 50


@pytest.mark.weekly
@pytest.mark.parametrize("seed", range(1, 3))
def test_many_damaged_files(seed):
    counts, wrong = fuzzing.survey(2500, seed)
    assert not wrong, "\n".join(wrong)
    assert all(count["refused"] for count in counts.values())
