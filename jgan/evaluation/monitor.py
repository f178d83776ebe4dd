"""The collapse monitor: three statistics, measured during training, that detect mode collapse.

  spread     sqrt(tr cov(fake) / tr cov(real)): 1 if the samples vary as much as the data, 0 if they are all equal
  coverage   the share of real images with a sample nearby (Naeem et al., 2020)
  ndb        the share of bins with significantly too many or too few samples (Richardson and Weiss, 2018);
             5 % of the bins differ by chance

Each of them can be wrong. The monitor warns if the spread is below 1/2, or the coverage is below half of its best value in this
run; not in the first `FIRST_STEP` steps, in which every generator starts from one picture.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from jgan.metrics import ndb, prdc
from jgan.utils.shapes import AnyArray

SAMPLES = 1_000
"""samples per measurement: enough for these statistics, and cheap compared with the training between two measurements"""

FIRST_STEP = 500
"""the first step of a run at which a warning makes sense"""

BINS = 50
K = 5


class Monitor(NamedTuple):
    """The reference statistics of the training set.

    Attributes:
      real: `[N, d]` float32, the first `SAMPLES` real samples.
      bins: the bins of the training set.
      variance: the trace of the covariance of the real samples.
    """

    real: Float32[np.ndarray, "n d"]
    bins: ndb.Bins
    variance: float


class Signs(NamedTuple):
    """One measurement of the monitor; see the module's docstring.

    Attributes:
      spread: at least 0.
      coverage: from 0 to 1.
      ndb: from 0 to 1.
    """

    spread: float
    coverage: float
    ndb: float


def make(training: Float[AnyArray, " n *shape"], *, seed: int = 0) -> Monitor:
    """Prepares a monitor.

    Args:
      training: `[N, ...]` float, training examples or their features; further axes are flattened. At least `BINS`.
      seed: the seed of the clustering that defines the bins.

    Returns:
      The `Monitor`.

    Example:
      >>> import numpy as np
      >>> from jgan.evaluation import monitor
      >>> data = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
      >>> watch = monitor.make(data[:1000])
      >>> monitor.warning(monitor.look(watch, data[1000:]), [])
      ''
      >>> monitor.warning(monitor.look(watch, 0.1 * data[1000:]), [])
      'collapse? the samples vary 0.10 times as much as the data'
    """
    flat = np.reshape(np.asarray(training), (len(training), -1)).astype(np.float32, copy=False)
    bins = ndb.fit(flat[: 10 * SAMPLES], bins=min(BINS, len(flat)), seed=seed, iterations=20)
    real = flat[:SAMPLES]
    return Monitor(real, bins, float(np.var(real, axis=0, dtype=np.float64).sum()))


def look(monitor: Monitor, samples: Float[AnyArray, " m *shape"]) -> Signs:
    """Measures samples of the generator.

    Args:
      monitor: the monitor.
      samples: `[M, ...]` float, of the same kind as the training examples; usually `SAMPLES` of them.

    Returns:
      The `Signs`.
    """
    flat = np.reshape(np.asarray(samples), (len(samples), -1)).astype(np.float32, copy=False)
    spread = float(np.sqrt(np.var(flat, axis=0, dtype=np.float64).sum() / monitor.variance)) if monitor.variance else 1.0
    coverage = prdc.prdc(monitor.real, flat, k=min(K, len(monitor.real) - 1, len(flat) - 1)).coverage
    return Signs(spread, coverage, ndb.evaluate(monitor.bins, flat).share)


def warning(signs: Signs, before: Sequence[float], step: int = FIRST_STEP) -> str:
    """The warning for a measurement.

    Args:
      signs: the measurement.
      before: the coverages of the earlier measurements of this run.
      step: the step of the run.

    Returns:
      A sentence for the progress line; "" for no warning.

    Example:
      >>> from jgan.evaluation.monitor import Signs, warning
      >>> warning(Signs(spread=0.9, coverage=0.3, ndb=0.4), before=[0.5, 0.7])
      'collapse? coverage fell from 0.70 to 0.30'
    """
    if step < FIRST_STEP:
        return ""
    if signs.spread < 0.5:
        return f"collapse? the samples vary {signs.spread:.2f} times as much as the data"
    best = max(before, default=0.0)
    if signs.coverage < best / 2:
        return f"collapse? coverage fell from {best:.2f} to {signs.coverage:.2f}"
    return ""
