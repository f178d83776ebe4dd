"""Whether generated samples are copies of the training set, told by how near they come to it.

Both measures compare a distance between a generated and a training sample with one that is natural: authenticity with the
distance from that training sample to its nearest other one, C_T with the distances from held-out samples to the training set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from jgan.metrics import blocks, neighbours
from jgan.metrics.blocks import Progress
from jgan.metrics.parzen import Images


class CT(NamedTuple):
    """A data-copying test.

    Attributes:
      value: C_T: far below 0 if generated samples are nearer to the training set than held-out ones, as copies are; about 0
        if they are as near; far above 0 if they are further away.
      z_scores: `[cells]` float64, the score of each cell, of which `value` is the weighted mean; NaN where there are too few
        generated samples.
      weights: `[cells]` float64, the share of each cell in the held-out samples.
      seed: of the clusters.
    """

    value: float
    z_scores: np.ndarray
    weights: np.ndarray
    seed: int


def authenticity(
    training: Images, fake: Images, *, devices: Sequence[jax.Device] | None = None, progress: Progress | None = None
) -> float:
    """The share of generated samples that are authentic.

    Let t be the training sample that is nearest to a generated one, g. Then g is authentic if some other training sample is
    nearer to t than g is: d(t, t') < d(t, g). Of copies of the training set none is (unless it holds copies itself); of fresh
    samples of the same distribution about a half are. `AuthPct` is this times 100.

    Args:
      training: `[N, d]` float, features of the training samples.
      fake: `[M, d]` float, features of the generated ones.
      devices: among which the samples of a block are divided; None for the default device.
      progress: called now and then with the number of samples done and the number there are, N + M.

    Returns:
      The share, from 0 to 1.

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


def c_t(training: Images, test: Images, fake: Images, *, cells: int = 3, least: int = 20, seed: int = 0) -> CT:
    """The data-copying statistic C_T: are generated samples nearer to the training set than held-out ones are?

    The training set is cut into cells by k-means. In each, let U count the pairs of a generated and a held-out sample of
    which the generated one is further from the cell's training samples, a tie as a half. It is standardised as if
    both were alike: of m generated and n held-out samples, Z = (U - m n / 2 + 1 / 2) / sqrt(m n (m + n + 1) / 12).

      C_T = sum_c P(c) Z_c / sum_c P(c),    P(c) the share of the cell in the held-out samples,

    over the cells that hold enough generated samples. One cell alone gives a Z that is nearly standard normal if both are
    alike; the mean of more varies less.

    Args:
      training: `[N, d]` float, features of the training samples.
      test: `[P, d]` float, features of samples of the same distribution that were not trained on.
      fake: `[M, d]` float, features of the generated ones. The test is sharper in few dimensions: `dgm-eval` takes the first
        64 principal components of the training samples' features.
      cells: how many.
      least: the smallest number of generated samples with which a cell is counted.
      seed: of k-means.

    Returns:
      The `CT`.

    Raises:
      ValueError: if a cell holds no held-out sample, or none is counted; dimensions differ, or a feature is not finite.

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
      https://arxiv.org/abs/2004.05675. The distances within a cell and the 1 / 2 are as in their code.
    """
    from scipy.stats import rankdata
    from sklearn.cluster import KMeans

    training = blocks.floats("training", training, cells)
    test, fake = (blocks.floats(name, points, 1, training) for name, points in (("test", test), ("fake", fake)))
    model = KMeans(cells, n_init=10, random_state=seed).fit(training)
    kind = training.dtype
    of_training, of_test, of_fake = (model.predict(points.astype(kind)) for points in (training, test, fake))
    weights = np.bincount(of_test, minlength=cells) / len(test)
    if not weights.all():
        raise ValueError(
            f"expected held-out samples in each of {cells} cells, found none in some; draw more, or cut fewer cells"
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
    return CT(float(value), z_scores, weights, seed)
