"""Relativistic losses: the discriminator does not say how real an example is, but how much more real than another.

Write m = r - f for the margin by which a real example beats a fake, and cost(m) for what it costs to claim such a margin:
large where m is negative, small where it is positive. The discriminator claims that the reals win, the generator that the
fakes do, so its loss is the discriminator's with the two exchanged. Two games come of each cost:

  paired:     D: cost(r - f)                                G: cost(f - r)
  averaged:   D: [cost(r - mean f) + cost(mean r - f)] / 2   G: [cost(f - mean r) + cost(mean f - r)] / 2

Adding a constant to the discriminator changes nothing: its logits have no zero, and `Loss.boundary` no meaning.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jgan.losses.loss import LOSSES, Loss, global_mean

Cost = Callable[[jax.Array], jax.Array]
"""`cost(margins) -> values`, elementwise."""


def _require_one_size(real_logits: jax.Array | None, fake_logits: jax.Array) -> None:
    if real_logits is None:
        raise ValueError("a relativistic loss compares the fakes with real examples: it needs real_logits, found None")
    if np.shape(real_logits) != np.shape(fake_logits):
        raise ValueError(
            "a relativistic loss pairs each real example with a fake, or averages over two batches of one size: real_logits "
            f"and fake_logits must have the same shape, found {np.shape(real_logits)} and {np.shape(fake_logits)}"
        )


def relativistic_paired(cost: Cost) -> Loss:
    """The game in which each real example meets one fake: `D: cost(r - f)` and `G: cost(f - r)`.

    Args:
      cost: what a claimed margin costs, elementwise.

    Returns:
      The `Loss`, relativistic. Both functions take and return arrays of one shape `[...]`.

    Raises:
      ValueError: at the call, if the batches differ in shape, or the generator is given no `real_logits`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> hinge = losses.relativistic_paired(lambda margin: jnp.maximum(0, 1 - margin))
      >>> real, fake = jnp.array([2.0, 0.5]), jnp.array([0.0, 1.0])
      >>> print(hinge.discriminator(real, fake), hinge.generator(real, fake))
      [0.  1.5] [3.  0.5]

    References:
      Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN" (2018), section 4,
      https://arxiv.org/abs/1807.00734
    """

    def discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
        _require_one_size(real_logits, fake_logits)
        return cost(real_logits - fake_logits)

    def generator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
        _require_one_size(real_logits, fake_logits)
        return cost(fake_logits - real_logits)

    return Loss(discriminator, generator, relativistic=True)


def relativistic_averaged(cost: Cost) -> Loss:
    """The game in which each example meets the average of the other kind.

    `D: [cost(r - mean f) + cost(mean r - f)] / 2`; G's is D's with reals and fakes exchanged. The paper prints the sum; the
    half is that of its author's code, which made its results, and with it a batch whose reals are all alike and whose fakes
    are too costs what it costs in the paired game.

    Args:
      cost: what a claimed margin costs, elementwise.

    Returns:
      The `Loss`, relativistic and over the batch: the means are over all logits of the *global* batch, and `axis_name` is
      the mapped axis over which it is spread, if any. Both functions take and return arrays of one shape `[B, ...]`.

    Raises:
      ValueError: at the call, if the batches differ in shape, or the generator is given no `real_logits`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> hinge = losses.relativistic_averaged(lambda margin: jnp.maximum(0, 1 - margin))
      >>> real, fake = jnp.array([2.0, 1.0]), jnp.array([0.0, 1.0])  # their means are 1.5 and 0.5
      >>> print(hinge.discriminator(real, fake), hinge.generator(real, fake))
      [0.  0.5] [2.5 1.5]

    References:
      Jolicoeur-Martineau (2018), section 4 and `GAN_losses_iter.py` (the README beside it has a sign wrong),
      https://arxiv.org/abs/1807.00734, https://github.com/AlexiaJM/RelativisticGAN
    """

    def discriminator(real_logits: jax.Array, fake_logits: jax.Array, *, axis_name: str | None = None) -> jax.Array:
        _require_one_size(real_logits, fake_logits)
        real_mean, fake_mean = (global_mean(logits, axis_name=axis_name) for logits in (real_logits, fake_logits))
        return 0.5 * (cost(real_logits - fake_mean) + cost(real_mean - fake_logits))

    def generator(real_logits: jax.Array, fake_logits: jax.Array, *, axis_name: str | None = None) -> jax.Array:
        _require_one_size(real_logits, fake_logits)
        return discriminator(fake_logits, real_logits, axis_name=axis_name)

    return Loss(discriminator, generator, relativistic=True, over_batch=True)


def _logistic(margin: jax.Array) -> jax.Array:
    return jax.nn.softplus(-margin)  # -log sigmoid(margin)


relativistic = relativistic_paired(_logistic)
"""RSGAN, and the loss of R3GAN: `D: s(-(r - f))` and `G: s(-(f - r))`, with s(t) = log(1 + exp t)."""

relativistic_average = relativistic_averaged(_logistic)
"""RaSGAN, ESRGAN's loss too: `D: [s(-(r - mean f)) + s(f - mean r)] / 2`."""

relativistic_average_least_squares = relativistic_averaged(lambda margin: jnp.square(margin - 1))
"""RaLSGAN: `D: [(r - mean f - 1)^2 + (f - mean r + 1)^2] / 2`."""

relativistic_average_hinge = relativistic_averaged(lambda margin: jax.nn.relu(1 - margin))
"""RaHingeGAN: `D: [max(0, 1 - (r - mean f)) + max(0, 1 + (f - mean r))] / 2`."""

LOSSES.register("relativistic", relativistic)
LOSSES.register("relativistic_average", relativistic_average)
LOSSES.register("relativistic_average_least_squares", relativistic_average_least_squares)
LOSSES.register("relativistic_average_hinge", relativistic_average_hinge)
