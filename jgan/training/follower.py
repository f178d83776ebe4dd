"""What processes other than the first do in a run of several: the calls that the leader orders, on their rows of each batch."""

from pathlib import Path
from typing import Any

import jax

from jgan import data, parallel
from jgan.models import Model
from jgan.training import feed, processes, programs, resuming, stopping
from jgan.training.config import RunConfig, devices
from jgan.training.log import Log
from jgan.training.run import Run, assemble
from jgan.utils import output


class Told(Log):
    """Lines of a process that has no log: they are printed on standard error.

    Args:
      process: its number.
    """

    def __init__(self, process: int) -> None:
        self.process = process

    def say(self, text: str) -> None:
        """Prints a line."""
        output.warn(f"process {self.process}: {text}")

    def write(self, text: str) -> None:
        """Nothing: what is not printed is not kept."""


def follow(config: RunConfig, workdir: Path, model: Model, team: processes.Follower) -> None:
    """Trains with the others of a team until its leader ends the run. Nothing is written.

    Args:
      config: the configuration.
      workdir: the folder of the run, which need not exist here.
      model: the model.
      team: the place of this process in the team.

    Raises:
      ValueError, OSError: if the process was started with other options or data than the leader, or cannot read the data.
      Stopped: after a signal to any of the processes, once the leader has saved the state.
    """
    with stopping.requests() as requests:
        run = assemble(config, workdir, model).with_mean()
        run.shared.fingerprint = data.fingerprint(run.dataset)
        order = team.next(requests)
        _check(config.process, order.values, resuming.of_all_processes(run))
        source = feed.of(run, Told(config.process))
        try:
            order = team.next(requests)
            while isinstance(order, processes.Phase):
                order = _follow_phase(run, order, team, requests, source)
        finally:
            source.close()
    if order.status:
        raise stopping.Stopped(order.status)


def _check(process: int, wanted: dict[str, Any], found: dict[str, Any]) -> None:
    for name in wanted:
        if wanted[name] != found.get(name):
            raise ValueError(
                f"process {process} was started with other options or data than process 0: expected {name} {wanted[name]}, "
                f"found {found.get(name)}"
            )


def _follow_phase(
    run: Run, phase: processes.Phase, team: processes.Follower, requests: stopping.Requests, source: feed.Feed
) -> Any:
    """Makes the calls of a phase; returns the first order that is none."""
    here = run.at(phase.end)
    key = programs.step_key(here, phase.rollbacks)
    many, one = programs.compiled_step(here, phase.length), programs.compiled_step(here, 1)
    leaves = jax.tree.unflatten(jax.tree.structure(here.template()), phase.state)
    state = parallel.replicate(leaves, devices(run.config))
    source.begin(here, key, phase.first, phase.last)
    while isinstance(order := team.next(requests), int):
        state, metrics = (many if order == phase.length else one)(key, state, source.take(order))
        source.running(metrics)
    return order
