"""The oracle experiment: GANs for text on synthetic sequences whose exact likelihood is known, beside their own pre-training.

  python -m benchmarks.text_oracle

trains SeqGAN, RelGAN and an LSTM with Gumbel-softmax on samples of a random LSTM, for several seeds, and measures at the end of
each phase and during the last one: NLL_oracle of samples, which alone rewards collapse, and NLL_gen of held-out data beside it.
The anchors come first: uniform tokens, tokens of the data's frequencies, real data. The likelihood phase is the MLE baseline:
a GAN has to be better than its own. Runs already in the result are kept, so the same command resumes a stopped one. The default
is the small form, 500 words; `--vocabulary 5000` is the published size.
"""

import dataclasses
import functools
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import populations
from jgan import data, models, parallel, phases
from jgan.data import oracle, resident
from jgan.metrics import text
from jgan.models import relgan, seqgan
from jgan.models.options import Optimizer, Rule
from jgan.models.sequences import Generator
from jgan.training.run import environment, keys, write_json
from jgan.types import Batch, GANState, Phase
from jgan.utils import cli

PROG = "python -m benchmarks.text_oracle"

MODELS = ("SeqGAN", "SeqGAN, baseline", "RelGAN", "Gumbel LSTM")

PUBLISHED = {"MLE": 9.038, "SeqGAN": 8.736, "RelGAN": 6.680, "real": 5.750}
"""NLL_oracle at 5,000 words on the authors' oracle, of Nie et al. (2019), Table 1; another oracle has other figures."""

SEED_OF_ANCHORS = 12345


@dataclasses.dataclass(frozen=True)
class Args:
    """Train text GANs on sequences of a known distribution."""

    models: tuple[str, ...] = MODELS
    """models, of SeqGAN, "SeqGAN, baseline", RelGAN and Gumbel LSTM"""
    vocabulary: int = 500
    """number of words"""
    length: int = 20
    """words of a sequence"""
    oracle_seed: int = 0
    """seed of the oracle's weights; figures are per oracle"""
    seeds: int = 3
    """number of runs of each model"""
    batch_size: int = 64
    """batch size"""
    pretrain_steps: int = 8_000
    """updates of maximum likelihood"""
    d_pretrain_steps: int = 1_000
    """updates of SeqGAN's discriminator before the game"""
    seqgan_steps: int = 500
    """SeqGAN's generator updates in the game"""
    n_critic: int = 5
    """SeqGAN's discriminator updates for one of them"""
    relaxed_steps: int = 1_000
    """generator updates in the game of the models with relaxed tokens"""
    width: int = 4
    """part of the published number of filters and representations: a quarter by default"""
    measures: int = 10
    """measures during the game"""
    samples: int = 2_000
    """samples of a measure"""
    anew: bool = False
    """train runs again that are already in the result"""
    out: Path = Path("benchmarks/results/text_oracle.json")
    """file of the result"""


def config_of(args: Args, name: str) -> Any:
    """The configuration of a model.

    Args:
      args: the options.
      name: one of `MODELS`.

    Returns:
      The `Config` of `seqgan` or `relgan`.

    Raises:
      ValueError: if the name is unknown.
    """
    if name not in MODELS:
        raise ValueError(f"--models must be among {'; '.join(MODELS)}, found {name!r}")
    if name.startswith("SeqGAN"):
        return seqgan.Config(
            pretrain_steps=args.pretrain_steps,
            pretrain_learning_rate=1e-2,
            d_pretrain_steps=args.d_pretrain_steps,
            n_critic=args.n_critic,
            baseline=name.endswith("baseline"),
            optimizer=Optimizer("adam", learning_rate=1e-3, b1=0.9),  # see the presets of the model
            d_filters=tuple(max(1, filters // args.width) for filters in seqgan.FILTERS),
        )
    generator = Generator("relational", hidden=512 // args.width) if name == "RelGAN" else Generator()
    rate = 2e-3 if name == "RelGAN" else 1e-2  # the published 1e-2 makes the relational memory repeat one line
    return relgan.Config(
        generator,
        args.pretrain_steps,
        rate,
        beta_max=1.0,  # without annealing, as in the published figure
        rule=Rule(n_critic=5),
        optimizer=Optimizer("adam", learning_rate=1e-4, b1=0.9),
        representations=max(1, 64 // args.width**2),
        d_filters=max(1, 300 // args.width),
    )


def play(
    made: Sequence[Phase],
    steps: int,
    train: Batch,
    batch_size: int,
    seed: int,
    seen: Callable[[int, Phase, GANState], None],
    every: int,
) -> None:
    """Trains through all phases, as `jgan.training.loop` does, without a folder.

    Args:
      made: the phases.
      steps: generator updates of the last one.
      train: the training set.
      batch_size: examples in a minibatch.
      seed: the seed of the run.
      seen: `seen(step, phase, state)`, called at the end of each phase, and after every `every` steps of the last.
      every: steps between two of these calls.
    """
    root, state = keys(seed), None
    on_device = jax.tree.map(jnp.asarray, train)
    for index, phase in enumerate(made):
        state = jax.jit(functools.partial(phases.enter, made, index))(root.init, state)
        key = phases.step_key(root.steps, index)
        last, total = index == len(made) - 1, phase.steps or steps
        step = resident.on_resident_data(phase.gan.step, batch_size, phase.gan.n_critic)
        chunk = next(n for n in (100, 50, 20, 10, 5, 2, 1) if total % n == 0 and (not last or every % n == 0))
        advance = parallel.jit(parallel.scan(step, chunk) if chunk > 1 else step)
        for done in range(chunk, total + 1, chunk):
            state, _ = advance(key, state, on_device)
            if done == total or (last and done % every == 0):
                seen(done, phase, state)


def run(args: Args, name: str, seed: int, dataset: data.Dataset) -> dict[str, Any]:
    """Trains and measures one model of one seed.

    Args:
      args: the options.
      name: one of `MODELS`.
      seed: the seed.
      dataset: the sequences.

    Returns:
      For JSON: the measures after each phase and along the last, the seconds.
    """
    config, spec = config_of(args, name), data.spec(dataset, args.batch_size)
    model = models.find(config)
    made, started = models.phases(config, spec), time.monotonic()
    log_probability = jax.jit(model.tools(config, spec)["log_probability"])
    sample = jax.jit(lambda key, state: made[-1].gan.sample(key, state, args.samples))
    found: dict[str, Any] = {"phases": {}, "course": []}

    def seen(step: int, phase: Phase, state: GANState) -> None:
        tokens = np.asarray(sample(keys(seed).evaluation, state))
        under = lambda some: log_probability(state.generator, some)  # noqa: E731
        measured = {
            "step": step,
            "nll_oracle": text.nll_oracle(dataset.truth.log_probability, tokens).nats,
            "nll_gen": text.nll_gen(under, dataset.test.x).nats,
            "nll_div": text.nll_div(under, tokens).nats,
            "self_bleu_3": text.self_bleu(tokens[:500].tolist(), orders=(3,)).scores[3],
            "seconds": round(time.monotonic() - started, 1),
        }
        found["phases"][phase.name] = measured
        if phase.name == "adversarial":
            found["course"].append(measured)
        print(f"{name}, seed {seed}, {phase.name}, step {step:,}: " + words(measured), flush=True)

    steps = args.seqgan_steps if name.startswith("SeqGAN") else args.relaxed_steps
    play(made, steps, dataset.train, args.batch_size, seed, seen, max(1, steps // args.measures))
    return found | {"config": models.to_dict(config), "environment": environment()}


def words(measured: dict[str, Any]) -> str:
    """A measure as text."""
    return f"NLL_oracle {measured['nll_oracle']:.3f}, NLL_gen {measured['nll_gen']:.3f}, {measured['seconds']:.0f} s"


def anchors(args: Args, dataset: data.Dataset) -> dict[str, float]:
    """NLL_oracle of what needs no model.

    Args:
      args: the options.
      dataset: the sequences.

    Returns:
      `uniform` tokens, tokens of the `unigram` frequencies of the training data, and `real` data.
    """
    shape = (args.samples, args.length)
    drawn = {
        "uniform": np.random.default_rng(SEED_OF_ANCHORS).integers(args.vocabulary, size=shape),
        "unigram": oracle.unigram(dataset.train.x, args.samples, SEED_OF_ANCHORS),
        "real": dataset.test.x,
    }
    return {name: text.nll_oracle(dataset.truth.log_probability, tokens).nats for name, tokens in drawn.items()}


def check(args: Args) -> None:
    """Checks the options; raises a `ValueError` that names the option, what it must be and what was found."""
    for name in args.models:
        config_of(args, name)
    least = {"seeds": 1, "pretrain_steps": 1, "seqgan_steps": 1, "relaxed_steps": 1, "measures": 1, "samples": 2, "width": 1}
    cli.at_least(args, **least)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    check(args)
    options = {key: value for key, value in vars(args).items() if key not in ("models", "seeds", "anew", "out")}
    command = shlex.join([*PROG.split(), *(a for a in argv if a != "--anew")])
    result = populations.begun(args.out, command, options, anew=args.anew)
    dataset = data.load(f"oracle:{args.vocabulary}:{args.length}:{args.oracle_seed}")
    result["anchors"], result["published"] = anchors(args, dataset), PUBLISHED
    print(", ".join(f"{name} {value:.3f}" for name, value in result["anchors"].items()), flush=True)
    for seed in range(args.seeds):  # every model has one seed before any has the second
        for name in args.models:
            held = result.setdefault("models", {}).setdefault(name, {})
            if str(seed) not in held:
                held[str(seed)] = run(args, name, seed, dataset)
                result["environment"] = environment()
                write_json(args.out, result)
    print(args.out)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
