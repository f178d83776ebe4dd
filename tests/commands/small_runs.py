"""Short runs on digits, and what is compared of two runs."""

from typing import Any

import jax
import numpy as np

from jgan.training import journal
from jgan.training.run import open_run

SMALL = ["--model.g-units", "16", "--model.d-units", "8", "--batch-size", "20", "--eval-samples", "200"]
OFTEN = ["--log-every", "2", "--sample-every", "4", "--checkpoint-every", "2", "--eval-every", "4"]


def small_run(workdir, steps: int = 8, *more: str) -> list[str]:
    """The arguments of a short run on digits, seed 7."""
    return ["digits", *SMALL, *OFTEN, "--seed", "7", "--steps", str(steps), "--workdir", str(workdir), *more]


def without_clock(workdir) -> list[dict[str, Any]]:
    """The lines of the journal, without the rate, which is the only value that depends on the clock."""
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in journal.rows(workdir)]


def assert_same_end(first, second, **given) -> None:
    """Two runs have the same last checkpoint, bit for bit, and the same journal."""
    ours, theirs = (jax.tree.leaves(open_run(workdir, **given).restore()) for workdir in (first, second))
    for a, b in zip(ours, theirs, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    assert without_clock(first) == without_clock(second)
