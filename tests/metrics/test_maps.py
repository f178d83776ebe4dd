"""Feature maps of frozen networks: VGG's layers against SciPy, the published file's layout, names, errors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import weight_files
from scipy import signal

from jgan.features import classifier, maps
from jgan.networks import vgg

RNG = np.random.default_rng(0)
TINY = ((2, 2), (3, 2), (2, 4), (2, 4), (2, 4))


def published(tmp_path, stages=TINY, **changes):
    """A file with the names of torchvision's VGG19, those of its classifier too, and small layers."""
    arrays = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in vgg.layout(stages).items()}
    arrays |= {"classifier.0.weight": np.ones((3, 2), np.float32), **changes}
    path = tmp_path / "vgg19.pth"
    path.write_bytes(weight_files.zipped(arrays))
    return path, arrays


def convolved(x, arrays, place):
    """Zeros around the image, `[height, width, channels]`, each output the sum over inputs of 2-D correlations."""
    kernel, bias = arrays[f"features.{place}.weight"].astype(np.float64), arrays[f"features.{place}.bias"]
    outputs = [
        sum(signal.correlate2d(x[..., i], kernel[o, i], "same") for i in range(kernel.shape[1])) for o in range(len(kernel))
    ]
    return np.stack(outputs, axis=-1) + bias


def test_the_layout_is_that_of_the_published_file():
    layout = vgg.layout()
    assert [name.split(".")[1] for name in layout if name.endswith("weight")] == (
        ["0", "2", "5", "7", "10", "12", "14", "16", "19", "21", "23", "25", "28", "30", "32", "34"]
    )
    assert layout["features.10.weight"] == (256, 128, 3, 3)
    assert sum(math.prod(shape) for shape in layout.values()) == 20_024_384


def test_vgg_from_a_file_is_its_layers_before_their_relu(tmp_path):
    path, arrays = published(tmp_path)
    found = maps.vgg19_maps(path, expected=None, stages=TINY)
    assert (found.name, found.layers[:3], found.layers[-1]) == ("vgg19", ("conv1_1", "conv1_2", "conv2_1"), "conv5_4")
    assert found.defaults == {"conv5_4": 1.0}
    images = RNG.random((2, 34, 32, 3)).astype(np.float32)
    outputs = dict(zip(found.layers, jax.jit(found.apply)(images), strict=True))
    x = (images[0].astype(np.float64) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    one = convolved(x, arrays, 0)
    two = convolved(np.maximum(one, 0), arrays, 2)
    pooled = np.maximum(two, 0).reshape(17, 2, 16, 2, -1).max((1, 3))
    three = convolved(pooled, arrays, 5)
    for name, expected in (("conv1_1", one), ("conv1_2", two), ("conv2_1", three)):
        np.testing.assert_allclose(outputs[name][0], expected, atol=1e-4 * np.abs(expected).max())
    assert outputs["conv5_4"].shape == (2, 2, 2, 2)
    assert min(leaf.min() for leaf in outputs.values()) < 0


def test_a_file_of_other_weights_is_refused(tmp_path):
    path, _ = published(tmp_path)
    with pytest.raises(ValueError, match="whose hash begins with dcbb9e9d"):
        maps.choose(f"vgg19:{path}")
    with pytest.raises(ValueError, match="of another shape"):
        maps.vgg19_maps(path, expected=None)
    path, _ = published(tmp_path, other=np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="1 unexpected"):
        maps.vgg19_maps(path, expected=None, stages=TINY)


@pytest.mark.slow
def test_grey_images_are_three_equal_channels_and_gradients_reach_them():
    found = maps.choose("random:0")
    grey = RNG.random((1, 8, 8, 1)).astype(np.float32)
    for one, three in zip(found.apply(grey), found.apply(np.repeat(grey, 3, axis=-1)), strict=True):
        np.testing.assert_array_equal(one, three)
    slope = jax.grad(lambda x: sum(jnp.sum(leaf) for leaf in found.apply(x)))(jnp.asarray(grey))
    assert np.abs(slope).min() > 0
    assert found.digest != maps.choose("random:1").digest


def test_a_classifiers_convolutions_are_those_that_classify(tmp_path):
    """On an image of its own size the last map, flattened, leads to its features; others may have any size."""
    params, _, digest = classifier.read()
    path = tmp_path / "digits.npz"
    classifier.save(path, params, classifier.About("digits", (8, 8, 1), 10, 1.0))
    found = maps.choose(f"classifier:{path}")
    assert (found.name, found.digest, found.layers) == ("classifier of digits", digest, ("conv1", "conv2", "conv3"))
    images = RNG.random((3, 8, 8, 1)).astype(np.float32)
    kernel, bias = (np.asarray(params["Dense_0"][name]) for name in ("kernel", "bias"))
    hidden = np.maximum(np.asarray(found.apply(images)[-1]), 0).reshape(3, -1) @ kernel + bias
    features = classifier.load(path).apply(255 * images).features
    np.testing.assert_allclose(np.maximum(hidden, 0), features, atol=1e-4)
    assert found.apply(jnp.zeros((1, 20, 24, 1)))[0].shape == (1, 20, 24, 32)
    with pytest.raises(ValueError, match="images of 1 channels, found 3"):
        found.apply(jnp.zeros((1, 8, 8, 3)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", "unknown features 'vgg', did you mean 'vgg19'"),
        ("random", "need a seed after the colon"),
        ("classifier", "need a file after the colon"),
        ("efficientnet_lite0:a.pth", "its weights come from their package"),
    ],
)
def test_a_name_that_says_too_little_or_too_much_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        maps.choose(name)


def test_weights_that_are_read_while_a_loss_is_traced_are_no_part_of_the_trace():
    maps.choose.cache_clear()
    value = jax.jit(lambda x: maps.choose("random:5").apply(x)[0])(jnp.zeros((1, 4, 4, 3)))
    np.testing.assert_allclose(maps.choose("random:5").apply(jnp.zeros((1, 4, 4, 3)))[0], value, atol=1e-6)
