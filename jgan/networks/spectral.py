"""Spectral normalisation: layers whose kernel is divided by its largest singular value."""

import flax.linen as nn
import jax


class SpectralNorm(nn.Module):
    """A layer of Flax with its kernel divided by an estimate of its spectral norm.

    One power iteration a training pass carries the singular vector on, in the collection `spectral` (so in a player's
    `extra`); no gradient flows through the vectors. A kernel of more than two axes is a matrix of all but the last by the last.
    It is Flax's own wrapper, apart from batch statistics, with which it has nothing in common.

    Attributes:
      layer: the layer, for instance `nn.Dense(8)` or `nn.Conv(8, (3, 3))`.

    Example:
      >>> import jax, jax.numpy as jnp, flax.linen as nn
      >>> from jgan.networks import SpectralNorm
      >>> layer = SpectralNorm(nn.Dense(3, use_bias=False))
      >>> sorted(layer.init(jax.random.key(0), jnp.zeros((1, 2)), train=False))
      ['params', 'spectral']

    References:
      Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018), https://arxiv.org/abs/1802.05957
    """

    layer: nn.Module

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Applies the layer; in training mode the singular vector is refined first."""
        return nn.SpectralNorm(self.layer, collection_name="spectral")(x, update_stats=train)
