"""The semi-supervised GAN: its networks, the initialisation from the data, its losses in NumPy, the classifier."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from jgan import Batch, DataSpec, networks, terms
from jgan.models import options, sgan
from jgan.rng import Stream, step_key, stream

KEY = jax.random.key(0)
SMALL = dataclasses.replace(sgan.small(sgan.Config()), optimizer=options.Optimizer("sgd", learning_rate=0.05))
SPEC = sgan.MODEL.small_spec


def minibatch(seed=0, n=8):
    rng = np.random.default_rng(seed)
    x = rng.random((2, n, 8, 8, 1)).astype(np.float32)
    return {"labelled": Batch(x[0], rng.integers(0, 3, n).astype(np.int32)), "unlabelled": Batch(x[1])}


def test_the_parameter_counts_of_the_published_networks():
    """openai/improved-gan; the lengths of weight-normalised columns are counted apart."""
    image = DataSpec.images((28, 28, 1), steps_per_epoch=10, n_classes=10).example
    spec = DataSpec({"labelled": image, "unlabelled": image._replace(y=None)}, steps_per_epoch=10)
    assert counts(sgan.Config(), spec) == [(693_784, 784), (1_538_760, 10)]
    image = DataSpec.images((32, 32, 3), steps_per_epoch=10, n_classes=10).example
    spec = DataSpec({"labelled": image, "unlabelled": image._replace(y=None)}, steps_per_epoch=10)
    assert counts(sgan.PRESETS["sgan_cifar10"].config, spec) == [(4_933_379, 3), (1_406_794, 10)]


def counts(config, spec):
    """Of the parameters of both players, and of the lengths of their last layers."""
    found = []
    for network in sgan.networks(config, spec):
        params = jax.eval_shape(network.init, KEY)[0]
        lengths = params["output"].pop("length").size
        found.append((sum(leaf.size for leaf in jax.tree.leaves(params)), lengths))
    return found


def test_the_convolutional_networks_match_absolute_features(monkeypatch):
    """T.mean(abs(m1 - m2)) in the authors' code for CIFAR-10; squares in that for MNIST."""
    asked, term = [], terms.feature_matching
    monkeypatch.setattr(terms, "feature_matching", lambda **options: asked.append(options["absolute"]) or term(**options))
    for architecture in ("dense", "conv"):
        sgan.make(dataclasses.replace(SMALL, architecture=architecture), SPEC)
    assert asked == [False, True]


def test_sizes_that_do_not_fit_the_convolutional_networks():
    image = DataSpec.images((30, 30, 1), steps_per_epoch=10, n_classes=3).example
    spec = DataSpec({"labelled": image, "unlabelled": image._replace(y=None)}, steps_per_epoch=10)
    with pytest.raises(ValueError, match=r"the semi-supervised GAN makes images .* nearest squares are 28x28 and 32x32"):
        sgan.make(sgan.Config(architecture="conv"), spec)


def test_the_first_training_pass_sets_the_lengths_and_no_later_one_does():
    layer = networks.WeightNormDense(4, learn_length=True)
    first, second = (np.random.default_rng(seed).normal(3, 2, (50, 6)).astype(np.float32) for seed in (0, 1))
    variables = layer.init(KEY, first)
    y, changed = layer.apply(variables, first, train=True, mutable=["data_init"])
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=0), 1, atol=1e-5)
    variables = {"params": variables["params"], **changed}
    direction = np.asarray(variables["params"]["direction"], np.float64)
    kernel = direction / np.linalg.norm(direction, axis=0) * np.asarray(changed["data_init"]["length"])
    expected = second @ kernel + np.asarray(changed["data_init"]["shift"])
    for train in (False, True):
        found, again = layer.apply(variables, second, train=train, mutable=["data_init"])
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(changed), strict=True))


@pytest.mark.slow
def test_the_losses_are_those_of_the_paper():
    """`0.5 (-lse(r) + sp(lse(r)) + sp(lse(f)))` plus the cross-entropy; the generator matches mean features."""
    config, batch = dataclasses.replace(SMALL, input_noise=0.0, hidden_noise=0.0), minibatch()
    gan = sgan.make(config, SPEC)
    state = jax.jit(gan.init)(KEY)
    state, _ = jax.jit(gan.d_step)(KEY, state, batch)  # the lengths are set by the data from here on
    _, metrics = jax.jit(gan.d_step)(KEY, state, batch)
    generator, discriminator = sgan.networks(config, SPEC)
    player = state.discriminator

    def outputs(x):
        (logits, (classes, features)), _ = discriminator.apply(player.params, player.model_state, x)
        return np.asarray(logits, np.float64), np.asarray(classes, np.float64), np.asarray(features, np.float64)

    real, _, real_features = outputs(batch["unlabelled"].x)
    softplus = lambda t: np.log1p(np.exp(t))  # noqa: E731
    _, classes, _ = outputs(batch["labelled"].x)
    chosen = classes[np.arange(8), batch["labelled"].y]
    np.testing.assert_allclose(metrics["supervised_loss"], np.mean(special.logsumexp(classes, axis=1) - chosen), rtol=1e-4)

    step = step_key(KEY, state.step)
    z = gan.inputs(stream(step, Stream.LATENTS), 8).z
    fakes, _ = generator.apply(
        state.generator.params,
        state.generator.model_state,
        z,
        key=stream(step, Stream.GENERATOR),
        train=True,
    )
    fake, fake_classes, fake_features = outputs(fakes)
    np.testing.assert_allclose(fake, special.logsumexp(fake_classes, axis=1), rtol=1e-5)
    np.testing.assert_allclose(metrics["d_loss"], 0.5 * np.mean(-real + softplus(real) + softplus(fake)), rtol=1e-4)
    _, metrics = jax.jit(gan.g_step)(KEY, state, batch)
    assert metrics["g_loss"] == 0
    distance = np.square(real_features.mean(axis=0) - fake_features.mean(axis=0)).sum()
    np.testing.assert_allclose(metrics["feature_matching"], distance, rtol=1e-3)


@pytest.mark.slow
def test_the_classifier_is_the_averaged_discriminator():
    gan, batch = sgan.make(SMALL, SPEC), minibatch()
    state = jax.jit(gan.init)(KEY)
    for _ in range(2):
        state, _ = jax.jit(gan.step)(KEY, state, batch)
    found = sgan.classifier(SMALL, SPEC)(state.discriminator, jnp.asarray(batch["labelled"].x))
    average = state.discriminator.ema
    _, network = sgan.networks(SMALL, SPEC)
    (_, (expected, _)), _ = network.apply(average.params, average.model_state, jnp.asarray(batch["labelled"].x))
    np.testing.assert_array_equal(found, expected)
    (_, (latest, _)), _ = network.apply(state.discriminator.params, state.discriminator.model_state, batch["labelled"].x)
    assert np.abs(found - latest).max() > 1e-6


@pytest.mark.parametrize("missing", ["labels", "set", "shape"])
def test_other_sets_are_refused(missing):
    image = SPEC.sets["labelled"]
    other = {
        "labels": {"labelled": image._replace(y=None), "unlabelled": image},
        "set": {"labelled": image, "b": image},
        "shape": {"labelled": image, "unlabelled": DataSpec.images((9, 8, 1), 2).example},
    }[missing]
    with pytest.raises(ValueError, match=r"this model is for .*labelled.* choose another --dataset"):
        sgan.check(DataSpec(other, steps_per_epoch=2))
