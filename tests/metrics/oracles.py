"""Figures of reference libraries that need PyTorch, kept as small files so that everyone's tests hold against them.

Where PyTorch and the libraries are installed (the extra `oracles` of the package; see CONTRIBUTING.md),

  python tests/metrics/oracles.py [NAME ...]

makes `tests/metrics/oracles/NAME.npz` anew. For each NAME there is a module `oracle_NAME.py` with `inputs()`, small arrays from
a fixed seed, and `reference()`, what the library makes of them; it imports the library inside. `test_live.py` makes the
figures again where that can be done, and compares them with the files.
"""

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import types
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "oracles"
ORACLES: tuple[str, ...] = ("fid", "inception_score", "msssim", "inception", "resize", "prc", "kernel", "ssim", "interpolate")
LIBRARIES = ("torch", "torch-fidelity", "pytorch-fid", "clean-fid", "pytorch-msssim", "scikit-image", "scipy", "numpy")


def without_torchvision() -> None:
    """An empty stand-in for torchvision, which the libraries import and the figures here do not need.

    It is for machines that have no build of it; where it is installed, nothing is done.
    """
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision"):
        return

    class Anything(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {"__init__": lambda self, *args, **kwargs: None})

    parts = ("", "datasets", "models", "models.inception", "models.vgg", "transforms", "transforms.functional", "utils")
    for part in parts:
        module = Anything(f"torchvision.{part}".rstrip("."))
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
        sys.modules[module.__name__] = module
        parent, _, child = module.__name__.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


def reference(name: str) -> dict[str, np.ndarray]:
    """What the library makes of the inputs of an oracle, now."""
    without_torchvision()
    return {key: np.asarray(value) for key, value in importlib.import_module(f"oracle_{name}").reference().items()}


def load(name: str) -> dict[str, np.ndarray]:
    """What it made of them when the file was written."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in file.files if key != "versions"}


def versions() -> np.ndarray:
    """Of the libraries, as text."""
    return np.array([f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for chosen in sys.argv[1:] or ORACLES:
        np.savez_compressed(FOLDER / f"{chosen}.npz", versions=versions(), **reference(chosen))
        print(FOLDER / f"{chosen}.npz")
