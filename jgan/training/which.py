"""Which checkpoint of a run: the last, the best, or that of a step."""

import re
from typing import Literal

from jgan.utils import text

Which = Literal["last", "best"] | int
"""the last checkpoint, the best one, or that of a step"""


def asked(word: str) -> Which:
    """The checkpoint that a flag asks for.

    Args:
      word: `best`, `last`, or the number of a step.

    Returns:
      The `Which`.

    Raises:
      ValueError: if it is anything else.

    Example:
      >>> from jgan.training import which
      >>> which.asked("best"), which.asked("2000")
      ('best', 2000)
      >>> which.asked("latest")
      Traceback (most recent call last):
      ValueError: --checkpoint must be best, last or the number of a step, found 'latest'
    """
    if word == "best":
        return "best"
    if word == "last":
        return "last"
    if not re.fullmatch(r"\d{1,18}", word):
        raise ValueError(f"--checkpoint must be best, last or the number of a step, found {text.shortened(word, 60)!r}")
    return int(word)


def described(which: Which, step: int) -> str:
    """A checkpoint in words.

    Args:
      which: which was asked for.
      step: its step.

    Returns:
      A few words.

    Example:
      >>> from jgan.training import which
      >>> which.described("best", 2000), which.described(2000, 2000)
      ('best checkpoint (step 2,000)', 'checkpoint of step 2,000')
    """
    return f"checkpoint of step {step:,}" if isinstance(which, int) else f"{which} checkpoint (step {step:,})"
