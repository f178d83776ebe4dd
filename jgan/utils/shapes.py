"""Arrays in annotations with their shapes, by jaxtyping: `Float[AnyArray, "n d"]`.

Nothing checks these annotations at run time; they are read by people and, as plain arrays, by mypy. The axes of one signature
that have the same name have the same length. `*shape` and `...` stand for any number of axes, `""` for a scalar.

Example:
  >>> import jax
  >>> from jaxtyping import Float, Int
  >>> from jgan.utils.shapes import AnyArray
  >>> def accuracy(logits: Float[AnyArray, "n classes"], labels: Int[AnyArray, " n"]) -> Float[jax.Array, ""]: ...

References:
  Kidger, jaxtyping, https://docs.kidger.site/jaxtyping
"""

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray
"""An array of JAX or of NumPy."""
