"""What a figure was measured by. Two figures can be compared if, and only if, this is the same for both.

Users of other libraries report FIDs that do not match because the split, the resizer, the number of samples or the weights
of the network differ. Here each result carries all of them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Protocol(NamedTuple):
    """What a figure depends on besides the generator.

    Attributes:
      extractor: the name of the feature network.
      digest: sha256 of its weights, "" if it has none.
      resizer: how images were brought to its size, "none" if they were not.
      real: the name of the real images.
      real_digest: sha256 of the real images.
      n_real: their number.
      n_fake: the number of generated images.
      options: of the metrics: k of the nearest neighbours, subsets, bins ...
    """

    extractor: str
    digest: str
    resizer: str
    real: str
    real_digest: str
    n_real: int
    n_fake: int
    options: Mapping[str, Any]


INCIDENTAL = ("real",)
"""The fields that may differ: the same images under another name are the same images."""


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """In what two protocols differ.

    Args:
      one: a protocol as it lies in a result, `Protocol._asdict()`.
      other: another.

    Returns:
      For each difference, in words, the field and both values. Seeds are not a difference: they are the noise of the figure,
      not its meaning.

    Example:
      >>> from jgan.evaluation import protocol
      >>> protocol.differences({"n_fake": 5_000, "options": {"k": 5}}, {"n_fake": 50_000, "options": {"k": 5}})
      ['n_fake 5000 against 50000']
    """
    first, second = _flat(one), _flat(other)
    names = [name for name in dict.fromkeys([*first, *second]) if name not in INCIDENTAL]
    return [
        f"{name} {_short(first.get(name, 'unknown'))} against {_short(second.get(name, 'unknown'))}"
        for name in names
        if first.get(name) != second.get(name)
    ]


def _flat(protocol: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in protocol.items() if name != "options"}
    return fields | {name: value for name, value in protocol.get("options", {}).items() if name != "seed"}


def _short(value: Any) -> str:
    """A digest by its first eight digits."""
    text = str(value)
    return text[:8] if len(text) == 64 else text or "none"
