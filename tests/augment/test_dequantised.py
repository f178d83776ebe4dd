"""Uniform noise in place of the rounding of 8-bit images."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from jgan import DataSpec, losses
from jgan.augment import dequantised
from jgan.models import images, options
from jgan.networks import from_functions
from jgan.types import Batch

KEY = jax.random.key(0)
LEVELS = np.arange(256)


def test_the_level_is_kept_and_the_rest_is_uniform():
    """In images in [-1, 1]: `level / 128 - 1 + U(0, 1/128)`, the formula of the authors' code."""
    x = np.tile(LEVELS, (40, 1)).astype(np.float32) / 255
    found = 2 * np.asarray(dequantised(KEY, jnp.asarray(x)), np.float64) - 1
    noise = (found - (LEVELS / 128 - 1)) * 128
    assert noise.min() > -1e-4
    assert noise.max() < 1 + 1e-4
    assert stats.kstest(noise.ravel(), "uniform").pvalue > 1e-3
    assert (noise[0] != noise[1]).all()


def test_the_option_of_a_model_of_images_changes_the_real_ones_alone():
    """A critic of the mean: of black images it sees half a level, of black fakes nothing."""
    generator = from_functions(lambda key: {}, lambda params, z: jnp.zeros((len(z), 8, 8, 1)))
    critic = from_functions(lambda key: jnp.ones(()), lambda params, x: params * x.mean((1, 2, 3)))
    rest = {"optimizer": options.Optimizer("sgd"), "ema": options.EMA()}
    spec, black = DataSpec.images((8, 8, 1), 10), Batch(jnp.zeros((16, 8, 8, 1)))
    found = []
    for dequantise in (False, True):
        config = images.Training(dequantise=dequantise, **rest)
        gan = images.play(config, spec, losses.wasserstein, (generator, critic))
        state = jax.jit(gan.init)(KEY)
        found.append([gan.d_step(KEY, state, black)[1]["d_loss"], gan.g_step(KEY, state, black)[1]["g_loss"]])
    assert found[0] == [0, 0]
    np.testing.assert_allclose(found[1], [-0.5 / 256, 0], rtol=0.05, atol=0)
