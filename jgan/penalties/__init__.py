"""Penalties of the discriminator: one value per example, added to the discriminator's loss.

A penalty is a function of a `View`, which holds the quantities of one discriminator update. R1 and R2 differentiate the
forward pass of the loss; the other penalties run the discriminator on inputs of their own. Each penalty takes its weight as
an argument, and its value includes the weight. R1 and R2 have the factor 1/2 of the papers: `r1(gamma)` is
`gamma/2 E |grad D|^2`. (Many implementations omit the 1/2.)

An input gradient is the gradient of one example's logit with respect to that example. Batch statistics make a logit depend on
the other examples of the batch, so penalties on input gradients raise an error for a discriminator that uses them.

A new penalty is a function:

  >>> import jax.numpy as jnp
  >>> from jgan import penalties
  >>> logit_size = penalties.Penalty(lambda view: 0.01 * jnp.square(view.fake_logits))
"""

from jgan.penalties.gradients import dragan, finite_difference, gradient_penalty, r1, r1_r2, r2
from jgan.penalties.logits import consistency, drift, lecam
from jgan.penalties.view import PENALTIES, Penalty, View, input_gradients, lazily, norms, scheduled, squared_norms, total

__all__ = [
    "PENALTIES",
    "Penalty",
    "View",
    "consistency",
    "dragan",
    "drift",
    "finite_difference",
    "gradient_penalty",
    "input_gradients",
    "lazily",
    "lecam",
    "norms",
    "r1",
    "r1_r2",
    "r2",
    "scheduled",
    "squared_norms",
    "total",
]
