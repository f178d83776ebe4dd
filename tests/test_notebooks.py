"""The pairs in `notebooks/`: the text and the executed notebook are one, and the notebook was executed whole.

`.ci/run` executes them anew.
"""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))
LARGEST = 1.5e6
"""bytes of a notebook with its pictures"""


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def text(request) -> Path:
    return request.param


def executed(text: Path) -> nbformat.NotebookNode:
    return nbformat.read(text.with_suffix(".ipynb"), as_version=4)


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_the_two_are_one(text):
    """After a change to the text: `jupytext --sync` and `jupyter execute --inplace`, see `notebooks/jupytext.toml`."""
    cells = [[(cell.cell_type, cell.source) for cell in notebook.cells] for notebook in (jupytext.read(text), executed(text))]
    assert cells[0] == cells[1]


def test_it_was_executed_in_order_and_whole(text):
    code = [cell for cell in executed(text).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert "error" not in {output.output_type for output in outputs}
    assert "stderr" not in {output.get("name") for output in outputs}
    assert any("image/png" in output.get("data", {}) for output in outputs)


def test_it_is_small_and_names_no_machine(text):
    assert text.with_suffix(".ipynb").stat().st_size < LARGEST
    printed = "".join(
        str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
        for cell in executed(text).cells
        for output in cell.get("outputs", [])
    )
    assert not re.search(r"/(home|root|tmp|work|Users)/", printed)


def test_it_installs_jgan_where_it_is_missing(text):
    """On Colab a notebook is opened without its repository."""
    notebook = executed(text)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert 'find_spec("jgan") is None' in first.source
    assert '"pip", "install", "-q", "jgan"' in first.source
    assert notebook.metadata.kernelspec.name == "python3"
