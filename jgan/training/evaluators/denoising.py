"""Evaluator of diffusion models: the loss of validation images, and a grid of samples.

Samples cost many passes of the network, so they are not measured during training; `python -m jgan.evaluate --metrics fid
--num-samples N` measures N of them. Of the model it needs `tools["noise_loss"]`: `(state.generator, images, key) -> scalar`.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jgan.training.evaluators import images
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState
from jgan.utils import xla

EXAMINED = 512
"""validation and test images whose loss is measured, at times spread evenly"""


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of a diffusion model.

    Args:
      run: the run.

    Returns:
      The `Evaluator`; the best checkpoint has the lowest loss of the validation images.

    Raises:
      ValueError: if `--metric` is given.
    """
    no_metric(run, "the loss of validation images")
    loss = xla.jit(run.model.tools(run.config.model, run.spec)["noise_loss"])

    def of(run: Run, state: GANState, part: str) -> float:
        x = jnp.asarray(images.real_images(run).part(part, EXAMINED))
        return float(loss(state.generator, x, keys(run.config.seed).evaluation))

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return {"validation_loss": of(run, state, "validation")}

    def phrase(row: Mapping[str, Any]) -> str:
        return f"validation loss {row['validation_loss']:.4f}"

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        found = of(run, state, "test")
        sentence = f"test loss {found:.4f}; of samples: python -m jgan.evaluate --workdir {run.workdir} --metrics fid"
        return {"test_loss": found}, sentence

    return Evaluator("parzen", "validation_loss", False, measure, phrase, images.sheet, finish)


EVALUATORS.register("denoising", evaluator)
