"""Quality against diversity of generated text: a language model at several temperatures, and GANs as points beside its curve.

  python -m benchmarks.text_quality --language-model RUN --gans RUN RUN

measures the runs of `python -m jgan.train` on one text: BLEU against the test lines for quality, self-BLEU for the lack of
diversity, NLL_gen for what of the data is missing. A GAN is better than the likelihood only if its point lies beyond the curve:
at the same self-BLEU a higher BLEU. Measures already in the result are kept; `--anew` makes all of them again.
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks import populations
from jgan.metrics import text
from jgan.training.evaluators.text import ngram_measures, samples_of
from jgan.training.run import Snapshot, environment, open_run, write_json
from jgan.utils import cli

PROG = "python -m benchmarks.text_quality"


@dataclasses.dataclass(frozen=True)
class Args:
    """Measure quality and diversity of text."""

    language_model: Path
    """folder of a run of language_model"""
    gans: tuple[Path, ...] = ()
    """folders of runs of other models on the same data"""
    temperatures: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5)
    """temperatures of the language model"""
    samples: int = 2_000
    """samples of a measure; BLEU and self-BLEU are of the first 500"""
    anew: bool = False
    """measure again what is already in the result"""
    out: Path = Path("benchmarks/results/text_quality.json")
    """file of the result"""


def measure(found: Snapshot, temperature: float, n: int) -> dict[str, Any]:
    """Measures samples of a run.

    Args:
      found: its checkpoint.
      temperature: 1 for a model that takes none.
      n: the number of samples.

    Returns:
      For JSON: `jgan.training.evaluators.text.ngram_measures` and `nll_gen` at the temperature 1, or None.
    """
    run = found.run
    samples, test = samples_of(run, found.state, n, temperature=temperature), np.asarray(run.dataset.test.x)
    tool = run.model.tools(run.config.model, run.spec).get("log_probability")
    nll = None
    if tool is not None:
        likelihood = jax.jit(tool)
        nll = text.nll_gen(lambda tokens: likelihood(found.state.generator, tokens), test).nats
    return {"temperature": temperature, "nll_gen": nll, "references": len(test), **ngram_measures(run, samples, test)}


def floor(found: Snapshot, n: int) -> dict[str, Any]:
    """The measures of real lines in place of samples: training lines against the test lines."""
    run = found.run
    chosen = np.random.default_rng(0).permutation(len(run.dataset.train.x))[:n]
    return ngram_measures(run, np.asarray(run.dataset.train.x)[chosen], np.asarray(run.dataset.test.x))


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError: if a flag is out of range, or the runs are of different data.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    if args.samples < 2 or not args.temperatures or min(args.temperatures) <= 0:
        raise ValueError(
            f"expected --samples of at least 2 and --temperatures above 0, found {args.samples} and {args.temperatures}"
        )
    options = {"language_model": str(args.language_model), "samples": args.samples}
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    result = populations.begun(args.out, command, options, anew=args.anew)
    base = open_run(args.language_model).snapshot("best")
    result |= {"dataset": base.run.config.dataset, "bleu_samples": 500}
    curve, points = result.setdefault("curve", {}), result.setdefault("gans", {})
    result.setdefault("real", floor(base, args.samples))
    for temperature in args.temperatures:
        if str(temperature) not in curve:
            curve[str(temperature)] = measure(base, temperature, args.samples)
            _keep(args, result, f"language model at {temperature:g}", curve[str(temperature)])
    for folder in args.gans:
        if folder.name in points:
            continue
        run = open_run(folder)
        if (run.config.dataset, run.config.data_dir) != (base.run.config.dataset, base.run.config.data_dir):
            raise ValueError(f"{folder} was trained on other data than {args.language_model}: give runs of one data set")
        found = run.snapshot("last")
        points[folder.name] = {"preset": run.config.preset, "step": found.step, **measure(found, 1.0, args.samples)}
        _keep(args, result, folder.name, points[folder.name])
    print(args.out)


def _keep(args: Args, result: dict[str, Any], name: str, found: dict[str, Any]) -> None:
    result["environment"] = environment()
    write_json(args.out, result)
    print(f"{name}: BLEU-5 {found['bleu_5']:.3f}, self-BLEU-5 {found['self_bleu_5']:.3f}", flush=True)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
