"""The path length regularisation against explicit Jacobians; terms that compute their memory; lazy terms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_games import GENERATOR, KEY, LATENT, SHAPE, B, a_batch, assert_close, descended, generate, judge, latents, played

from jgan import rng, terms
from jgan.types import Network

DECAY, WEIGHT, SHARE = 0.1, 3.0, 2
# Two styles an example: the latents, and their halves; the image is that of the first plus a square of the second.
STYLES = Network(GENERATOR.init, lambda params, state, z, **options: (jnp.stack([z, z / 2], axis=1), state))
IMAGES = Network(GENERATOR.init, lambda params, state, w, **options: (image(params, w), state))
Z = latents(KEY, B)[::SHARE]


def image(params, w):
    return generate(params, w[:, 0]) + jnp.square(generate(params, w[:, 1]))


def path_length(share=SHARE):
    return terms.path_length(STYLES, IMAGES, WEIGHT, decay=DECAY, share=share)


def expected(params, memory, noise):
    """`(penalty, running mean)`, example by example, by its Jacobian."""
    lengths = []
    for z, y in zip(Z, noise, strict=True):
        jacobian = jax.jacobian(lambda w: image(params, w[None])[0])(jnp.stack([z, z / 2]))  # [h, w, layers, style]
        transposed = jnp.einsum("hw,hwls->ls", y, jacobian)
        lengths.append(jnp.sqrt(jnp.mean(jnp.sum(transposed**2, axis=1))))
    mean = (1 - DECAY) * memory + DECAY * sum(lengths) / len(lengths)
    return sum((length - mean) ** 2 for length in lengths) / len(lengths), mean


def noise_of(step):
    """The noise that the term draws in a step: divided by the root of the number of pixels."""
    key = rng.stream_key(rng.stream(rng.step_key(KEY, step), rng.Stream.PENALTIES), 0)
    draw = lambda key: jax.random.normal(key, SHAPE)  # noqa: E731
    return rng.one_each(jax.random.fold_in(key, 0), len(Z), draw) / np.sqrt(np.prod(SHAPE))


def adversarial(g, d):
    return jnp.mean(jax.nn.softplus(-judge(d, generate(g, latents(KEY, B)))[0]))


@pytest.mark.slow
def test_it_is_the_deviation_of_path_lengths_from_their_running_mean():
    game = played(terms=(path_length(),))
    memory = game.state.memory._replace(terms=(jnp.float32(0.7),))
    state, metrics = game.g_step(KEY, game.state._replace(memory=memory), a_batch())
    (g, d), noise = (player.params for player in (game.state.generator, game.state.discriminator)), noise_of(0)
    value, mean = expected(g, 0.7, noise)
    assert metrics["path_length"] == pytest.approx(float(value), rel=1e-4)
    assert state.memory.terms[0] == pytest.approx(float(mean), rel=1e-5)
    # The gradient passes through the running mean too, as in the authors' code.
    gradient = jax.grad(lambda g: adversarial(g, d) + WEIGHT * expected(g, 0.7, noise)[0])(g)
    assert_close(descended(game.state.generator, state.generator), gradient)


def test_the_discriminators_update_leaves_its_memory_alone():
    game = played(terms=(path_length(),))
    state, metrics = game.d_step(KEY, game.state, a_batch())
    assert "path_length" not in metrics
    assert state.memory.terms == (0,)


def test_a_lazy_term_acts_at_every_nth_step_and_counts_n_times():
    lazy, plain = played(terms=(terms.lazily(path_length(), 3),)), played(terms=(path_length(),))
    for step in (0, 1, 3):
        start = lazy.state._replace(step=jnp.int32(step))
        state, metrics = lazy.g_step(KEY, start, a_batch())
        (g, d) = (player.params for player in (start.generator, start.discriminator))
        gradient = jax.grad(adversarial)(g, d)
        if step == 1:
            assert metrics["path_length"] == 0
            assert state.memory.terms == (0,)
        else:
            once, found = plain.g_step(KEY, start, a_batch())
            assert metrics["path_length"] == pytest.approx(3 * float(found["path_length"]), rel=1e-5)
            assert state.memory.terms == once.memory.terms
            apart = jax.tree.map(lambda a, b: a - b, descended(start.generator, once.generator), gradient)
            gradient = jax.tree.map(lambda a, b: a + 3 * b, gradient, apart)
        assert_close(descended(start.generator, state.generator), gradient)


def test_a_lazy_term_may_have_values_per_example_and_an_update():
    def value(view):
        return view.fake_logits + view.memory

    counted = terms.Term("counted", value, generator=1.0, init=lambda: jnp.zeros(()), update=lambda view: view.memory + 1)
    game = played(terms=(terms.lazily(counted, 2),))
    state, metrics = game.state, {}
    for step in range(4):
        state, metrics = game.g_step(KEY, state, a_batch())
        assert state.memory.terms[0] == step // 2 + 1
        assert (metrics["counted"] == 0) == (step % 2 == 1)


def test_intervals_are_checked():
    with pytest.raises(ValueError, match="every must be at least 1, found 0"):
        terms.lazily(path_length(), 0)


def test_the_noise_has_a_row_for_each_of_the_latents():
    assert Z.shape == (B // SHARE, LATENT)
