"""Moving averages of a network's weights and of its batch statistics, against loops in NumPy and closed forms."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import Batch, PlayerState, games, losses, networks, optim, parallel, rng, steps
from jgan.models.assembly import assemble
from jgan.types import Inputs

KEY, LATENT, B, MOMENTUM = jax.random.key(0), 3, 16, 0.5


class Normalised(nn.Module):
    """A generator with batch normalisation whose statistics move fast."""

    @nn.compact
    def __call__(self, z, *, train=False, axis_name=None):
        h = nn.Dense(4)(z)
        h = nn.BatchNorm(use_running_average=not train, momentum=MOMENTUM, axis_name=axis_name)(h)
        return nn.Dense(2)(nn.tanh(h))


GENERATOR = networks.from_module(Normalised(), (LATENT,))
CRITIC = networks.from_module(networks.PointDiscriminator((4,)), (2,))


def latents(key, n, axis_name=None):
    return rng.latents(key, n, LATENT, axis_name=axis_name)


GAME = games.Adversarial(GENERATOR, CRITIC, latents, losses.non_saturating)


@functools.cache
def run(model_state, decay=0.8, count=6):
    """`(gan, every state)` of a short run with a large learning rate, each state donated to the next step."""
    ema = None if model_state is None else optim.EMA(optim.warmed_up(decay), model_state)
    optimizers = steps.Optimizers(optax.sgd(0.5), optax.sgd(0.5), ema)
    gan = assemble(GAME, steps.alternating(GAME, optimizers), optimizers)
    step, state = parallel.jit(gan.step), jax.jit(gan.init)(KEY)
    history = [jax.device_get(state)]
    for seed in range(count):
        state, _ = step(KEY, state, Batch(jax.random.normal(jax.random.key(seed), (B, 2))))
        history.append(jax.device_get(state))
    return gan, history


# ---------------------------------------------------------------------------------------------------------- the average


@pytest.mark.parametrize("model_state", ["average", "latest"])
def test_the_average_is_the_warmed_up_one_of_parameters_and_statistics(model_state):
    _, history = run(model_state)
    params, statistics = (jax.tree.map(np.float64, tree) for tree in history[0].generator[:2])
    for t, state in enumerate(history[1:]):
        keep = min(0.8, (1 + t) / (10 + t))
        player = state.generator
        params = jax.tree.map(lambda old, new, keep=keep: keep * old + (1 - keep) * new, params, player.params)
        statistics = jax.tree.map(lambda old, new, keep=keep: keep * old + (1 - keep) * new, statistics, player.model_state)
    average = history[-1].generator.ema
    assert average.count == len(history) - 1
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), average.params, params)
    expected = statistics if model_state == "average" else player.model_state
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), average.model_state, expected)
    jax.tree.map(
        lambda a, b: np.testing.assert_raises(AssertionError, np.testing.assert_allclose, a, b, 1e-3),
        statistics,
        player.model_state,
    )


def test_the_average_does_not_touch_the_training():
    with_average, without = run("average")[1][-1], run(None)[1][-1]
    assert without.generator.ema == ()
    # Two programs, which may add in another order: the bias before the normalisation has no gradient but that of rounding.
    for found, expected in (
        (with_average.generator[:3], without.generator[:3]),
        (with_average.discriminator, without.discriminator),
    ):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected)


def test_the_average_of_a_players_variables_leaves_integers_alone():
    """Counters and other integers are taken over as they are."""
    ema = optim.EMA(lambda count: 0.5)
    average = ema.init(jnp.zeros(2), {"mean": jnp.zeros(2), "count": jnp.int32(3)})
    average = ema.update(average, jnp.ones(2), {"mean": jnp.ones(2), "count": jnp.int32(4)})
    np.testing.assert_array_equal(average.model_state["mean"], [0.5, 0.5])
    assert average.model_state["count"] == 4
    assert average.model_state["count"].dtype == jnp.int32


def test_the_average_starts_as_a_copy():
    """The parameters' own buffers are donated to the step: the average must not share them."""
    params, model_state = {"w": jnp.ones(2)}, {"mean": jnp.ones(2)}
    average = optim.EMA(optim.warmed_up(0.9)).init(params, model_state)
    params["w"].delete()
    model_state["mean"].delete()
    np.testing.assert_array_equal(average.params["w"], 1)
    np.testing.assert_array_equal(average.model_state["mean"], 1)


def test_the_weights_to_generate_with():
    average = optim.EMA(optim.warmed_up(0.9)).init({"w": jnp.ones(2)}, {"mean": jnp.zeros(1)})
    player = PlayerState({"w": jnp.zeros(2)}, {"mean": jnp.ones(1)}, (), average)
    assert optim.ema_weights(player) == (average.params, average.model_state)
    assert optim.ema_weights(player, ema=False) == (player.params, player.model_state)
    assert optim.ema_params(player) is average.params
    alone = player._replace(ema=())
    assert optim.ema_weights(alone) == (player.params, player.model_state)  # no average: the latest


def test_samples_of_averaged_parameters_need_averaged_statistics():
    """By NumPy: the averaged generator normalises by the statistics of its average. With the latest ones samples differ."""
    z = np.asarray(latents(KEY, 5), np.float64)

    def by_hand(params, model_state):
        statistics, norm = model_state["batch_stats"]["BatchNorm_0"], params["BatchNorm_0"]
        h = z @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"]
        h = (h - statistics["mean"]) / np.sqrt(statistics["var"] + 1e-5) * norm["scale"] + norm["bias"]
        return np.tanh(h) @ params["Dense_1"]["kernel"] + params["Dense_1"]["bias"]

    found = {}
    for name in ("average", "latest"):
        gan, history = run(name)
        player = history[-1].generator
        found[name] = np.asarray(gan.generate(history[-1], Inputs(jnp.float32(z))))
        np.testing.assert_allclose(found[name], by_hand(player.ema.params, player.ema.model_state), rtol=1e-4, atol=1e-5)
        latest = gan.generate(history[-1], Inputs(jnp.float32(z)), ema=False)
        np.testing.assert_allclose(latest, by_hand(player.params, player.model_state), rtol=1e-4, atol=1e-5)
    assert np.abs(found["average"] - found["latest"]).max() > 0.01


def test_the_average_is_the_same_on_four_devices():
    gan, history = run("average")
    optimizers = steps.Optimizers(optax.sgd(0.5), optax.sgd(0.5), optim.EMA(optim.warmed_up(0.8)))
    step = parallel.pmap(steps.alternating(GAME, optimizers).step)
    state = parallel.replicate(jax.jit(gan.init)(KEY))
    for seed in range(2):
        state, _ = step(KEY, state, Batch(jax.random.normal(jax.random.key(seed), (B, 2))))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), state.generator.ema, history[2].generator.ema
    )


# ------------------------------------------------------------------------------------------------------------ schedules


@given(
    images=st.floats(100, 1e6),
    batch_size=st.integers(1, 4096),
    ramp=st.none() | st.floats(0.01, 1),
    count=st.integers(0, 10**5),
)
def test_after_a_half_life_of_images_half_is_forgotten(images, batch_size, ramp, count):
    decay = float(optim.half_life(images, batch_size, ramp=ramp)(jnp.int32(count)))
    length = images if ramp is None else min(images, ramp * batch_size * count)
    assert decay == pytest.approx(0.5 ** (batch_size / length) if length else 0, rel=1e-5, abs=1e-6)


def test_with_a_ramp_the_average_of_a_constant_push_lags_by_a_share_of_what_was_seen():
    """Of parameters that grow by 1 an update: at update t the lag tends to a t, where `d(a t)/dt = 1 - k a t`,
    k = ln 2 / (ramp t), so that a = 1 / (1 + ln 2 / ramp)."""
    ema = optim.EMA(optim.half_life(1e9, 64, ramp=0.2))

    def update(average, t):
        return ema.update(average, t, {}), None

    steps_made = 4000
    average, _ = jax.jit(lambda a: jax.lax.scan(update, a, jnp.arange(1.0, steps_made + 1)))(ema.init(jnp.float32(0), {}))
    assert float(steps_made - average.params) / steps_made == pytest.approx(1 / (1 + np.log(2) / 0.2), rel=0.01)


@pytest.mark.parametrize(("images", "batch_size", "ramp"), [(0, 64, 0.05), (-1.0, 64, 0.05), (1e6, 0, 0.05), (1e6, 64, 0.0)])
def test_a_half_life_of_nothing_is_an_error(images, batch_size, ramp):
    with pytest.raises(ValueError, match=f"must be above 0, found {images}, {batch_size} and {ramp}"):
        optim.half_life(images, batch_size, ramp=ramp)


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5])
def test_a_decay_outside_0_to_1_is_an_error(decay):
    with pytest.raises(ValueError, match=rf"decay must be in \[0, 1\), found {decay}"):
        optim.warmed_up(decay)


def test_variables_that_are_neither_averaged_nor_latest_are_an_error():
    with pytest.raises(ValueError, match="must be 'average' or 'latest', found 'standing'"):
        optim.EMA(optim.warmed_up(0.9), "standing")


# ---------------------------------------------------------------------------------------------------- standing statistics


def test_standing_statistics_are_the_moments_of_the_layer():
    """The layer before the normalisation is affine in N(0, I): its mean is b, its variance the squared column norms of W."""
    player = run("average")[1][-1].generator
    draw = lambda key: Inputs(latents(key, 4096))  # noqa: E731
    found = optim.standing_statistics(GENERATOR, (player.params, player.model_state), draw, passes=24)
    statistics, layer = found["batch_stats"]["BatchNorm_0"], player.params["Dense_0"]
    variance = np.sum(np.float64(layer["kernel"]) ** 2, axis=0)
    # A running average of momentum 1/2 has a third of the variance of one pass.
    error = 5 / np.sqrt(3 * 4096)
    np.testing.assert_array_less(np.abs(statistics["mean"] - layer["bias"]), error * np.sqrt(variance))
    np.testing.assert_array_less(np.abs(statistics["var"] - variance), error * np.sqrt(2) * variance)
    old = player.model_state["batch_stats"]["BatchNorm_0"]["var"]
    assert (np.abs(old - variance) > error * np.sqrt(2) * variance).any()  # the statistics before are others
    few = optim.standing_statistics(GENERATOR, (player.params, player.model_state), draw, passes=1)
    moved = few["batch_stats"]["BatchNorm_0"]["mean"] - MOMENTUM * player.model_state["batch_stats"]["BatchNorm_0"]["mean"]
    np.testing.assert_array_less(np.abs(moved / (1 - MOMENTUM) - layer["bias"]), 3 * error * np.sqrt(variance))


def test_a_model_with_standing_statistics_generates_with_them():
    """The progress of a fade-in, a further input, reaches those passes too."""

    class Scaled(nn.Module):
        @nn.compact
        def __call__(self, z, share, *, train=False, axis_name=None):
            h = nn.BatchNorm(use_running_average=not train, momentum=MOMENTUM, axis_name=axis_name)(share * z + 3)
            return nn.Dense(2, use_bias=False, kernel_init=nn.initializers.ones)(h)

    generator = networks.from_module(Scaled(), (LATENT,), None)
    game = games.Adversarial(
        generator,
        networks.from_functions(lambda key: jnp.zeros(2), lambda params, x, share: x @ params),
        latents,
        losses.non_saturating,
        progress=lambda step: jnp.float32(2.0),
    )
    optimizers = steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1), optim.EMA(optim.warmed_up(0.9), "latest"))
    gan = assemble(game, steps.alternating(game, optimizers), optimizers, standing=20)
    state = jax.jit(gan.init)(KEY)
    # The statistics of N(3, 4), not the initial ones of N(0, 1): the sum of three standard normal numbers.
    z = latents(KEY, 64)
    expected = np.asarray(z, np.float64).sum(axis=1)
    found = np.asarray(gan.generate(state, Inputs(z)))[:, 0]
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert np.abs(found - expected).max() < 1.5
    assert np.abs(np.asarray(gan.generate(state, Inputs(z), ema=False))[:, 0] - (2 * expected + 9)).max() < 0.1
