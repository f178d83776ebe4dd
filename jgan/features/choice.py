"""Choosing an extractor by name, as the commands' `--extractor` does."""

from pathlib import Path
from typing import Literal, cast, get_args

from jgan.features import classifier, efficientnet, inception
from jgan.features.extractor import Extractor
from jgan.features.pixels import pixels
from jgan.networks.efficientnet import Variant
from jgan.resize import RESIZERS
from jgan.utils.registry import unknown

Name = Literal["auto", "pixels", "classifier", "inception", "efficientnet_lite0", "efficientnet_lite1"]
NAMES = get_args(Name)


def choose(name: str, image_shape: tuple[int, ...], weights: Path | None = None, resizer: str = "clean") -> Extractor:
    """The extractor of a given name.

    Args:
      name: `"auto"` uses InceptionV3 if weights are given, else the shipped classifier if it takes such images, else pixels.
      image_shape: `(height, width, channels)` of the images.
      weights: the file of InceptionV3's or the classifier's weights.
      resizer: the resizer of InceptionV3 and of EfficientNet.

    Returns:
      The `Extractor`.

    Raises:
      FileNotFoundError: if the file of weights does not exist, or EfficientNet's weights are not installed.
      ValueError: if the name or the resizer is unknown, the file is not one of such weights, or the network does not take
        images of this shape.

    Example:
      >>> from jgan.features import choice
      >>> choice.choose("auto", (8, 8, 1)).name, choice.choose("auto", (28, 28, 1)).name
      ('classifier of digits', 'pixels')
    """
    if name not in NAMES:
        raise ValueError(unknown("extractor", name, NAMES))
    if resizer not in RESIZERS:
        raise ValueError(unknown("resizer", resizer, RESIZERS))
    if name == "auto":
        fits = weights is None and classifier.shape_of() == tuple(image_shape)
        name = "classifier" if fits else "pixels" if weights is None else "inception"
    if name == "pixels":
        if weights is not None:
            raise ValueError(f"--weights: pixels have none, found {weights}: omit it, or choose another --extractor")
        return pixels()
    if name.startswith("efficientnet"):
        if weights is not None:
            raise ValueError(f"--weights: those of {name} come from their package, found {weights}: omit it")
        return efficientnet.load(cast(Variant, name.removeprefix("efficientnet_")), resizer=resizer)
    if name == "inception":
        if weights is None:
            raise ValueError("--extractor inception needs the file of its weights: pass it with --weights")
        return inception.load(weights, resizer=resizer)
    takes = classifier.shape_of(weights)
    if takes != tuple(image_shape):
        raise ValueError(
            f"--extractor: the classifier takes images of {_by(takes)}, found {_by(tuple(image_shape))}: train one by "
            "python -m jgan.classifier and pass it with --weights, or use --extractor pixels"
        )
    return classifier.load(weights)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
