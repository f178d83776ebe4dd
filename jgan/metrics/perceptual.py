"""A perceptual distance of pairs of images, of the form of LPIPS: differences of normalised feature maps of a network.

It is not LPIPS: that has a certain network and weights learnt from human judgements, all of which are 1 here. Values of
different networks cannot be compared; nor does a distance in the features of its own loss prove anything about a model.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jgan.utils import xla
from jgan.utils.shapes import AnyArray

Maps = Callable[[jax.Array], Sequence[jax.Array]]
"""`maps(images) -> [B, h, w, c]` maps of several layers, of images `[B, height, width, channels]` in [0, 1]."""

EPSILON = 1e-10
"""Added to the length of the vector of each place."""


def of_maps(
    first: Sequence[Float[jax.Array, "b h w c"]], second: Sequence[Float[jax.Array, "b h w c"]]
) -> Float[jax.Array, " b"]:
    """The distance of images from their feature maps.

    At each place of a layer the vector of channels is divided by its length; the squared differences are summed over channels,
    averaged over places, and summed over layers.

    Args:
      first: for each layer `[B, h, w, c]`, the maps of some images.
      second: those of as many others.

    Returns:
      `[B]`, at least 0; a layer adds at most 4.

    Raises:
      ValueError: if there are no layers, or the shapes differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.metrics import perceptual
      >>> x = jnp.ones((1, 2, 2, 2))
      >>> print(perceptual.of_maps([x], [3 * x]).round(4), perceptual.of_maps([x], [-x]).round(4))
      [0.] [4.]

    References:
      Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018), equation 1,
      https://arxiv.org/abs/1801.03924
    """
    shapes = [[leaf.shape for leaf in maps] for maps in (first, second)]
    if not first or shapes[0] != shapes[1]:
        raise ValueError(f"expected maps of the same shapes, at least one layer, found {shapes[0]} and {shapes[1]}")

    def unit(x: jax.Array) -> jax.Array:
        return x / (jnp.sqrt(jnp.sum(jnp.square(x), axis=-1, keepdims=True)) + EPSILON)

    layers = [
        jnp.mean(jnp.sum(jnp.square(unit(x) - unit(y)), axis=-1), axis=(1, 2)) for x, y in zip(first, second, strict=True)
    ]
    return jnp.sum(jnp.stack(layers), axis=0)


def distances(
    first: Float[AnyArray, "n h w c"], second: Float[AnyArray, "n h w c"], maps: Maps, *, block: int = 8
) -> np.ndarray:
    """The distance of each of many pairs of images of one size.

    Args:
      first: `[N, height, width, channels]` in [0, 1].
      second: as many images of the same size.
      maps: the feature maps, such as `jgan.features.maps.choose("efficientnet_lite1").apply`.
      block: pairs in one call of the network; all blocks have this length, so that one program is compiled.

    Returns:
      `[N]` float64.

    Raises:
      ValueError: if there are no images, or the shapes differ.

    Example:
      >>> import numpy as np
      >>> from jgan.metrics import perceptual
      >>> x = np.random.default_rng(0).random((3, 4, 4, 2)).astype(np.float32)
      >>> perceptual.distances(x, x, lambda images: [images]).tolist()
      [0.0, 0.0, 0.0]
    """
    x, y = np.asarray(first, np.float32), np.asarray(second, np.float32)
    if x.shape != y.shape or x.ndim != 4 or not len(x):
        raise ValueError(f"expected as many images of one shape on both sides, at least 1, found {x.shape} and {y.shape}")
    compared = xla.jit(lambda x, y: of_maps(maps(x), maps(y)))
    found = []
    for start in range(0, len(x), block):
        parts = [images[start : start + block] for images in (x, y)]
        padded = [np.concatenate([part, np.repeat(part[-1:], block - len(part), axis=0)]) for part in parts]
        found.append(np.asarray(compared(*padded), np.float64)[: len(parts[0])])
    return np.concatenate(found)
