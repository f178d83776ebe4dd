"""Denoising diffusion: the published networks, the schedule, and the sampler on data whose best denoiser is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, models, networks
from jgan.models import ddpm, options
from jgan.networks import unet
from jgan.types import Network

KEY = jax.random.key(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=10)
SMALL = ddpm.small(ddpm.Config())
STD = 0.2


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (networks.UNet(), (32, 32, 3), 35_746_307),  # hojonathanho/diffusion, CIFAR-10; the others rebuilt smaller in PyTorch
        (networks.UNet(32, (1, 2, 2), blocks=1, attention=8), (32, 32, 1), 1_112_801),
        (networks.UNet(64, (1, 2, 2), blocks=2, attention=8), (32, 32, 1), 6_469_889),
        (networks.UNet(64, (1, 2, 2), blocks=1, attention=16), (32, 32, 3), 4_437_699),
    ],
)
def test_the_parameter_counts_of_the_published_networks(module, shape, expected):
    params, _ = jax.eval_shape(networks.from_module(module, shape, ()).init, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected


def test_the_features_of_a_time_are_sines_and_cosines():
    t = np.array([0.0, 1.0, 999.0])
    rates = 10_000.0 ** (-np.arange(4) / 3)
    angles = t[:, None] * rates
    found = unet.time_features(jnp.asarray(t, jnp.float32), 8)
    np.testing.assert_allclose(found, np.concatenate([np.sin(angles), np.cos(angles)], axis=1), atol=1e-3)


@pytest.mark.slow
def test_a_new_network_predicts_no_noise():
    """The last layers of all residual branches start at nearly 0."""
    net = ddpm.network(SMALL, SPEC)
    found, _ = net.apply(jax.jit(net.init)(KEY)[0], {}, jax.random.normal(KEY, (2, 8, 8, 1)), jnp.array([0.0, 900.0]))
    assert np.abs(found).max() < 1e-3


def test_images_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="multiples of 4 for 3 levels, found 6x8"):
        ddpm.network(ddpm.Config(multiples=(1, 1, 1)), DataSpec.images((6, 8, 1), steps_per_epoch=10))


@pytest.mark.parametrize(
    ("count", "spacing", "message"),
    [(0, "uniform", "from 1 to times, 10, found 0"), (11, "uniform", "found 11"), (5, "cubic", "found 'cubic'")],
)
def test_bad_times_are_refused(count, spacing, message):
    with pytest.raises(ValueError, match=message):
        ddpm.chosen_times(10, count, spacing)


@pytest.fixture
def gaussian_data(monkeypatch):
    """The best denoiser of pixels from N(0, STD^2): `E[e | x_t] = sqrt(1 - a) x_t / (a STD^2 + 1 - a)`."""
    share = jnp.asarray(ddpm.kept(1000))

    def apply(params, model_state, x, t, **_):
        a = share[t.astype(jnp.int32)].reshape(-1, 1, 1, 1)
        return jnp.sqrt(1 - a) * x / (a * STD**2 + 1 - a), model_state

    monkeypatch.setattr(ddpm, "network", lambda config, spec: Network(lambda key: ({}, {}), apply))


@pytest.mark.parametrize(
    ("steps", "eta", "spacing"), [(1000, 0.0, "uniform"), (1000, 1.0, "uniform"), (50, 0.0, "uniform"), (50, 0.0, "quadratic")]
)
def test_the_best_denoiser_gives_samples_of_the_data(gaussian_data, steps, eta, spacing):
    config = ddpm.Config(sample_steps=steps, spacing=spacing)
    z = jax.random.normal(KEY, (64, 8, 8, 1))
    samples = np.asarray(jax.jit(ddpm.denoise(config, SPEC, eta=eta))({}, z, jax.random.key(1)), np.float64)
    assert abs(samples.mean()) < 0.02
    assert samples.std() == pytest.approx(STD, rel=0.05 if steps == 1000 else 0.2)
    if eta == 0:  # a linear function of the noise it begins with
        correlation = np.corrcoef(samples.ravel(), np.asarray(z).ravel())[0, 1]
        assert correlation > 0.999
    else:
        assert abs(np.corrcoef(samples.ravel(), np.asarray(z).ravel())[0, 1]) < 0.5


def told_of_time(monkeypatch, predicted):
    """Has the network predict a function of the time that it is told."""

    def apply(params, model_state, x, t, **_):
        return jnp.broadcast_to(predicted(t).reshape(-1, 1, 1, 1), x.shape), model_state

    monkeypatch.setattr(ddpm, "network", lambda config, spec: Network(lambda key: ({"w": jnp.zeros(1)}, {}), apply))


def test_the_sampler_tells_the_network_the_time_of_its_input(monkeypatch):
    """DDIM's equation 12 in NumPy, by a network that predicts t / 100."""
    told_of_time(monkeypatch, lambda t: t / 100)
    z = np.asarray(jax.random.normal(KEY, (2, 8, 8, 1)), np.float64)
    found = jax.jit(ddpm.denoise(ddpm.Config(times=10, sample_steps=2, spacing="uniform"), SPEC))({}, jnp.float32(z))
    share, x = np.cumprod(1 - np.linspace(1e-4, 0.02, 10)), z
    for t, a, after in ((5, share[5], share[0]), (0, share[0], 1.0)):
        image = np.clip((x - np.sqrt(1 - a) * t / 100) / np.sqrt(a), -1, 1)
        noise = (x - np.sqrt(a) * image) / np.sqrt(1 - a)
        x = np.sqrt(after) * image + np.sqrt(1 - after) * noise
    np.testing.assert_allclose(found, x, atol=1e-4)


@pytest.mark.parametrize("time", [0, 1, 2])
def test_all_times_are_learnt_from_equally_often(monkeypatch, time):
    """The network is wrong by 1,000 at one of three times."""
    told_of_time(monkeypatch, lambda t: jnp.where(t == time, 1000.0, 0.0))
    config = dataclasses.replace(SMALL, times=3, sample_steps=3, optimizer=options.Optimizer("sgd", learning_rate=0.1))
    gan = ddpm.make(config, SPEC)
    _, metrics = jax.jit(gan.step)(KEY, gan.init(KEY), Batch(jnp.zeros((300, 8, 8, 1))))
    assert metrics["noise_loss"] / 1e6 == pytest.approx(1 / 3, abs=0.1)


def test_half_of_the_images_may_be_mirrored(monkeypatch):
    """The network is given images of which only the left half is bright, and knows their share exactly: no noise is added."""
    assert (models.presets()["ddpm_cifar10"].config.flip, ddpm.Config().flip) == (True, False)
    seen = []

    def apply(params, model_state, x, t, **_):
        jax.debug.callback(lambda x: seen.append(np.asarray(x)), x)
        return x * params["w"][0], model_state

    monkeypatch.setattr(ddpm, "network", lambda config, spec: Network(lambda key: ({"w": jnp.zeros(1)}, {}), apply))
    config = dataclasses.replace(SMALL, times=1, sample_steps=1, optimizer=options.Optimizer("sgd", learning_rate=0.1))
    x = jnp.zeros((64, 8, 8, 1)).at[:, :, :4].set(1.0)
    for flip in (False, True):
        gan = ddpm.make(dataclasses.replace(config, flip=flip), SPEC)
        jax.block_until_ready(jax.jit(gan.step)(KEY, gan.init(KEY), Batch(x)))
        jax.effects_barrier()
        mirrored = (seen[-1][:, :, 4:].mean((1, 2, 3)) > 0).mean()  # the first time has nearly no noise
        assert mirrored == (pytest.approx(0.5, abs=0.2) if flip else 0)


@pytest.mark.slow
def test_sampling_with_noise_needs_a_key():
    with pytest.raises(ValueError, match="give a key"):
        ddpm.denoise(SMALL, SPEC, eta=0.5)(ddpm.network(SMALL, SPEC).init(KEY)[0], jnp.zeros((1, 8, 8, 1)))


@pytest.mark.slow
def test_the_loss_is_the_error_of_the_noise_and_a_new_network_has_that_of_zero():
    gan = ddpm.make(SMALL, SPEC)
    _, metrics = jax.jit(gan.step)(KEY, gan.init(KEY), Batch(jax.random.uniform(KEY, (64, 8, 8, 1))))
    assert metrics["noise_loss"] == pytest.approx(1, abs=0.1)  # E e^2


def test_the_rate_rises_and_the_gradient_is_limited():
    config = ddpm.Config(warmup_steps=4, clip_gradient=1e-3, width=4, multiples=(1,), blocks=1, attention=0)
    descent = ddpm._optimizers(config, SPEC).generator
    params = {"w": jnp.zeros(3)}
    state = descent.init(params)
    sizes = []
    for _ in range(6):
        updates, state = descent.update({"w": jnp.array([3.0, 0.0, 4.0])}, state, params)
        sizes.append(float(jnp.abs(updates["w"]).max()))
    np.testing.assert_allclose(np.array(sizes) / sizes[-1], [0.25, 0.5, 0.75, 1, 1, 1], rtol=0.01)
