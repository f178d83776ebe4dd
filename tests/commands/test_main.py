"""`jgan` and `python -m jgan`: the list of the commands, and how one is started."""

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jgan
from jgan import __main__ as command


def test_every_command_is_listed_and_is_a_module(capsys):
    command.main([])
    out = capsys.readouterr().out
    for name in command.COMMANDS:
        assert f"  jgan {name} " in out
        assert importlib.util.find_spec(f"jgan.{name}") is not None


def test_the_script_is_this_function():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="jgan")
    assert script.load() is command.main


def test_the_version(capsys):
    command.main(["--version"])
    assert capsys.readouterr().out == f"jgan {jgan.__version__}\n"


def test_the_version_to_cite_is_that_of_the_package():
    root = Path(__file__).parents[2]
    (version,) = re.findall(r'^version = "(.*)"$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    assert f"\nversion: {version}\n" in (root / "CITATION.cff").read_text()


def test_an_unknown_command(capsys):
    with pytest.raises(SystemExit) as leaving:
        command.main(["trian"])
    assert leaving.value.code == 2
    assert capsys.readouterr().err.startswith("jgan: error: unknown command 'trian', did you mean 'train'? Known are data, ")


def test_a_command_gets_its_arguments():
    """As if it had been started by its own name: the messages and the exit status are its own."""
    line = [sys.executable, "-m", "jgan", "report", "no/such/run"]
    found = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert found.returncode == 2
    assert found.stderr.startswith("python -m jgan.report: error: no/such/run: expected the folder of a run")
