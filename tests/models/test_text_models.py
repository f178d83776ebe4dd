"""Models of text: exact enumeration of a toy, the policy gradient, the relaxation's gradient, published parameter counts."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, networks
from jgan.data import oracle
from jgan.models import relgan, seqgan
from jgan.models import sequences as shared
from jgan.networks import lstm, relational, sequences
from jgan.rng import Stream, stream

KEY = jax.random.key(0)
TOY = lstm.lstm(3, 3, embedding=2, hidden=3, stddev=1.0)
EVERYTHING = np.array(list(itertools.product(range(3), repeat=3)), np.int32)


def judge(tokens):
    """A reward that no single token decides: a number of each sequence."""
    table = jnp.asarray(np.random.default_rng(0).random(27), jnp.float32)
    return table[jnp.sum(tokens * jnp.array([[9, 3, 1]], jnp.int32), axis=1)]


def flat(tree):
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(tree)])


def counted(init):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(jax.eval_shape(init, KEY)))


def module_count(module, shape, dtype=jnp.float32):
    return counted(lambda key: module.init(key, jnp.zeros((1, *shape), dtype)))


def test_the_published_parameter_counts():
    assert counted(lstm.lstm(5000, 20).init) == 333_320
    assert module_count(networks.TextCNN(5000), (20,), jnp.int32) == 7_045_402
    assert round(counted(relational.relational(5000, 20).init) / 1e6, 1) == 5.1
    assert round(module_count(networks.MultiRepresentationCNN(5000), (20, 5000)) / 1e6, 2) == 3.33
    assert round(module_count(networks.TextGenerator(32, 97), (128,)) / 1e6, 1) == 15.3
    assert round(module_count(networks.TextCritic(), (32, 97)) / 1e6, 1) == 13.2


def test_the_lstm_is_the_oracle_s():
    """The same weights give the log probabilities that NumPy computes in float64."""
    made = oracle.make(30, 6, seed=3)
    dense = lambda kernel, bias: {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}  # noqa: E731
    params = {
        "embed": {"embedding": jnp.asarray(made.embedding)},
        "gates": dense(made.kernel, made.bias),
        "output": dense(made.output, made.output_bias),
    }
    tokens = made.sample(50, seed=0)
    found = sequences.log_probabilities(lstm.lstm(30, 6), params, jnp.asarray(tokens))
    np.testing.assert_allclose(found, made.log_probability(tokens), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("end", [-1, 2])
def test_samples_follow_the_probabilities_which_sum_to_one_over_lines(end):
    net = TOY._replace(end=end)
    params = jax.jit(net.init)(KEY)
    lines = np.unique([_ended(row, end) for row in EVERYTHING.tolist()], axis=0).astype(np.int32)
    logs = np.asarray(sequences.log_probabilities(net, params, jnp.asarray(lines)), np.float64)
    probabilities = np.exp(logs.sum(axis=1))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    for temperature in (1.0, 0.5):
        z = sequences.latent_keys(jax.random.key(1), 20_000)
        drawn = np.asarray(jax.jit(lambda z: sequences.sampled(net, params, z, temperature))(z))  # noqa: B023
        counts = np.array([np.sum((drawn == line).all(axis=1)) for line in lines])
        assert counts.sum() == 20_000
        expected = 20_000 * (probabilities if temperature == 1 else _tempered(net, params, lines))
        assert np.sum((counts - expected) ** 2 / expected) < 62  # chi-squared, 26 degrees of freedom: beyond 0.9999


def _ended(row, end):
    return row if end not in row else row[: row.index(end)] + [end] * (len(row) - row.index(end))


def _tempered(net, params, lines):
    """Probabilities at the temperature 1/2, by the squares of the conditional ones."""
    found = np.ones(len(lines))
    for place in range(3):
        for index, line in enumerate(lines):
            if net.end in line[:place].tolist():
                continue
            others = np.repeat(line[None], 3, axis=0)
            others[:, place] = range(3)
            logs = np.asarray(sequences.log_probabilities(net._replace(end=-1), params, jnp.asarray(others)), np.float64)
            squares = np.exp(2 * logs[:, place])
            found[index] *= squares[line[place]] / squares.sum()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("baseline", [False, True])
def test_the_mean_of_the_policy_gradient_is_the_exact_gradient(baseline):
    """10^5 sequences of 3 tokens from 3, each with one rollout of each beginning, against the sum over all 27."""
    params = jax.jit(TOY.init)(KEY)

    def expected_reward(params):
        logs = jnp.sum(sequences.log_probabilities(TOY, params, jnp.asarray(EVERYTHING)), axis=1)
        return jnp.sum(jnp.exp(logs) * judge(jnp.asarray(EVERYTHING)))

    exact = flat(jax.grad(expected_reward)(params))

    def estimate(key):
        """The mean over a batch of 100."""
        z = sequences.latent_keys(key, 100)
        tokens = sequences.sampled(TOY, params, z)
        reward = seqgan.rewards(TOY, params, judge, sequences.latent_keys(jax.random.fold_in(key, 1), 100), tokens, 1)
        advantage = seqgan.above_others(reward) if baseline else reward
        return jax.grad(lambda p: jnp.sum(sequences.log_probabilities(TOY, p, tokens) * advantage) / 100)(params)

    found = jax.jit(lambda keys: jax.lax.map(estimate, keys))(jax.random.split(KEY, 1000))
    each = np.concatenate([np.asarray(leaf, np.float64).reshape(1000, -1) for leaf in jax.tree.leaves(found)], axis=1)
    error = each.std(axis=0, ddof=1) / math.sqrt(1000)
    alive = error > 1e-9
    assert alive.mean() > 0.8
    np.testing.assert_allclose(each.mean(axis=0)[~alive], exact[~alive], atol=1e-7)
    scores = (each.mean(axis=0)[alive] - exact[alive]) / error[alive]
    assert np.abs(scores).max() < 4.5
    assert np.mean(scores**2) < 2.5


def test_the_baseline_is_the_mean_of_the_others_over_all_devices():
    values = jnp.asarray(np.random.default_rng(0).random((4, 3)), jnp.float32)
    expected = np.stack([row - np.delete(np.asarray(values), index, axis=0).mean(axis=0) for index, row in enumerate(values)])
    np.testing.assert_allclose(seqgan.above_others(values), expected, atol=1e-6)
    spread = jax.vmap(lambda part: seqgan.above_others(part, "data"), axis_name="data")(values.reshape(2, 2, 3))
    np.testing.assert_allclose(spread.reshape(4, 3), expected, atol=1e-6)
    with pytest.raises(ValueError, match="the batch must have at least 2"):
        seqgan.above_others(values[:1])


@pytest.mark.slow
def test_the_loss_is_the_published_sum_and_its_gradient_does_not_pass_the_rewards():
    spec, config = DataSpec.tokens(3, 3, steps_per_epoch=2), seqgan.small(seqgan.Config())
    gan = seqgan.make(config, spec)[-1].gan
    state = jax.jit(gan.init)(KEY)
    net = shared.network_of(config.generator, spec)
    network = networks.from_module(
        networks.TextCNN(3, config.d_embedding, config.d_widths, config.d_filters), (3,), input_dtypes=(jnp.int32,)
    )
    game, batch = seqgan.game(config, net, network), Batch(jnp.asarray(EVERYTHING[:5]))
    fakes, _ = game.fakes(KEY, state.generator.params, state, batch, None)
    value, (_, metrics) = game.g_loss(KEY, state.generator.params, state, batch, fakes, None)
    z = sequences.latent_keys(stream(KEY, Stream.ROLLOUTS), 5)
    real = lambda tokens: jax.nn.sigmoid(network.apply(state.discriminator.params, {}, tokens)[0])  # noqa: E731
    reward = seqgan.rewards(net, state.generator.params, real, z, fakes.x, config.rollouts)
    logs = sequences.log_probabilities(net, state.generator.params, fakes.x)
    assert float(value) == pytest.approx(-float(np.sum(np.asarray(logs * reward, np.float64))), rel=1e-5)
    np.testing.assert_allclose(reward[:, -1], real(fakes.x), rtol=1e-6)
    assert float(metrics["reward"]) == pytest.approx(float(reward[:, -1].mean()), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("straight_through", [False, True])
def test_the_gradient_of_the_relaxation_is_that_of_finite_differences(straight_through):
    """In float64; with the straight-through estimator the value is the token and the gradient the relaxation's."""
    z = sequences.latent_keys(KEY, 4)
    weights = np.random.default_rng(1).normal(size=(4, 3, 3))

    def value(params, straight_through=False):
        return jnp.sum(sequences.relaxed(TOY, params, z, jnp.float32(2), straight_through=straight_through)[1] * weights)

    params, direction = jax.jit(TOY.init)(KEY), jax.jit(TOY.init)(jax.random.key(7))
    tokens, soft = sequences.relaxed(TOY, params, z, jnp.float32(2), straight_through=straight_through)
    np.testing.assert_allclose(soft.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_array_equal(soft.argmax(axis=-1), tokens)
    assert bool(jnp.all((soft == 0) | (abs(soft - 1) < 1e-6))) == straight_through
    found = jax.grad(lambda p: value(p, straight_through))(params)
    step = 3e-3
    moved = [jax.tree.map(lambda a, b, sign=sign: a + sign * step * b, params, direction) for sign in (1, -1)]
    for other in moved:  # the tokens that the network is given stay the same
        np.testing.assert_array_equal(sequences.relaxed(TOY, other, z, jnp.float32(2))[0], tokens)
    slope = (float(value(moved[0])) - float(value(moved[1]))) / (2 * step)
    assert float(flat(found) @ flat(direction)) == pytest.approx(slope, rel=2e-2, abs=2e-3)


@pytest.mark.slow
def test_beta_grows_to_its_largest_and_stands_in_the_generator():
    spec = DataSpec.tokens(3, 3, steps_per_epoch=2)
    net = shared.network_of(relgan.small(relgan.Config()).generator, spec)
    params, z = jax.jit(net.init)(KEY), sequences.latent_keys(KEY, 6)
    soft, hard = (relgan.relaxing(net).apply(params, {}, z, jnp.float32(beta))[0] for beta in (0.01, 1e4))
    assert np.abs(np.asarray(soft) - 1 / 3).max() < 0.05
    assert np.asarray(hard).max(axis=-1).min() > 0.99


def test_beta_grows_exponentially_over_its_steps(monkeypatch):
    """`beta_max^(step / beta_steps)`: 1 at first, the square root of the largest halfway."""
    given, original = {}, relgan.games.Adversarial
    monkeypatch.setattr(
        relgan.games, "Adversarial", lambda *args, **options: given.update(options) or original(*args, **options)
    )
    relgan.make(relgan.Config(beta_max=100.0, beta_steps=50), DataSpec.tokens(4, 5, steps_per_epoch=2))
    found = [float(given["progress"](jnp.int32(step))) for step in (0, 25, 50)]
    assert found == pytest.approx([1, 10, 100])


@pytest.mark.slow
def test_bad_options_are_told():
    spec = DataSpec.tokens(4, 5, steps_per_epoch=2)
    for options, message in (
        ({"rollouts": 0}, "rollouts at least 1"),
        ({"d_widths": (9,), "d_filters": (3,)}, "a width of at most the 4 tokens"),
        ({"clip": -1.0}, "clip must not be negative"),
        ({"generator": shared.Generator(hidden=3, heads=2)}, "hidden a multiple of heads"),
    ):
        with pytest.raises(ValueError, match=message):
            seqgan.make(seqgan.Config(**options), spec)
    with pytest.raises(ValueError, match="beta_max and beta_steps must be at least 1"):
        relgan.make(relgan.Config(beta_max=0.5), spec)
    with pytest.raises(ValueError, match="embedding must be a multiple of the representations"):
        relgan.make(relgan.Config(representations=3), spec)[0].gan.init(KEY)
