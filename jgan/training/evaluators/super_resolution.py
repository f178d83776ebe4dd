"""Evaluator of super-resolution: PSNR and SSIM beside those of bicubic enlargement, and a perceptual distance.

PSNR and SSIM are those of the luma, without a border as wide as the scale, of whole pictures rounded to 8 bits; values are
means over pictures. The distance is that of `jgan.metrics.perceptual`, in a network that is not the one of the loss. In the
first phase the best checkpoint is that of the highest PSNR, in the adversarial one that of the smallest distance.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jgan import plots, tiles
from jgan.evaluation import enlargements
from jgan.features import maps
from jgan.metrics import msssim
from jgan.ragged import is_ragged
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState
from jgan.utils import xla

VALIDATED = 16
"""number of validation pictures per measure"""

SHOWN, SIDE = 8, 96
"""number of crops in a picture, and their side"""

TILE, MARGIN = 128, 64
"""pictures are enlarged in tiles of this many pixels with at most this margin"""

_TITLES = {"psnr": "PSNR", "ssim": "SSIM", "distance": "perceptual distance", "kid": "patch KID"}


class Pair(NamedTuple):
    """A picture and its low resolution, both uint8 `[height, width, channels]`."""

    large: np.ndarray
    small: np.ndarray


def pairs_of(run: Run, part: str, n: int | None = None) -> list[Pair]:
    """The pictures of a part of the data.

    Args:
      run: the run, of pairs of images, of one size or of several.
      part: `"train"`, `"validation"` or `"test"`.
      n: the most pictures; None for all.

    Returns:
      The pairs.
    """

    def listed(images: Any) -> list[np.ndarray]:
        found = images.images()[:n] if is_ragged(images) else images[:n]
        return [plots.to_uint8(image) for image in found]

    batch = getattr(run.dataset, part)
    return [Pair(large, small) for large, small in zip(listed(batch.x), listed(batch.c), strict=True)]


def enlarged(run: Run, state: GANState, small: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the generator makes of small pictures, large ones in tiles.

    Args:
      run: the run in the phase of the state.
      state: the state whose (averaged) generator is used.
      small: the pictures, uint8.

    Returns:
      The large pictures, uint8.

    Raises:
      ValueError: if a value is not finite.
    """
    gan = run.gan
    assert gan.whole is not None
    generate = xla.jit(gan.generate, static_argnames=("ema",))

    def function(windows: np.ndarray) -> np.ndarray:
        inputs = gan.inputs(keys(run.config.seed).evaluation, len(windows), jnp.asarray(windows, jnp.float32) / 255)
        found = np.asarray(generate(state, inputs, ema=True))
        if not np.isfinite(found).all():
            raise ValueError(f"the generator's outputs are not finite at step {int(state.step)}: its training has diverged")
        return plots.to_uint8(found)

    margin = MARGIN if gan.whole.reach is None else min(gan.whole.reach, MARGIN)
    enlarge = functools.partial(tiles.apply, function, scale=gan.whole.scale, tile=TILE, margin=margin, align=4)
    return [enlarge(picture) for picture in small]


# ------------------------------------------------------------------------------------------------------------ measuring


def make(run: Run) -> Evaluator:
    """Builds the evaluator.

    Args:
      run: the run.

    Returns:
      The `Evaluator`.

    Raises:
      ValueError: if `--metric` is given, or the network of the distance cannot be used.
      FileNotFoundError: if its weights are missing.
    """
    no_metric(run, "super-resolution")
    config = run.config
    network = enlargements.network(config.extractor, config.weights, _loss(run))
    scale = run.phases[-1].gan.whole.scale  # type: ignore[union-attr]  # models with this evaluator take whole pictures
    least, found = msssim.least_size(1) + 2 * scale, min(run.spec.one.x.shape[:2])
    if found < least:
        raise ValueError(
            f"super-resolution by {scale} is measured on pictures of at least {least}x{least} pixels, found a side of {found} "
            f"in {run.config.dataset}: choose another --dataset"
        )

    @functools.cache
    def validation() -> tuple[list[Pair], float]:
        found = pairs_of(run, "validation", VALIDATED)
        base = [enlargements.bicubic(pair.small, scale) for pair in found]
        return found, enlargements.fidelity([pair.large for pair in found], base, scale)["psnr"]

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        (pairs, base), last = validation(), run.index % len(run.phases) == len(run.phases) - 1
        truths, outputs = [pair.large for pair in pairs], enlarged(run, state, [pair.small for pair in pairs])
        row = enlargements.fidelity(truths, outputs, scale) | {"psnr_bicubic": base}
        return row | (enlargements.perceptual_values(network, truths, outputs) if last else {})

    def drawn(run: Run, state: GANState) -> np.ndarray:
        pairs = validation()[0][:SHOWN]
        return sheet(pairs, enlarged(run, state, [pair.small for pair in pairs]), scale)

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        pairs = pairs_of(run, "test")
        outputs = enlarged(run, state, [pair.small for pair in pairs])
        return report(run, network, pairs, outputs, scale)

    return Evaluator("super_resolution", "distance", False, measure, phrase, drawn, finish, earlier=("psnr", True), draws=False)


def _loss(run: Run) -> str:
    """The name of the features of the loss."""
    return getattr(getattr(run.config.model, "perceptual", None), "features", "none")


def report(
    run: Run, network: maps.Maps, pairs: Sequence[Pair], outputs: Sequence[np.ndarray], scale: int
) -> tuple[dict[str, Any], str]:
    """The final measures on test pictures, beside bicubic's, and the pictures of a finished run.

    Args:
      run: the run; `super_resolution.png` and `before_after.png` are written to its folder.
      network: the feature maps of the distance.
      pairs: the test pictures.
      outputs: what the generator made of them.
      scale: the enlargement.

    Returns:
      `(entries of summary.json, closing sentence)`.
    """
    truths, base = [pair.large for pair in pairs], [enlargements.bicubic(pair.small, scale) for pair in pairs]
    both = {
        name: enlargements.fidelity(truths, found, scale) | enlargements.perceptual_values(network, truths, found, kid=True)
        for name, found in (("model", outputs), ("bicubic", base))
    }
    plots.save_png(run.workdir / "super_resolution.png", sheet(pairs[: 2 * SHOWN], outputs[: 2 * SHOWN], scale))
    before = pairs[0].small.repeat(scale, axis=0).repeat(scale, axis=1)
    plots.save_png(run.workdir / "before_after.png", np.concatenate([before, outputs[0]], axis=1))
    about = {
        **both,
        "scale": scale,
        "pictures": len(pairs),
        "metric_network": {"name": network.name, "digest": network.digest},
        "loss_network": enlargements.described(_loss(run)),
    }
    words = ", ".join(f"{title} {both['model'][name]:.4g} ({both['bicubic'][name]:.4g})" for name, title in _TITLES.items())
    return {"super_resolution": about}, f"on {len(pairs)} test pictures, and bicubic: {words}; distance in {network.name}"


def phrase(row: Mapping[str, float]) -> str:
    """The measures as text."""
    parts = [f"{title} {row[name]:.4g}" for name, title in _TITLES.items() if name in row]
    if "psnr_bicubic" in row:
        parts[0] += f" (bicubic {row['psnr_bicubic']:.4g})"
    return ", ".join(parts)


# -------------------------------------------------------------------------------------------------------------- pictures


def sheet(pairs: Sequence[Pair], outputs: Sequence[np.ndarray], scale: int) -> np.ndarray:
    """Draws rows of bicubic enlargements, outputs and truths: of each picture the square with the most detail.

    Args:
      pairs: the pictures.
      outputs: what the generator made of them.
      scale: the enlargement.

    Returns:
      The picture, uint8 `[height, width, channels]`.
    """
    columns = []
    for pair, output in zip(pairs, outputs, strict=True):
        place = enlargements.most_detailed(pair.large, SIDE)
        columns.append([image[place] for image in (enlargements.bicubic(pair.small, scale), output, pair.large)])
    return plots.comparison(*zip(*columns, strict=True), columns=SHOWN)


EVALUATORS.register("super_resolution", make)
