"""The tables of the README and of the site are what the result files say, and the drawing of them."""

import json

import pytest

from benchmarks import drawings, tables
from jgan.utils import cli

RESULT = {
    "command": "python -m benchmarks.throughput",
    "options": {"batch_size": 100, "repeats": 10},
    "environment": {
        "python": "3.11.7",
        "packages": {"jax": "0.10.2"},
        "pytorch": "2.13.0",
        "device": "cpu: x86_64, 2 cores",
        "date": "2026-11-21T10:00:00+00:00",
    },
    "matrix_product": {"JAX": {"median": 200.0, "min": 190.0, "max": 210.0}},
    "needed_gflop": 2.8208,
    "steps": {
        "jgan, jit": {
            "images_per_second": {"median": 5500.0, "min": 5000.0, "max": 6000.0},
            "compile_seconds": 3.21,
            "compiled_gflop": 2.8512,
            "share_of_product": 0.776,
        },
        "PyTorch, usual order, eager": {
            "images_per_second": {"median": 2500.0, "min": 2400.0, "max": 2600.0},
            "compile_seconds": 0.0,
            "compiled_gflop": None,
            "share_of_product": None,
        },
    },
    "ratio": {"jgan": "jgan, jit", "pytorch": "PyTorch, usual order, eager", "value": 2.2},
}

FIGURE = {"mean": 230.06, "standard_error": 1.55, "sigma": 0.21544, "validation": 231.0}

TABLE1 = {
    "command": "python -m benchmarks.mnist_parzen",
    "environment": RESULT["environment"] | {"pytorch": None},
    "epochs": 1000,
    "seeds": 2,
    "num_samples": 10_000,
    "test_images": 10_000,
    "paper": {"mean": 225.0, "standard_error": 2.0},
    "chosen": "average of 5 epochs",
    "figures": {
        "last": {"best validation": {"mean": 200.0, "standard_error_over_seeds": None, "seeds": [FIGURE]}},
        "average of 5 epochs": {
            "last epoch": {"mean": 229.0, "standard_error_over_seeds": 1.5, "seeds": [FIGURE, FIGURE]},
            "best validation": {
                "mean": 235.06,
                "standard_error_over_seeds": 5.04,
                "seeds": [FIGURE, FIGURE | {"mean": 240.12, "standard_error": 1.65, "sigma": 0.1668}],
            },
        },
    },
    "anchors": {"training_images": {"num_samples": 10_000} | FIGURE},
}

TEXT = "# Title\n\n<!-- table: throughput_cpu -->\nold\n<!-- end -->\n\nthe rest\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "throughput_cpu.json").write_text(json.dumps(RESULT))
    (tmp_path / "README.md").write_text(TEXT)
    return tmp_path


def options(folder):
    return ["--files", str(folder / "README.md"), "--results", str(folder)]


@pytest.mark.parametrize("path", tables.pages(), ids=lambda path: path.name)
def test_the_tables_are_what_the_files_say(path):
    _, stale = tables.draw(path.read_text())
    assert not stale, f"run {tables.PROG}"


def test_a_table_of_several_results(tmp_path):
    """That of the papers, and what is said if one of its results is not there or not what it should be."""
    names = tables.TABLES["papers"].sources
    for name in names:
        (tmp_path / f"{name}.json").write_text((tables.RESULTS / f"{name}.json").read_text())
    assert tables.render("papers", tmp_path) == tables.render("papers")
    (tmp_path / f"{names[1]}.json").write_text("{}")
    with pytest.raises(ValueError, match=f"{names[0]} and .*{names[1]}.*: not a result that"):
        tables.render("papers", tmp_path)
    (tmp_path / f"{names[1]}.json").unlink()
    with pytest.raises(FileNotFoundError, match=f"{names[1]}.json is not there"):
        tables.render("papers", tmp_path)


def test_throughput_table():
    lines = drawings.throughput(RESULT).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[2] == ["jgan, jit", "5,500", "5,000 to 6,000", "2.20", "78%", "2.851", "3.2"]
    assert cells[3] == ["PyTorch, usual order, eager", "2,500", "2,400 to 2,600", "1.00", "", "", "0.0"]
    assert {len(row) for row in cells} == {7}
    for fact in ("Batch 100", "2.821 GFLOP", "JAX 200 (190 to 210)", "2 cores", "jax 0.10.2", "PyTorch 2.13.0", "2026-11-21."):
        assert fact in lines[-1]


def test_throughput_table_without_pytorch():
    alone = RESULT | {"ratio": None, "steps": {"jgan, jit": RESULT["steps"]["jgan, jit"]}}
    alone["environment"] = RESULT["environment"] | {"pytorch": None}
    table = drawings.throughput(alone)
    assert "PyTorch" not in table
    assert "| jgan, jit | 5,500 | 5,000 to 6,000 | 78% | 2.851 | 3.2 |" in table


def test_table1():
    lines = drawings.table1(TABLE1).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[2:] == [
        ["adversarial nets (published)", "225", "2", "", "", ""],
        ["last, best validation", "200.0", "1.6", "", "230.1", "0.2154"],
        ["average of 5 epochs, last epoch", "229.0", "1.6", "1.5", "230.1, 230.1", "0.2154"],
        [
            *("**average of 5 epochs, best validation**", "**235.1**", "**1.6**", "**5.0**"),
            *("**230.1, 240.1**", "**0.1668, 0.2154**"),
        ],
        ["10,000 training images", "230.1", "1.6", "", "", "0.2154"],
    ]
    for fact in ("2 seeds", "1000 epochs", "10,000 samples", "`python -m benchmarks.mnist_parzen`", "2026-11-21."):
        assert fact in lines[-1]


def test_draws_between_the_markers_and_nowhere_else(folder):
    drawn, stale = tables.draw(TEXT, folder)
    assert stale == ["throughput_cpu"]
    before, rest = drawn.split("<!-- table: throughput_cpu -->\n")
    table, after = rest.split("\n<!-- end -->")
    assert (before, after) == ("# Title\n\n", "\n\nthe rest\n")
    assert table == drawings.throughput(RESULT)
    assert tables.draw(drawn, folder) == (drawn, [])


def test_check_writes_nothing_and_tells(folder, capsys):
    with pytest.raises(SystemExit) as leaving:
        tables.main([*options(folder), "--check"])
    assert leaving.value.code == 1
    assert "throughput_cpu is not what" in capsys.readouterr().err
    assert (folder / "README.md").read_text() == TEXT

    tables.main(options(folder))
    assert (folder / "README.md").read_text() == tables.draw(TEXT, folder)[0]
    with pytest.raises(SystemExit) as leaving:
        tables.main([*options(folder), "--check"])
    assert leaving.value.code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- table: nonsense -->\n<!-- end -->", "begins with one of table1, throughput"),
        (
            "<!-- table: throughput_abacus -->\n<!-- end -->",
            "throughput_abacus.json is not there; python -m benchmarks.throughput makes it",
        ),
        ("<!-- table: throughput_broken -->\n<!-- end -->", "throughput_broken.json is not a result"),
        ("<!-- table: throughput_empty -->\n<!-- end -->", "throughput_empty: not a result"),
        ("<!-- table: throughput_cpu -->\n", "its <!-- end -->"),
        ("<!-- table: throughput_cpu -->\n<!-- table: throughput_cpu -->\n<!-- end -->", "its <!-- end -->"),
    ],
)
def test_what_is_wrong_is_one_line(folder, capsys, text, message):
    (folder / "throughput_broken.json").write_text("{")
    (folder / "throughput_empty.json").write_text("{}")
    (folder / "README.md").write_text(text)
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: tables.main(options(folder)), tables.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert (folder / "README.md").read_text() == text
