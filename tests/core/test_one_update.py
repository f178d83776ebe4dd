"""The whole MNIST network, several D + G updates, against a backward pass written by hand in NumPy and against PyTorch's."""

import functools
import itertools

import jax
import numpy as np
import optax
import oracle_2014 as oracle
import pytest

from jgan import Batch, DataSpec
from jgan.models import gan2014
from jgan.models.options import Rule
from jgan.models.paper2014 import MomentumSGD

BATCH, UPDATES, STEPS_PER_EPOCH = 100, 2, 1
VARIANTS = list(itertools.product(("simultaneous", "alternating"), ("non_saturating", "minimax")))


def the_config(schedule="simultaneous", loss="non_saturating"):
    """The authors' network, with larger weights in D that give G something to follow at once, and with schedules steep
    enough to show within two updates."""
    return gan2014.Config(
        rule=Rule(schedule),
        loss=loss,
        d_irange=0.05,
        optimizer=MomentumSGD(decay=1.2, momentum_epochs=4, momentum=0.5, final_momentum=0.9),
    )


@functools.cache
def the_problem():
    """`(root key, images, first state, draws of every update)`; the images are blobs whose pixels are of every grey."""
    generator = np.random.default_rng(7)
    rows, columns = np.mgrid[:28, :28]
    centres = generator.uniform(8, 20, size=(BATCH, 2, 1, 1))
    distance = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2
    x = np.exp(-distance / generator.uniform(10, 40, size=(BATCH, 1, 1))).astype(np.float32)[..., None]
    config, key = the_config(), jax.random.key(26)
    state = jax.jit(gan2014.make(config, the_spec(x)).init)(jax.random.key(5))
    return key, x, state, oracle.recorded_draws(config, key, UPDATES, BATCH, 784)


def the_spec(x):
    return DataSpec.images((28, 28, 1), STEPS_PER_EPOCH, mean=x.mean(0))


@functools.cache
def by_the_library(config):
    """`(last state, metrics of every update)`."""
    key, x, state, _ = the_problem()
    step, history = jax.jit(gan2014.make(config, the_spec(x)).step), []
    for _ in range(UPDATES):
        state, metrics = step(key, state, Batch(x))
        history.append(metrics)
    return state, history


def assert_same_player(name, first, player, params, velocity):
    """The velocity, which is the momentum's sum of gradients, to relative rounding; the parameters to that of the sum."""
    found = optax.tree_utils.tree_get(player.opt_state, "trace")
    for path, leaf in jax.tree_util.tree_leaves_with_path(velocity):
        difference = np.linalg.norm(at(found, path) - leaf) / np.linalg.norm(leaf)
        assert difference < 1e-5, f"the velocity of the {name}'s {jax.tree_util.keystr(path)} is off by {difference:.1e}"
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        stored, moved = (np.abs(array).max() for array in (leaf, leaf - at(first.params, path)))
        tolerance = (UPDATES + 1) * np.spacing(np.float32(stored)) + 1e-5 * moved
        np.testing.assert_allclose(at(player.params, path), leaf, rtol=0, atol=tolerance)


def at(tree, path):
    return functools.reduce(lambda node, entry: node[entry.key], path, tree)


def assert_same_run(config, generator, discriminator, losses):
    _, _, first, _ = the_problem()
    last, history = by_the_library(config)
    for metrics, (d_loss, g_loss) in zip(history, losses, strict=True):
        assert metrics["d_loss"] == pytest.approx(d_loss, rel=1e-6)
        assert metrics["g_loss"] == pytest.approx(g_loss, rel=1e-6)
    assert_same_player("generator", first.generator, last.generator, *generator)
    assert_same_player("discriminator", first.discriminator, last.discriminator, *discriminator)


@pytest.mark.parametrize(("schedule", "loss"), VARIANTS)
def test_the_step_is_the_one_written_by_hand(schedule, loss):
    config = the_config(schedule, loss)
    _, x, first, draws = the_problem()
    params = first.generator.params, first.discriminator.params
    *expected, margin = oracle.train(config, *params, x, draws, STEPS_PER_EPOCH)
    assert margin > 3e-7, f"a unit comes within {margin:.1e} of its kink, where rounding decides: choose another seed"
    assert_same_run(config, *expected)


@pytest.mark.parametrize(("schedule", "loss"), VARIANTS)
def test_the_step_is_pytorchs(schedule, loss):
    """The forward pass in PyTorch, float64, and its automatic differentiation."""
    torch = pytest.importorskip("torch")
    config = the_config(schedule, loss)
    _, x, first, draws = the_problem()
    scales = [1 / config.input_keep, 1 / config.hidden_keep, 1 / config.hidden_keep]
    bce = torch.nn.functional.binary_cross_entropy_with_logits

    def tensors(tree):
        return jax.tree.map(lambda leaf: torch.tensor(np.asarray(leaf, np.float64)), tree)

    def affine(layer, h):
        return torch.nn.functional.linear(h, layer["affine"]["kernel"].T, layer["affine"]["bias"])

    def generate(params, z):
        h = torch.relu(affine(params["hidden_1"], torch.relu(affine(params["hidden_0"], z))))
        return torch.sigmoid(affine(params["output"], h))

    def judge(params, h, masks):
        for index in range(2):
            pieces = affine(params[f"maxout_{index}"]["pieces"], h * masks[index] * scales[index])
            h = pieces.unflatten(1, (-1, config.d_pieces)).amax(-1)
        return affine(params["output"], h * masks[2] * scales[2])[:, 0]

    def gradient(function, params):
        leaves, tree = jax.tree.flatten(params)
        leaves = [leaf.requires_grad_() for leaf in leaves]
        value = function(jax.tree.unflatten(tree, leaves))
        return value.item(), jax.tree.unflatten(tree, [g.numpy() for g in torch.autograd.grad(value, leaves)])

    g_params, d_params = oracle.float64(first.generator.params), oracle.float64(first.discriminator.params)
    g_velocity, d_velocity = (jax.tree.map(np.zeros_like, params) for params in (g_params, d_params))
    real, losses = torch.tensor(oracle.float64(x)).flatten(1), []
    ones, zeros = torch.ones(BATCH, dtype=torch.float64), torch.zeros(BATCH, dtype=torch.float64)
    for t, numbers in enumerate(tensors(draws)):

        def d_objective(params, numbers=numbers, g_params=g_params):
            on_real = judge(params, real, numbers["real_masks"])
            on_fake = judge(params, generate(tensors(g_params), numbers["z"]), numbers["fake_masks"])
            return config.discriminator_weight * (bce(on_real, ones) + bce(on_fake, zeros))

        d_loss, grads = gradient(d_objective, tensors(d_params))
        new_d_params, d_velocity = oracle.descend(config, d_params, d_velocity, grads, t, STEPS_PER_EPOCH)
        opponent = tensors(d_params if schedule == "simultaneous" else new_d_params)

        def g_objective(params, numbers=numbers, opponent=opponent):
            logits = judge(opponent, generate(params, numbers["z"]), numbers["fake_masks"])
            return bce(logits, ones) if loss == "non_saturating" else -bce(logits, zeros)

        g_loss, grads = gradient(g_objective, tensors(g_params))
        g_params, g_velocity = oracle.descend(config, g_params, g_velocity, grads, t, STEPS_PER_EPOCH)
        d_params = new_d_params
        losses.append((d_loss, g_loss))
    assert_same_run(config, (g_params, g_velocity), (d_params, d_velocity), losses)
