"""ADA: augmentations applied with probability p, and a controller that adapts p during training.

A generator trained only on augmented images may learn to generate augmented images. It does not if each augmentation has a
probability below 1 (in practice, below about 0.8): the distribution of augmented images then determines the original one.
So every transformation is applied or skipped independently for each image.

The paper's images lie in [-1, 1], jgan's in [0, 1]: `low` and `high` give the range, and the transformations are scaled from
the paper's range to it. As in the paper, results are not clipped: the discriminator sees values outside the range.

References:
  Karras et al., "Training Generative Adversarial Networks with Limited Data" (2020), https://arxiv.org/abs/2006.06676
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jgan.augment import controller, operations
from jgan.augment.affine import Geometry, inverse_matrix, warp
from jgan.augment.colour import colour_matrix, recolour
from jgan.augment.draws import draw_amplitudes, draw_blit, draw_colour, draw_geometry
from jgan.augment.filtering import amplify, band_gains
from jgan.types import Augmentation, Key

POLICIES = ("blit", "geometry", "color", "filter", "noise", "cutout")
"""The paper's six groups of transformations, in its order ("bgcfnc")."""

DEFAULT = POLICIES[:3]
"""The groups in the paper's final configuration; the others helped less or not at all."""


def _noise(key: Key, p: jax.Array | float, image: jax.Array, half: float) -> jax.Array:
    """White noise with a random deviation |N(0, 0.1^2)|."""
    coin_key, deviation_key, noise_key = jax.random.split(key, 3)
    deviation = jnp.where(jax.random.bernoulli(coin_key, p), 0.1 * jnp.abs(jax.random.normal(deviation_key)), 0.0)
    return image + half * deviation * jax.random.normal(noise_key, image.shape)


def _cutout(key: Key, p: jax.Array | float, image: jax.Array, fill: float) -> jax.Array:
    """Fills a rectangle of half the height and width, with a random centre."""
    u = jax.random.uniform(key, (3,))
    sides = jnp.array(image.shape[:2], jnp.float32)
    return operations.cut_out(image, sides * u[1:], jnp.where(u[0] < p, sides / 2, 0.0), fill)


def _check_policy(policy: Sequence[str]) -> None:
    if isinstance(policy, str) or not set(policy) <= set(POLICIES):
        raise ValueError(f"policy must be a sequence of names of {POLICIES}, found {policy!r}")


def pipeline(
    key: Key,
    images: jax.Array,
    p: jax.Array | float,
    *,
    policy: Sequence[str] = DEFAULT,
    low: float = 0.0,
    high: float = 1.0,
    fill: float | None = None,
    color_share: float = 1.0,
    axis_name: str | None = None,
) -> jax.Array:
    """Augments every image; each transformation has probability p, in the paper's order.

    The geometry of an image is one 3x3 matrix and one warp, its colour transformation one 4x4 matrix. The warp is simpler
    than the paper's: see `jgan.augment.affine.warp`.

    Args:
      key: the key of the whole batch.
      images: `[B, height, width, channels]` float; of 1 or 3 channels, if the policy has "color".
      p: the probability of each transformation, a float or a float32 scalar.
      policy: the groups of transformations to use: "blit" (flips, quarter turns, integer translation), "geometry", "color",
        "filter", "noise" and "cutout", in any order.
      low: the value of black.
      high: the value of white.
      fill: the value of a cutout; by default mid grey, `(low + high) / 2`.
      color_share: the probability of each colour transformation, as a share of p.
      axis_name: the mapped axis over which the batch is sharded, or None.

    Returns:
      The same shape, differentiable with respect to the images. At p = 0 the images are unchanged, bit for bit (with "filter",
      up to rounding).

    Raises:
      ValueError: if a name is unknown, `p` (if concrete) is not in [0, 1], `low` is not below `high`, or the images have the
        wrong shape or dtype.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.augment.ada import pipeline
      >>> x = jax.random.uniform(jax.random.key(0), (2, 16, 12, 3))
      >>> bool((jax.jit(pipeline)(jax.random.key(1), x, 0.0) == x).all())
      True

    References:
      Karras et al. (2020), section 2.2 and appendix B, https://arxiv.org/abs/2006.06676
    """
    _check_policy(policy)
    if not isinstance(p, jax.Array) and not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, in [0, 1], found {p}")
    middle, half = operations.middle_and_half(low, high)
    paint = middle if fill is None else fill

    def augmented(key: Key, image: jax.Array) -> jax.Array:
        keys = dict(zip(POLICIES, jax.random.split(key, len(POLICIES)), strict=True))
        height, width, _ = image.shape
        geometry = Geometry()
        if "geometry" in policy:
            geometry = draw_geometry(keys["geometry"], p, height, width)
        if "blit" in policy:
            blit = draw_blit(keys["blit"], p, height, width)
            geometry = geometry._replace(flip=blit.flip, turns=blit.turns, shift=blit.shift)
        if "geometry" in policy or "blit" in policy:
            image = warp(image, inverse_matrix(geometry))
        if "color" in policy:
            image = recolour(image, colour_matrix(draw_colour(keys["color"], color_share * p)), low=low, high=high)
        if "filter" in policy:
            gains = band_gains(draw_amplitudes(keys["filter"], p))
            image = middle + amplify(image - middle, gains)  # centred, as in the paper, where mid grey is 0
        if "noise" in policy:
            image = _noise(keys["noise"], p, image, half)
        if "cutout" in policy:
            image = _cutout(keys["cutout"], p, image, paint)
        return image

    return operations.per_example(augmented, key, images, axis_name)


def ada(
    policy: Sequence[str] = DEFAULT,
    *,
    p: float | optax.Schedule = 0.0,
    target: float | None = 0.6,
    images_to_full: float = 500_000,
    interval: int = 4,
    boundary: float = 0.0,
    low: float = 0.0,
    high: float = 1.0,
    fill: float | None = None,
    color_share: float = 1.0,
) -> Augmentation:
    """Adaptive discriminator augmentation, for a game's `augment` option.

    Args:
      policy: the groups of transformations to use: see `pipeline`.
      p: the initial probability of each transformation; or a schedule of the number of discriminator updates so far, which
        then replaces the controller, as in R3GAN.
      target: the controller's target for the mean sign of the real images' logits; None keeps p constant.
      images_to_full: the number of images in which p can go from 0 to 1.
      interval: the number of discriminator updates between adjustments of p.
      boundary: the logit between real and fake: `jgan.losses.Loss.boundary`.
      low: the value of black.
      high: the value of white.
      fill: the value of a cutout; by default mid grey, `(low + high) / 2`.
      color_share: the probability of each colour transformation, as a share of p.

    Returns:
      The `Augmentation`, whose memory is a `jgan.augment.controller.Memory`.

    Raises:
      ValueError: if a name is unknown, `p` is not in [0, 1], `low` is not below `high`, or `images_to_full` or
        `interval` is below 1; when applied, if the images have the wrong shape or dtype.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import augment
      >>> augmentation = augment.ada(p=0.5)
      >>> memory = augmentation.init()
      >>> apply = jax.jit(augmentation.apply, static_argnums=3)
      >>> apply(jax.random.key(0), memory, jnp.zeros((2, 16, 16, 3)), None).shape
      (2, 16, 16, 3)
      >>> memory = augmentation.update(memory, jnp.array([1.0, -1.0]), None)

    References:
      Karras et al. (2020), section 3, https://arxiv.org/abs/2006.06676
    """
    _check_policy(policy)
    operations.middle_and_half(low, high)
    schedule = p if callable(p) else None
    start = 0.0 if callable(p) else p
    controller.start(start)
    if images_to_full < 1 or interval < 1:
        raise ValueError(
            f"images_to_full and interval must be at least 1, found images_to_full = {images_to_full}, interval = {interval}"
        )

    def apply(key: Key, memory: controller.Memory, images: jax.Array, axis_name: str | None) -> jax.Array:
        options: dict[str, Any] = {"policy": policy, "low": low, "high": high, "fill": fill, "color_share": color_share}
        return pipeline(key, images, memory.p, axis_name=axis_name, **options)

    def init() -> controller.Memory:
        memory = controller.start(start)
        return memory if schedule is None else memory._replace(p=jnp.asarray(schedule(memory.updates), jnp.float32))

    def update(memory: controller.Memory, real_logits: jax.Array, axis_name: str | None) -> controller.Memory:
        if schedule is not None:
            updates = memory.updates + 1
            return memory._replace(p=jnp.asarray(schedule(updates), jnp.float32), updates=updates)
        if target is None:
            return memory
        options: dict[str, Any] = {"images_to_full": images_to_full, "interval": interval, "boundary": boundary}
        return controller.update(memory, real_logits, target=target, axis_name=axis_name, **options)

    return Augmentation(init=init, apply=apply, update=update)
