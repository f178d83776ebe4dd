r"""Adversarial losses: elementwise, on logits, one pair for each published objective.

Every function takes the discriminator's raw outputs (logits) on real and on fake examples and returns one value an
example; the caller reduces. Both players *minimise*. Written with softplus, s(t) = log(1 + exp t), the cross-entropies
are finite, with finite gradients, at any logit: -log sigmoid(t) = s(-t) and -log(1 - sigmoid(t)) = s(t).

A new objective is a new `Loss`:

  >>> import jax.numpy as jnp
  >>> from jgan import losses
  >>> hinge = losses.Loss(
  ...     discriminator=lambda real, fake: jnp.maximum(0, 1 - real) + jnp.maximum(0, 1 + fake),
  ...     generator=lambda real, fake: -fake,
  ... )
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.checks import same_shape

softplus = jax.nn.softplus


class Loss(NamedTuple):
    """The pair of losses of one objective.

    Attributes:
      discriminator: `(real_logits, fake_logits) -> values`, all of one shape.
      generator: `(real_logits, fake_logits) -> values`; `real_logits` is None unless `relativistic`.
      boundary: the logit above which the discriminator says "real"; only its reported accuracy depends on it.
      relativistic: whether the generator's loss looks at the logits of real examples.
    """

    discriminator: Callable[[jax.Array, jax.Array], jax.Array]
    generator: Callable[[jax.Array | None, jax.Array], jax.Array]
    boundary: float = 0.0
    relativistic: bool = False


def cross_entropy_discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
    """The discriminator's side of the 2014 game: `-log D(x) - log(1 - D(G(z)))`.

    At the game's optimum D is 1/2 everywhere and the value is log 4 = 1.386; for the best D against a given G it is
    `log 4 - 2 JSD(p_data, p_g)`.

    Args:
      real_logits: `[...]` float, the logits on real examples.
      fake_logits: the same shape, the logits on fakes.

    Returns:
      The same shape, one value for each pair.

    Raises:
      ValueError: if the shapes differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> print(losses.cross_entropy_discriminator(jnp.zeros(2), jnp.zeros(2)))
      [1.3862944 1.3862944]

    References:
      Goodfellow et al. (2014), equation 1, https://arxiv.org/abs/1406.2661
    """
    same_shape("real_logits", real_logits, "fake_logits", fake_logits)
    return softplus(-real_logits) + softplus(fake_logits)


def saturating_generator(real_logits: jax.Array | None, fake_logits: jax.Array) -> jax.Array:
    """The generator's side of the minimax game: it minimises `log(1 - D(G(z)))`.

    Its gradient vanishes where the discriminator is sure (the logits far below 0): it saturates.

    Args:
      real_logits: ignored.
      fake_logits: `[...]` float, the logits on fakes.

    Returns:
      The same shape, `-softplus(fake_logits)`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> print(losses.saturating_generator(None, jnp.zeros(2)))
      [-0.6931472 -0.6931472]

    References:
      Goodfellow et al. (2014), equation 1 and Algorithm 1, https://arxiv.org/abs/1406.2661
    """
    del real_logits
    return -softplus(fake_logits)


def non_saturating_generator(real_logits: jax.Array | None, fake_logits: jax.Array) -> jax.Array:
    """The generator's side as it is played in practice: it minimises `-log D(G(z))`.

    The same fixed point as the minimax loss, with a strong gradient where the discriminator is sure.

    Args:
      real_logits: ignored.
      fake_logits: `[...]` float, the logits on fakes.

    Returns:
      The same shape, `softplus(-fake_logits)`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> print(losses.non_saturating_generator(None, jnp.zeros(2)))
      [0.6931472 0.6931472]

    References:
      Goodfellow et al. (2014), section 3, https://arxiv.org/abs/1406.2661
    """
    del real_logits
    return softplus(-fake_logits)


def least_squares(fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0) -> Loss:
    """Least-squares GAN: the discriminator regresses to targets a (fake) and b (real), the generator aims at c.

    `D: ((r - b)^2 + (f - a)^2) / 2` and `G: (f - c)^2 / 2`. With b - c = 1 and b - a = 2 the generator minimises a Pearson
    chi-squared divergence; the default 0, 1, 1 is the paper's other choice.

    Args:
      fake_target: a, the discriminator's target on fakes.
      real_target: b, the discriminator's target on real examples.
      generator_target: c, the value that the generator wants the discriminator to give its fakes.

    Returns:
      The `Loss`; both of its functions take and return arrays of one shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> loss = losses.least_squares()
      >>> print(loss.discriminator(jnp.array([0.5]), jnp.array([0.5])), loss.generator(None, jnp.array([0.5])))
      [0.25] [0.125]

    References:
      Mao et al., "Least Squares Generative Adversarial Networks" (2017), equations 2 and 9, https://arxiv.org/abs/1611.04076
    """

    def discriminator(real_logits: jax.Array, fake_logits: jax.Array) -> jax.Array:
        same_shape("real_logits", real_logits, "fake_logits", fake_logits)
        return 0.5 * (jnp.square(real_logits - real_target) + jnp.square(fake_logits - fake_target))

    def generator(real_logits: jax.Array | None, fake_logits: jax.Array) -> jax.Array:
        del real_logits
        return 0.5 * jnp.square(fake_logits - generator_target)

    return Loss(discriminator, generator, boundary=0.5 * (fake_target + real_target))


minimax = Loss(cross_entropy_discriminator, saturating_generator)
"""The game of equation 1, as Algorithm 1 plays it."""

non_saturating = Loss(cross_entropy_discriminator, non_saturating_generator)
"""The game that the paper's authors, and most of the field since, play."""

LOSSES: dict[str, Loss] = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "least_squares": least_squares(),
}
"""Every loss by its name, as the command line takes it."""
