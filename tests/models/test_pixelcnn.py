"""Gated PixelCNN: what each pixel sees, the exact likelihood, samples against the probabilities of all images."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, networks
from jgan.models import options, pixelcnn

KEY = jax.random.key(0)
SPEC = DataSpec.images((8, 8, 1), steps_per_epoch=10)


@pytest.fixture(scope="module")
def trained():
    """A network with random biases too, so that no path is dead, of images of 7x9."""
    network = networks.from_module(networks.PixelCNN(levels=3, features=6, layers=4, kernel_size=3), (7, 9, 1))
    params, _ = jax.jit(network.init)(KEY)
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(KEY, len(leaves))
    params = structure.unflatten(
        [leaf + 0.3 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    )
    for layer in (params["layer_3"]["residual"], params["head"]):
        layer["bias"] = layer["bias"] + 3  # the last ReLUs are alive
    return network, params


@pytest.mark.slow
@pytest.mark.parametrize("place", [(0, 0), (3, 4), (4, 0), (4, 8), (6, 8)])
def test_a_pixel_sees_all_pixels_before_it_that_are_near_and_none_after_it(trained, place):
    """Four layers of 3x3: four pixels aside and five rows up, and five to the left in the own row; there is no blind spot."""
    network, params = trained
    row, column = place

    def summed(x):
        logits = network.apply(params, {}, x)[0][0, row, column]
        return logits.sum() + logits[0]

    gradient = jax.grad(summed)(jax.random.uniform(KEY, (1, 7, 9, 1)))
    seen = np.asarray(gradient[0, :, :, 0]) != 0
    for i, j in itertools.product(range(7), range(9)):
        above, own = 1 <= row - i <= 5 and abs(column - j) <= 4, i == row and 1 <= column - j <= 5
        assert seen[i, j] == (above or own), (i, j)


@pytest.mark.slow
def test_later_pixels_change_no_bit_of_the_logits_before_them(trained):
    network, params = trained
    x = jax.random.uniform(KEY, (1, 7, 9, 1))
    plain = np.asarray(network.apply(params, {}, x)[0])[0].reshape(63, 3)
    for index in (0, 20, 44, 62):
        other = np.asarray(network.apply(params, {}, x.at[0, index // 9, index % 9, 0].add(1.0))[0])[0].reshape(63, 3)
        np.testing.assert_array_equal(other[: index + 1], plain[: index + 1])
        assert index == 62 or (other[index + 1 :] != plain[index + 1 :]).any()


@pytest.mark.slow
def test_the_probabilities_of_all_images_sum_to_one_and_samples_follow_them():
    """Images of 2x2 with three levels: 81 of them."""
    spec = DataSpec.images((2, 2, 1), steps_per_epoch=10)
    config = pixelcnn.Config(levels=3, features=4, layers=2, kernel_size=3, head=4)
    gan = pixelcnn.make(config, spec)
    state = jax.jit(gan.init)(KEY)
    everything = np.array(list(itertools.product(range(3), repeat=4)), np.float32).reshape(81, 2, 2, 1)
    nats = pixelcnn.nats(config, spec)(KEY, state.generator, (everything + 0.5) / 3)
    probabilities = np.exp(-np.asarray(nats, np.float64))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    samples = np.rint(2 * np.asarray(jax.jit(gan.sample, static_argnums=2)(KEY, state, 20_000))).astype(int).reshape(-1, 4)
    counts = np.bincount(samples @ [27, 9, 3, 1], minlength=81)
    expected = 20_000 * probabilities
    statistic = np.sum((counts - expected) ** 2 / expected)
    assert statistic < 130  # chi-squared with 80 degrees of freedom: 130 is beyond 0.9996


@pytest.mark.slow
def test_training_lowers_the_likelihood_loss_which_is_in_nats_per_image():
    config = dataclasses.replace(pixelcnn.small(pixelcnn.Config()), optimizer=options.Optimizer("sgd", learning_rate=1e-3))
    gan, batch = pixelcnn.make(config, SPEC), Batch(jnp.ones((4, 8, 8, 1)))
    step, state = jax.jit(gan.step), gan.init(KEY)
    values = []
    for _ in range(40):
        state, metrics = step(KEY, state, batch)
        values.append(float(metrics["likelihood_loss"]))
    assert 20 < values[0] < 90  # about 64 log 2
    assert values[-1] < values[0] / 2


@pytest.mark.parametrize(("features", "expected"), [(32, 27_489), (64, 105_665)])
def test_the_parameter_counts_of_the_first_pixelcnn(features, expected):
    """Van den Oord et al. (2016), table 1: 7 residual blocks, a sigmoid; masked weights are counted."""
    config = pixelcnn.Config("masked", features=features, layers=7, kernel_size=7, head=features)
    params, _ = jax.eval_shape(pixelcnn.network(config, DataSpec.images((28, 28, 1), 10)).init, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected


def test_the_parameter_count_of_the_plain_network():
    """1 to 32 channels, four times 32 to 32 and once to 256, by kernels of 7x7 with biases; masked weights are counted."""
    config = pixelcnn.Config("plain", levels=256, features=32, layers=4, kernel_size=7)
    params, _ = jax.eval_shape(pixelcnn.network(config, DataSpec.images((28, 28, 1), 10)).init, KEY)
    assert (
        sum(leaf.size for leaf in jax.tree.leaves(params)) == 49 * 32 + 32 + 4 * (49 * 1024 + 32) + 49 * 8192 + 256 == 604_096
    )


@pytest.mark.parametrize(("architecture", "layers"), [("masked", 2), ("plain", 1)])
def test_a_pixel_of_masked_convolutions_sees_none_after_it_and_not_all_before_it(architecture, layers):
    """Three kernels of 3x3 in a row: the blind spot is what is more columns to the right than rows above."""
    config = pixelcnn.Config(architecture, levels=3, features=4, layers=layers, kernel_size=3, head=4)
    network = pixelcnn.network(config, DataSpec.images((7, 9, 1), 10))
    params = jax.tree.map(jnp.abs, jax.jit(network.init)(KEY)[0])  # with inputs above 0 no ReLU is dead
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)
    gradient = jax.jit(jax.grad(lambda x: network.apply(params, {}, x)[0][0, 4, 4].sum()))(jnp.ones((1, 7, 9, 1)))
    seen = np.asarray(gradient[0, :, :, 0]) != 0
    for i, j in itertools.product(range(7), range(9)):
        above = 1 <= 4 - i <= 3 and -3 <= j - 4 <= 4 - i
        assert seen[i, j] == (above or (i == 4 and 1 <= 4 - j <= 3)), (i, j)


@pytest.mark.parametrize("options_of", [{"levels": 1}, {"layers": 0}, {"kernel_size": 4}])
def test_bad_options_are_refused(options_of):
    with pytest.raises(ValueError, match="PixelCNN needs at least 2 levels, at least 1 layer and an odd kernel_size"):
        pixelcnn.network(pixelcnn.Config(**options_of), SPEC)


def test_colour_is_refused():
    with pytest.raises(ValueError, match="this model is for grey images, found images of 8x8x3: choose another --dataset"):
        pixelcnn.check(DataSpec.images((8, 8, 3), steps_per_epoch=10))
