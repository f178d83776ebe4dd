"""Feature matching: a generator loss on the mean features of an inner discriminator layer."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jgan.losses.loss import global_mean
from jgan.utils.checks import example_shape


def feature_matching(
    real_features: Any, fake_features: Any, *, absolute: bool = False, axis_name: str | None = None
) -> Float[jax.Array, ""]:
    """The generator's loss `|| E f(x) - E f(G(z)) ||^2`, where f is an inner layer of the discriminator.

    The means are over the global batch. It is not a `Loss`: it takes features instead of logits, and returns one scalar.

    Args:
      real_features: `[B, ...]` float, the features of real examples, or a tree of such arrays (several layers).
      fake_features: the same for the fakes, `[B', ...]`; B' may differ from B.
      absolute: whether to take the absolute differences instead of the squared ones, as the authors' code for photographs.
      axis_name: the mapped axis over which both batches are sharded, or None.

    Returns:
      A scalar: the squared (or absolute) differences of the means, summed over all features.

    Raises:
      ValueError: if the tree structures or the shapes of one example's features differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> real, fake = jnp.array([[1.0, 0.0], [3.0, 0.0]]), jnp.array([[0.0, 1.0]])
      >>> print(losses.feature_matching(real, fake))  # the means are (2, 0) and (0, 1)
      5.0

    References:
      Salimans et al., "Improved Techniques for Training GANs" (2016), section 3.1, https://arxiv.org/abs/1606.03498
    """
    trees: list[Any] = [jax.tree.structure(features) for features in (real_features, fake_features)]
    if trees[0] != trees[1]:
        raise ValueError(f"real_features and fake_features must have the same tree structure, found {trees[0]} and {trees[1]}")

    def distance(real: jax.Array, fake: jax.Array) -> jax.Array:
        example_shape("fake_features", fake, np.shape(real)[1:])
        real_mean, fake_mean = (global_mean(features, axis=0, axis_name=axis_name) for features in (real, fake))
        return jnp.sum((jnp.abs if absolute else jnp.square)(real_mean - fake_mean))

    return jax.tree.reduce(jnp.add, jax.tree.map(distance, real_features, fake_features))
