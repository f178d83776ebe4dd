"""The models that train DCGAN's networks, and WGAN-GP: the losses of their papers, on the logits of their networks."""

import dataclasses
import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, models, rng
from jgan.models import dcgan, dcgan_options, dragan, lsgan, rgan, wgan, wgan_gp
from jgan.models.images import small

SPEC, KEY, N = DataSpec.images((8, 8, 1), steps_per_epoch=2), jax.random.key(3), 4
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
BATCH = Batch(jnp.asarray(np.random.default_rng(0).random((N, 8, 8, 1), np.float32)))


def softplus(x):
    return np.logaddexp(0, x)


def hinge(x):
    return np.maximum(0, 1 + x)


def averaged(of_real, of_fake):
    """D's loss of the mean of both terms, and G's, which has the two kinds exchanged: GAN_losses_iter.py."""
    value = lambda r, f: (of_real(r - f.mean()).mean() + of_fake(f - r.mean()).mean()) / 2  # noqa: E731
    return value, lambda r, f: value(f, r)


# (D's loss, G's loss) of logits r of real images and f of fakes.
FORMULAS = {
    ("lsgan", ()): (lambda r, f: ((r - 1) ** 2 + f**2).mean() / 2, lambda r, f: ((f - 1) ** 2).mean() / 2),
    ("lsgan", (("fake_target", -1.0), ("generator_target", 0.0))): (
        lambda r, f: ((r - 1) ** 2 + (f + 1) ** 2).mean() / 2,
        lambda r, f: (f**2).mean() / 2,
    ),
    ("wgan", ()): (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    ("wgan_gp", ()): (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    ("dragan", ()): (lambda r, f: (softplus(-r) + softplus(f)).mean(), lambda r, f: softplus(-f).mean()),
    ("rgan", ()): (lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean()),
    ("rgan", (("loss", "relativistic_average"),)): averaged(lambda x: softplus(-x), softplus),
    ("rgan", (("loss", "relativistic_average_least_squares"),)): averaged(lambda x: (x - 1) ** 2, lambda x: (x + 1) ** 2),
    ("rgan", (("loss", "relativistic_average_hinge"),)): averaged(lambda x: hinge(-x), hinge),
}


class Seen:
    """A small model, its state with larger weights, and the logits of one update made by its networks alone."""

    def __init__(self, name, options=(), **others):
        module = importlib.import_module(f"jgan.models.{name}")
        self.config = dataclasses.replace(small(module.Config()), **dict(options), **others)
        self.gan = models.make(self.config, SPEC)
        state = jit(self.gan.init)(jax.random.key(0))
        grown = lambda tree: jax.tree.map(lambda leaf: leaf * 10 if leaf.ndim > 1 else leaf, tree)  # noqa: E731
        self.state = state._replace(
            generator=state.generator._replace(params=grown(state.generator.params)),
            discriminator=state.discriminator._replace(params=grown(state.discriminator.params)),
        )

    @functools.cached_property
    def logits(self):
        """Of real images and of fakes, each kind by itself, in training mode."""
        key, (generator, discriminator) = rng.step_key(KEY, self.state.step), self.networks
        z = rng.latents(rng.stream(key, rng.Stream.LATENTS), N, self.config.latent_size, self.config.noise)
        g, d = self.state.generator, self.state.discriminator
        fakes = jit(functools.partial(generator.apply, train=True))(g.params, g.model_state, z)[0]
        judge = jit(functools.partial(discriminator.apply, train=True))
        return tuple(np.float64(judge(d.params, d.model_state, x)[0]) for x in (BATCH.x, fakes))

    def after(self, step):
        """The state and the metrics after `d_step` or `g_step`."""
        return jit(getattr(self.gan, step))(KEY, self.state, BATCH)

    @property
    def networks(self):
        if isinstance(self.config, wgan_gp.Config):
            return wgan_gp.networks(self.config, SPEC)
        return dcgan_options.networks(self.config, SPEC, batch_norm=not isinstance(self.config, dragan.Config))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), FORMULAS, ids=lambda value: value if isinstance(value, str) else str(dict(value)))
def test_the_losses_are_those_of_the_paper(name, options):
    seen = Seen(name, options)
    real, fake = seen.logits
    assert real.std() > 0.01
    assert abs(real.mean() - fake.mean()) > 0.01
    for step, loss, formula in zip(("d_step", "g_step"), ("d_loss", "g_loss"), FORMULAS[name, options], strict=True):
        _, metrics = seen.after(step)
        assert metrics[loss] == pytest.approx(formula(real, fake), rel=1e-4)


@pytest.mark.slow
def test_all_weights_of_the_critic_are_clipped_those_of_batch_norm_too():
    seen = Seen("wgan")
    after, _ = seen.after("d_step")
    largest = {
        name: max(float(jnp.abs(leaf).max()) for leaf in layer.values()) for name, layer in after.discriminator.params.items()
    }
    assert set(largest) == {"down_0", "down_1", "norm_1", "output"}
    assert all(value <= 0.01 * 1.0001 for value in largest.values())
    after, _ = seen.after("g_step")
    assert float(after.generator.params["norm_0"]["scale"].min()) > 0.5
    assert (wgan.Config().rule.n_critic, wgan.Config().optimizer.name) == (5, "rmsprop")


@pytest.mark.slow
def test_wgan_begins_with_more_updates_of_the_critic():
    """As `alternating` with that many would do; then it goes on with its state. Adam counts its updates."""
    adam = dataclasses.replace(small(wgan.Config()).optimizer, name="adam")
    config = dataclasses.replace(small(wgan.Config(first_critic=12, first_steps=2)), optimizer=adam)
    first, last = models.phases(config, SPEC)
    assert (first.steps, first.gan.n_critic, last.gan.n_critic) == (2, 12, config.rule.n_critic)
    many = models.make(dataclasses.replace(config, first_critic=0, rule=dataclasses.replace(config.rule, n_critic=12)), SPEC)

    def batches(n):
        return jax.tree.map(lambda leaf: jnp.stack([leaf] * n), BATCH)

    begun, expected = (jit(gan.init)(KEY) for gan in (first.gan, many))
    for _ in range(2):
        begun, _ = jit(first.gan.step)(KEY, begun, batches(12))
        expected, _ = jit(many.step)(KEY, expected, batches(12))
    jax.tree.map(np.testing.assert_array_equal, begun, expected)
    entered = jit(last.enter)(KEY, begun)
    after, _ = jit(last.gan.step)(KEY, entered, batches(config.rule.n_critic))
    counts = [int(state.discriminator.opt_state[0].count) for state in (begun, entered, after)]
    assert counts == [24, 24, 24 + config.rule.n_critic]
    assert [int(state.step) for state in (begun, entered, after)] == [2, 0, 1]


@pytest.mark.parametrize(("options", "told"), [({"first_critic": -1}, "first_critic"), ({"first_steps": 0}, "first_steps")])
def test_odd_numbers_of_first_updates_are_refused(options, told):
    with pytest.raises(ValueError, match=f"{told} must be at least"):
        wgan.make(wgan.Config(**options), SPEC)


def slopes(seen, x, unit):
    """The norm of each logit's gradient with respect to its image, in units of the images that the critic works on."""
    d = seen.state.discriminator
    gradient = jax.grad(lambda x: seen.networks[1].apply(d.params, d.model_state, x, train=True)[0].sum())(x)
    return np.sqrt(np.square(np.float64(gradient)).sum((1, 2, 3))) / unit


@pytest.mark.slow
def test_the_penalty_of_dragan_is_near_the_real_images():
    """With a neighbourhood of size 0 it is at the real images; that of the default is another."""
    seen, wide = (Seen("dragan", penalty_scale=scale) for scale in (0.0, 0.5))
    found, other = (each.after("d_step")[1]["d_penalty"] for each in (seen, wide))
    expected = 10 * np.square(slopes(seen, BATCH.x, unit=1) - 1).mean()
    assert found == pytest.approx(expected, rel=1e-4)
    assert other != pytest.approx(float(found), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_penalty_of_wgan_gp_is_in_the_units_of_its_networks(symmetric):
    """A critic that is linear in all images, since no ReLU is ever below 0, has one slope, here 1.5."""
    seen, unit = Seen("wgan_gp", symmetric=symmetric, batch_norm=symmetric), 2 if symmetric else 1
    critic = seen.state.discriminator

    def scaled(by):
        params = jax.tree.map(lambda leaf: jnp.abs(leaf) if leaf.ndim > 1 else leaf + 500, critic.params)
        params["output"]["kernel"] *= by
        seen.state = seen.state._replace(discriminator=critic._replace(params=params))
        return slopes(seen, BATCH.x, unit)

    np.testing.assert_allclose(scaled(1.5 / float(scaled(1.0)[0])), 1.5, rtol=1e-4)
    _, metrics = seen.after("d_step")
    assert metrics["d_penalty"] == pytest.approx(10 * (1.5 - 1) ** 2, rel=1e-3)


def count(network):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, KEY)[0]))


@pytest.mark.parametrize("model", [dcgan, lsgan, wgan], ids=lambda model: model.__name__.rpartition(".")[2])
def test_the_parameter_counts_are_those_of_pytorchs_example(model):
    """WGAN's code has its layers too."""
    networks = model.networks(model.Config(), DataSpec.images((64, 64, 3), 10))
    assert tuple(map(count, networks)) == (3_576_704, 2_765_568)


def test_the_parameter_counts_of_lsgan_for_scenes():
    """xudonmao/LSGAN, vgg.py."""
    config = lsgan.PRESETS["lsgan_112"].config
    assert tuple(map(count, lsgan.networks(config, DataSpec.images((112, 112, 3), 10)))) == (15_591_427, 4_333_441)
    state = jax.eval_shape(models.make(config, DataSpec.images((28, 28, 1), 10)).init, KEY)
    assert "same_1" not in state.generator.params
    assert state.discriminator.params["output"]["kernel"].shape == (2 * 2 * 512, 1)


def test_a_loss_that_is_not_relativistic_is_refused():
    with pytest.raises(ValueError, match=r"must be relativistic, one of relativistic, .*, found hinge$"):
        models.make(rgan.Config(loss="hinge"), SPEC)


def test_a_size_that_does_not_fit_is_refused_in_one_line():
    for name in ("lsgan", "wgan", "dragan", "rgan"):
        with pytest.raises(ValueError, match=r"found 30x30; the nearest squares are 28x28 and 32x32$"):
            models.make(models.presets()[name].config, DataSpec.images((30, 30, 1), 10))
    with pytest.raises(ValueError, match=r"found 4x4; the nearest is 5x5$"):
        models.make(wgan_gp.Config(), DataSpec.images((4, 4, 1), 10))
