"""Measures within each class: against the same measures of sets that hold one class alone, and a formula in NumPy."""

import numpy as np
import pytest

from jgan import data, features
from jgan.evaluation import by_class, extract, sets, sides

NAMES = ("fid", "prdc", "authenticity")


@pytest.fixture(scope="module")
def given():
    """The training digits 0 to 5 against the test digits 0 to 4, of which the class 2 has three."""
    digits = data.load("digits")
    real, test = sets.of_dataset(digits, "train"), sets.of_dataset(digits, "test")
    others = np.isin(np.arange(len(test.labels)), np.flatnonzero(test.labels == 2)[3:])
    return sides.Given(real.where(real.labels < 6), test.where((test.labels < 5) & ~others))


@pytest.fixture(scope="module")
def found(given):
    measurement = sides.Measurement(given, NAMES, features.pixels())
    return {of.label: of for of in by_class.measure(measurement, NAMES)}


@pytest.mark.parametrize("label", [0, 3])
def test_a_class_is_measured_as_if_there_were_no_others(given, found, label):
    real, fake = (sets.ImageSet("one", side.images[side.labels == label]) for side in given[:2])
    alone = sides.measure(sides.Given(real, fake), NAMES, features.pixels())
    assert found[label].n_real == len(real.images)
    assert found[label].n_fake == len(fake.images)
    assert {outcome.name: outcome.result for outcome in found[label].outcomes} == alone.results


def test_the_distance_of_a_class_is_that_of_its_pixels(given, found):
    real, fake = ((side.images[side.labels == 4] / 255).reshape(-1, 64) for side in given[:2])
    a, b = np.cov(real.T), np.cov(fake.T)
    cross = np.sqrt(np.maximum(np.linalg.eigvals(a @ b).real, 0)).sum()
    expected = np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(a) + np.trace(b) - 2 * cross
    assert found[4].result["fid"]["fid"] == pytest.approx(expected, rel=1e-4)


def test_too_few_images_of_a_class_are_cautioned_of_or_fail_and_others_do_not(found):
    assert "fewer than 65" in found[0].result["fid"]["caution"]  # 29 images of 64 pixels
    assert "prdc" not in found[2].result
    assert "at least 6 samples, found 3" in found[2].result["failed"]["prdc"]
    assert "failed" not in found[3].result


def test_a_class_of_one_side_only_is_named(found):
    assert found[5].result == {"class": 5, "n_real": 122, "n_fake": 0}
    lines = by_class.text(list(found.values())).splitlines()
    assert lines[-1] == "! no generated image: class 5"
    assert lines[6].split() == ["5", "122", "0", *["-"] * 6]
    assert lines[3].split()[:3] == ["2", str(found[2].n_real), "3"]
    assert any(line.startswith("! FID, 5 of 6 classes, such as class 2: 3 generated samples, fewer than 65") for line in lines)
    assert "! prdc, class 2: fake: expected at least 6 samples, found 3; draw more" in lines


def test_classes_without_real_images_are_named():
    real = sets.ImageSet("a", np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 0, 5, 5]))
    fake = sets.ImageSet("b", np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 0, 7, 8]))
    classes = by_class.measure(sides.Measurement(sides.Given(real, fake), ["mmd"], features.pixels()), [])
    assert [(of.label, of.n_real, of.n_fake) for of in classes] == [(0, 2, 2), (5, 2, 0), (7, 0, 1), (8, 0, 1)]
    assert by_class.text(classes).splitlines()[-2:] == ["! no real image: classes 7, 8", "! no generated image: class 5"]


def test_features_are_extracted_once(given, monkeypatch):
    calls = []

    def counted(extractor, images, **options):
        calls.append(len(images))
        return original(extractor, images, **options)

    original = extract.extract
    monkeypatch.setattr(extract, "extract", counted)
    monkeypatch.setattr(sides, "extract", counted)
    measurement = sides.Measurement(given, ["fid"], features.pixels())
    measurement.compute("fid")
    by_class.measure(measurement, ["fid"])
    assert sorted(calls) == sorted([len(given.real.images), len(given.fake.images)])


def test_every_measure_within_a_class_needs_only_what_a_class_has():
    from jgan.evaluation.measure import MEASURES

    needs = {measure.needs for measure in MEASURES.values() if measure.within_class}
    assert needs == {"features", "images"}
