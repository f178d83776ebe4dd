"""The groups of options that models share: each name does what its paper says, for both players."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from penalty_views import linear, view_of

from jgan import Batch, DataSpec, optim, penalties
from jgan.models import first_gan, options

GRADIENTS = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
START = np.array([1.0, -2.0, 0.5], np.float32)
B1, B2, RATE, STEPS = 0.3, 0.8, 0.05, len(GRADIENTS)
ALTERNATING = options.Rule()
IMAGES = DataSpec.images((8, 8, 1), steps_per_epoch=10)


def descend(optimizer):
    """The parameters after every update of an optax optimiser."""

    @jax.jit
    def run(params):
        def update(carry, grads):
            params, state = carry
            updates, state = optimizer.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        return jax.lax.scan(update, (params, optimizer.init(params)), jnp.asarray(GRADIENTS))[1]

    return np.asarray(run(jnp.asarray(START)))


def by_hand(name):
    """The parameters after every update, by the formulas of the papers; Adam's epsilon is optax's."""
    p, m, v, history = START.astype(np.float64), np.zeros(3), np.zeros(3), []
    for t, g in enumerate(GRADIENTS.astype(np.float64), 1):
        if name == "adam":  # Kingma and Ba (2015), algorithm 1
            m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
            p = p - RATE * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + 1e-8)
        elif name == "momentum":  # Polyak's heavy ball
            m = B1 * m + g
            p = p - RATE * m
        elif name == "rmsprop":
            v = B2 * v + (1 - B2) * g**2
            p = p - RATE * g / (np.sqrt(v) + 1e-8)
        else:
            p = p - RATE * g
        history.append(p)
    return np.array(history)


def both_players(rule=ALTERNATING, **fields):
    """The optimisers of both players that some options describe, each as the history of its parameters."""
    made = options.optimizers(options.Optimizer(learning_rate=RATE, b1=B1, b2=B2, **fields), rule)
    return [descend(player) for player in made[:2]]


@pytest.mark.parametrize("name", options.OPTIMIZERS)
def test_every_named_optimiser_is_that_of_its_paper(name):
    for found in both_players(name=name):
        np.testing.assert_allclose(found, by_hand(name), rtol=2e-5, atol=2e-5)


def test_rmsprop_divides_by_the_size_of_small_gradients_too():
    """As in PyTorch, where its epsilon of 1e-8 stands beside the root: the gradients of a clipped critic are far below 1e-4."""
    optimizer = options.optimizers(options.Optimizer("rmsprop", learning_rate=RATE, b2=B2), ALTERNATING).generator
    params = jnp.asarray(START)
    large, small = (optimizer.update(size * jnp.sign(params), optimizer.init(params))[0] for size in (1.0, 1e-5))
    np.testing.assert_allclose(large, -RATE / np.sqrt(1 - B2) * np.sign(START), rtol=1e-4)
    np.testing.assert_allclose(small, large, rtol=1e-2)


def test_weights_are_clipped_after_each_update_of_the_discriminator_alone():
    generator, discriminator = both_players(name="sgd", weight_clip=0.6)
    np.testing.assert_allclose(generator, by_hand("sgd"), rtol=1e-5, atol=1e-6)
    p = START.astype(np.float64)
    for found, g in zip(discriminator, GRADIENTS, strict=True):
        p = np.clip(p - RATE * g, -0.6, 0.6)
        np.testing.assert_allclose(found, p, rtol=1e-5, atol=1e-6)
    assert np.abs(by_hand("sgd")).max() > 0.6


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_both_rates_fall_to_0_over_the_generators_steps(shape):
    """With several critics the discriminator makes as many more updates in the same steps: its rate falls as much slower."""
    players = both_players(options.Rule(n_critic=3), name="sgd", decay_steps=5, decay=shape, d_learning_rate=2 * RATE)
    for found, rate, updates in zip(players, (RATE, 2 * RATE), (5, 15), strict=True):
        share = np.minimum(np.arange(STEPS) / updates, 1)
        factor = (1 + np.cos(np.pi * share)) / 2 if shape == "cosine" else 1 - share
        expected = START - np.cumsum(rate * factor[:, None] * GRADIENTS.astype(np.float64), axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_the_decay_may_begin_later(shape):
    """After two of the generator's steps, over four; b2 waits as well."""
    fields = {"decay_steps": 4, "decay_from": 2, "decay": shape, "final_b2": 0.95}
    for found, updates in zip(both_players(options.Rule(n_critic=3), **fields), (1, 3), strict=True):
        p, m, v = START.astype(np.float64), np.zeros(3), np.zeros(3)
        for t, g in enumerate(GRADIENTS.astype(np.float64)):
            share = np.clip((t - 2 * updates) / (4 * updates), 0, 1)
            cosine = (1 + np.cos(np.pi * share)) / 2
            b2 = 0.95 + (B2 - 0.95) * cosine
            m, v = B1 * m + (1 - B1) * g, b2 * v + (1 - b2) * g**2
            step = (m / (1 - B1 ** (t + 1))) / (np.sqrt(v / (1 - b2 ** (t + 1))) + 1e-8)
            p = p - RATE * (cosine if shape == "cosine" else 1 - share) * step
            np.testing.assert_allclose(found[t], p, rtol=1e-4, atol=1e-4)


def test_negative_steps_of_the_decay_are_refused():
    with pytest.raises(ValueError, match=r"optimizer\.decay_from .*-1"):
        options.optimizers(options.Optimizer(decay_from=-1), options.Rule())
    with pytest.raises(ValueError, match=r"optimizer\.decay_steps .*-1"):
        options.optimizers(options.Optimizer(decay_steps=-1), options.Rule())


def published(epoch, constant, decay, c):
    """PyTorch's `LambdaLR` of the authors: the factor of an epoch, counted from 0."""
    return 1.0 - max(0, epoch + c - constant) / float(decay + 1)


@pytest.mark.parametrize(("fall", "c"), [("epochs", 1), ("epochs_to_zero", 2)])
def test_the_rates_fall_by_epochs_as_in_the_authors_code(fall, c):
    factor = options.EpochDecay(fall=fall).factor(DataSpec.points((2,), steps_per_epoch=7))
    found = [float(factor(step)) for epoch in (0, 50, 98, 99, 100, 150, 198, 199) for step in (7 * epoch, 7 * epoch + 6)]
    expected = [published(epoch, 100, 100, c) for epoch in (0, 50, 98, 99, 100, 150, 198, 199) for _ in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[-1] == pytest.approx(1 / 101 if fall == "epochs" else 0, abs=1e-6)
    assert factor(7 * 1000) == 0


def test_the_rates_fall_by_steps_from_1_to_0():
    factor = options.EpochDecay(2, 3, "steps").factor(DataSpec.points((2,), steps_per_epoch=10))
    found = [float(factor(step)) for step in (0, 19, 20, 35, 50, 99)]
    np.testing.assert_allclose(found, [1, 1, 1, 0.5, 0, 0], atol=1e-6)


def test_the_decay_by_epochs_counts_steps_and_not_updates_of_the_discriminator():
    """Descent with the factor, after and beside a decay in steps."""
    factor = options.EpochDecay(1, 2).factor(DataSpec.points((2,), steps_per_epoch=2))
    expected = np.array([published(step // 2, 1, 2, 1) if step < 6 else 0 for step in range(STEPS)])
    for n_critic, share in ((1, 1.0), (3, 1.0), (1, np.maximum(1 - np.arange(STEPS) / 4, 0))):
        optimizer = options.Optimizer("sgd", RATE, decay="linear", decay_steps=0 if np.ndim(share) == 0 else 4)
        made = options.optimizers(optimizer, options.Rule(n_critic=n_critic), factor=factor)
        for player, updates in ((made.generator, 1), (made.discriminator, n_critic)):
            factors = (expected * share)[np.arange(STEPS) // updates]
            path = START - RATE * np.cumsum(factors[:, None] * GRADIENTS.astype(np.float64), axis=0)
            np.testing.assert_allclose(descend(player), path, rtol=1e-5, atol=1e-5)


def test_epochs_that_make_no_sense_are_refused():
    spec = DataSpec.points((2,), steps_per_epoch=2)
    assert options.EpochDecay(5, 0).factor(spec) is None
    with pytest.raises(ValueError, match="epochs must not be negative, found -1 constant and 100 of decay"):
        options.EpochDecay(-1).factor(spec)
    with pytest.raises(ValueError, match=r"unknown epochs\.fall 'step', did you mean 'steps'"):
        options.EpochDecay(fall="step").factor(spec)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_the_rates_fall_to_a_share_and_b2_rises_along_a_cosine(shape):
    """As in R3GAN. Both corrections of Adam's bias are by the b2 of the update, as in PyTorch, where b2 is set before each."""
    fields = {"decay_steps": 5, "decay": shape, "decay_to": 0.25, "final_b2": 0.95}
    for found, updates in zip(both_players(options.Rule(n_critic=3), **fields), (5, 15), strict=True):
        p, m, v = START.astype(np.float64), np.zeros(3), np.zeros(3)
        for t, g in enumerate(GRADIENTS.astype(np.float64)):
            share = min(t / updates, 1)
            cosine = (1 + np.cos(np.pi * share)) / 2
            rate = RATE * (0.25 + 0.75 * (cosine if shape == "cosine" else 1 - share))
            b2 = 0.95 + (B2 - 0.95) * cosine
            m, v = B1 * m + (1 - B1) * g, b2 * v + (1 - b2) * g**2
            p = p - rate * (m / (1 - B1 ** (t + 1))) / (np.sqrt(v / (1 - b2 ** (t + 1))) + 1e-8)
            np.testing.assert_allclose(found[t], p, rtol=1e-4, atol=1e-4)


def test_optimistic_descent_adds_the_change_of_the_gradient():
    """Daskalakis et al. (2018): w <- w - eta (2 g_t - g_(t-1)); the first update is plain descent."""
    g = GRADIENTS.astype(np.float64)
    before = np.concatenate([g[:1], g[:-1]])
    for found in both_players(options.Rule("optimistic"), name="sgd"):
        np.testing.assert_allclose(found, START - RATE * np.cumsum(2 * g - before, axis=0), rtol=1e-5, atol=1e-5)


def test_unknown_names_are_errors_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown optimizer 'adamm', did you mean 'adam'"):
        options.optimizers(options.Optimizer("adamm"), options.Rule())
    with pytest.raises(ValueError, match=r"unknown optimizer\.decay 'step': known are cosine, linear"):
        options.optimizers(options.Optimizer(decay="step"), options.Rule())


# ------------------------------------------------------------------------------------------------------------- penalties


def at_a_point(penalty, step=0):
    """Its mean on D(x) = 3 x_1 + 4 x_2, whose slope is 5 everywhere."""
    view = view_of(
        linear([3.0, 4.0], 0.5), [[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [1.0, 1.0]], step=step, memory=penalty.init()
    )
    return np.asarray(penalty.value(view), np.float64)


NAMED = {  # of weight 2; WGAN-GP and DRAGAN agree on a linear discriminator, and are told apart below
    "gradient_penalty": 2 * (5 - 1) ** 2,
    "one_sided": 2 * (5 - 1) ** 2,
    "dragan": 2 * (5 - 1) ** 2,
    "r1": 25.0,
    "r2": 25.0,
    "r1_r2": 50.0,
    "drift": 2 * np.array([3.5, 8.5]) ** 2,
}


@pytest.mark.parametrize("name", NAMED)
def test_every_named_penalty_has_its_weight(name):
    (penalty,) = options.Penalty(name, 2.0).penalties()
    np.testing.assert_allclose(at_a_point(penalty), np.broadcast_to(NAMED[name], 2), rtol=1e-5)


def test_the_names_are_those_of_the_penalties():
    """Those that look somewhere: between reals and fakes, near the reals, on one side of the target."""
    real, fake = np.full((64, 2), 10.0), np.full((64, 2), 20.0)
    gentle = view_of(lambda x: 0.1 * jnp.sum(x, axis=1), real, fake)  # its slope is 0.14
    values = {name: float(options.Penalty(name).penalties()[0].value(gentle)[0]) for name in ("gradient_penalty", "one_sided")}
    assert values["one_sided"] == 0
    assert values["gradient_penalty"] == pytest.approx((1 - 0.1 * np.sqrt(2)) ** 2, rel=1e-5)
    # All reals are alike, their deviation is 0: DRAGAN looks at the reals themselves, WGAN-GP between them and the fakes.
    square = lambda x: jnp.sum(x**2, axis=1) / 2  # noqa: E731
    norm = np.linalg.norm(real[0])
    at = view_of(square, real, fake)
    dragan, between = (np.asarray(options.Penalty(name).penalties()[0].value(at)) for name in ("dragan", "gradient_penalty"))
    np.testing.assert_allclose(dragan, (norm - 1) ** 2, rtol=1e-5)
    assert (between > (norm - 1) ** 2 * 1.001).mean() > 0.9
    with pytest.raises(ValueError, match="unknown penalty 'draggan', did you mean 'dragan'"):
        options.Penalty("draggan").penalties()
    assert set(penalties.PENALTIES) == {*NAMED, "finite_difference", "lecam"}


def test_a_penalty_is_applied_every_few_steps_and_as_many_times_stronger():
    (penalty,) = options.Penalty("r1", 2.0, every=4).penalties()
    found = [at_a_point(penalty, step)[0] for step in range(6)]
    np.testing.assert_allclose(found, [100, 0, 0, 0, 100, 0], rtol=1e-5)


def test_a_scheduled_penalty_has_the_factor_of_its_step():
    penalty = penalties.scheduled(penalties.r1(2.0), optim.cosine(1.0, 0.5, 4))
    found = [at_a_point(penalty, step)[0] for step in (0, 2, 4, 9)]
    np.testing.assert_allclose(found, [25, 18.75, 12.5, 12.5], rtol=1e-5)


# --------------------------------------------------------------------------------------------------------- the average


def test_an_average_is_described_by_its_decay_or_by_its_half_life():
    spec = DataSpec.points((2,), 10, batch_size=64)
    assert options.EMA().average(spec) is None
    warmed = options.EMA(decay=0.5).average(spec)
    assert [float(warmed.decay(count)) for count in (0, 10**6)] == pytest.approx([0.1, 0.5])
    counted = options.EMA(decay=0.5, half_life=640, ramp=0.0).average(spec)
    assert float(counted.decay(0)) == pytest.approx(0.5**0.1)
    ramped = options.EMA(half_life=640).average(spec)
    assert float(ramped.decay(20)) == pytest.approx(0.5)  # 1,280 images seen, a twentieth of them is a minibatch
    growing = options.EMA(half_life=640, ramp=0.0, growth_steps=10).average(spec)  # along a cosine from 0
    assert [float(growing.decay(count)) for count in (0, 5, 99)] == pytest.approx([0, 0.5**0.2, 0.5**0.1])
    for statistics, model_state in (("average", "average"), ("latest", "latest"), ("standing", "latest")):
        assert options.EMA(0.5, statistics=statistics).average(spec).model_state == model_state
    assert isinstance(ramped, optim.EMA)


def test_averages_that_cannot_be_are_errors():
    with pytest.raises(ValueError, match=r"unknown ema\.statistics 'mean': known are average, latest, standing"):
        options.EMA(0.9, statistics="mean").average(DataSpec.points((2,), 10))
    with pytest.raises(ValueError, match="needs the batch size: give the DataSpec a batch_size"):
        options.EMA(half_life=1000.0).average(DataSpec.points((2,), 10))
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\), found 1.5"):
        options.EMA(decay=1.5).average(DataSpec.points((2,), 10))


def test_many_rates_in_one_program_are_those_of_a_program_each():
    """Traced, a discriminator's rate of 0 still is the generator's."""
    rates = np.array([[0.1, 0.0], [0.1, 0.3], [0.2, 0.05]], np.float32)
    grads = jnp.asarray(GRADIENTS[0])

    def updates(pair):
        made = options.optimizers(options.Optimizer("sgd", learning_rate=pair[0], d_learning_rate=pair[1]), ALTERNATING)
        return [made[i].update(grads, made[i].init(grads))[0] for i in (0, 1)]

    ours, theirs = jax.jit(jax.vmap(updates))(rates)
    np.testing.assert_allclose(ours, -rates[:, :1] * GRADIENTS[0], rtol=1e-6)
    np.testing.assert_allclose(theirs, -np.array([[0.1], [0.3], [0.05]]) * GRADIENTS[0], rtol=1e-6)


@pytest.mark.parametrize("field", ["learning_rate", "b1", "b2"])
def test_settings_of_a_model_in_one_program_are_its_runs_alone(field):
    values = {"learning_rate": [1e-3, 3e-3], "b1": [0.0, 0.5], "b2": [0.9, 0.99]}[field]
    key, batch = jax.random.key(0), Batch(jax.random.uniform(jax.random.key(1), (4, 8, 8, 1)))

    def trained(value):
        optimizer = options.Optimizer("adam", **({"learning_rate": 1e-2} | {field: value}))
        gan = first_gan.make(dataclasses.replace(first_gan.small(first_gan.Config()), optimizer=optimizer), IMAGES)
        state = gan.init(key)
        for _ in range(2):
            state, _ = gan.step(key, state, batch)
        return state.generator.params, state.discriminator.params

    found = jax.jit(jax.vmap(trained))(jnp.array(values, jnp.float32))
    for index, value in enumerate(values):
        alone = jax.jit(lambda value=value: trained(value))()
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(a[index], b, rtol=1e-5, atol=1e-6)
    assert any(np.abs(leaf[0] - leaf[1]).max() > 1e-4 for leaf in jax.tree.leaves(found))
