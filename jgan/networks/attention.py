"""The self-attention of SAGAN and BigGAN."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.networks.conv_layers import Conv
from jgan.networks.convolution import max_pool
from jgan.networks.layers import glorot_uniform
from jgan.networks.spectral import applied


class SelfAttention(nn.Module):
    """Adds to each pixel a mean of projections of all pixels, weighted by the softmax of inner products: `x + gamma * o`.

    Queries and keys have C/8 channels, values C/2; all are 1x1 convolutions, as is the projection of the mean back to C
    channels. Keys and values are pooled to the maximum of each 2x2 pixels. The gain `gamma` is a scalar that starts
    at 0: at first the layer is the identity. The inner products and the softmax are float32 in any `dtype`.

    Attributes:
      pooled: whether keys and values are pooled, as in the authors' code; if not, each pixel attends to every pixel.
      value_divisor: the values have C / value_divisor channels; 2 as in the authors' code.
      spectral: whether the convolutions have spectral normalisation.
      projected: whether the mean is projected back to C channels; without it the values need C channels, `value_divisor=1`.
      use_bias: whether the convolutions have biases.
      dtype: the dtype of the computation and of the output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> layer, x = networks.SelfAttention(), jnp.ones((2, 8, 8, 16))
      >>> variables = layer.init(jax.random.key(0), x)
      >>> sorted(variables["params"]), bool((layer.apply(variables, x) == x).all())
      (['gamma', 'key', 'output', 'query', 'value'], True)

    References:
      Zhang et al., "Self-Attention Generative Adversarial Networks" (2019), https://arxiv.org/abs/1805.08318
    """

    pooled: bool = True
    value_divisor: int = 2
    spectral: bool = True
    projected: bool = True
    use_bias: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b h w c"], *, train: bool = False) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` to the same shape."""
        batch, height, width, channels = x.shape
        x = x.astype(self.dtype)

        def convolved(h: jax.Array, features: int, name: str) -> jax.Array:
            layer = Conv(features, 1, use_bias=self.use_bias, kernel_init=glorot_uniform(), dtype=self.dtype, name=name)
            return applied(layer, h, spectral=self.spectral, train=train)

        def sources(h: jax.Array) -> jax.Array:
            h = max_pool(h, window=2, stride=2) if self.pooled else h
            return h.reshape(batch, -1, h.shape[-1])

        few = max(1, channels // 8)
        queries = convolved(x, few, "query").reshape(batch, height * width, few)
        keys, values = sources(convolved(x, few, "key")), sources(convolved(x, max(1, channels // self.value_divisor), "value"))
        products = jnp.einsum("bqc,bkc->bqk", queries, keys, preferred_element_type=jnp.float32)
        weights = nn.softmax(products).astype(self.dtype)
        mean = jnp.einsum("bqk,bkc->bqc", weights, values).reshape(batch, height, width, -1)
        gamma = self.param("gamma", nn.initializers.zeros, ())
        return x + gamma.astype(self.dtype) * (convolved(mean, channels, "output") if self.projected else mean)
