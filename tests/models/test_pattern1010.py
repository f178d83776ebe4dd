"""The 1010 pattern: trained to the balance that is known beforehand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, data, models, parallel
from jgan.data import resident
from jgan.models import pattern1010

# Where D says 1/2 of everything: d_loss is the mean of its two terms; the squared loss of G carries a factor 1/2.
BALANCE = {"least_squares": (0.25, 0.125), "non_saturating": (np.log(2), np.log(2))}


@pytest.mark.parametrize("loss", ["least_squares", pytest.param("non_saturating", marks=pytest.mark.slow)])
def test_it_settles_at_its_balance_and_makes_the_pattern(loss):
    preset = models.presets()["pattern1010"]
    rows = data.load(preset.dataset).train
    gan = models.make(pattern1010.Config(loss=loss), DataSpec.images((1, 4, 1), len(rows.x) // preset.batch_size))
    steps = jax.jit(parallel.scan(resident.on_resident_data(gan.step, preset.batch_size), preset.steps))
    key = jax.random.key(0)
    state, metrics = steps(key, jax.jit(gan.init)(key), Batch(jnp.asarray(rows.x)))
    d_loss, g_loss = (np.asarray(metrics[name][-1000:]) for name in ("d_loss", "g_loss"))
    assert d_loss.mean() == pytest.approx(BALANCE[loss][0], rel=0.005)
    assert g_loss.mean() == pytest.approx(BALANCE[loss][1], rel=0.01)
    rows = np.asarray(gan.sample(key, state, 500)).reshape(500, 4)
    assert (rows[:, [0, 2]] > 0.7).all()
    assert (rows[:, [1, 3]] < 0.3).all()
