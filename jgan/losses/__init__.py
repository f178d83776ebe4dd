r"""Adversarial losses: elementwise functions of logits, one `Loss` per published objective.

Every function takes the discriminator's raw outputs (logits) on real and on fake examples and returns one value per
example; the caller reduces. Both players *minimise*. The cross-entropies are written with softplus, s(t) = log(1 + exp t),
as -log sigmoid(t) = s(-t) and -log(1 - sigmoid(t)) = s(t); they and their gradients are finite at any logit.

`classic` holds the losses that treat each example separately, `relative` the relativistic losses, `divergences` the f-GAN
family, and `features` feature matching.

A new objective is a new `Loss`:

  >>> import jax.numpy as jnp
  >>> from jgan import losses
  >>> least_absolute = losses.Loss(
  ...     discriminator=lambda real, fake: jnp.abs(real - 1) + jnp.abs(fake),
  ...     generator=lambda real, fake: jnp.abs(fake - 1),
  ...     boundary=0.5,
  ... )
"""

from jgan.losses.classic import (
    cross_entropy,
    cross_entropy_discriminator,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    non_saturating_generator,
    saturating_generator,
    softplus,
    wasserstein,
)
from jgan.losses.divergences import DIVERGENCES, Divergence, f_gan, variational_bound
from jgan.losses.features import feature_matching
from jgan.losses.loss import LOSSES, Loss, global_mean
from jgan.losses.relative import (
    relativistic,
    relativistic_average,
    relativistic_average_detached,
    relativistic_average_hinge,
    relativistic_average_least_squares,
    relativistic_averaged,
    relativistic_paired,
)

__all__ = [
    "DIVERGENCES",
    "LOSSES",
    "Divergence",
    "Loss",
    "cross_entropy",
    "cross_entropy_discriminator",
    "f_gan",
    "feature_matching",
    "global_mean",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "non_saturating_generator",
    "relativistic",
    "relativistic_average",
    "relativistic_average_detached",
    "relativistic_average_hinge",
    "relativistic_average_least_squares",
    "relativistic_averaged",
    "relativistic_paired",
    "saturating_generator",
    "softplus",
    "variational_bound",
    "wasserstein",
]
