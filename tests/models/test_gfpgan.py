"""GFP-GAN: the losses by hand, mirrored faces, the frozen prior, the options."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, games, parallel
from jgan.losses import non_saturating
from jgan.models import gfpgan, gfpgan_game, options, stylegan2
from jgan.models.gfpgan_options import Components, Losses, terms_of
from jgan.networks import from_functions, several
from jgan.networks.gfpgan import Restored
from jgan.steps import Optimizers, init_state

KEY = jax.random.key(0)
SPEC = gfpgan.MODEL.small_spec
SMALL = gfpgan.small(gfpgan.Config())
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def pairs(n=4, side=8, seed=0):
    x, c = np.random.default_rng(seed).random((2, n, side, side, 1), np.float32)
    return Batch(x, c=c)


# ---------------------------------------------------------------------------------------------------- the losses by hand


def judge(weight):
    """A network of one parameter whose logits and features are known."""

    def apply(params, x):
        return params * x[..., 0], (x, 2 * x)

    return from_functions(lambda key: jnp.full((), weight), apply)


BOXES = {"left_eye": (0.0, 0.0, 0.5, 0.5), "right_eye": (0.5, 0.125, 1.0, 0.5), "mouth": (0.25, 0.5, 0.75, 1.0)}
PARTS = Components(weight=3.0, style=5.0, **BOXES, eye_size=(4, 4), mouth_size=(4, 4))
LOSSES = Losses(pixel=0.1, pyramid=2.0, pyramid_steps=10, adversarial=0.5)


def game():
    whole = from_functions(lambda key: jnp.full((), 1.5), lambda params, x: params * x.mean((1, 2, 3)))
    unused = from_functions(lambda key: {}, lambda params, x: x)
    discriminator = several(image=whole, **{name: judge(index + 1.0) for index, name in enumerate(BOXES)})
    scaled = non_saturating._replace(generator=lambda *logits: 0.5 * non_saturating.generator(*logits))
    image = games.Adversarial(unused, whole, None, scaled, terms=terms_of(LOSSES))
    return gfpgan_game.RestorationGame(unused, discriminator, image, LOSSES, PARTS)


def state_at(step):
    import optax

    made = game()
    optimizers = Optimizers(optax.sgd(0.1), optax.sgd(0.1))
    return init_state(KEY, made.generator, made.discriminator, optimizers, made)._replace(step=jnp.int32(step))


def softplus(x):
    return np.logaddexp(0, x)


def gram(x):
    flat = x.reshape(len(x), -1, x.shape[-1])
    return np.einsum("bpi,bpj->bij", flat, flat) / x[0].size


def test_the_losses_of_the_restorer_are_those_of_the_sheet_by_hand():
    batch, made = pairs(), game()
    fake = np.random.default_rng(5).random((4, 8, 8, 1), np.float32)
    smaller = np.random.default_rng(6).random((4, 4, 4, 1), np.float32)
    fakes = Restored(jnp.asarray(fake), (jnp.asarray(smaller), jnp.asarray(fake) / 2))
    value, (_, metrics) = made.g_loss(KEY, {}, state_at(0), batch, fakes, None)
    pixel = 2 * 0.1 * np.abs(np.float64(fake) - batch.x).mean()
    halved = np.float64(batch.x).reshape(4, 4, 2, 4, 2, 1).mean((2, 4))
    pyramid = 2 * np.abs(fake / 2 - batch.x).mean() + 2 * np.abs(smaller - halved).mean()
    adversarial = 0.5 * softplus(-1.5 * np.float64(fake).mean((1, 2, 3))).mean()
    assert float(metrics["pyramid"]) == pytest.approx(pyramid, rel=1e-5)
    parts = {name: np.float64(made._parts(jnp.asarray(fake), batch)[name]) for name in BOXES}
    real = {name: np.float64(made._parts(jnp.asarray(batch.x), batch)[name]) for name in BOXES}
    fooling = sum(softplus(-(index + 1) * parts[name]).mean() for index, name in enumerate(BOXES))
    style = sum(
        0.5 * np.abs(gram(parts[name]) - gram(real[name])).mean() + np.abs(gram(2 * parts[name]) - gram(2 * real[name])).mean()
        for name in BOXES
    )
    assert float(value) == pytest.approx(pixel + 2 * pyramid + adversarial + 3 * fooling + 5 * style, rel=1e-5)
    later, _ = made.g_loss(KEY, {}, state_at(10), batch, fakes, None)
    assert float(later) == pytest.approx(float(value) - 2 * pyramid, rel=1e-5)  # the pyramid loss is dropped


def test_the_losses_of_the_discriminators_are_cross_entropies():
    batch, made = pairs(), game()
    fake = np.random.default_rng(5).random((4, 8, 8, 1), np.float32)
    fakes = Restored(jnp.asarray(fake), ())
    state = state_at(0)
    value, (_, _, metrics) = made.d_loss(KEY, state.discriminator.params, state, batch, fakes, None)
    whole = [1.5 * np.float64(x).mean((1, 2, 3)) for x in (batch.x, fake)]
    expected = (softplus(-whole[0]) + softplus(whole[1])).mean()
    for index, name in enumerate(BOXES):
        real, ours = ((index + 1) * np.float64(made._parts(jnp.asarray(x), batch)[name]) for x in (batch.x, fake))
        expected += (softplus(-real) + softplus(ours)).mean()
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["d_components"]) > 0


def test_the_parts_are_those_of_their_boxes():
    """Of images that are linear in the place, the mean of a part is the value at the middle of its box."""
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[None, None, :, None] + 0.5, (1, 8, 8, 1))
    found = game()._parts(jnp.asarray(ramp), pairs(1))
    for name, (left, _, right, _) in BOXES.items():
        inside = float(found[name][:, :, 1:-1].mean())  # the outermost cells see the edge of the image
        assert inside == pytest.approx(8 * (left + right) / 2, abs=1e-5)


def test_a_mirrored_face_has_its_eyes_in_the_mirrored_boxes_in_turn():
    """The parts of a mirrored face are the mirrored parts, the eyes exchanged, and the boxes of others stay."""
    made, batch = game(), pairs(3)
    turned = np.array([False, True, False])
    x = np.where(turned[:, None, None, None], batch.x[:, :, ::-1], batch.x)
    found = made._parts(jnp.asarray(x), {"pairs": batch._replace(x=x), "mirrored": jnp.asarray(turned)})
    plain = made._parts(jnp.asarray(batch.x), batch)
    for name, source in zip(BOXES, ("right_eye", "left_eye", "mouth"), strict=True):
        np.testing.assert_allclose(found[name][1], plain[source][1, :, ::-1], atol=1e-6)
        np.testing.assert_allclose(found[name][jnp.array([0, 2])], plain[name][jnp.array([0, 2])], atol=1e-6)


def test_half_of_the_pairs_are_mirrored_and_which_ones_is_said():
    batch = pairs(256)
    seen = gfpgan_game.flips(KEY, batch)
    mirrored = np.asarray(seen["mirrored"])
    assert 0.4 < mirrored.mean() < 0.6
    for part in ("x", "c"):
        given, found = (np.asarray(getattr(pair, part)) for pair in (batch, seen["pairs"]))
        np.testing.assert_array_equal(found[mirrored], given[mirrored][:, :, ::-1])
        np.testing.assert_array_equal(found[~mirrored], given[~mirrored])


# ------------------------------------------------------------------------------------------------------------ the options


@pytest.mark.slow
def test_the_published_configurations():
    field = SPEC.example.x._replace(shape=(512, 512, 3))
    spec = DataSpec(Batch(field, c=field), 10, None, 12)
    count = lambda tree: sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))  # noqa: E731
    for name, expected in (("original", (24_860_935, 51_346_309)), ("clean", (30_276_583, 56_167_669))):
        second = gfpgan.make(gfpgan.CONFIGS[name], spec)[1].gan
        state = jax.eval_shape(second.init, KEY)
        assert count(state.generator.model_state["frozen"]["params"]) == expected[0]
        assert count(state.generator.params) == expected[1]
        parts = {part: count(params) for part, params in state.discriminator.params.items()}
        assert {parts[name] for name in ("left_eye", "right_eye", "mouth")} == {1_110_785}
    config = gfpgan.CONFIGS["original"]
    assert config.ema.decay == pytest.approx(0.99778, abs=1e-5)
    boxes = Components().boxes(64, 64)
    np.testing.assert_allclose(boxes, [[8, 11, 24, 23], [40, 11, 56, 23], [18, 41, 46, 53]], atol=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prior_kind": "frozen"}, "unknown prior_kind 'frozen'"),
        ({"prior_steps": 0}, "prior_steps must be at least 1, found 0"),
        ({"ema": options.EMA(0.9)}, "ema.statistics must be latest"),
        ({"losses": Losses(adversarial=0.0)}, "components need losses.adversarial above 0"),
        ({"losses": Losses(layers=("conv1_1",))}, "losses.layer_weights must be one number for each of 1 losses.layers"),
        ({"components": Components(mouth=(0.5, 0.5, 0.4, 0.9))}, "components.mouth must be left, top, right and bottom"),
    ],
)
def test_senseless_options_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        gfpgan.make(dataclasses.replace(SMALL, **changes), SPEC)


def test_pairs_of_other_channels_are_refused():
    coloured = SPEC._replace(example=SPEC.example._replace(c=SPEC.example.c._replace(shape=(8, 8, 3))))
    with pytest.raises(ValueError, match="pairs of images of equal channels"):
        gfpgan.check(coloured)


def test_the_rates_and_the_momenta_of_the_discriminators():
    """The first update of Adam is the rate; the second of the gradients 1 and -1 tells b1 = 0 from b1 = 0.9."""
    made = gfpgan.optimizers(dataclasses.replace(SMALL, halvings=(1,)), SPEC, ("image", "left_eye"))
    params = {"image": jnp.zeros(1), "left_eye": jnp.zeros(1)}
    state, found = made.discriminator.init(params), []
    for gradient in (1.0, -1.0):
        update, state = made.discriminator.update(jax.tree.map(lambda p, g=gradient: p + g, params), state, params)
        found.append({name: float(value[0]) for name, value in update.items()})
    assert found[0]["image"] == pytest.approx(-2e-3, rel=1e-4)
    assert found[0]["left_eye"] == pytest.approx(-2e-3, rel=1e-4)
    assert found[1]["image"] == pytest.approx(1e-3, rel=1e-4)  # halved; without momentum
    m = (0.9 * 0.1 - 0.1) / (1 - 0.9**2)
    assert found[1]["left_eye"] == pytest.approx(-1e-3 * m, rel=1e-3)


# ------------------------------------------------------------------------------------------------------- the frozen prior


@pytest.mark.slow
def test_the_prior_is_the_trained_one_and_stays_bit_for_bit():
    first, second = gfpgan.make(SMALL, SPEC)
    trained = jit(first.gan.init)(KEY)
    trained, _ = jit(first.gan.step)(KEY, trained, pairs())
    state = jax.jit(second.enter)(KEY, trained)
    assert_equal(state.generator.model_state["frozen"]["params"], trained.generator.ema.params)
    before = jax.tree.map(np.asarray, state.generator.model_state)
    start = jax.tree.map(np.asarray, state.generator.params)
    step = jit(second.gan.step)
    for seed in range(3):
        state, _ = step(KEY, state, pairs(seed=seed))
    assert_equal(state.generator.model_state, before)
    assert_equal(state.generator.ema.model_state, before)
    assert all(np.any(a != b) for a, b in zip(jax.tree.leaves(start), jax.tree.leaves(state.generator.params), strict=True))


def assert_equal(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_forms_of_the_ablations():
    """No prior: the U-Net's own image; without changes: styles alone; without discriminators: no parameters of them."""
    alone = Losses(adversarial=0.0)
    none = Components(weight=0.0, style=0.0)
    for changes, kind, phases in (
        ({"prior_kind": "none", "losses": alone, "components": none}, "none", 1),
        ({"prior_kind": "random"}, "random", 1),
        ({"changes": False}, "trained", 2),
    ):
        made = gfpgan.make(dataclasses.replace(SMALL, **changes), SPEC)
        assert len(made) == phases
        state = jax.eval_shape(made[-1].gan.init, KEY)
        assert ("frozen" in state.generator.model_state) == (kind != "none")
        names = set(state.generator.params)
        assert ("styles" in names) == (kind != "none")
        assert any(name.startswith("scale") for name in names) == (kind == "random")
        assert bool(jax.tree.leaves(state.discriminator.params)) == (kind != "none")


@pytest.mark.slow
def test_a_restorer_without_a_prior_learns_the_mapping():
    """L1 alone on one batch, negatives of images of 2x2 blocks: after 300 steps under half the error of the best constant.

    The U-Net has no skip at the full size, as published: single pixels must pass the level below.
    """
    losses, parts = Losses(pixel=1.0, pyramid=0.0, adversarial=0.0), Components(weight=0.0, style=0.0)
    prior = dataclasses.replace(stylegan2.small(stylegan2.Config()), channel_base=128, channel_max=16)
    config = dataclasses.replace(SMALL, prior=prior, prior_kind="none", losses=losses, components=parts, flip=False)
    gan = gfpgan.make(config, SPEC)[0].gan
    blocks = pairs(4, side=4).c.repeat(2, axis=1).repeat(2, axis=2)
    batch = Batch(1 - blocks, c=blocks)
    state, _ = parallel.jit(parallel.scan(gan.step, 300))(KEY, gan.init(KEY), batch)
    restored = gan.sample(KEY, state, 4, images=batch.c, ema=False)
    constant = np.abs(batch.x - np.median(batch.x, axis=0)).mean()
    assert float(jnp.abs(restored - batch.x).mean()) < constant / 2
