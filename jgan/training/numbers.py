"""Checks the numbers in the options of a model: what holds for every model, before a step is traced.

The rules go by the names of the fields, so that a new model of the package is checked without a line of its own. The options of
a user's own model must be finite; what their names mean is not known here.
"""

import dataclasses
import math
from typing import Any

SIGNED = ("target",)
"""ends of the names of numbers that may be negative: what a loss asks of a logit"""

SIZES = (
    *("width", "widths", "widest", "units", "hidden", "features", "filters", "embedding", "multiples", "kernel", "kernel_size"),
    *("latent_size", "style_size", "group_size", "class_size", "label_size", "every", "times"),
    *("channel_base", "channel_max", "fmap_base", "fmap_max"),
)
"""ends of the names of whole numbers that must be at least 1, unless their default is 0, which then has a meaning"""

DECAYS = ("b1", "b2", "momentum", "moments_decay")
"""ends of the names of decays of averages, which are below 1"""

SHARES = ("keep", "mixing", "augment_p")
"""ends of the names of probabilities"""


def check(options: Any, group: str = "--model") -> None:
    """Refuses numbers with which no model can be trained.

    Args:
      options: a model's `Config`, or a group of options inside it.
      group: the beginning of its flags.

    Raises:
      ValueError: if a number is not finite or outside its range; the message names the flag.

    Example:
      >>> import dataclasses
      >>> from jgan.models import dcgan
      >>> from jgan.training import numbers
      >>> numbers.check(dcgan.Config())
      >>> numbers.check(dataclasses.replace(dcgan.Config(), width=0))
      Traceback (most recent call last):
      ValueError: --model.width must be at least 1, found 0
    """
    for field in dataclasses.fields(options):
        given, flag = getattr(options, field.name), f"{group}.{field.name.replace('_', '-')}"
        if dataclasses.is_dataclass(given):
            check(given, flag)
        for value in given if isinstance(given, tuple) else (given,):
            if isinstance(value, int | float) and not isinstance(value, bool):
                if not math.isfinite(value):
                    raise ValueError(f"{flag} must be a finite number, found {value}")
                if type(options).__module__.partition(".")[0] == "jgan":
                    _check_range(field, value, flag)


def _check_range(field: dataclasses.Field[Any], value: float, flag: str) -> None:
    least = _least(field)
    if value < least:
        raise ValueError(f"{flag} must be at least {least}, found {value}")
    if field.name.endswith(DECAYS) and value >= 1:
        raise ValueError(f"{flag} must be below 1, found {value}")
    if field.name.endswith(SHARES) and value > 1:
        raise ValueError(f"{flag} must be at most 1, found {value}")
    if field.name.endswith("keep") and value == 0:
        raise ValueError(f"{flag} must be above 0, found {value}")


def _least(field: dataclasses.Field[Any]) -> float:
    """The smallest value that a field may have: a default below that, such as -1 for "as published", is a value too."""
    if field.name.endswith(SIGNED):
        return -math.inf
    least = 1 if field.type in (int, tuple[int, ...]) and field.name.endswith(SIZES) else 0
    defaults = field.default if isinstance(field.default, tuple) else (field.default,)
    return min([least, *(default for default in defaults if isinstance(default, int | float))])
