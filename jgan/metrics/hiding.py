"""Hidden signals in translations there and back: whether the way back reads what cannot be seen.

A pair of generators that is trained to come back to the source can hide what the target domain cannot hold (the colours of a
grey image) in an invisible signal. Such a signal is lost when the translation is changed slightly, and the way back fails.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jgan.utils.checks import seed as check_seed
from jgan.utils.shapes import AnyArray


class Hiding(NamedTuple):
    """Cycle errors: mean absolute differences between sources and their translations there and back, in units of [0, 1].

    Attributes:
      exact: of the translations as they are.
      noisy: of translations with noise.
      rounded: of translations rounded to 8 bits and, if asked for, compressed.
      ratio: `noisy / exact`; above 3 the way back depends on an invisible signal.
      caution: why the ratio says little, or "".
    """

    exact: float
    noisy: float
    rounded: float
    ratio: float
    caution: str = ""


def hiding(
    sources: Float[AnyArray, "n h w c"],
    translations: Float[AnyArray, "n h w d"],
    back: Callable[[np.ndarray], Any],
    *,
    noise: float = 0.02,
    seed: int = 0,
    compress: Callable[[np.ndarray], np.ndarray] | None = None,
    returned: Float[AnyArray, "n h w c"] | None = None,
) -> Hiding:
    """The cycle error with the exact translations, with noise on them, and after rounding to 8 bits.

    Args:
      sources: `[N, height, width, channels]` floats in [0, 1].
      translations: `[N, height, width, channels']` floats in [0, 1], what the generator made of them.
      back: `back(images) -> [N, height, width, channels]`, the generator of the other direction.
      noise: the standard deviation of the noise, in units of [0, 1]; noisy images are clipped to [0, 1].
      seed: of the noise.
      compress: `compress(images) -> images` of uint8 images, such as JPEG there and back, after rounding; None for none.
      returned: `back(translations)`, if it is known already.

    Returns:
      The `Hiding`.

    Raises:
      ValueError: if the numbers of images differ, `back` returns another shape than that of the sources, or the noise is not
        above 0.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics.hiding import hiding
      >>> x = np.random.default_rng(0).random((10, 8, 8, 1))
      >>> found = hiding(x, 0.5 + x / 1000, lambda y: (y - 0.5) * 1000)  # the source hidden in the third digit
      >>> found.ratio > 1000
      True

    References:
      Chu et al., "CycleGAN, a Master of Steganography" (2017), https://arxiv.org/abs/1712.02950
    """
    x, y = np.asarray(sources, np.float64), np.asarray(translations, np.float64)
    if len(x) != len(y) or not len(x):
        raise ValueError(f"expected as many translations as sources, at least 1, found {len(y)} and {len(x)}")
    if not noise > 0:
        raise ValueError(f"noise must be above 0, found {noise}")

    def error(images: np.ndarray, known: Any = None) -> float:
        found = np.asarray(back(images.astype(np.float32)) if known is None else known, np.float64)
        if found.shape != x.shape:
            raise ValueError(f"back must return the shape of the sources, {x.shape}, found {found.shape}")
        return float(np.abs(found - x).mean())

    drawn = np.random.default_rng(check_seed(seed)).normal(0, noise, y.shape)
    whole = np.rint(255 * np.clip(y, 0, 1)).astype(np.uint8)
    rounded = whole if compress is None else compress(whole)
    exact, noisy = error(y, returned), error(np.clip(y + drawn, 0, 1))
    return Hiding(exact, noisy, error(rounded / 255.0), noisy / max(exact, 1e-6), _caution(exact, noise))


def _caution(exact: float, noise: float) -> str:
    """A way back that keeps the noise as it is raises an error near 0 by 0.8 of its deviation: no signal is needed for that."""
    if exact >= noise / 2:
        return ""
    return f"the cycle error, {exact:.2g}, is far below the noise of {noise:g}, which raises it without any hidden signal"
