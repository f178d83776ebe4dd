"""Penalties on the logits: drift, LeCam, consistency under augmentation."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jgan.groups import per_example
from jgan.losses import global_mean
from jgan.penalties.view import PENALTIES, Penalty, View
from jgan.types import PyTree


def drift(weight: float = 0.001) -> Penalty:
    """ProGAN's drift: `weight D(x)^2` at the real examples, which keeps a critic's output from drifting.

    Args:
      weight: the paper's epsilon.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.drift(0.001)

    References:
      Karras et al., "Progressive Growing of GANs" (2018), appendix A.1, https://arxiv.org/abs/1710.10196
    """
    return Penalty(lambda view: weight * per_example(jnp.square(view.real_logits)))


def lecam(weight: float = 0.3, *, decay: float = 0.99) -> Penalty:
    """LeCam: `weight ((D(x) - a_F)^2 + (D(G(z)) - a_R)^2)`, with running means a_R, a_F of the logits.

    Args:
      weight: the paper's lambda.
      decay: the decay of the running means per discriminator update.

    Returns:
      The `Penalty`. Its memory is the two means, which start at 0; each batch updates them before its logits are compared
      with them.

    Raises:
      ValueError: if `decay` is not in [0, 1).

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.lecam(0.3)

    References:
      Tseng et al., "Regularizing Generative Adversarial Networks under Limited Data" (2021), equation 4, https://arxiv.org/abs/2104.03310
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be in [0, 1), found {decay}")

    def update(view: View) -> PyTree:
        means = tuple(global_mean(logits, axis_name=view.axis_name) for logits in (view.real_logits, view.fake_logits))
        return jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, view.memory, means)

    def value(view: View) -> jax.Array:
        # The authors' code updates the means first and passes no gradient through them.
        of_real, of_fake = jax.lax.stop_gradient(update(view))
        return weight * per_example(jnp.square(view.real_logits - of_fake) + jnp.square(view.fake_logits - of_real))

    return Penalty(value, lambda: (jnp.zeros(()), jnp.zeros(())), update)


def consistency(augment: Callable[..., jax.Array], *, real_weight: float = 10.0, fake_weight: float = 0.0) -> Penalty:
    """CR, or bCR if `fake_weight` is above 0: `weight (D(T(x)) - D(x))^2`, where T is a random augmentation.

    Args:
      augment: `augment(key, examples, axis_name=...) -> examples`, for instance one of `jgan.augment`.
      real_weight: the weight at the real examples.
      fake_weight: the weight at the fakes; 0 for CR.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import penalties
      >>> noisy = lambda key, x, axis_name=None: x  # an augmentation that does nothing
      >>> penalty = penalties.consistency(noisy, real_weight=10.0, fake_weight=10.0)  # bCR

    References:
      Zhang et al., "Consistency Regularization for GANs" (2020), https://arxiv.org/abs/1910.12027; Zhao et al., "Improved
      Consistency Regularization for GANs" (2021), https://arxiv.org/abs/2002.04724
    """

    def value(view: View) -> jax.Array:
        total = jnp.zeros(len(view.real), view.real_logits.dtype)
        sides = (
            (real_weight, view.critic, view.real, view.real_logits),
            (fake_weight, view.fake_critic, view.fake, view.fake_logits),
        )
        for key, (weight, critic, x, logits) in zip(jax.random.split(view.key), sides, strict=True):
            if weight:
                change = critic(augment(key, x, axis_name=view.axis_name)) - logits
                total = total + weight * per_example(jnp.square(change))
        return total

    return Penalty(value)


PENALTIES.register("lecam", lecam)
PENALTIES.register("drift", drift)
