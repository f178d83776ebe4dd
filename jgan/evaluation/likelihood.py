"""The log-likelihood of the 2014 paper's Table 1, for a generator and two baselines that are measured once per data set."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jgan.evaluation.criteria import VALIDATION_IMAGES, RealImages
from jgan.metrics import anchors as baselines
from jgan.metrics import parzen
from jgan.utils import output
from jgan.utils.files import replacing
from jgan.utils.results import Results

Line = dict[str, float]
"""One line: `value`, `standard_error`, `sigma`, `validation` and `num_samples`."""


def line(num_samples: int, result: parzen.Parzen) -> Line:
    """One line of the table, for JSON.

    Args:
      num_samples: the number of samples of the generator or of the baseline.
      result: the measure.

    Returns:
      The `Line`.

    Example:
      >>> from jgan.evaluation import likelihood
      >>> from jgan.metrics.parzen import Parzen
      >>> likelihood.line(10, Parzen(mean=225.0, standard_error=2.0, sigma=0.2, validation=224.0))["value"]
      225.0
    """
    figures = result._asdict()
    return {"value": figures.pop("mean"), **figures, "num_samples": num_samples}


def cached_anchors(
    path: Path,
    train: np.ndarray,
    validation: np.ndarray,
    test: np.ndarray,
    *,
    n: int,
    seed: int,
    packages: dict[str, Any],
    announce: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Line]:
    """The lines of both baselines, read from a file if it has the same data, options and versions.

    Args:
      path: the cache file, written after a measurement if its folder allows it.
      train: `[N, ...]` float in [0, 1].
      validation: `[V, ...]` float, the images on which sigma is chosen.
      test: `[T, ...]` float.
      n: the number of the generator's samples.
      seed: the seed of the baselines.
      packages: the package versions that the values depend on.
      announce: called before a measurement, which is slow.
      note: called with one line if the file cannot be written.

    Returns:
      `training_images` and `kmeans_centroids`.
    """
    digest = hashlib.sha256()
    for images in (train, validation, test):
        digest.update(np.ascontiguousarray(images).data)
    of = {"data": digest.hexdigest(), "num_samples": n, "seed": seed, "iterations": baselines.ITERATIONS, "packages": packages}
    try:
        held = json.loads(path.read_text()) if path.is_file() else {}
        if held and held["of"] == of:
            return held["anchors"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # no file, or another format: measure again
    announce()
    found = baselines.evaluate(train, validation, test, n=n, seed=seed)
    lines = {name: line(anchor.num_samples, anchor.parzen) for name, anchor in found.items()}
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({"of": of, "anchors": lines}, indent=2) + "\n")
    except OSError as error:
        note(f"the baselines are not kept: {path} cannot be written ({error.strerror or error})")
    return lines


def measure(
    samples: np.ndarray, real: RealImages, results: Results, cache: Path, *, n: int, seed: int, anchors: bool = True
) -> None:
    """Measures a generator and both baselines by the 2014 paper's procedure; shows their table.

    Args:
      samples: samples of the generator, `[N, ...]` float in [0, 1].
      real: the data of the run.
      results: takes `generator`, `training_images` and `kmeans_centroids`, each a `value` with its `standard_error`, `sigma`,
        `validation` value and `num_samples`; and the numbers of images used.
      cache: the file of the baselines: see `cached_anchors`.
      n: the number of the baselines' samples.
      seed: the seed of the baselines.
      anchors: whether to measure the baselines.
    """
    train, test, validation = real.part("train"), real.part("test"), real.part("validation", VALIDATION_IMAGES)
    about = {"validation_images": len(validation), "test_images": len(test), "unit": "nats per image"}
    lines = {"generator": line(len(samples), parzen.evaluate(samples, validation, test))}
    heading = (
        f"\nParzen-window log-likelihood in nats per image, sigma chosen on {len(validation):,} validation images\n"
        f"{'':<18}{'samples':>9}{'sigma':>8}{'validation':>12}{f'{len(test):,} test images':>22}\n"
    )
    results.add(heading + _row("generator", lines["generator"]), parzen={**lines, **about})
    if anchors:
        lines |= cached_anchors(
            cache,
            *(train, validation, test),
            n=n,
            seed=seed,
            packages=results.environment["packages"],
            announce=lambda: output.warn("measuring training images and k-means centroids ..."),
            note=output.warn,
        )
        names = ("training_images", "training images"), ("kmeans_centroids", "k-means centroids")
        results.add("\n".join(_row(title, lines[name]) for name, title in names), parzen={**lines, **about})


def _row(name: str, line: Line) -> str:
    value = f"{line['value']:.1f} +- {line['standard_error']:.1f}"
    return f"{name:<18}{line['num_samples']:>9,}{line['sigma']:>8.3f}{line['validation']:>12.1f}{value:>22}"
