"""ADA's draws have the paper's distributions; the pipeline joins them as the paper does, on any range and any devices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jgan import augment
from jgan.augment.ada import POLICIES, pipeline
from jgan.augment.draws import draw_amplitudes, draw_blit, draw_colour, draw_geometry

KEY = jax.random.key(2006)
N = 3000
IMAGES = np.random.default_rng(0).uniform(size=(8, 12, 10, 3)).astype(np.float32)


@functools.cache
def augmented(policy=POLICIES, **options):
    return jax.jit(functools.partial(pipeline, policy=policy, **options))


@functools.cache
def drawn(p):
    """N draws of every parameter of a 16 x 32 image: `{name: [N, ...]}`."""
    return jax.device_get(many_draws()(jax.random.split(KEY, N), p))


@functools.cache
def many_draws():
    def draw(key, p):
        blit_key, geometry_key, colour_key, band_key = jax.random.split(key, 4)
        blit = draw_blit(blit_key, p, 16, 32)._asdict()
        geometry = draw_geometry(geometry_key, p, 16, 32)._asdict()
        colour = {f"colour_{name}": value for name, value in draw_colour(colour_key, p)._asdict().items()}
        blit = {name: blit[name] for name in ("flip", "turns", "shift")}
        geometry = {name: geometry[name] for name in ("scale", "before", "stretch", "after", "drift")}
        return blit | geometry | colour | {"amplitudes": draw_amplitudes(band_key, p)}

    return jax.jit(jax.vmap(draw, in_axes=(0, None)))


# ------------------------------------------------------------------------------------------------------------ the draws


NEUTRAL = dict.fromkeys(("flip", "turns", "shift", "before", "after", "drift"), 0.0)
NEUTRAL |= dict.fromkeys(("scale", "stretch", "colour_contrast", "colour_saturation", "amplitudes"), 1.0)
NEUTRAL |= dict.fromkeys(("colour_brightness", "colour_flip", "colour_hue"), 0.0)
TURN = stats.uniform(-np.pi, 2 * np.pi)
CONTINUOUS = {  # what is normal or uniform, as a function of what is drawn
    "scale": (np.log2, stats.norm(0, 0.2)),
    "before": (np.asarray, TURN),
    "stretch": (np.log2, stats.norm(0, 0.2)),
    "after": (np.asarray, TURN),
    "drift": (lambda drift: drift / (32, 16), stats.norm(0, 0.125)),
    "colour_brightness": (np.asarray, stats.norm(0, 0.2)),
    "colour_contrast": (np.log2, stats.norm(0, 0.5)),
    "colour_hue": (np.asarray, TURN),
    "colour_saturation": (np.log2, stats.norm(0, 1)),
    "amplitudes": (np.log2, stats.norm(0, 1)),
}


def test_at_0_nothing_happens():
    for name, values in drawn(0.0).items():
        np.testing.assert_array_equal(values, np.full_like(values, NEUTRAL[name]), err_msg=name)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_what_is_drawn_has_the_papers_distribution(name):
    transform, law = CONTINUOUS[name]
    certain, possible = drawn(1.0)[name], drawn(0.36)[name]
    assert stats.kstest(transform(certain).ravel(), law.cdf).pvalue > 1e-3
    kept = possible[possible != NEUTRAL[name]]
    assert stats.kstest(transform(kept if name != "drift" else kept.reshape(-1, 2)).ravel(), law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_transformation_is_made_with_probability_p(name):
    made = (drawn(0.36)[name] != NEUTRAL[name]).reshape(N, -1)
    if name == "drift":  # both coordinates on one coin
        np.testing.assert_array_equal(made[:, 0], made[:, 1])
    p = 0.2 if name in ("before", "after") else 0.36
    for column in made.T:
        assert stats.binomtest(int(column.sum()), N, p).pvalue > 1e-3


def test_one_rotation_or_the_other_is_made_with_probability_p():
    either = (drawn(0.36)["before"] != 0) | (drawn(0.36)["after"] != 0)
    assert stats.binomtest(int(either.sum()), N, 0.36).pvalue > 1e-3


@pytest.mark.parametrize("p", [1.0, 0.36])
def test_flips_turns_and_shifts_are_uniform_where_they_are_made(p):
    for name, kinds in (("flip", 2), ("turns", 4), ("colour_flip", 2)):
        shares = np.full(kinds, p / kinds) + np.eye(kinds)[0] * (1 - p)
        counts = np.bincount(drawn(p)[name].astype(int), minlength=kinds)
        assert len(counts) == kinds
        assert stats.chisquare(counts, N * shares).pvalue > 1e-3
    # U(-4, 4) and U(-2, 2) rounded to pixels: the outermost are half as likely; both on one coin.
    for axis, limit in ((0, 4), (1, 2)):
        shares = np.array([0.5, *[1.0] * (2 * limit - 1), 0.5]) / (2 * limit) * p
        shares[limit] += 1 - p
        counts = np.bincount(drawn(p)["shift"][:, axis].astype(int) + limit, minlength=2 * limit + 1)
        assert stats.chisquare(counts, N * shares).pvalue > 1e-3


def test_the_coins_of_all_transformations_are_independent():
    made = {name: (values != NEUTRAL[name]).reshape(N, -1) for name, values in drawn(0.36).items()}
    columns = np.concatenate([values[:, :1] if name in ("drift", "shift") else values for name, values in made.items()], 1)
    correlation = np.corrcoef(columns.T.astype(float))[np.triu_indices(columns.shape[1], 1)]
    assert columns.shape[1] == 17
    assert np.abs(correlation).max() < 5 / np.sqrt(N)


# --------------------------------------------------------------------------------------------------------- the pipeline


def test_at_0_images_stay_as_they_are():
    grey = IMAGES[..., :1]
    np.testing.assert_array_equal(augmented(("geometry", "color", "cutout"))(KEY, grey, 0.0), grey)
    np.testing.assert_allclose(augmented()(KEY, IMAGES, 0.0), IMAGES, atol=2e-6)  # the filter's taps add up to 1, rounded


def test_blitting_makes_one_of_the_images_that_it_can_make():
    """At p = 1, without interpolation: a flip, a turn and a shift into the mirrored margin, found by trying all of them."""
    image = IMAGES[0, :10, :, :1]
    can = {}
    for flip in range(2):
        for turns in range(4):
            turned = np.rot90(image[:, ::-1] if flip else image, turns)
            margin = np.pad(turned, ((1, 1), (1, 1), (0, 0)), mode="reflect")
            for shift in np.ndindex(3, 3):
                can[np.ascontiguousarray(margin[shift[0] :, shift[1] :][:10, :10]).tobytes()] = (flip, turns, *shift)
    assert len(can) == 2 * 4 * 3 * 3
    found = np.asarray(augmented(("blit",))(KEY, np.broadcast_to(image, (200, 10, 10, 1)), 1.0))
    made = np.array([can[np.ascontiguousarray(image).tobytes()] for image in found])
    assert all(len(np.unique(column)) == kinds for column, kinds in zip(made.T, (2, 4, 3, 3), strict=True))


def test_colours_are_affine_maps_of_colour_space_about_the_axis_of_the_greys():
    """At p = 1, fitted to each image: grey goes to grey; across, a rotation times one factor; mid grey moves along the axis."""
    found = np.asarray(augmented(("color",))(KEY, IMAGES, 1.0), np.float64).reshape(8, -1, 3)
    axis = np.ones(3) / np.sqrt(3)
    across = np.linalg.svd(np.eye(3) - np.outer(axis, axis))[0][:, :2]
    for before, after in zip(IMAGES.astype(np.float64).reshape(8, -1, 3) - 0.5, found - 0.5, strict=True):
        basis = np.concatenate([before, np.ones((len(before), 1))], axis=1)
        matrix, _, _, _ = np.linalg.lstsq(basis, after, rcond=None)
        np.testing.assert_allclose(basis @ matrix, after, atol=1e-5)
        linear, offset = matrix[:3].T, matrix[3]
        np.testing.assert_allclose(linear @ axis, (axis @ linear @ axis) * axis, atol=1e-5)
        np.testing.assert_allclose(offset, offset.mean(), atol=1e-5)
        rotation = across.T @ linear @ across
        np.testing.assert_allclose(rotation.T @ rotation, np.linalg.det(rotation) * np.eye(2), atol=1e-4)


def test_a_group_draws_the_same_with_and_without_the_others():
    """So two groups, one after the other, make what they make together."""
    both = augmented(("blit", "color"))(KEY, IMAGES, 1.0)
    apart = augmented(("color",))(KEY, augmented(("blit",))(KEY, IMAGES, 1.0), 1.0)
    np.testing.assert_allclose(both, apart, atol=1e-5)
    assert (np.abs(both - IMAGES).max((1, 2, 3)) > 0.1).all()


def test_noise_has_a_deviation_that_is_drawn_itself():
    found = np.asarray(augmented(("noise",))(KEY, np.zeros((N, 8, 8, 1), np.float32), 0.5)).reshape(N, -1)
    made = found[np.abs(found).max(1) > 0]
    assert stats.binomtest(len(made), N, 0.5).pvalue > 1e-3
    # |N(0, 0.1^2)| in a range of 2 is |N(0, 0.05^2)| in [0, 1]: the square of all pixels has the mean 0.05^2.
    variances = np.mean(made**2, axis=1)
    np.testing.assert_allclose(variances.mean(), 0.05**2, rtol=5 * np.sqrt(2.1 / len(made)))
    # Divided by its deviation each image is white noise, whatever the deviation.
    assert stats.kstest((made / np.sqrt(variances)[:, None])[:, 0], stats.norm.cdf).pvalue > 1e-3


def test_cutouts_are_halves_with_uniform_centres():
    found = np.asarray(augmented(("cutout",), fill=0.0)(KEY, np.ones((N, 16, 24, 1), np.float32), 0.5))[..., 0]
    cut = found[(found == 0).any((1, 2))] == 0
    assert stats.binomtest(len(cut), N, 0.5).pvalue > 1e-3
    rows, columns = cut.any(2).sum(1), cut.any(1).sum(1)
    np.testing.assert_array_equal(cut.sum((1, 2)), rows * columns)  # rectangles
    assert (rows.max(), columns.max()) == (8, 12)
    # A centre U(0, 16) leaves 8 rows where it is 4 or more from both edges, and at worst half of them: 4 + U(0, 4).
    counts = np.bincount(rows, minlength=9)
    assert counts[:4].sum() == 0
    expected = len(cut) * np.array([1 / 32 * 2, 1 / 16 * 2, 1 / 16 * 2, 1 / 16 * 2, 8 / 16 + 1 / 32 * 2])
    assert stats.chisquare(counts[4:], expected).pvalue > 1e-3


def test_the_effect_does_not_depend_on_the_range():
    usual = augmented()(KEY, IMAGES, 0.7)
    papers = augmented(low=-1.0, high=1.0)(KEY, 2 * IMAGES - 1, 0.7)
    assert (np.abs(usual - IMAGES).max((1, 2, 3)) > 0.2).all()
    np.testing.assert_allclose(papers, 2 * usual - 1, atol=1e-4)


def test_gradients_reach_the_images():
    """The whole is affine in the images: `<f(x + d) - f(x), y> = <d, f'* y>` for any d, not only for small ones."""
    d, y = np.random.default_rng(3).normal(size=(2, *IMAGES.shape)).astype(np.float32)
    value = augmented()(KEY, IMAGES, 0.7)
    gradient = jax.jit(lambda x, y: jax.vjp(lambda x: augmented()(KEY, x, 0.7), x)[1](y)[0])(IMAGES, y)
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max((1, 2, 3)) > 0.1).all()
    np.testing.assert_allclose(np.vdot(augmented()(KEY, IMAGES + d, 0.7) - value, y), np.vdot(d, gradient), rtol=1e-4)


@pytest.mark.slow
def test_four_devices_do_what_one_does():
    apply = augment.ada(POLICIES, p=0.7).apply
    memory = augment.ada(p=0.7).init()
    spread = jax.pmap(lambda x: apply(KEY, memory, x, "devices"), axis_name="devices")(IMAGES.reshape(4, 2, *IMAGES.shape[1:]))
    np.testing.assert_allclose(np.reshape(spread, IMAGES.shape), augmented()(KEY, IMAGES, 0.7), atol=1e-5)


def test_a_population_has_a_p_each():
    keys, p = jax.random.split(KEY, 2), jnp.array([0.0, 1.0])
    found = jax.jit(jax.vmap(lambda key, p: pipeline(key, IMAGES, p, policy=("blit",))))(keys, p)
    np.testing.assert_array_equal(found[0], IMAGES)
    np.testing.assert_allclose(found[1], augmented(("blit",))(keys[1], IMAGES, 1.0), atol=1e-6)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("policy", [("colour",), "bgc", ("blit", "rotate")])
def test_an_unknown_policy_is_an_error(policy):
    for make in (lambda: augment.ada(policy), lambda: pipeline(KEY, IMAGES, 0.5, policy=policy)):
        with pytest.raises(ValueError, match=r"policy must be a sequence of names of \('blit', 'geometry', .*\), found"):
            make()


@pytest.mark.parametrize("p", [-0.01, 1.5, float("nan"), np.float32(2)])
def test_what_is_no_probability_is_an_error(p):
    with pytest.raises(ValueError, match=r"p must be a probability, in \[0, 1\], found"):
        pipeline(KEY, IMAGES, p)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((2, 8, 8), r"\[batch, height, width, channels\], found"), ((2, 8, 8, 2), "1 or 3 channels, found 2")],
)
def test_images_of_other_shapes_are_an_error(shape, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda images: pipeline(KEY, images, 0.5, policy=("color",)), jnp.zeros(shape))


def test_colours_have_a_share_of_p():
    """At a share of 0 they stay as they are; at one half they change as often as at half of p."""
    key = jax.random.key(5)
    often = jax.jit(lambda p, share: pipeline(key, jnp.ones((400, 4, 4, 1)) * 0.7, p, policy=("color",), color_share=share))
    np.testing.assert_array_equal(often(1.0, 0.0), 0.7 * np.ones((400, 4, 4, 1), np.float32))
    np.testing.assert_array_equal(often(0.8, 0.5), often(0.4, 1.0))
    assert (often(0.8, 0.5) != often(0.8, 1.0)).any()


def test_a_schedule_of_p_replaces_the_controller():
    made = augment.ada(p=lambda updates: 0.1 * updates.astype(jnp.float32))
    memory = made.init()
    for _ in range(3):
        memory = made.update(memory, jnp.full(8, 5.0), None)  # each logit says "overfitting"
    np.testing.assert_allclose(memory.p, 0.3, rtol=1e-6)
    assert memory.updates == 3
