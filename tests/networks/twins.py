"""Outputs of networks of ours that are written in PyTorch too, with the same weights, kept as small files for everyone's tests.

For each NAME there is a module `twin_NAME.py` with

- `CASES = {case: (module, inputs)}`: a Flax module and a tuple of small NumPy inputs from a fixed seed, for evaluation mode;
- `reference(case, params, inputs) -> np.ndarray`: the same network in PyTorch, which it imports inside. `params` are all
  variables by path: `{"down_0/kernel": array, "norm_1/mean": array, ...}`; one that has the path of a parameter has the name of
  its collection before it;
- `SLOW`, if need be: the names of the cases that only the slow tests run;
- `draw(path, normal) -> array`, if need be: the variable of that path, from standard normal numbers of its shape.

`weights` draws the variables anew from each path, so that a file has nothing but outputs. Where PyTorch is installed (the extra
`oracles` of the package; see CONTRIBUTING.md),

  python tests/networks/twins.py [NAME ...]

makes `tests/networks/twins/NAME.npz` anew, and `test_twins.py` compares our networks with them.
"""

import importlib
import importlib.metadata
import sys
import zlib
from pathlib import Path

import jax
import numpy as np

FOLDER = Path(__file__).parent / "twins"
NAMES = tuple(sorted(path.stem.removeprefix("twin_") for path in Path(__file__).parent.glob("twin_*.py")))


def twin(name):
    """The module `twin_NAME`."""
    return importlib.import_module(f"twin_{name}")


def weights(module, inputs, draw=None):
    """All variables of a Flax module, each from a seed of its own path, of a size that keeps signals near 1."""

    def one(path, leaf):
        name = _named(path)
        random = np.random.default_rng(zlib.crc32(name.encode()))
        normal = random.normal(size=leaf.shape)
        return _draw(name, normal, random) if draw is None else np.asarray(draw(name, normal), np.float32)

    return jax.tree_util.tree_map_with_path(one, jax.eval_shape(module.init, jax.random.key(0), *inputs))


def _draw(path, normal, random):
    kind, shape = path.rpartition("/")[2], normal.shape
    if kind in ("scale", "var", "gamma"):  # gains, the moving average of a variance
        drawn = random.uniform(0.5, 1.5, shape)
    elif len(shape) > 1:  # the outputs are the last axis of every kernel
        drawn = normal * np.sqrt(2 / np.prod(shape[:-1]))
    else:
        drawn = 0.1 * normal
    return drawn.astype(np.float32)


def flat(variables):
    """`{path: array}` of the variables of all collections; the name of its collection is before a path that a parameter has."""
    named = {}
    for collection in sorted(variables, key=lambda name: name != "params"):
        for path, leaf in jax.tree_util.tree_leaves_with_path(variables[collection]):
            name = "/".join(key.key for key in path)
            name = f"{collection}/{name}" if name in named else name
            assert name not in named
            named[name] = np.asarray(leaf)
    return named


def _named(path):
    return "/".join(key.key for key in path[1:])  # the first is the collection


def drawn(name, case):
    """The weights of a case."""
    module, inputs = twin(name).CASES[case]
    return weights(module, inputs, getattr(twin(name), "draw", None))


def output(name, case):
    """What our network makes of the inputs."""
    module, inputs = twin(name).CASES[case]
    return np.asarray(jax.jit(module.apply)(drawn(name, case), *inputs))


def reference(name):
    """`{case: output}` of the networks in PyTorch, now."""
    import torch

    made = {}
    for case, (_, inputs) in twin(name).CASES.items():
        with torch.no_grad():
            made[case] = np.asarray(twin(name).reference(case, flat(drawn(name, case)), inputs), np.float32)
    return made


def load(name):
    """What they made when the file was written."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {case: file[case] for case in file.files if case != "versions"}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    versions = np.array([f"{package} {importlib.metadata.version(package)}" for package in ("torch", "numpy")])
    for chosen in sys.argv[1:] or NAMES:
        np.savez_compressed(FOLDER / f"{chosen}.npz", versions=versions, **reference(chosen))
        print(FOLDER / f"{chosen}.npz")
