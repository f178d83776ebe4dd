"""Array annotations with shapes, by jaxtyping: `Float[AnyArray, "n d"]`.

These annotations are not checked at run time; mypy reads them as plain arrays. In one signature, axes
with the same name have the same length. `*shape` and `...` stand for any number of axes, `""` for a scalar.

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
