"""The Inception network against torch-fidelity's and pytorch-fid's, with the same random weights on either side."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import oracle_inception
import oracles
import pytest
import weight_files

from jgan.features import inception, weights
from jgan.networks import inception as network

IMAGES = oracle_inception.inputs()
KEPT = oracles.load("inception")


@pytest.fixture(scope="module")
def drawn():
    return oracle_inception.weights(network.layout())


@pytest.fixture(scope="module")
def published(drawn, tmp_path_factory):
    """The drawn weights in the layout and in the format of the published file, the counts that it may hold included."""
    path = tmp_path_factory.mktemp("inception") / "pt_inception-2015-12-05-6726825d.pth"
    counts = {name.replace("running_var", "num_batches_tracked"): np.array(9) for name in drawn if "running_var" in name}
    path.write_bytes(weight_files.older(drawn | counts))
    return path


@pytest.fixture(scope="module")
def extractors(published, drawn):
    """By protocol; the network that they share is compiled once, for two images."""
    admitted = {"clean": None, "tf1": weights.digest(drawn), "torch": None}
    return {resizer: inception.load(published, resizer=resizer, expected=hash) for resizer, hash in admitted.items()}


def agree(found, expected):
    """To 1e-4 of a middling value: the largest are twenty times that."""
    found = np.asarray(found)[:, oracle_inception.KEPT]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.median(np.abs(expected)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resizer", "images", "reference"),
    [
        ("tf1", "whole", "same_features"),
        ("torch", "whole", "same_torch_features"),
        ("clean", "small", "clean_features"),
        ("tf1", "small", "tf1_features"),
        ("torch", "small", "torch_features"),
    ],
)
def test_the_features_are_the_references(extractors, resizer, images, reference):
    found = extractors[resizer].apply(IMAGES[images]).features
    assert (found.shape, found.dtype) == ((2, 2048), jnp.float32)
    agree(found, KEPT[reference])


@pytest.mark.parametrize(
    ("one", "other"), [("clean", "tf1"), ("clean", "torch"), ("tf1", "torch"), ("same", "same_torch"), ("same", "tf1")]
)
def test_the_protocols_can_be_told_apart(one, other):
    """By far more than the features may be off: so each test above sees its own resizer and its own scaling."""
    one, other = KEPT[f"{one}_features"], KEPT[f"{other}_features"]
    assert np.median(np.abs(one - other)) > 20 * 1e-4 * np.median(one)


@pytest.mark.slow
def test_the_logits_are_the_references_without_the_bias_and_with_it(extractors, published):
    unbiased = extractors["tf1"].apply(IMAGES["whole"]).logits
    assert (unbiased.shape, unbiased.dtype) == ((2, 1008), jnp.float32)
    agree(unbiased, KEPT["same_logits_unbiased"])
    biased = inception.load(published, resizer="tf1", expected=None, biased=True).apply(IMAGES["whole"]).logits
    agree(biased, KEPT["same_logits"])
    assert np.median(np.abs(KEPT["same_logits"] - KEPT["same_logits_unbiased"])) > 20 * 1e-4 * np.median(np.abs(biased))


def test_an_image_is_seen_without_its_neighbours(extractors):
    """And as bytes or floats."""
    here = extractors["clean"].apply(IMAGES["small"])
    turned = extractors["clean"].apply(IMAGES["small"][::-1].astype(np.float32))
    np.testing.assert_allclose(turned.features[::-1], here.features, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(turned.logits[::-1], here.logits, rtol=1e-4, atol=1e-3)


def test_weights_as_an_argument_are_not_compiled_in(extractors):
    apply = extractors["clean"].apply
    assert len(jax.tree.leaves(apply)) == 472
    jaxpr = jax.make_jaxpr(lambda apply, images: apply(images))(apply, IMAGES["small"])
    assert sum(np.size(constant) for constant in jaxpr.consts) < 10_000


def test_it_says_what_it_is(extractors, drawn):
    for resizer, extractor in extractors.items():
        assert extractor[:3] == ("inception-2015-12-05", weights.digest(drawn), resizer)


@pytest.mark.parametrize("resizer", inception.MIDDLES)
def test_grey_images_are_their_own_three_channels(resizer):
    grey = IMAGES["small"][..., :1]
    found = inception.prepare(grey, resizer=resizer)
    assert found.shape == (2, 299, 299, 3)
    np.testing.assert_allclose(found, inception.prepare(grey.repeat(3, axis=3), resizer=resizer), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "images", [np.zeros((2, 8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.uint8), np.zeros((2, 8, 8, 3), np.int32)]
)
def test_other_images_are_told(images):
    with pytest.raises(ValueError, match=r"expected images \[B, height, width, 1 or 3\], uint8 or float in 0 ... 255, found"):
        inception.prepare(images, resizer="clean")


def test_an_unknown_resizer_is_told(published):
    with pytest.raises(ValueError, match="expected one of the resizers clean, tf1, torch, found 'nearest'"):
        inception.load(published, resizer="nearest", expected=None)


def test_other_weights_than_the_published_ones_are_refused(published):
    with pytest.raises(ValueError, match="expected weights whose hash begins with 6726825d, found the sha256"):
        inception.load(published)


def test_the_means_of_a_window_leave_the_padding_out():
    ones = np.ones((1, 5, 4, 2), np.float32)
    np.testing.assert_allclose(network.means(jnp.asarray(ones)), ones, rtol=1e-6)
    ramp = jnp.arange(9.0).reshape(1, 3, 3, 1)
    np.testing.assert_allclose(network.means(ramp)[0, :, :, 0], [[2, 2.5, 3], [3.5, 4, 4.5], [5, 5.5, 6]], rtol=1e-6)
    np.testing.assert_array_equal(network.maxima(-ramp)[0, :, :, 0], [[0, 0, -1], [0, 0, -1], [-3, -3, -4]])
    np.testing.assert_array_equal(network.halve(ramp), [[[[8]]]])


REAL = Path(os.environ.get("JGAN_TEST_DATA", "no-such-folder")) / "inception" / "pt_inception-2015-12-05-6726825d.pth"


@pytest.mark.skipif(not REAL.is_file(), reason=f"JGAN_TEST_DATA holds no inception/{REAL.name}")
def test_the_published_file_is_admitted():
    """Its classes are those of ImageNet, the scales of its batch norms all 1."""
    found = weights.read(REAL, network.layout())
    assert found.sha256 == weights.PUBLISHED
    assert all((array == 1).all() for name, array in found.arrays.items() if name.endswith("bn.weight"))
