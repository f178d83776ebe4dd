"""`log.txt`: everything that a run has printed, with the time."""

import datetime
from pathlib import Path

from jgan.utils import output
from jgan.utils.files import naming

LOG = "log.txt"


class Log:
    """Prints lines and appends them to the `log.txt` of a run.

    Args:
      workdir: the folder of the run; it must exist.

    Example:
      >>> import tempfile
      >>> from jgan.training.log import Log
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     Log(folder).say("step 100")
      ...     (Path(folder) / "log.txt").read_text()[-9:]
      step 100
      'step 100\\n'
    """

    def __init__(self, workdir: str | Path) -> None:
        self.path = Path(workdir) / LOG

    def say(self, text: str) -> None:
        """Writes a line to the file, then prints it.

        Args:
          text: the line, or several.
        """
        self.write(text)
        output.show(text)

    def write(self, text: str) -> None:
        """Writes a line to the file only.

        Args:
          text: the line, or several.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with naming(self.path), self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(f"{now} {line}\n" for line in text.splitlines())
