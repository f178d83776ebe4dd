"""`Loss`: the two loss functions of a game, and their properties."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.utils.registry import Registry

Logits = Float[jax.Array, " *shape"]
"""Logits: one per example, or a map of them per example, one for each patch. All in one signature have the same shape."""

Values = Float[jax.Array, " *shape"]
"""The values of a loss, one for each logit."""


class Loss(NamedTuple):
    """The losses of the two players; both players minimise.

    Attributes:
      discriminator: `(real_logits, fake_logits) -> values`, all of one shape.
      generator: `(real_logits, fake_logits) -> values`; `real_logits` is None unless `relativistic`.
      boundary: the logit above which the discriminator classifies an example as real; only the reported accuracy depends on
        it. It is meaningless where logits are defined up to a constant: for a Wasserstein critic or a relativistic loss.
      relativistic: whether the generator's loss uses the logits of real examples.
      over_batch: whether a value depends on means over the batch as well as on its own logits. Both functions then take the
        keyword `axis_name`: the mapped axis over which the batch is sharded, or None.
    """

    discriminator: Callable[..., Values]
    generator: Callable[..., Values]
    boundary: float = 0.0
    relativistic: bool = False
    over_batch: bool = False


def global_mean(
    values: Float[jax.Array, "..."], *, axis: int | None = None, axis_name: str | None = None
) -> Float[jax.Array, "..."]:
    """The mean over the global batch, which may be sharded evenly over devices.

    Args:
      values: `[B, ...]` float, this device's part.
      axis: the axis to average over; None for all.
      axis_name: the mapped axis over which the batch is sharded, or None.

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
"""Losses by name; the command line accepts these names. Each file of this package registers its own."""
