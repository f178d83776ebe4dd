"""The contenders of `benchmarks.metrics_speed`. Each runs in its own process, so that its peak memory can be measured.

  python -m benchmarks.metrics_contenders TASK NAME FOLDER

runs one task once and prints a line of JSON: its duration in seconds (for jgan, including compilation), the memory of the
process before and at the peak in megabytes, and some figures of the result, to compare contenders.
"""

import contextlib
import importlib.util
import io
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Arrays = Mapping[str, np.ndarray]
Figures = dict[str, float]

INPUTS = {
    "statistics": ("features",),
    "distance": ("real_mean", "real_covariance", "fake_mean", "fake_covariance"),
    "prdc": ("real", "fake"),
}
"""The tasks, and the arrays `NAME.npy` that each reads."""


class Contender(NamedTuple):
    """One implementation of a task.

    Attributes:
      task: the task.
      name: the name in the results.
      package: the module it needs in addition to jgan's dependencies, or None.
      prepare: imports what it needs, which is not timed, and returns `work(arrays, k)`, which is timed.
      figures: some figures of its result.
    """

    task: str
    name: str
    package: str | None
    prepare: Callable[[], Callable[[Arrays, int], Any]]
    figures: Callable[[Any], Figures]


def _moments() -> Callable[[Arrays, int], Any]:
    from jgan.metrics import moments

    def work(arrays: Arrays, k: int) -> tuple[np.ndarray, np.ndarray]:
        found = moments.of(arrays["features"])
        return found.mean, moments.covariance(found)

    return work


def _numpy_cov() -> Callable[[Arrays, int], Any]:
    return lambda arrays, k: (np.mean(arrays["features"], axis=0), np.cov(arrays["features"], rowvar=False))


def _torch_cov() -> Callable[[Arrays, int], Any]:
    import torch

    def work(arrays: Arrays, k: int) -> tuple[np.ndarray, np.ndarray]:
        features = torch.from_numpy(arrays["features"]).double()
        return features.mean(0).numpy(), torch.cov(features.T).numpy()

    return work


def _distance() -> Callable[[Arrays, int], Any]:
    from jgan.metrics import frechet, moments

    def work(arrays: Arrays, k: int) -> float:
        sides = (moments.from_statistics(2, arrays[f"{s}_mean"], arrays[f"{s}_covariance"]) for s in ("real", "fake"))
        return frechet.distance(*sides)

    return work


def _distance_by(trace_of_root: Callable[[np.ndarray], float]) -> Callable[[Arrays, int], Any]:
    """The formula, with a library's way of computing the trace of the square root of the product of covariances."""

    def work(arrays: Arrays, k: int) -> float:
        first, second = arrays["real_covariance"], arrays["fake_covariance"]
        shift = np.sum(np.square(arrays["real_mean"] - arrays["fake_mean"]))
        return float(shift + np.trace(first) + np.trace(second) - 2 * trace_of_root(first @ second))

    return work


def _sqrtm() -> Callable[[Arrays, int], Any]:
    import scipy.linalg

    return _distance_by(lambda product: float(np.trace(scipy.linalg.sqrtm(product)).real))


def _eigenvalues() -> Callable[[Arrays, int], Any]:
    return _distance_by(lambda product: float(np.sqrt(np.linalg.eigvals(product).astype(complex)).real.sum()))


def _prdc() -> Callable[[Arrays, int], Any]:
    from jgan.metrics.prdc import prdc

    return lambda arrays, k: prdc(arrays["real"], arrays["fake"], k=k)._asdict()


def _prdc_package() -> Callable[[Arrays, int], Any]:
    from prdc import compute_prdc

    return lambda arrays, k: compute_prdc(arrays["real"], arrays["fake"], nearest_k=k)


def _of_statistics(found: tuple[np.ndarray, np.ndarray]) -> Figures:
    return {"mean": float(np.mean(found[0])), "trace": float(np.trace(found[1])), "norm": float(np.linalg.norm(found[1]))}


def _of_prdc(found: Mapping[str, float]) -> Figures:
    return {name: float(found[name]) for name in ("precision", "recall", "density", "coverage")}


CONTENDERS = (
    Contender("statistics", "jgan", None, _moments, _of_statistics),
    Contender("statistics", "NumPy, mean and cov", None, _numpy_cov, _of_statistics),
    Contender("statistics", "PyTorch, mean and cov in float64", "torch", _torch_cov, _of_statistics),
    Contender("distance", "jgan", None, _distance, lambda fid: {"fid": fid}),
    Contender("distance", "SciPy's sqrtm, as pytorch-fid", None, _sqrtm, lambda fid: {"fid": fid}),
    Contender("distance", "NumPy's eigvals, as torch-fidelity", None, _eigenvalues, lambda fid: {"fid": fid}),
    Contender("prdc", "jgan", None, _prdc, _of_prdc),
    Contender("prdc", "prdc", "prdc", _prdc_package, _of_prdc),
)


def installed(contender: Contender) -> bool:
    """Whether the package that a contender needs is installed.

    Args:
      contender: the contender.

    Returns:
      Whether it can run.
    """
    return contender.package is None or importlib.util.find_spec(contender.package) is not None


def make_inputs(folder: Path, *, samples: int, subset: int, dim: int, seed: int) -> None:
    """Writes the arrays of all tasks: nonnegative, correlated features, like Inception's.

    Args:
      folder: where to write them.
      samples: the number of rows of `features`.
      subset: the number of rows of `real` and `fake`, and behind the means and covariances.
      dim: the number of features.
      seed: the seed of all arrays.
    """
    generator = np.random.default_rng(seed)
    mix = generator.standard_normal((64, dim), np.float32) / 8
    for name, rows, shift in (("features", samples, 0.0), ("real", subset, 0.0), ("fake", subset, 0.05)):
        array = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (rows, dim))
        for first in range(0, rows, 1000):
            part = array[first : first + 1000]
            common = generator.standard_normal((len(part), 64), np.float32) @ mix
            part[:] = np.maximum(0.3 * (common + generator.standard_normal(part.shape, np.float32)) + 0.2 + shift, 0)
        array.flush()
        if name != "features":
            np.save(folder / f"{name}_mean.npy", np.mean(array, axis=0, dtype=np.float64))
            np.save(folder / f"{name}_covariance.npy", np.cov(array, rowvar=False))


def peak_megabytes() -> float:
    """The peak memory of this process.

    Returns:
      Megabytes of 10^6 bytes, from the kernel's status. (On Linux, `getrusage` includes the memory of the parent at the start
      of this process.)
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main(task: str, name: str, folder: Path, k: int) -> dict[str, Any]:
    """Runs one task once.

    Args:
      task: a key of `INPUTS`.
      name: the name of a contender.
      folder: the folder of the arrays.
      k: the number of neighbours for PRDC.

    Returns:
      A dict for JSON: `seconds`, `before_megabytes`, `peak_megabytes`, `figures`.
    """
    contender = next(one for one in CONTENDERS if (one.task, one.name) == (task, name))
    arrays = {array: np.load(folder / f"{array}.npy") for array in INPUTS[task]}
    with contextlib.redirect_stdout(io.StringIO()):  # the prdc package prints
        work = contender.prepare()
        before, started = peak_megabytes(), time.perf_counter()
        result = work(arrays, k)
        seconds, peak = time.perf_counter() - started, peak_megabytes()
    memory = {"before_megabytes": round(before), "peak_megabytes": round(peak)}
    return {"seconds": seconds, **memory, "figures": contender.figures(result)}


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(f"{sys.argv[0]}: error: python -m benchmarks.metrics_speed runs this; run that")
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))))
