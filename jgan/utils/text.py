"""Text for messages of one line."""

from collections.abc import Iterable


def listed(names: Iterable[object], most: int = 6) -> str:
    """Names for a message: a few, and how many there are in all.

    Args:
      names: any number of names.
      most: the number of names that are written out.

    Returns:
      The text.

    Example:
      >>> from jgan.utils import text
      >>> text.listed("abc"), text.listed(range(1000), 3)
      ('a, b, c', '0, 1, 2 ... (1,000 in all)')
    """
    found = [shortened(str(name), 200) for name in names]
    return ", ".join(found) if len(found) <= most else f"{', '.join(found[:most])} ... ({len(found):,} in all)"


def count(number: int, name: str) -> str:
    """A number of things.

    Args:
      number: how many.
      name: the name of one, which takes an s.

    Returns:
      The text.

    Example:
      >>> from jgan.utils import text
      >>> text.count(1, "image"), text.count(1000, "image")
      ('1 image', '1,000 images')
    """
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def shortened(text: str, most: int) -> str:
    """Cuts a text.

    Args:
      text: the text.
      most: the number of characters that are kept.

    Returns:
      The text, with three dots at its end if it was cut.
    """
    return text if len(text) <= most else f"{text[: most - 3]}..."


def one_line(error: BaseException, most: int = 200) -> str:
    """The message of an error for another message: its first line that is not empty.

    Args:
      error: the error.
      most: the number of characters that are kept.

    Returns:
      The text; the name of the error's type if it has no message.

    Example:
      >>> from jgan.utils import text
      >>> text.one_line(ValueError("first\\nsecond")), text.one_line(MemoryError())
      ('first', 'MemoryError')
    """
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return shortened(line, most)
