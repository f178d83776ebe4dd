"""Penalties of the discriminator: one value an example, added to what the discriminator minimises.

A penalty is a function of a `View`: what the discriminator update at hand is made of. Those that look at the gradient of the
logits at the examples themselves (R1, R2) use the loss's own forward pass; the others run the discriminator where they need it.
Every one takes its `weight`, and its value includes it. The factor 1/2 of R1 and R2 is the papers': `r1(gamma)` is
`gamma/2 E |grad D|^2`. (Code that goes by the same names often leaves it out.)

Input gradients are those of one example's logit with respect to that example; they do not exist where the examples of a batch
see each other through batch statistics, which is an error.

A new penalty is a function:

  >>> import jax.numpy as jnp
  >>> from jgan import penalties
  >>> logit_size = penalties.Penalty(lambda view: 0.01 * jnp.square(view.fake_logits))
"""

from jgan.penalties.gradients import dragan, finite_difference, gradient_penalty, r1, r1_r2, r2
from jgan.penalties.logits import consistency, drift, lecam
from jgan.penalties.view import PENALTIES, Penalty, View, input_gradients, lazily, norms, squared_norms, total

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
    "squared_norms",
    "total",
]
