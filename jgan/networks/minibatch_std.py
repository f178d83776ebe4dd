"""The minibatch standard deviation: a channel that tells the discriminator how much the images of a group differ."""

import jax
import jax.numpy as jnp
from jaxtyping import Float


def groups_of(batch: int, size: int) -> int:
    """The size of the groups into which a batch is cut: the divisor of the batch nearest to `size`, and above 1.

    Args:
      batch: the number of examples.
      size: the wanted size; 0 for one group of the whole batch.

    Returns:
      The size; 1 only for a batch of one example, which has no other to differ from.

    Example:
      >>> from jgan.networks import minibatch_std
      >>> [minibatch_std.groups_of(batch, 4) for batch in (1, 2, 3, 6, 7, 16, 10)]
      [1, 2, 3, 3, 7, 4, 5]
    """
    if not size or batch == 1:
        return batch
    divisors = [divisor for divisor in range(2, batch + 1) if batch % divisor == 0]
    return min(divisors, key=lambda divisor: abs(divisor - size))


def minibatch_std(x: Float[jax.Array, "b h w c"], size: int = 4) -> Float[jax.Array, "b h w c+1"]:
    """Appends a channel: the standard deviation over a group of examples, averaged over pixels and channels.

    A group is a run of neighbouring examples. (The authors take every n-th one; the examples of a batch are in random order, so
    that makes no difference.) Over several devices each device forms groups of its own examples: the result does not depend on
    the number of devices if each device's share of the batch is a multiple of the group.

    A logit depends on the other examples of its group, so a gradient penalty that differentiates the sum of the logits (as the
    authors' does) holds for each example the sum of these dependencies.

    Args:
      x: `[B, h, w, c]` float.
      size: the examples in a group, 0 for the whole batch; a batch that is no multiple of it has groups of the divisor of B
        nearest to it: see `groups_of`.

    Returns:
      `[B, h, w, c + 1]`, of the dtype of `x`; the statistics are float32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks.minibatch_std import minibatch_std
      >>> x = jnp.array([1.0, 3.0, 5.0, 5.0]).reshape(4, 1, 1, 1)
      >>> minibatch_std(x, 2)[:, 0, 0, 1].round(3).tolist()
      [1.0, 1.0, 0.0, 0.0]

    References:
      Karras et al., "Progressive Growing of GANs" (2018), section 3, https://arxiv.org/abs/1710.10196
    """
    b, h, w, c = x.shape
    group = groups_of(b, size)
    grouped = x.astype(jnp.float32).reshape(b // group, group, h * w * c)
    centred = grouped - grouped.mean(axis=1, keepdims=True)
    deviation = jnp.sqrt(jnp.square(centred).mean(axis=1) + 1e-8).mean(axis=1)
    channel = jnp.repeat(deviation, group).reshape(b, 1, 1, 1).astype(x.dtype)
    return jnp.concatenate([x, jnp.broadcast_to(channel, (b, h, w, 1))], axis=-1)
