"""Terms of either loss, through both schedules, against the gradients of losses written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conditional_games import (
    CLASSES,
    KEY,
    LABELS,
    OPTIMIZERS,
    B,
    Z,
    a_batch,
    assert_close,
    assert_descends,
    generate,
    judge,
    played,
)

from jgan import Batch, games, losses, penalties, steps, terms

softplus = jax.nn.softplus
X = a_batch().x


def plain_d(d, g):
    """D's loss without a condition."""
    return jnp.mean(softplus(-judge(d, X)[0]) + softplus(judge(d, generate(g, Z))[0]))


def plain_g(g, d):
    return jnp.mean(softplus(-judge(d, generate(g, Z))[0]))


def unconditional(**options):
    return played(head=True, condition=games.unconditional, **options)


def cross_entropy(logits, labels):
    """-log softmax at the label, written out."""
    shifted = logits - jnp.max(logits, axis=1)[:, None]
    return jnp.log(jnp.sum(jnp.exp(shifted), axis=1)) - shifted[jnp.arange(len(labels)), labels]


# -------------------------------------------------------------------------------------------------------- the named terms


def test_the_class_loss_is_that_of_ac_gan():
    """D: both cross-entropies; G: that of the fakes. The classes are the labels that G was given."""

    def entropies(d, g):
        return jnp.mean(cross_entropy(judge(d, X, LABELS)[1], LABELS)), jnp.mean(
            cross_entropy(judge(d, generate(g, Z, LABELS), LABELS)[1], LABELS)
        )

    def d_value(d, g):
        real, fake = judge(d, X, LABELS)[0], judge(d, generate(g, Z, LABELS), LABELS)[0]
        on_real, on_fake = entropies(d, g)
        return jnp.mean(softplus(-real) + softplus(fake)) + 0.7 * on_real + 0.3 * on_fake

    def g_value(g, d):
        return jnp.mean(softplus(-judge(d, generate(g, Z, LABELS), LABELS)[0])) + 0.3 * entropies(d, g)[1]

    game = played(head=True, terms=terms.class_loss(real=0.7, fake=0.3))
    _, metrics = assert_descends(game, a_batch(), d_value, g_value)
    on_real, on_fake = entropies(game.state.discriminator.params, game.state.generator.params)
    np.testing.assert_allclose(metrics["real_class_loss"], on_real, rtol=1e-5)  # the metric is without its weight
    np.testing.assert_allclose(metrics["fake_class_loss"], on_fake, rtol=1e-5)
    value = d_value(game.state.discriminator.params, game.state.generator.params)
    np.testing.assert_allclose(metrics["d_loss"] + 0.7 * on_real + 0.3 * on_fake, value, rtol=1e-5)


def test_information_is_the_likelihood_of_the_codes():
    """The code is the largest of a fake's latents; both players minimise its cross-entropy."""
    codes = jnp.argmax(Z, axis=1)
    term = terms.information(
        lambda output, inputs: -cross_entropy(output, jnp.argmax(inputs.z, axis=1)), weight=0.4, name="code_loss"
    )

    def entropy(d, g):
        return jnp.mean(cross_entropy(judge(d, generate(g, Z))[1], codes))

    game = unconditional(terms=(term,))
    _, metrics = assert_descends(
        game, a_batch(), lambda d, g: plain_d(d, g) + 0.4 * entropy(d, g), lambda g, d: plain_g(g, d) + 0.4 * entropy(d, g)
    )
    found = entropy(game.state.discriminator.params, game.state.generator.params)
    np.testing.assert_allclose(metrics["code_loss"], found, rtol=1e-5)


def test_the_distance_to_the_target_is_the_generators():
    def distance(g):
        return jnp.mean(jnp.abs(generate(g, Z) - X))

    game = unconditional(terms=(terms.l1_to_target(2.0),))
    _, metrics = assert_descends(game, a_batch(), plain_d, lambda g, d: plain_g(g, d) + 2 * distance(g))
    np.testing.assert_allclose(metrics["l1_to_target"], distance(game.state.generator.params), rtol=1e-5)


@pytest.mark.parametrize("loss", [losses.non_saturating, losses.relativistic])
def test_feature_matching_is_the_distance_of_the_means(loss):
    def distance(g, d):
        return jnp.sum((jnp.mean(judge(d, X)[1], axis=0) - jnp.mean(judge(d, generate(g, Z))[1], axis=0)) ** 2)

    def margin(d, g):
        return judge(d, X)[0] - judge(d, generate(g, Z))[0]

    d_value, g_value = plain_d, plain_g
    if loss.relativistic:
        d_value, g_value = (lambda d, g: jnp.mean(softplus(-margin(d, g)))), (lambda g, d: jnp.mean(softplus(margin(d, g))))
    game = unconditional(loss=loss, terms=(terms.feature_matching(0.7),))
    _, metrics = assert_descends(game, a_batch(), d_value, lambda g, d: g_value(g, d) + 0.7 * distance(g, d))
    g, d = game.state.generator.params, game.state.discriminator.params
    np.testing.assert_allclose(metrics["feature_matching"], distance(g, d), rtol=1e-5)
    np.testing.assert_allclose(metrics["g_loss"], g_value(g, d), rtol=1e-5)  # the adversarial part alone


def test_a_supervised_loss_looks_at_the_labelled_examples():
    """Two sets, the minibatch a dict: the game is played on the unlabelled ones."""
    other = jax.random.normal(jax.random.key(7), X.shape)
    batch = {"unlabelled": Batch(X), "labelled": Batch(other, LABELS)}
    term = terms.supervised(lambda output, batch: cross_entropy(output, batch.y), lambda batch: batch["labelled"], weight=0.6)
    game = unconditional(terms=(term,), real=lambda batch: batch["unlabelled"])

    def d_value(d, g):
        return plain_d(d, g) + 0.6 * jnp.mean(cross_entropy(judge(d, other)[1], LABELS))

    _, metrics = assert_descends(game, batch, d_value, plain_g)
    expected = jnp.mean(cross_entropy(judge(game.state.discriminator.params, other)[1], LABELS))
    np.testing.assert_allclose(metrics["supervised_loss"], expected, rtol=1e-5)


# -------------------------------------------------------------------------------------------------------- a term of one's own

# The squared distance of the mean fake from what the term remembers, with weights on both players; what it remembers goes half
# of the way to the mean of the class logits on reals.
MINE = terms.Term(
    "distance",
    lambda view: jnp.sum((jnp.mean(view.fake_output, axis=0) - view.memory) ** 2),
    generator=0.5,
    discriminator=0.25,
    init=lambda: jnp.ones(CLASSES),
    update=lambda view: (view.memory + jnp.mean(view.real_output, axis=0)) / 2,
)


def test_a_term_of_both_players_remembers_once_a_step():
    """The discriminator's update moves the memory, and the generator's loss sees it after that."""
    game, batch = unconditional(terms=(MINE,), penalties=(penalties.drift(0.1),)), a_batch()
    d, g = game.state.discriminator.params, game.state.generator.params
    moved = (1 + jnp.mean(judge(d, X)[1], axis=0)) / 2

    def distance(d, g, memory):
        return jnp.sum((jnp.mean(judge(d, generate(g, Z))[1], axis=0) - memory) ** 2)

    def d_value(d, g):
        return plain_d(d, g) + 0.1 * jnp.mean(judge(d, X)[0] ** 2) + 0.25 * distance(d, g, 1.0)

    after, _ = assert_descends(game, batch, d_value, lambda g, d: plain_g(g, d) + 0.5 * distance(d, g, moved))
    assert_close(after.memory, games.Memory((), ((),), (moved,)))
    in_turn, metrics = jax.jit(game.alternating.step)(KEY, game.state, batch)
    assert_close(in_turn.memory, games.Memory((), ((),), (moved,)))
    new_d = in_turn.discriminator.params
    np.testing.assert_allclose(metrics["distance"], distance(new_d, g, moved), rtol=1e-4)  # the generator's is the later one


def test_a_term_of_the_generator_alone_remembers_after_the_generators_update():
    """A count of its updates, and the gradient of a memory never reaches the players."""
    count = MINE._replace(discriminator=0.0, init=lambda: jnp.int32(0), update=lambda view: view.memory + 1)
    count = count._replace(value=lambda view: jnp.mean(view.fake**2) * view.memory.astype(jnp.float32))
    game = unconditional(terms=(count,))
    after_d, d_metrics = jax.jit(game.alternating.d_step)(KEY, game.state, a_batch())
    assert after_d.memory.terms == (0,)
    assert "distance" not in d_metrics
    after_g, g_metrics = jax.jit(game.alternating.g_step)(KEY, game.state, a_batch())
    assert after_g.memory.terms == (1,)
    assert g_metrics["distance"] == 0
    for schedule in (game.alternating, game.simultaneous):
        state, compiled = game.state, jax.jit(schedule.step)
        for step in range(1, 4):
            state, _ = compiled(KEY, state, a_batch())
            assert state.memory.terms == (step,)
    assert after_g.memory.terms[0].dtype == jnp.int32


def test_a_term_of_the_discriminator_alone_does_not_touch_the_generator():
    game = unconditional(terms=(MINE._replace(generator=0.0, name="mine"),))
    after, metrics = jax.jit(game.alternating.g_step)(KEY, game.state, a_batch())
    plain, _ = jax.jit(unconditional().alternating.g_step)(KEY, game.state._replace(memory=()), a_batch())
    assert_close(after.generator, plain.generator)
    assert set(metrics) == {"g_loss"}
    assert_close(after.memory, game.state.memory)


def test_a_term_may_run_the_generator_and_the_discriminator_anew():
    """A consistency of the generator under a change of its latents: differentiable in the generator through `view.generate`."""

    def value(view):
        moved = view.generate(view.inputs._replace(z=view.inputs.z + 0.5))
        return jnp.mean((view.discriminate(moved)[0] - view.fake_logits) ** 2)

    def expected(g, d):
        near, far = (judge(d, generate(g, z))[0] for z in (Z, Z + 0.5))
        return plain_g(g, d) + 3 * jnp.mean((far - near) ** 2)

    assert_descends(unconditional(terms=(terms.Term("smooth", value, generator=3.0),)), a_batch(), plain_d, expected)


def test_values_of_each_example_are_averaged_and_terms_have_keys_of_their_own():
    heard = []

    def listen(view):
        heard.append(tuple(jax.random.key_data(view.key).tolist()))
        return jnp.sum(view.fake**2, axis=1)

    several = tuple(terms.Term(name, listen, generator=1.0) for name in "ab")
    penalty = penalties.Penalty(lambda view: listen(view) * 0)
    game = unconditional(terms=several, penalties=(penalty,))
    _, metrics = game.alternating.g_step(KEY, game.state, a_batch())  # not compiled: the keys are to be looked at
    fakes = np.asarray(generate(game.state.generator.params, Z), np.float64)
    np.testing.assert_allclose(metrics["a"], np.mean(np.sum(fakes**2, axis=1)), rtol=1e-5)
    made, _ = game.game.fakes(KEY, game.state.generator.params, game.state, a_batch(), None)
    game.game.d_loss(KEY, game.state.discriminator.params, game.state, a_batch(), made, None)
    assert len(set(heard)) == 3  # of the two terms and the penalty


# ----------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("wrong", [lambda view: view.fake, lambda view: view.fake_logits[:, None], lambda view: jnp.zeros(3)])
def test_a_term_that_is_neither_a_scalar_nor_one_value_an_example_is_an_error(wrong):
    game = unconditional(terms=(terms.Term("mine", wrong, generator=1.0),))
    with pytest.raises(ValueError, match=rf"the term mine must return a scalar or \[{B}\] values, found \("):
        jax.eval_shape(game.alternating.g_step, KEY, game.state, a_batch())


def test_the_state_of_a_game_with_other_terms_is_an_error():
    game, other = unconditional(terms=(MINE,)), unconditional()
    with pytest.raises(ValueError, match=r"made for another game: make it with steps.init_state\(..., game\)"):
        jax.eval_shape(game.alternating.step, KEY, other.state, a_batch())
    assert steps.init_state(KEY, game.game.generator, game.game.discriminator, OPTIMIZERS).memory == ()


def test_source_images_that_are_missing_are_an_error():
    game = played(head=True, condition=games.source)
    with pytest.raises(ValueError, match=r"batch\.c has none: give a data set of pairs"):
        jax.eval_shape(game.alternating.g_step, KEY, game.state, Batch(a_batch().x))


def test_the_class_loss_of_packs_is_the_mean_over_their_examples():
    """On a view made by hand: packs of two, class logits `[packs, 2, classes]`, labels `[packs, 2]`."""
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(3, 2, 4)), jnp.float32)
    labels = jnp.asarray([[0, 1], [2, 3], [3, 3]], jnp.int32)
    view = penalties.View(*[None] * 10, real_output=logits, real_condition=labels)
    real, _ = terms.class_loss()
    expected = np.asarray(cross_entropy(logits.reshape(6, 4), labels.reshape(6))).reshape(3, 2).mean(axis=1)
    np.testing.assert_allclose(real.value(view), expected, rtol=1e-5)
