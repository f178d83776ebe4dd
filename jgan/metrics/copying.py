"""Data-copying metrics: whether generated samples are too close to training samples.

Both metrics compare a distance between a generated and a training sample with a reference distance: for authenticity, the
distance from that training sample to its nearest training neighbour; for C_T, the distances from held-out samples to the
training set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Float64

from jgan.metrics import blocks, neighbours
from jgan.metrics.blocks import Progress
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole
from jgan.utils.shapes import AnyArray


class CT(NamedTuple):
    """The result of the C_T test.

    Attributes:
      value: C_T. Far below 0: generated samples are closer to the training set than held-out samples, as copies are. Near 0:
        equally close. Far above 0: further away.
      z_scores: `[cells]` float64, the score of each cell; `value` is their weighted mean. NaN for cells with too few generated
        samples.
      weights: `[cells]` float64, the fraction of held-out samples in each cell.
      seed: the seed of k-means.
      caution: why the value says little, or "".
    """

    value: float
    z_scores: Float64[np.ndarray, " cells"]
    weights: Float64[np.ndarray, " cells"]
    seed: int
    caution: str = ""


def authenticity(
    training: Float[AnyArray, "n d"],
    fake: Float[AnyArray, "m d"],
    *,
    devices: Sequence[jax.Device] | None = None,
    progress: Progress | None = None,
) -> float:
    """Authenticity: the fraction of generated samples that are not copies of training samples.

    Let t be the training sample nearest to a generated sample g. Then g is authentic if another training sample is nearer to t
    than g is: d(t, t') < d(t, g). Authenticity is 0 for copies of the training set (unless the set contains duplicates) and
    about one half for fresh samples of the same distribution. `AuthPct` is this times 100.

    Args:
      training: `[N, d]` float, features of the training samples.
      fake: `[M, d]` float, features of the generated samples.
      devices: the devices over which a block is sharded; None for the default device.
      progress: called periodically as progress(samples done, N + M).

    Returns:
      The fraction, from 0 to 1.

    Raises:
      ValueError: if there are fewer than two training samples, dimensions differ, or a feature is not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import copying
      >>> training = np.array([[0.0], [1.0], [5.0]])
      >>> copying.authenticity(training, np.array([[0.1], [2.5], [7.0], [9.5]]))  # 1.5 > 1, and 4.5 > 4
      0.5

    References:
      Alaa et al., "How faithful is your synthetic data?" (2022), section 3.3, https://arxiv.org/abs/2102.08921, and `authpct`
      of Stein et al.'s package `dgm-eval` (2023), https://arxiv.org/abs/2306.04675
    """
    training = blocks.floats("training", training, 2)
    fake = blocks.floats("fake", fake, 1, training)
    n, m = len(training), len(fake)

    def after(before: int) -> Progress | None:
        return (lambda done, _: progress(before + done, n + m)) if progress else None

    to_training = neighbours.nearest(fake, training, devices=devices, progress=after(0))
    within = neighbours.nearest(training, devices=devices, progress=after(m))
    return float((within.distances[to_training.indices[:, 0], 0] < to_training.distances[:, 0]).mean())


def c_t(
    training: Float[AnyArray, "n d"],
    test: Float[AnyArray, "p d"],
    fake: Float[AnyArray, "m d"],
    *,
    cells: int = 3,
    least: int = 20,
    seed: int = 0,
) -> CT:
    """The data-copying statistic C_T: whether generated samples are closer to the training set than held-out samples are.

    k-means cuts the training set into cells. In each cell, U counts the pairs of a generated and a held-out sample in which the
    generated one is further from the cell's training samples; a tie counts one half. U is standardised under the hypothesis
    that both have the same distribution: for m generated and n held-out samples,
    Z = (U - m n / 2 + 1 / 2) / sqrt(m n (m + n + 1) / 12).

      C_T = sum_c P(c) Z_c / sum_c P(c),    P(c) the fraction of held-out samples in cell c,

    over the cells with enough generated samples. With a single cell, Z is approximately standard normal under the hypothesis;
    the mean over several cells has a smaller variance.

    Args:
      training: `[N, d]` float, features of the training samples.
      test: `[P, d]` float, features of held-out samples of the same distribution.
      fake: `[M, d]` float, features of the generated samples. The test has more power in few dimensions: `dgm-eval` uses the
        first 64 principal components of the training features.
      cells: the number of cells.
      least: the minimum number of generated samples for a cell to count.
      seed: the seed of k-means.

    Returns:
      The `CT`.

    Raises:
      ValueError: if a cell has no held-out samples, no cell has enough generated samples, dimensions differ, or a feature is
        not finite.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import copying
      >>> training, test, fresh = np.random.default_rng(0).normal(size=(3, 200, 2))
      >>> abs(copying.c_t(training, test, fresh).value) < 2
      True
      >>> copying.c_t(training, test, training + 0.001).value < -5
      True

    References:
      Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative models" (2020), section 3,
      https://arxiv.org/abs/2004.05675. Distances within a cell, and the 1 / 2, follow the authors' code.
    """
    from scipy.stats import rankdata
    from sklearn.cluster import KMeans

    cells, seed = whole("cells", cells, 1), check_seed(seed)
    training = blocks.floats("training", training, cells)
    test, fake = (blocks.floats(name, points, 1, training) for name, points in (("test", test), ("fake", fake)))
    model = KMeans(cells, n_init=10, random_state=seed).fit(training)
    kind = training.dtype
    of_training, of_test, of_fake = (model.predict(points.astype(kind)) for points in (training, test, fake))
    weights = np.bincount(of_test, minlength=cells) / len(test)
    if not weights.all():
        raise ValueError(
            f"expected held-out samples in each of {cells} cells, found none in some; draw more, or use fewer cells"
        )
    z_scores = np.full(cells, np.nan)
    for cell in range(cells):
        samples = [points[labels == cell] for points, labels in ((fake, of_fake), (test, of_test))]
        m, n = map(len, samples)
        if m < max(1, least):
            continue
        near = training[of_training == cell]
        further = np.concatenate([neighbours.nearest(points, near).distances[:, 0] for points in samples])
        u = rankdata(further)[:m].sum() - m * (m + 1) / 2
        z_scores[cell] = (u - m * n / 2 + 0.5) / np.sqrt(m * n * (m + n + 1) / 12)
    counted = ~np.isnan(z_scores)
    if not counted.any():
        raise ValueError(f"expected at least {least} generated samples in some cell, found fewer in all {cells}; draw more")
    value = np.average(z_scores[counted], weights=weights[counted])
    left_out = int((~counted).sum())
    caution = f"{left_out} of {cells} cells have fewer than {least} generated samples and do not count" if left_out else ""
    return CT(float(value), z_scores, weights, seed, caution)
