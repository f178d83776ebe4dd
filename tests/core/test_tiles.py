"""Tiles: networks in tiles give what they give of the whole picture; windows are bounded and cover the picture once."""

import functools

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import networks, tiles

RNG = np.random.default_rng(0)
NETWORKS = {
    "rrdb": (networks.RRDBNet(width=4, growth=2, blocks=1), 4, 20),
    "rrdb_x2": (networks.RRDBNet(scale=2, width=4, growth=2, blocks=1), 2, 40),
    "srresnet": (networks.SRResNet(scale=2, width=4, blocks=1), 2, 13),
}


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 9), st.integers(1, 4))
def test_tiles_cover_an_axis_once_inside_their_windows(length, tile, margin, align):
    size, found = tiles.windows(length, tile, margin, align)
    assert [place for window in found for place in range(window.first, window.last)] == list(range(length))
    for window in found:
        assert window.start % align == 0
        assert 0 <= window.start <= window.first < window.last <= window.start + size <= length
        assert window.start == 0 or window.first - window.start >= margin
        assert window.start + size == length or window.start + size - window.last >= margin
    assert size <= tile + 2 * margin + 4 * align


@functools.cache
def made(name):
    """A network with weights of a size that keeps signals near 1."""
    module, *others = NETWORKS[name]
    network = networks.from_module(module, (8, 8, 3), any_sides=True)
    params, model_state = jax.jit(network.init)(jax.random.key(0))
    drawn = lambda leaf: RNG.normal(size=leaf.shape).astype(np.float32) * np.sqrt(2 / max(leaf[..., 0].size, 1))  # noqa: E731
    params = jax.tree.map(lambda leaf: drawn(leaf) if leaf.ndim == 4 else leaf, params)
    return tiles.compiled(lambda x: network.apply(params, model_state, x)[0]), *others


@pytest.mark.parametrize("name", ["rrdb", *(pytest.param(name, marks=pytest.mark.slow) for name in ("rrdb_x2", "srresnet"))])
def test_a_network_in_tiles_is_that_of_the_whole_picture(name):
    function, scale, reach = made(name)
    picture = RNG.random((71, 90, 3)).astype(np.float32)
    whole = function(picture[None])[0]
    found = tiles.apply(function, picture, scale=scale, tile=16, margin=reach, align=4, block=2)
    assert found.shape == (scale * 71, scale * 90, 3)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-5 * np.abs(whole).max())
    seams = tiles.apply(function, picture, scale=scale, tile=16, margin=0, align=4)
    assert np.abs(seams - whole).max() > 1e-2 * np.abs(whole).max(), "a network that sees one pixel would prove nothing"


def test_ten_thousand_by_ten_thousand_pixels_go_through_windows_of_bounded_size():
    sizes = set()

    def brighter(windows):
        sizes.add(windows.shape)
        return windows + 1

    picture = np.zeros((10_000, 10_000, 1), np.uint8)
    out = np.zeros_like(picture)
    assert tiles.apply(brighter, picture, tile=1_500, margin=8, out=out) is out
    assert out.min() == out.max() == 1
    assert len(sizes) == 1
    assert max(sizes.pop()) <= 1_516


def test_what_does_not_fit_is_refused():
    picture = np.zeros((6, 5, 3), np.uint8)
    with pytest.raises(ValueError, match=r"expected outputs \(1, 12, 10\) and channels for windows of 6x5, found"):
        tiles.apply(lambda x: x, picture, scale=2)
    with pytest.raises(ValueError, match="tile must be"):
        tiles.apply(lambda x: x, picture, tile=0)
    with pytest.raises(ValueError, match="not empty, found the shape"):
        tiles.apply(lambda x: x, picture[:0])
