"""Games that cannot be played: each is an error that says why, before anything is computed."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from small_games import KEY, OPTIMIZERS, SHAPE, B, a_batch, played

from jgan import losses, networks, penalties, steps, terms
from jgan.augment import instance_noise


class Normalised(nn.Module):
    """Judges an example beside its neighbours."""

    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        h = nn.BatchNorm(use_running_average=not train, axis_name=axis_name)(x.reshape(len(x), -1))
        return nn.Dense(1)(h)[:, 0]


BATCH_NORM = networks.from_module(Normalised(), SHAPE)


@pytest.mark.parametrize(
    "penalty",
    [
        penalties.gradient_penalty(),
        penalties.dragan(),
        penalties.r1(),
        penalties.r2(),
        penalties.r1_r2(),
        penalties.finite_difference(),
        penalties.lazily(penalties.r1(), 16),
    ],
)
def test_input_gradients_of_a_discriminator_with_batch_statistics(penalty):
    game = played(network=BATCH_NORM, penalties=(penalties.drift(), penalty))
    with pytest.raises(
        ValueError, match="found one with batch statistics, where a logit depends on the whole batch: use layer"
    ):
        jax.eval_shape(game.d_step, KEY, game.state, a_batch())


def test_penalties_of_logits_work_beside_batch_statistics():
    game = played(network=BATCH_NORM, penalties=(penalties.drift(), penalties.lecam()))
    after, _ = game.d_step(KEY, game.state, a_batch())
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(after))


@pytest.mark.parametrize("step", ["d_step", "g_step"])
def test_packs_that_do_not_divide_the_batch(step):
    game = played(pack=3)
    with pytest.raises(ValueError, match="must be a multiple of the 3 examples of a pack, found 8"):
        jax.eval_shape(getattr(game, step), KEY, game.state, a_batch())


@pytest.mark.parametrize("pack", [0, -2])
def test_packs_of_nothing(pack):
    with pytest.raises(ValueError, match=f"pack must be at least 1, found {pack}"):
        played(pack=pack)


@pytest.mark.parametrize(("loss", "found"), [(losses.least_squares, "least_squares"), ("hinge", "'hinge'")])
def test_what_is_no_pair_of_losses(loss, found):
    with pytest.raises(TypeError, match=rf"loss must have the functions .* losses\.least_squares\(\) have, found {found}"):
        played(loss)


@pytest.mark.parametrize("step", ["d_step", "g_step"])
@pytest.mark.parametrize("loss", [losses.non_saturating, losses.relativistic])
@pytest.mark.parametrize(
    "options", [{"augment": instance_noise(0.1)}, {"penalties": (penalties.lecam(),)}, {"penalties": (penalties.r1(),)}]
)
def test_a_state_that_was_not_made_for_this_game(step, loss, options):
    """Whether it remembers too little or too much."""
    game, plain = played(loss, **options), played(loss)
    with pytest.raises(ValueError, match=r"made for another game: make it with steps.init_state\(..., game\)"):
        jax.eval_shape(getattr(game, step), KEY, plain.state, a_batch())
    with pytest.raises(ValueError, match="made for another game"):
        jax.eval_shape(getattr(plain, step), KEY, game.state, a_batch())


def test_a_penalty_that_is_one_number_for_the_whole_batch():
    game = played(penalties=(penalties.Penalty(lambda view: jnp.mean(view.real_logits)),))
    with pytest.raises(
        ValueError, match=r"the values of a penalty and one number an example must have the same shape, found \(\) and \(8,\)"
    ):
        jax.eval_shape(game.d_step, KEY, game.state, a_batch())


def test_a_discriminator_that_does_not_return_one_logit_a_pack():
    """It judges examples, not packs: of B logits where B / 2 belong."""
    game, wrong = played(pack=2), played(network=networks.from_module(Unpacking(), (2, 4)), pack=2)
    jax.eval_shape(game.d_step, KEY, game.state, a_batch())
    for step in (wrong.d_step, wrong.g_step):
        with pytest.raises(ValueError, match=rf"logits \[{B // 2}\], or a map .* found the shape \({B},\)"):
            jax.eval_shape(step, KEY, wrong.state, a_batch())


class Unpacking(nn.Module):
    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):
        return nn.Dense(1)(x.reshape(2 * len(x), -1))[:, 0]


def test_features_that_the_discriminator_does_not_return():
    game = played(terms=(terms.feature_matching(1.0),))
    for step in (game.g_step, steps.simultaneous(game.game, OPTIMIZERS).step):
        with pytest.raises(ValueError, match=r"needs a discriminator that returns \(logits, features\), found only logits"):
            jax.eval_shape(step, KEY, game.state, a_batch())


@pytest.mark.parametrize("deviation", [-0.1, -1])
def test_noise_of_a_negative_deviation(deviation):
    with pytest.raises(ValueError, match=f"must not be negative, found {deviation}"):
        instance_noise(deviation)
