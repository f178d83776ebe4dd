"""Reference values for sample-based metrics: training images and k-means centroids measured as if they were samples.

A metric that ranks cluster means above real images does not measure realism. The Parzen-window log-likelihood is such a metric:
Theis et al., "A note on the evaluation of generative models" (2015), https://arxiv.org/abs/1511.01844. We therefore report
these two anchors, measured by the same procedure, next to a generator's figure.
"""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Shaped

from jgan.metrics import checks, parzen
from jgan.utils.checks import seed as check_seed
from jgan.utils.checks import whole

IMAGES_PER_CENTROID = 5
"""Minimum mean cluster size: with one image per cluster, the centroids would be the training images."""

ITERATIONS = 5
"""Rounds of k-means: for 10,000 centroids of MNIST, about a minute of CPU time; five more rounds change the figure by 0.03."""


class Anchor(NamedTuple):
    """The result for one anchor.

    Attributes:
      num_samples: the number of images used as samples.
      parzen: the Parzen-window result.
    """

    num_samples: int
    parzen: parzen.Parzen


def training_images(
    training: Shaped[np.ndarray, " images *shape"], n: int, *, seed: int
) -> Shaped[np.ndarray, " drawn *shape"]:
    """Draws training images without replacement: the score of a model that memorises the training set.

    Args:
      training: `[N, ...]`, the training images.
      n: the number of images to draw; all are taken if there are fewer.
      seed: the seed of the draw.

    Returns:
      `[min(n, N), ...]` of the dtype of `training`.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import anchors
      >>> sorted(anchors.training_images(np.arange(3), 10, seed=0).tolist())
      [0, 1, 2]
    """
    n, seed = whole("n", n, 1), check_seed(seed)
    order = np.random.default_rng(seed).permutation(len(training))
    return np.asarray(training)[order[:n]]


def centroid_count(n: int, training_size: int) -> int:
    """The number of centroids that replace `n` samples: n, or one per five training images if that is fewer.

    Args:
      n: the number of samples.
      training_size: the number of training images.

    Returns:
      The number of clusters, at least 1.

    Example:
      >>> from jgan.metrics import anchors
      >>> anchors.centroid_count(10_000, 50_000), anchors.centroid_count(10_000, 1_300)
      (10000, 260)
    """
    return max(1, min(n, training_size // IMAGES_PER_CENTROID))


def centroids(
    training: Float[np.ndarray, " n *shape"], k: int, *, seed: int, iterations: int = ITERATIONS
) -> Float32[np.ndarray, " k *shape"]:
    """The means of k clusters of the training images: scikit-learn's k-means, initialised with k random images.

    Args:
      training: `[N, ...]` float, the training images.
      k: the number of clusters, at most N.
      seed: the seed of the initial images.
      iterations: the maximum number of rounds of Lloyd's algorithm, each of 2 N k d operations.

    Returns:
      `[k, ...]` float32.

    Raises:
      ValueError: if there are fewer images than clusters.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import anchors
      >>> sorted(anchors.centroids(np.array([[0.0], [0.5], [8.0], [8.5]]), 2, seed=0).ravel().tolist())
      [0.25, 8.25]
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    k, seed = whole("k", k), check_seed(seed)
    if not 1 <= k <= len(training):
        raise ValueError(f"expected between 1 and {len(training)} clusters, as many as training images, found {k}")
    flat = checks.real_numbers("training", training).astype(np.float32).reshape(len(training), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # raised if images coincide; equal centroids are correct then
        model = KMeans(k, init="random", n_init=1, max_iter=iterations, random_state=seed).fit(flat)
    # A mean lies in the range of its images; rounding may put it slightly outside.
    means = np.clip(model.cluster_centers_, flat.min(), flat.max())
    return means.astype(np.float32).reshape(k, *np.shape(training)[1:])


def evaluate(
    training: Float[np.ndarray, " images *shape"],
    validation: Float[np.ndarray, " v *shape"],
    test: Float[np.ndarray, " t *shape"],
    *,
    n: int,
    seed: int,
    iterations: int = ITERATIONS,
) -> dict[str, Anchor]:
    """Evaluates both anchors by the procedure used for a generator.

    Args:
      training: `[N, ...]` float in [0, 1].
      validation: `[V, ...]` float, used to choose sigma.
      test: `[T, ...]` float.
      n: the number of samples the generator is evaluated with.
      seed: the seed of the draw and of k-means.
      iterations: the maximum number of rounds of k-means.

    Returns:
      `{"training_images": Anchor, "kmeans_centroids": Anchor}`.

    Raises:
      ValueError: if the shapes disagree.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import anchors
      >>> images = np.random.default_rng(0).uniform(size=(60, 4))
      >>> found = anchors.evaluate(images[:40], images[40:50], images[50:], n=20, seed=0)
      >>> {name: anchor.num_samples for name, anchor in found.items()}
      {'training_images': 20, 'kmeans_centroids': 8}
    """
    sets = {
        "training_images": training_images(training, n, seed=seed),
        "kmeans_centroids": centroids(training, centroid_count(n, len(training)), seed=seed, iterations=iterations),
    }
    return {name: Anchor(len(images), parzen.evaluate(images, validation, test)) for name, images in sets.items()}
