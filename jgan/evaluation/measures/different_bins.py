"""NDB, the number of statistically different bins (Richardson and Weiss, 2018)."""

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jgan import plots
from jgan.evaluation.measure import MEASURES, Context, Measure, Row, Sides
from jgan.metrics import ndb
from jgan.utils.checks import whole

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
      caution: why the values say little, or "".
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
    caution: str
    real_counts: np.ndarray
    fake_counts: np.ndarray


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of NDB."""

    bins: int = 0
    """number of bins; 0: 100, or a tenth of the smaller set if that is less"""
    significance: float = 0.05
    """level of the test of each bin"""

    def __post_init__(self) -> None:
        if self.bins:
            whole("bins", self.bins, 2)
        if not 0 < self.significance < 1:
            raise ValueError(f"significance must be between 0 and 1, found {self.significance}")


def _compute(sides: Sides, options: Options, context: Context) -> Binned:
    real, fake = sides.features()
    number = options.bins or min(100, len(real) // 10, len(fake) // 10)
    if number < 2:
        raise ValueError(f"expected at least 20 images of each set, found {len(real):,} and {len(fake):,}; draw more")
    bins = ndb.fit(real, bins=number, seed=context.seed)
    counts = np.asarray(ndb.assign(bins, fake))
    found = ndb.compare(bins.counts, counts, significance=options.significance)
    return Binned(*found, real_counts=np.asarray(bins.counts), fake_counts=counts)


def _rows(found: Binned) -> list[Row]:
    return [Row("NDB / K", found.share, None, "near 0.05"), Row("NDB JS", found.js, None, "lower")]


def _picture(found: Binned) -> "Figure":
    p_values = ndb.p_values(found.real_counts, found.fake_counts)
    return plots.ndb_histogram(found.real_counts, found.fake_counts, p_values < found.significance)


MEASURES.register(
    "ndb",
    Measure("features", _compute, _rows, "share of bins with too many or too few samples", Options, picture=_picture),
)
