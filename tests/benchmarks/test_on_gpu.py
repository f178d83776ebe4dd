"""The runbook for an accelerator: its commands are valid, and what is done, stopped or failed is told and kept."""

import importlib
import json
import time
from pathlib import Path

import pytest

from benchmarks import on_gpu
from jgan.utils import cli

WRITES = "import sys, pathlib; pathlib.Path(sys.argv[2]).write_text('{}')"
WAITS = """
import signal, sys, pathlib, time
count = pathlib.Path(sys.argv[2] + ".count")
def stop(*_):
    count.write_text(str(int(count.read_text() or 0) + 1) if count.exists() else "1")
    sys.exit(1)
signal.signal(signal.SIGINT, stop)
if count.exists(): pathlib.Path(sys.argv[2]).write_text("{}")
else: time.sleep(60)
"""
FAILS = "import sys; sys.exit(3)"


@pytest.fixture
def runbook(tmp_path, monkeypatch):
    """Tasks that take no accelerator, in the modules of a folder on the path."""
    for name, code in (("writes", WRITES), ("waits", WAITS), ("fails", FAILS)):
        (tmp_path / f"task_{name}.py").write_text(code)
    tasks = {
        name: on_gpu.Task(f"task_{name}", f"--out {{results}}/{name}.json", 0.01, True, f"a task that {name}")
        for name in ("fails", "writes", "waits")
    }
    monkeypatch.setattr(on_gpu, "TASKS", tasks)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def called(*flags):
        on_gpu.main(["--results", str(tmp_path / "results"), *flags])
        path = tmp_path / "results" / "on_gpu.json"
        return {name: task["state"] for name, task in json.loads(path.read_text())["tasks"].items()}

    (tmp_path / "results").mkdir()
    return called


@pytest.mark.parametrize("name", on_gpu.TASKS)
def test_the_flags_of_each_task_are_those_of_its_command(name):
    task = on_gpu.TASKS[name]
    module = importlib.import_module(task.module)
    words = on_gpu.line(task, on_gpu.Args(data_dir=Path("data"), results=Path("out")), 5)
    assert words[:2] == ["-m", task.module]
    parsed = cli.parse(module.Args, words[2:], prog=module.PROG, description="")
    assert on_gpu.result_of(task, on_gpu.Args(results=Path("out")), name).parts[0] == "out"
    assert not task.goes_on or getattr(parsed, "minutes", 5.0) == 5.0


@pytest.mark.slow
def test_every_task_begins_and_what_is_done_is_not_begun_again(runbook, capsys):
    began = time.monotonic()
    assert runbook("--minutes", "0.1") == {"fails": "failed with status 3", "writes": "done", "waits": "stopped"}
    assert time.monotonic() - began < 30
    capsys.readouterr()
    assert runbook("--minutes", "0.5") == {"fails": "failed with status 3", "writes": "done", "waits": "done"}
    out = capsys.readouterr().out
    assert "writes" not in out
    assert out.index("waits: done") < out.index("fails: failed with status 3")


def test_a_task_that_has_written_no_result_is_not_done(runbook, monkeypatch):
    monkeypatch.setattr(on_gpu, "run", lambda command, seconds: "done")
    assert runbook("--tasks", "writes") == {"writes": "stopped"}


def test_a_task_that_has_too_little_time_is_left(runbook, tmp_path, monkeypatch, capsys):
    tasks = {name: task._replace(least=3.0) for name, task in on_gpu.TASKS.items()}
    monkeypatch.setattr(on_gpu, "TASKS", tasks | {"writes": tasks["writes"]._replace(least=0.01)})
    assert runbook("--minutes", "1") == {"writes": "done"}
    assert "waits: left for the next call, it needs at least 3 minutes" in capsys.readouterr().out


def test_the_list(runbook, capsys):
    runbook("--tasks", "writes")
    capsys.readouterr()
    runbook("--list")
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.split() == ["fails", "not", "begun", "a", "task", "that", "fails"]
    assert second.split()[:2] == ["writes", "done"]
    assert third.split()[:3] == ["waits", "not", "begun"]


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="unknown task 'snga', did you mean 'sngan'"):
        on_gpu.main(["--tasks", "snga"])
    with pytest.raises(ValueError, match="--data-dir: expected the folder with the subfolders mnist and cifar10"):
        on_gpu.main(["--results", str(tmp_path), "--tasks", "sngan"])
