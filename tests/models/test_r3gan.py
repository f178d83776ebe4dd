"""R3GAN: published sizes, its losses on the logits of its networks, its schedules."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, rng
from jgan.models import images, options, r3gan
from jgan.networks import R3GANDiscriminator, R3GANGenerator
from jgan.networks import r3gan as networks

SPEC, KEY, N = DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=4), jax.random.key(3), 4
BATCH = Batch(jnp.asarray(np.random.default_rng(0).random((N, 8, 8, 1), np.float32)))
SMALL = dataclasses.replace(r3gan.small(r3gan.Config()), gamma=2.0, final_gamma=0.5)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def count(player):
    return sum(leaf.size for leaf in jax.tree.leaves(player.params))


@pytest.mark.parametrize(
    ("name", "side", "generator", "discriminator"),
    [
        ("cifar10", 32, 20_732_160, 20_683_776),
        ("ffhq64", 64, 22_429_824, 22_381_440),
        ("ffhq256", 256, 23_057_952, 23_009_568),
    ],
)
def test_the_published_configurations_have_their_parameters(name, side, generator, discriminator):
    gan = r3gan.make(r3gan.PUBLISHED[name], DataSpec.images((side, side, 3), 10, batch_size=512))
    state = jax.eval_shape(gan.init, KEY)
    assert (count(state.generator), count(state.discriminator)) == (generator, discriminator)


def test_the_published_schedules_last_20_million_images():
    assert abs(r3gan.PUBLISHED["imagenet32"].optimizer.decay_steps * 4096 - 200e6) < 4096
    for name, batch_size in (("cifar10", 512), ("ffhq64", 256), ("ffhq256", 256)):
        assert abs(r3gan.PUBLISHED[name].optimizer.decay_steps * batch_size - 20e6) < batch_size


@pytest.mark.parametrize(
    ("name", "gamma", "p", "half_life"),
    [("cifar10", 0.05, 0.55, 5e6), ("ffhq64", 2, 0.3, 5e5), ("ffhq256", 150, 0.3, 5e5), ("imagenet32", 0.5, 0.5, 5e7)],
)
def test_the_published_schedules_go_from_these_values_to_these(monkeypatch, name, gamma, p, half_life):
    """Those of the authors' presets, brownvc/R3GAN."""
    config = r3gan.PUBLISHED[name]
    assert (config.gamma, config.final_gamma) == pytest.approx((gamma, gamma / 10))
    assert (config.augment_p, config.ema.half_life, config.ema.ramp) == (p, half_life, 0)
    adam = config.optimizer
    assert (adam.learning_rate, adam.learning_rate * adam.decay_to) == pytest.approx((2e-4, 5e-5))
    assert (adam.b1, adam.b2, adam.final_b2, adam.decay) == (0, 0.9, 0.99, "cosine")
    monkeypatch.setattr(images, "play", lambda config, *rest, **options: config.ema)
    ema = r3gan.make(config, DataSpec.images((32, 32, 3), 10, batch_size=512))
    assert ema.growth_steps == adam.decay_steps  # the half-life grows from 0 over the same time
    kept = dataclasses.replace(config, ema=dataclasses.replace(config.ema, growth_steps=7))
    assert r3gan.make(kept, DataSpec.images((32, 32, 3), 10, batch_size=512)).growth_steps == 7


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((8, 8, 1), [(4, 4), (8, 8)]),
        ((28, 28, 1), [(7, 7), (14, 14), (28, 28)]),
        ((32, 32, 3), [(4, 4), (8, 8), (16, 16), (32, 32)]),
        ((40, 60, 3), [(5, 7), (10, 15), (20, 30), (40, 60)]),
        ((48, 32, 3), [(6, 4), (12, 8), (24, 16), (48, 32)]),
    ],
)
def test_the_sides_are_halved_down_to_4_to_7(shape, sides):
    if shape == (40, 60, 3):
        with pytest.raises(ValueError, match="found 40x60; the nearest squares are 32x32 and 48x48"):
            networks.stages(shape)
        return
    assert networks.stages(shape) == sides


@pytest.mark.parametrize(("shape", "nearest"), [((3, 3, 1), "8x8"), ((4, 4, 1), "8x8"), ((30, 30, 3), "28x28 and 32x32")])
def test_other_sizes_are_refused_with_the_nearest_that_fit(shape, nearest):
    with pytest.raises(ValueError, match=f"found {shape[0]}x{shape[1]}; the nearest squares are {nearest}"):
        r3gan.check(DataSpec.images(shape, 10))


def test_channels_that_form_no_groups_are_refused():
    config = r3gan.Config(width=36)
    with pytest.raises(ValueError, match=r"must be a multiple of group_size 16, found the channels \[36, 36\]"):
        jax.eval_shape(r3gan.make(config, SPEC).init, KEY)


@pytest.mark.slow
def test_initial_kernels_have_the_variance_of_the_paper():
    """Of 2 blocks at each of 2 resolutions; the last layer of a block is 0, so that a block is the identity."""
    module = R3GANGenerator((8, 8, 1), 64, blocks=2)
    params = module.init(jax.random.key(0), jnp.zeros((1, 64)))["params"]
    block = params["block_1_0"]
    for name, fan_in in (("widen", 64), ("grouped", 9 * 16)):
        expected = 2 / 1.04 / np.sqrt(4) / fan_in
        assert np.mean(np.square(block[name]["kernel"])) == pytest.approx(expected, rel=0.05)
    assert not block["narrow"]["kernel"].any()
    assert np.var(params["basis"]) == pytest.approx(1, rel=0.1)
    assert np.var(params["project"]["kernel"]) == pytest.approx(1 / 64, rel=0.1)
    assert np.mean(np.square(params["output"]["kernel"])) == pytest.approx(1 / 64, rel=0.5)


# -------------------------------------------------------------------------------------------------------------- the losses


@functools.cache
def compiled(penalty):
    """The model, and its update of the discriminator."""
    gan = r3gan.make(dataclasses.replace(SMALL, penalty=penalty), SPEC)
    return gan, jit(gan.d_step)


@functools.cache
def networks_seen():
    """A state with larger weights; its logits and mean squared gradients at given images in [-1, 1], and its fakes."""
    gan = r3gan.make(SMALL, SPEC)
    state = jit(gan.init)(jax.random.key(0))
    grown = jax.tree.map(
        lambda leaf: leaf + 0.3 * jax.random.normal(KEY, leaf.shape), (state.generator.params, state.discriminator.params)
    )
    generator, module = R3GANGenerator((8, 8, 1), 4, blocks=1, group_size=4), R3GANDiscriminator(4, blocks=1, group_size=4)

    @jit
    def look(x):
        logits, pull = jax.vjp(lambda x: module.apply({"params": grown[1]}, (x + 1) / 2), x)
        return logits, jnp.square(pull(jnp.ones(N))[0]).sum((1, 2, 3)).mean()

    return state.with_params(*grown), look, jit(lambda z: generator.apply({"params": grown[0]}, z))


def seen(step=0, penalty="r1_r2"):
    """The metrics of an update of the discriminator, its logits of reals and fakes, both mean squared gradients."""
    gan, d_step = compiled(penalty)
    state, look, generate = networks_seen()
    state = state._replace(step=jnp.int32(step))
    metrics = d_step(KEY, state, BATCH)[1]
    z = gan.inputs(rng.stream(rng.step_key(KEY, state.step), rng.Stream.LATENTS), N).z
    (real, r1), (fake, r2) = look(2 * BATCH.x - 1), look(2 * generate(z) - 1)
    return metrics, np.asarray(real), np.asarray(fake), (float(r1), float(r2))


@pytest.mark.slow
def test_the_loss_pairs_reals_and_fakes():
    metrics, real, fake, _ = seen()
    assert metrics["d_loss"] == pytest.approx(np.logaddexp(0, fake - real).mean(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("step", "gamma"), [(0, 2.0), (5, 1.25), (10, 0.5), (50, 0.5)])
def test_gamma_weighs_both_squared_gradients_in_the_papers_units_and_falls_along_a_cosine(step, gamma):
    metrics, _, _, (r1, r2) = seen(step)
    assert metrics["d_penalty"] == pytest.approx(gamma / 2 * (r1 + r2), rel=1e-4)


@pytest.mark.slow
def test_one_of_both_penalties_or_none():
    metrics, _, _, (r1, _) = seen(penalty="r1")
    assert metrics["d_penalty"] == pytest.approx(r1, rel=1e-4)
    assert r3gan._penalties(dataclasses.replace(SMALL, penalty="none")) == ()
    with pytest.raises(ValueError, match="unknown penalty 'r1r2', did you mean 'r1_r2'"):
        r3gan.make(dataclasses.replace(SMALL, penalty="r1r2"), SPEC)


@pytest.mark.parametrize(("augment", "p"), [("ada", [0.0, 0.275, 0.55, 0.55]), ("diff_augment", None)])
def test_the_augmentation_grows_along_a_cosine(augment, p):
    made = r3gan._augmentation(dataclasses.replace(SMALL, augment=augment))
    memory, found = made.init(), []
    if p is None:
        assert memory == ()
        return
    for update in range(21):
        if update in (0, 5, 10, 20):
            found.append(float(memory.p))
        memory = made.update(memory, jnp.ones(N), None)
    np.testing.assert_allclose(found, p, atol=1e-6)


def test_bfloat16_spares_the_lowest_resolution_and_all_below_the_four_highest():
    names = lambda count: [dtype.name for dtype in networks._dtypes(count, jnp.bfloat16)]  # noqa: E731
    assert names(2) == ["float32", "bfloat16"]
    assert names(7) == ["float32"] * 3 + ["bfloat16"] * 4


def test_schedules_that_would_begin_later_are_refused():
    config = r3gan.Config(optimizer=options.Optimizer(decay_steps=10, decay_from=5))
    with pytest.raises(ValueError, match=r"leave out optimizer\.decay_from"):
        r3gan.make(config, DataSpec.images((8, 8, 1), 10))
