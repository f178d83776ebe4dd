"""ProGAN: the published parameter counts, growing networks, fade-in, what a phase takes over, the authors' penalty."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, phases, rng
from jgan.models import progan
from jgan.networks import ProGANDiscriminator, ProGANGenerator, from_module
from jgan.penalties import View

SMALL = {"image_shape": (16, 16, 3), "fmap_base": 16, "fmap_max": 6}
LATENT, TOP = 5, 2
Z = np.random.default_rng(0).normal(size=(4, LATENT)).astype(np.float32)
X = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
KEY = jax.random.key(0)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@pytest.mark.parametrize(
    ("side", "fmap_base", "fmap_max", "latent", "expected"),
    [
        (32, 4096, 128, 128, (1_296_908, 1_298_689)),  # CIFAR-10, Theano
        (32, 8192, 512, 512, (20_719_628, 20_726_785)),
        (128, 8192, 512, 512, (22_933_394, 22_941_313)),
        (1024, 8192, 512, 512, (23_079_115, 23_087_249)),
    ],
)
def test_the_parameter_counts_of_the_published_networks(side, fmap_base, fmap_max, latent, expected):
    """With the layers that read and make images of all levels. Also of a network that uses only the base."""
    shape = (side, side, 3)
    for level in (None, 0):
        players = (
            from_module(ProGANGenerator(shape, fmap_base, fmap_max, level), (latent,)),
            from_module(ProGANDiscriminator(shape, fmap_base, fmap_max, level), shape),
        )
        counts = (sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(jax.eval_shape(net.init, KEY)[0])) for net in players)
        assert tuple(counts) == expected


def test_the_cifar10_preset_is_the_published_configuration():
    config = progan.PRESETS["progan_cifar10"].config
    first = progan.make(config, DataSpec.images((32, 32, 3), 10, batch_size=16))[0]
    state = jax.eval_shape(first.gan.init, KEY)
    counts = (sum(math.prod(x.shape) for x in jax.tree.leaves(side.params)) for side in (state.generator, state.discriminator))
    assert tuple(counts) == (1_296_908, 1_298_689)
    assert first.steps * 16 == 400_000


# ------------------------------------------------------------------------------------------------------ growing networks


def generator(**options):
    return from_module(ProGANGenerator(**SMALL, **options), (LATENT,), *[None] * options.get("fading", False))


def discriminator(**options):
    return from_module(ProGANDiscriminator(**SMALL, **options), (16, 16, 3), *[None] * options.get("fading", False))


@pytest.mark.slow
@pytest.mark.parametrize("network", [generator, discriminator])
def test_a_fade_in_begins_at_the_level_below_and_ends_at_its_own(network):
    given = Z if network is generator else X
    params, _ = jit(network().init)(KEY)
    apply = lambda net, *inputs: jit(net.apply)(params, {}, *inputs)[0]  # noqa: E731
    for level in (1, 2):
        fading = network(level=level, fading=True)
        at_0, at_1 = (apply(fading, given, jnp.float32(share)) for share in (0, 1))
        below, own = (apply(network(level=index), given) for index in (level - 1, level))
        assert abs(below - own).max() > 1e-3
        np.testing.assert_allclose(at_1, own, atol=1e-6)
        np.testing.assert_allclose(at_0, below, atol=1e-6)


def test_the_images_of_a_level_are_its_pixels_enlarged():
    params, _ = jit(generator().init)(KEY)
    for level in range(TOP + 1):
        image = np.asarray(jit(generator(level=level).apply)(params, {}, Z)[0])
        assert image.shape == X.shape
        size = 2 ** (TOP - level)
        np.testing.assert_array_equal(image, np.kron(image[:, ::size, ::size], np.ones((1, size, size, 1), np.float32)))


def test_the_discriminator_of_a_level_sees_means_of_pixels():
    params, _ = jit(discriminator().init)(KEY)
    means = X.reshape(4, 8, 2, 8, 2, 3).mean((2, 4)).repeat(2, 1).repeat(2, 2)
    below, above = (jit(discriminator(level=level).apply) for level in (1, 2))
    np.testing.assert_allclose(below(params, {}, X)[0], below(params, {}, means)[0], atol=1e-6)
    assert abs(above(params, {}, X)[0] - above(params, {}, means)[0]).max() > 1e-4


@pytest.mark.parametrize(
    ("make", "given"), [(ProGANGenerator, Z), (ProGANDiscriminator, X)], ids=["generator", "discriminator"]
)
def test_in_bfloat16_outputs_and_parameters_are_float32_and_differ_by_8_bits(make, given):
    """Of 32 channels: the norm of a pixel of two channels may be near 0, and then its rounding error is not small."""
    module = make((16, 16, 3), 256, 32)
    variables = jit(module.clone(dtype=jnp.bfloat16).init)(KEY, given)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    rounded, exact = (
        np.asarray(jit(module.clone(dtype=dtype).apply)(variables, given)) for dtype in (jnp.bfloat16, jnp.float32)
    )
    assert rounded.dtype == np.float32
    assert 0 < abs(rounded - exact).max() < 0.05 * abs(exact).max()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((30, 30, 1), r"ProGAN makes images whose sides .* found 30x30; the nearest squares are 28x28 and 32x32"),
        ((2, 2, 1), r"found 2x2; the nearest squares are 8x8"),
        ((32, 34, 1), r"found 32x34; the nearest squares are 28x28 and 40x40"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        progan.check(DataSpec.images(shape, 10))


def test_images_that_are_not_square():
    spec = DataSpec.images((8, 16, 3), 10, batch_size=4)
    phase = progan.make(progan.small(progan.Config()), spec)[-1]
    state = jax.eval_shape(phase.gan.init, KEY)
    assert jax.eval_shape(lambda s: phase.gan.sample(KEY, s, 2), state).shape == (2, 8, 16, 3)
    assert phase.name == "8x16"


def test_a_level_that_does_not_exist_is_refused():
    for level, fading in ((3, False), (0, True)):
        with pytest.raises(ValueError, match=rf"level must be from {int(fading)} to 2 for these images, found {level}"):
            jax.eval_shape(ProGANGenerator(**SMALL, level=level, fading=fading).init, KEY, Z)


# ---------------------------------------------------------------------------------------------------------- the training


def test_real_images_are_blended_with_their_reduction():
    x = np.random.default_rng(0).random((3, 2, 8, 4, 1), np.float32)  # three minibatches of two
    reduced = np.float64(x).reshape(3, 2, 2, 4, 1, 4, 1).mean((3, 5), keepdims=True)
    expected = 0.25 * x + 0.75 * np.broadcast_to(reduced, (3, 2, 2, 4, 1, 4, 1)).reshape(x.shape)
    np.testing.assert_allclose(progan.blended(x, jnp.float32(0.25), 2), expected, rtol=1e-5)


SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=4)
CONFIG = dataclasses.replace(progan.small(progan.Config()), fade_images=8, stable_images=12)


def test_a_phase_takes_over_the_weights_and_the_average_and_resets_adam():
    made = progan.make(CONFIG, SPEC)
    assert [phase.steps for phase in made] == [3, 2, None]
    ones = jax.tree.map(lambda leaf: jnp.full(leaf.shape, 2, leaf.dtype), jax.eval_shape(made[0].gan.init, KEY))
    entered = jax.jit(lambda before: phases.enter(made, 1, KEY, before))(ones)
    for player, before in ((entered.generator, ones.generator), (entered.discriminator, ones.discriminator)):
        assert all((a == b).all() for a, b in zip(*map(jax.tree.leaves, (player.params, before.params)), strict=True))
        assert all((leaf == 0).all() for leaf in jax.tree.leaves(player.opt_state))
    assert all((leaf == 2).all() for leaf in jax.tree.leaves(entered.generator.ema))
    assert jax.tree.structure(entered) == jax.tree.structure(ones)
    assert entered.step == 0


def test_the_penalties_are_those_of_the_authors_in_images_in_minus_1_to_1():
    """Of the critic `D(s) = a . s + 1`, s = 2 x - 1, whose gradient in s is a everywhere."""
    a = np.random.default_rng(0).normal(size=4)
    critic = lambda x: (2 * x.reshape(len(x), -1) - 1) @ jnp.asarray(a, jnp.float32) + 1  # noqa: E731
    real, fake = jnp.asarray(np.random.default_rng(1).random((2, 3, 2, 2, 1)), jnp.float32)
    view = View(KEY, jnp.int32(0), real, fake, critic(real), critic(fake), None, None, critic, critic)
    config = dataclasses.replace(CONFIG, penalty=3.0, target=0.7, drift=0.5)
    slope, drift = (penalty.value(view) for penalty in progan.regularisers(config))
    np.testing.assert_allclose(slope, 3 * (np.linalg.norm(a) - 0.7) ** 2 / 0.7**2, rtol=1e-4)
    np.testing.assert_allclose(drift, 0.5 * ((2 * real.reshape(3, 4) - 1) @ a + 1) ** 2, rtol=1e-4)


@pytest.mark.slow
def test_while_a_level_fades_in_both_players_see_the_share_of_the_step():
    """After one of two steps: the discriminator's loss is that of blended images, real and fake."""
    config = dataclasses.replace(CONFIG, penalty=1e-9, drift=0.0)
    phase = progan.make(config, SPEC)[1]
    state = jit(phase.gan.init)(KEY)._replace(step=jnp.int32(1))
    x = jnp.asarray(np.random.default_rng(0).random((4, 8, 8, 1), np.float32))
    _, metrics = jit(phase.gan.d_step)(KEY, state, Batch(x))
    generator, discriminator = progan.networks(config, SPEC, 1, fading=True)
    half = jnp.float32(0.5)
    judge = jit(lambda images: discriminator.apply(state.discriminator.params, {}, images, half)[0])
    z = rng.latents(rng.stream(rng.step_key(KEY, 1), rng.Stream.LATENTS), 4, config.latent_size)
    fakes = jit(generator.apply)(state.generator.params, {}, z, half)[0]
    real, fake = judge(progan.blended(x, half, 1)), judge(fakes)
    assert metrics["d_loss"] == pytest.approx(float(np.mean(fake - real)), rel=1e-4)
    assert abs(np.mean(judge(x) - real)) > 1e-4
