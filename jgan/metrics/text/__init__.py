"""Measures of generated text: likelihoods, BLEU and self-BLEU, divergences of n-grams.

Each result names the numbers of samples and references, without which its value means nothing: BLEU rises with the references.
"""

from jgan.metrics.text.bleu import BLEU, bleu, self_bleu
from jgan.metrics.text.counting import Corpus, corpus, ngrams
from jgan.metrics.text.divergence import NgramDivergence, ngram_divergence
from jgan.metrics.text.likelihood import NLL, nll, nll_div, nll_gen, nll_oracle

__all__ = [
    "BLEU",
    "NLL",
    "Corpus",
    "NgramDivergence",
    "bleu",
    "corpus",
    "ngram_divergence",
    "ngrams",
    "nll",
    "nll_div",
    "nll_gen",
    "nll_oracle",
    "self_bleu",
]
