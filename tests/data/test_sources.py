"""The registry: sources are found by themselves, are listed with what they hold, and cost nothing until they are asked for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import idx_files
import pytest

import jgan
from jgan import data
from jgan.data import sources

NEW = """
import numpy as np
from jgan import Batch
from jgan.data import sources
from jgan.data.dataset import complete

def load(name, data_dir):
    return complete(name, {"train": Batch(np.zeros((12, 3), np.float32))})

sources.register("mine", load, "twelve zeros", usage="mine, mine:OPTION")
"""


def test_one_file_adds_a_data_set_and_importing_loads_no_heavy_library(tmp_path):
    shutil.copytree(Path(jgan.__file__).parent, tmp_path / "jgan", ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    (tmp_path / "jgan" / "data" / "mine.py").write_text(NEW)
    script = (
        "import sys; from jgan import data; "
        "print([name for name in ('tensorflow', 'tensorflow_datasets', 'sklearn', 'PIL') if name in sys.modules]); "
        "print(data.load('mine:2').name, data.load('mine').train.x.shape); print(data.describe())"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True)
    heavy, loaded, *listed = done.stdout.splitlines()
    assert (heavy, loaded) == ("[]", "mine:2 (8, 3)"), done.stderr
    assert any(line.split() == ["mine,", "mine:OPTION", "twelve", "zeros"] for line in listed)


def test_all_sources_are_found():
    assert set(data.SOURCES) >= {
        *("digits", "mnist", "mnist5k", "fashion_mnist", "kmnist", "cifar10", "olivetti", "folder", "npz", "lines"),
        *("pattern1010", "origin", "ring8", "grid25", "gaussian1d", "inverted", "edges", "partly_labelled"),
    }


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_has_an_entry_for_each_and_keeps_to_the_width(width):
    entries, division = data.describe(width).split("\n\n")
    lines = entries.splitlines()
    assert max(map(len, [*lines, *division.splitlines()])) <= width
    assert "a third of such images is not trained on" in " ".join(division.split())
    entries = [line.split()[0].rstrip(",") for line in lines if line[2] != " "]
    assert [entry.partition(":")[0] for entry in entries] == [*sorted(data.SOURCES), "NAME"]
    said = " ".join(" ".join(lines).split())
    for source in data.SOURCES.values():
        assert source.description in said


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="a data set named 'digits' is registered already"):
        sources.register("digits", lambda name, data_dir: data.load("ring8"), "others")


@pytest.mark.parametrize(("file", "source"), [("a.png", "folder"), ("a.h5", "hdf5"), ("a.npz", "npz"), ("a-ubyte.gz", "mnist")])
def test_a_folder_given_to_a_set_that_reads_none_is_named_with_the_set_that_reads_it(tmp_path, file, source):
    (tmp_path / file).touch()
    with pytest.raises(
        ValueError, match=rf"digits is .* reads no files, .*: leave it out, or train on it with --dataset {source}$"
    ):
        data.load("digits", tmp_path)


@pytest.mark.parametrize("name", ["digits:9", "ring8:64", "digits:", "inverted:digits:hello"])
def test_options_of_a_set_that_takes_none_are_refused(name):
    with pytest.raises(ValueError, match=r"(digits|ring8) takes no options after a colon, found .*: leave them out"):
        data.load(name)


def test_nothing_but_a_version_follows_the_name_of_a_set_that_is_read_from_its_files(tmp_path):
    idx_files.write_set(tmp_path, train=10_100)
    assert data.load("mnist:3.0.1", tmp_path).train.x.shape[1:] == (28, 28, 1)
    for name in ("mnist:64", "fashion_mnist:banana", "kmnist:"):
        with pytest.raises(ValueError, match=f"{name}: expected nothing after .*, or a version of tensorflow-datasets"):
            data.load(name, tmp_path)
