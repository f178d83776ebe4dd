"""The autoencoder: its size, its error in NumPy, and the law of its codes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from jgan import Batch, DataSpec
from jgan.models import autoencoder, options

KEY = jax.random.key(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=10)
SMALL = dataclasses.replace(autoencoder.small(autoencoder.Config()), optimizer=options.Optimizer("sgd", learning_rate=0.01))


def test_it_has_the_parameters_of_the_vae_but_for_the_log_variances():
    params, _ = jax.eval_shape(autoencoder.networks(autoencoder.Config(), DataSpec.images((28, 28, 1), 10))[0].init, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 652_824 - (400 * 20 + 20)


def in_numpy(params, x):
    """`(codes, logits)` in float64."""
    layer = lambda h, name: h @ np.asarray(params[name]["kernel"], np.float64) + np.asarray(params[name]["bias"])  # noqa: E731
    codes = layer(np.maximum(layer(x.reshape(len(x), -1), "down_0"), 0), "mean")
    return codes, layer(np.maximum(layer(codes, "up_0"), 0), "pixels").reshape(x.shape)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_the_loss_and_the_law_after_a_step_are_those_of_numpy(loss):
    config = dataclasses.replace(SMALL, loss=loss, moments_decay=0.75)
    gan, x = autoencoder.make(config, SPEC), np.random.default_rng(0).random((5, 8, 8, 1))
    state = jax.jit(gan.init)(KEY)
    after, metrics = jax.jit(gan.step)(KEY, state, Batch(jnp.asarray(x, jnp.float32)))
    codes, logits = in_numpy(state.generator.params, x)
    if loss == "cross_entropy":
        errors = -(x * special.log_expit(logits) + (1 - x) * special.log_expit(-logits))
    else:
        errors = (special.expit(logits) - x) ** 2
    np.testing.assert_allclose(metrics["reconstruction_loss"], errors.sum(axis=(1, 2, 3)).mean(), rtol=1e-5)
    # The mixture: second moments mix, E[c c'] = .75 I + .25 E_batch[c c'].
    mean = 0.25 * codes.mean(axis=0)
    second = 0.75 * np.eye(3) + 0.25 * codes.T @ codes / len(codes)
    kept = after.generator.model_state
    np.testing.assert_allclose(kept["mean"], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(kept["covariance"], second - np.outer(mean, mean), rtol=1e-4, atol=1e-5)


def test_samples_are_decoded_from_the_law_of_the_codes():
    """Of a decoder that is linear, the samples have the mean and the covariance that follow from those of the codes."""
    _, decoder = autoencoder.networks(dataclasses.replace(SMALL, units=()), SPEC)
    params, model_state = jax.jit(decoder.init)(KEY)
    generator = np.random.default_rng(1)
    mixing, mean = generator.normal(size=(3, 3)), generator.normal(size=3)
    law = {"mean": jnp.asarray(mean, jnp.float32), "covariance": jnp.asarray(mixing @ mixing.T, jnp.float32)}
    logits, kept = decoder.apply(params, law, jax.random.normal(KEY, (200_000, 3)))
    assert kept is law
    assert jax.tree.map(jnp.shape, model_state) == jax.tree.map(jnp.shape, law)
    kernel, flat = np.asarray(params["pixels"]["kernel"], np.float64), np.asarray(logits, np.float64).reshape(len(logits), -1)
    np.testing.assert_allclose(flat.mean(axis=0), mean @ kernel + np.asarray(params["pixels"]["bias"]), atol=0.05)
    np.testing.assert_allclose(np.cov(flat.T), kernel.T @ mixing @ mixing.T @ kernel, atol=0.2)


@pytest.mark.slow
def test_on_four_devices_the_law_is_that_of_the_whole_batch():
    gan = autoencoder.make(SMALL, SPEC)
    state, batch = jax.jit(gan.init)(KEY), Batch(jax.random.uniform(KEY, (8, 8, 8, 1)))
    one, _ = jax.jit(gan.step)(KEY, state, batch)
    shares = Batch(batch.x.reshape(4, 2, 8, 8, 1))
    four, _ = jax.vmap(lambda share: gan.step(KEY, state, share, axis_name="data"), axis_name="data")(shares)
    for name, value in one.generator.model_state.items():
        np.testing.assert_allclose(four.generator.model_state[name], np.stack([value] * 4), atol=1e-5)


def test_the_moments_decay_is_checked():
    with pytest.raises(ValueError, match=r"moments_decay must be in \[0, 1\), found 1"):
        autoencoder.make(dataclasses.replace(SMALL, moments_decay=1.0), SPEC)
