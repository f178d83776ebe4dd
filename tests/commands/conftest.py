"""A finished run, made once by the command itself, for the tests of the commands that open one."""

import pytest

from jgan import train
from jgan.training.run import Run, open_run


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Run:
    """Four steps of a small GAN on digits, seed 7; tests must not write into its folder, but copy it."""
    small = ["--model.g-units", "16", "--model.d-units", "8", "--batch-size", "20"]
    workdir = tmp_path_factory.mktemp("runs") / "digits"
    every = [argument for name in ("log", "sample", "checkpoint", "eval") for argument in (f"--{name}-every", "2")]
    train.main(["digits", "--steps", "4", "--seed", "7", "--workdir", str(workdir), *small, *every])
    return open_run(workdir)
