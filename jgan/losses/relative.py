"""Relativistic losses: functions of the difference between the logits of real and of fake examples.

Let m = r - f be the margin of a real example's logit over a fake's, and cost(m) a decreasing cost of the margin: large where
m is negative, small where m is positive. The generator's loss is the discriminator's with reals and fakes exchanged. Each
cost gives two games:

  paired:     D: cost(r - f)                                G: cost(f - r)
  averaged:   D: [cost(r - mean f) + cost(mean r - f)] / 2   G: [cost(f - mean r) + cost(mean f - r)] / 2

Adding a constant to all logits does not change these losses, so `Loss.boundary` is meaningless for them.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jgan.losses.loss import LOSSES, Logits, Loss, Values, global_mean

Cost = Callable[[Logits], Values]
"""`cost(margins) -> values`, elementwise."""


def _require_one_size(real_logits: Logits | None, fake_logits: Logits) -> None:
    if real_logits is None:
        raise ValueError("a relativistic loss compares fakes with real examples: it needs real_logits, found None")
    if np.shape(real_logits) != np.shape(fake_logits):
        raise ValueError(
            "a relativistic loss pairs each real example with a fake, or averages over two batches of equal size: real_logits "
            f"and fake_logits must have the same shape, found {np.shape(real_logits)} and {np.shape(fake_logits)}"
        )


def relativistic_paired(cost: Cost) -> Loss:
    """The game that pairs each real example with one fake: `D: cost(r - f)` and `G: cost(f - r)`.

    Args:
      cost: the cost of a margin, elementwise.

    Returns:
      The `Loss`, relativistic. Both functions take and return arrays of one shape `[...]`.

    Raises:
      ValueError: when the loss is called, if the shapes differ or the generator gets no `real_logits`.

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

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Values:
        _require_one_size(real_logits, fake_logits)
        return cost(real_logits - fake_logits)

    def generator(real_logits: Logits, fake_logits: Logits) -> Values:
        _require_one_size(real_logits, fake_logits)
        return cost(fake_logits - real_logits)

    return Loss(discriminator, generator, relativistic=True)


def relativistic_averaged(cost: Cost, *, detached: bool = False) -> Loss:
    """The game that compares each example with the mean of the other kind.

    `D: [cost(r - mean f) + cost(mean r - f)] / 2`; G's loss is D's with reals and fakes exchanged. The paper has the sum; the
    factor 1/2 is from the author's code, which produced the paper's results. With it, the loss equals the paired loss if all
    reals are equal and all fakes are equal.

    Args:
      cost: the cost of a margin, elementwise.
      detached: whether the means are constants to the discriminator's gradient, as in the code of ESRGAN, whose two halves have
        backward passes of their own; the values are the same.

    Returns:
      The `Loss`, relativistic and over the batch: the means are over all logits of the *global* batch, and `axis_name` is
      the mapped axis over which it is sharded, or None. Both functions take and return arrays of one shape `[B, ...]`.

    Raises:
      ValueError: when the loss is called, if the shapes differ or the generator gets no `real_logits`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> hinge = losses.relativistic_averaged(lambda margin: jnp.maximum(0, 1 - margin))
      >>> real, fake = jnp.array([2.0, 1.0]), jnp.array([0.0, 1.0])  # their means are 1.5 and 0.5
      >>> print(hinge.discriminator(real, fake), hinge.generator(real, fake))
      [0.  0.5] [2.5 1.5]

    References:
      Jolicoeur-Martineau (2018), section 4 and `GAN_losses_iter.py` (the README of that repository has a sign error),
      https://arxiv.org/abs/1807.00734, https://github.com/AlexiaJM/RelativisticGAN
    """

    def compared(first: jax.Array, second: jax.Array, axis_name: str | None, hold: Callable) -> Values:
        first_mean, second_mean = (hold(global_mean(logits, axis_name=axis_name)) for logits in (first, second))
        return 0.5 * (cost(first - second_mean) + cost(first_mean - second))

    def discriminator(real_logits: Logits, fake_logits: Logits, *, axis_name: str | None = None) -> Values:
        _require_one_size(real_logits, fake_logits)
        hold = jax.lax.stop_gradient if detached else lambda mean: mean
        return compared(jnp.asarray(real_logits), jnp.asarray(fake_logits), axis_name, hold)

    def generator(real_logits: Logits, fake_logits: Logits, *, axis_name: str | None = None) -> Values:
        _require_one_size(real_logits, fake_logits)
        return compared(jnp.asarray(fake_logits), jnp.asarray(real_logits), axis_name, lambda mean: mean)

    return Loss(discriminator, generator, relativistic=True, over_batch=True)


def _logistic(margin: Logits) -> Values:
    return jax.nn.softplus(-margin)  # -log sigmoid(margin)


relativistic = relativistic_paired(_logistic)
"""The loss of RSGAN and R3GAN: `D: s(-(r - f))` and `G: s(-(f - r))`, with s(t) = log(1 + exp t)."""

relativistic_average = relativistic_averaged(_logistic)
"""The loss of RaSGAN and ESRGAN: `D: [s(-(r - mean f)) + s(f - mean r)] / 2`."""

relativistic_average_detached = relativistic_averaged(_logistic, detached=True)
"""The same with means that are constants to the discriminator's gradient, as in ESRGAN's code."""

relativistic_average_least_squares = relativistic_averaged(lambda margin: jnp.square(margin - 1))
"""RaLSGAN: `D: [(r - mean f - 1)^2 + (f - mean r + 1)^2] / 2`."""

relativistic_average_hinge = relativistic_averaged(lambda margin: jax.nn.relu(1 - margin))
"""RaHingeGAN: `D: [max(0, 1 - (r - mean f)) + max(0, 1 + (f - mean r))] / 2`."""

LOSSES.register("relativistic", relativistic)
LOSSES.register("relativistic_average", relativistic_average)
LOSSES.register("relativistic_average_detached", relativistic_average_detached)
LOSSES.register("relativistic_average_least_squares", relativistic_average_least_squares)
LOSSES.register("relativistic_average_hinge", relativistic_average_hinge)
