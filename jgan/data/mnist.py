"""MNIST and the sets in its format, Fashion-MNIST and KMNIST: 70,000 grey images, 28x28, of ten classes.

They are read from their four IDX files if `data_dir`, or its subfolder with the set's name, holds any of them; otherwise from
tensorflow-datasets.
"""

import dataclasses
from pathlib import Path

from jgan.data import idx, sources, tfds
from jgan.data.dataset import Dataset


def load(name: str, data_dir: Path | None) -> Dataset:
    """Loads one of the three sets.

    Args:
      name: `mnist`, `fashion_mnist` or `kmnist`, optionally with a version of tensorflow-datasets after a colon.
      data_dir: the folder of the IDX files, its parent, or the data folder of tensorflow-datasets.

    Returns:
      The `Dataset`: 50,000 / 10,000 / 10,000 images `[N, 28, 28, 1]`.

    Raises:
      FileNotFoundError: if some of the four files are missing.
      ValueError: if the files are damaged, or tensorflow-datasets cannot provide the set.

    Example:
      >>> import tempfile
      >>> from jgan.data import mnist
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     _ = (Path(folder) / "t10k-labels-idx1-ubyte").write_bytes(b"")
      ...     mnist.load("mnist", Path(folder))  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      FileNotFoundError: ...: expected the four files train-images-idx3-ubyte, ..., found 1 of them: put ... there
    """
    base = name.partition(":")[0]
    places = [] if data_dir is None else [data_dir, data_dir / base]
    place = next((place for place in places if idx.find(place) is not None), None)
    if place is None:
        return tfds.load(name, data_dir)
    tfds.only_version(name)
    return dataclasses.replace(idx.load(base, place), classes=CLASSES.get(base, ()))


CLASSES = {
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
}
"""The names of the classes in the order of the labels; those of digits are their labels."""

_FROM = "its IDX files in --data-dir, else tensorflow-datasets"
sources.register("mnist", load, f"70,000 handwritten digits, 28x28, 10 classes: {_FROM}", usage="mnist, mnist:VERSION")
sources.register(
    "fashion_mnist",
    load,
    f"70,000 grey photographs of clothes, 28x28, 10 classes: {_FROM}",
    usage="fashion_mnist, fashion_mnist:VERSION",
)
sources.register(
    "kmnist", load, f"70,000 handwritten Japanese characters, 28x28, 10 classes: {_FROM}", usage="kmnist, kmnist:VERSION"
)
