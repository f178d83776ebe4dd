"""The protocol of a measurement. Two values are comparable only if their protocols are the same.

Users of other libraries report FIDs that do not match because the split, the resizer, the number of samples or the weights
of the network differ. Here each result carries all of them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Protocol(NamedTuple):
    """Everything that a measured value depends on besides the generator.

    Attributes:
      extractor: the name of the feature network.
      digest: SHA-256 of its weights; "" for no weights.
      resizer: the method that resized images to its input size; "none" for no resizing.
      real: the name of the real images.
      real_digest: SHA-256 of the real images.
      n_real: the number of real images.
      n_fake: the number of generated images.
      options: the seed, and for each metric that was measured its own options: k of the nearest neighbours, subsets, bins ...
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
"""The fields that may differ: the name of a set of images does not matter."""


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The differences between two protocols.

    Args:
      one: a protocol as stored in a result, `Protocol._asdict()`.
      other: another.

    Returns:
      One text per difference, with the field and both values. Seeds are ignored: they change the noise of a value,
      not its meaning. The options of a metric are compared if both have measured it.

    Example:
      >>> from jgan.evaluation import protocol
      >>> protocol.differences({"n_fake": 5_000, "options": {"k": 5}}, {"n_fake": 50_000, "options": {"k": 5}})
      ['n_fake 5000 against 50000']
      >>> protocol.differences({"options": {"prdc": {"k": 5}}}, {"options": {"prdc": {"k": 3}, "kid": {"subsets": 9}}})
      ['prdc.k 5 against 3']
    """
    metrics = set(_metrics(one)) & set(_metrics(other))
    first, second = _flat(one, metrics), _flat(other, metrics)
    names = [name for name in dict.fromkeys([*first, *second]) if name not in INCIDENTAL]
    return [
        f"{name} {_short(first.get(name, 'unknown'))} against {_short(second.get(name, 'unknown'))}"
        for name in names
        if first.get(name) != second.get(name)
    ]


def _metrics(protocol: Mapping[str, Any]) -> list[str]:
    """The metrics whose options a protocol holds."""
    return [name for name, value in protocol.get("options", {}).items() if isinstance(value, Mapping)]


def _flat(protocol: Mapping[str, Any], metrics: set[str]) -> dict[str, Any]:
    """The fields and the options in one dictionary; of the metrics only the given ones."""
    flat = {name: value for name, value in protocol.items() if name != "options"}
    for name, value in protocol.get("options", {}).items():
        if not isinstance(value, Mapping):
            flat |= {} if name == "seed" else {name: value}
        elif name in metrics:
            flat |= {f"{name}.{option}": chosen for option, chosen in value.items()}
    return flat


def _short(value: Any) -> str:
    """The first eight digits of a digest."""
    text = str(value)
    return text[:8] if len(text) == 64 else text or "none"
