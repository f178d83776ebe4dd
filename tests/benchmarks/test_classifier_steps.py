"""The benchmark of the classifier's choices: its configurations, its loops, its table, and end to end at a tiny size."""

import json

import jax
import numpy as np
import pytest

from benchmarks import classifier_steps, lesson_drawings
from jgan import Batch
from jgan.features import dense
from jgan.features.dense import SIMPLE, Dense

ABOUT = {"packages": {"jax": "0.10.2"}, "device": "cpu", "python": "3.11.7", "date": "2026-11-27T00:00:00+00:00"}


def test_the_choices_lead_from_the_first_network_to_the_defaults():
    rows = classifier_steps.rows()
    assert len(rows) == 8
    assert rows["first"] == SIMPLE
    assert list(rows.values())[-1] == Dense()
    assert rows["Adam"] == Dense(200, "sigmoid", layer_norm=False, loss="squared")


def test_the_loops_make_the_same_updates():
    draw = np.random.default_rng(0)
    train = jax.tree.map(
        jax.numpy.asarray, Batch(draw.integers(0, 256, (6, 2, 2, 1), np.uint8), np.arange(6, dtype=np.int32) % 3)
    )
    made = dense.trainer(SIMPLE, (2, 2, 1), 3)
    ways = classifier_steps.loops(made, train, dense.order(jax.random.key(0), 6, 3))
    start = jax.jit(made.init)(jax.random.key(1))
    ends = {name: jax.tree.leaves(way(start).params) for name, way in ways.items()}
    for name in ("steps", "epoch"):
        for leaf, expected in zip(ends[name], ends["examples"], strict=True):
            np.testing.assert_allclose(leaf, expected, atol=1e-7)
    assert any(not np.array_equal(a, b) for a, b in zip(ends["epoch"], jax.tree.leaves(start.params), strict=True))


def row(mean):
    found = {"mean": mean, "std": 0.01, "seeds": [mean]}
    return {"parameters": 159_010, "accuracy": [found], "gradient": {"start": found, "end": found | {"mean": 0.4}}}


def test_the_table():
    rates = {"examples": {"median": 500.0}, "steps": {"median": 1000.0}, "epoch": {"median": 9000.0}}
    result = {
        "command": "c",
        "environment": ABOUT,
        "images": 60_000,
        "options": {"epochs": 3, "batch_size": 1, "seeds": 2},
        "published": classifier_steps.PUBLISHED,
        "rows": {"first": row(0.8668), "cross-entropy": row(0.9067), "a + b": row(0.9772)},
        "speed": [{"config": {"optimizer": "sgd"}, "batch_size": size, "images_per_second": rates} for size in (1, 64)],
    }
    table = lesson_drawings.classifier_steps(result)
    assert "| squared error, sigmoid, SGD | 159,010 | 86.68 +- 1.00 | 88.00%, 4 epochs | 0.87 | 0.4 |" in table
    assert "| cross-entropy | 159,010 | 90.67 +- 1.00 |  |" in table
    assert "| a + b | 159,010 | 97.72 +- 1.00 | 97.24%, 3 epochs |" in table
    assert "sgd, batch 1: 9,000 images/s, 18.0 times a loop over examples;" in table
    assert "sgd, batch 64: 9,000 images/s, 18.0 times a loop over examples, 9.0 times a loop over minibatches." in table


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path):
    flags = ["--dataset", "digits", "--epochs", "1", "--seeds", "2", "--batch-size", "8", "--timed", "64", "--rounds", "1"]
    out = tmp_path / "result.json"
    classifier_steps.main([*flags, "--out", str(out)])
    first = json.loads(out.read_text())
    assert first["images"] == 1204 + 297
    assert set(first["rows"]) == set(classifier_steps.rows())
    assert all(len(row["accuracy"][0]["seeds"]) == 2 for row in first["rows"].values())
    assert all(timed["largest_difference"] < 1e-4 for timed in first["speed"])
    classifier_steps.main([*flags, "--out", str(out)])
    assert json.loads(out.read_text())["rows"] == first["rows"]
    assert "| Adam |" in lesson_drawings.classifier_steps(first)
