"""Evaluator of super-resolution: PSNR and SSIM beside those of bicubic enlargement, and a perceptual distance.

PSNR and SSIM are those of the luma, without a border as wide as the scale, of whole pictures rounded to 8 bits; values are
means over pictures. The distance is that of `jgan.metrics.perceptual`, in a network that is not the one of the loss. In the
first phase the best checkpoint is that of the highest PSNR, in the adversarial one that of the smallest distance.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan import plots, tiles
from jgan.features import choice, efficientnet, maps
from jgan.metrics import kernel, msssim, perceptual
from jgan.metrics.psnr import psnr
from jgan.metrics.restored import Channel
from jgan.metrics.ssim import ssim
from jgan.ragged import is_ragged
from jgan.resize import eight_bits, matlab_bicubic
from jgan.training.evaluators.evaluator import EVALUATORS, Evaluator, no_metric
from jgan.training.run import Run, keys
from jgan.types import GANState

VALIDATED = 16
"""number of validation pictures per measure"""

SHOWN, SIDE = 8, 96
"""number of crops in a picture, and their side"""

PATCH = 96
"""the side of the patches in which the perceptual distance is measured, or the smallest side of a picture"""

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
        found = images.images() if is_ragged(images) else list(images)
        return [plots.to_uint8(image) for image in found[:n]]

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
    generate = jax.jit(gan.generate, static_argnames=("ema",))

    def function(windows: np.ndarray) -> np.ndarray:
        inputs = gan.inputs(keys(run.config.seed).evaluation, len(windows), jnp.asarray(windows, jnp.float32) / 255)
        found = np.asarray(generate(state, inputs, ema=True))
        if not np.isfinite(found).all():
            raise ValueError(f"the generator's outputs are not finite at step {int(state.step)}: its training has diverged")
        return plots.to_uint8(found)

    margin = MARGIN if gan.whole.reach is None else min(gan.whole.reach, MARGIN)
    enlarge = functools.partial(tiles.apply, function, scale=gan.whole.scale, tile=TILE, margin=margin, align=4)
    return [enlarge(picture) for picture in small]


def bicubic(small: np.ndarray, scale: int) -> np.ndarray:
    """The enlargement by MATLAB's bicubic interpolation, rounded to 8 bits.

    Args:
      small: `[height, width, channels]` uint8.
      scale: the factor.

    Returns:
      `[scale height, scale width, channels]` uint8.

    Example:
      >>> import numpy as np
      >>> from jgan.training.evaluators import super_resolution
      >>> super_resolution.bicubic(np.full((2, 3, 1), 7, np.uint8), 4).shape
      (8, 12, 1)
    """
    return eight_bits(matlab_bicubic(small, scale)).astype(np.uint8)


# ------------------------------------------------------------------------------------------------------------ measuring


def metric_maps(run: Run) -> maps.Maps:
    """The network of the perceptual distance, another one than that of the loss.

    Args:
      run: the run. With `--extractor auto` it is EfficientNet-Lite1 (Lite0 if the loss is in its features), and if that is not
        installed a network of random weights; otherwise the one that is asked for.

    Returns:
      The `Maps`.

    Raises:
      ValueError: if the network has no maps, or is that of the loss.
    """
    config, loss = run.config, getattr(getattr(run.config.model, "perceptual", None), "features", "none")
    name = config.extractor
    if name == "auto":
        name = "efficientnet_lite0" if loss == "efficientnet_lite1" else "efficientnet_lite1"
        try:
            efficientnet.path("lite0" if name == "efficientnet_lite0" else "lite1")
        except FileNotFoundError:
            name = "random:1" if loss != "random:1" else "random:0"
    elif name == "classifier":
        name = f"classifier:{config.weights}"
    elif not name.startswith("efficientnet"):
        names = [known for known in choice.NAMES if known.startswith(("auto", "classifier", "efficientnet"))]
        raise ValueError(f"--extractor must be among {', '.join(names)} for a perceptual distance, found {name}")
    if name == loss:
        raise ValueError(f"--extractor {config.extractor} is the network of the loss: measure with another one")
    return maps.choose(name)


def fidelity(truths: Sequence[np.ndarray], found: Sequence[np.ndarray], border: int) -> dict[str, float]:
    """The mean PSNR and SSIM of pictures.

    Args:
      truths: the true pictures, uint8.
      found: as many others, of the same sizes.
      border: the pixels at each edge that are left out.

    Returns:
      `psnr` in dB and `ssim`, of the luma of colour pictures.
    """
    channel: Channel = "y" if truths[0].shape[-1] == 3 else "rgb"
    return {
        "psnr": psnr(found, truths, channel=channel, border=border).mean,
        "ssim": ssim(found, truths, channel=channel, border=border).mean,
    }


def patches(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """All pictures in patches of one size, side by side from the upper left on.

    Args:
      pictures: `[height, width, channels]` uint8 each.

    Returns:
      `[N, side, side, channels]` float32 in [0, 1].
    """
    side = min(PATCH, *(min(picture.shape[:2]) for picture in pictures))
    cut = [
        picture[row : row + side, column : column + side]
        for picture in pictures
        for row in range(0, picture.shape[0] - side + 1, side)
        for column in range(0, picture.shape[1] - side + 1, side)
    ]
    return np.stack(cut).astype(np.float32) / 255


def perceptual_values(
    network: maps.Maps, truths: Sequence[np.ndarray], found: Sequence[np.ndarray], *, kid: bool = False
) -> dict[str, float]:
    """The perceptual distance of pictures, and the kernel distance of their patches as sets.

    Args:
      network: the feature maps.
      truths: the true pictures, uint8.
      found: as many others, of the same sizes.
      kid: whether to compute the kernel distance too.

    Returns:
      `distance`, and `kid`: of the means of the maps over each patch.
    """
    used = [index for index, name in enumerate(network.layers) if name in network.defaults]
    x, y = patches(truths), patches(found)
    chosen = _maps(network.apply, tuple(used))
    values = {"distance": float(perceptual.distances(x, y, chosen).mean())}
    if kid and len(x) > 1:
        pooled = jax.jit(lambda images: jnp.concatenate([jnp.mean(leaf, axis=(1, 2)) for leaf in chosen(images)], axis=1))
        features = [np.concatenate([np.asarray(pooled(image[None])) for image in images]) for images in (x, y)]
        values["kid"] = float(kernel.kid(*features, subset_size=min(len(x), 500), seed=0).mean)
    return values


@functools.lru_cache(maxsize=4)
def _maps(apply: Any, used: tuple[int, ...]) -> Any:
    """One function for equal arguments, so that a program is compiled once."""

    def chosen(images: jax.Array) -> list[jax.Array]:
        found = apply(images)
        return [found[index] for index in used]

    return chosen


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
    network = metric_maps(run)
    scale = run.phases[-1].gan.whole.scale  # type: ignore[union-attr]  # models with this evaluator take whole pictures
    least, found = msssim.least_size(1) + 2 * scale, min(run.spec.one.x.shape[:2])
    if found < least:
        raise ValueError(
            f"super-resolution by {scale} is measured on pictures of at least {least}x{least} pixels, found a side of {found} in "
            f"{run.config.dataset}: choose another --dataset"
        )

    @functools.cache
    def validation() -> tuple[list[Pair], float]:
        found = pairs_of(run, "validation", VALIDATED)
        return found, fidelity([pair.large for pair in found], [bicubic(pair.small, scale) for pair in found], scale)["psnr"]

    def measure(run: Run, state: GANState) -> dict[str, Any]:
        (pairs, base), last = validation(), run.index % len(run.phases) == len(run.phases) - 1
        truths, outputs = [pair.large for pair in pairs], enlarged(run, state, [pair.small for pair in pairs])
        row = fidelity(truths, outputs, scale) | {"psnr_bicubic": base}
        return row | (perceptual_values(network, truths, outputs) if last else {})

    def drawn(run: Run, state: GANState) -> np.ndarray:
        pairs = validation()[0][:SHOWN]
        return sheet(pairs, enlarged(run, state, [pair.small for pair in pairs]), scale)

    def finish(run: Run, state: GANState) -> tuple[dict[str, Any], str]:
        pairs = pairs_of(run, "test")
        outputs = enlarged(run, state, [pair.small for pair in pairs])
        return report(run, network, pairs, outputs, scale)

    return Evaluator("super_resolution", "distance", False, measure, phrase, drawn, finish, balance={}, earlier=("psnr", True))


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
    truths, base = [pair.large for pair in pairs], [bicubic(pair.small, scale) for pair in pairs]
    both = {
        name: fidelity(truths, found, scale) | perceptual_values(network, truths, found, kid=True)
        for name, found in (("model", outputs), ("bicubic", base))
    }
    plots.save_png(run.workdir / "super_resolution.png", sheet(pairs[: 2 * SHOWN], outputs[: 2 * SHOWN], scale))
    before = pairs[0].small.repeat(scale, axis=0).repeat(scale, axis=1)
    plots.save_png(run.workdir / "before_after.png", np.concatenate([before, outputs[0]], axis=1))
    loss = getattr(getattr(run.config.model, "perceptual", None), "features", "none")
    about = {
        **both,
        "scale": scale,
        "pictures": len(pairs),
        "metric_network": {"name": network.name, "digest": network.digest},
        "loss_network": _described(loss),
    }
    words = ", ".join(f"{title} {both['model'][name]:.4g} ({both['bicubic'][name]:.4g})" for name, title in _TITLES.items())
    return {"super_resolution": about}, f"on {len(pairs)} test pictures, and bicubic: {words}; distance in {network.name}"


def _described(features: str) -> dict[str, str]:
    """The name and the digest of the network of the loss."""
    if features == "none":
        return {"name": "none", "digest": ""}
    try:
        found = maps.choose(features)
    except (OSError, ValueError):  # a run that ended in its first phase did not need it
        return {"name": features, "digest": ""}
    return {"name": found.name, "digest": found.digest}


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
        place = most_detailed(pair.large, SIDE)
        columns.append([image[place] for image in (bicubic(pair.small, scale), output, pair.large)])
    return plots.comparison(*zip(*columns, strict=True), columns=SHOWN)


def most_detailed(image: np.ndarray, side: int) -> tuple[slice, slice]:
    """The square of an image in which neighbouring pixels differ most.

    Args:
      image: `[height, width, channels]` uint8.
      side: the side of the square; the image's if that is smaller.

    Returns:
      Its rows and columns.

    Example:
      >>> import numpy as np
      >>> from jgan.training.evaluators import super_resolution
      >>> image = np.zeros((6, 9, 1), np.uint8)
      >>> image[1::2, 7] = 200
      >>> super_resolution.most_detailed(image, 3)[1]
      slice(6, 9, None)
    """
    grey = image.astype(np.float64).mean(axis=-1)
    detail = np.zeros_like(grey)
    detail[1:] += np.abs(np.diff(grey, axis=0))
    detail[:, 1:] += np.abs(np.diff(grey, axis=1))
    height, width = (min(side, length) for length in grey.shape)
    total = np.pad(detail.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    row, column = (int(place) for place in np.unravel_index(np.argmax(sums), sums.shape))
    return slice(row, row + height), slice(column, column + width)


EVALUATORS.register("super_resolution", make)
