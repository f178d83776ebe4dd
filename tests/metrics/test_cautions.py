"""Figures that are right by their formula but say little carry a caution; senseless arguments are one line."""

import math
import re
import warnings

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jgan.metrics import (
    anchors,
    checks,
    copying,
    frechet,
    inception_score,
    kernel,
    modes,
    moments,
    msssim,
    ndb,
    neighbours,
    parzen,
    prd,
    prdc,
    swd,
    two_sample,
)

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 50, 8)).astype(np.float32)
MANY = RNG.normal(size=(2, 400, 4)).astype(np.float32)
LOGITS = RNG.normal(size=(60, 5)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (120, 16, 16, 1), np.uint8)
KEY = jax.random.key(0)
BLOBS = np.eye(2).repeat(60, axis=0) + RNG.normal(size=(120, 2)) / 9
LABELS = np.arange(2).repeat(60)

CAUTIOUS = {
    "fid": (lambda: frechet.fid(A[:8], B), "8 real samples, fewer than 9: the covariance of 8 features is singular"),
    "fid of moments": (lambda: frechet.fid(A, moments.of(B[:8])), "8 generated samples, fewer than 9: the covariance"),
    "fid_infinity": (
        lambda: frechet.fid_infinity(A, B, seed=0, least=8, points=3),
        "8 samples in the smallest subset, fewer than 9",
    ),
    "kid of whole sets": (lambda: kernel.kid(A, B, subset_size=50), "each subset is the whole of both sets, 50 samples"),
    "kid of one whole set": (lambda: kernel.kid(A, B[:30], subset_size=30), "each subset holds 30 of the 30 generated samples"),
    "kid of more than a half": (lambda: kernel.kid(A[:40], B, subset_size=21), "each subset holds 21 of the 40 real samples"),
    "kid of one subset": (lambda: kernel.kid(A, B, subsets=1, subset_size=10), "one subset has no spread"),
    "is": (lambda: inception_score.evaluate(LOGITS, splits=15), "4 samples in a part for 5 classes, fewer than 5"),
    "is of one class": (lambda: inception_score.evaluate(LOGITS[:, :1]), "the score of one class is always 1"),
    "prdc": (lambda: prdc.prdc(A, B[:49], k=5), "49 samples in the smaller set, fewer than 50"),
    "prdc of repeated": (
        lambda: prdc.prdc(np.tile(A[:5], (10, 1)), B),
        "50 of 50 real samples with k-th neighbours equal to them: their open balls are empty",
    ),
    "improved": (lambda: prdc.improved(A[:29], B), "29 samples in the smaller set, fewer than 30"),
    "prd": (lambda: prd.evaluate(A, B, clusters=6, runs=1), "50 samples of each set in 6 clusters, fewer than 60"),
    "ndb": (lambda: ndb.compare([30, 30], [5, 4]), "9 samples of the smaller set in 2 bins, fewer than 10"),
    "ndb of one point": (
        lambda: ndb.compare([60, 0, 0], [30, 0, 0]),
        "empty bins: 2 of 3, as there are fewer",
    ),
    "prd of one point": (
        lambda: prd.evaluate(np.ones((50, 3)), np.ones((50, 3)), clusters=5, runs=1),
        "empty clusters: 4 of 5, as there are fewer different samples",
    ),
    "c2st": (lambda: two_sample.c2st(A, B), "50 held-out samples, fewer than 100: the accuracy has a standard error of 0.07"),
    "cas": (
        lambda: two_sample.classifier_accuracy(BLOBS, LABELS, BLOBS[51:], LABELS[51:]),
        "9 generated samples of the rarest class, fewer than 10",
    ),
    "cas of some classes": (
        lambda: two_sample.classifier_accuracy(BLOBS, np.arange(120) % 3, BLOBS, LABELS),
        "no generated samples of 1 of 3 classes",
    ),
    "ct": (
        lambda: copying.c_t(*[np.concatenate([BLOBS[:60], BLOBS[60:] + 99])[:n] for n in (120, 120, 65)], cells=2),
        "1 of 2 cells have fewer than 20 generated samples and do not count",
    ),
    "msssim": (lambda: msssim.diversity(IMAGES[:4], key=KEY, pairs=7, scales=1), "6 different pairs of images, fewer than 7"),
    "swd": (
        lambda: swd.evaluate(IMAGES[:99], IMAGES[:99], key=KEY, patches=1, directions=1),
        "99 images of each set, fewer than 100",
    ),
}


@pytest.mark.parametrize("name", CAUTIOUS)
def test_a_figure_that_says_little_carries_a_caution(name):
    compute, caution = CAUTIOUS[name]
    assert compute().caution.startswith(caution)


CALM = {
    "fid": lambda: frechet.fid(A[:9], B[:9]),
    "fid_infinity": lambda: frechet.fid_infinity(A, B, seed=0, least=9, points=3),
    "kid": lambda: kernel.kid(A, B, subset_size=25),
    "is": lambda: inception_score.evaluate(LOGITS, splits=12),
    "prdc": lambda: prdc.prdc(A, B, k=5),
    "improved": lambda: prdc.improved(A[:30], B[:30]),
    "prd": lambda: prd.evaluate(A, B, clusters=5, runs=1),
    "ndb": lambda: ndb.compare([30, 30], [5, 5]),
    "c2st": lambda: two_sample.c2st(*MANY[:, :100]),
    "cas": lambda: two_sample.classifier_accuracy(BLOBS, LABELS, BLOBS[50:], LABELS[50:]),
    "ct": lambda: copying.c_t(*MANY, MANY[0] + 0.5, cells=1),
    "msssim": lambda: msssim.diversity(IMAGES[:4], key=KEY, pairs=6, scales=1),
    "swd": lambda: swd.evaluate(IMAGES[:100], IMAGES[20:], key=KEY, patches=1, directions=1),
}


@pytest.mark.parametrize("name", CALM)
def test_a_figure_of_enough_samples_has_none(name):
    assert CALM[name]().caution == ""


def test_a_spread_of_nothing_is_not_a_number():
    for found in (kernel.kid(A, B, subset_size=50), kernel.kid(A, B, subsets=1, subset_size=10)):
        assert math.isnan(found.std)
        assert math.isfinite(found.mean)
    assert math.isnan(inception_score.evaluate(LOGITS, splits=1).std)
    assert math.isnan(parzen.evaluate(A, B, A[:1]).standard_error)
    # Of more than half of a set it is there, though too small; given subsets are the caller's choice.
    assert kernel.kid(A, B, subset_size=40).std > 0
    given = np.arange(50)[None].repeat(3, axis=0)
    assert kernel.kid(A, B, indices=(given, given)).std < 1e-6


SENSELESS = {
    "complex": (lambda: frechet.fid(A + 1j, B), "real: expected real numbers, found complex64"),
    "complex moments": (lambda: moments.update(moments.empty(8), A + 1j), "features: expected real numbers, found complex64"),
    "complex kid": (lambda: kernel.kid(A, B + 1j, subset_size=10), "fake: expected real numbers, found complex64"),
    "complex images": (
        lambda: swd.evaluate(IMAGES / 255 + 0j, IMAGES, key=KEY),
        "real: expected real numbers, found complex128",
    ),
    "complex parzen": (lambda: parzen.evaluate(A + 1j, B, B), "samples: expected real numbers, found complex64"),
    "complex statistics": (lambda: moments.from_statistics(9, np.zeros(2) + 1j, np.eye(2)), "mean: expected real numbers"),
    "complex counts": (lambda: ndb.compare([5, 5j], [5, 5]), "real: expected real numbers, found complex128"),
    "complex masses": (lambda: prd.curve([1, 1], [1, 1j]), "fake: expected real numbers, found complex128"),
    "complex anchors": (lambda: anchors.centroids(A + 1j, 2, seed=0), "training: expected real numbers, found complex64"),
    "complex modes": (lambda: modes.mode_coverage(A + 1j, A[:2], 1.0), "expected real samples and centres"),
    "texts": (lambda: frechet.fid(A.astype(str), B), "real: expected real numbers, found <U32"),
    "objects": (lambda: prdc.prdc(A.astype(object), B), "real: expected real numbers, found object"),
    "masked": (lambda: frechet.fid(np.ma.masked_greater(A, A.max() - 1e-6), B), "real: 1 values are masked"),
    "huge": (lambda: frechet.fid(A.astype(float) * 1e200, B.astype(float)), "overflow when they are squared; scale them down"),
    "overflowed": (lambda: kernel.kid(A, np.float16(B) + np.float16(np.inf), subset_size=9), "50 of 50 samples have a feature"),
    "NaN in parzen": (lambda: parzen.evaluate(A * np.nan, B, B), "samples: 50 of 50 samples have a feature that is not finite"),
    "no widths": (lambda: parzen.log_likelihoods(A, B, np.zeros(0)), "sigmas: expected positive widths [S], at least one"),
    "a width of 0": (lambda: parzen.log_likelihoods(A, B, np.zeros(1)), "sigmas: expected positive widths [S]"),
    "no subsets": (lambda: kernel.kid(A, B, subsets=0, subset_size=10), "subsets must be at least 1, found 0"),
    "no given subsets": (
        lambda: kernel.kid(A, B, indices=(np.zeros((0, 5), int), np.zeros((0, 5), int))),
        "indices: expected two arrays [subsets, size], at least one subset, found [(0, 5), (0, 5)]",
    ),
    "subsets of one": (lambda: kernel.kid(A, B, subset_size=1), "subset_size must be at least 2, found 1"),
    "half a subset": (lambda: kernel.kid(A, B, subset_size=2.5), "subset_size must be a whole number, found 2.5"),
    "seed of kid": (lambda: kernel.kid(A, B, subset_size=9, seed=-1), "seed must be from 0 to 4294967295, found -1"),
    "seed of is": (lambda: inception_score.evaluate(LOGITS, seed=2**32), "seed must be from 0 to 4294967295, found 4294967296"),
    "seed of prd": (lambda: prd.evaluate(A, B, clusters=2, seed=2**32 - 1, runs=2), "seed must be from 0 to 4294967295"),
    "seed of ndb": (lambda: ndb.fit(A, bins=2, seed=-1), "seed must be from 0 to 4294967295"),
    "seed of c2st": (lambda: two_sample.c2st(A, B, seed=-1), "seed must be from 0 to 4294967295"),
    "seed of ct": (lambda: copying.c_t(A, B, A, seed=2**40), "seed must be from 0 to 4294967295"),
    "seed of anchors": (lambda: anchors.training_images(A, 3, seed=-1), "seed must be from 0 to 4294967295"),
    "seed of the median": (lambda: kernel.median_width(A, B, seed=-1), "seed must be from 0 to 4294967295"),
    "k of a fraction": (lambda: prdc.prdc(A, B, k=3.0), "k must be a whole number, found 3.0"),
    "k of 0": (lambda: prdc.improved(A, B, k=0), "k must be at least 1, found 0"),
    "k of all": (lambda: prdc.prdc(A, B, k=50), "real: expected at least 51 samples, found 50; draw more"),
    "neighbours": (lambda: neighbours.nearest(A, k=0), "k must be at least 1, found 0"),
    "more parts than samples": (lambda: inception_score.evaluate(LOGITS, splits=61), "logits: expected at least 61 samples"),
    "probabilities": (lambda: inception_score.evaluate(np.full((20, 5), 0.2)), "expected logits, found probabilities"),
    "significance": (lambda: ndb.compare([5, 5], [5, 5], significance=2), "significance must be between 0 and 1, found 2"),
    "runs": (lambda: prd.evaluate(A, B, runs=0), "runs must be at least 1, found 0"),
    "clusters": (lambda: prd.histograms(A, B, clusters=0, seed=0), "clusters must be at least 1, found 0"),
    "cells": (lambda: copying.c_t(A, B, A, cells=0), "cells must be at least 1, found 0"),
    "batch": (lambda: frechet.fid(A, B, batch_size=0), "batch_size must be at least 1, found 0"),
    "pairs": (lambda: msssim.diversity(IMAGES, key=KEY, pairs=0, scales=1), "pairs must be at least 1, found 0"),
    "images from -1 to 1": (
        lambda: msssim.ssim(IMAGES / 127.5 - 1, IMAGES / 127.5 - 1),
        "first: expected floats from 0 to 1, or uint8, found float",
    ),
    "labels of floats": (
        lambda: two_sample.classifier_accuracy(BLOBS, LABELS, BLOBS, LABELS + 0.5),
        "fake_labels: expected 120 integer labels, one per sample, found float64",
    ),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_a_senseless_argument_is_one_line(name):
    compute, message = SENSELESS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=re.escape(message)) as error:
            compute()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16, np.uint8, np.int64, bool, ">f4"])
def test_all_real_types_are_features(dtype):
    found = checks.features("these", np.arange(6).reshape(3, 2).astype(dtype))
    assert found.dtype == np.dtype(dtype)
    assert checks.features("these", jnp.ones((3, 2), jnp.bfloat16)).shape == (3, 2)
