"""Spectral normalisation: layers whose kernel is divided by its largest singular value."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jgan.types import PyTree

COLLECTION = "spectral"


class SpectralNorm(nn.Module):
    """A layer of Flax with its kernel divided by an estimate of its spectral norm.

    The estimate is that of `flax.linen.SpectralNorm`: each training pass makes one power iteration and stores the singular
    vector, in the collection `spectral` of `model_state` instead of `batch_stats`; no gradient flows through the vectors. A
    kernel of more than two axes is a matrix of all but the last by the last. A zero kernel leaves the vector unchanged.

    Attributes:
      layer: the layer, for instance `nn.Dense(8)` or `networks.Conv(8, 3)`.

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
    def __call__(self, x: Float[jax.Array, "b ..."], *, train: bool = False) -> Float[jax.Array, "b ..."]:
        """Applies the layer; in training mode the singular vector is refined first."""
        inner = nn.SpectralNorm(self.layer, collection_name=COLLECTION)
        before = _vectors(inner)
        y = inner(x, update_stats=train)
        if train:
            for name, old in before.items():
                new: jax.Array = inner.get_variable(COLLECTION, name)
                # The new vector has length 1, or nearly 0 if the kernel is nearly zero: later passes would never leave 0.
                inner.put_variable(COLLECTION, name, jnp.where(jnp.sum(jnp.square(new)) > 0.25, new, old))
        return y


def _vectors(layer: nn.Module) -> dict[str, PyTree]:
    """The singular vectors of an `nn.SpectralNorm`, by name: `{}` while it is initialised."""
    return {name: value for name, value in layer.variables.get(COLLECTION, {}).items() if name.endswith("/u")}


def applied(layer: nn.Module, x: jax.Array, *, spectral: bool, train: bool) -> jax.Array:
    """Applies a layer inside the compact method of a module, with or without spectral normalisation.

    Args:
      layer: the layer, with a name; its parameters are the same with and without.
      x: its input.
      spectral: whether to divide its kernel by its spectral norm.
      train: whether this is a training pass.

    Returns:
      The layer's output.

    Example:
      See `jgan.networks.FastGANGenerator`.
    """
    return SpectralNorm(layer, name=f"spectral_{layer.name}")(x, train=train) if spectral else layer(x)
