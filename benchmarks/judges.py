"""The network in whose features the images of a data set are compared, for the benchmarks that train models."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jgan.evaluation.extract import extract
from jgan.features import Extractor, choice, classifier
from jgan.training.run import Run


class Judge(NamedTuple):
    """An extractor, and how often it is right on the test images: None if it classifies other things."""

    extractor: Extractor
    accuracy: float | None


def of_classes(run: Run, folder: Path, epochs: int) -> Judge:
    """A classifier of a run's data: the shipped one if it fits, or one that is trained here once and kept.

    Args:
      run: the run; its data must have labels.
      folder: where trained classifiers are kept.
      epochs: passes through the training images.

    Returns:
      The `Judge`.
    """
    path = None
    if classifier.shape_of() != run.spec.shape:
        path = folder / f"classifier_{run.config.dataset}.npz"
        if not path.exists():
            data, classes = run.dataset, run.spec.n_classes
            params = classifier.fit(jax.random.key(0), data.train, classes, epochs=epochs, batch_size=128)
            accuracy = round(classifier.accuracy(params, classes, data.test), 4)
            classifier.save(path, params, classifier.About(run.config.dataset, run.spec.shape, classes, accuracy))
    extractor, test = classifier.load(path), run.dataset.test
    predicted = np.asarray(extract(extractor, test.x).logits).argmax(axis=1)
    return Judge(extractor, float(np.mean(predicted == test.y)))


def of_photographs(run: Run, name: str) -> Judge:
    """A network trained on other photographs.

    Args:
      run: the run.
      name: the name of an extractor of `jgan.features`.

    Returns:
      The `Judge`.

    Raises:
      ValueError: if its weights are not installed.
    """
    return Judge(choice.choose(name, run.spec.shape), None)
