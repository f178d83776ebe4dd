"""The extractor that a flag asks for."""

from pathlib import Path
from typing import Literal

from jgan.features import classifier, inception
from jgan.features.extractor import Extractor
from jgan.features.pixels import pixels

Name = Literal["auto", "pixels", "classifier", "inception"]
Resizer = Literal["clean", "tf1", "torch"]


def choose(name: Name, image_shape: tuple[int, ...], weights: Path | None = None, resizer: Resizer = "clean") -> Extractor:
    """The extractor of a name.

    Args:
      name: `"auto"` takes InceptionV3 if weights are given, else the shipped classifier if the images fit it, else pixels.
      image_shape: `(height, width, channels)` of the images.
      weights: the file of InceptionV3's weights, or of a classifier's.
      resizer: of InceptionV3.

    Returns:
      The `Extractor`.

    Raises:
      FileNotFoundError: if the weights are not there.
      ValueError: if they are something else, or the network does not take such images.

    Example:
      >>> from jgan.features import choice
      >>> choice.choose("auto", (8, 8, 1)).name, choice.choose("auto", (28, 28, 1)).name
      ('classifier of digits', 'pixels')
    """
    if name == "auto":
        fits = weights is None and classifier.shape_of() == tuple(image_shape)
        name = "classifier" if fits else "pixels" if weights is None else "inception"
    if name == "pixels":
        if weights is not None:
            raise ValueError(f"--weights: pixels have none, found {weights}: leave it out, or ask for another --extractor")
        return pixels()
    if name == "inception":
        if weights is None:
            raise ValueError("--extractor inception needs the file of its weights: give it with --weights")
        return inception.load(weights, resizer=resizer)
    takes = classifier.shape_of(weights)
    if takes != tuple(image_shape):
        raise ValueError(
            f"--extractor: the classifier takes images of {_by(takes)}, found {_by(tuple(image_shape))}: train one by "
            "python -m jgan.classifier and give it with --weights, or take pixels"
        )
    return classifier.load(weights)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
