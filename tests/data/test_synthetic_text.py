"""The synthetic texts: the oracle's samples against its own probabilities, and the grammar."""

import itertools

import numpy as np
import pytest

from jgan import data
from jgan.data import arithmetic, oracle
from jgan.types import Field


def test_the_oracle_s_probabilities_sum_to_one_and_its_samples_follow_them():
    made = oracle.make(4, 3, seed=5, hidden=3)
    everything = np.array(list(itertools.product(range(4), repeat=3)))
    probabilities = np.exp(made.log_probability(everything).sum(axis=1))
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    samples = made.sample(20_000, seed=0)
    counts = np.bincount(samples @ [16, 4, 1], minlength=64)
    statistic = np.sum((counts - 20_000 * probabilities) ** 2 / (20_000 * probabilities))
    assert statistic < 110  # chi-squared with 63 degrees of freedom: 110 is beyond 0.9998


def test_the_oracle_is_the_lstm_of_the_paper_by_its_formulas():
    made = oracle.make(6, 4, seed=1, hidden=5)
    tokens, h, c, before = [3, 0, 5, 2], np.zeros(5), np.zeros(5), 0
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    for place, token in enumerate(tokens):
        gates = made.embedding[before] @ made.kernel[:5] + h @ made.kernel[5:] + made.bias
        c = sigmoid(gates[5:10]) * c + sigmoid(gates[:5]) * np.tanh(gates[15:])
        h = sigmoid(gates[10:15]) * np.tanh(c)
        logits = h @ made.output + made.output_bias
        expected = logits[token] - np.log(np.exp(logits).sum())
        assert made.log_probability([tokens])[0, place] == pytest.approx(expected, abs=1e-5)
        before = token


@pytest.mark.slow
def test_the_anchors_are_those_of_the_paper_s_kind_of_oracle():
    """At a vocabulary of 5,000 real data have 5.8 to 6.1 nats a token and uniform tokens 11.1 to 11.3, over oracles."""
    made = oracle.make(5000, 20, seed=0)
    nats = lambda tokens: -made.log_probability(tokens).mean()  # noqa: E731
    assert 5.6 < nats(made.sample(200, seed=0)) < 6.3
    assert 11 < nats(np.random.default_rng(0).integers(5000, size=(200, 20))) < 11.5
    few = oracle.unigram(np.array([[1, 2], [3, 3]]), 4000, seed=0)
    np.testing.assert_allclose(np.bincount(few.ravel(), minlength=4) / 8000, [0, 0.25, 0.25, 0.5], atol=0.03)


def test_the_source_is_reproducible_and_its_numbers_are_checked(monkeypatch):
    monkeypatch.setattr(oracle, "SIZES", (50, 20, 20))
    found, again = data.load("oracle:30:4:7"), data.load("oracle:30:4:7")
    np.testing.assert_array_equal(found.train.x, again.train.x)
    assert found.fields.x == Field((4,), "tokens", 30)
    assert (found.train.x[:20] != found.test.x).any()
    assert (found.train.x != data.load("oracle:30:4:8").train.x).any()
    for wrong in ("oracle:", "oracle:1", "oracle:5:0", "oracle:5:x", "oracle:5:5:5:5"):
        with pytest.raises(ValueError, match="expected a vocabulary of at least 2 tokens, a length and a seed after the col"):
            data.load(wrong)
    with pytest.raises(ValueError, match=r"expected tokens \[B, 4\] from 0 to 29, found \(1, 4\) from 0 to 30"):
        found.truth.log_probability([[0, 1, 2, 30]])


def test_the_grammar_knows_its_lines():
    found = data.load("arithmetic")
    lines = found.truth.decode(found.train.x)
    assert found.truth.share(lines) == 1
    assert {len(line) for line in lines} == set(range(1, 16, 2))
    assert arithmetic.GRAMMAR.share(["x+x+", "xx", "+x+", "x-y", "x/x"]) == 0.2
    with pytest.raises(ValueError, match="arithmetic takes no options after a colon, found arithmetic:3"):
        data.load("arithmetic:3")
