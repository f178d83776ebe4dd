"""StyleGAN2: the published parameter counts, styles, truncation, the units and the optimisers of lazy regularisation."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec
from jgan.models import dcgan, options, stylegan2
from jgan.networks import StyleGAN2Generator, from_module
from jgan.training.evaluators.sampling import draw

KEY = jax.random.key(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=4)
SMALL = stylegan2.small(stylegan2.Config())
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@pytest.mark.parametrize(
    ("name", "side", "expected"),
    [
        ("cifar", 32, (19_947_539, 20_720_641)),
        ("auto", 64, (22_243_608, 23_407_361)),
        ("paper256", 256, (24_767_458, 24_001_089)),
        ("stylegan2", 256, (30_034_338, 28_864_129)),
    ],
)
def test_the_parameter_counts_of_the_published_configurations(name, side, expected):
    gan = stylegan2.make(stylegan2.CONFIGS[name], DataSpec.images((side, side, 3), 10, batch_size=64))
    state = jax.eval_shape(gan.init, KEY)
    counts = (sum(math.prod(x.shape) for x in jax.tree.leaves(side.params)) for side in (state.generator, state.discriminator))
    assert tuple(counts) == expected


@pytest.mark.parametrize(
    ("name", "mapping", "group", "base", "rate", "gamma", "half_life"),
    [
        ("cifar", 2, 32, 32768, 2.5e-3, 0.01, 500_000),
        ("auto", 2, 4, 16384, 2.5e-3, 0.0002 * 64**2 / 64, 20_000),
        ("paper256", 8, 8, 16384, 2.5e-3, 1, 20_000),
        ("stylegan2", 8, 4, 32768, 2e-3, 10, 10_000),
    ],
)
def test_the_options_of_the_published_configurations(name, mapping, group, base, rate, gamma, half_life):
    """Those of the authors' train.py, NVlabs/stylegan2-ada; `auto` for 64x64 images in batches of 64."""
    config = stylegan2.CONFIGS[name]
    assert (config.mapping_layers, config.group, config.channel_base, config.channel_max) == (mapping, group, base, 512)
    assert (config.r1, config.r1_every, config.ema.half_life) == (pytest.approx(gamma), 16, half_life)
    adam = config.optimizer
    assert (adam.learning_rate, adam.b1, adam.b2) == (rate, 0, 0.99)
    plain = name == "cifar"  # without path lengths, mixed styles and shortcuts
    assert (config.path_length, config.path_length_every, config.mixing) == (0 if plain else 2, 4, 0 if plain else 0.9)
    assert config.residual is not plain


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((30, 30, 1), "found 30x30; the nearest squares are 28x28 and 32x32"),
        ((3, 3, 1), "found 3x3; the nearest squares are 8x8"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=f"StyleGAN2 makes images whose sides .* {message}"):
        stylegan2.check(DataSpec.images(shape, 10))


def test_images_that_are_not_square():
    gan = stylegan2.make(SMALL, DataSpec.images((28, 56, 3), 10, batch_size=4))
    state = jax.eval_shape(gan.init, KEY)
    assert jax.eval_shape(lambda s: gan.sample(KEY, s, 2), state).shape == (2, 28, 56, 3)
    assert state.generator.params["synthesis"]["constant"].shape == (7, 14, 8)


# ------------------------------------------------------------------------------------------------------------------ styles

N, LATENT, STYLE = 6, 5, 7
MODULE = StyleGAN2Generator((16, 16, 1), STYLE, 2, channel_base=64, channel_max=6)
Z = np.random.default_rng(0).normal(size=(N, LATENT)).astype(np.float32)
RNGS = {"noise": jax.random.key(1), "mixing": jax.random.key(2)}


@functools.cache
def variables():
    found = jit(MODULE.init)(KEY, Z)
    average = np.random.default_rng(1).normal(size=STYLE).astype(np.float32)
    return {**found, "averages": {"w": jnp.asarray(average)}}


def run(module, method, given, **options):
    """A part of the generator; in training with its moving average."""
    mutable = ["averages"] if options.get("train") else False
    return jit(lambda v, x: module.apply(v, x, method=method, mutable=mutable, rngs=RNGS, **options))(variables(), given)


def styles(module=MODULE, **options):
    found = run(module, "styles", Z, **options)
    return found if not options.get("train") else found[0]


def test_each_level_has_two_styles_and_all_are_those_of_the_latents():
    assert MODULE.layers == 6
    ws = styles()
    assert ws.shape == (N, 6, STYLE)
    np.testing.assert_array_equal(ws, np.broadcast_to(ws[:, :1], ws.shape))
    assert (ws[0] != ws[1]).all()


def test_each_layer_has_the_style_of_its_place():
    """As in the published code: the image of a level and the first convolution of the next level share a style."""
    ws = np.random.default_rng(2).normal(size=(2, 6, STYLE)).astype(np.float32)

    def affine(ws):
        """What each modulated layer makes of its style."""
        function = lambda v, x: MODULE.apply(v, x, method="images", capture_intermediates=True, rngs=RNGS)[1]  # noqa: E731
        found = jit(function)(variables(), ws)["intermediates"]["synthesis"]
        layers = {name: layer.get("conv", layer) for name, layer in found.items() if name != "__call__"}
        return {name: np.asarray(layer["style"]["__call__"][0]) for name, layer in layers.items()}

    before, seen = affine(ws), {}
    for place in range(6):
        other = ws.copy()
        other[:, place] += 1
        after = affine(other)
        seen[place] = {name for name in before if (before[name] != after[name]).any()}
    assert seen == {
        0: {"conv_0"},
        1: {"image_0", "conv_1_0"},
        2: {"conv_1_1"},
        3: {"image_1", "conv_2_0"},
        4: {"conv_2_1"},
        5: {"image_2"},
    }


@pytest.mark.slow
def test_truncation_moves_styles_towards_their_average():
    w, average = np.float64(styles()), np.float64(variables()["averages"]["w"])
    for psi in (0.0, 0.7):
        found = styles(MODULE.clone(truncation=psi))
        np.testing.assert_allclose(found, average + psi * (w - average), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(styles(MODULE.clone(truncation=0.3), train=True), styles(train=True))


def test_mixed_styles_are_those_of_two_latents():
    plain = np.asarray(styles())
    mixed = np.asarray(styles(MODULE.clone(mixing=1.0), train=True))
    places = set()
    for own, found in zip(plain, mixed, strict=True):
        same = np.isclose(found, own, atol=1e-6).all(axis=1)
        place = int(same.sum())
        places.add(place)
        assert same[0]  # the first style is never replaced, and the last always is
        assert not same[-1]
        assert same[:place].all()
        np.testing.assert_array_equal(found[place:], np.broadcast_to(found[-1], found[place:].shape))
    assert len(places) > 1
    np.testing.assert_allclose(styles(MODULE.clone(mixing=0.0), train=True), plain, atol=1e-6)


def test_mixing_has_its_probability():
    module, z = MODULE.clone(mixing=0.6), np.random.default_rng(0).normal(size=(2000, LATENT)).astype(np.float32)
    found = np.asarray(run(module, "styles", z, train=True)[0])
    assert (found[:, 0] != found[:, -1]).any(axis=1).mean() == pytest.approx(0.6, abs=0.04)


def test_the_average_of_the_styles_follows_the_batch_in_training():
    before, w = variables()["averages"]["w"], np.asarray(styles())[:, 0]
    _, after = run(MODULE, "styles", Z, train=True)
    np.testing.assert_allclose(after["averages"]["w"], 0.995 * before + 0.005 * w.mean(axis=0), rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_styles_noise_and_their_average_do_not_depend_on_the_number_of_devices():
    network = from_module(MODULE, (LATENT,), rngs=("noise", "mixing"))
    params, model_state = variables()["params"], {"averages": variables()["averages"]}

    def share(z):
        return network.apply(params, model_state, z, key=KEY, train=True, axis_name="data")

    images, state = jit(jax.vmap(share, axis_name="data"))(Z.reshape(2, N // 2, LATENT))
    whole, expected = jit(lambda z: network.apply(params, model_state, z, key=KEY, train=True))(Z)
    np.testing.assert_allclose(images.reshape(whole.shape), whole, atol=1e-5)
    np.testing.assert_allclose(state["averages"]["w"][0], expected["averages"]["w"], rtol=1e-5)


def test_the_parts_of_the_generator_are_the_whole():
    image = run(MODULE, None, Z)
    np.testing.assert_allclose(image, (run(MODULE, "images", styles()) + 1) / 2, atol=1e-6)


def test_in_bfloat16_styles_images_and_parameters_are_float32_and_images_differ_by_8_bits():
    module = MODULE.clone(dtype=jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(jax.eval_shape(module.init, KEY, Z))} == {jnp.dtype("float32")}
    np.testing.assert_array_equal(styles(module), styles())
    rounded, exact = np.asarray(run(module, None, Z)), np.asarray(run(MODULE, None, Z))
    assert rounded.dtype == np.float32
    assert 0 < abs(rounded - exact).max() < 0.05 * abs(exact).max()


# --------------------------------------------------------------------------------------------------------------- the model


@pytest.mark.slow
def test_truncation_is_an_option_of_sampling():
    """Through `sample` and, in blocks, through `draw`: the images of styles half way to their average."""
    gan = stylegan2.make(SMALL, SPEC)
    state = jit(gan.init)(KEY)
    average = jnp.ones_like(state.generator.ema.model_state["averages"]["w"])
    ema = state.generator.ema._replace(model_state={"averages": {"w": average}})
    state = state._replace(generator=state.generator._replace(ema=ema))
    module = StyleGAN2Generator((8, 8, 1), 6, 2, 64, 8)

    def by_hand(state, z):
        given = {"params": state.generator.ema.params, **state.generator.ema.model_state}
        styles = module.apply(given, z, method="styles")
        return jnp.clip((module.apply(given, 0.5 * styles + 0.5, method="images") + 1) / 2, 0, 1)

    expected = jit(by_hand)(state, gan.inputs(KEY, 3).z)
    assert gan.truncates
    np.testing.assert_allclose(jit(lambda state: gan.sample(KEY, state, 3, truncation=0.5))(state), expected, atol=1e-5)
    np.testing.assert_allclose(draw(gan, state, gan.inputs(KEY, 3), truncation=0.5, block=3), expected, atol=1e-5)


@pytest.mark.slow
def test_the_path_length_is_a_lazy_term_of_the_generator():
    config = dataclasses.replace(SMALL, path_length=2.0, path_length_every=4)
    gan = stylegan2.make(config, SPEC)
    state, metrics = jax.eval_shape(lambda x: gan.g_step(KEY, gan.init(KEY), Batch(x)), jnp.zeros((4, 8, 8, 1)))
    assert metrics["path_length"].shape == ()
    assert [leaf.shape for leaf in jax.tree.leaves(state.memory.terms)] == [()]
    without = stylegan2.make(dataclasses.replace(config, path_length=0.0, r1=0.0), SPEC)
    assert jax.tree.leaves(jax.eval_shape(without.init, KEY).memory) == []


def test_a_model_without_truncation_refuses_it():
    gan = dcgan.make(dcgan.small(dcgan.Config()), SPEC)
    assert not gan.truncates
    with pytest.raises(ValueError, match=r"this model has no truncation: leave it out, found 0\.5"):
        gan.sample(KEY, None, 2, truncation=0.5)


def test_the_optimisers_are_corrected_for_lazy_regularisation():
    """The first two updates of Adam with the rate lr c and b2^c, c = r / (r + 1); b1 = 0. Both see the gradients 1 and 3."""
    config = dataclasses.replace(SMALL, optimizer=dataclasses.replace(SMALL.optimizer, learning_rate=0.01, b2=0.9, b1=0.5))
    made = stylegan2.corrected(config, SPEC)
    for optimizer, every in ((made.generator, 4), (made.discriminator, 16)):
        c = every / (every + 1)
        b1, b2, m, v = 0.5**c, 0.9**c, 0.0, 0.0
        params = {"w": jnp.zeros(1)}
        state = optimizer.init(params)
        for t, gradient in enumerate((1.0, 3.0), 1):
            update, state = optimizer.update({"w": jnp.full(1, gradient)}, state, params)
            m, v = b1 * m + (1 - b1) * gradient, b2 * v + (1 - b2) * gradient**2
            expected = -0.01 * c * (m / (1 - b1**t)) / math.sqrt(v / (1 - b2**t))
            assert float(update["w"][0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_the_path_length_counts_as_often_as_it_is_left_out():
    """At step 0 of an interval of 4 it is 4 times that of every step, at step 1 it is 0."""
    found = {}
    for every in (1, 4):
        gan = stylegan2.make(dataclasses.replace(SMALL, r1=0.0, path_length=2.0, path_length_every=every), SPEC)
        state, step = jit(gan.init)(KEY), jit(gan.g_step)
        batch = Batch(jnp.zeros((4, 8, 8, 1)))
        found[every] = [float(step(KEY, state._replace(step=jnp.int32(at)), batch)[1]["path_length"]) for at in (0, 1)]
    assert found[4][0] == pytest.approx(4 * found[1][0], rel=1e-5)
    assert found[1][0] > 0
    assert found[4][1] == 0


@pytest.mark.slow
def test_r1_is_that_of_images_in_minus_1_to_1_and_lazy():
    """The logits' gradient in s = 2 x - 1 is half of that in x; at step 0 it counts 16 times, at step 1 not at all."""
    config = dataclasses.replace(SMALL, r1=3.0, path_length=0.0)
    gan = stylegan2.make(config, SPEC)
    state = jit(gan.init)(KEY)
    x = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    step = jit(gan.d_step)
    penalties = [float(step(KEY, state._replace(step=jnp.int32(at)), Batch(x))[1]["d_penalty"]) for at in (0, 1)]

    def logits(signed):
        return gan.logits(state, (signed + 1) / 2).sum()

    gradient = np.float64(jit(jax.grad(logits))(2 * x - 1))
    assert penalties[0] == pytest.approx(16 * 3 / 2 * np.mean(np.sum(gradient**2, axis=(1, 2, 3))), rel=1e-4)
    assert penalties[1] == 0


def test_the_augmentation_is_that_of_the_options():
    config = dataclasses.replace(SMALL, augment=options.Augment("ada", p=0.25))
    state = jax.eval_shape(stylegan2.make(config, SPEC).init, KEY)
    assert state.memory.augment.p.shape == ()
    assert options.Augment().augmentation() is None
    assert options.Augment("diff_augment", policy=("cutout",)).augmentation().init() == ()
    with pytest.raises(ValueError, match="did you mean 'ada'"):
        options.Augment("adda").augmentation()
