"""A generator's update on more fakes than the minibatch has examples: SN-GAN's and WGAN-GP's twice as many."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_games import KEY, OPTIMIZERS, B, a_batch, assert_close, descended, generate, judge, latents, played

from jgan import Batch, Network, games, losses, parallel, rng, steps
from jgan.models import options


def test_the_gradient_is_that_of_the_mean_over_all_fakes():
    game = played()
    g_step, _ = steps.player_steps(game.game, OPTIMIZERS, generator_batch=3)
    after, metrics = jax.jit(g_step)(KEY, game.state, a_batch())
    p = game.state.discriminator.params
    loss = lambda g: jnp.mean(jax.nn.softplus(-judge(p, generate(g, latents(KEY, 3 * B)))[0]))  # noqa: E731
    value, gradient = jax.value_and_grad(loss)(game.state.generator.params)
    assert metrics["g_loss"] == pytest.approx(float(value), rel=1e-5)
    assert_close(descended(game.state.generator, after.generator), gradient)


@pytest.mark.parametrize("options", [{}, {"n_critic": 2}, {"micro_batches": 2}], ids=str)
def test_the_discriminator_s_updates_are_as_without(options):
    game, batch = played(), a_batch()
    inputs = jax.tree.map(lambda leaf: jnp.stack([leaf, -leaf]), batch) if "n_critic" in options else batch
    one, two = (steps.alternating(game.game, OPTIMIZERS, generator_batch=factor, **options) for factor in (1, 2))
    (plain, _), (state, metrics) = (jax.jit(made.step)(KEY, game.state, inputs) for made in (one, two))
    assert_close(state.discriminator, plain.discriminator)
    last = jax.tree.map(lambda leaf: leaf[-1], inputs) if "n_critic" in options else inputs
    expected, g_metrics = jax.jit(two.g_step)(KEY, game.state._replace(discriminator=plain.discriminator), last)
    assert_close(state, expected)
    assert metrics["g_loss"] == pytest.approx(float(g_metrics["g_loss"]), rel=1e-5)
    assert abs(plain.generator.params["w"] - state.generator.params["w"]).max() > 1e-3


def test_four_devices_give_the_same_fakes_the_same_labels():
    """The loss depends on which latent and which label meet: of `tanh(s z + label)`."""
    generator = Network(
        lambda key: ({"s": jnp.ones(3)}, {}),
        lambda params, model_state, z, c, **_: (z * params["s"][None] + c[:, None], model_state),
    )
    critic = Network(
        lambda key: ({"w": jnp.arange(1.0, 4.0)}, {}),
        lambda params, model_state, x, c, **_: (jnp.tanh(x @ params["w"] + c), model_state),
    )
    draw = lambda key, n, axis_name=None: rng.latents(key, n, 3, axis_name=axis_name)  # noqa: E731
    game = games.Adversarial(generator, critic, draw, losses.non_saturating, condition=lambda examples: examples.y)
    optimizers = steps.Optimizers(optax.sgd(0.5), optax.sgd(0.5))
    step = steps.alternating(game, optimizers, generator_batch=2).step
    state = steps.init_state(KEY, generator, critic, optimizers)
    batch = Batch(jax.random.normal(KEY, (B, 3)), jnp.linspace(-1, 1, B))
    one, metrics = jax.jit(step)(KEY, state, batch)
    four, four_metrics = parallel.pmap(step)(KEY, parallel.replicate(state, jax.devices()), batch)
    assert_close((four, four_metrics), (one, metrics))
    assert abs(one.generator.params["s"] - 1).max() > 1e-3


def test_what_cannot_be_is_refused():
    game = played().game
    with pytest.raises(ValueError, match="generator_batch must be at least 1, found 0"):
        steps.alternating(game, OPTIMIZERS, generator_batch=0)
    with pytest.raises(ValueError, match="generator_batch must be 1 under the simultaneous rule, found 2"):
        options.Rule("simultaneous", generator_batch=2).steps(game, OPTIMIZERS)


def test_the_option_of_the_rule_is_that_of_the_steps():
    game, drawn = played().game, []

    def counted(key, n, axis_name=None):
        drawn.append(n)
        return latents(key, n)

    game = games.Adversarial(game.generator, game.discriminator, counted, game.loss)
    made = options.Rule(generator_batch=2).steps(game, OPTIMIZERS)
    jax.eval_shape(made.step, KEY, played().state, a_batch())
    assert drawn == [B, 2 * B]
    assert np.shape(a_batch().x)[0] == B
