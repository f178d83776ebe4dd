"""The network in whose features the images of a data set are compared, for the benchmarks that train models."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from benchmarks.tables import ROOT
from jgan.data import Dataset
from jgan.evaluation.extract import extract
from jgan.evaluation.sets import to_uint8
from jgan.features import Extractor, choice, classifier
from jgan.training.evaluators import sampling
from jgan.training.run import Run, keys
from jgan.types import GANState

CLASSIFIERS = ROOT / "benchmarks" / "classifiers"
"""Trained classifiers of data sets, `NAME.npz`: training is not the same to the last bit on every machine, and figures in the
features of two trainings cannot be compared closely."""

PER_CLASS = 100
"""samples of each class that a classifier names"""


class Judge(NamedTuple):
    """An extractor, and how often it is right on the test images: None if it classifies other things."""

    extractor: Extractor
    accuracy: float | None


def of_classes(dataset: Dataset, folder: Path, epochs: int, *, shipped: bool = True) -> Judge:
    """A classifier of a data set: one that is shipped, if there is one, or one that is trained here once and kept.

    Args:
      dataset: images with labels.
      folder: where trained classifiers are kept.
      epochs: passes through the training images.
      shipped: whether a shipped one may be taken: that of scikit-learn's digits for images of its size, and those of
        `CLASSIFIERS` for the data sets of their names.

    Returns:
      The `Judge`.
    """
    path, shape, classes = None, dataset.fields.x.shape, dataset.fields.y.size
    if not shipped or classifier.shape_of() != shape:
        path = CLASSIFIERS / f"{dataset.name}.npz"
        if not shipped or not path.exists() or classifier.shape_of(path) != shape:
            path = folder / f"classifier_{dataset.name}.npz"
        if not path.exists():
            params = classifier.fit(jax.random.key(0), dataset.train, classes, epochs=epochs, batch_size=128)
            accuracy = round(classifier.accuracy(params, classes, dataset.test), 4)
            classifier.save(path, params, classifier.About(dataset.name, shape, classes, accuracy))
    extractor, test = classifier.load(path), dataset.test
    predicted = np.asarray(extract(extractor, test.x).logits).argmax(axis=1)
    return Judge(extractor, float(np.mean(predicted == test.y)))


def of_photographs(dataset: Dataset, name: str) -> Judge:
    """A network trained on other photographs.

    Args:
      dataset: the images.
      name: the name of an extractor of `jgan.features`.

    Returns:
      The `Judge`.

    Raises:
      ValueError: if its weights are not installed.
    """
    return Judge(choice.choose(name, dataset.fields.x.shape), None)


class Compared(NamedTuple):
    """Samples of a run, their features, and those of the training images."""

    samples: np.ndarray
    fake: np.ndarray
    real: np.ndarray


def compared(extractor: Extractor, run: Run, state: GANState, n: int, images: np.ndarray | None = None) -> Compared:
    """Draws samples of a run, always from the same latents, and extracts what is compared.

    Args:
      extractor: the features.
      run: the run, in the phase of the state.
      state: the state whose averaged generator is sampled.
      n: the number of samples.
      images: the training images; None for those of the run.

    Returns:
      The `Compared`.
    """
    samples = sampling.draw(run.gan, state, sampling.inputs(run, keys(run.config.seed).evaluation, n))
    real_images = run.dataset.train.x if images is None else images
    fake, real = (np.asarray(extract(extractor, x).features) for x in (to_uint8("samples", samples), real_images))
    return Compared(samples, fake, real)


def agreement(extractor: Extractor, run: Run, state: GANState) -> float | None:
    """How often the classifier finds the class that a sample was asked for.

    Args:
      extractor: a classifier of the run's classes.
      run: the run, in the phase of the state.
      state: the state whose averaged generator is sampled.

    Returns:
      The share of `PER_CLASS` samples of each class; None for a model without labels.
    """
    classes = sampling.classes(run.gan)
    if not classes:
        return None
    labels = np.repeat(np.arange(classes), PER_CLASS)
    drawn = sampling.draw(run.gan, state, run.gan.inputs(keys(run.config.seed).samples, len(labels), labels))
    logits = np.asarray(extract(extractor, to_uint8("samples", drawn)).logits)
    return float(np.mean(logits.argmax(axis=1) == labels))
