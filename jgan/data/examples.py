"""Images from an object of the user's own: a data set of another library, a list, a generator."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from jgan.data import pictures, reading, stacking, values
from jgan.data.dataset import Dataset, complete
from jgan.data.lazy import BY_MEMORY, Access, Lazy
from jgan.types import Batch
from jgan.utils import text


def from_examples(
    examples: Any, name: str = "data", *, labels: Any = None, held_out: int | None = None, access: Access = BY_MEMORY
) -> Dataset:
    """Makes a data set of the examples that an object of your own gives.

    An example is an image, a pair `(image, class)`, or a mapping with `image` and perhaps `label`. An image is a uint8 array
    `[height, width]` or `[height, width, 1 or 3]`, or Pillow's, which is turned as its EXIF data say, and refused where a file
    would be: transparent, animated, of more than 8 bits.

    Args:
      examples: an object with `len(examples)` and `examples[i]`, such as a list, a `torch.utils.data.Dataset`, a set of Grain
        or of Hugging Face; or an iterable, which is read to its end into memory. To be read by processes (`loader_workers`) it
        must survive pickling, to be read by threads, several calls at once.
      name: the name of the result.
      labels: int `[N]`, the classes, if the examples do not hold them; then only the first is read before it is needed.
      held_out: as in `jgan.data.load`.
      access: whether images are read when they are needed; only with `len`.

    Returns:
      The `Dataset`, of which a sixth each is held out for validation and test.

    Raises:
      ValueError: if there are no examples, or they are not such images, all of one shape.

    Example:
      >>> import numpy as np
      >>> from jgan import data
      >>> found = data.from_examples([(np.full((4, 4), i, np.uint8), i % 2) for i in range(12)])
      >>> found.train.x.shape, found.train.y.tolist()
      ((8, 4, 4, 1), [0, 1, 0, 1, 0, 1, 0, 1])
    """
    indexed = _indexed(examples)
    if isinstance(examples, Mapping) or not (indexed or isinstance(examples, Iterable)):
        raise ValueError(f"{name}: expected an object with len() and [i], or an iterable, found {type(examples).__name__}")
    found = _Examples(name, examples)
    first = found.read(0) if indexed and len(examples) else None
    x: Any
    if first is not None and access.is_lazy(len(examples) * first.size):
        labels = found.labels() if labels is None else labels
        x = Lazy(dataclasses.replace(found, shape=first.shape), first.shape, np.arange(len(examples)))
    else:
        x, own = found.all()
        labels = own if labels is None else labels
    y = None if labels is None else values.class_labels(labels, len(x), f"{name}, the labels")
    return complete(name, {"train": Batch(x, y)}, held_out=held_out)


@dataclasses.dataclass(frozen=True)
class _Examples:
    """Examples; called with a place it reads one image, of the shape that all have."""

    name: str
    source: Any
    shape: tuple[int, ...] | None = None

    def __call__(self, place: int) -> np.ndarray:
        image = self.read(place)
        if image.shape != self.shape:
            raise self._differs(place, image.shape, self.shape)
        return image

    def read(self, place: int) -> np.ndarray:
        return self._image(place, self._given(place))

    def labels(self) -> list[Any] | None:
        """The classes of all examples, None if the first has none."""
        if _parts(self._given(0))[1] is None:
            return None
        return [_parts(self._given(place))[1] for place in range(len(self.source))]

    def _given(self, place: int) -> Any:
        with reading.naming(self._where(place), "an example"):  # the object may raise anything
            return self.source[place]

    def all(self) -> tuple[np.ndarray, list[Any] | None]:
        """The images as one array, and their classes."""
        images, labels = [], []
        for place, example in enumerate(self._each()):
            images.append(self._image(place, example))
            labels.append(_parts(example)[1])
            if images[-1].shape != images[0].shape:
                raise self._differs(place, images[-1].shape, images[0].shape)
            reading.check_size(self.name, len(images) * images[0].nbytes)
        if not images:
            raise ValueError(f"{self.name}: expected examples, found none")
        return np.stack(images), None if labels[0] is None else labels

    def _each(self) -> Iterator[Any]:
        """By place where there are places: an object with `[i]` need not end an iteration."""
        return map(self._given, range(len(self.source))) if _indexed(self.source) else iter(self.source)

    def _image(self, place: int, example: Any) -> np.ndarray:
        image = _parts(example)[0]
        if hasattr(image, "getbands"):  # Pillow's: by the rules of files
            pictures.check_mode(image, self._where(place))
            image = stacking.pixels(pictures.upright(image.copy(), self._where(place)))
        try:
            found = np.array(image)  # a copy: the object may use one buffer for all
        except ValueError:  # a list of several shapes
            found = np.array(None)
        found = found[..., None] if found.ndim == 2 else found
        if found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] not in (1, 3):
            raise ValueError(
                f"{self._where(place)}: expected an image, a pair of an image and its class, or a mapping with image and "
                "label; the image as uint8 [height, width] or [height, width, 1 or 3], or Pillow's; "
                f"found {_described(example)}"
            )
        return found

    def _where(self, place: int) -> str:
        return f"{self.name}, example {place}"

    def _differs(self, place: int, found: Any, expected: Any) -> ValueError:
        return ValueError(
            f"{self._where(place)}: expected the shape of the first, {expected}, found {found}: resize them, for instance with "
            "jgan.resize or Pillow"
        )


def _indexed(examples: Any) -> bool:
    """Whether examples have places."""
    return hasattr(examples, "__len__") and hasattr(examples, "__getitem__")


def _parts(example: Any) -> tuple[Any, Any]:
    """`(image, class)` of an example, the class None if it has none."""
    if isinstance(example, Mapping):
        return example.get("image"), example.get("label")
    if isinstance(example, tuple | list) and len(example) == 2:
        return example[0], example[1]
    return example, None


def _described(example: Any) -> str:
    """What an example is, in a few words."""
    image = _parts(example)[0]
    if image is not None and hasattr(image, "shape") and hasattr(image, "dtype"):
        return f"{image.dtype} {list(image.shape)}"
    return f"a mapping with {text.listed(example)}" if isinstance(example, Mapping) else type(example).__name__
