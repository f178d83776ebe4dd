"""What is measured of translations: distances from the truth and of sets, names by a classifier, and hidden signals."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import judges
from benchmarks.translation_tasks import Entry
from jgan.data import Dataset
from jgan.evaluation.extract import extract
from jgan.evaluation.sets import to_uint8
from jgan.metrics import edge_f1, kernel
from jgan.training.evaluators import pairs
from jgan.training.run import Run
from jgan.types import Batch, GANState

THRESHOLDS = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""From which the best for edges is chosen."""

BINS = 16
"""of a chroma histogram, each way"""


def domain(dataset: Dataset, direction: str) -> Dataset:
    """The target domain of a direction: its images and their labels, without conditions.

    Args:
      dataset: pairs, or two domains.
      direction: "" for pairs, or such as `"ab"`.

    Returns:
      The `Dataset`; its name is that of a file.
    """
    pick = lambda part: part[direction[-1]] if direction else part  # noqa: E731
    parts = {part: Batch(pick(batch).x, pick(batch).y) for part, batch in dataset.parts.items()}
    return Dataset(f"{dataset.name}_{direction or 'x'}".replace(":", "_").replace("/", "_"), **parts)


def as_domain(images: np.ndarray, channels: int) -> np.ndarray:
    """Images with as many channels as those of a domain: grey ones repeated, colours averaged."""
    if images.shape[-1] == channels:
        return images
    return np.repeat(images, channels, axis=-1) if channels == 3 else images.mean(-1, keepdims=True)


def psnr(outputs: np.ndarray, truths: np.ndarray) -> float:
    """The mean of the images' peak signal-to-noise ratios, in dB; images are `[N, height, width, channels]` in [0, 1]."""
    squares = np.square(outputs.astype(np.float64) - truths).mean((1, 2, 3))
    return float(np.mean(-10 * np.log10(np.maximum(squares, 1e-10))))


def gradient_energy(images: np.ndarray) -> float:
    """The mean squared difference of neighbouring pixels, of `[N, height, width, channels]`."""
    return float(sum(np.square(np.diff(images.astype(np.float64), axis=axis)).mean() for axis in (1, 2)))


def chroma_distance(outputs: np.ndarray, truths: np.ndarray) -> float:
    """The total variation between the histograms of the two colour differences (B - Y, R - Y) of all pixels: from 0 to 1.

    Args:
      outputs: `[N, height, width, 3]` in [0, 1].
      truths: the same.

    Returns:
      The distance.

    Example:
      >>> import numpy as np
      >>> from benchmarks import translation_measures
      >>> red, grey = np.zeros((1, 2, 2, 3)) + [1.0, 0, 0], np.full((1, 2, 2, 3), 0.5)
      >>> [translation_measures.chroma_distance(grey, other) for other in (grey, red)]
      [0.0, 1.0]
    """

    def histogram(images: np.ndarray) -> np.ndarray:
        luma = images @ np.array([0.299, 0.587, 0.114])
        blue, red = ((images[..., index] - luma).ravel() for index in (2, 0))
        edges = np.linspace(-1, 1, BINS + 2)  # an odd number of bins: grey lies within one
        return np.histogram2d(blue, red, bins=(edges, edges))[0] / blue.size

    return float(np.abs(histogram(outputs) - histogram(truths)).sum() / 2)


def measured(entry: Entry, run: Run, state: GANState, n: int, folder: Path, extractor: str, epochs: int) -> dict[str, Any]:
    """The figures of a finished run, on its test images.

    Args:
      entry: the run.
      run: the run, in its last phase.
      state: the state whose averaged generator is measured.
      n: the number of images.
      folder: where trained classifiers are kept.
      extractor: the features in which photographs are compared.
      epochs: those of a classifier.

    Returns:
      For JSON: by direction the figures of the translations, and under `identity` those of the sources as they are.
    """
    given = pairs.of_data(run, "test", n)
    made = pairs.translations(run, state, given)
    hidden, _ = pairs.signals(run, state, given, made)
    found: dict[str, Any] = {}
    for direction, each in given.items():
        if entry.row_pairs:
            each = each._replace(truth=each.target)
        target = domain(run.dataset, direction)
        judge = _judge(entry, target, folder, extractor, epochs)
        compare = _Comparison(entry, judge, target, each, _threshold(entry, run, state, n))
        returned = made[direction].returned
        back = {} if returned is None else {"cycle": float(np.abs(returned - each.source).mean())}
        back |= {name.removesuffix(f"_{direction}"): value for name, value in hidden.items() if name.endswith(f"_{direction}")}
        same = as_domain(each.source, target.fields.x.shape[-1])
        accuracy = {} if judge is None or judge.accuracy is None else {"classifier_accuracy": judge.accuracy}
        found[direction or "x"] = {**compare(made[direction].outputs), **back, **accuracy, "identity": compare(same)}
    return found


def _judge(entry: Entry, target: Dataset, folder: Path, extractor: str, epochs: int) -> judges.Judge | None:
    if entry.judged == "classes":
        return judges.of_classes(target, folder, epochs, shipped=False)
    return judges.of_photographs(target, extractor) if entry.judged else None


def _threshold(entry: Entry, run: Run, state: GANState, n: int) -> float:
    """The threshold of edges: the entry's own, or the best for this run on validation images."""
    if entry.edges >= 0:
        return entry.edges
    ((_, each),) = pairs.of_data(run, "validation", n).items()
    assert each.truth is not None
    outputs, truth = pairs.translate(run, state, each.condition), each.truth
    scores = {threshold: edge_f1.edge_f1((outputs >= threshold) * 1.0, truth).f1 for threshold in THRESHOLDS}
    return max(scores, key=lambda threshold: np.nan_to_num(scores[threshold]))


class _Comparison:
    """Compares images with the target domain of a direction and, if it is known, with the truth."""

    def __init__(self, entry: Entry, judge: judges.Judge | None, target: Dataset, given: pairs.Pairs, threshold: float) -> None:
        self.entry, self.judge, self.target, self.given, self.threshold = entry, judge, target, given, threshold
        n = len(given.source)
        self.labels = None if target.test.y is None else target.test.y[:n]
        # As many real images as translations, from the whole training set.
        some = np.random.default_rng(0).permutation(len(target.train.x))[:n]
        self.real = None if judge is None else extract(judge.extractor, target.train.x[some])

    def __call__(self, outputs: np.ndarray) -> dict[str, Any]:
        """The figures of some images of the domain, in the order of the sources."""
        found: dict[str, Any] = {"gradient_energy": gradient_energy(outputs)}
        truth = self.given.truth
        if truth is not None and truth.shape == outputs.shape:
            found |= {"mae": float(np.abs(outputs - truth).mean()), "psnr": psnr(outputs, truth)}
            found["true_gradient_energy"] = gradient_energy(truth)
            if outputs.shape[-1] == 3:
                found["chroma_distance"] = chroma_distance(outputs, truth)
            if self.threshold and outputs.shape[-1] == 1:
                drawn = edge_f1.edge_f1((outputs >= self.threshold) * 1.0, truth)
                found |= {"edge_f1": _number(drawn.f1), "edge_threshold": self.threshold}
        if self.judge is not None and self.real is not None:
            seen = extract(self.judge.extractor, to_uint8("translations", outputs))
            size = min(len(self.real.features), len(outputs), 1000)
            found["kid"] = float(kernel.kid(self.real.features, seen.features, subset_size=size, seed=0).mean)
            if seen.logits is not None and self.labels is not None and self.judge.accuracy is not None:
                found["agreement"] = float(np.mean(seen.logits.argmax(axis=1) == self.labels))
        return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
