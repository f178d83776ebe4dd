"""Evaluator of runs on sequences of tokens: likelihoods, BLEU, self-BLEU, divergences of n-grams; samples as lines of text.

Of the data it needs `truth.decode(tokens) -> lines`; where the truth has a `log_probability`, as that of the synthetic oracle,
NLL_oracle is measured, and where it has a `share(lines)`, as a grammar, the share of correct lines. Of the model it needs, for
NLL_gen, `tools["log_probability"]`: `(state.generator, tokens [B, L]) -> [B, L]`; a model without a likelihood has none.

The best checkpoint has, on the oracle, the lowest sum of NLL_oracle and NLL_gen (either alone is lowest for a useless model);
elsewhere the lowest Jensen-Shannon divergence of n-grams from the validation lines.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jgan.metrics import text
from jgan.training.evaluators import sampling
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState

SHOWN, PRINTED = 64, 8
"""lines in a file of samples, and of them in the closing sentence"""

BLEU_SAMPLES = 500
"""samples of BLEU and self-BLEU, as in Texygen: self-BLEU depends on their number"""

NGRAM = {"words": 2, "characters": 4}
"""n of the divergence by which the best checkpoint is kept"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "the likelihood or the n-grams of text")
    tool = run.model.tools(run.config.model, run.spec).get("log_probability")
    likelihood = None if tool is None else jax.jit(tool)

    @functools.cache
    def real(part: str) -> np.ndarray:
        return np.asarray(getattr(run.dataset, part).x)

    @functools.cache
    def oracle() -> Callable[[Any], Any] | None:
        return getattr(run.dataset.truth, "log_probability", None)

    def measured(run: Run, state: GANState, part: str) -> dict[str, Any]:
        samples = samples_of(run, state, run.config.eval_samples)
        found: dict[str, Any] = {}
        truth = oracle()
        if truth is not None:
            found["nll_oracle"] = text.nll_oracle(truth, samples).nats
        if likelihood is not None:
            found["nll_gen"] = text.nll_gen(lambda tokens: likelihood(state.generator, tokens), real(part)).nats
        if truth is not None:
            found["nll_sum"] = found["nll_oracle"] + found.get("nll_gen", 0.0)
        return found | ngram_measures(run, samples, real(part))

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return measured(run, state, "validation")

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        found = measured(run, state, "test")
        about = {"samples": run.config.eval_samples, "references": len(real("test")), "bleu_samples": BLEU_SAMPLES}
        lines = lines_of(run, samples_of(run, state, PRINTED, pictures=True))
        words = f"test lines: {phrase(found)} ({about['samples']:,} samples, {about['references']:,} references)"
        return {"text": found | about}, "\n".join([words, *(f"  {line}" for line in lines)])

    criterion = f"js_{NGRAM[unit_of(run)]}" if oracle() is None else "nll_sum"
    return Evaluator("text", criterion, False, measure, phrase, sheet, finish, suffix=".txt")


def unit_of(run: Run) -> str:
    """What a token is: words or characters."""
    vocabulary = getattr(run.dataset.truth, "vocabulary", run.dataset.truth)
    return getattr(vocabulary, "unit", "words")


def lines_of(run: Run, tokens: np.ndarray) -> list[str]:
    """Tokens as lines of text, or as numbers where the data have no vocabulary."""
    decode = getattr(run.dataset.truth, "decode", None)
    return decode(tokens) if decode else [" ".join(map(str, row)) for row in tokens.tolist()]


def samples_of(run: Run, state: GANState, n: int, *, pictures: bool = False, temperature: float = 1.0) -> np.ndarray:
    """Samples of the run's generator.

    Args:
      run: the run in the phase of the state.
      state: the state.
      n: the number of samples.
      pictures: whether the latents are those of the files of samples, instead of those of measures.
      temperature: the temperature, for a model that takes one.

    Returns:
      int `[n, L]`.
    """
    key = keys(run.config.seed).samples if pictures else keys(run.config.seed).evaluation
    return sampling.draw(run.gan, state, run.gan.inputs(key, n), temperature=temperature)


def ngram_measures(run: Run, samples: np.ndarray, references: np.ndarray) -> dict[str, Any]:
    """BLEU, self-BLEU and divergences of samples.

    Args:
      run: the run.
      samples: int `[N, L]`.
      references: int `[M, L]`, real sequences that were not trained on.

    Returns:
      `bleu_2` to `bleu_5` and `self_bleu_2` to `self_bleu_5` of the first `BLEU_SAMPLES`, `js_1` to `js_4` of all, over whole
      sequences with their filling as published, and `valid`, the share of lines of a grammar.
    """
    end = run.spec.one.x.end
    ended = [[row[: _length(row, end)] for row in part.tolist()] for part in (samples[:BLEU_SAMPLES], references)]
    found = {f"bleu_{order}": score for order, score in text.bleu(*ended).scores.items()}
    found |= {f"self_bleu_{order}": score for order, score in text.self_bleu(ended[0]).scores.items()}
    whole = samples.tolist(), references.tolist()
    found |= {f"js_{n}": text.ngram_divergence(*whole, n).value for n in (1, 2, 3, 4) if n <= samples.shape[1]}
    if hasattr(run.dataset.truth, "share"):
        found["valid"] = run.dataset.truth.share(lines_of(run, samples))
    return found


def _length(row: list[int], end: int) -> int:
    return row.index(end) if end in row else len(row)


def phrase(row: Mapping[str, Any]) -> str:
    """The measures of a line as text."""
    names = {"nll_oracle": "NLL_oracle", "nll_gen": "NLL_gen"}
    words = [f"{name} {row[key]:.3f}" for key, name in names.items() if key in row]
    words += [f"BLEU-{n} {row[f'bleu_{n}']:.3f} (self {row[f'self_bleu_{n}']:.3f})" for n in (2, 5)]
    words += [f"JS-{n} {row[f'js_{n}']:.3f}" for n in (2, 4) if f"js_{n}" in row]
    return ", ".join(words + ([f"{row['valid']:.1%} correct"] if "valid" in row else []))


def sheet(run: Run, state: GANState) -> str:
    """Samples of the run's fixed latents, as lines of text.

    Args:
      run: the run.
      state: the state whose generator is sampled.

    Returns:
      `SHOWN` lines.
    """
    return "".join(f"{line}\n" for line in lines_of(run, samples_of(run, state, SHOWN, pictures=True)))


EVALUATORS.register("text", evaluator)
