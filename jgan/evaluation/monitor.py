"""The collapse monitor: three signs, measured while a run trains, that a generator makes less than the data have.

  spread     sqrt(tr cov(fake) / tr cov(real)): 1 if the samples vary as much as the data, 0 if they are all alike
  coverage   the share of real images near which a sample falls (Naeem et al., 2020)
  ndb        the share of the cells of the data into which too many or too few samples fall (Richardson and Weiss, 2018);
             5 % differ by chance alone

Any one of them can be wrong; a spread of less than half, or a coverage of less than half its own best in this run, is worth a
warning.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from jgan.metrics import ndb, prdc
from jgan.utils.shapes import AnyArray

SAMPLES = 1_000
"""samples of a look: enough for the signs, little beside an interval of training"""

BINS = 50
K = 5


class Monitor(NamedTuple):
    """What does not change from look to look.

    Attributes:
      real: `[N, d]` float32, real samples: the first `SAMPLES`.
      bins: the cells of the training set.
      variance: the trace of the covariance of the real samples.
    """

    real: Float32[np.ndarray, "n d"]
    bins: ndb.Bins
    variance: float


class Signs(NamedTuple):
    """What one look found; see the head of this file.

    Attributes:
      spread: from 0.
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
      seed: of the cells' start.

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
    """Looks at samples of the generator.

    Args:
      monitor: the monitor.
      samples: `[M, ...]` float, as the training examples were; `SAMPLES` of them are usual.

    Returns:
      The `Signs`.
    """
    flat = np.reshape(np.asarray(samples), (len(samples), -1)).astype(np.float32, copy=False)
    spread = float(np.sqrt(np.var(flat, axis=0, dtype=np.float64).sum() / monitor.variance)) if monitor.variance else 1.0
    coverage = prdc.prdc(monitor.real, flat, k=min(K, len(monitor.real) - 1, len(flat) - 1)).coverage
    return Signs(spread, coverage, ndb.evaluate(monitor.bins, flat).share)


def warning(signs: Signs, before: Sequence[float]) -> str:
    """What to say of them.

    Args:
      signs: of this look.
      before: the coverages of the earlier looks of this run.

    Returns:
      A sentence for the progress line, "" if there is nothing to warn of.

    Example:
      >>> from jgan.evaluation.monitor import Signs, warning
      >>> warning(Signs(spread=0.9, coverage=0.3, ndb=0.4), before=[0.5, 0.7])
      'collapse? coverage fell from 0.70 to 0.30'
    """
    if signs.spread < 0.5:
        return f"collapse? the samples vary {signs.spread:.2f} times as much as the data"
    best = max(before, default=0.0)
    if signs.coverage < best / 2:
        return f"collapse? coverage fell from {best:.2f} to {signs.coverage:.2f}"
    return ""
