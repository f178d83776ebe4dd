"""Data sets: one file for each source, imported automatically, and one result type.

`load(name, data_dir)` gives a `Dataset` of NumPy arrays in memory, `from_examples` one from the data set of another library;
`spec` describes it for a model; `jgan.data.resident` serves minibatches from device memory; `fingerprint` identifies the data
of a run. `describe` lists the sources; `jgan.data.sources` says how to add one.
"""

from jgan.data.dataset import Dataset, spec
from jgan.data.examples import from_examples
from jgan.data.fingerprints import fingerprint
from jgan.data.sources import SOURCES, describe, fitted, load
from jgan.utils.registry import import_all

__all__ = ["SOURCES", "Dataset", "describe", "fingerprint", "fitted", "from_examples", "load", "spec"]

import_all(__name__, __path__)  # each source registers itself
