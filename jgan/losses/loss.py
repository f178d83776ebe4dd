"""What a loss is: two functions of logits, and what the caller must know of them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.utils.registry import Registry


class Loss(NamedTuple):
    """The pair of losses of one objective; both players minimise.

    Attributes:
      discriminator: `(real_logits, fake_logits) -> values`, all of one shape.
      generator: `(real_logits, fake_logits) -> values`; `real_logits` is None unless `relativistic`.
      boundary: the logit above which the discriminator says "real"; only its reported accuracy depends on it. It means
        nothing where the logits have no zero of their own: to a Wasserstein critic, or to a relativistic loss.
      relativistic: whether the generator's loss looks at the logits of real examples.
      over_batch: whether a value depends on the whole batch (on its means), not on its own logits alone. Both functions
        then take the keyword `axis_name`: the mapped axis over which the batch is spread, or None.
    """

    discriminator: Callable[..., jax.Array]
    generator: Callable[..., jax.Array]
    boundary: float = 0.0
    relativistic: bool = False
    over_batch: bool = False


def global_mean(values: jax.Array, *, axis: int | None = None, axis_name: str | None = None) -> jax.Array:
    """The mean over the global batch, of which each device may hold an equal part.

    Args:
      values: `[B, ...]` float, this device's part.
      axis: the axis to average over; None for all.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      A scalar, or `[...]` for `axis=0`; the same on every device.

    Example:
      >>> import jax
      >>> import jax.numpy as jnp
      >>> from jgan.losses import global_mean
      >>> parts = jnp.arange(6.0).reshape(3, 2)
      >>> print(jax.vmap(lambda part: global_mean(part, axis_name="data"), axis_name="data")(parts))
      [2.5 2.5 2.5]
    """
    mean = jnp.mean(values, axis=axis)
    return mean if axis_name is None else jax.lax.pmean(mean, axis_name)


LOSSES: Registry[Loss] = Registry("loss")
"""Every loss by its name, as the command line takes it; each file of this package registers its own."""
