"""PixelCNN++: its parameters, what each pixel sees, the initialisation from the data, samples against all images' probabilities."""

import dataclasses
import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, networks, optim
from jgan.models import options, pixelcnn_pp
from jgan.networks import PixelCNNPP, WeightNormConv

KEY, RNG = jax.random.key(0), np.random.default_rng(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=10)
SMALL = pixelcnn_pp.small(pixelcnn_pp.Config())
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@pytest.mark.parametrize(("channels", "expected"), [(3, 53_659_080), (1, 53_644_220)])
def test_the_parameter_count_of_the_published_configuration(channels, expected):
    """Of a grey image two kernels of 6, 3 and 2 taps less, and 70 outputs less, each of 160 weights, a length and a bias."""
    config = pixelcnn_pp.PRESETS["pixelcnn_pp_cifar10"].config
    params, _ = jax.eval_shape(pixelcnn_pp.network(config, DataSpec.images((32, 32, channels), 10)).init, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected
    assert expected == 53_659_080 - (3 - channels) // 2 * (2 * (6 + 3 + 2) * 160 + 70 * 162)


# --------------------------------------------------------------------------------------------------------- what a pixel sees


@pytest.fixture(scope="module")
def moved():
    """A network of colour images of 8x12, all its parameters random."""
    network = networks.from_module(PixelCNNPP(filters=3, blocks=1, mixtures=2), (8, 12, 3))
    params, model_state = jit(network.init)(KEY)
    leaves, structure = jax.tree.flatten(params)
    params = structure.unflatten([leaf + jnp.float32(0.3 * RNG.normal(size=leaf.shape)) for leaf in leaves])
    return jit(lambda x: network.apply(params, model_state, x)[0])


@pytest.mark.slow
def test_a_pixel_sees_the_pixels_before_it_that_are_near_and_none_from_itself_on(moved):
    """At every place; near is within two rows and two columns, to the upper right too, so that there is no blind spot."""
    weights = jnp.asarray(RNG.normal(size=20), jnp.float32)
    gradients = jit(jax.vmap(jax.grad(lambda x, i, j: moved(x)[0, i, j] @ weights), (None, 0, 0)))
    places = np.array(list(itertools.product(range(8), range(12))))
    seen = (np.asarray(gradients(jax.random.uniform(KEY, (1, 8, 12, 3)), *places.T))[:, 0] != 0).all(-1)
    touched = np.asarray(gradients(jax.random.uniform(KEY, (1, 8, 12, 3)), *places.T))[:, 0].any(-1)
    for index, (row, column) in enumerate(places):
        before = np.arange(96).reshape(8, 12) < index
        near = (abs(np.arange(8)[:, None] - row) <= 2) & (abs(np.arange(12) - column) <= 2)
        assert not touched[index][~before].any(), (row, column)
        assert seen[index][before & near].all(), (row, column)


@pytest.mark.slow
def test_later_pixels_change_no_bit_of_the_outputs_before_them(moved):
    x = jax.random.uniform(KEY, (1, 8, 12, 3))
    plain = np.asarray(moved(x)).reshape(96, -1)
    for index in (0, 31, 32, 57, 95):
        other = np.asarray(moved(x.at[0, index // 12, index % 12].add(1.0))).reshape(96, -1)
        np.testing.assert_array_equal(other[: index + 1], plain[: index + 1])
        assert index == 95 or (other[index + 1 :] != plain[index + 1 :]).any()


# --------------------------------------------------------------------------------------------- the initialisation from the data


@pytest.mark.slow
def test_the_first_training_pass_sets_mean_and_deviation_of_every_layer():
    module = PixelCNNPP(filters=4, blocks=1, mixtures=2)
    first, second = RNG.random((2, 32, 8, 8, 3)).astype(np.float32)
    variables = jit(module.init)(KEY, first)
    run = functools.partial(
        module.apply, train=True, capture_intermediates=lambda layer, _: isinstance(layer, WeightNormConv)
    )
    run = jit(functools.partial(run, mutable=["data_init", "intermediates"]))
    y, found = run(variables, first, rngs={"dropout": KEY})
    layers = jax.tree_util.tree_leaves_with_path(found["intermediates"])
    assert len(layers) == 3 + 2 * (2 * 8 + 5) + 3 + 8 + 1  # first, blocks and their second inputs, changes of scale, output
    for path, h in layers:
        deviation = 0.1 if path[-3].key == "second" else 1
        np.testing.assert_allclose(h.mean((0, 1, 2)), 0, atol=1e-4 * deviation, err_msg=str(path))
        np.testing.assert_allclose(h.std((0, 1, 2)), deviation, rtol=1e-3, err_msg=str(path))
    assert y.shape == (32, 8, 8, 20)
    _, again = run({"params": variables["params"], "data_init": found["data_init"]}, second, rngs={"dropout": KEY})
    jax.tree.map(np.testing.assert_array_equal, again["data_init"], found["data_init"])


# --------------------------------------------------------------------------------------------------------- model and training


@pytest.mark.slow
def test_the_probabilities_of_all_images_sum_to_one_and_samples_follow_them():
    """Images of 4x4 with two levels, 65,536 of them; of the samples the last row is counted, which depends on all others."""
    spec = DataSpec.images((4, 4, 1), steps_per_epoch=10)
    config = dataclasses.replace(SMALL, levels=2)
    gan = pixelcnn_pp.make(config, spec)
    batch = Batch(jnp.asarray(RNG.random((64, 4, 4, 1)), jnp.float32))
    state, _ = jit(gan.step)(KEY, jit(gan.init)(KEY), batch)
    everything = (np.arange(65_536)[:, None] >> np.arange(15, -1, -1) & 1).astype(np.float32).reshape(-1, 4, 4, 1)
    nats = jit(lambda x: jax.lax.map(lambda block: pixelcnn_pp.nats(config, spec)(KEY, state.generator, block), x))
    probabilities = np.exp(-np.asarray(nats(everything.reshape(64, 1024, 4, 4, 1)), np.float64)).ravel()
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)
    samples = np.asarray(jax.jit(gan.sample, static_argnums=2)(KEY, state, 20_000)).astype(int)
    counts = np.bincount(samples[:, 3, :, 0] @ [8, 4, 2, 1], minlength=16)
    expected = 20_000 * probabilities.reshape(-1, 16).sum(0)
    assert expected.max() > 1.5 * expected.min()
    assert np.sum((counts - expected) ** 2 / expected) < 40  # chi-squared with 15 degrees of freedom: beyond 0.999


@pytest.mark.slow
def test_training_lowers_the_loss_which_is_told_in_bits_too_and_the_rate_falls():
    config = dataclasses.replace(SMALL, optimizer=options.Optimizer("adam", learning_rate=0.01), rate_decay=0.9)
    gan, batch = pixelcnn_pp.make(config, SPEC), Batch(jnp.asarray(RNG.random((8, 8, 8, 1)), jnp.float32) > 0.8)
    batch = Batch(batch.x.astype(jnp.float32))
    step, state = jit(gan.step), jit(gan.init)(KEY)
    values, moves = [], []
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam mixes an int32 count with Python floats
        for _ in range(40):
            before = state.generator.params["output"]["bias"]
            state, metrics = step(KEY, state, batch)
            values.append(float(metrics["likelihood_loss"]))
            moves.append(float(abs(state.generator.params["output"]["bias"] - before).max()))
            assert metrics["bits_per_dim"] == pytest.approx(values[-1] / (64 * math.log(2)), rel=1e-5)
    assert values[-1] < 0.9 * values[0]
    assert moves[0] == pytest.approx(0.01, rel=0.01)
    assert moves[-1] < 0.01 * 0.9**38


@pytest.mark.slow
def test_the_average_has_the_start_that_the_data_set():
    gan = pixelcnn_pp.make(SMALL, SPEC)
    state = jit(gan.init)(KEY)
    with jax.numpy_dtype_promotion("standard"):
        state, _ = jit(gan.step)(KEY, state, Batch(jnp.asarray(RNG.random((8, 8, 8, 1)), jnp.float32)))
    _, held = optim.ema_weights(state.generator, True)
    jax.tree.map(np.testing.assert_array_equal, held, state.generator.model_state)
    assert all(np.all(layer["known"] == 1) for layer in (held["data_init"]["output"], held["data_init"]["input_u"]))


# ---------------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("options_of", [{"levels": 1}, {"filters": 0}, {"blocks": 0}, {"mixtures": 0}])
def test_bad_sizes_are_refused(options_of):
    with pytest.raises(ValueError, match="PixelCNN\\+\\+ needs at least 2 levels and at least 1 filter, block and mixture, found"):
        pixelcnn_pp.make(dataclasses.replace(SMALL, **options_of), SPEC)


@pytest.mark.parametrize(
    ("options_of", "message"),
    [
        ({"keep": 0.0}, "keep is a probability above 0, found 0.0"),
        ({"keep": 1.5}, "keep is a probability above 0, found 1.5"),
        ({"rate_decay": 0.0}, "rate_decay is above 0 and at most 1, found 0.0"),
        ({"rate_decay": 1.1}, "rate_decay is above 0 and at most 1, found 1.1"),
    ],
)
def test_bad_numbers_are_refused(options_of, message):
    with pytest.raises(ValueError, match=message):
        pixelcnn_pp.make(dataclasses.replace(SMALL, **options_of), SPEC)


def test_sides_that_do_not_fit_are_refused_with_the_nearest_that_do():
    with pytest.raises(ValueError, match="sides are multiples of 4, found 30x33; the nearest size is 32x32"):
        pixelcnn_pp.check(DataSpec.images((30, 33, 3), steps_per_epoch=10))
    assert pixelcnn_pp.nearest((30, 33)) == (32, 32)
