"""The runs of `python -m benchmarks.translation`: tasks of image translation whose success can be measured."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks import budget
from jgan import models
from jgan.models import options


class Entry(NamedTuple):
    """A run.

    Attributes:
      task: the task; its runs are compared with each other.
      preset: the preset from whose options the run starts.
      dataset: the data.
      folder: the folder of the data below `--data-dir`.
      tflop: the budget, in 10^12 floating-point operations of the compiled step.
      changes: other options, by the dotted names of their fields.
      batch_size: examples in a minibatch.
      judged: by what translations are compared and named: `"classes"`, a classifier of the target domain that is trained here;
        `"photographs"`, EfficientNet-Lite0; `""`, nothing.
      row_pairs: whether rows of the two domains' test images are pairs, so that one is the truth of the other.
      edges: the threshold from which the outputs are edges; 0 if they are no edge maps; -1 for the threshold that is best on
        validation images.
      seeds: how many seeds are trained.
    """

    task: str
    preset: str
    dataset: str
    folder: str
    tflop: float
    changes: Mapping[str, Any] = {}
    batch_size: int = 16
    judged: str = "classes"
    row_pairs: bool = False
    edges: float = 0.0
    seeds: int = 1

    def config(self, steps: int) -> Any:
        """The options of a run of a given length, over which the learning rates fall to 0."""
        schedule = {"epochs": options.EpochDecay(0, 0), "optimizer.decay": "linear", "optimizer.decay_steps": steps}
        return budget.changed(models.presets()[self.preset].config, {**self.changes, **schedule})


_L1 = {"adversarial_weight": 0.0}
"""The same network trained by the distance alone: what the adversarial loss adds is what it lacks."""

_SHARP = {"g_width": 16, "g_blocks": 3, "g_downsamplings": 1, "d_width": 16, "d_layers": 2, "identity_weight": 0.5}
_LINES = {"g_width": 16, "d_width": 16, "d_layers": 2, "g_levels": 5, "g_dropouts": 2, "l1_weight": 10.0}
"""Lines are so few that the map without any has the least distance: at the weight 100 the generator draws none."""

ENTRIES: dict[str, Entry] = {
    "invert": Entry("invert", "cyclegan_mnist", "inverted:mnist", "mnist", 6, batch_size=8, seeds=3),
    "invert_no_cycle": Entry("invert", "cyclegan_mnist", "inverted:mnist", "mnist", 6, {"cycle_weight": 0.0}, batch_size=8),
    "colours": Entry("colours", "cyclegan_colours", "unpaired:coloured:mnist", "mnist", 14, batch_size=8),
    "edges_pix2pix": Entry("edges", "pix2pix_mnist", "swapped:edges:mnist", "mnist", 6, edges=0.5),
    "edges_cyclegan": Entry("edges", "cyclegan_edges", "unpaired:edges:mnist", "mnist", 14, batch_size=8, edges=0.5),
    "clothes": Entry("clothes", "pix2pix_fashion_mnist", "edges:fashion_mnist", "fashion_mnist", 7),
    "clothes_l1": Entry("clothes", "pix2pix_fashion_mnist", "edges:fashion_mnist", "fashion_mnist", 7, _L1),
    "colour_photographs": Entry("grey", "pix2pix_cifar10", "grey:folder", "cifar10_jpeg", 8, judged="photographs"),
    "colour_photographs_l1": Entry("grey", "pix2pix_cifar10", "grey:folder", "cifar10_jpeg", 8, _L1, judged="photographs"),
    "sharpen": Entry(
        "sharpen",
        *("cyclegan_edges", "unpaired:blurred:bsds:32/2", "bsds500", 12),
        _SHARP,
        batch_size=8,
        judged="photographs",
        row_pairs=True,
    ),
    "boundaries": Entry(
        "boundaries", "pix2pix_mnist", "bsds_edges:64/2", "bsds500", 6, _LINES, batch_size=8, judged="", edges=-1
    ),
    "boundaries_l1": Entry(
        "boundaries", "pix2pix_mnist", "bsds_edges:64/2", "bsds500", 6, {**_LINES, **_L1}, batch_size=8, judged="", edges=-1
    ),
}
"""The runs by name; the result of each seed is a file."""
