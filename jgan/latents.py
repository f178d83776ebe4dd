"""Tools for a generator's latent space: paths, principal directions, sums and differences, and the latents of a real image."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from jgan import optim
from jgan.utils import xla
from jgan.utils.checks import same_shape

Path = Literal["linear", "spherical"]


def interpolate(
    start: Float[jax.Array, "*batch d"], end: Float[jax.Array, "*batch d"], steps: int, path: Path = "linear"
) -> Float[jax.Array, "*batch steps d"]:
    """Latents on the way from `start` to `end`, both included.

    The spherical path turns one vector into the other at an even rate. The latents between two Gaussian ones then have the
    length that Gaussian latents have; on the straight line those in the middle are shorter, by a factor of about 0.7.

    Args:
      start: `[..., latent_size]`, the first latents.
      end: the last latents, of the same shape.
      steps: the number of latents on each path, at least 2.
      path: `"linear"` or `"spherical"`.

    Returns:
      `[..., steps, latent_size]`.

    Raises:
      ValueError: if the shapes differ, there are fewer than two steps, or the path is unknown.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import latents
      >>> print(latents.interpolate(jnp.array([0.0, 1.0]), jnp.array([1.0, 1.0]), 3))
      [[0.  1. ]
       [0.5 1. ]
       [1.  1. ]]
      >>> print(latents.interpolate(jnp.array([0.0, 2.0]), jnp.array([2.0, 0.0]), 3, "spherical").round(3))
      [[0.    2.   ]
       [1.414 1.414]
       [2.    0.   ]]

    References:
      Linear: Goodfellow et al. (2014), figure 3, https://arxiv.org/abs/1406.2661. Spherical: White, "Sampling Generative
      Networks" (2016), section 2.1, https://arxiv.org/abs/1609.04468.
    """
    same_shape("start", start, "end", end)
    if steps < 2:
        raise ValueError(f"steps must be at least 2, the two ends, found {steps}")
    if path not in ("linear", "spherical"):
        raise ValueError(f"path must be linear or spherical, found {path!r}")
    start, end = jnp.asarray(start)[..., None, :], jnp.asarray(end)[..., None, :]
    t = jnp.linspace(0, 1, steps, dtype=start.dtype).reshape((1,) * (start.ndim - 2) + (steps, 1))
    if path == "linear":
        return (1 - t) * start + t * end
    return _spherical(start, end, t)


def _spherical(start: jax.Array, end: jax.Array, t: jax.Array) -> jax.Array:
    lengths = jnp.linalg.norm(start, axis=-1, keepdims=True) * jnp.linalg.norm(end, axis=-1, keepdims=True)
    cosine = jnp.sum(start * end, axis=-1, keepdims=True) / jnp.where(lengths > 0, lengths, 1)
    angle = jnp.arccos(jnp.clip(cosine, -1, 1))
    turned = (jnp.sin((1 - t) * angle) * start + jnp.sin(t * angle) * end) / jnp.where(jnp.sin(angle) > 1e-4, jnp.sin(angle), 1)
    # Between parallel vectors there is no angle to turn by, between opposite ones no plane to turn in.
    return jnp.where(jnp.sin(angle) > 1e-4, turned, (1 - t) * start + t * end)


def principal_directions(
    z: Float[jax.Array, "n d"], features: Float[jax.Array, "n k"], count: int
) -> Float[jax.Array, "count d"]:
    """The directions in latent space along which features of the generated examples vary most.

    Principal components of the features, carried back to the latents by linear regression: with x_j the coordinates of example
    j along the components, the direction v of a component minimises `sum_j |v x_j - z_j|^2`.

    Args:
      z: `[N, latent_size]`, random latents.
      features: `[N, k]`, features of the examples generated from them: activations of an early layer, as published, or pixels.
      count: the number of directions, the most variable first.

    Returns:
      `[count, latent_size]`: each the shift of the latents that belongs to one standard deviation along a component. Its sign
      is such that its largest entry is positive.

    Raises:
      ValueError: if the arrays have different lengths, or `count` is not from 1 to the number of components.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import latents
      >>> z = jax.random.normal(jax.random.key(0), (1000, 3))
      >>> features = z * jnp.array([[1.0, 9.0, 3.0]])  # the second latent matters most, then the third
      >>> print(jnp.abs(latents.principal_directions(z, features, 2)).argmax(axis=1))
      [1 2]

    References:
      Harkonen et al., "GANSpace: Discovering Interpretable GAN Controls" (2020), section 2.2, https://arxiv.org/abs/2004.02546
    """
    if len(z) != len(features):
        raise ValueError(f"expected one vector of features for each latent, found {len(features)} and {len(z)}")
    most = min(len(z) - 1, features.shape[1], z.shape[1])
    if not 1 <= count <= most:
        raise ValueError(f"the number of directions must be from 1 to {most}, found {count}")
    centred = features - features.mean(axis=0, keepdims=True)
    coordinates = jnp.linalg.svd(centred, full_matrices=False)[0][:, :count]  # of unit length, orthogonal
    found = coordinates.T @ (z - z.mean(axis=0, keepdims=True)) / jnp.sqrt(len(z) - 1.0)
    largest = jnp.take_along_axis(found, jnp.abs(found).argmax(axis=1, keepdims=True), axis=1)
    return found * jnp.sign(largest)


def traversal(
    z: Float[jax.Array, " d"], directions: Float[jax.Array, "rows d"], steps: int, reach: float = 2.0
) -> Float[jax.Array, "rows steps d"]:
    """Latents along several directions through one point.

    Args:
      z: `[latent_size]`, the latents in the middle.
      directions: `[rows, latent_size]`.
      steps: the number of latents in each row, at least 2.
      reach: how far a row goes to either side, in lengths of its direction.

    Returns:
      `[rows, steps, latent_size]`.

    Raises:
      ValueError: if there are fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"steps must be at least 2, the two ends, found {steps}")
    return z[None, None] + jnp.linspace(-reach, reach, steps)[None, :, None] * directions[:, None]


def combined(z: Float[jax.Array, "n d"], terms: Sequence[tuple[int, Sequence[int]]]) -> Float[jax.Array, " d"]:
    """A sum and difference of means of latents: "smiling woman - neutral woman + neutral man".

    Args:
      z: `[N, latent_size]`.
      terms: pairs of a sign, 1 or -1, and the indices of the latents whose mean is added or subtracted.

    Returns:
      `[latent_size]`.

    Raises:
      ValueError: if a term is empty or an index is out of range.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import latents
      >>> z = jnp.array([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]])
      >>> print(latents.combined(z, [(1, [0, 1]), (-1, [2])]))
      [ 2. -5.]

    References:
      Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks" (2016),
      section 6.3.2, https://arxiv.org/abs/1511.06434
    """
    if not terms or any(not indices for _, indices in terms):
        raise ValueError("expected at least one number in each term of the sum")
    wrong = [index for _, indices in terms for index in indices if not 0 <= index < len(z)]
    if wrong:
        raise ValueError(f"expected numbers of samples from 0 to {len(z) - 1}, found {wrong[0]}")
    total = jnp.zeros(z.shape[1:], z.dtype)
    for sign, indices in terms:
        total = total + sign * z[jnp.asarray(indices)].mean(axis=0)
    return total


class Projection(NamedTuple):
    """The latents whose images are closest to given ones.

    Attributes:
      z: `[N, latent_size]`.
      error: `[N]`, the mean squared error of each image.
    """

    z: jax.Array
    error: jax.Array


def project(
    generate: Callable[[jax.Array], jax.Array],
    images: Float[jax.Array, "n h w c"],
    starts: Float[jax.Array, "n starts d"],
    *,
    steps: int = 300,
    learning_rate: float = 0.1,
) -> Projection:
    """Searches latents from which a generator makes given images, by gradient descent on the squared error of the pixels.

    Adam from several random latents for each image at once, its rate falling to 0 on a cosine; the best of them is returned.

    Args:
      generate: from latents `[N, latent_size]` to images `[N, h, w, c]`.
      images: `[N, h, w, c]` in the generator's units.
      starts: `[N, starts, latent_size]`, the latents to start from.
      steps: gradient steps.
      learning_rate: Adam's first rate.

    Returns:
      The `Projection`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import latents
      >>> brightness = lambda z: jnp.broadcast_to(z[:, None, None, :], (len(z), 2, 2, 1))
      >>> found = latents.project(brightness, jnp.full((1, 2, 2, 1), 0.7), jnp.zeros((1, 3, 1)))
      >>> round(float(found.z[0, 0]), 3)
      0.7
    """
    n, count = starts.shape[:2]
    optimizer = optim.under_standard_promotion(optax.adam(optax.cosine_decay_schedule(learning_rate, steps)))

    def errors(z: jax.Array) -> jax.Array:
        made = generate(z.reshape(n * count, -1)).reshape(n, count, *images.shape[1:])
        return jnp.mean(jnp.square(made - images[:, None]), axis=(2, 3, 4))

    @xla.jit
    def update(z: jax.Array, state: optax.OptState) -> tuple[jax.Array, optax.OptState]:
        gradient = jax.grad(lambda z: errors(z).sum())(z)
        change, state = optimizer.update(gradient, state)
        return optax.apply_updates(z, change), state

    z, state = starts, optimizer.init(starts)
    for _ in range(steps):  # one program a step: on CPU a convolution inside a scan loses its threads
        z, state = update(z, state)
    found = xla.jit(errors)(z)
    best = found.argmin(axis=1)[:, None]
    return Projection(jnp.take_along_axis(z, best[..., None], axis=1)[:, 0], jnp.take_along_axis(found, best, axis=1)[:, 0])
