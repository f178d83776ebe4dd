"""Batch normalisation whose gain and shift depend on the class."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jgan.networks.norms import BatchNorm


class ClassBatchNorm(nn.Module):
    """Batch normalisation with a gain and a shift for each class; without classes, `BatchNorm`.

    The gains of all classes start at 1, the shifts at 0. The statistics are those of the whole batch.

    Attributes:
      n_classes: the number of classes; 0 for one gain and one shift.
      dtype: the dtype of the output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.ClassBatchNorm(n_classes=2), jnp.array([[1.0], [3.0]])
      >>> variables = layer.init(jax.random.key(0), x, jnp.array([0, 1]))
      >>> variables["params"]["shift"] = jnp.array([[0.0], [5.0]])
      >>> y, _ = layer.apply(variables, x, jnp.array([0, 1]), train=True, mutable=["batch_stats"])
      >>> [round(float(value), 3) for value in y[:, 0]]
      [-1.0, 6.0]

    References:
      Dumoulin et al., "A Learned Representation For Artistic Style" (2017), https://arxiv.org/abs/1610.07629; Miyato and
      Koyama, "cGANs with Projection Discriminator" (2018), https://arxiv.org/abs/1802.05637
    """

    n_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b *shape c"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b *shape c"]:
        """Maps `[B, ..., channels]`, and labels `[B]` if there are classes, to the shape of the first."""
        own = not self.n_classes
        layer = BatchNorm(use_scale=own, use_bias=own, dtype=self.dtype if own else jnp.float32, name="norm")
        if own:
            nn.share_scope(self, layer)
            return layer(x, train=train, axis_name=axis_name)
        h = layer(x, train=train, axis_name=axis_name)
        of_class = jax.nn.one_hot(labels, self.n_classes)  # a product: its gradient is one too, not a scatter
        for name, start in (("gain", nn.initializers.ones), ("shift", nn.initializers.zeros)):
            table = of_class @ self.param(name, start, (self.n_classes, x.shape[-1]))
            table = table.reshape(x.shape[0], *(1,) * (x.ndim - 2), -1)
            h = h * table if name == "gain" else h + table
        return h.astype(self.dtype)
