"""Mixtures of discretised logistics for the levels of pixels: the log-likelihood, and samples as a function of uniform numbers.

The levels of a channel are numbers from -1 to 1, evenly spaced. Given the component, the probability of a level is that of a
logistic distribution within half a step of it; the lowest and the highest level have the tails. The mean of a channel depends
linearly on the channels before it: green on red, blue on red and green. The parameters of a pixel are, in this order,

  n logits; n means of each channel; n logarithms of the scales of each channel; n numbers of each pair of channels, whose
  tanh is the coefficient: (1, 0), (2, 0), (2, 1).

References:
  Salimans et al., "PixelCNN++" (2017), section 2, https://arxiv.org/abs/1701.05517; the authors' code, openai/pixel-cnn, whose
  parameters have another order.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

SMALLEST_LOG_SCALE = -7.0
"""Logarithms of scales below this are raised to it."""

SMALLEST_PROBABILITY = 1e-5
"""Of a level whose probability is less, the density at the level times the step is taken."""


class Mixture(NamedTuple):
    """The parameters of pixels.

    Attributes:
      logits: `[..., n]`, those of the components.
      means: `[..., channels, n]`, without what the other channels add.
      log_scales: `[..., channels, n]`.
      coefficients: `[..., channels, channels, n]`, that of the second channel in the mean of the first; 0 unless it is before.
    """

    logits: jax.Array
    means: jax.Array
    log_scales: jax.Array
    coefficients: jax.Array


def outputs(channels: int, mixtures: int) -> int:
    """The number of parameters of a pixel.

    Args:
      channels: the channels of an image.
      mixtures: the components.

    Returns:
      The number.

    Example:
      >>> from jgan.networks import logistic_mixture
      >>> logistic_mixture.outputs(1, 10), logistic_mixture.outputs(3, 10)
      (30, 100)
    """
    return mixtures * (1 + 2 * channels + channels * (channels - 1) // 2)


def unpacked(parameters: Float[jax.Array, "*shape outputs"], channels: int) -> Mixture:
    """The parameters of pixels by their meaning.

    Args:
      parameters: `[..., outputs]`, a network's output.
      channels: the channels of an image.

    Returns:
      The `Mixture`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import logistic_mixture
      >>> logistic_mixture.unpacked(jnp.zeros((4, 4, 100)), 3).means.shape
      (4, 4, 3, 10)
    """
    shape, n = parameters.shape[:-1], parameters.shape[-1] // outputs(channels, 1)
    logits, means, log_scales, others = jnp.split(parameters, [n, n * (1 + channels), n * (1 + 2 * channels)], axis=-1)
    coefficients = jnp.zeros((*shape, channels, channels, n), parameters.dtype)
    rows, columns = jnp.tril_indices(channels, -1)
    coefficients = coefficients.at[..., rows, columns, :].set(jnp.tanh(others).reshape(*shape, len(rows), n))
    each = (*shape, channels, n)
    return Mixture(logits, means.reshape(each), jnp.maximum(log_scales.reshape(each), SMALLEST_LOG_SCALE), coefficients)


def _log_probability(centred: jax.Array, log_scale: jax.Array, lowest: jax.Array, highest: jax.Array, levels: int) -> jax.Array:
    """The logarithm of the probability of a level, given its distance from the mean."""
    inverse, half = jnp.exp(-log_scale), 1 / (levels - 1)
    plus, minus, middle = inverse * (centred + half), inverse * (centred - half), inverse * centred
    # The difference of the sigmoids is the product of sigmoid(plus), sigmoid(-minus) and 1 - exp(minus - plus), of which none
    # cancels; 1e-12 keeps the gradient of a logarithm finite that is not chosen.
    between = jnp.log(jnp.maximum(-jnp.expm1(-2 * half * inverse), 1e-12))
    inside = jax.nn.log_sigmoid(plus) + jax.nn.log_sigmoid(-minus) + between
    density = jax.nn.log_sigmoid(middle) + jax.nn.log_sigmoid(-middle) - log_scale + math.log(2 * half)
    inside = jnp.where(inside > math.log(SMALLEST_PROBABILITY), inside, density)
    return jnp.where(lowest, jax.nn.log_sigmoid(plus), jnp.where(highest, jax.nn.log_sigmoid(-minus), inside))


def log_likelihood(
    chosen: Int[jax.Array, "*shape c"], parameters: Float[jax.Array, "*shape outputs"], levels: int
) -> Float[jax.Array, "*shape"]:
    """The logarithm of the probability of pixels.

    Args:
      chosen: `[..., channels]` int, the levels, from 0.
      parameters: `[..., outputs]` float32.
      levels: the number of levels, at least 2.

    Returns:
      `[...]` float32, in nats for a pixel of all channels.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import logistic_mixture
      >>> likely = jnp.exp(logistic_mixture.log_likelihood(jnp.arange(4)[:, None], jnp.zeros((4, 3)), 4))
      >>> [round(float(value), 3) for value in (*likely, likely.sum())]
      [0.339, 0.161, 0.161, 0.339, 1.0]
    """
    mixture = unpacked(parameters, chosen.shape[-1])
    x = (2 * chosen.astype(parameters.dtype) / (levels - 1) - 1)[..., None]
    means = mixture.means + jnp.sum(mixture.coefficients * x[..., None, :, :], axis=-2)
    at = chosen[..., None]
    each = _log_probability(x - means, mixture.log_scales, at == 0, at == levels - 1, levels)
    return jax.nn.logsumexp(jnp.sum(each, axis=-2) + jax.nn.log_softmax(mixture.logits), axis=-1)


def drawn(
    uniform: Float[jax.Array, "*shape numbers"], parameters: Float[jax.Array, "*shape outputs"], levels: int
) -> Int[jax.Array, "*shape c"]:
    """Samples of pixels: a component, then channel by channel the level nearest to a sample of the logistic distribution.

    Args:
      uniform: `[..., 1 + channels]` numbers in [0, 1): that of the component, whose cumulative probability passes it, and those
        of the channels, at which the cumulative distributions are inverted.
      parameters: `[..., outputs]` float32.
      levels: the number of levels.

    Returns:
      `[..., channels]` int32, distributed as `log_likelihood` says.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.networks import logistic_mixture
      >>> logistic_mixture.drawn(jnp.array([[0.5, 0.1], [0.5, 0.5], [0.5, 0.9]]), jnp.zeros((3, 3)), 5).ravel().tolist()
      [0, 2, 4]
    """
    channels = uniform.shape[-1] - 1
    mixture = unpacked(parameters, channels)
    below = jnp.cumsum(jax.nn.softmax(mixture.logits), axis=-1)[..., :-1]
    component = jnp.sum(uniform[..., :1] >= below, axis=-1)[..., None]

    def of_component(each: jax.Array) -> jax.Array:
        index = component.reshape(*component.shape[:-1], *(1,) * (each.ndim - component.ndim + 1))
        return jnp.take_along_axis(each, index, axis=-1)[..., 0]

    means, log_scales, coefficients = map(of_component, mixture[1:])
    # As in the authors' code no number is nearer to 0 or 1, at which the logistic distribution has no value.
    numbers = jnp.clip(uniform[..., 1:], 1e-5, 1 - 1e-5)
    noise = jnp.exp(log_scales) * (jnp.log(numbers) - jnp.log1p(-numbers))
    found: list[jax.Array] = []
    for channel in range(channels):
        moved = sum((coefficients[..., channel, index] * x for index, x in enumerate(found)), start=jnp.float32(0))
        value = means[..., channel] + noise[..., channel] + moved
        level = jnp.clip(jnp.round((value + 1) / 2 * (levels - 1)), 0, levels - 1)
        found.append(2 * level / (levels - 1) - 1)
    return jnp.round((jnp.stack(found, axis=-1) + 1) / 2 * (levels - 1)).astype(jnp.int32)
