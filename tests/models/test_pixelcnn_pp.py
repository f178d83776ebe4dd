"""PixelCNN++: its parameters, what each pixel sees, the initialisation from the data, samples against the probabilities."""

import dataclasses
import functools
import itertools
import math
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, networks, optim
from jgan.models import options, pixelcnn_pp
from jgan.networks import PixelCNNPP, WeightNormConv
from jgan.types import PlayerState

KEY, RNG = jax.random.key(0), np.random.default_rng(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=10)
SMALL = pixelcnn_pp.small(pixelcnn_pp.Config())
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@pytest.mark.parametrize(("channels", "expected"), [(3, 53_659_080), pytest.param(1, 53_644_220, marks=pytest.mark.slow)])
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
    shapes = jax.eval_shape(network.init, KEY)
    variables = jax.tree.map(lambda leaf: jnp.asarray(1 + 0.3 * RNG.normal(size=leaf.shape), jnp.float32), shapes)
    return lambda x: network.apply(*variables, x)[0]


@pytest.mark.slow
def test_a_pixel_sees_the_pixels_before_it_that_are_near_and_none_from_itself_on(moved):
    """At every place; near is within two rows and two columns, to the upper right too, so that there is no blind spot."""
    weights, x = jnp.asarray(RNG.normal(size=20), jnp.float32), jax.random.uniform(KEY, (1, 8, 12, 3))
    gradients = jit(jax.vmap(jax.grad(lambda x, i, j: moved(x)[0, i, j] @ weights), (None, 0, 0)))
    places = np.array(list(itertools.product(range(8), range(12))))
    seen = np.asarray(gradients(x, *places.T))[:, 0] != 0
    for index, (row, column) in enumerate(places):
        before = np.arange(96).reshape(8, 12) < index
        near = (abs(np.arange(8)[:, None] - row) <= 2) & (abs(np.arange(12) - column) <= 2)
        assert not seen[index][~before].any(), (row, column)
        assert seen[index][before & near].all(), (row, column)


@pytest.mark.slow
def test_later_pixels_change_no_bit_of_the_outputs_before_them(moved):
    x = jax.random.uniform(KEY, (1, 8, 12, 3))
    moved = jit(moved)
    plain = np.asarray(moved(x)).reshape(96, -1)
    for index in (0, 31, 32, 57, 95):
        other = np.asarray(moved(x.at[0, index // 12, index % 12].add(1.0))).reshape(96, -1)
        np.testing.assert_array_equal(other[: index + 1], plain[: index + 1])
        assert index == 95 or (other[index + 1 :] != plain[index + 1 :]).any()


# --------------------------------------------------------------------------------------------- the initialisation from the data


def begun(path, leaf):
    """A variable before the first step: a direction that is random, a length of 1, otherwise 0."""
    kind, rng = path[-1].key, np.random.default_rng(zlib.crc32(jax.tree_util.keystr(path).encode()))
    values = rng.normal(size=leaf.shape) if kind == "direction" else np.full(leaf.shape, kind == "length")
    return jnp.asarray(values, jnp.float32)


@pytest.mark.slow
def test_the_first_training_pass_sets_mean_and_deviation_of_every_layer():
    module = PixelCNNPP(filters=4, blocks=1, mixtures=2)
    first, second = RNG.random((2, 32, 8, 8, 3)).astype(np.float32)
    variables = jax.tree_util.tree_map_with_path(begun, jax.eval_shape(module.init, KEY, first))

    def outputs(layer, method):
        return isinstance(layer, WeightNormConv) and method == "__call__"

    run = jit(
        functools.partial(module.apply, train=True, capture_intermediates=outputs, mutable=["data_init", "intermediates"])
    )
    y, found = run(variables, first, rngs={"dropout": KEY})
    layers = jax.tree_util.tree_leaves_with_path(found["intermediates"])
    assert len(layers) == 3 + 2 * 2 * 8 + 13 + 8 + 1  # first, of the blocks, of their second inputs, of other sizes, last
    for path, h in layers:
        deviation = 0.1 if path[-3].key == "second" else 1
        np.testing.assert_allclose(h.mean((0, 1, 2)), 0, atol=1e-4 * deviation, err_msg=str(path))
        np.testing.assert_allclose(h.std((0, 1, 2)), deviation, rtol=1e-3, err_msg=str(path))
    assert y.shape == (32, 8, 8, 20)
    _, again = run({"params": variables["params"], "data_init": found["data_init"]}, second, rngs={"dropout": KEY})
    jax.tree.map(np.testing.assert_array_equal, again["data_init"], found["data_init"])


# --------------------------------------------------------------------------------------------------------- model and training


@pytest.mark.slow
def test_samples_follow_the_probabilities():
    """Images of 4x4 with three levels, whose first rows are the same, of the same uniform numbers: 81 of the last row."""
    spec = DataSpec.images((4, 4, 1), steps_per_epoch=10)
    config = dataclasses.replace(SMALL, levels=3)
    net = pixelcnn_pp.network(config, spec)
    params, model_state = jax.tree_util.tree_map_with_path(begun, jax.eval_shape(net.init, KEY))
    player = PlayerState(params, model_state, ())
    uniform = jnp.asarray(np.random.default_rng(1).random((3_000, 4, 4, 2)), jnp.float32)
    uniform = uniform.at[:, :3].set(uniform[:1, :3])
    samples = jax.jit(lambda z: pixelcnn_pp.drawn(net, params, model_state, z, 3))(uniform)
    levels = np.rint(2 * np.asarray(samples)).astype(int)[..., 0]
    assert (levels[:, :3] == levels[0, :3]).all()
    every = np.array(list(itertools.product(range(3), repeat=4)))
    images = np.broadcast_to(levels[0], (81, 4, 4)).copy()
    images[:, 3] = every
    nats = jit(pixelcnn_pp.nats(config, spec))(KEY, player, (images[..., None] + np.float32(0.5)) / 3)
    probabilities = np.exp(-np.float64(nats))
    expected = 3_000 * probabilities / probabilities.sum()
    counts = np.bincount(levels[:, 3] @ [27, 9, 3, 1], minlength=81)
    assert expected.max() > 5 * expected.min()
    assert np.sum((counts - expected) ** 2 / expected) < 130  # chi-squared with 80 degrees of freedom: beyond 0.9996


@pytest.mark.slow
def test_training_lowers_the_loss_which_is_told_in_bits_too_and_the_rate_falls():
    config = dataclasses.replace(SMALL, optimizer=options.Optimizer("adam", learning_rate=0.01), rate_decay=0.9)
    gan, batch = pixelcnn_pp.make(config, SPEC), Batch(jnp.asarray(RNG.random((8, 8, 8, 1)) > 0.8, jnp.float32))
    step, state = jit(gan.step), jit(gan.init)(KEY)
    values, moves = [], []
    for _ in range(40):
        before = state.generator.params["output"]["bias"]
        state, metrics = step(KEY, state, batch)
        values.append(float(metrics["likelihood_loss"]))
        moves.append(float(abs(state.generator.params["output"]["bias"] - before).max()))
        assert metrics["bits_per_dim"] == pytest.approx(values[-1] / (64 * math.log(2)), rel=1e-5)
    assert values[-1] < 0.9 * values[0]
    assert moves[0] == pytest.approx(0.01, rel=0.01)
    assert moves[-1] < 0.01 * 0.9**38
    _, held = optim.ema_weights(state.generator, True)  # what the data set is not averaged
    jax.tree.map(np.testing.assert_array_equal, held, state.generator.model_state)
    assert held["data_init"]["output"]["known"] == 1


# ---------------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("options_of", [{"levels": 1}, {"filters": 0}, {"blocks": 0}, {"mixtures": 0}])
def test_bad_sizes_are_refused(options_of):
    with pytest.raises(ValueError, match=r"needs at least 2 levels and at least 1 filter, block and mixture, found"):
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
