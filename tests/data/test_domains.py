"""Two unpaired domains from two folders, and images with their blurred versions."""

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import blurred, sources


def save(folder, n, *, size=(6, 8), mode="RGB", seed=0):
    """Images of noise in a folder, as arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    images = [random.integers(0, 256, (*size, 3) if mode == "RGB" else size, np.uint8) for _ in range(n)]
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index:02}.png")
    return np.stack(images).reshape(n, *size, -1)


@pytest.mark.parametrize("layout", ["trainA", "a"])
def test_undivided_domains_are_divided_each_by_itself(tmp_path, layout):
    a = save(tmp_path / layout, 12)
    b = save(tmp_path / {"trainA": "trainB", "a": "b"}[layout], 18, seed=1)
    found = data.load("domains", tmp_path)
    assert [(len(part["a"].x), len(part["b"].x)) for part in found.parts.values()] == [(8, 12), (2, 3), (2, 3)]
    np.testing.assert_array_equal(found.train["a"].x, a[[0, 1, 2, 3, 6, 7, 8, 9]])
    np.testing.assert_array_equal(found.test["b"].x, b[[5, 11, 17]])
    assert found.fields["a"].x.shape == (6, 8, 3)
    assert found.truth is None


def test_parts_that_are_there_are_taken_and_channels_may_differ_between_domains(tmp_path):
    save(tmp_path / "trainA", 10, mode="L")
    b = save(tmp_path / "trainB", 7)
    test = save(tmp_path / "testA", 3, mode="L", seed=3), save(tmp_path / "testB", 2, mode="L", seed=4)
    found = data.load("domains", tmp_path)
    assert [(len(part["a"].x), len(part["b"].x)) for part in found.parts.values()] == [(8, 6), (2, 1), (3, 2)]
    np.testing.assert_array_equal(found.test["a"].x, test[0])
    np.testing.assert_array_equal(found.test["b"].x, np.repeat(test[1], 3, axis=3))  # as the coloured ones of training
    np.testing.assert_array_equal(found.validation["b"].x, b[4:5])
    for name in ("valA", "valB"):
        save(tmp_path / name, 1)
    found = data.load("domains", tmp_path)
    assert [(len(part["a"].x), len(part["b"].x)) for part in found.parts.values()] == [(10, 7), (1, 1), (3, 2)]


def test_images_of_several_sizes_are_resized_to_one(tmp_path):
    save(tmp_path / "a", 6, size=(9, 9))
    save(tmp_path / "b", 6, size=(12, 20))
    with pytest.raises(ValueError, match=r"b: expected 9x9 pixels \(height x width\) as in a, found 12x20: resize both, as in"):
        data.load("domains", tmp_path)
    assert data.load("domains:8", tmp_path).fields["b"].x.shape == (8, 8, 3)
    name, said = sources.fitted("domains", tmp_path, lambda size: size)
    assert name == "domains:9x9"
    assert said.startswith("images of 2 sizes cropped and resized to 9x9")
    Image.new("RGB", (10, 9)).save(tmp_path / "a" / "wide.png")
    with pytest.raises(ValueError, match=r"wide\.png: expected 9x9 pixels .* found 9x10: resize them all, as in domains:9x9"):
        data.load("domains", tmp_path)


def test_folders_that_are_no_two_domains_are_told(tmp_path):
    def message():
        with pytest.raises(ValueError) as caught:  # noqa: PT011  the messages are compared whole
            data.load("domains", tmp_path)
        return str(caught.value).removeprefix(f"{tmp_path}: ")

    assert message() == "expected trainA and trainB (or a and b), found none: add the other domain"
    save(tmp_path / "trainA", 6)
    assert message() == "expected trainA and trainB (or a and b), found trainA: add the other domain"
    save(tmp_path / "trainB", 6)
    save(tmp_path / "testB", 1)
    assert message() == "expected testA and testB (or a and b), found testB: add the other domain"
    (tmp_path / "testB").rename(tmp_path / "a")
    assert message() == "expected one folder for domain a, found trainA too: join them"
    (tmp_path / "a").rename(tmp_path / "other")
    assert "or a and b, found other: move or rename it" in message()
    (tmp_path / "other").rename(tmp_path / "testA")
    (tmp_path / "testB").mkdir()
    assert "testB: expected images, found none" in message()
    with pytest.raises(ValueError, match="domains reads images from a folder or an archive: give it with --data-dir"):
        data.load("domains")


# -------------------------------------------------------------------------------------------------------- blurred images


def test_the_blur_is_a_gaussian_of_a_pixel_and_a_half():
    """Against the convolution with its samples, cut off at 4 sigma, of the image mirrored at its edges."""
    taps = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2
    image = np.random.default_rng(0).uniform(size=(2, 9, 14, 3))
    padded = np.pad(image, ((0, 0), (6, 6), (6, 6), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (13, 13), axis=(1, 2))
    expected = (windows * window).sum(axis=(-2, -1))
    np.testing.assert_allclose(blurred.blur(image), expected, atol=1e-6)


def test_blurred_pairs_and_blurred_and_sharp_domains():
    whole, found = data.load("digits"), data.load("blurred:digits")
    np.testing.assert_array_equal(found.train.x, whole.train.x)
    assert found.train.c.dtype == np.uint8
    assert np.abs(found.train.c / 255 - found.truth(found.train.x / 255)).max() <= 0.5 / 255 + 1e-6
    np.testing.assert_array_equal(found.test.y, whole.test.y)
    domains = data.load("unpaired:blurred:digits")
    assert sorted(domains.truth) == ["ba"]
    np.testing.assert_array_equal(domains.test["a"].x, found.test.c)
    np.testing.assert_array_equal(domains.test["b"].x, whole.test.x)
    assert len(domains.train["a"].x) + len(domains.train["b"].x) <= len(whole.train.x)
    floats = data.load("blurred:pattern1010")
    assert floats.train.c.dtype == floats.train.x.dtype == np.float32
    with pytest.raises(ValueError, match="expected one set of images without conditions after the colon"):
        data.load("blurred:edges:digits")
