"""Weight normalisation, with an initialisation that depends on the data."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.losses import global_mean
from jgan.networks.layers import normal

COLLECTION = "data_init"


class WeightNormDense(nn.Module):
    """A linear layer `x W + b` whose columns of W have a direction and a length of their own.

    With `data_init`, the first training pass sets lengths and shifts so that each output has mean 0 and variance 1 on its
    batch (over all devices); they are in the collection `data_init` of `model_state` and stay as they are. What is learnt are
    the directions, the biases, and the lengths if `learn_length`.

    Attributes:
      features: the number of outputs.
      learn_length: whether the lengths are learnt.
      data_init: whether the first training pass sets lengths and shifts; otherwise they start at 1 and 0.
      dtype: the dtype of the product and of the output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.WeightNormDense(2), jax.random.normal(jax.random.key(1), (100, 3)) * 5 + 7
      >>> variables = layer.init(jax.random.key(0), x)
      >>> y, changed = layer.apply(variables, x, train=True, mutable=["data_init"])
      >>> [abs(round(float(value), 3)) for value in (y.mean(), y.std())]
      [0.0, 1.0]

    References:
      Salimans and Kingma, "Weight Normalization" (2016), https://arxiv.org/abs/1602.07868
    """

    features: int
    learn_length: bool = False
    data_init: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b inputs"], *, train: bool = False, axis_name: str | None = None
    ) -> Float[jax.Array, "b features"]:
        """Maps `[B, inputs]` to `[B, features]`."""
        direction = self.param("direction", normal(0.1), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        unit = direction * jax.lax.rsqrt(jnp.sum(jnp.square(direction), axis=0, keepdims=True) + 1e-12)
        product = (x.astype(self.dtype) @ unit.astype(self.dtype)).astype(jnp.float32)
        length, shift = (
            self._start(product, train, axis_name) if self.data_init else (jnp.ones_like(bias), jnp.zeros_like(bias))
        )
        if self.learn_length:
            length = length * self.param("length", nn.initializers.ones, (self.features,))
        return (product * length[None] + (shift + bias)[None]).astype(self.dtype)

    def _start(self, product: jax.Array, train: bool, axis_name: str | None) -> tuple[jax.Array, jax.Array]:
        """`(lengths, shifts)`: those of this batch in the first training pass, from then on the same."""
        length = self.variable(COLLECTION, "length", jnp.ones, (self.features,))
        shift = self.variable(COLLECTION, "shift", jnp.zeros, (self.features,))
        known = self.variable(COLLECTION, "known", jnp.zeros, ())
        if train:
            held = jax.lax.stop_gradient(product)
            mean = global_mean(held, axis=0, axis_name=axis_name)
            fitting = jax.lax.rsqrt(global_mean(jnp.square(held - mean[None]), axis=0, axis_name=axis_name) + 1e-8)
            length.value = jnp.where(known.value > 0, length.value, fitting)
            shift.value = jnp.where(known.value > 0, shift.value, -mean * fitting)
            known.value = jnp.ones(())
        return length.value, shift.value
