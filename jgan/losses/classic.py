"""Losses that treat each example separately: the 2014 losses, label smoothing, least squares, Wasserstein, hinge."""

import math

import jax
import jax.numpy as jnp

from jgan.losses.loss import LOSSES, Logits, Loss, Values
from jgan.utils.checks import same_shape

softplus = jax.nn.softplus


def cross_entropy_discriminator(real_logits: Logits, fake_logits: Logits) -> Values:
    """The discriminator's loss of the original GAN: `-log D(x) - log(1 - D(G(z)))`.

    At the equilibrium D is 1/2 everywhere and the value is log 4 = 1.386. For the optimal D of a given G the value is
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


def saturating_generator(real_logits: Logits | None, fake_logits: Logits) -> Values:
    """The generator's loss of the minimax game: `log(1 - D(G(z)))`.

    It saturates: its gradient vanishes where the discriminator is confident (logits far below 0).

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


def non_saturating_generator(real_logits: Logits | None, fake_logits: Logits) -> Values:
    """The non-saturating loss of the generator: `-log D(G(z))`.

    It has the same fixed point as the minimax loss, whose gradient is that of this loss times D / (1 - D) = exp(logit). Its
    gradient stays large where the discriminator is confident. StyleGAN calls it the "logistic" loss.

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


def cross_entropy(*, real_label: float = 1.0, fake_label: float = 0.0, saturating: bool = False) -> Loss:
    """Cross-entropy with given labels: label smoothing. The defaults do not smooth.

    `D: -a log D(x) - (1 - a) log(1 - D(x)) - b log D(G(z)) - (1 - b) log(1 - D(G(z)))`, where a is the label of reals and b
    that of fakes. The optimal D is (a p_data + b p_g) / (p_data + p_g). The generator's loss is not smoothed. Prefer one-sided
    smoothing (b = 0): with b > 0 the numerator of the optimal D contains p_g, which weakens the gradient on fakes far from the
    data.

    Args:
      real_label: a, the target of D on real examples; 0.9 is usual.
      fake_label: b, the target of D on fakes.
      saturating: whether the generator minimises `log(1 - D(G(z)))` rather than `-log D(G(z))`.

    Returns:
      The `Loss`, by default equal to `non_saturating`. Both functions take and return arrays of one shape `[...]`; values and
      gradients are finite at any logit. The boundary is the logit of the optimal D where p_data = p_g.

    Raises:
      ValueError: unless 0 <= fake_label < real_label <= 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> loss = losses.cross_entropy(real_label=0.9)
      >>> print(loss.discriminator(jnp.array([0.0, 100.0]), jnp.array([0.0, -100.0])))
      [ 1.3862944 10.       ]

    References:
      Salimans et al., "Improved Techniques for Training GANs" (2016), section 3.4, https://arxiv.org/abs/1606.03498
    """
    if not 0 <= fake_label < real_label <= 1:
        raise ValueError(f"the labels must satisfy 0 <= fake_label < real_label <= 1, found {fake_label} and {real_label}")

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Values:
        same_shape("real_logits", real_logits, "fake_logits", fake_logits)
        on_real = real_label * softplus(-real_logits) + (1 - real_label) * softplus(real_logits)
        on_fake = fake_label * softplus(-fake_logits) + (1 - fake_label) * softplus(fake_logits)
        return on_real + on_fake

    middle = (real_label + fake_label) / 2
    return Loss(
        discriminator,
        saturating_generator if saturating else non_saturating_generator,
        boundary=math.log(middle / (1 - middle)),
    )


def least_squares(fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0) -> Loss:
    """Least-squares GAN: the discriminator's targets are a (fake) and b (real), the generator's is c.

    `D: ((r - b)^2 + (f - a)^2) / 2` and `G: (f - c)^2 / 2`. With b - c = 1 and b - a = 2 the generator minimises a Pearson
    chi-squared divergence; the default 0, 1, 1 is the paper's other choice.

    Args:
      fake_target: a, the discriminator's target on fakes.
      real_target: b, the discriminator's target on real examples.
      generator_target: c, the generator's target for the discriminator's output on fakes.

    Returns:
      The `Loss`; both functions take and return arrays of one shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> loss = losses.least_squares()
      >>> print(loss.discriminator(jnp.array([0.5]), jnp.array([0.5])), loss.generator(None, jnp.array([0.5])))
      [0.25] [0.125]

    References:
      Mao et al., "Least Squares Generative Adversarial Networks" (2017), equations 2 and 9, https://arxiv.org/abs/1611.04076
    """

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Values:
        same_shape("real_logits", real_logits, "fake_logits", fake_logits)
        return 0.5 * (jnp.square(real_logits - real_target) + jnp.square(fake_logits - fake_target))

    def generator(real_logits: Logits | None, fake_logits: Logits) -> Values:
        del real_logits
        return 0.5 * jnp.square(fake_logits - generator_target)

    return Loss(discriminator, generator, boundary=0.5 * (fake_target + real_target))


minimax = Loss(cross_entropy_discriminator, saturating_generator)
"""The minimax game of Goodfellow et al. (2014), equation 1 and Algorithm 1."""

non_saturating = Loss(cross_entropy_discriminator, non_saturating_generator)
"""The non-saturating game, the usual choice in practice; also named "logistic"."""


# ------------------------------------------------------------------------------------------------------ critics and margins


def critic_difference(real_logits: Logits, fake_logits: Logits) -> Values:
    """The critic's loss of the Wasserstein GAN: `f - r`.

    Up to a factor, its mean is the negative of the critic's estimate of the Wasserstein-1 distance, provided that weight
    clipping, a gradient penalty or spectral normalisation bounds the critic's slope. Without such a bound it has no minimum.

    Args:
      real_logits: `[...]` float, the critic's values on real examples.
      fake_logits: the same shape, its values on fakes.

    Returns:
      The same shape, one value for each pair.

    Raises:
      ValueError: if the shapes differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> print(losses.wasserstein.discriminator(jnp.array([2.0]), jnp.array([-1.0])))
      [-3.]

    References:
      Arjovsky, Chintala and Bottou, "Wasserstein GAN" (2017), equation 2 and Algorithm 1, https://arxiv.org/abs/1701.07875
    """
    same_shape("real_logits", real_logits, "fake_logits", fake_logits)
    return fake_logits - real_logits


def hinge_discriminator(real_logits: Logits, fake_logits: Logits) -> Values:
    """The discriminator's hinge loss: `max(0, 1 - r) + max(0, 1 + f)`.

    The gradient is 0 for reals with a logit above 1 and for fakes with a logit below -1.

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
      >>> print(losses.hinge.discriminator(jnp.array([0.5, 2.0]), jnp.array([0.0, -3.0])))
      [1.5 0. ]

    References:
      Lim and Ye, "Geometric GAN" (2017), https://arxiv.org/abs/1705.02894; Miyato et al., "Spectral Normalization for
      Generative Adversarial Networks" (2018), section 4, https://arxiv.org/abs/1802.05957
    """
    same_shape("real_logits", real_logits, "fake_logits", fake_logits)
    return jax.nn.relu(1 - real_logits) + jax.nn.relu(1 + fake_logits)


def linear_generator(real_logits: Logits | None, fake_logits: Logits) -> Values:
    """The generator's loss of the Wasserstein and hinge GANs: `-f`.

    Args:
      real_logits: ignored.
      fake_logits: `[...]` float, the logits on fakes.

    Returns:
      The same shape, `-fake_logits`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import losses
      >>> print(losses.hinge.generator(None, jnp.array([0.5, -3.0])))
      [-0.5  3. ]

    References:
      Arjovsky et al. (2017), Algorithm 1; Lim and Ye (2017).
    """
    del real_logits
    return -fake_logits


wasserstein = Loss(critic_difference, linear_generator)
"""WGAN. Use it with a constraint on the critic (weight clipping) or a gradient penalty."""

hinge = Loss(hinge_discriminator, linear_generator)
"""The hinge loss of Geometric GAN, SN-GAN, SAGAN and BigGAN."""

LOSSES.register("minimax", minimax)
LOSSES.register("non_saturating", non_saturating)
LOSSES.register("logistic", non_saturating)
LOSSES.register("least_squares", least_squares())
LOSSES.register("wasserstein", wasserstein)
LOSSES.register("hinge", hinge)
