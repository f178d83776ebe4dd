"""The small classifier: features for data sets that InceptionV3 does not suit, such as 8x8 digits.

One trained on the embedded digits is shipped. `python -m jgan.classifier` trains others: convolutional ones, which `fit`
trains, and those with one hidden layer of `jgan.features.dense`.
"""

import dataclasses
import functools
import json
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import networks, optim
from jgan.features import dense, weights
from jgan.features.dense import Dense
from jgan.features.extractor import Extracted, Extractor
from jgan.types import Batch, Key, Network, PyTree
from jgan.utils import text, xla
from jgan.utils.checks import whole
from jgan.utils.registry import unknown

SHIPPED = "digits.npz"
"""The file in this folder, trained on the embedded 8x8 digits."""


LARGEST_SIDE = 1 << 16
"""The largest side of an image, and number of classes, that a file may declare."""


class About(NamedTuple):
    """The description stored in a file of weights.

    Attributes:
      dataset: the data set it was trained on.
      image_shape: `(height, width, channels)` of its input.
      classes: the number of classes.
      test_accuracy: the fraction of test images it classifies correctly.
      dense: the options of a network with one hidden layer; None for the convolutional one.
    """

    dataset: str
    image_shape: tuple[int, ...]
    classes: int
    test_accuracy: float
    dense: Dense | None = None


def network(image_shape: tuple[int, ...], classes: int, config: Dense | None = None) -> Network:
    """The network: `jgan.networks.ConvClassifier` or `DenseClassifier`.

    Args:
      image_shape: `(height, width, channels)`.
      classes: the number of classes.
      config: the options of a network with one hidden layer; None for the convolutional one.

    Returns:
      The `Network`: images in [0, 1] to a pair of logits and features.

    Example:
      >>> import jax
      >>> from jgan.features import classifier
      >>> small = classifier.network((8, 8, 1), 10)
      >>> params, extra = small.init(jax.random.key(0))
      >>> (logits, features), _ = small.apply(params, extra, jax.numpy.zeros((3, 8, 8, 1)))
      >>> logits.shape, features.shape
      ((3, 10), (3, 64))
    """
    if config is not None:
        return dense.network(config, image_shape, classes)
    return networks.from_module(networks.ConvClassifier(classes), image_shape)


def fit(key: Key, train: Batch, classes: int, *, epochs: int = 40, batch_size: int = 64, learning_rate: float = 2e-3) -> PyTree:
    """Trains the convolutional classifier: cross-entropy, AdamW with a cosine schedule to 0.

    Args:
      key: the key of the initial weights and of the order of images.
      train: uint8 images with their classes.
      classes: the number of classes.
      epochs: the number of epochs.
      batch_size: the batch size.
      learning_rate: the initial learning rate.

    Returns:
      The parameters.

    Raises:
      ValueError: if there are no labels, or fewer images than a batch.
    """
    dense.check(train, batch_size)
    net, (init_key, order_key) = network(train.x.shape[1:], classes), jax.random.split(key)
    params, extra = net.init(init_key)
    images, labels = jnp.asarray(train.x), jnp.asarray(train.y)
    steps = len(images) // batch_size
    rate = optax.cosine_decay_schedule(learning_rate, epochs * steps)
    optimizer = optim.under_standard_promotion(optax.adamw(rate))

    def loss(params: PyTree, index: jax.Array) -> jax.Array:
        (logits, _), _ = net.apply(params, extra, images[index].astype(jnp.float32) / 255)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels[index]).mean()

    @functools.partial(xla.jit, donate_argnums=(0, 1))
    def update(params: PyTree, state: PyTree, index: jax.Array) -> tuple[PyTree, PyTree]:
        changes, state = optimizer.update(jax.grad(loss)(params, index), state, params)
        return optax.apply_updates(params, changes), state

    state = optimizer.init(params)
    for epoch_key in jax.random.split(order_key, epochs):
        order = jax.random.permutation(epoch_key, len(images))[: steps * batch_size]
        for index in order.reshape(steps, batch_size):  # a Python loop: convolutions inside a scan are slow on CPU
            params, state = update(params, state, index)
    return params


def accuracy(params: PyTree, classes: int, batch: Batch, config: Dense | None = None) -> float:
    """The fraction of images classified correctly.

    Args:
      params: the parameters.
      classes: the number of classes.
      batch: uint8 images with their classes.
      config: see `network`.

    Returns:
      The fraction, from 0 to 1.
    """
    net = network(batch.x.shape[1:], classes, config)
    apply = xla.jit(lambda images: net.apply(params, {}, images.astype(jnp.float32) / 255)[0][0].argmax(axis=1))
    blocks = range(0, len(batch.x), 1_000)
    named = np.concatenate([np.asarray(apply(batch.x[start : start + 1_000])) for start in blocks])
    return float(np.mean(named == batch.y))


def save(path: Path, params: PyTree, about: About) -> None:
    """Writes the weights as `.npz`.

    Args:
      path: the file.
      params: the parameters.
      about: the description to store.
    """
    with path.open("wb") as file:
        described = about._asdict()
        options = described.pop("dense")
        if options is not None:  # earlier versions, which read files of convolutional ones, do not know it
            described["dense"] = dataclasses.asdict(options)
        np.savez(file, about=json.dumps(described), **_flat(params))


def load(path: str | Path | None = None) -> Extractor:
    """The classifier as an extractor of features.

    Args:
      path: a file written by `python -m jgan.classifier`; None for the shipped one.

    Returns:
      The `Extractor`: features `[B, 64]`, or the hidden units of a dense one, and logits `[B, classes]`.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file holds something else.

    Example:
      >>> from jgan import data
      >>> from jgan.features import classifier
      >>> test = data.load("digits").test
      >>> extracted = classifier.load().apply(test.x[:3])
      >>> extracted.features.shape, extracted.logits.argmax(axis=1).tolist() == test.y[:3].tolist()
      ((3, 64), True)
    """
    params, about, digest = read(path)
    net = network(about.image_shape, about.classes, about.dense)

    def apply(images: jax.Array | np.ndarray) -> Extracted:
        (logits, features), _ = net.apply(params, {}, jnp.asarray(images).astype(jnp.float32) / 255)
        return Extracted(features, logits)

    return Extractor(f"classifier of {about.dataset}", digest, "none", apply)


def read(path: str | Path | None = None) -> tuple[PyTree, About, str]:
    """The weights of a classifier.

    Args:
      path: see `load`.

    Returns:
      `(params, about, digest)`: the parameters for `network`, the description and the digest of the arrays.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the file holds something else.

    Example:
      >>> from jgan.features import classifier
      >>> classifier.read()[1].dataset
      'digits'
    """
    arrays, about = _read(path)
    net = network(about.image_shape, about.classes, about.dense)
    shapes = jax.eval_shape(net.init, jax.random.key(0))[0]
    expected = {name: leaf.shape for name, leaf in _flat(shapes).items()}
    if expected != {name: array.shape for name, array in arrays.items()}:
        raise ValueError(f"{path}: expected the weights of a classifier of {about.image_shape} images, found other arrays")
    params = jax.tree_util.tree_map_with_path(lambda path, _: jnp.asarray(arrays[_name(path)]), shapes)
    return params, about, weights.digest(arrays)


def shape_of(path: str | Path | None = None) -> tuple[int, ...]:
    """The shape of the images that a classifier takes.

    Args:
      path: see `load`.

    Returns:
      `(height, width, channels)`.
    """
    return _read(path)[1].image_shape


def _read(path: str | Path | None) -> tuple[dict[str, np.ndarray], About]:
    """The arrays of a file (of the shipped one if `path` is None) and its description."""
    file_of = resources.files("jgan.features") / SHIPPED if path is None else Path(path)
    if not file_of.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; python -m jgan.classifier writes one")
    try:
        if isinstance(file_of, Path) and file_of.stat().st_size > weights.LARGEST:
            raise ValueError(f"it has more than {weights.LARGEST:,} bytes")
        arrays = weights.read_npz(file_of.read_bytes())
        about = About(**json.loads(str(arrays.pop("about"))))
        options = None if about.dense is None else Dense(**about.dense)  # type: ignore[arg-type]
        if options is not None:
            dense.check_options(options)
            if options.activation not in networks.ACTIVATIONS:
                raise ValueError(unknown("activation", options.activation, networks.ACTIVATIONS))
        shape = tuple(whole("image_shape", side, 1, LARGEST_SIDE) for side in about.image_shape)
        if len(shape) != 3 or not isinstance(about.dataset, str) or not all(np.isfinite(a).all() for a in arrays.values()):
            raise ValueError("its description or its weights are not those of a classifier")
        classes = whole("classes", about.classes, 1, LARGEST_SIDE)
        return arrays, about._replace(image_shape=shape, classes=classes, dense=options)
    except Exception as error:  # a damaged file can fail in any way
        what = text.shortened(str(error) or type(error).__name__, 200)
        raise ValueError(f"{path}: expected a file that python -m jgan.classifier wrote ({what})") from error


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(entry.key for entry in path)


def _flat(tree: PyTree) -> dict[str, Any]:
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
