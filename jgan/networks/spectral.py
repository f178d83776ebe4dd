"""Spectral normalisation: layers whose kernel is divided by its largest singular value."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

COLLECTION = "spectral"


class SpectralNorm(nn.Module):
    """A layer of Flax with its kernel divided by an estimate of its spectral norm.

    Each training pass makes one power iteration and stores the singular vector, in the collection `spectral` of `model_state`;
    no gradient flows through the vectors. A kernel of more than two axes is a matrix of all but the last by the last, that is
    of all others by the outputs: the matrix of the authors' code and of PyTorch, also for transposed convolutions. The vector
    starts as a row of the kernel. A zero kernel stays as it is and leaves the vector unchanged.

    In a discriminator's update the pass over the fakes goes on from the vectors of the pass over the reals, two iterations in
    all, as where the two are separate passes in the authors' code and in PyTorch; the generator's update leaves the
    discriminator's vectors as they are. Evaluation makes one iteration too, and stores nothing: as the authors' code, where
    PyTorch takes the stored vectors.

    Attributes:
      layer: the layer, for instance `nn.Dense(8)` or `networks.Conv(8, 3)`.

    Example:
      >>> import jax, jax.numpy as jnp, flax.linen as nn
      >>> from jgan.networks import SpectralNorm
      >>> layer = SpectralNorm(nn.Dense(3, use_bias=False))
      >>> sorted(layer.init(jax.random.key(0), jnp.zeros((1, 2)), train=False))
      ['params', 'spectral']

    References:
      Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018), https://arxiv.org/abs/1802.05957;
      the authors' code, pfnet-research/sngan_projection.
    """

    layer: nn.Module

    @nn.compact
    def __call__(self, x: Float[jax.Array, "b ..."], *, train: bool = False) -> Float[jax.Array, "b ..."]:
        """Applies the layer; in training mode the singular vector is refined first."""

        def normalised(path: tuple[jax.tree_util.DictKey, ...], value: jax.Array) -> jax.Array:
            if value.ndim < 2:
                return value
            kernel = value.reshape(-1, value.shape[-1])
            name = "_".join(key.key for key in path if key.key != "params")
            vector = self.variable(COLLECTION, name, lambda: _start(kernel))
            norm, refined = _power_iteration(kernel, vector.value)
            if train:
                vector.value = refined
            return value / norm

        forward = nn.map_variables(
            lambda layer, x: layer(x),
            trans_in_fn=lambda params: jax.tree_util.tree_map_with_path(normalised, params),
            init=self.is_initializing(),
            mutable=True,
        )
        return forward(self.layer, x)


def _power_iteration(kernel: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The spectral norm after one iteration from u, and the new u; 1 and u itself for a kernel that is nearly zero."""
    held = jax.lax.stop_gradient(kernel)
    v, _ = _unit(held @ u)
    answer = v @ kernel
    refined, length = _unit(jax.lax.stop_gradient(answer))
    usable = length > _EPSILON  # otherwise later passes would never leave 0
    return jnp.where(usable, answer @ refined, 1), jnp.where(usable, refined, u)


_EPSILON = 1e-12
"""That of the authors' code."""


def _unit(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`(x of length 1, its length)`."""
    length = jnp.sqrt(jnp.sum(jnp.square(x)))
    return x / (length + _EPSILON), length


def _start(kernel: jax.Array) -> jax.Array:
    """The first row, as random as a vector drawn anew, whose drawing XLA would have to compile; if it is zero, ones."""
    row, length = _unit(kernel[0])
    return jnp.where(length > _EPSILON, row, jnp.ones_like(row))


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
      See `jgan.networks.ResidualBlock`.
    """
    return SpectralNorm(layer, name=f"spectral_{layer.name}")(x, train=train) if spectral else layer(x)
