"""Every measure of two sets of images by its name, from what it needs to what it says.

A measure here only names, feeds and shows: the arithmetic is in `jgan.metrics`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from jgan.evaluation.sets import ImageSet
from jgan.features import Extracted
from jgan.metrics import copying, frechet, inception_score, kernel, msssim, ndb, prd, prdc, swd, two_sample
from jgan.metrics.blocks import Progress


class Sides(NamedTuple):
    """What there is to measure.

    Attributes:
      real: the real images.
      fake: the generated ones.
      real_features: of the real images, if a measure needs features.
      fake_features: of the generated ones.
      held_out: features of real images of another split than `real`, for the test of copying; None if there are none.
    """

    real: ImageSet
    fake: ImageSet
    real_features: Extracted | None = None
    fake_features: Extracted | None = None
    held_out: Extracted | None = None


class Options(NamedTuple):
    """What the measures may be told.

    Attributes:
      k: which neighbour the balls of precision, recall, density and coverage reach out to.
      seed: of everything random in a measure.
      progress: called now and then by the long ones.
    """

    k: int = 5
    seed: int = 0
    progress: Progress | None = None


class MMD(NamedTuple):
    """The unbiased squared MMD by a Gaussian kernel, and the width of that: the median distance."""

    value: float
    width: float


class Authenticity(NamedTuple):
    """The share of samples that copy no real image."""

    value: float


class Row(NamedTuple):
    """One line of the table.

    Attributes:
      name: of the figure.
      value: the figure.
      spread: what stands behind the plus-minus, None if nothing does.
      better: `"lower"`, `"higher"`, or what the figure should be near.
    """

    name: str
    value: float
    spread: float | None
    better: str


class Measure(NamedTuple):
    """A measure.

    Attributes:
      needs: `"features"`, `"logits"`, `"images"`, `"held_out"` or `"labels"`.
      compute: `compute(sides, options) -> result`, a `NamedTuple` of `jgan.metrics`.
      rows: `rows(result) -> lines of the table`.
      about: one line for the help.
    """

    needs: Literal["features", "logits", "images", "held_out", "labels"]
    compute: Callable[[Sides, Options], Any]
    rows: Callable[[Any], list[Row]]
    about: str


def features_of(sides: Sides) -> tuple[np.ndarray, np.ndarray]:
    """The features of both sides, which `sides.measure` has put there.

    Args:
      sides: the sides.

    Returns:
      `[N, d]` of the real, `[M, d]` of the generated.
    """
    assert sides.real_features is not None
    assert sides.fake_features is not None
    return np.asarray(sides.real_features.features), np.asarray(sides.fake_features.features)


def _logits(sides: Sides) -> np.ndarray:
    assert sides.fake_features is not None
    return np.asarray(sides.fake_features.logits)


def _equal(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As many of each, for measures that want it."""
    n = min(len(first), len(second))
    return first[:n], second[:n]


def _fid(sides: Sides, options: Options) -> frechet.FID:
    return frechet.fid(*features_of(sides))


def _fid_infinity(sides: Sides, options: Options) -> frechet.FIDInfinity:
    real, fake = features_of(sides)
    # From a fifth of the samples up: the authors take 5,000 to 50,000.
    return frechet.fid_infinity(real, fake, seed=options.seed, least=max(2, len(fake) // 5), progress=options.progress)


def _kid(sides: Sides, options: Options) -> kernel.KID:
    real, fake = features_of(sides)
    size = min(1_000, len(real), len(fake))
    return kernel.kid(real, fake, subset_size=size, seed=options.seed, progress=options.progress)


def _mmd(sides: Sides, options: Options) -> MMD:
    real, fake = features_of(sides)
    width = kernel.median_width(real, fake, seed=options.seed)
    return MMD(kernel.mmd2(real, fake, kernel=kernel.Gaussian((width,)), progress=options.progress), width)


def _prd(sides: Sides, options: Options) -> prd.PRD:
    return prd.evaluate(*_equal(*features_of(sides)), seed=options.seed)


def _ndb(sides: Sides, options: Options) -> ndb.NDB:
    real, fake = features_of(sides)
    return ndb.evaluate(ndb.fit(real, bins=min(100, len(real) // 10, len(fake) // 10), seed=options.seed), fake)


def _swd(sides: Sides, options: Options) -> swd.SWD:
    return swd.evaluate(*_equal(sides.real.images, sides.fake.images), key=jax.random.key(options.seed))


def _msssim(sides: Sides, options: Options) -> msssim.Diversity:
    images = sides.fake.images
    fitting = [scales for scales in range(1, 6) if msssim.least_size(scales) <= min(images.shape[1:3])]
    return msssim.diversity(images, key=jax.random.key(options.seed), scales=max(fitting, default=5))


def _one(name: str, better: str, value: str = "value", spread: str = "") -> Callable[[Any], list[Row]]:
    return lambda found: [Row(name, getattr(found, value), getattr(found, spread) if spread else None, better)]


def _several(better: str, **names: str) -> Callable[[Any], list[Row]]:
    return lambda found: [Row(name, getattr(found, field), None, better) for field, name in names.items()]


def _authenticity(sides: Sides, options: Options) -> Authenticity:
    return Authenticity(copying.authenticity(*features_of(sides), progress=options.progress))


def _ct(sides: Sides, options: Options) -> copying.CT:
    real, fake = features_of(sides)
    assert sides.held_out is not None
    return copying.c_t(real, np.asarray(sides.held_out.features), fake, seed=options.seed)


def _c2st(sides: Sides, options: Options) -> two_sample.C2ST:
    return two_sample.c2st(*_equal(*features_of(sides)), seed=options.seed)


def _cas(sides: Sides, options: Options) -> two_sample.CAS:
    real, fake = features_of(sides)
    assert sides.real.labels is not None
    assert sides.fake.labels is not None
    return two_sample.classifier_accuracy(real, sides.real.labels, fake, sides.fake.labels, seed=options.seed)


MEASURES: dict[str, Measure] = {
    "fid": Measure("features", _fid, _one("FID", "lower", "fid"), "Frechet distance of the features"),
    "fid_infinity": Measure(
        "features",
        _fid_infinity,
        _one("FID, endless samples", "lower", "fid", "standard_error"),
        "what FID would be with endlessly many samples",
    ),
    "kid": Measure("features", _kid, _one("KID", "lower", "mean", "std"), "kernel distance, unbiased"),
    "mmd": Measure("features", _mmd, _one("MMD^2", "lower"), "kernel distance by Gaussian kernels"),
    "is": Measure(
        "logits",
        lambda sides, options: inception_score.evaluate(_logits(sides)),
        _one("Inception Score", "higher", "mean", "std"),
        "how sure and how various the classes of the samples are",
    ),
    "prdc": Measure(
        "features",
        lambda sides, options: prdc.prdc(*features_of(sides), k=options.k, progress=options.progress),
        _several("higher", precision="precision", recall="recall", density="density", coverage="coverage"),
        "precision, recall, density and coverage",
    ),
    "improved": Measure(
        "features",
        lambda sides, options: prdc.improved(*features_of(sides), progress=options.progress),
        _several("higher", precision="improved precision", recall="improved recall"),
        "improved precision and recall, k = 3",
    ),
    "prd": Measure("features", _prd, _several("higher", f_8="PRD F_8", f_1_8="PRD F_1/8"), "the curve of precision and recall"),
    "ndb": Measure(
        "features",
        _ndb,
        lambda found: [Row("NDB / K", found.share, None, "near 0.05"), Row("NDB JS", found.js, None, "lower")],
        "bins of the real images that too many or too few samples fall into",
    ),
    "swd": Measure("images", _swd, _one("SWD x 1e3", "lower", "average"), "sliced Wasserstein distance of patches"),
    "msssim": Measure(
        "images", _msssim, _one("MS-SSIM of pairs", "near that of real", "mean", "standard_error"), "how alike the samples are"
    ),
    "c2st": Measure(
        "features", _c2st, _one("C2ST accuracy", "near 0.5", "accuracy"), "can a classifier tell the two sets apart?"
    ),
    "authenticity": Measure(
        "features", _authenticity, _one("authenticity", "near 0.5; below, copied"), "share of samples that copy no real image"
    ),
    "ct": Measure("held_out", _ct, _one("C_T", "near 0; below, copied"), "test of copying against further real images"),
    "cas": Measure(
        "labels", _cas, _one("CAS", "higher", "accuracy"), "accuracy on real images of a classifier trained on the samples"
    ),
}
"""Every measure, by the name that `--metrics` takes."""


def result_for_json(found: Any) -> dict[str, Any]:
    """A result as it goes into a file: its fields, curves left out.

    Args:
      found: a `NamedTuple`.

    Returns:
      The numbers, texts and short sequences among its fields.
    """
    fields: Mapping[str, Any] = found._asdict()
    kept = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}
    return {name: value for name, value in kept.items() if not (isinstance(value, list) and len(value) > 100)}
