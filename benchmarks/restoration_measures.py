"""What restored faces are measured by in `python -m benchmarks.restoration`, and the five conditions of success."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan import Batch
from jgan.features import classifier, maps
from jgan.metrics import perceptual
from jgan.metrics.psnr import psnr
from jgan.metrics.ssim import ssim

BORDER = 2
"""Pixels that PSNR and SSIM leave out at each side."""

RESAMPLES = 200
"""Resamples of the persons."""


class Judge(NamedTuple):
    """The networks that judge.

    Attributes:
      features: uint8 images to features `[N, d]` for KID and identity.
      maps: images in [0, 1] to feature maps.
      names: what they are, for the result.
    """

    features: Callable[[Any], np.ndarray]
    maps: Callable[[Any], Any]
    names: dict[str, str]


def judge(path: Path, name: str) -> Judge:
    """The judging networks.

    Args:
      path: the file of the judging classifier.
      name: of the maps: `"classifier"`, or a name of `jgan.features.maps`.

    Returns:
      The `Judge`.

    Raises:
      FileNotFoundError, ValueError: if the maps are unknown or not installed.
    """
    own = classifier.load(path)
    found = maps.choose(f"classifier:{path}" if name == "classifier" else name)
    apply = jax.jit(lambda images: own.apply(images).features)
    names = {"features": f"{own.name} ({own.digest})", "maps": f"{found.name} ({found.digest})"}
    return Judge(lambda images: np.asarray(apply(images), np.float64), found.apply, names)


def measured(judge: Judge, faces: np.ndarray, test: Batch) -> dict[str, Any]:
    """All measures of restored faces.

    Args:
      judge: the judging networks.
      faces: uint8 `[N, height, width, channels]`, the restored faces.
      test: the truth `x`, and the persons `y`.

    Returns:
      PSNR and SSIM, the mean perceptual distance, KID with the standard deviation over resamples of the persons and the values
      of these, and the share of faces whose nearest clean face of another photograph is one of the same person; for JSON.
    """
    restored, truth = (images.astype(np.float32) / 255 for images in (faces, test.x))
    ours, real = judge.features(faces), judge.features(test.x)
    resampled = kids(real, ours, test.y)
    return {
        "psnr": psnr(faces, test.x, border=BORDER).mean,
        "ssim": ssim(faces, test.x, border=BORDER).mean,
        "perceptual": float(perceptual.distances(restored, truth, judge.maps).mean()),
        "kid": float(kids(real, ours, test.y, resamples=0)[0]),
        "kid_std": float(np.std(resampled)),
        "kids": [float(value) for value in resampled],
        "rank1": rank1(ours, real, test.y),
    }


def kids(real: np.ndarray, ours: np.ndarray, persons: np.ndarray, *, resamples: int = RESAMPLES) -> np.ndarray:
    """The unbiased squared MMD with KID's kernel, of all faces or of resamples of the persons.

    Args:
      real: `[N, d]` features of the true faces.
      ours: `[N, d]` those of the restored ones.
      persons: `[N]`.
      resamples: with replacement, all faces of a person together, the same ones at every call; 0 for one value of all faces.

    Returns:
      The values. Pairs of a face with itself are left out, of its copies in a resample too.

    Example:
      >>> import numpy as np
      >>> from benchmarks import restoration_measures
      >>> x = np.random.default_rng(0).normal(size=(20, 4))
      >>> found = restoration_measures.kids(x, x + 1, np.arange(20) // 2)
      >>> found.shape, bool((found > 0).all())
      ((200,), True)
    """
    kernel = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3  # noqa: E731
    names, index = np.unique(persons, return_inverse=True)
    random, chosen = np.random.default_rng(0), [np.ones(len(names))]
    if resamples:
        draws = random.integers(0, len(names), (resamples, len(names)))
        chosen = [np.bincount(draw, minlength=len(names)).astype(float) for draw in draws]
    within, across = kernel(real, real) + kernel(ours, ours), kernel(real, ours)
    off = 1 - np.eye(len(real))
    values = []
    for weights in chosen:
        pairs = np.outer(weights[index], weights[index])
        values.append((pairs * off * within).sum() / (pairs * off).sum() - 2 * (pairs * across).sum() / pairs.sum())
    return np.array(values)


def rank1(ours: np.ndarray, real: np.ndarray, persons: np.ndarray) -> float:
    """The share of restored faces whose nearest clean face, its own original aside, is one of the same person.

    Args:
      ours: `[N, d]` features of the restored faces.
      real: `[N, d]` those of the originals.
      persons: `[N]`.

    Returns:
      The share, from 0 to 1, by the cosine of the features.

    Example:
      >>> import numpy as np
      >>> from benchmarks import restoration_measures
      >>> x, persons = np.array([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]]), np.array([0, 0, 1, 1])
      >>> restoration_measures.rank1(x, x, persons), restoration_measures.rank1(x[::-1], x, persons)
      (1.0, 0.0)
    """
    unit = [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (ours, real)]
    closeness = unit[0] @ unit[1].T
    np.fill_diagonal(closeness, -np.inf)
    return float(np.mean(persons[closeness.argmax(axis=1)] == persons))


def success(result: dict[str, Any]) -> dict[str, Any]:
    """The five conditions, in the means over the seeds that there are.

    Args:
      result: the content of the JSON file.

    Returns:
      By condition whether it holds, and None where a restorer is missing; of the last, that bit by bit equality with a plain
      prior is a unit test, whether all frozen priors are unchanged.
    """
    runs, bicubic = result["runs"], result["bicubic"]

    def mean(arm: str, name: str) -> float:
        return float(np.mean([run[name] for run in runs[arm].values()])) if runs.get(arm) else float("nan")

    def holds(*arms: str, **conditions: bool) -> Any:
        return conditions if all(runs.get(arm) for arm in arms) else None

    unchanged = [run["prior_unchanged"] for held in runs.values() for run in held.values()]
    return {
        "1 the U-Net by L1 is better than bicubic by 1.5 dB": holds("l1", psnr=mean("l1", "psnr") >= bicubic["psnr"] + 1.5),
        "2 GFP-GAN": holds(
            "l1",
            "gfp",
            psnr_within_1_5_dB_of_l1=mean("gfp", "psnr") >= mean("l1", "psnr") - 1.5,
            ssim_within_0_05_of_l1=mean("gfp", "ssim") >= mean("l1", "ssim") - 0.05,
            perceptual_below_l1_and_bicubic=mean("gfp", "perceptual") < min(mean("l1", "perceptual"), bicubic["perceptual"]),
            kid_below_l1_and_bicubic=mean("gfp", "kid") < min(mean("l1", "kid"), bicubic["kid"]),
        ),
        "3 identity is at least that of bicubic": holds("gfp", rank1=mean("gfp", "rank1") >= bicubic["rank1"]),
        "4 the prior matters": holds(
            "gfp",
            "random",
            "styles",
            kid_of_a_random_prior_is_worse=mean("random", "kid") > mean("gfp", "kid"),
            psnr_without_changes_is_worse=mean("styles", "psnr") < mean("gfp", "psnr"),
        ),
        "5 frozen priors are unchanged": all(unchanged),
    }
