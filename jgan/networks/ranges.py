"""Between this library's images in [0, 1] and the range [-1, 1] of the published networks."""

import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32


def to_signed(x: Float[jax.Array, "*shape"], dtype: jnp.dtype) -> Float[jax.Array, "*shape"]:
    """Images as a network's input.

    Args:
      x: images in [0, 1].
      dtype: the dtype of the network's computation.

    Returns:
      `2 x - 1`, in [-1, 1], of the dtype.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import ranges
      >>> ranges.to_signed(jnp.array([0.0, 0.5, 1.0]), jnp.float32).tolist()
      [-1.0, 0.0, 1.0]
    """
    return 2 * x.astype(dtype) - 1


def tanh_to_unit(x: Float[jax.Array, "*shape"]) -> Float32[jax.Array, "*shape"]:
    """The output of a generator's last layer as images: `(tanh x + 1) / 2`, the published tanh in the units of this library.

    Args:
      x: any numbers.

    Returns:
      float32 in [0, 1].

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import ranges
      >>> ranges.tanh_to_unit(jnp.array([-100.0, 0.0, 100.0])).tolist()
      [0.0, 0.5, 1.0]
    """
    return (jnp.tanh(x.astype(jnp.float32)) + 1) / 2
