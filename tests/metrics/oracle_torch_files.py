"""Tiny files that `torch.save` itself and the package safetensors wrote, kept to be read without them.

  python tests/metrics/oracle_torch_files.py

writes them anew, where PyTorch and safetensors are installed. (Storages are named after addresses: no two files are alike.)
"""

from pathlib import Path

import ml_dtypes
import numpy as np

FOLDER = Path(__file__).parent / "oracles"
FILES = {"older": FOLDER / "older.pth", "zipped": FOLDER / "zipped.pth", "safetensors": FOLDER / "small.safetensors"}


def arrays():
    """What the files hold, in the types in which they hold it."""
    numbers = np.arange(12, dtype=np.float32)
    return {
        "conv.weight": numbers.reshape(2, 2, 1, 3) / 8,
        "conv.half": (numbers[:3] / 8).astype(np.float16),
        "conv.brain": (numbers[:5] / 8).astype(ml_dtypes.bfloat16),
        "conv.double": numbers[:2].astype(np.float64) / 7,
        "conv.turned": numbers.reshape(3, 4).T.copy(),
        "conv.part": numbers[5:9].reshape(2, 2).copy(),
        "bn.num_batches_tracked": np.array(7, np.int64),
    }


def state():
    """The same as tensors of PyTorch: one a parameter, one transposed, one a view into the storage of that."""
    import torch

    def of(array):
        bits = array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array
        return torch.from_numpy(bits).view(torch.bfloat16) if bits is not array else torch.from_numpy(bits)

    made = {name: of(array) for name, array in arrays().items()}
    numbers = torch.arange(12, dtype=torch.float32)
    made |= {"conv.turned": numbers.reshape(3, 4).T, "conv.part": numbers[5:9].reshape(2, 2)}
    return made | {"conv.weight": torch.nn.Parameter(made["conv.weight"])}


def save(tensors, path, *, older):
    """As a module's state: an ordered dictionary with an attribute of its own."""
    import collections

    import torch

    tensors = collections.OrderedDict(tensors)
    tensors._metadata = collections.OrderedDict({"": {"version": 1}})
    torch.save(tensors, path, _use_new_zipfile_serialization=not older)


if __name__ == "__main__":
    import safetensors.torch

    save(state(), FILES["older"], older=True)
    save(state(), FILES["zipped"], older=False)
    safetensors.torch.save_file(
        {name: tensor.detach().contiguous().clone() for name, tensor in state().items()}, FILES["safetensors"]
    )
