"""A run in which one class collapses: the log names it, the journal shows it, and the curves are drawn."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_models import game

from jgan import data
from jgan.training import journal, train
from jgan.types import Field


def dropped(gan, label, after):
    """The model, which generates one image for a class from a step on."""

    def generate(state, inputs, ema=True):
        images = gan.generate(state, inputs, ema=ema)
        lost = (inputs.c == label) & (state.step >= after)
        return jnp.where(lost[:, None, None, None], images[jnp.argmax(inputs.c == label)], images)

    return gan._replace(generate=generate)


def of_memory(spec):
    """Draws the test images of the asked class; class 3 is one of them from step 700 on."""
    test = data.load("digits").test
    first, most = (fn([np.sum(test.y == label) for label in range(10)]) for fn in (np.asarray, min))
    start = jnp.asarray(np.cumsum(first) - first)
    images = jnp.asarray(test.x[np.argsort(test.y, kind="stable")] / np.float32(255))

    def generate(params, given):
        place = jax.random.randint(jax.random.key(0), given.z.shape[:1], 0, int(most))
        return images[start[given.c] + place] + params["nothing"]

    gan = game(
        lambda key: {"nothing": jnp.float32(0)}, lambda key, params, batch: params, generate, Field((), "label", spec.n_classes)
    )
    return dropped(gan, 3, 700)


def assert_class_3_is_told_of(workdir, at, healthy):
    """The warnings of the journal and of the log are those of class 3, and only after its collapse."""
    rows = [row for row in journal.rows(workdir) if "worst_class" in row]
    warned = {row["step"]: row["warning"] for row in rows if "warning" in row}
    assert sorted(warned) == at
    assert all(
        words.startswith("collapse? class 3: ") and "class" not in words[19:].replace("its", "") for words in warned.values()
    )
    assert [row["worst_class"] for row in rows if row["step"] in at] == [3] * len(at)
    assert all(row["worst_class_coverage"] < 0.1 for row in rows if row["step"] in at)
    (before,) = (row for row in rows if row["step"] == healthy)
    assert min(before["coverage_by_class"]) > 0.5
    log = (workdir / "log.txt").read_text()
    assert log.count("collapse? class 3: ") >= len(at)
    assert json.loads((workdir / "metrics.jsonl").read_text().splitlines()[-1])["worst_class"] == 3
    assert (workdir / "curves.png").stat().st_size > 0


@pytest.mark.slow
def test_a_class_that_collapses_is_told_of_in_the_log(tmp_path):
    options = {"steps": 900, "batch_size": 8, "eval_samples": 500, "eval_every": 300, "sample_every": 0, "log_every": 300}
    train(of_memory, dataset="digits", workdir=tmp_path / "run", **options)
    assert_class_3_is_told_of(tmp_path / "run", [900], 600)
