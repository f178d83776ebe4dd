"""The classifier with one hidden layer: its training against NumPy in float64, its epochs against loops, its files."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, data
from jgan import classifier as command
from jgan.evaluation.extract import extract
from jgan.features import classifier, dense
from jgan.features.dense import SIMPLE, Dense
from jgan.utils import cli

SHAPE, CLASSES, UNITS = (2, 3, 1), 3, 4


@pytest.fixture(scope="module")
def images():
    draw = np.random.default_rng(0)
    return Batch(draw.integers(0, 256, (7, *SHAPE), np.uint8), draw.integers(0, CLASSES, 7).astype(np.int32))


# ------------------------------------------------------------------------------------- an oracle in float64, without calculus


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def forward(config, params, x):
    h = x.reshape(len(x), -1) @ params["hidden"]["kernel"] + params["hidden"]["bias"]
    h = sigmoid(h) if config.activation == "sigmoid" else np.where(h > 0, h, config.slope * h)
    if config.layer_norm:
        h = (h - h.mean(axis=1, keepdims=True)) / np.sqrt(h.var(axis=1, keepdims=True) + 1e-5)
        h = h * params["norm"]["scale"] + params["norm"]["bias"]
    return h @ params["output"]["kernel"] + params["output"]["bias"]


def mean_loss(config, params, x, y):
    logits, targets = forward(config, params, x), np.eye(CLASSES)[y]
    p = sigmoid(logits)
    if config.loss == "squared":
        return np.mean((p - targets) ** 2)
    if config.loss == "bce":
        return -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y])


def differences(config, params, x, y, h=1e-6):
    """The gradient by central differences."""
    leaves, structure = jax.tree.flatten(params)
    found = [np.zeros_like(leaf) for leaf in leaves]
    for leaf, gradient in zip(leaves, found, strict=True):
        for place in np.ndindex(leaf.shape):
            value, sides = leaf[place], []
            for moved in (value + h, value - h):
                leaf[place] = moved
                sides.append(mean_loss(config, params, x, y))
            leaf[place] = value
            gradient[place] = (sides[0] - sides[1]) / (2 * h)
    return jax.tree.unflatten(structure, found)


def oracle(config, params, data, rows):
    """The parameters after a Python loop over minibatches; Adam as in algorithm 1 of its paper."""
    params = jax.tree.map(lambda leaf: np.array(leaf, np.float64), params)
    m, v = jax.tree.map(np.zeros_like, params), jax.tree.map(np.zeros_like, params)
    for step, row in enumerate(np.asarray(rows), start=1):
        g = differences(config, params, data.x[row] / 255.0, data.y[row])
        if config.optimizer == "sgd":
            params = jax.tree.map(lambda p, g: p - config.learning_rate * g, params, g)
            continue
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, v, g)
        first, second = 1 - 0.9**step, 1 - 0.999**step
        moves = jax.tree.map(lambda m, v, a=first, b=second: m / a / (np.sqrt(v / b) + 1e-8), m, v)
        params = jax.tree.map(lambda p, move: p - config.learning_rate * move, params, moves)
    return params


@pytest.mark.parametrize(
    ("changes", "batch_size"),
    [
        ({"activation": "sigmoid", "loss": "squared", "optimizer": "sgd", "learning_rate": 2.0, "layer_norm": False}, 1),
        ({"activation": "sigmoid", "loss": "cross_entropy", "optimizer": "sgd", "learning_rate": 0.5, "layer_norm": False}, 2),
        ({"loss": "bce", "optimizer": "sgd", "learning_rate": 0.5}, 1),
        ({"loss": "bce", "optimizer": "adam", "learning_rate": 0.05, "slope": 0.3}, 1),
    ],
)
def test_an_epoch_is_a_loop_in_float64(changes, batch_size, images):
    config = Dense(units=UNITS, **changes)
    made = dense.trainer(config, SHAPE, CLASSES)
    start = jax.jit(made.init)(jax.random.key(3))
    rows = dense.order(jax.random.key(4), len(images.x), batch_size)
    after, losses = jax.jit(functools.partial(dense.epoch, made))(start, jax.tree.map(jnp.asarray, images), rows)
    expected = oracle(config, start.params, images, rows)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-5), after.params, expected)
    first = np.asarray(rows[0])
    begun = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), start.params)
    assert float(losses[0]) == pytest.approx(mean_loss(config, begun, images.x[first] / 255.0, images.y[first]), rel=1e-5)


def test_populations_train_as_their_members_alone(images):
    made, on_device = dense.trainer(SIMPLE, SHAPE, CLASSES), jax.tree.map(jnp.asarray, images)
    states = jax.vmap(made.init)(jax.random.split(jax.random.key(0), 2))
    rows = jnp.stack([dense.order(jax.random.key(seed), 7, 1) for seed in range(2)])
    run = functools.partial(dense.epoch, made)
    _, together = jax.vmap(run, in_axes=(0, None, 0))(states, on_device, rows)
    for seed in range(2):
        _, alone = run(jax.tree.map(lambda leaf, seed=seed: leaf[seed], states), on_device, rows[seed])
        np.testing.assert_allclose(together[seed], alone, rtol=1e-5)


# ----------------------------------------------------------------------------------------------------------------- the parts


@pytest.mark.parametrize(("layer_norm", "count"), [(False, 159_010), (True, 159_410)])
def test_the_published_numbers_of_parameters(layer_norm, count):
    net = dense.network(Dense(layer_norm=layer_norm), (28, 28, 1), 10)
    params, model_state = jax.eval_shape(net.init, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count
    assert model_state == {}


def test_the_initial_weights_are_those_of_pytorch():
    params, _ = dense.network(SIMPLE, (20, 20, 1), 10).init(jax.random.key(0))
    for name, inputs in (("hidden", 400), ("output", 200)):
        for leaf in params[name].values():
            assert np.abs(leaf).max() <= inputs**-0.5
        assert float(params[name]["kernel"].std()) == pytest.approx((3 * inputs) ** -0.5, rel=0.05)
        assert float(jnp.abs(params[name]["bias"]).min()) > 0


def test_the_order_visits_each_example_once():
    rows = dense.order(jax.random.key(0), 100, 8)
    assert rows.shape == (12, 8)
    assert len(set(rows.ravel().tolist())) == 96
    assert set(rows.ravel().tolist()) <= set(range(100))
    assert not np.array_equal(rows, dense.order(jax.random.key(1), 100, 8))


def test_it_needs_labels_and_a_batch(images):
    for given, message in ((Batch(images.x), "needs labels"), (images, "at most the 7 training images, found 8")):
        with pytest.raises(ValueError, match=message):
            dense.fit(jax.random.key(0), given, CLASSES, SIMPLE, epochs=1, batch_size=8)


# --------------------------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("dense") / "small.npz"
    command.main(["--out", str(path), "--network", "dense", "--epochs", "4", "--batch-size", "8", "--dense.units", "30"])
    return path


def test_the_command_writes_an_extractor(small):
    extractor, test = classifier.load(small), data.load("digits").test
    extracted = extract(extractor, test.x)
    assert extracted.features.shape == (len(test.x), 30)
    share = float(np.mean(np.argmax(extracted.logits, axis=1) == test.y))
    assert share > 0.8
    with np.load(small) as file:
        about = json.loads(str(file["about"]))
    assert about["test_accuracy"] == round(share, 4)
    assert about["dense"] == dataclasses.asdict(Dense(units=30))


@pytest.mark.parametrize(
    "change",
    [{"units": 31}, {"units": 0}, {"units": "30"}, {"activation": "none"}, {"slope": float("nan")}, {"more": 1}],
    ids=str,
)
def test_other_descriptions_are_refused(change, small, tmp_path):
    with np.load(small) as file:
        arrays = dict(file)
    about = json.loads(str(arrays.pop("about")))
    about["dense"] |= change
    np.savez(tmp_path / "other.npz", about=json.dumps(about), **arrays)
    with pytest.raises(ValueError, match=r"other\.npz: expected "):
        classifier.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--dense.loss", "squared"], "give --network dense too"),
        (["--network", "dense", "--dense.units", "0"], "--dense.units must be from 1 to 65536, found 0"),
        (["--network", "dense", "--dense.learning-rate", "0"], "--dense.learning-rate must be above 0, found 0.0"),
        (["--network", "dense", "--dense.slope", "nan"], "--dense.slope must be finite, found nan"),
        (["--network", "dense", "--batch-size", "5000"], "the batch size must be at most the 1204 training images"),
    ],
)
def test_bad_flags(flags, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: command.main(["--out", "a.npz", *flags]), command.PROG)
    assert leaving.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
