"""What `cli.run` does about a Ctrl-C that Python itself would drop."""

import signal
import time

import pytest

from jgan.utils import cli


class Interrupted:
    """An object during whose finaliser a Ctrl-C arrives: Python drops the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_an_interruption_of_a_finaliser_is_not_lost(capfd):
    def main():
        held = Interrupted()
        del held
        time.sleep(30)

    begun = time.monotonic()
    with pytest.raises(SystemExit, match="130"):
        cli.run(main, "prog")
    assert time.monotonic() - begun < 15
    assert capfd.readouterr().err == "prog: stopped\n"
