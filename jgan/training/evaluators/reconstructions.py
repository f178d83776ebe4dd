"""Evaluator of autoencoders: the error of reconstructions of validation images, samples, reconstructed test images.

Of the model it needs `tools["reconstruct"]`: `(state.generator, images in [0, 1]) -> images`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots
from jgan.training.evaluators import images
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator
from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils import xla


def evaluator(run: Run) -> Evaluator:
    """Builds the evaluator of an autoencoder.

    Args:
      run: the run.

    Returns:
      That of images with the mean squared error of a reconstructed pixel besides; unless `--metric` says otherwise, it selects
      the best checkpoint.

    Raises:
      ValueError: as that of images.
    """
    base = images.evaluator(run)
    back = xla.jit(run.model.tools(run.config.model, run.spec)["reconstruct"])
    if run.config.metric == "auto":
        base = base._replace(criterion="squared_error", larger=False)

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        return base.measure(run, state) | {"squared_error": error(back, state, run.dataset.validation.x)}

    def phrase(row: Mapping[str, Any]) -> str:
        return f"squared error of a pixel {row['squared_error']:.5f}, {base.phrase(row)}"

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        entries, sentence = base.finish(run, state)
        plots.save_png(run.workdir / "reconstructions.png", reconstructions(back, run, state))
        found = error(back, state, run.dataset.test.x)
        return entries | {"squared_error": found}, f"squared error of a pixel of test images {found:.5f}; {sentence}"

    return base._replace(measure=measure, phrase=phrase, finish=finish)


def error(back: Callable[..., jax.Array], state: GANState, x: np.ndarray) -> float:
    """The mean squared error of the reconstructed pixels.

    Args:
      back: the model's `reconstruct`.
      state: the state whose (averaged) weights are used.
      x: the images.

    Returns:
      The mean over images and pixels, whose range is [0, 1].
    """
    squares = images.in_blocks(lambda first, block: np.square(np.asarray(back(state.generator, block)) - block), x)
    return float(squares.mean(dtype=np.float64))


def reconstructions(back: Callable[..., jax.Array], run: Run, state: GANState, columns: int = 16) -> np.ndarray:
    """Test images, and below each the decoder's image of the mean of its latents.

    Args:
      back: the model's `reconstruct`.
      run: the run.
      state: the state whose (averaged) weights are used.
      columns: the number of images.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    x = jnp.asarray(images.unit(run.dataset.test.x[:columns]))
    return plots.grid(np.concatenate([x, back(state.generator, x)]), columns=columns)


EVALUATORS.register("reconstructions", evaluator)
