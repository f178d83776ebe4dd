"""JPEG in a program against libjpeg, through Pillow."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from jgan.degradations import jpeg
from jgan.degradations.sized import Sized


def picture(rows, columns, channels, seed=0):
    """Soft areas, edges and texture, uint8."""
    random = np.random.default_rng(seed)
    soft = ndimage.gaussian_filter(random.normal(size=(rows, columns, channels)), (5, 5, 0)) * 8
    patches = np.kron(random.uniform(-0.5, 0.5, (rows // 11 + 1, columns // 13 + 1, channels)), np.ones((11, 13, 1)))
    texture = 0.05 * random.normal(size=(rows, columns, channels))
    whole = soft + ndimage.gaussian_filter(patches[:rows, :columns], (0.6, 0.6, 0)) + texture
    return np.rint(255 * np.clip(0.5 + 0.5 * whole, 0, 1)).astype(np.uint8)


def by_pillow(image, quality, subsampled):
    file = io.BytesIO()
    options = {"subsampling": 2 if subsampled else 0} if image.shape[2] == 3 else {}
    Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(file, "JPEG", quality=quality, **options)
    return np.asarray(Image.open(file)).reshape(image.shape)


def psnr(a, b):
    return -10 * np.log10(np.mean(np.square((a.astype(np.float64) - b) / 255)))


SHAPES = {"grey": (1, False), "colour": (3, True), "full chroma": (3, False)}
run = {name: jax.jit(functools.partial(jpeg.jpeg, subsampled=subsampled)) for name, (_, subsampled) in SHAPES.items()}


@pytest.mark.parametrize("quality", [5, 30, 60, 90, 98])
@pytest.mark.parametrize("name", SHAPES)
def test_it_is_libjpegs(name, quality):
    """Whole blocks and parts of blocks, in a buffer whose rest is another picture."""
    channels, subsampled = SHAPES[name]
    buffer = picture(70, 75, channels, seed=3)
    for size in ((64, 64), (50, 61), (33, 8), (1, 1)):
        image = picture(*size, channels)
        buffer[: size[0], : size[1]] = image
        found = run[name](Sized(jnp.asarray(buffer, jnp.float32) / 255, jnp.array(size)), jnp.int32(quality))
        levels = 255 * np.asarray(found.pixels[: size[0], : size[1]])
        np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
        wanted = by_pillow(image, quality, subsampled)
        # Not equal: versions of libjpeg differ where a coefficient is half a step, of 100 levels and more at low quality.
        assert psnr(levels, wanted) > (40 if min(size) > 1 else 35), size
        if min(size) > 8:
            error, reference = (np.square(x.astype(np.float64) - image).mean() for x in (levels, wanted))
            assert error == pytest.approx(reference, rel=0.03)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 99, 100])
def test_the_tables_are_those_in_pillows_files(quality):
    file = io.BytesIO()
    Image.fromarray(picture(16, 16, 3)).save(file, "JPEG", quality=quality)
    tables = Image.open(file).quantization
    assert np.ravel(jpeg.table(jpeg.LUMA_TABLE, quality)).tolist() == list(tables[0])
    assert np.ravel(jpeg.table(jpeg.CHROMA_TABLE, quality)).tolist() == list(tables[1])


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, found 2"):
        jpeg.jpeg(Sized(jnp.zeros((8, 8, 2)), jnp.array([8, 8])), 50)
