"""Evaluator of variational autoencoders: lower bounds of the log-likelihood, samples, reconstructions.

Of the model it needs `tools["bounds"]`: `k -> ((key, state.generator, images in [0, 1]) -> (ELBO [B], importance-weighted bound
[B]))`, `tools["reconstruct"]`: `(state.generator, images) -> images`, and `tools["likelihood"]`, whether these are bounds of a
likelihood of the data.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jgan import plots
from jgan.training.evaluators import images
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.evaluators.reconstructions import reconstructions
from jgan.training.run import Run, keys
from jgan.types import GANState
from jgan.utils import xla

IMPORTANCE_SAMPLES = 50
"""k of the importance-weighted bound of the test images"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of a variational autoencoder.

    Args:
      run: the run.

    Returns:
      That of images with the evidence lower bound of the validation images besides; unless `--metric` says otherwise, it
      selects the best checkpoint.

    Raises:
      ValueError: as that of images.
    """
    base, tools = images.evaluator(run), run.model.tools(run.config.model, run.spec)
    quick = xla.jit(tools["bounds"](1))
    name = "ELBO" if tools["likelihood"] else "ELBO of grey pixels"
    if run.config.metric == "auto":
        base = base._replace(criterion="elbo", larger=True)

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return base.measure(run, state) | {"elbo": float(mean_bounds(run, state, "validation", quick)[0])}

    def phrase(row: Mapping[str, Any]) -> str:
        return f"{name} {row['elbo']:.2f} nats, {base.phrase(row)}"

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        entries, sentence = base.finish(run, state)
        slow = xla.jit(tools["bounds"](IMPORTANCE_SAMPLES))
        elbo, tighter = (float(value) for value in mean_bounds(run, state, "test", slow))
        plots.save_png(run.workdir / "reconstructions.png", reconstructions(tools["reconstruct"], run, state))
        found = {"elbo": elbo, "importance_weighted": tighter, "importance_samples": IMPORTANCE_SAMPLES}
        words = f"test images: {name} {elbo:.2f} nats, importance-weighted {tighter:.2f} nats (k = {IMPORTANCE_SAMPLES})"
        return entries | {"bounds": found | {"pixels": run.config.model.pixels}}, f"{words}; {sentence}"

    return base._replace(measure=measure, phrase=phrase, finish=finish)


def mean_bounds(run: Run, state: GANState, part: str, bounds: Callable[..., Any]) -> np.ndarray:
    """The means of both bounds over a part of the data.

    Args:
      run: the run.
      state: the state whose (averaged) weights are used.
      part: `"validation"` or `"test"`.
      bounds: those of the model, for some number of samples.

    Returns:
      `[2]`: the evidence lower bound and the importance-weighted one, in nats per image.
    """
    key = keys(run.config.seed).evaluation

    def of(first: int, x: np.ndarray) -> np.ndarray:
        return np.stack(bounds(jax.random.fold_in(key, first), state.generator, x), axis=1)

    return images.in_blocks(of, getattr(run.dataset, part).x).astype(np.float64).mean(axis=0)


EVALUATORS.register("bounds", evaluator)
