"""The pre-activation residual block of WGAN-GP, SN-GAN, SAGAN and BigGAN."""

from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jgan.networks.class_norm import ClassBatchNorm
from jgan.networks.conv_layers import Conv
from jgan.networks.layers import glorot_uniform
from jgan.networks.norms import LayerNorm
from jgan.networks.resample import average_pool, nearest
from jgan.networks.resized_conv import ConvMeanPool, UpsampleConv
from jgan.networks.spectral import applied

Resample = Literal["up", "down", "none"]

_BESIDE_RELU = glorot_uniform(2**0.5)


class ResidualBlock(nn.Module):
    """`x` or a 1x1 convolution of it, plus two 3x3 convolutions, each after a normalisation (if there is one) and a ReLU.

    Up: the first convolution and the shortcut double the sides (nearest neighbour). Down: the second convolution and the
    shortcut halve them (2x2 mean). The shortcut has a 1x1 convolution where the sides or the channels change. Published code
    differs in whether it comes before or after the resampling; the result is the same, and the cheaper order is computed.

    Attributes:
      features: the number of output channels.
      resample: `"up"`, `"down"` or `"none"`.
      hidden: the channels between the two convolutions; 0 for `features`.
      first: whether this is the first block of a discriminator: without the ReLU in front, which would act on the image.
      norm: whether there is batch normalisation.
      layer_norm: whether there is layer normalisation, which keeps the images of a batch apart.
      first_bias: whether the first convolution has a bias; the two others have one.
      n_classes: the number of classes if the gains and shifts of the normalisation depend on the class, otherwise 0.
      spectral: whether the convolutions have spectral normalisation.
      dtype: the dtype of the computation and of the output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> block, x = networks.ResidualBlock(8, "up", norm=True), jnp.zeros((1, 4, 4, 2))
      >>> variables = block.init(jax.random.key(0), x)
      >>> block.apply(variables, x).shape, sorted(variables["params"])
      ((1, 8, 8, 8), ['conv_1', 'conv_2', 'norm_1', 'norm_2', 'shortcut'])

    References:
      Gulrajani et al., "Improved Training of Wasserstein GANs" (2017), https://arxiv.org/abs/1704.00028; Miyato et al.,
      "Spectral Normalization for Generative Adversarial Networks" (2018), appendix, https://arxiv.org/abs/1802.05957
    """

    features: int
    resample: Resample = "none"
    hidden: int = 0
    first: bool = False
    norm: bool = False
    n_classes: int = 0
    spectral: bool = False
    layer_norm: bool = False
    first_bias: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w inputs"],
        labels: Int[jax.Array, " b"] | None = None,
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b h_out w_out features"]:
        """Maps `[B, height, width, inputs]`, and labels `[B]` if there are classes, to `[B, height', width', features]`."""
        if self.resample not in ("up", "down", "none"):
            raise ValueError(f"resample must be 'up', 'down' or 'none', found {self.resample!r}")
        hidden = self.hidden or self.features
        options = self._options("conv_1", _BESIDE_RELU)
        first = (UpsampleConv if self.resample == "up" else Conv)(hidden, 3, use_bias=self.first_bias, **options)
        second = (ConvMeanPool if self.resample == "down" else Conv)(self.features, 3, **self._options("conv_2", _BESIDE_RELU))

        def act(h: jax.Array, index: int) -> jax.Array:
            if self.norm:
                norm = ClassBatchNorm(self.n_classes, dtype=self.dtype, name=f"norm_{index}")
                h = norm(h, labels, train=train, axis_name=axis_name)
            if self.layer_norm:
                h = LayerNorm(dtype=self.dtype, name=f"norm_{index}")(h)
            return nn.relu(h)

        h = x.astype(self.dtype)
        h = applied(first, h if self.first else act(h, 1), spectral=self.spectral, train=train)
        h = applied(second, act(h, 2), spectral=self.spectral, train=train)
        return h + self._shortcut(x.astype(self.dtype), train)

    def _shortcut(self, x: jax.Array, train: bool) -> jax.Array:
        """The input with the sides and the channels of the output."""
        if self.resample == "none" and x.shape[-1] == self.features:
            return x
        x = average_pool(x) if self.resample == "down" else x
        x = applied(
            Conv(self.features, 1, **self._options("shortcut", glorot_uniform())), x, spectral=self.spectral, train=train
        )
        return nearest(x) if self.resample == "up" else x

    def _options(self, name: str, kernel_init: Callable[..., jax.Array]) -> dict[str, Any]:
        return {"kernel_init": kernel_init, "dtype": self.dtype, "name": name}
