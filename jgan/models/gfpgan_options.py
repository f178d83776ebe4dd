"""The options of GFP-GAN's losses, and the terms and boxes that they describe.

The weights are the authors', for images in [-1, 1] where a loss is in units of a pixel: it counts twice here, where images are
in [0, 1]. Features are those of images in [0, 1] in both.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from jgan import terms
from jgan.features import Extractor, classifier, maps
from jgan.features.maps import Maps
from jgan.losses import grams
from jgan.models import options, stylegan2
from jgan.penalties import View
from jgan.terms import Term

Box = tuple[float, float, float, float]
"""`(left, top, right, bottom)`, in shares of the width and of the height."""


@dataclasses.dataclass(frozen=True)
class Losses:
    """The losses of a restored image; a weight of 0 leaves one out."""

    pixel: float = 0.1
    """weight of the mean absolute difference from the truth, of images in [-1, 1]"""
    pyramid: float = 1.0
    """weight of that of the U-Net's image of each level, from the truth halved by 2x2 means"""
    pyramid_steps: int = 50_000
    """steps with the pyramid loss"""
    features: str = "none"
    """maps of a frozen network: vgg19:PATH, efficientnet_lite0, classifier:PATH, random:SEED or none, see jgan.features.maps"""
    layers: tuple[str, ...] = ()
    """names of the maps that count; empty: those that are usual for the network"""
    layer_weights: tuple[float, ...] = ()
    """their weights"""
    perceptual: float = 1.0
    """weight of the mean absolute difference of the maps"""
    style: float = 50.0
    """weight of the mean absolute difference of the maps' Gram matrices"""
    adversarial: float = 0.1
    """weight of the adversarial loss of whole images"""
    identity: float = 10.0
    """weight of the mean absolute difference of the features of an identity network"""
    identity_network: str = "none"
    """a file of python -m jgan.classifier, trained on the persons of the training set, or none"""


@dataclasses.dataclass(frozen=True)
class Components:
    """The discriminators of the parts of a face, which are at fixed places; the defaults are those of the Olivetti faces."""

    weight: float = 1.0
    """weight of the adversarial loss of each part; 0: no discriminators of parts"""
    style: float = 200.0
    """weight of the mean absolute difference of the Gram matrices of their features"""
    width: int = 64
    """channels of their first convolution"""
    left_eye: Box = (0.125, 0.172, 0.375, 0.359)
    """box of the eye at the left of the image: left, top, right and bottom in shares of the sides"""
    right_eye: Box = (0.625, 0.172, 0.875, 0.359)
    """box of the eye at the right"""
    mouth: Box = (0.281, 0.641, 0.719, 0.828)
    """box of the mouth"""
    eye_size: tuple[int, int] = (80, 80)
    """height and width to which the eyes are resized, in pixels"""
    mouth_size: tuple[int, int] = (120, 120)
    """height and width of the mouth"""

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """The parts, in the order of their boxes, with the sizes that their discriminators see."""
        return {"left_eye": self.eye_size, "right_eye": self.eye_size, "mouth": self.mouth_size}

    def boxes(self, height: int, width: int) -> list[list[float]]:
        """The boxes in pixels.

        Args:
          height: of the images.
          width: of the images.

        Returns:
          `[3][4]`, for `jgan.regions.align`.

        Raises:
          ValueError: if a box is empty or reaches beyond the image.

        Example:
          >>> from jgan.models import gfpgan_options
          >>> gfpgan_options.Components(mouth=(0.25, 0.5, 0.75, 1.0)).boxes(64, 64)[2]
          [16.0, 32.0, 48.0, 64.0]
        """
        for name in self.sizes:
            left, top, right, bottom = box = getattr(self, name)
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError(f"components.{name} must be left, top, right and bottom in shares of the sides, found {box}")
        scale = width, height, width, height
        return [[share * side for share, side in zip(getattr(self, name), scale, strict=True)] for name in self.sizes]


DIGITS_PRIOR = dataclasses.replace(stylegan2.PRESETS["stylegan2"].config, channel_base=512, channel_max=64, style_size=64)
FACES_PRIOR = dataclasses.replace(
    stylegan2.CONFIGS["stylegan2"],
    latent_size=64,
    style_size=64,
    mapping_layers=4,
    channel_base=2048,
    channel_max=64,
    mixing=0.5,
    r1=1.0,
    path_length=0.0,
    augment=options.Augment("diff_augment"),
    ema=options.EMA(half_life=10_000, statistics="latest"),
)
"""The small priors; that of the faces has the published widths divided by 8."""

MIRRORED = (1, 0, 2)
"""For each part that which lies in its place in a mirrored image: the eyes change places."""


def terms_of(losses: Losses) -> tuple[Term, ...]:
    """The terms that compare whole restored images with their truth.

    Files of weights are read when a loss is first traced, so that a finished run can be sampled without them.

    Args:
      losses: the options.

    Returns:
      The `Term`s: of pixels, of the maps and their Gram matrices, of identity; those that have a weight and a network.

    Raises:
      ValueError: if layers and weights differ in number.

    Example:
      >>> from jgan.models import gfpgan_options
      >>> [term.name for term in gfpgan_options.terms_of(gfpgan_options.Losses())]
      ['l1_to_target']
    """
    if len(losses.layers) != len(losses.layer_weights):
        expected = f"one number for each of {len(losses.layers)} losses.layers"
        raise ValueError(f"losses.layer_weights must be {expected}, found {len(losses.layer_weights)}")
    layers = dict(zip(losses.layers, losses.layer_weights, strict=True)) or None
    found = [terms.l1_to_target(2 * losses.pixel)]
    if losses.features != "none":
        network = functools.partial(maps.choose, losses.features)
        found += [terms.perceptual(network, losses.perceptual, layers=layers), style(network, losses.style, layers=layers)]
    if losses.identity_network != "none":
        found.append(identity(losses.identity_network, losses.identity))
    return tuple(term for term in found if term.generator)


def style(network: Callable[[], Maps], weight: float, *, layers: Mapping[str, float] | None = None) -> Term:
    """The distance of the Gram matrices of each fake's feature maps from those of its truth.

    Args:
      network: `network() -> Maps`, called while a loss is traced.
      weight: the weight in the generator's loss.
      layers: the weight of each layer by name; None for the network's defaults.

    Returns:
      The `Term`. Under `jit` it shares the passes of the network with `terms.perceptual`.

    Example:
      >>> from jgan.features import maps
      >>> from jgan.models import gfpgan_options
      >>> term = gfpgan_options.style(lambda: maps.choose("random:0"), 50.0)
    """

    def value(view: View) -> jax.Array:
        found = network()
        chosen = found.defaults if layers is None else layers
        weights = [chosen.get(name, 0.0) for name in found.layers]
        return grams.distance(found.apply(view.fake), found.apply(view.real), weights)

    return Term("style", value, generator=weight)


def identity(path: str, weight: float) -> Term:
    """The identity loss in the features of a small classifier of persons, which is not ArcFace.

    Args:
      path: a file of `python -m jgan.classifier`, of images of the shape of the restored ones; read while a loss is traced.
      weight: the weight in the generator's loss.

    Returns:
      The `Term`; while tracing it raises a `FileNotFoundError` or a `ValueError` if the file is not one of a classifier.
    """

    def value(view: View) -> jax.Array:
        network = _classifier(path)
        return jnp.mean(jnp.abs(network.apply(255 * view.fake).features - network.apply(255 * view.real).features))

    return Term("identity", value, generator=weight)


@functools.lru_cache(maxsize=2)
def _classifier(path: str) -> Extractor:
    with jax.ensure_compile_time_eval():
        return classifier.load(path)
