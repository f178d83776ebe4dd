"""InfoGAN: the published networks, the codes and their likelihood, where its gradient goes, the error of the code."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jgan import Batch, DataSpec, data, models
from jgan.codes import Codes
from jgan.models import infogan
from jgan.training.evaluators import codes as evaluator
from jgan.types import Inputs

KEY = jax.random.key(0)
CODES = Codes(4, (3, 2), 2)


def test_the_parameter_counts_of_the_published_networks():
    """openai/InfoGAN; Q is counted with the discriminator."""
    spec = DataSpec.images((28, 28, 1), steps_per_epoch=10)
    networks = infogan.networks(models.presets()["infogan_mnist"].config, spec)
    counts = [sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(net.init, KEY)[0])) for net in networks]
    assert counts == [6_652_481, 6_692_173]


def test_latents_are_noise_one_hot_vectors_and_continuous_codes():
    z = CODES.draw(KEY, 4000)
    noise, (three, two), continuous = CODES.split(z)
    assert [part.shape[1] for part in (noise, three, two, continuous)] == [4, 3, 2, 2]
    for part in (three, two):
        assert set(np.unique(part)) == {0.0, 1.0}
        np.testing.assert_array_equal(part.sum(axis=1), 1)
        assert stats.chisquare(part.sum(axis=0)).pvalue > 1e-4
    for column in (*noise.T, *continuous.T):
        assert stats.kstest(np.asarray(column), "uniform", (-1, 2)).pvalue > 1e-4
    parts = np.corrcoef(np.asarray(z).T)
    assert np.abs(parts[:4, 4:]).max() < 0.1  # the codes tell nothing of the noise
    np.testing.assert_array_equal(CODES.draw(KEY, 3), z[:3])


def test_the_likelihood_is_a_product_of_softmaxes_and_gaussians():
    z, output = CODES.draw(KEY, 6), np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)
    found = CODES.log_likelihood(jnp.asarray(output), Inputs(z))
    wide, given = output.astype(np.float64), np.asarray(z, np.float64)
    expected = stats.norm.logpdf(given[:, 9:], wide[:, 5:]).sum(axis=1)
    for first, last in ((0, 3), (3, 5)):
        logits = wide[:, first:last]
        softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected += np.log((softmax * given[:, 4 + first : 4 + last]).sum(axis=1))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
def test_the_information_trains_the_generator_the_trunk_and_q():
    """A known fault elsewhere: Q, or the trunk under it, in no optimiser of the information."""
    config = infogan.small(infogan.Config())
    spec = DataSpec.images((8, 8, 1), steps_per_epoch=2)
    batch = Batch(jax.random.uniform(KEY, (8, 8, 8, 1)))
    after = {}
    for weight in (0.0, 1.0):
        gan = infogan.make(dataclasses.replace(config, information_weight=weight), spec)
        state, _ = jax.jit(gan.step)(KEY, gan.init(KEY), batch)
        after[weight] = state
    with_, without = after[1.0], after[0.0]
    for player, layers in (("generator", ["latent", "project", "output"]), ("discriminator", ["down_0", "trunk", "codes"])):
        for layer in layers:
            one, other = (getattr(state, player).params[layer]["kernel"] for state in (with_, without))
            assert np.abs(one - other).max() > 1e-9, (player, layer)
    start = infogan.make(config, spec).init(KEY).discriminator.params
    assert np.array_equal(without.discriminator.params["codes"]["kernel"], start["codes"]["kernel"])
    assert not np.array_equal(with_.discriminator.params["codes"]["kernel"], start["codes"]["kernel"])


def test_the_code_error_matches_values_to_classes_on_validation_images():
    """Values 0 and 1 of the code stand for class 2, value 2 for class 0; of four test images one is of another class."""
    images = np.zeros((4, 8, 8, 1), np.uint8)
    part = lambda first, labels: Batch(np.full_like(images, first), np.array(labels, np.int32))  # noqa: E731
    dataset = data.Dataset("three", part(0, [0, 1, 2, 2]), part(1, [2, 2, 2, 0]), part(2, [2, 1, 0, 2]))
    config = types.SimpleNamespace(model=types.SimpleNamespace(categories=(3,)))
    run = types.SimpleNamespace(config=config, spec=types.SimpleNamespace(n_classes=3), dataset=dataset)
    state = types.SimpleNamespace(discriminator=None)
    read = {1: [0, 1, 1, 2], 2: [0, 1, 2, 1]}  # the values of the code of validation and test images
    error = evaluator.code_error(run, state, lambda _, x: np.array(read[int(x[0, 0, 0, 0])]))
    assert error == 0.25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categories": (1,)}, "categories must have at least two values each"),
        ({"categories": (), "continuous": 0}, "InfoGAN needs a code"),
    ],
)
def test_bad_codes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        infogan.codes(infogan.Config(**options))
