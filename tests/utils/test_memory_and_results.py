"""The memory that a request may take, and results that are written before they are shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jgan.utils import checks, memory, registry, text
from jgan.utils.results import Results


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 KB"),
        (2_000_000, "2 MB"),
        (123_456_789_000, "123 GB"),
        (10**24, "1000000 EB"),
    ],
)
def test_sizes_in_words(size, words):
    assert memory.in_words(size) == words


def test_the_least_limit_counts(monkeypatch):
    monkeypatch.setattr(memory, "_of_the_machine", lambda: 500)
    monkeypatch.setattr(memory, "_of_the_container", lambda: 300)
    monkeypatch.setattr(memory, "_of_the_process", lambda: None)
    assert memory.available() == 300
    memory.require("it", 300)
    with pytest.raises(ValueError, match="it: fewer: about 301 bytes of memory are needed, and 300 bytes are available"):
        memory.require("it: fewer", 301)
    monkeypatch.setattr(memory, "_of_the_container", lambda: -5)  # more is taken than the limit
    assert memory.available() == 1
    for name in ("_of_the_machine", "_of_the_container"):
        monkeypatch.setattr(memory, name, lambda: None)
    assert memory.available() is None
    memory.require("it", 10**30)  # nothing is known, so nothing is refused


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux only")
def test_a_limit_of_the_process_is_seen():
    code = """
import resource
from jgan.utils import memory
resource.setrlimit(resource.RLIMIT_AS, (64 << 30, 64 << 30))
print(0 < memory._of_the_process() < 64 << 30)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_few_names():
    assert text.listed([]) == ""
    assert text.listed("abc", 3) == "a, b, c"
    assert text.listed(map(str, range(1007)), 3) == "0, 1, 2 ... (1,007 in all)"
    assert len(text.listed(["x" * 1000])) == 200
    assert registry.unknown("loss", "y" * 1000, ["a"]).startswith(f"unknown loss '{'y' * 57}...': known are a")


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 10**5000], ids=["bool", "float", "text", "None", "huge"])
def test_what_is_no_seed(value):
    with pytest.raises(ValueError, match="seed must be") as error:
        checks.seed(value)
    assert len(str(error.value)) < 100


def test_results_are_on_the_disk_when_they_are_shown(tmp_path, monkeypatch, capsys):
    found = Results(tmp_path / "a.json", "p", {"jax": "1"})
    on_disk = []
    monkeypatch.setattr("jgan.utils.output.show", lambda text: on_disk.append((text, json.loads(found.out.read_text()))))
    found.about(seed=3)
    found.add("one", a=1)
    found.fail("b", "broken\nin two lines")
    found.fail("c", "too")
    with pytest.raises(ValueError, match=r"^c: too$"):
        found.end()
    assert on_disk[0] == ("one", {"seed": 3, "a": 1, "environment": {"jax": "1"}})
    text, last = on_disk[1]
    assert text == f"written to {found.out}"
    assert last["failed"] == {"b": "broken in two lines", "c": "too"}
    assert capsys.readouterr().err == "p: error: b: broken in two lines\n"
