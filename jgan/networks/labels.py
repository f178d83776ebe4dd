"""Class labels as inputs of networks: vectors of a class, joined to layers and to maps."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int


def one_hot(labels: Int[jax.Array, "b ..."] | None, n_classes: int) -> Float32[jax.Array, "b classes"]:
    """Labels as vectors.

    Args:
      labels: `[B]` integers in [0, n_classes); `[B, p]` for p packed examples.
      n_classes: the number of classes.

    Returns:
      `[B, n_classes]` float32, or `[B, p * n_classes]`.

    Raises:
      ValueError: if a network that has classes is given no labels, None.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import labels
      >>> labels.one_hot(jnp.array([2, 0]), 3).tolist()
      [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if labels is None:
        raise ValueError(f"the network has {n_classes} classes: it needs labels as its second input")
    return jax.nn.one_hot(labels, n_classes).reshape(labels.shape[0], -1)


def vectors(labels: Int[jax.Array, "b ..."], n_classes: int, size: int, *, name: str = "classes") -> Float[jax.Array, "b size"]:
    """The vector of each label, inside the compact method of a module: one-hot, or learnt.

    Args:
      labels: `[B]` integers in [0, n_classes); `[B, p]` for p packed examples, whose vectors stand side by side.
      n_classes: the number of classes.
      size: the size of a learnt vector, which starts in N(0, 1); 0 for one-hot vectors.
      name: the name of the table of learnt vectors.

    Returns:
      `[B, n_classes]` or `[B, size]`, times p.

    Example:
      See `jgan.networks.CDCGANGenerator`.
    """
    if not size:
        return one_hot(labels, n_classes)
    table = nn.Embed(n_classes, size, embedding_init=nn.initializers.normal(1.0), name=name)
    return table(labels).reshape(labels.shape[0], -1)


def joined(h: Float[jax.Array, "b *shape c"], vector: Float[jax.Array, "b size"]) -> Float[jax.Array, "b *shape joint"]:
    """Joins a vector to the units of a layer, or to the channels of every pixel.

    Args:
      h: `[B, ..., C]`.
      vector: `[B, size]`.

    Returns:
      `[B, ..., C + size]`, of the dtype of `h`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import labels
      >>> labels.joined(jnp.zeros((1, 2, 1, 1)), jnp.array([[5.0, 6.0]])).tolist()
      [[[[0.0, 5.0, 6.0]], [[0.0, 5.0, 6.0]]]]
    """
    wide = vector.reshape(vector.shape[0], *(1,) * (h.ndim - 2), -1)
    return jnp.concatenate([h, jnp.broadcast_to(wide, (*h.shape[:-1], wide.shape[-1])).astype(h.dtype)], axis=-1)
