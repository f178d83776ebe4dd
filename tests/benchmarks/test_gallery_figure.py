"""The figure of FID and recall: where its points are, and that no name covers another."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import gallery_figure
from jgan.utils import cli


def run(dataset, model, fid, recall, agreement=None):
    return {"dataset": dataset, "model": model, "fid": fid, "recall": recall, "agreement": agreement}


RUNS = [
    *(run("mnist", name, fid, recall) for name, fid, recall in (("a", 1.0, 0.9), ("b", 1.001, 0.9), ("c", 100.0, 0.1))),
    run("mnist", "told", 1.0, 0.901, agreement=0.9),
    run("mnist", "vae", 1.002, 0.9),
    run("fashion_mnist", "a", 3.0, 0.5),
    run("cifar10_jpeg", "a", 300.0, 0.0),
]


def test_a_point_is_at_its_fid_and_recall_in_the_plot_of_its_data_with_the_mark_of_its_kind():
    first, second = gallery_figure.figure(RUNS).axes
    gans, told, others = (np.asarray(points.get_offsets()) for points in first.collections)
    np.testing.assert_array_equal(gans, [(1.0, 0.9), (1.001, 0.9), (100.0, 0.1)])
    np.testing.assert_array_equal(told, [(1.0, 0.901)])
    np.testing.assert_array_equal(others, [(1.002, 0.9)])
    assert np.asarray(second.collections[0].get_offsets()).tolist() == [[3.0, 0.5]]
    assert [axes.get_title() for axes in (first, second)] == ["MNIST", "Fashion-MNIST"]
    assert first.get_xscale() == "log"


def test_no_name_covers_another_or_a_point():
    axes = gallery_figure.figure(RUNS).axes[0]
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert sorted(boxes) == ["a", "b", "c", "told", "vae"]
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not one.overlaps(other)
    for point in axes.transData.transform([(found["fid"], found["recall"]) for found in RUNS if found["dataset"] == "mnist"]):
        assert not any(box.contains(*point) for box in boxes.values())


def test_the_command_draws_what_the_files_hold(tmp_path):
    results, out = tmp_path / "results", tmp_path / "choice.png"
    results.mkdir()
    argv = ["--results", str(results), "--out", str(out)]
    with pytest.raises(FileNotFoundError, match="holds no results of mnist or fashion_mnist: run python"):
        gallery_figure.main(argv)
    assert not out.exists()
    (results / "mnist_a.json").write_text(json.dumps(RUNS[0]))
    cli.run(lambda: gallery_figure.main(argv), gallery_figure.PROG)
    with Image.open(out) as picture:
        assert picture.size == (800, 440)  # one plot
