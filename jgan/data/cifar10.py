"""CIFAR-10: 60,000 colour photographs, 32x32, of ten classes.

It is read from its authors' files if `data_dir` holds them (`jgan.data.cifar`), from folders of images if `data_dir` has a
subfolder `train` (`jgan.data.folder`), and otherwise from tensorflow-datasets.
"""

from pathlib import Path

from jgan.data import cifar, folder, layout, sources, tfds
from jgan.data.dataset import Dataset


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads CIFAR-10.

    Args:
      name: `cifar10`, optionally with a version of tensorflow-datasets after a colon.
      data_dir: the folder of the authors' files, of the images, or the data folder of tensorflow-datasets.
      held_out: as in `jgan.data.load`, for folders of images.

    Returns:
      The `Dataset`, images `[N, 32, 32, 3]`.

    Raises:
      FileNotFoundError: if some of the authors' files are missing.
      ValueError: if files are damaged, or images have another size.

    Example:
      >>> import tempfile
      >>> from jgan.data import cifar10
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     _ = (Path(folder) / "test_batch.bin").write_bytes(b"")
      ...     cifar10.load("cifar10", Path(folder))  # doctest: +ELLIPSIS
      Traceback (most recent call last):
      FileNotFoundError: ...: expected the six files data_batch_1, ..., data_batch_1 is missing
    """
    if data_dir is not None and cifar.find(data_dir) is not None:
        if held_out is not None:
            raise sources.comes_divided(name)
        tfds.only_version(name)
        return cifar.load(name, data_dir)
    if data_dir is None or not layout.is_divided(data_dir):
        return tfds.load(name, data_dir, held_out=held_out)
    tfds.only_version(name)
    dataset = folder.load("cifar10", data_dir, held_out=held_out)
    if dataset.train.x.shape[1:] != (32, 32, 3):
        raise ValueError(
            f"{data_dir}: expected CIFAR's images, 32x32x3, found {dataset.train.x.shape[1:]}: load folder instead"
        )
    return dataset


sources.register(
    "cifar10",
    load,
    "60,000 photographs, 32x32x3, 10 classes: its authors' files or folders of images in --data-dir, else tensorflow-datasets",
    usage="cifar10, cifar10:VERSION",
    holds_out=True,
)
