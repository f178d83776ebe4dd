"""Evaluator of models with an exact likelihood: the negative log-likelihood of images, and a grid of samples.

Samples cost a pass of the network for each pixel, so they are not measured during training; `python -m jgan.evaluate --metrics
fid --num-samples N` measures N of them. Of the model it needs `tools["nats"]`: `(key, state.generator, images in [0, 1]) ->
[B]`, and `tools["levels"]`, the number of values of a pixel.
"""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jgan.training.evaluators import images
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState
from jgan.utils import xla

BLOCK = 500
"""images examined at once"""

VALIDATION = 2_000
"""validation images that are examined during training"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator.

    Args:
      run: the run.

    Returns:
      The `Evaluator`; the best checkpoint has the lowest negative log-likelihood of the validation images.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "the likelihood of validation images")
    tools, real = run.model.tools(run.config.model, run.spec), images.real_images(run)
    nats, levels = xla.jit(tools["nats"]), tools["levels"]

    def of(run: Run, state: GANState, part: str, first: int | None = None) -> float:
        x, key = real.part(part, first), keys(run.config.seed).evaluation
        found = images.in_blocks(lambda at, block: nats(jax.random.fold_in(key, at), state.generator, block), x)
        return float(found.mean(dtype=np.float64))

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return {"validation_nats": of(run, state, "validation", VALIDATION)}

    def phrase(row: Mapping[str, Any]) -> str:
        return f"{row['validation_nats']:.2f} nats per validation image"

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        found = of(run, state, "test")
        bits = found / math.log(2) / math.prod(run.spec.shape)
        unit = "pixel" if run.spec.shape[-1] == 1 else "channel of a pixel"
        sentence = f"test images: {found:.2f} nats, {bits:.4f} bits per {unit}, of {levels} levels"
        return {"nats": found, "bits_per_dimension": bits, "levels": levels}, sentence

    return Evaluator("parzen", "validation_nats", False, measure, phrase, images.sheet, finish)


EVALUATORS.register("likelihood", evaluator)
