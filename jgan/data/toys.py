"""Toy data: mixtures of equally weighted isotropic Gaussians with known density, in one or two dimensions.

  ring8       8 modes on the unit circle, standard deviation 0.01
  grid25      25 modes on the 5x5 grid from -4 to 4, standard deviation 0.05
  gaussian1d  one mode, N(4, 0.5^2): the one-dimensional game

Counting modes (`jgan.metrics.modes`) detects missing modes, and the density detects modes of the wrong shape.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan.data import sources
from jgan.data.dataset import Dataset, reads_no_files
from jgan.types import Batch

SIZES = (50_000, 5_000, 5_000)
"""Points in the training, validation and test parts."""


class Mixture(NamedTuple):
    """A mixture of Gaussians of equal weight and equal isotropic covariance.

    Attributes:
      centres: `[modes, d]` float64.
      std: the standard deviation of each mode in each direction.
    """

    centres: np.ndarray
    std: float


# Without the angle 2 pi, which would repeat the first mode.
_ANGLES = 2 * np.pi * np.arange(8) / 8
_LINE = np.arange(-4.0, 5.0, 2.0)

MIXTURES = {
    "ring8": Mixture(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), 0.01),
    "grid25": Mixture(np.stack(np.meshgrid(_LINE, _LINE, indexing="ij"), axis=-1).reshape(25, 2), 0.05),
    "gaussian1d": Mixture(np.array([[4.0]]), 0.5),
}
"""The mixtures by the names of their sets.

References:
  The ring and the grid are those of Srivastava et al., "VEEGAN" (2017), https://arxiv.org/abs/1705.07761, and of Lin et al.,
  "PacGAN" (2017), https://arxiv.org/abs/1712.04086; the line is the game of figure 1 of Goodfellow et al. (2014),
  https://arxiv.org/abs/1406.2661
"""


def centres(name: str) -> np.ndarray:
    """The modes of a toy set.

    Args:
      name: the name of the set.

    Returns:
      `[modes, d]` float64, a copy; the labels `y` are row numbers.

    Raises:
      ValueError: if there is no such set.

    Example:
      >>> from jgan.data import toys
      >>> toys.centres("grid25").shape, toys.centres("gaussian1d").tolist()
      ((25, 2), [[4.0]])
    """
    return _mixture(name).centres.copy()


def std(name: str) -> float:
    """The standard deviation of each mode of a toy set, in each direction.

    Args:
      name: the name of the set.

    Returns:
      The deviation, in the units of the points.

    Raises:
      ValueError: if there is no such set.

    Example:
      >>> from jgan.data import toys
      >>> toys.std("ring8")
      0.01
    """
    return _mixture(name).std


def density(name: str, points: Any) -> np.ndarray:
    """The density of a toy set: `p(x) = 1/K sum_k N(x; centre_k, std^2 I)`.

    Args:
      name: the name of the set.
      points: `[..., d]` float.

    Returns:
      `[...]` float64.

    Raises:
      ValueError: if there is no such set, or the points have another dimension.

    Example:
      >>> from jgan.data import toys
      >>> round(float(toys.density("gaussian1d", [4.0])), 4)  # 1 / (0.5 sqrt(2 pi))
      0.7979
    """
    mixture = _mixture(name)
    dimension = mixture.centres.shape[-1]
    if np.ndim(points) == 0 or np.shape(points)[-1] != dimension:
        raise ValueError(f"expected points [..., {dimension}] of {name}, found {np.shape(points)}")
    return density_of(mixture, points)


def density_of(mixture: Mixture, points: Any) -> np.ndarray:
    """The density of a mixture, such as the `truth` of a toy set.

    Args:
      mixture: the mixture.
      points: `[..., d]` float.

    Returns:
      `[...]` float64.

    Example:
      >>> from jgan.data import toys
      >>> mixture = toys.MIXTURES["gaussian1d"]
      >>> bool(toys.density_of(mixture, [4.0]) == toys.density("gaussian1d", [4.0]))
      True
    """
    means, deviation = mixture.centres, mixture.std
    squared = np.sum((np.asarray(points, np.float64)[..., None, :] - means) ** 2, axis=-1)
    return np.mean(np.exp(-squared / (2 * deviation**2)), axis=-1) / (deviation * np.sqrt(2 * np.pi)) ** means.shape[-1]


def make(name: str, n: int, *, seed: int | tuple[int, ...]) -> Batch:
    """Draws points: for each a uniformly random mode, then a normal deviation from its centre.

    Args:
      name: the name of the set.
      n: the number of points.
      seed: of NumPy's PCG64; the same seed gives the same points.

    Returns:
      The `Batch`: points `x` `[n, d]` float32, modes `y` `[n]` int32.

    Raises:
      ValueError: if there is no such set.

    Example:
      >>> from jgan.data import toys
      >>> x, y, _ = toys.make("ring8", 5, seed=0)
      >>> x.shape, bool(abs(x - toys.centres("ring8")[y]).max() < 0.05)
      ((5, 2), True)
    """
    means, deviation = _mixture(name)
    generator = np.random.Generator(np.random.PCG64(seed))
    modes = generator.integers(len(means), size=n, dtype=np.int32)
    noise = generator.standard_normal((n, means.shape[1]))
    return Batch((means[modes] + deviation * noise).astype(np.float32), modes)


def load(name: str, data_dir: Path | None = None, *, seed: int = 0) -> Dataset:
    """Generates a toy set from its seed.

    Args:
      name: `"ring8"`, `"grid25"` or `"gaussian1d"`.
      data_dir: must be None: there are no files to read.
      seed: the seed of the points.

    Returns:
      The `Dataset`: 50,000 / 5,000 / 5,000 points `[N, d]` float32, whose labels are the modes; its `truth` is the `Mixture`.

    Raises:
      ValueError: if there is no such set, or a folder is given.

    Example:
      >>> from jgan.data import toys
      >>> dataset = toys.load("grid25")
      >>> dataset.train.x.shape, dataset.test.x.shape
      ((50000, 2), (5000, 2))
    """
    reads_no_files(name, data_dir)
    train, validation, test = (make(name, n, seed=(seed, part)) for part, n in enumerate(SIZES))
    return Dataset(name, train, validation, test, truth=_mixture(name))


def _mixture(name: str) -> Mixture:
    if name not in MIXTURES:
        raise ValueError(f"unknown toy set {name!r}: known are {', '.join(MIXTURES)}")
    return MIXTURES[name]


sources.register("ring8", load, "60,000 synthetic points in two dimensions, 8 narrow modes on the unit circle")
sources.register("grid25", load, "60,000 synthetic points in two dimensions, 25 narrow modes on a 5x5 grid")
sources.register("gaussian1d", load, "60,000 synthetic points in one dimension, N(4, 0.5^2)")
