"""Measures of text against nltk, sacrebleu and formulas in float64."""

import collections
import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan.metrics.text import bleu, corpus, ngram_divergence, ngrams, nll, nll_div, nll_gen, nll_oracle, self_bleu

SENTENCES = st.lists(st.lists(st.sampled_from("abcd"), max_size=9), min_size=2, max_size=6)


def by_nltk(samples, references_of, order):
    score = pytest.importorskip("nltk.translate.bleu_score")
    smoothing, weights = score.SmoothingFunction().method1, (1 / order,) * order
    found = [score.sentence_bleu(references_of(index), sentence, weights, smoothing) for index, sentence in enumerate(samples)]
    return sum(found) / len(found)


@pytest.mark.slow  # importing nltk takes seconds
@given(samples=SENTENCES, references=SENTENCES)
def test_bleu_is_nltk_s(samples, references):
    found = bleu(samples, references)
    for order, score in found.scores.items():
        assert score == pytest.approx(by_nltk(samples, lambda _: references, order), abs=1e-12), order
    assert (found.samples, found.references) == (len(samples), len(references))


@pytest.mark.slow
@given(samples=SENTENCES)
def test_self_bleu_is_nltk_s_against_the_other_sentences(samples):
    found = self_bleu(samples)
    for order, score in found.scores.items():
        others = lambda index: samples[:index] + samples[index + 1 :]  # noqa: E731
        assert score == pytest.approx(by_nltk(samples, others, order), abs=1e-12), order
    assert (found.samples, found.references) == (len(samples), len(samples) - 1)


@pytest.mark.slow
def test_bleu_is_sacrebleu_s():
    sacrebleu = pytest.importorskip("sacrebleu")
    references, hypothesis = ["a man rides a horse", "a man on a horse outside"], "a man is on a horse"
    metric = sacrebleu.BLEU(smooth_method="floor", smooth_value=0.1, tokenize="none", effective_order=False)
    expected = metric.corpus_score([hypothesis], [[line] for line in references]).score / 100
    assert bleu([hypothesis.split()], map(str.split, references)).scores[4] == pytest.approx(expected, abs=1e-6)


def lines(n, seed, words=800):
    generator = np.random.default_rng(seed)
    drawn = np.minimum(generator.zipf(1.4, size=(n, 20)), words)
    return [row[:length].tolist() for row, length in zip(drawn, generator.integers(6, 20, n), strict=True)]


@pytest.mark.slow
def test_a_thousand_sentences_against_ten_thousand_in_a_tenth_of_nltk_s_time():
    """nltk is timed on 4 of the 1,000 sentences, all four orders at once."""
    score = pytest.importorskip("nltk.translate.bleu_score")
    samples, references = lines(1000, 0), lines(10_000, 1)
    started = time.perf_counter()
    bleu(samples, references)
    ours = time.perf_counter() - started
    weights, some = [(1 / order,) * order for order in (2, 3, 4, 5)], samples[:4]
    started = time.perf_counter()
    theirs = [score.sentence_bleu(references, one, weights, score.SmoothingFunction().method1) for one in some]
    assert (time.perf_counter() - started) * 250 > 10 * ours
    found = bleu(some, references).scores
    np.testing.assert_allclose(list(found.values()), np.mean(theirs, axis=0), rtol=1e-12)


def test_self_bleu_does_not_see_the_sentence_itself_and_bleu_says_where_there_are_few():
    distinct = [[10 * index + place for place in range(6)] for index in range(5)]
    assert max(self_bleu(distinct).scores.values()) == 0
    assert min(bleu(distinct, distinct).scores.values()) == 1
    assert bleu(distinct, distinct).caution.startswith("5 samples, fewer than 100")
    assert not bleu(distinct * 20, distinct * 20).caution


@pytest.mark.parametrize(("samples", "references"), [([], ["a"]), (["a"], [])])
def test_nothing_to_compare_is_told(samples, references):
    with pytest.raises(ValueError, match="needs at least one sample and one reference"):
        bleu(samples, references)
    with pytest.raises(ValueError, match="needs at least one sample and one reference, found 1 and 0"):
        self_bleu(["a"])
    with pytest.raises(ValueError, match="orders of BLEU must be at least 1"):
        bleu(["a"], ["a"], orders=(0,))


@given(sentences=st.lists(st.text("abc", max_size=6), max_size=6), n=st.integers(1, 5))
def test_ngrams_are_those_of_a_counter(sentences, n):
    expected = collections.Counter(s[i : i + n] for s in sentences for i in range(len(s) - n + 1))
    sentence, gram = ngrams(corpus(sentences), n)
    assert sorted(np.bincount(gram)[np.unique(gram)].tolist()) == sorted(expected.values())
    assert np.bincount(sentence, minlength=len(sentences)).tolist() == [max(0, len(s) - n + 1) for s in sentences]


@given(st.lists(st.text("ab", min_size=3), min_size=1), st.lists(st.text("abc", min_size=3), min_size=1), st.integers(1, 3))
def test_the_divergence_of_ngrams_is_its_formula(samples, references, n):
    p, q = (collections.Counter(s[i : i + n] for s in some for i in range(len(s) - n + 1)) for some in (samples, references))
    total = 0.0
    for gram in p.keys() | q.keys():
        a, b = p[gram] / p.total(), q[gram] / q.total()
        total += sum(0.5 * x * math.log2(2 * x / (a + b)) for x in (a, b) if x)
    found = ngram_divergence(samples, references, n)
    assert found.value == pytest.approx(total, abs=1e-9)
    assert found[1:4] == (n, len(samples), len(references))


def test_texts_without_ngrams_are_told():
    with pytest.raises(ValueError, match="with sequences of 3 tokens, found 0 and 1"):
        ngram_divergence(["ab"], ["abc"], 3)


def test_a_likelihood_is_the_mean_over_tokens_up_to_the_end():
    """A chain of three states whose probabilities are known; token 0 ends a sequence."""
    logs = np.log(np.array([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]]))
    tokens = np.array(list(itertools.product(range(3), repeat=2)) * 40)

    def log_probability(block):
        first, second = logs[0][block[:, 0]], logs[block[:, 0], block[:, 1]]
        return np.stack([first, np.where(block[:, 0] == 0, 0.0, second)], axis=1)

    found = nll(log_probability, tokens, of="all", under="a chain")
    each = log_probability(tokens)
    lengths = np.where(tokens[:, 0] == 0, 1, 2)
    assert found.nats == pytest.approx(-each.sum() / lengths.sum(), rel=1e-12)
    assert (found.tokens, found.samples) == (lengths.sum(), len(tokens))
    assert (found.of, found.under) == ("all", "a chain")
    # The standard error of the ratio of means, by the bootstrap.
    generator, sums = np.random.default_rng(0), -each.sum(axis=1)
    chosen = generator.integers(len(tokens), size=(2000, len(tokens)))
    assert found.standard_error == pytest.approx(np.std(sums[chosen].sum(1) / lengths[chosen].sum(1)), rel=0.1)
    names = [measure(log_probability, tokens)[4:6] for measure in (nll_oracle, nll_gen, nll_div)]
    assert len(set(names)) == 3
    for wrong in (lambda block: np.full(block.shape, 0.1), lambda block: np.full(block.shape, -np.inf)):
        with pytest.raises(ValueError, match="finite and at most 0"):
            nll(wrong, tokens, of="", under="")
