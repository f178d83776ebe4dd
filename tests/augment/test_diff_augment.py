"""DiffAugment's draws have the paper's distributions, and neither range nor devices change what it does."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jgan import augment

KEY = jax.random.key(2020)
N = 3000
PIXELS = np.random.default_rng(1).uniform(size=(4, 5, 3)).astype(np.float32)
IMAGES = np.random.default_rng(2).uniform(size=(8, 12, 10, 3)).astype(np.float32)


@functools.cache
def applied(policy=("color", "translation", "cutout"), **options):
    return jax.jit(augment.diff_augment(policy, **options).apply, static_argnums=3)


def copies(image):
    return np.broadcast_to(image, (N, *image.shape))


# -------------------------------------------------------------------------------------------------------- distributions


def colour_parameters(images):
    """`[N, 3]` brightness, saturation, contrast, and the greatest residual, fitted to the colours of copies of `PIXELS`.

    The three changes commute: `x -> mean + b + c (grey - mean) + c s (x - grey)`, linear in (b, c, c s).
    """
    x = PIXELS.astype(np.float64)
    mean, grey = x.mean(), x.mean(-1, keepdims=True) + np.zeros(3)
    basis = np.stack([np.ones(x.size), (grey - mean).ravel(), (x - grey).ravel()], axis=1)
    observed = np.asarray(images, np.float64).reshape(len(images), -1).T - mean
    (b, c, cs), *_ = np.linalg.lstsq(basis, observed, rcond=None)
    return np.stack([b, cs / c, c], 1), np.abs(basis @ np.stack([b, c, cs]) - observed).max()


def test_colours_are_one_of_each_independent_and_of_the_papers_distributions():
    found, residual = colour_parameters(applied(("color",))(KEY, (), copies(PIXELS), None))
    assert residual < 1e-6
    laws = stats.uniform(-0.25, 0.5), stats.uniform(0, 2), stats.uniform(0.5, 1)
    for values, law in zip(found.T, laws, strict=True):
        assert stats.kstest(values, law.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(found.T)[np.triu_indices(3, 1)]).max() < 5 / np.sqrt(N)


@pytest.mark.parametrize(("name", "place"), [("brightness", 0), ("saturation", 1), ("contrast", 2)])
def test_each_colour_alone_leaves_the_others_as_they_are(name, place):
    found, residual = colour_parameters(jax.jit(getattr(augment, name))(KEY, copies(PIXELS)))
    assert residual < 1e-6
    neutral = np.array([0.0, 1.0, 1.0])
    np.testing.assert_allclose(np.delete(found, place, 1), np.broadcast_to(np.delete(neutral, place), (N, 2)), atol=1e-5)
    assert np.ptp(found[:, place]) > 0.45


def test_translations_are_uniform_over_an_eighth_of_each_side():
    height, width = 16, 12  # an eighth: 2, and 1.5, which is rounded to 2
    image = np.zeros((height, width, 1), np.float32)
    image[8, 6] = 1
    moved = applied(("translation",), fill=0.0)(KEY, (), copies(image), None)[..., 0]
    rows, columns = np.unravel_index(np.argmax(np.reshape(moved, (N, -1)), axis=1), (height, width))
    np.testing.assert_array_equal(np.sum(moved, axis=(1, 2)), 1)
    counts = np.zeros((5, 5))
    np.add.at(counts, (rows - 6, columns - 4), 1)  # an index outside 0 ... 4 would raise
    assert (rows - 6).min() == (columns - 4).min() == 0
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_each_change_of_a_policy_has_draws_of_its_own():
    """Two moves by U{-2 ... 2} add up to a triangle; twice the same move would always be even."""
    image = np.zeros((16, 12, 1), np.float32)
    image[8, 6] = 1
    moved = applied(("translation", "translation"), fill=0.0)(KEY, (), copies(image), None)
    rows, columns = np.unravel_index(np.argmax(np.reshape(moved, (N, -1)), axis=1), (16, 12))
    triangle = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1]) / 25
    for places in (rows - 4, columns - 2):
        assert stats.chisquare(np.bincount(places, minlength=9), N * triangle).pvalue > 1e-3


def test_cutouts_have_uniform_centres():
    height, width = 8, 6  # a half: 4, whose centre is one of 9 edges, and 3, whose centre is one of 6 pixels
    cut = np.asarray(applied(("cutout",), fill=0.0)(KEY, (), np.ones((N, height, width, 1), np.float32), None))[..., 0] == 0
    expected = {}
    for edge in range(9):
        for pixel in range(6):
            mask = np.zeros((height, width), bool)
            mask[max(edge - 2, 0) : edge + 2, max(pixel - 1, 0) : pixel + 2] = True
            expected[mask.tobytes()] = len(expected)
    assert len(expected) == 54
    counts = np.bincount([expected[np.ascontiguousarray(mask).tobytes()] for mask in cut], minlength=54)
    assert stats.chisquare(counts).pvalue > 1e-3


# ------------------------------------------------------------------------------------------------------------ the whole


def test_the_changes_happen_in_the_policys_order():
    """Colours after the cutout change its mid grey, before it they do not."""
    last = np.asarray(applied()(KEY, (), IMAGES, None))
    first = np.asarray(applied(("cutout", "color"))(KEY, (), IMAGES, None))
    assert (np.sum(last == 0.5, axis=(1, 2, 3)) >= 3 * 2 * 3).all()
    assert np.sum(first == 0.5) == 0


def test_the_effect_does_not_depend_on_the_range():
    usual = applied()(KEY, (), IMAGES, None)
    papers = applied(low=-1.0, high=1.0)(KEY, (), 2 * IMAGES - 1, None)
    assert np.abs(usual - IMAGES).max() > 0.2
    np.testing.assert_allclose(papers, 2 * usual - 1, atol=1e-5)


def test_gradients_reach_the_images():
    """The whole is affine in the images: `<f(x + d) - f(x), y> = <d, f'* y>` for any d, not only for small ones."""
    d, y = np.random.default_rng(3).normal(size=(2, *IMAGES.shape)).astype(np.float32)
    apply = lambda x: applied()(KEY, (), x, None)  # noqa: E731
    gradient = jax.jit(lambda x, y: jax.vjp(apply, x)[1](y)[0])(IMAGES, y)
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max((1, 2, 3)) > 0.1).all()
    np.testing.assert_allclose(np.vdot(apply(IMAGES + d) - apply(IMAGES), y), np.vdot(d, gradient), rtol=1e-4)


def test_four_devices_do_what_one_does():
    apply = augment.diff_augment().apply
    spread = jax.pmap(lambda x: apply(KEY, (), x, "devices"), axis_name="devices")(IMAGES.reshape(4, 2, *IMAGES.shape[1:]))
    alone = applied()(KEY, (), IMAGES, None)
    np.testing.assert_allclose(np.reshape(spread, IMAGES.shape), alone, atol=1e-6)
    assert len({np.asarray(image - before).tobytes() for image, before in zip(alone, IMAGES, strict=True)}) == 8


def test_a_population_of_keys_is_its_members_apart():
    keys = jax.random.split(KEY, 2)
    found = jax.jit(jax.vmap(lambda key: augment.diff_augment().apply(key, (), IMAGES, None)))(keys)
    for key, images in zip(keys, found, strict=True):
        np.testing.assert_allclose(images, applied()(key, (), IMAGES, None), atol=1e-6)


def test_there_is_no_memory():
    augmentation = augment.diff_augment()
    assert augmentation.init() == ()
    assert augmentation.update((), jnp.ones(4), None) == ()


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("policy", [("colour",), ("color", "rotation"), "color,cutout", "color"])
def test_an_unknown_policy_is_an_error(policy):
    with pytest.raises(ValueError, match=r"policy must be a sequence of names of \('color', 'translation', 'cutout'\), found"):
        augment.diff_augment(policy)


@pytest.mark.parametrize("name", ["translation", "cutout"])
@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan")])
def test_a_ratio_outside_the_image_is_an_error(name, ratio):
    with pytest.raises(ValueError, match=rf"the ratio of a {name} must be a fraction of the image, in \[0, 1\], found"):
        getattr(augment, name)(KEY, jnp.zeros((2, 8, 8, 1)), ratio=ratio)


@pytest.mark.parametrize("policy", ["color", "translation", "cutout"])
def test_images_without_channels_are_an_error(policy):
    with pytest.raises(ValueError, match=r"found float32 of the shape \(2, 8, 8\)"):
        augment.diff_augment((policy,)).apply(KEY, (), jnp.zeros((2, 8, 8)), None)
