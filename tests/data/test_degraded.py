"""Pairs for restoration: degraded anew at every step of training, once and for all in the other parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import GANState, data
from jgan.data import degraded, resident
from jgan.data.division import take
from jgan.degradations import GFPGAN, Bicubic, RealESRGAN, gfpgan

NAME = "degraded:x4noise10:digits"


def batch_of(dataset, step, n_critic=1, part=None):
    """The minibatch that a step sees."""
    seen = resident.on_resident_data(lambda key, state, batch, axis_name=None: (state, batch), 4, n_critic, view=dataset.view)
    part = jax.tree.map(jnp.asarray, dataset.train if part is None else part)
    return jax.jit(seen)(jax.random.key(0), GANState(jnp.int32(step), None, None), part)[1]


def test_the_fixed_parts_are_the_same_at_every_load():
    one, other = data.load(NAME), data.load(NAME)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(one.parts[part].c, other.parts[part].c)
    np.testing.assert_array_equal(one.test.x, data.load("digits").test.x)
    assert one.test.c.dtype == np.uint8
    assert 5 < abs(one.test.c.astype(float) - data.load("degraded:x4:digits").test.c).std() < 20


@pytest.mark.slow
def test_training_degrades_anew_at_every_step():
    dataset = data.load(NAME)
    n = len(dataset.train.x)
    same = take(dataset.train, np.zeros(4, int))  # one image: steps and examples differ in the noise alone
    one, two = (batch_of(dataset, step, part=same).c for step in (0, 1))
    assert len({np.asarray(c).tobytes() for c in (*one, *two)}) == 8
    first, again, epoch = (batch_of(dataset, step) for step in (0, 0, n // 4))
    np.testing.assert_array_equal(first.c, again.c)
    stored = {image.tobytes(): c for image, c in zip(dataset.train.x, dataset.train.c, strict=True)}
    for batch in (first, epoch):
        for x, c in zip(np.rint(255 * np.asarray(batch.x)).astype(np.uint8), np.asarray(batch.c), strict=True):
            assert abs(255 * c - stored[x.tobytes()]).max() > 2
    plain = Bicubic(4)(jax.random.key(0), first.x)
    assert 2 < 255 * float((first.c - plain).std()) < 20


def test_each_minibatch_of_a_step_has_noise_of_its_own():
    batch = batch_of(data.load(NAME), 0, n_critic=2)
    assert batch.c.shape == (2, 4, 8, 8, 1)
    noise = [np.asarray(c - Bicubic(4)(jax.random.key(0), x)) for x, c in zip(batch.x, batch.c, strict=True)]
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.5


def test_swapped_pairs_are_degraded_anew_too():
    pairs, swapped = data.load(NAME), data.load(f"swapped:{NAME}")
    key, batch = jax.random.key(0), jax.tree.map(jnp.asarray, take(pairs.train, slice(4)))
    batch = batch._replace(x=jnp.float32(batch.x) / 255, c=jnp.float32(batch.c) / 255)
    expected, found = pairs.view(key, batch), swapped.view(key, batch._replace(x=batch.c, c=batch.x))
    np.testing.assert_array_equal(found.x, expected.c)
    np.testing.assert_array_equal(found.c, expected.x)


def test_names_choose_the_pipeline():
    assert degraded.degradation("gfpgan", (64, 48, 1)) == gfpgan.scaled(GFPGAN(), 64 / 512)
    assert degraded.degradation("gfpgan", (1024, 1024, 3)) == GFPGAN()
    assert degraded.degradation("realesrgan", (64, 64, 3)) == RealESRGAN()
    assert degraded.pipeline("degraded:stacked:digits") == ("gfpgan", "degraded:stacked:digits")
    assert data.load("degraded:x4:digits").view is None


def test_sets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="degraded:x3:digits: expected images whose sides are multiples of 3, found 8x8"):
        data.load("degraded:x3:digits")
    with pytest.raises(ValueError, match="without conditions after the colon"):
        data.load("degraded:x4:edges:digits")
    with pytest.raises(ValueError, match="write its name after a colon"):
        data.load("degraded")
