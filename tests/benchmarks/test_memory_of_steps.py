"""The memory of a step: the parts against counts by hand, and the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks import budget, memory
from benchmarks.tables import TABLES
from jgan import DataSpec, models


def one_step():
    """A model, a minibatch, its state as shapes, and its compiled step."""
    model = models.MODELS["first_gan"]
    spec = DataSpec.images((28, 28, 1), steps_per_epoch=10, batch_size=20)
    gan = model.make(model.Config(), spec)
    batch = budget.batch_of(gan, spec, 20)
    key = jax.eval_shape(lambda: jax.random.key(0))
    state = jax.eval_shape(gan.init, key)
    return gan, batch, state, jax.jit(gan.step, donate_argnums=1).lower(key, state, batch).compile()


def test_the_parts_are_those_of_the_arrays():
    """Adam keeps two numbers for each parameter, the average one for each of the generator's; four bytes each."""
    _, batch, state, compiled = one_step()
    found = memory.predicted(state, batch, compiled)
    counts = 178_184 + 157_601
    assert found["parameters"] == 4 * counts
    assert found["optimisers"] == pytest.approx(8 * counts, abs=32)  # and the counts of its updates
    assert found["average"] == pytest.approx(4 * 178_184, abs=32)
    assert found["minibatch"] == 4 * 20 * 28 * 28
    assert found["activations and gradients"] > 4 * 20 * (28 * 28 + 200)


PEAK = """
from benchmarks import memory
from test_memory_of_steps import one_step
gan, batch, state, compiled = one_step()
peak = memory.measured(gan, batch, compiled)
assert peak is None or peak > 0.5 * sum(memory.predicted(state, batch, compiled).values()), peak
"""


@pytest.mark.slow
def test_the_peak_has_most_of_the_parts():
    """In a process of its own: one that has run other tests holds freed memory, which it uses again without growing."""
    paths = [str(Path(__file__).parents[2]), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_large_arrays_are_seen():
    gan = models.MODELS["first_gan"].make(models.presets()["first_gan"].config, DataSpec.images((28, 28, 1), 10))
    assert memory.size_of(jax.eval_shape(gan.init, jax.random.key(0)).generator.params) == 4 * 178_184
    before = memory._resident(restart=True)
    if before is None:
        pytest.skip("the system does not tell")
    some = np.ones(50_000_000, np.uint8)
    assert 45e6 < memory._resident() - before < 80e6
    del some


def test_end_to_end(tmp_path, capsys):
    out = tmp_path / "memory.json"
    memory.main(["--presets", "first_gan", "--side", "8", "8", "--channels", "1", "--batch-sizes", "2", "--out", str(out)])
    assert "first_gan, minibatches of 2: parameters " in capsys.readouterr().out
    result = json.loads(out.read_text())
    (row,) = result["rows"]
    table = TABLES["memory"].draw(result).splitlines()
    assert table[2].startswith(f"| `first_gan` | 8x8x1 | 2 | {sum(row['parameters'].values()):,} |")
    with pytest.raises(ValueError, match="unknown preset 'frist_gan', did you mean 'first_gan'"):
        memory.main(["--presets", "frist_gan"])
