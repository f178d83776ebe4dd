"""Reads pickles of plain values and NumPy arrays without NumPy's help and without calling what they name.

A pickle can call any function of any module, and even NumPy's own (`ndarray`, and `__setstate__` of an array) can be made to
reserve any memory or to read any address. Here the few names of a pickled array stand for `PickledArray`, which only keeps what
is given to it, and the operations are checked before they are executed.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

from jgan.data import reading

OPERATIONS = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "POP", "NONE", "NEWTRUE", "NEWFALSE"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
        *("STRING", "SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "LIST", "APPEND", "APPENDS"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
        *("PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "MEMOIZE"),
        *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
    )
)
"""The operations of plain values and of arrays."""

MOST_REMEMBERED = 1 << 20
"""The largest index of a remembered value: the reader keeps a table of that length."""


class PickledArray:
    """What a pickle says of an array.

    Attributes:
      state: what the array's `__setstate__` would get: version, shape, dtype, whether it is in column-major order, bytes.
    """

    def __init__(self) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class PickledType:
    """What a pickle says of a dtype.

    Attributes:
      code: its name, such as "u1".
    """

    def __init__(self, code: Any = None) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        """Ignores the byte order and the like."""


def _ndarray(*_: Any) -> None:
    """An argument of `_reconstruct`."""
    raise pickle.UnpicklingError("it makes an array of any size")


def _array(*_: Any) -> PickledArray:
    return PickledArray()


def _array_of(content: Any, dtype: Any, shape: Any, order: Any) -> PickledArray:
    """An array of pickle's fifth version."""
    found = PickledArray()
    found.state = (1, shape, dtype, order == "F", content)
    return found


def _type(code: Any, *_: Any) -> PickledType:
    return PickledType(code)


def _bytes(text: Any, encoding: Any) -> bytes:
    """The bytes of a pickle that Python 3 has written for Python 2."""
    return text.encode("latin1" if encoding == "latin1" else "ascii")


class _StandIn:
    """A function that a pickle can call but not change."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a function")


NAMES = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _StandIn(_array) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _StandIn(_array_of) for core in ("core", "_core")},
    ("numpy", "ndarray"): _StandIn(_ndarray),
    ("numpy", "dtype"): _StandIn(_type),
    ("_codecs", "encode"): _StandIn(_bytes),
}
"""The names that a pickle may hold, and what stands for them."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return NAMES[module, name]


def load(content: bytes, where: str) -> Any:
    """Unpickles plain values and arrays.

    Args:
      content: the bytes; strings of Python 2 become bytes.
      where: the name of the file, for error messages.

    Returns:
      The value, with a `PickledArray` in place of each array.

    Raises:
      ValueError: if it holds anything else, or is damaged.

    Example:
      >>> import pickle
      >>> from jgan.data import plain_pickle
      >>> plain_pickle.load(pickle.dumps({"a": [1, 2]}), "here")
      {'a': [1, 2]}
      >>> plain_pickle.load(pickle.dumps(print), "a trap")
      Traceback (most recent call last):
      ValueError: a trap: expected a pickle of arrays, found a damaged or other file (it names builtins.print): get it again
    """
    with reading.naming(where, "a pickle of arrays"):
        # Walking over the operations compares each declared length with what is left of the file, before any is executed.
        for operation, value, _ in pickletools.genops(content):
            argument: Any = value
            if operation.name not in OPERATIONS:
                raise pickle.UnpicklingError(f"it has the operation {operation.name}")
            if operation.name in ("PUT", "LONG_BINPUT") and argument > MOST_REMEMBERED:
                raise pickle.UnpicklingError(f"it remembers a value under {argument}")
            if operation.name == "FRAME" and argument > len(content):
                raise pickle.UnpicklingError("it is cut short")
        return _Unpickler(io.BytesIO(content), encoding="bytes").load()
