"""Conditional games: labels as a further input of both players, against the gradients of losses written out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conditional_games import (
    CLASSES,
    GENERATOR,
    KEY,
    LABELS,
    LATENT,
    OPTIMIZERS,
    RATE,
    SIZE,
    B,
    Z,
    a_batch,
    assert_close,
    assert_descends,
    discriminator,
    generate,
    judge,
    latents,
    played,
)

from jgan import GAN, Batch, Field, Inputs, Network, games, losses, parallel, penalties, rng, steps
from jgan.types import Augmentation

softplus = jax.nn.softplus
X = a_batch().x


def logits_of(d, x, y):
    return judge(d, x, y)[0]


def logistic(d, g):
    """D's loss of 2014, every example under its label."""
    return jnp.mean(softplus(-logits_of(d, X, LABELS)) + softplus(logits_of(d, generate(g, Z, LABELS), LABELS)))


def fooling(g, d):
    return jnp.mean(softplus(-logits_of(d, generate(g, Z, LABELS), LABELS)))


def slopes(d, x, y):
    """`|grad_x D(x, y)|^2` of each example."""
    gradient = jax.vmap(jax.grad(lambda x, y: logits_of(d, x[None], y[None])[0]), (0, 0))
    return jnp.sum(jnp.square(gradient(x, y)), axis=1)


# ------------------------------------------------------------------------------------------------------- the two losses


def test_both_players_see_the_labels():
    assert_descends(played(), a_batch(), logistic, fooling)


def test_a_relativistic_pair_is_judged_each_under_its_own_label():
    """The fakes' labels are others here: those of the data in reverse."""
    game = played(losses.relativistic, fake_condition=lambda key, examples, axis_name: examples.y[::-1])
    theirs = LABELS[::-1]

    def margin(d, g):
        return logits_of(d, X, LABELS) - logits_of(d, generate(g, Z, theirs), theirs)

    assert_descends(
        game, a_batch(), lambda d, g: jnp.mean(softplus(-margin(d, g))), lambda g, d: jnp.mean(softplus(margin(d, g)))
    )


def test_labels_of_fakes_may_be_drawn():
    """Each example has its own key; the fakes carry the inputs they were generated from."""
    drawn = []

    def uniform(key, examples, axis_name):
        drawn.append(key)
        return rng.one_each(key, len(examples.x), lambda key: jax.random.randint(key, (), 0, CLASSES), axis_name)

    game = played(fake_condition=uniform)
    fakes, _ = game.game.fakes(KEY, game.state.generator.params, game.state, a_batch(), None)
    np.testing.assert_array_equal(jax.random.key_data(drawn[0]), jax.random.key_data(rng.stream(KEY, rng.Stream.CONDITION)))
    assert fakes.inputs.c.dtype == jnp.int32
    assert not np.array_equal(fakes.inputs.c, LABELS)
    assert_close(fakes.x, generate(game.state.generator.params, Z, fakes.inputs.c))


def test_penalties_look_under_the_condition_of_their_examples():
    """R1 and R2 on the loss's own passes, under the labels of the reals and of the fakes; a drawn point under the reals'."""
    moved = penalties.consistency(lambda key, x, axis_name=None: 2 * x, real_weight=0.5, fake_weight=0.25)
    game = played(
        penalties=(penalties.r1(0.6), penalties.r2(0.4), moved),
        fake_condition=lambda key, examples, axis_name: examples.y[::-1],
    )
    theirs = LABELS[::-1]

    def d_value(d, g):
        fakes = generate(g, Z, theirs)
        real, fake = logits_of(d, X, LABELS), logits_of(d, fakes, theirs)
        added = 0.3 * slopes(d, X, LABELS) + 0.2 * slopes(d, fakes, theirs)
        added += 0.5 * (logits_of(d, 2 * X, LABELS) - real) ** 2 + 0.25 * (logits_of(d, 2 * fakes, theirs) - fake) ** 2
        return jnp.mean(softplus(-real) + softplus(fake)) + jnp.mean(added)

    assert_descends(game, a_batch(), d_value, lambda g, d: jnp.mean(softplus(-logits_of(d, generate(g, Z, theirs), theirs))))


def test_augmentation_changes_examples_and_not_conditions():
    double = Augmentation(tuple, lambda key, memory, x, axis_name: 2 * x, lambda memory, real_logits, axis_name: memory)

    def d_value(d, g):
        real, fake = (logits_of(d, 2 * x, LABELS) for x in (X, generate(g, Z, LABELS)))
        return jnp.mean(softplus(-real) + softplus(fake))

    assert_descends(
        played(augment=double),
        a_batch(),
        d_value,
        lambda g, d: jnp.mean(softplus(-logits_of(d, 2 * generate(g, Z, LABELS), LABELS))),
    )


def test_labels_are_packed_with_their_examples():
    """D is given `[B / 2, 8]` and `[B / 2, 2]`; the input gradients of R1 are those of a pack under its labels."""
    pairs = LABELS.reshape(B // 2, 2)
    side_by_side = lambda x: jnp.concatenate([x[0::2], x[1::2]], axis=-1)  # noqa: E731

    def d_value(d, g):
        real, fake = (logits_of(d, side_by_side(x), pairs) for x in (X, generate(g, Z, LABELS)))
        return jnp.mean(softplus(-real) + softplus(fake)) + jnp.mean(0.5 * slopes(d, side_by_side(X), pairs))

    def g_value(g, d):
        return jnp.mean(softplus(-logits_of(d, side_by_side(generate(g, Z, LABELS)), pairs)))

    assert_descends(played(pack=2, penalties=(penalties.r1(1.0),)), a_batch(), d_value, g_value)


def test_the_best_fakes_are_chosen_by_their_logits_under_their_labels():
    game = played(top_k=lambda step: 0.5)
    d, g = game.state.discriminator.params, game.state.generator.params
    best = np.argsort(-np.asarray(logits_of(d, generate(g, Z, LABELS), LABELS)))[: B // 2]
    value, gradient = jax.value_and_grad(lambda g: jnp.mean(softplus(-logits_of(d, generate(g, Z, LABELS), LABELS)[best])))(g)
    after, metrics = jax.jit(game.alternating.g_step)(KEY, game.state, a_batch())
    np.testing.assert_allclose(metrics["g_loss"], value, rtol=1e-5)
    assert_close(after.generator.params, jax.tree.map(lambda p, s: p - RATE * s, g, gradient))


def test_a_generator_without_noise_is_given_its_condition_alone():
    """An image-to-image game: the sources are the condition, and there are no latents."""
    translate = Network(
        lambda key: ({"w": jnp.eye(SIZE) * 0.5}, {}),
        lambda params, model_state, c, **_: (jnp.tanh(c @ params["w"]), model_state),
    )
    game = games.Adversarial(
        translate,
        Network(
            lambda key: (jnp.linspace(-1.0, 1.0, 2 * SIZE), {}),
            lambda params, model_state, x, c, **_: (jnp.concatenate([x, c], axis=1) @ params, model_state),
        ),
        None,
        losses.wasserstein,
        condition=games.source,
    )
    state = steps.init_state(KEY, translate, game.discriminator, OPTIMIZERS, game)
    source = jax.random.normal(jax.random.key(5), (B, SIZE))
    after, metrics = steps.simultaneous(game, OPTIMIZERS).step(KEY, state, Batch(X, c=source))
    fakes = jnp.tanh(source * 0.5)
    d = np.linspace(-1, 1, 2 * SIZE)
    np.testing.assert_allclose(metrics["d_loss"], np.mean((fakes - X) @ d[:SIZE]), rtol=1e-4)
    gradient = np.concatenate([np.mean(fakes - X, axis=0), np.zeros(SIZE)])  # the sources cancel
    np.testing.assert_allclose(after.discriminator.params, d - RATE * gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["pmap", pytest.param("shard", marks=pytest.mark.slow)])
def test_a_conditional_run_is_the_same_on_four_devices(mode):
    def uniform(key, examples, axis_name):
        return rng.one_each(key, len(examples.x), lambda key: jax.random.randint(key, (), 0, CLASSES), axis_name)

    game = games.Adversarial(
        GENERATOR,
        discriminator(),
        lambda key, n, axis_name=None: rng.latents(key, n, LATENT, axis_name=axis_name),
        losses.non_saturating,
        condition=games.labels,
        fake_condition=uniform,
        penalties=(penalties.gradient_penalty(0.3),),
    )
    step = steps.alternating(game, OPTIMIZERS).step
    state = steps.init_state(KEY, GENERATOR, game.discriminator, OPTIMIZERS, game)
    expected = jax.jit(step)(KEY, state, a_batch())
    assert_close(getattr(parallel, mode)(step)(KEY, parallel.replicate(jax.tree.map(jnp.array, state)), a_batch()), expected)


# -------------------------------------------------------------------------------------------------------------- progress


def test_the_progress_of_a_fade_in_reaches_both_networks():
    """G: p z s, D: q x s, with the share s of `state.step`: every loss has s^2."""
    seen = []

    def scaled(params, model_state, x, share, *, key=None, train=False, axis_name=None):
        seen.append(share.shape)
        return params * x * share, model_state

    generator = Network(lambda key: (jnp.float32(2.0), {}), scaled)
    critic = Network(
        lambda key: (jnp.float32(3.0), {}),
        lambda params, model_state, x, share, **_: ((scaled(params, (), x, share)[0]).sum(1), model_state),
    )
    game = games.Adversarial(generator, critic, latents, losses.wasserstein, progress=optax.linear_schedule(0.0, 1.0, 4))
    state = steps.init_state(KEY, generator, critic, OPTIMIZERS, game)._replace(step=jnp.int32(2))
    after, metrics = steps.simultaneous(game, OPTIMIZERS).step(KEY, state, Batch(jnp.zeros((B, LATENT))))
    total = np.mean(np.asarray(Z).sum(axis=1))
    np.testing.assert_allclose(metrics["g_loss"], -(3 * 0.5) * (2 * 0.5) * total, rtol=1e-5)
    np.testing.assert_allclose(after.generator.params, 2 + RATE * 3 * 0.25 * total, rtol=1e-5)
    np.testing.assert_allclose(after.discriminator.params, 3 - RATE * 2 * 0.25 * total, rtol=1e-5)
    assert set(seen) == {()}


# ---------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("which", ["g_step", "d_step", "step"])
@pytest.mark.parametrize("drawn", [False, True])
def test_a_batch_without_labels_is_an_error(which, drawn):
    """Also where the labels of the fakes are drawn, and only those of the reals are missing."""
    draw = (lambda key, examples, axis_name: jnp.zeros(len(examples.x), jnp.int32)) if drawn else None
    game = played(fake_condition=draw)
    with pytest.raises(ValueError, match="this game is conditional, and the batch has no labels: give a data set with labels"):
        jax.eval_shape(getattr(game.alternating, which), KEY, game.state, Batch(X))


def test_what_is_asked_of_a_model_is_checked_before_anything_is_compiled():
    def unreached(*args, **kwargs):
        raise AssertionError("nothing may be computed")

    conditional = GAN(None, None, None, None, unreached, unreached, condition=Field((), "label", 10))
    for labels, message in (
        (None, "conditioned on labels: give labels for 2 examples, found nothing"),
        ([0, 10], "from 0 to 9, found 10"),
        ([-1, 0], "from 0 to 9, found -1"),
        ([0, 1, 2], r"labels must be integers of the shape \(2,\), found int64 of \(3,\)"),
        ([0.5, 1.0], r"labels must be integers of the shape \(2,\), found float64"),
    ):
        with pytest.raises(ValueError, match=message):
            conditional.sample(KEY, None, 2, labels=labels)
    with pytest.raises(ValueError, match="this model is conditioned on labels: leave images out"):
        conditional.sample(KEY, None, 2, labels=[0, 1], images=np.zeros((2, 2, 2, 1)))
    translates = conditional._replace(condition=Field((2, 2, 1)))
    with pytest.raises(ValueError, match="conditioned on images: give images for 2 examples, found nothing"):
        translates.sample(KEY, None, 2)
    for images, message in (
        (np.zeros((3, 2, 2, 1)), r"images must be floats of the shape \(2, 2, 2, 1\), found float64 of \(3, 2, 2, 1\)"),
        (np.zeros((2, 2, 2, 1), np.uint8), r"images must be floats of the shape .*, found uint8"),
        (np.zeros((2, 4, 2, 1)), r"images must be floats of the shape \(2, 2, 2, 1\), found float64 of \(2, 4, 2, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            translates.sample(KEY, None, 2, images=images)
    both = conditional._replace(condition={"a": Field((2, 2, 1)), "b": Field((2, 2, 1))})
    with pytest.raises(ValueError, match="images must be a dict with the keys a, b, found c"):
        both.sample(KEY, None, 2, images={"c": np.zeros((2, 2, 2, 1))})
    with pytest.raises(ValueError, match=r"images must be images in \[0, 1\], found values from nan to nan"):
        translates.sample(KEY, None, 2, images=np.array([0.0, np.nan] * 4).reshape(2, 2, 2, 1))
    with pytest.raises(ValueError, match="found labels and condition"):
        conditional.sample(KEY, None, 2, labels=[0, 1], condition=[0, 1])
    plain = conditional._replace(condition=())
    with pytest.raises(ValueError, match="this model is unconditional: leave labels out"):
        plain.sample(KEY, None, 2, labels=[0, 1])


def test_sample_generates_from_new_latents_and_the_condition():
    """As plain functions: the averaged weights add 1."""
    gan = GAN(
        None,
        None,
        None,
        None,
        inputs=lambda key, n, c=(): Inputs(jax.random.normal(key, (n, 2)), c),
        generate=lambda state, given, ema=True: (given.z * state, given.c, ema),
        condition=Field((), "label", 4),
    )
    z, c, ema = gan.sample(KEY, 2.0, 3, labels=[3, 0, 1])
    np.testing.assert_array_equal(z, 2 * jax.random.normal(KEY, (3, 2)))
    np.testing.assert_array_equal(c, np.array([3, 0, 1], np.int32), strict=True)
    assert ema
    assert not gan.sample(KEY, 2.0, 3, labels=[3, 0, 1], ema=False)[2]
    images = {"b": np.full((3, 2, 2, 1), 0.5)}
    two_ways = gan._replace(condition={"a": Field((2, 2, 1)), "b": Field((2, 2, 1))})
    _, c, _ = two_ways.sample(KEY, 2.0, 3, images=images)
    assert set(c) == {"b"}
    assert c["b"].dtype == np.float32


def test_tokens_and_several_conditions_are_given_as_one_tree():
    """Any condition may be given by `condition=`, each array checked by its own kind."""
    heard = GAN(None, None, None, None, lambda key, n, c: c, lambda state, c, ema: c)
    tokens = heard._replace(condition=Field((3,), "tokens", 5))
    found = tokens.sample(KEY, None, 2, condition=[[0, 1, 2], [3, 4, 4]])
    assert (found.shape, found.dtype) == ((2, 3), np.int32)
    with pytest.raises(ValueError, match="from 0 to 4, found 5"):
        tokens.sample(KEY, None, 2, condition=[[0, 1, 5], [0, 0, 0]])
    with pytest.raises(ValueError, match="conditioned on tokens: leave labels out"):
        tokens.sample(KEY, None, 2, labels=[0, 1])
    mixed = heard._replace(condition={"class": Field((), "label", 3), "place": Field((2,), "points")})
    found = mixed.sample(KEY, None, 2, condition={"class": [0, 2], "place": np.ones((2, 2))})
    assert found["class"].tolist() == [0, 2]
    assert found["place"].dtype == np.float32
    with pytest.raises(ValueError, match="condition must be a dict with the keys class, place, found class"):
        mixed.sample(KEY, None, 2, condition={"class": [0, 2]})
