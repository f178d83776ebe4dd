"""The variational autoencoder: its networks, the bound in NumPy, and both bounds against the exact likelihood."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from jgan import Batch, DataSpec
from jgan.models import options, vae
from jgan.rng import Stream, step_key, stream

KEY = jax.random.key(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=10)
SGD = options.Optimizer("sgd", learning_rate=0.01)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (vae.Config(), 652_824),
        (vae.Config(units=(500,), activation="tanh"), 815_824),
        (vae.Config(units=(200, 200), latent_size=50, activation="tanh"), 425_284),
    ],
    ids=["examples", "paper", "iwae"],
)
def test_the_parameter_counts_of_the_published_networks(config, expected):
    """The examples of PyTorch and Flax; Kingma and Welling with 20 latents; Burda et al. (yburda/iwae)."""
    decoder = vae.networks(config, DataSpec.images((28, 28, 1), steps_per_epoch=10)).decoder
    params, _ = jax.eval_shape(decoder.init, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected


def test_the_divergence_is_that_of_gaussians():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(2, 4, 3)).astype(np.float32)
    samples = mean + np.exp(0.5 * log_variance) * rng.normal(size=(200_000, 4, 3))
    ratio = stats.norm.logpdf(samples, mean, np.exp(0.5 * log_variance)) - stats.norm.logpdf(samples)
    np.testing.assert_allclose(vae.divergence(mean, log_variance), ratio.sum(axis=2).mean(axis=0), rtol=0.02)


def forward(config, params, x, z=None):
    """`(means, log variances)`, or the logits of z, in NumPy float64."""
    layer = lambda h, name: h @ np.asarray(params[name]["kernel"], np.float64) + np.asarray(params[name]["bias"])  # noqa: E731
    if z is None:
        h = np.maximum(layer(x.reshape(len(x), -1).astype(np.float64), "down_0"), 0)
        return layer(h, "mean"), layer(h, "log_variance")
    return layer(np.maximum(layer(z, "up_0"), 0), "pixels").reshape(len(z), *SPEC.shape)


def bernoulli(logits, x):
    return (x * special.log_expit(logits) + (1 - x) * special.log_expit(-logits)).sum(axis=(1, 2, 3))


def test_both_bounds_are_below_the_exact_likelihood_and_the_tighter_one_reaches_it():
    """With one latent, p(x) is an integral over a line."""
    config = vae.Config(latent_size=1, units=(6,), optimizer=options.Optimizer("sgd", learning_rate=0.02), ema=options.EMA())
    gan = vae.make(config, SPEC)
    x = (np.random.default_rng(0).random((5, 8, 8, 1)) < 0.3).astype(np.float32)
    state = jax.jit(gan.init)(KEY)
    step = jax.jit(gan.step)
    for _ in range(30):
        state, _ = step(KEY, state, Batch(jnp.asarray(x)))
    line = np.linspace(-8, 8, 4001)
    logits = forward(config, state.generator.params, x, line[:, None])
    exact = np.array(
        [special.logsumexp(bernoulli(logits, one) + stats.norm.logpdf(line)) + np.log(line[1] - line[0]) for one in x]
    )
    elbo, tighter = jax.jit(vae.bounds(config, SPEC, 20_000))(KEY, state.generator, x)
    assert (elbo < exact + 1e-3).all()
    np.testing.assert_allclose(tighter, exact, atol=0.05)
    assert (elbo < tighter).all()
    assert np.abs(elbo - exact).max() > 0.01  # a bound, not the likelihood


def test_the_loss_is_the_bound_by_one_sample():
    config = dataclasses.replace(vae.small(vae.Config(pixels="grey")), optimizer=SGD, kl_weight=0.5)
    gan, x = vae.make(config, SPEC), jax.random.uniform(KEY, (4, 8, 8, 1))
    state = jax.jit(gan.init)(KEY)
    _, metrics = jax.jit(gan.step)(KEY, state, Batch(x))
    mean, log_variance = forward(config, state.generator.params, np.asarray(x))
    divergence = -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).sum(axis=1)
    np.testing.assert_allclose(metrics["kl_loss"], divergence.mean(), rtol=1e-4)

    noise = np.asarray(gan.inputs(stream(step_key(KEY, 0), Stream.LATENTS), 4).z, np.float64)
    logits = forward(config, state.generator.params, None, mean + np.exp(0.5 * log_variance) * noise)
    np.testing.assert_allclose(metrics["reconstruction_loss"], -bernoulli(logits, np.asarray(x)).mean(), rtol=1e-4)


def test_the_divergence_counts_by_its_weight():
    """Its derivative by the bias of a mean is that mean: `d/dm (m^2 / 2)`, averaged over the images."""
    x, after = jax.random.uniform(KEY, (4, 8, 8, 1)), {}
    for weight in (0.0, 0.5, 2.0):
        config = dataclasses.replace(vae.small(vae.Config(pixels="grey")), optimizer=SGD, kl_weight=weight)
        gan = vae.make(config, SPEC)
        state = jax.jit(gan.init)(KEY)
        after[weight] = np.asarray(jax.jit(gan.step)(KEY, state, Batch(x))[0].generator.params["mean"]["bias"], np.float64)
    mean, _ = forward(config, state.generator.params, np.asarray(x))
    for weight in (0.5, 2.0):
        expected = -SGD.learning_rate * weight * mean.mean(axis=0)
        np.testing.assert_allclose(after[weight] - after[0.0], expected, rtol=1e-3, atol=1e-8)


def test_binary_pixels_have_their_grey_values_as_means():
    x = jnp.broadcast_to(jnp.array([0.0, 0.25, 1.0]).reshape(1, 1, 1, 3), (4000, 1, 1, 3))
    drawn = np.asarray(vae.binarised(KEY, x))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    np.testing.assert_allclose(drawn.mean(axis=(0, 1, 2)), [0, 0.25, 1], atol=0.03)
