"""GFP-GAN's networks: the published parameter counts, the channel split, the clean form, what a trained prior stays."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import networks
from jgan.networks import arcface, stylegan2

KEY = jax.random.key(0)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def count(module, *shapes, **options):
    params, _ = jax.eval_shape(networks.from_module(module, *shapes, **options).init, KEY)
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def prior(shape, style, base, most, mapping=8):
    return networks.StyleGAN2Generator(shape, style, mapping, base, most)


@pytest.mark.parametrize(
    ("side", "style", "widths", "mapping", "clean", "expected"),
    [
        (512, 512, (16384, 512), 8, False, (24_860_935, 51_346_309, 24_030_753)),
        (512, 512, (32768, 512), 8, True, (30_276_583, 56_167_669, None)),
        (64, 64, (2048, 64), 4, False, (358_840, 597_212, 366_945)),
        (64, 128, (4096, 128), 4, False, (1_428_312, 2_384_812, 1_465_025)),
        (32, 64, (2048, 64), 4, False, (322_707, 500_425, None)),
    ],
)
def test_the_parameter_counts_of_the_published_networks_and_of_small_ones(side, style, widths, mapping, clean, expected):
    shape = (side, side, 3)
    unet = count(networks.RestorationUNet(shape, style, *widths, clean=clean), shape)
    generator = count(prior(shape, style, *widths, mapping), (style,), rngs=("noise", "mixing"))
    assert (generator, unet) == expected[:2]
    if expected[2]:
        assert count(networks.StyleGAN2Discriminator(*widths), shape) == expected[2]
    if side == 512 and not clean:
        assert generator + unet == 76_207_244
    if clean:
        assert generator + unet == 86_444_252


def test_the_parameter_counts_of_the_other_networks():
    assert count(networks.ComponentDiscriminator(), (80, 80, 3)) == 1_110_785
    assert count(networks.ArcFace(), (128, 128, 1)) == 25_627_081


SHAPE, STYLE, BASE, MOST = (16, 16, 3), 6, 128, 8
PRIOR = networks.StyleGAN2Generator(SHAPE, STYLE, 2, BASE, MOST)
WS = np.random.default_rng(0).normal(size=(2, PRIOR.layers, STYLE)).astype(np.float32)
HALVES = [(2, 8, 8, 4), (2, 16, 16, 4)]


@functools.cache
def variables():
    """With noise and biases, which start at 0."""
    made = jit(PRIOR.init)(KEY, np.zeros((1, STYLE), np.float32))
    moved = lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape)  # noqa: E731
    return {**made, "params": jax.tree.map(moved, made["params"])}


def images(*changes, module=PRIOR, **options):
    rngs = {"noise": jax.random.key(3)}
    return np.asarray(module.apply(variables(), WS, *changes, method="images", rngs=rngs, **options))


@pytest.mark.slow
@pytest.mark.parametrize("train", [False, True])
def test_a_scale_of_1_and_a_shift_of_0_give_the_plain_prior_bit_for_bit(train):
    neutral = [(jnp.ones(shape), jnp.zeros(shape)) for shape in HALVES]
    plain = images(train=train)
    np.testing.assert_array_equal(images(neutral, train=train), plain)
    for place, part in ((0, 0), (1, 1)):  # each scale and each shift counts
        moved = [list(pair) for pair in neutral]
        moved[place][part] = moved[place][part] + 0.5
        assert np.abs(images(moved, train=train) - plain).max() > 1e-3


def test_the_first_half_of_the_channels_passes_unchanged():
    h, scale, shift = (
        np.random.default_rng(seed).normal(size=(2, 3, 3, c)).astype(np.float32) for seed, c in enumerate((6, 3, 3))
    )
    found = np.asarray(stylegan2.changed(h, scale, shift))
    np.testing.assert_array_equal(found[..., :3], h[..., :3])
    np.testing.assert_allclose(found[..., 3:], h[..., 3:] * scale + shift, rtol=1e-6)


@pytest.mark.slow
def test_each_level_is_changed_behind_its_first_convolution():
    """A shift at level 1 changes the image of level 1; with a scale of 0 and the shift of what was there, nothing changes."""
    plain = images()
    first = [(jnp.ones(HALVES[0]), jnp.full(HALVES[0], 0.5))]
    assert np.abs(images(first) - plain).max() > 1e-3  # fewer pairs than levels are allowed
    _, seen = PRIOR.apply(variables(), WS, method="images", capture_intermediates=True, mutable=["intermediates"])
    h = seen["intermediates"]["synthesis"]["conv_1_0"]["__call__"][0]
    same = [(jnp.zeros(HALVES[0]), h[..., 4:])]
    np.testing.assert_allclose(images(same), plain, atol=1e-6)


@pytest.mark.slow
def test_the_u_net_starts_with_scales_near_1_and_shifts_near_0():
    module = networks.RestorationUNet((32, 32, 3), 64, 2048, 64)
    x = np.random.default_rng(0).random((2, 32, 32, 3)).astype(np.float32)
    made = jit(lambda x: module.apply(module.init(KEY, x), x))(x)
    for scale, shift in made.changes:
        assert float(scale.mean()) == pytest.approx(1, abs=0.4)
        assert abs(float(shift.mean())) < 0.4
        assert scale.shape[-1] == 32
    assert made.styles.shape == (2, 8, 64)
    assert [image.shape for image in made.images] == [(2, 8, 8, 3), (2, 16, 16, 3), (2, 32, 32, 3)]


@pytest.mark.slow
def test_the_clean_prior_enlarges_before_its_convolutions():
    """Bilinear first: a constant plane of features has a border of the 3x3 kernel's alone, one pixel wide."""
    clean = PRIOR.clone(bilinear=True)
    assert np.abs(images(module=clean) - images()).max() > 1e-3
    plane = np.broadcast_to(np.random.default_rng(0).normal(size=(1, 1, 1, 8)), (1, 4, 4, 8)).astype(np.float32)
    layer = stylegan2.StyledConv(5, up=True, bilinear=True)
    w = WS[:1, 0]
    y = jax.jit(lambda: layer.apply(layer.init(KEY, plane, w), plane, w))()
    inner = np.asarray(y)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(inner, np.broadcast_to(inner[:, :1, :1], inner.shape), atol=1e-5)
    assert y.shape == (1, 8, 8, 5)


def test_the_faces_of_the_identity_network_are_grey_and_in_minus_1_to_1():
    colours = np.zeros((3, 4, 4, 3), np.float32)
    colours[0], colours[1, ..., 1] = 1, 1
    found = arcface.faces(jnp.asarray(colours))
    assert found.shape == (3, 128, 128, 1)
    np.testing.assert_allclose(found[:, 5, 5, 0], 2 * np.array([0.9999, 0.587, 0]) - 1, atol=1e-6)
