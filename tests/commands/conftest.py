"""A finished run, made once by the command itself, for the tests of the commands that open one."""

import pytest
from small_runs import small_run

from jgan import train
from jgan.training.run import Run, open_run


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Run:
    """Eight steps of a small GAN on digits; tests must not write into its folder, but copy it."""
    workdir = tmp_path_factory.mktemp("runs") / "digits"
    train.main(small_run(workdir))
    return open_run(workdir)
