"""The Inception Score against torch-fidelity's, the definition in float64, and the scores that are known."""

import jax.numpy as jnp
import numpy as np
import oracle_inception_score as oracle
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from jgan.metrics import inception_score

RNG = np.random.default_rng(0)
LOGITS = 3 * RNG.standard_normal((600, 12))


def by_definition(logits, splits):
    """exp of the mean divergence of each sample from the mean of its part, in the words of the paper."""
    parts = []
    for i in range(splits):
        p = special.softmax(np.float64(logits)[i * len(logits) // splits : (i + 1) * len(logits) // splits], axis=1)
        parts.append(np.exp(np.mean([stats.entropy(row, p.mean(axis=0)) for row in p])))
    return np.mean(parts), np.std(parts)


@pytest.mark.parametrize("case", oracle.SHUFFLED)
@pytest.mark.parametrize("name", oracle.SPLITS)
def test_it_is_torch_fidelitys(name, case):
    splits, seed = oracle.SPLITS[name], oracle.SHUFFLED[case]
    found = inception_score.evaluate(oracle.inputs()[name], splits=splits, seed=seed)
    expected = oracles.load("inception_score")[f"{name}/{case}"]
    if found.splits == 1:
        assert expected[1] == 0  # torch-fidelity's spread of a single part, which has none
        expected = [expected[0], np.nan]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-10, atol=1e-12)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(7, 60),
    classes=st.integers(1, 9),
    splits=st.integers(1, 7),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
)
def test_it_is_the_definition(seed, n, classes, splits, scale):
    logits = scale * np.random.default_rng(seed).standard_normal((n, classes)).astype(np.float32)
    found = inception_score.evaluate(logits, splits=splits)
    expected = by_definition(logits, splits)
    np.testing.assert_allclose(found[:2], (expected[0], expected[1] if splits > 1 else np.nan), rtol=1e-9, atol=1e-11)
    assert found[2:5] == (splits, n, None)
    assert bool(found.caution) == (classes == 1 or n // splits < classes)
    assert 1 - 1e-12 <= found.mean <= classes * (1 + 1e-12)


def test_probabilities_that_are_the_same_for_all_score_one():
    for row in (np.zeros(7), np.array([5.0, -3, 0, 900])):
        found = inception_score.evaluate(np.tile(row, (40, 1)))
        assert found[:2] == (pytest.approx(1, abs=1e-12), pytest.approx(0, abs=1e-12))


@pytest.mark.parametrize("classes", [1, 2, 10, 1008])
def test_sure_and_even_scores_the_number_of_classes(classes):
    found = inception_score.evaluate(1e4 * np.tile(np.eye(classes, dtype=np.float32), (3, 1)), splits=3)
    assert found[:2] == (pytest.approx(classes, rel=1e-12), pytest.approx(0, abs=1e-9))


def test_sure_of_some_classes_alone_scores_their_number():
    """A collapse to 3 of 10: the score is 3. Shares of 1/2, 1/4 and 1/4 have exp of their entropy, 2 sqrt 2."""
    classes = np.repeat([0, 4, 9], [20, 10, 10])
    assert inception_score.evaluate(99 * np.eye(10)[np.tile([0, 4, 9], 10)], splits=1).mean == pytest.approx(3, rel=1e-12)
    assert inception_score.evaluate(99 * np.eye(10)[classes], splits=1).mean == pytest.approx(2 * np.sqrt(2), rel=1e-12)


def test_sorted_samples_score_less_unless_they_are_shuffled():
    """Ten parts of one class each are worth 1; what the shuffle of torch-fidelity is for."""
    by_class = 99 * np.eye(10).repeat(200, axis=0)
    assert inception_score.evaluate(by_class).mean == pytest.approx(1)
    shuffled = inception_score.evaluate(by_class, seed=2020)
    assert shuffled.mean > 9.5
    assert shuffled.seed == 2020


def test_the_order_within_a_part_and_the_kind_of_array_do_not_matter():
    whole = inception_score.evaluate(LOGITS, splits=1)
    permuted = inception_score.evaluate(RNG.permutation(LOGITS), splits=1, seed=3)
    assert permuted.mean == pytest.approx(whole.mean, rel=1e-13)
    in_jax = inception_score.evaluate(jnp.asarray(LOGITS, jnp.float32), splits=1)
    assert in_jax.mean == pytest.approx(inception_score.evaluate(np.float32(LOGITS), splits=1).mean, rel=1e-15)
    assert in_jax.mean == pytest.approx(whole.mean, rel=1e-6)


@pytest.mark.parametrize("block", [1, 7, 599, 600, 10_000])
def test_the_size_of_the_blocks_does_not_matter(monkeypatch, block):
    expected = inception_score.evaluate(LOGITS, splits=3)
    monkeypatch.setattr(inception_score, "BLOCK", block)
    np.testing.assert_allclose(inception_score.evaluate(LOGITS, splits=3)[:2], expected[:2], rtol=1e-13)


def test_what_cannot_be_scored_is_told():
    with pytest.raises(ValueError, match="logits: expected at least 10 samples, found 9; draw more"):
        inception_score.evaluate(LOGITS[:9])
    with pytest.raises(ValueError, match="splits must be at least 1, found 0"):
        inception_score.evaluate(LOGITS, splits=0)
    with pytest.raises(ValueError, match="1 of 2 samples has a feature that is not finite"):
        inception_score.evaluate(np.array([[0.0], [np.inf]]), splits=1)
    with pytest.raises(ValueError, match=r"expected features \[N, d\]"):
        inception_score.evaluate(LOGITS[:, 0])
