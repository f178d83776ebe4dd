"""Timing several contenders in turn, once per round, so that disturbances of the machine affect all of them."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Contender(NamedTuple):
    """A function to time.

    Attributes:
      name: the name in the results.
      advance: `advance() -> result`: one call, which may return before its work is done.
      wait: `wait(result)`: blocks until that call and all earlier ones are done.
      work: units of work per call, such as steps or products.
      optional: whether to skip the contender, instead of stopping, if its first call fails.
    """

    name: str
    advance: Callable[[], Any]
    wait: Callable[[Any], Any]
    work: int = 1
    optional: bool = False


class Timing(NamedTuple):
    """The timings of a contender.

    Attributes:
      name: the name of the contender.
      first_call: the extra duration of the first call in seconds: tracing and compilation.
      seconds: seconds per unit of work, one value per round.
    """

    name: str
    first_call: float
    seconds: list[float]


def turn(contender: Contender, calls: int) -> float:
    """Times several consecutive calls.

    Args:
      contender: the contender.
      calls: the number of calls, at least 1.

    Returns:
      Seconds per call.

    Example:
      >>> from benchmarks import timing
      >>> calls = []
      >>> seconds = timing.turn(timing.Contender("count", lambda: calls.append(1), lambda result: None), 3)
      >>> seconds > 0, len(calls)
      (True, 3)
    """
    start = time.perf_counter()
    for _ in range(calls):
        result = contender.advance()
    contender.wait(result)
    return (time.perf_counter() - start) / calls


def warm(contender: Contender, seconds: float) -> tuple[int, float]:
    """Makes the first calls, which compile, and determines the number of calls per turn.

    Args:
      contender: the contender.
      seconds: the duration of a turn.

    Returns:
      `(calls, first_call)`: the number of calls per turn, and `Timing.first_call`.

    Example:
      >>> from benchmarks import timing
      >>> calls, _ = timing.warm(timing.Contender("nothing", lambda: None, lambda result: None), seconds=0.001)
      >>> calls > 1
      True
    """
    first = turn(contender, 1)
    later = min(turn(contender, 1) for _ in range(3))
    return max(1, round(seconds / later)), max(0.0, first - later)


def rounds(contenders: Sequence[Contender], repeats: int, seconds: float, report: Callable[[str], None]) -> list[Timing]:
    """Times contenders in turn: A B C, A B C, ...

    Args:
      contenders: the contenders.
      repeats: the number of rounds.
      seconds: the duration of a turn.
      report: called with one line per event, to show progress.

    Returns:
      A `Timing` for each contender that was not skipped.

    Example:
      >>> from benchmarks import timing
      >>> nothing = timing.Contender("nothing", lambda: None, lambda result: None, work=10)
      >>> (measured,) = timing.rounds([nothing], repeats=2, seconds=0.001, report=lambda line: None)
      >>> measured.name, len(measured.seconds)
      ('nothing', 2)
    """
    entered = []
    for contender in contenders:
        try:
            calls, first_call = warm(contender, seconds)
        except Exception as error:
            if not contender.optional:
                raise
            report(f"{contender.name}: left out, it failed with {type(error).__name__}")
            continue
        report(f"{contender.name}: compiled in {first_call:.1f} s, {calls} calls a turn")
        entered.append((contender, calls, Timing(contender.name, first_call, [])))
    for number in range(repeats):
        report(f"round {number + 1} of {repeats}")
        for contender, calls, timing in entered:
            turn(contender, 1)  # warm up its caches and threads
            timing.seconds.append(turn(contender, calls) / contender.work)
    return [timing for _, _, timing in entered]


def spread(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """The median, minimum and maximum of some measurements.

    Args:
      values: the measurements.
      digits: the number of decimals to keep.

    Returns:
      A dict of `median`, `min`, `max`.

    Example:
      >>> from benchmarks import timing
      >>> timing.spread([3.0, 1.0, 2.04])
      {'median': 2.0, 'min': 1.0, 'max': 3.0}
    """
    found = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: round(value, digits) for name, value in found.items()}
