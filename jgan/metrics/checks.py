"""Input checks of the metrics: a senseless input raises an error instead of giving a wrong figure.

A figure that is right by its formula but says little (of too few samples, say) comes with a sentence in the field `caution` of
its result, which is empty otherwise.
"""

from typing import Any

import jax
import numpy as np
from jaxtyping import Real


def features(name: str, array: Any, least: int = 2, *, like: Any = None) -> Real[np.ndarray, "n d"]:
    """Checks that features are a finite `[N, d]` array with enough rows.

    Args:
      name: the name of the array in error messages.
      array: NumPy or JAX, `[N, d]`, of any real type.
      least: the minimum number of samples.
      like: features whose dimension these must match, or None.

    Returns:
      The array as a NumPy array of its own dtype.

    Raises:
      ValueError: if the shape or the dimension is wrong, there are too few samples, or a value is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import checks
      >>> checks.features("fake", np.array([[1.0, 2.0], [np.nan, 0.0]]))
      Traceback (most recent call last):
      ValueError: fake: 1 of 2 samples has a feature that is not finite, the first is number 1; leave it out or find its cause
      >>> checks.features("fake", np.ones((3, 2)), 5)
      Traceback (most recent call last):
      ValueError: fake: expected at least 5 samples, found 3; draw more
    """
    found = real_numbers(name, array)
    if found.ndim != 2 or not found.shape[1]:
        raise ValueError(f"{name}: expected features [N, d], found an array of the shape {found.shape}")
    if like is not None and found.shape[1] != np.shape(like)[1]:
        raise ValueError(f"{name}: expected {np.shape(like)[1]} features per sample like the others, found {found.shape[1]}")
    if len(found) < least:
        raise ValueError(f"{name}: expected at least {least:,} samples, found {len(found):,}; draw more")
    # A finite sum means finite values. Only if the sum is not finite (NaN, infinity or overflow) is each row checked.
    with np.errstate(invalid="ignore", over="ignore"):
        total = found.sum(dtype=np.float64)
    if not np.isfinite(total):
        bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
        if len(bad):
            verb = "has" if len(bad) == 1 else "have"
            raise ValueError(
                f"{name}: {len(bad):,} of {len(found):,} samples {verb} a feature that is not finite, the first is number "
                f"{bad[0]}; leave it out or find its cause"
            )
    if found.dtype.kind == "f" and found.dtype.itemsize > 4 and max(-found.min(), found.max()) > LARGEST:
        largest = max(-found.min(), found.max())
        raise ValueError(f"{name}: features up to {largest:.1e} overflow when they are squared; scale them down")
    return found


LARGEST = 1e100
"""The largest absolute value of a feature: the sums of squares of larger ones may overflow in float64."""


def real_numbers(name: str, array: Any) -> np.ndarray:
    """Checks that an array holds real numbers.

    Args:
      name: the name of the array in error messages.
      array: NumPy, JAX or a nested list, of any shape.

    Returns:
      The array as a NumPy array of its own dtype.

    Raises:
      ValueError: if it holds complex numbers (whose imaginary parts would be dropped), texts or objects, or values are masked.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import checks
      >>> checks.real_numbers("fake", np.ones(2) + 1j)
      Traceback (most recent call last):
      ValueError: fake: expected real numbers, found complex128
    """
    if np.ma.is_masked(array):
        raise ValueError(f"{name}: {np.ma.count_masked(array):,} values are masked; leave those samples out")
    found = np.asarray(array)
    if found.dtype.kind not in "biuf" and not jax.dtypes.issubdtype(found.dtype, np.floating):
        raise ValueError(f"{name}: expected real numbers, found {found.dtype}")
    return found


def few(what: str, n: int, least: int, why: str) -> str:
    """The caution for too few samples.

    Args:
      what: what there are few of, in the plural.
      n: their number.
      least: the number from which there are enough.
      why: the consequence.

    Returns:
      The sentence; "" if there are enough.

    Example:
      >>> from jgan.metrics import checks
      >>> checks.few("generated samples", 20, 100, "the score is noisy")
      '20 generated samples, fewer than 100: the score is noisy'
      >>> checks.few("generated samples", 100, 100, "the score is noisy")
      ''
    """
    return f"{n:,} {what}, fewer than {least:,}: {why}" if n < least else ""


def joined(*cautions: str) -> str:
    """The cautions that are not empty, as one text."""
    return "; ".join(filter(None, cautions))


def images(name: str, array: Any, least: int = 1, *, like: Any = None) -> Real[np.ndarray, "n h w c"]:
    """Checks that images are `[N, H, W, C]`, uint8 or floats from 0 to 1, and enough.

    Args:
      name: the name of the array in error messages.
      array: NumPy or JAX, uint8, or float in [0, 1] with a tolerance of 0.001.
      least: the minimum number of images.
      like: images whose shape each of these must match, or None.

    Returns:
      The array as a NumPy array of its own dtype.

    Raises:
      ValueError: if the shape, the dtype, the number of images or the range of values is wrong.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import checks
      >>> checks.images("fake", np.full((2, 8, 8, 1), 128.0))
      Traceback (most recent call last):
      ValueError: fake: expected floats from 0 to 1, or uint8, found float64 from 128 to 128
    """
    found = real_numbers(name, array)
    if found.ndim != 4 or 0 in found.shape[1:]:
        raise ValueError(f"{name}: expected images [N, H, W, C], found an array of the shape {found.shape}")
    if like is not None and found.shape[1:] != np.shape(like)[1:]:
        raise ValueError(f"{name}: expected images of the shape {np.shape(like)[1:]} like the others, found {found.shape[1:]}")
    if len(found) < least:
        raise ValueError(f"{name}: expected at least {least:,} images, found {len(found):,}; draw more")
    if found.dtype != np.uint8 and len(found):
        low, high = found.min(), found.max()
        if not (found.dtype.kind == "f" and low >= -1e-3 and high <= 1 + 1e-3):  # NaN fails both comparisons
            raise ValueError(f"{name}: expected floats from 0 to 1, or uint8, found {found.dtype} from {low:g} to {high:g}")
    return found
