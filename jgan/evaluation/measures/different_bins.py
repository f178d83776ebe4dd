"""NDB, the number of statistically different bins (Richardson and Weiss, 2018)."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jgan import plots
from jgan.evaluation.measure import MEASURES, Measure, Options, Row, Sides
from jgan.metrics import ndb

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Binned(NamedTuple):
    """An `ndb.NDB` with its histograms, so that the plot needs no second clustering.

    Attributes:
      different: number of bins that differ.
      share: their share, NDB / K.
      js: Jensen-Shannon divergence of the histograms, nats.
      bins: the number of bins, K.
      n_real: number of real images.
      n_fake: number of generated images.
      significance: the level of the test.
      real_counts: `[K]` int, real images in each bin.
      fake_counts: `[K]` int, generated images in each bin.
    """

    different: int
    share: float
    js: float
    bins: int
    n_real: int
    n_fake: int
    significance: float
    real_counts: np.ndarray
    fake_counts: np.ndarray


def _compute(sides: Sides, options: Options) -> Binned:
    real, fake = sides.features()
    bins = ndb.fit(real, bins=min(100, len(real) // 10, len(fake) // 10), seed=options.seed)
    counts = np.asarray(ndb.assign(bins, fake))
    return Binned(*ndb.compare(bins.counts, counts), real_counts=np.asarray(bins.counts), fake_counts=counts)


def _rows(found: Binned) -> list[Row]:
    return [Row("NDB / K", found.share, None, "near 0.05"), Row("NDB JS", found.js, None, "lower")]


def _picture(found: Binned) -> "Figure":
    p_values = ndb.p_values(found.real_counts, found.fake_counts)
    return plots.ndb_histogram(found.real_counts, found.fake_counts, p_values < found.significance)


MEASURES.register(
    "ndb",
    Measure("features", _compute, _rows, "share of bins with too many or too few samples", picture=_picture),
)
