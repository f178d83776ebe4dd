"""The types of data: a batch, the inputs of a generator, and the description of a data set."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp


class Batch(NamedTuple):
    """Examples: a minibatch, or a whole set; arrays of JAX or of NumPy with one common leading axis.

    A data set of several sets (two unpaired domains; labelled and unlabelled examples) is a dict of named `Batch`es, which may
    differ in length; its minibatch is a dict with the same names.

    Attributes:
      x: `[B, ...]`, the examples; images are `[B, height, width, channels]`, float32 in [0, 1], or uint8 when stored.
      y: `[B]` int32 class labels, or None.
      c: `[B, ...]`, a tree of further conditions: source images, token sequences; `()` if there are none.
    """

    x: Any
    y: Any = None
    c: Any = ()


class Inputs(NamedTuple):
    """The inputs of a generator: latents, a condition, or both.

    Attributes:
      z: `[n, latent_size]` float32 latents; `()` for a generator without noise.
      c: `[n, ...]` the condition, a tree: labels, images, tokens; `()` for an unconditional generator.
    """

    z: Any = ()
    c: Any = ()

    def args(self) -> tuple[Any, ...]:
        """The non-empty parts in order: the positional arguments of the generator network."""
        return tuple(part for part in self if jax.tree.leaves(part))


class Field(NamedTuple):
    """The description of one array of an example.

    Attributes:
      shape: the shape of one example, without the batch; `()` for a label. For photographs the smallest height and width of any
        of them, and the channels.
      kind: `"image"` (float32 in [0, 1] in a step; uint8 when stored), `"points"` (float32), `"label"` or `"tokens"` (int32),
        or `"photographs"`: images of different sizes, a `jgan.ragged.Ragged` of which a step cuts crops.
      size: the number of classes of a label, the vocabulary size of tokens; 0 for the others.
      end: the token that ends a sequence and fills the places after it; -1 if all sequences are of full length.
    """

    shape: tuple[int, ...]
    kind: Literal["image", "points", "label", "tokens", "photographs"] = "image"
    size: int = 0
    end: int = -1

    @property
    def dtype(self) -> Any:
        """The dtype of the array inside a step."""
        return jnp.int32 if self.kind in ("label", "tokens") else jnp.float32


class DataSpec(NamedTuple):
    """The description of a data set that a model is built from.

    Attributes:
      example: a `Batch` whose leaves are `Field`s; for several sets a dict of such, by name.
      steps_per_epoch: minibatches in an epoch (of the largest set), for schedules defined in epochs.
      mean: the mean of `x` over the training set, in the same units as in a step (images in [0, 1]); None if unknown.
      batch_size: examples in a minibatch, for averages and schedules defined in examples; 0 if unknown.
    """

    example: Any
    steps_per_epoch: int
    mean: Any = None
    batch_size: int = 0

    @classmethod
    def images(
        cls, shape: tuple[int, ...], steps_per_epoch: int, *, n_classes: int = 0, mean: Any = None, batch_size: int = 0
    ) -> "DataSpec":
        """One set of images.

        Args:
          shape: `(height, width, channels)`.
          steps_per_epoch: minibatches in an epoch.
          n_classes: the number of classes if the images have labels; 0 for no labels.
          mean: the mean image.
          batch_size: examples in a minibatch.

        Returns:
          The `DataSpec`.

        Example:
          >>> from jgan import DataSpec
          >>> spec = DataSpec.images((28, 28, 1), steps_per_epoch=500, n_classes=10)
          >>> spec.shape, spec.n_classes
          ((28, 28, 1), 10)
        """
        return cls._one_set(Field(tuple(shape)), steps_per_epoch, n_classes, mean, batch_size)

    @classmethod
    def points(
        cls, shape: tuple[int, ...], steps_per_epoch: int, *, n_classes: int = 0, mean: Any = None, batch_size: int = 0
    ) -> "DataSpec":
        """One set of points, float vectors of any range.

        Args:
          shape: `(d,)`.
          steps_per_epoch: minibatches in an epoch.
          n_classes: the number of classes if the points have labels; 0 for no labels.
          mean: the mean point.
          batch_size: examples in a minibatch.

        Returns:
          The `DataSpec`.

        Example:
          >>> from jgan import DataSpec
          >>> DataSpec.points((2,), steps_per_epoch=100).example.x.kind
          'points'
        """
        return cls._one_set(Field(tuple(shape), "points"), steps_per_epoch, n_classes, mean, batch_size)

    @classmethod
    def tokens(cls, length: int, size: int, steps_per_epoch: int, *, end: int = -1, batch_size: int = 0) -> "DataSpec":
        """One set of sequences of tokens.

        Args:
          length: tokens of a sequence.
          size: the size of the vocabulary.
          steps_per_epoch: minibatches in an epoch.
          end: the token that ends a sequence and fills the places after it; -1 for none.
          batch_size: examples in a minibatch.

        Returns:
          The `DataSpec`.

        Example:
          >>> from jgan import DataSpec
          >>> DataSpec.tokens(20, 5000, steps_per_epoch=156).example.x.size
          5000
        """
        return cls(Batch(Field((length,), "tokens", size, end)), steps_per_epoch, None, batch_size)

    @classmethod
    def _one_set(cls, x: Field, steps_per_epoch: int, n_classes: int, mean: Any, batch_size: int) -> "DataSpec":
        return cls(Batch(x, Field((), "label", n_classes) if n_classes else None), steps_per_epoch, mean, batch_size)

    @property
    def sets(self) -> dict[str, Batch]:
        """The sets by name; a single set has the name ''."""
        return {"": self.example} if isinstance(self.example, Batch) else dict(self.example)

    @property
    def one(self) -> Batch:
        """The description of the only set.

        Raises:
          ValueError: if there are several.
        """
        if not isinstance(self.example, Batch):
            raise ValueError(f"expected one set of examples, found several: {', '.join(self.example)}")
        return self.example

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example's `x`, for a single set."""
        return self.one.x.shape

    @property
    def n_classes(self) -> int:
        """The number of classes of the labels of a single set; 0 for no labels."""
        return self.one.y.size if self.one.y is not None else 0
