"""The results of a command that computes several: each is written as soon as it is known, and only then shown."""

import json
from pathlib import Path
from typing import Any

from jgan.utils import output
from jgan.utils.files import replacing


class Results:
    """Results that are written to one JSON file, which grows with each of them.

    Args:
      out: the file.
      prog: the command's name, for error lines.
      environment: versions and device, written as `environment`.

    Attributes:
      found: the results, for JSON.
      failed: the computations that failed, and why; written as `failed`.

    Example:
      >>> import tempfile
      >>> from jgan.utils.results import Results
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     results = Results(Path(folder) / "a.json", "p", {"jax": "0.7"})
      ...     results.about(seed=0)
      ...     results.add("FID 3.5", fid=3.5)
      ...     json.loads(results.out.read_text())
      FID 3.5
      {'seed': 0, 'fid': 3.5, 'environment': {'jax': '0.7'}}
    """

    def __init__(self, out: Path, prog: str, environment: dict[str, Any]) -> None:
        self.out, self.prog, self.environment = out, prog, environment
        self.found: dict[str, Any] = {}
        self.failed: dict[str, str] = {}
        self._any = False
        self._unwritten: OSError | None = None

    def about(self, **values: Any) -> None:
        """Adds what the results depend on, to be written with the first of them."""
        self.found |= values

    def add(self, shown: str, **values: Any) -> None:
        """Adds results, writes the file, and then shows a text."""
        self.found |= values
        self._any = True
        self._write()
        output.show(shown)

    def fail(self, name: str, error: str) -> None:
        """Notes that a computation failed; `end` reports it."""
        self.failed[name] = " ".join(error.split())

    def end(self) -> None:
        """Says where the results are.

        Raises:
          OSError: if the file could not be written; the results have been shown nevertheless.
          ValueError: if a computation failed, with its name; if several did, the others are printed to standard error before.
        """
        if self.failed and self._any:
            self._write()
        if self._unwritten is not None:
            raise self._unwritten
        if self._any:
            output.show(f"written to {self.out}")
        *others, last = [f"{name}: {error}" for name, error in self.failed.items()] or [""]
        for line in others:
            output.warn(f"{self.prog}: error: {line}")
        if last:
            raise ValueError(last)

    def _write(self) -> None:
        failed = {"failed": self.failed} if self.failed else {}
        text = json.dumps({**self.found, **failed, "environment": self.environment}, indent=2, default=str)
        try:
            with replacing(self.out) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            self._unwritten = error
        else:
            self._unwritten = None
