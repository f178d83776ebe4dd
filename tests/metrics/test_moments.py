"""Means and covariances against sums in extended precision and in fractions, and the arithmetic of pairs under jit."""

import os
from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import NamedSharding, PartitionSpec

from jgan import parallel
from jgan.metrics import exact, host, moments, pairs

GENERATOR = np.random.default_rng(0)
N, DIM, BATCH = 700, 7, 256
MIX = GENERATOR.normal(size=(DIM, DIM))
FEATURES = {
    "of mean 0": GENERATOR.normal(size=(N, DIM)) @ MIX,
    "of mean 1000": 1e3 + GENERATOR.normal(size=(N, DIM)) @ MIX,
    "as activations are": np.maximum(0.4 + 0.3 * GENERATOR.normal(size=(N, DIM)), 0),
    "of many sizes": GENERATOR.normal(size=(N, DIM)) * np.logspace(-8, 8, DIM),
    "of heavy tails": GENERATOR.standard_t(2, size=(N, DIM)),
    "with a column of one value": np.where(np.arange(DIM) == 3, 0.1, GENERATOR.normal(size=(N, DIM))),
}
FEATURES = {name: values.astype(np.float32) for name, values in FEATURES.items()}
X = FEATURES["of mean 1000"]
FORMS = ("float64", "pairs")
ADD = jax.jit(moments.update)
OPTIMISED = {
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
}
"""conftest leaves LLVM's optimisations and XLA's fusion emitters out; they are what could spoil the arithmetic"""
if "xla_cpu_use_fusion_emitters" in os.environ["XLA_FLAGS"]:  # where conftest does not turn it off, the option is unknown or on
    OPTIMISED["xla_cpu_use_fusion_emitters"] = True


def extended(x):
    """Mean and scatter in extended precision."""
    x = np.asarray(x, np.longdouble)
    centred = x - x.mean(axis=0)
    return x.mean(axis=0), centred.T @ centred


def assert_like(found, x, tolerance):
    """In the scale of the deviations of each feature."""
    mean, scatter = extended(x)
    found, deviations = moments.to_float64(found), np.sqrt(np.diag(scatter)) + np.finfo(np.float32).tiny
    assert found.count == len(x)
    assert found.mean.dtype == found.scatter.dtype == np.float64
    assert np.max(np.abs(found.mean - mean) / (np.abs(mean) + deviations / np.sqrt(len(x)))) < tolerance
    assert np.max(np.abs(found.scatter - scatter) / np.outer(deviations, deviations)) < tolerance
    np.testing.assert_array_equal(found.scatter, found.scatter.T)


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize(("form", "tolerance"), [("float64", 1e-13), ("pairs", 1e-12)])
def test_they_are_the_sums_of_extended_precision(name, form, tolerance):
    assert_like(moments.of(FEATURES[name], batch_size=BATCH, form=form), FEATURES[name], tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_the_covariance_is_numpys(form):
    found = moments.covariance(moments.of(X, batch_size=BATCH, form=form))
    np.testing.assert_allclose(found, np.cov(X.astype(np.float64), rowvar=False), rtol=1e-10)


def test_more_features_than_are_mirrored_at_once():
    x = GENERATOR.normal(size=(400, 2 * host.MIRRORED + 3))
    assert_like(moments.of(x, batch_size=150), x, 1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_sums_of_squares_in_float32_would_not_do(form):
    """The claim of the docstring; the forms keep twelve digits of what these sums keep one of."""
    true = np.diag(extended(X)[1]) / (N - 1)
    naive = ((X**2).sum(0) - N * X.mean(0) ** 2) / np.float32(N - 1)
    assert np.max(np.abs(naive / true - 1)) > 1e-2
    np.testing.assert_allclose(
        np.diag(moments.covariance(moments.of(X, batch_size=BATCH, form=form))), true.astype(float), rtol=1e-12
    )


def fraction(pair):
    return Fraction(float(pair.high)) + Fraction(float(pair.low))


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("spread", [0, 12])
def test_a_batch_is_exact_to_46_digits(optimised, spread):
    """Against fractions, with numbers of one size and of sizes from 2^-12 to 2^12; 200 rows are two blocks."""
    x = (GENERATOR.normal(size=(200, 3)) * 2.0 ** GENERATOR.integers(-spread, spread, (200, 3), endpoint=True)).astype(
        np.float32
    )
    run = jax.jit(exact.moments).lower(x, np.ones(200, bool)).compile(OPTIMISED if optimised else None)
    count, mean, scatter = run(x, np.ones(200, bool))
    rows = [[Fraction(float(value)) for value in row] for row in x]
    means = [sum(column) / 200 for column in zip(*rows, strict=True)]
    deviations = [max(abs(row[i] - means[i]) for row in rows) for i in range(3)]
    assert int(count) == 200
    for i in range(3):
        assert abs(fraction(mean[i]) - means[i]) < 2.0**-46 * (deviations[i] + abs(means[i]))
        for j in range(3):
            true = sum((row[i] - means[i]) * (row[j] - means[j]) for row in rows)
            assert abs(fraction(scatter[i, j]) - true) < 200 * 2.0**-46 * deviations[i] * deviations[j]


def test_no_sum_of_products_of_digits_reaches_the_end_of_float32():
    """By the greatest digits there can be: 128, and 192 for the one to which the second half of a number is added."""
    greatest = [192 if s == 3 else 128 for s in range(exact.DIGITS)]
    high = jnp.asarray(GENERATOR.uniform(-128, 128, (exact.ROWS, 50)), jnp.float32).at[0].set(jnp.nextafter(128.0, 0.0))
    low = high * 2.0**-25
    digits = exact._digits(high, low)
    assert (np.abs(digits).max((1, 2)) <= greatest).all()
    np.testing.assert_array_equal(digits, np.round(digits))
    back = sum(np.float64(digit) / 256.0**s for s, digit in enumerate(digits))
    np.testing.assert_allclose(back, np.float64(high) + np.float64(low), rtol=0, atol=128 * 2.0**-47)
    for level in range(exact.DIGITS):
        assert exact.ROWS * sum(greatest[s] * greatest[level - s] for s in range(level + 1)) < 2**24


def test_the_digits_fit_the_narrow_units_of_accelerators():
    """bfloat16, with 8 digits the narrowest of them, holds every whole number up to 256."""
    numbers = jnp.arange(-256, 257).astype(jnp.float32)
    np.testing.assert_array_equal(numbers.astype(jnp.bfloat16).astype(jnp.float32), numbers)


FLOATS = st.floats(-(2.0**40), 2.0**40, width=32, allow_subnormal=False)
SHAPE = jnp.zeros(4)
TWO_SUMS = [jax.jit(pairs.two_sum).lower(SHAPE, SHAPE).compile(options) for options in (None, OPTIMISED)]


@given(st.lists(FLOATS, min_size=4, max_size=4), st.lists(FLOATS, min_size=4, max_size=4))
def test_nothing_is_lost_of_a_sum_under_jit(a, b):
    for run in TWO_SUMS:
        total, error = run(jnp.asarray(a, jnp.float32), jnp.asarray(b, jnp.float32))
        np.testing.assert_array_equal(total, np.float32(a) + np.float32(b))
        assert [Fraction(float(s)) + Fraction(float(e)) for s, e in zip(total, error, strict=True)] == [
            Fraction(x) + Fraction(y) for x, y in zip(a, b, strict=True)
        ]


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("operator", ["__add__", "__sub__", "__mul__", "__truediv__"])
def test_the_arithmetic_of_pairs(operator, optimised):
    """Against fractions; of a sum of opposite signs the error is relative to what was added."""

    def drawn():
        high = (GENERATOR.normal(size=300) * 2.0 ** GENERATOR.integers(-15, 15, 300)).astype(np.float32)
        return pairs.Pair(jnp.asarray(high), jnp.asarray((high * 2.0**-25 * GENERATOR.uniform(-1, 1, 300)).astype(np.float32)))

    a, b = drawn(), drawn()
    # The second factor is known when the program is made, as XLA likes it to rewrite a division.
    run = jax.jit(lambda a: getattr(a, operator)(b)).lower(a).compile(OPTIMISED if optimised else None)
    result = run(a)
    a, b, result = jax.device_get((a, b, result))
    for i in range(300):
        x, y, found = (fraction(pair[i]) for pair in (a, b, result))
        true = getattr(x, operator)(y)
        scale = abs(x) + abs(y) if operator in ("__add__", "__sub__") else abs(true)
        assert abs(found - true) < 2.0**-46 * scale


def test_counts_beyond_what_float32_counts():
    """2^25 + 1 samples and 2^25 + 3, as `merge` of float64 takes them."""
    x = FEATURES["of mean 0"]
    parts = [moments.of(x[:300]), moments.of(x[300:])]
    large = [part._replace(count=2**25 + extra) for part, extra in zip(parts, (1, 3), strict=True)]
    split = [
        moments.Moments(jnp.int32(part.count), *(pairs.Pair(*in_two(values)) for values in (part.mean, part.scatter)))
        for part in large
    ]
    found, expected = moments.to_float64(jax.jit(moments.merge)(*split)), moments.merge(*large)
    assert found.count == expected.count == 2**26 + 4
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-13)
    np.testing.assert_allclose(found.scatter, expected.scatter, rtol=1e-12)


def in_two(values):
    high = values.astype(np.float32)
    return jnp.asarray(high), jnp.asarray((values - high).astype(np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_merging_is_associative_and_takes_any_order(form):
    merge = jax.jit(moments.merge) if form == "pairs" else moments.merge
    a, b, c = (moments.of(X[i : i + BATCH], batch_size=BATCH, form=form) for i in (0, 200, 300))
    union = np.concatenate([X[i : i + BATCH] for i in (0, 200, 300)])
    for found in (merge(merge(a, b), c), merge(a, merge(b, c)), merge(merge(c, a), b)):
        assert_like(found, union, 1e-12)
    nothing = moments.empty(DIM, form)
    for found in (merge(a, nothing), merge(nothing, a)):
        assert_like(found, X[:BATCH], 1e-12)
    assert moments.to_float64(merge(nothing, nothing)).count == 0


@pytest.mark.parametrize("batch_size", [1, 33, 699, 700, 5000])
def test_batches_of_any_size(batch_size):
    assert_like(moments.of(X, batch_size=batch_size), X, 1e-12)
    streamed = moments.empty(DIM)
    for first in range(0, N, max(batch_size, 30)):
        streamed = moments.update(streamed, X[first : first + max(batch_size, 30)])
    assert_like(streamed, X, 1e-12)


def test_a_batch_of_another_size_in_pairs():
    assert_like(moments.of(X, batch_size=5000, form="pairs"), X, 1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_the_order_does_not_matter(form):
    whole = moments.covariance(moments.of(X, batch_size=BATCH, form=form))
    found = moments.covariance(moments.of(GENERATOR.permutation(X), batch_size=BATCH, form=form))
    np.testing.assert_allclose(found, whole, rtol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_masked_rows_do_not_count_whatever_they_are(form):
    mask = GENERATOR.random(BATCH) < 0.5
    x = np.where(mask[:, None], X[:BATCH], np.nan)
    update = ADD if form == "pairs" else moments.update
    assert_like(update(moments.empty(DIM, form), x, mask), X[:BATCH][mask], 1e-12)
    assert moments.to_float64(update(moments.empty(DIM, form), x, np.zeros(BATCH, bool))).count == 0


def test_a_scan_over_batches():
    batches = X[: 5 * 128].reshape(5, 128, DIM)
    run = jax.jit(lambda batches: jax.lax.scan(lambda m, x: (moments.update(m, x), None), moments.empty(DIM, "pairs"), batches))
    assert_like(run(batches)[0], X[: 5 * 128], 1e-12)


def test_a_batch_spread_over_a_mesh():
    """XLA cuts the products itself; their sums are exact, so the devices' share in them does not show."""
    spread = jax.device_put(X[:512], NamedSharding(parallel.mesh(), PartitionSpec(parallel.AXIS)))
    assert_like(ADD(moments.empty(DIM, "pairs"), spread), X[:512], 1e-12)


def test_moments_of_devices_are_merged():
    """And `shard_map` knows that the result is the same on all of them, or it would refuse to give out one."""
    local = lambda x: moments.across(moments.update(moments.empty(DIM, "pairs"), x), parallel.AXIS)  # noqa: E731
    spread = PartitionSpec(parallel.AXIS)
    mapped = jax.jit(jax.shard_map(local, mesh=parallel.mesh(), in_specs=spread, out_specs=PartitionSpec()))
    assert_like(mapped(X[:600]), X[:600], 1e-12)


def test_what_lies_on_the_cpu_is_measured_in_float64():
    for features in (X, jnp.asarray(X), X.astype(np.float64), np.round(X).astype(np.int32)):
        found = moments.of(features)
        assert isinstance(found.mean, np.ndarray)
        assert_like(found, np.asarray(features), 1e-12)
    assert isinstance(moments.of(X, batch_size=BATCH, form="pairs").mean, pairs.Pair)


def test_pairs_stay_pairs_where_float64_is_the_default():
    jax.config.update("jax_enable_x64", True)
    try:
        found = moments.of(X[:300], batch_size=300, form="pairs")
        assert {leaf.dtype.name for leaf in jax.tree.leaves(found)} == {"float32", "int32"}
        assert_like(found, X[:300], 1e-12)
    finally:
        jax.config.update("jax_enable_x64", False)


def test_statistics_of_files():
    found = moments.of(X)
    back = moments.from_statistics(N, found.mean, np.cov(X.astype(np.float64), rowvar=False))
    np.testing.assert_allclose(back.scatter, found.scatter, rtol=1e-10)


WITH_NAN = np.where(np.arange(N)[:, None] == 41, np.nan, X).astype(np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(moments.of, X[:0]), "expected at least 1 samples, found 0"),
        (partial(moments.of, X[0]), r"expected features \[N, d\]"),
        (partial(moments.of, WITH_NAN, batch_size=BATCH), "1 of 700 samples has a feature that is not finite, .* number 41"),
        (partial(moments.of, WITH_NAN, batch_size=BATCH, form="pairs"), "1 of 700 samples .* number 41"),
        (partial(moments.of, X, batch_size=0), "batch_size must be at least 1, found 0"),
        (partial(moments.of, X, form="half"), "form must be 'float64' or 'pairs', found 'half'"),
        (partial(moments.empty, 0), "expected at least 1 feature, found 0"),
        (partial(moments.update, moments.empty(6), X), r"expected features \[B, 6\] .* \(700, 7\)"),
        (partial(moments.update, moments.empty(7), X, np.ones(3, bool)), r"expected a mask \[700\], .* \(3,\)"),
        (partial(moments.update, moments.empty(7), WITH_NAN), "number 41"),
        (partial(moments.merge, moments.empty(7), moments.empty(6)), "as many features, found 7 and 6"),
        (partial(moments.merge, moments.empty(7), moments.empty(7, "pairs")), "in one form"),
        (partial(moments.covariance, moments.of(X[:1])), "at least 2 samples, found 1"),
        (partial(moments.from_statistics, 9, np.zeros(3), np.eye(4)), r"found the shapes \(3,\) and \(4, 4\)"),
        (partial(moments.from_statistics, 9, np.zeros(2), np.triu(np.ones((2, 2)))), "not symmetric"),
        (partial(moments.from_statistics, 1, np.zeros(2), np.eye(2)), "at least 2 samples, found 1"),
    ],
)
def test_bad_input_is_an_error_that_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
