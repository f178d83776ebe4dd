"""`--coordinator auto`: the processes that SLURM or Open MPI 4 has started, from the variables that they set in each."""

import dataclasses
import os
import re
from collections.abc import Mapping

from jgan.training.config import AUTO, RunConfig

PORTS, FIRST_PORT = 4096, 61440
"""The port follows from the number of the job, so that two jobs on one host have two: one of so many, from this one on."""


def resolved(config: RunConfig, variables: Mapping[str, str] = os.environ) -> RunConfig:
    """The configuration with the address of process 0, the number of processes and that of this one.

    Args:
      config: the configuration; unless its `coordinator` is `auto`, it is returned as it is.
      variables: the environment.

    Returns:
      The configuration; without a coordinator if the job has one process, which trains alone.

    Raises:
      ValueError: if the process was started by neither, or their variables are not understood.

    Example:
      >>> import dataclasses
      >>> from jgan import train
      >>> from jgan.training import cluster
      >>> config = dataclasses.replace(train.configuration([]), coordinator="auto")
      >>> job = {"SLURM_JOB_ID": "70001", "SLURM_NTASKS": "4", "SLURM_PROCID": "2", "SLURM_STEP_NODELIST": "gpu[07-10]"}
      >>> found = cluster.resolved(config, job)
      >>> found.coordinator, found.processes, found.process
      ('gpu07:61809', 4, 2)
    """
    if config.coordinator != AUTO:
        return config
    if config.processes > 1 or config.process:
        raise ValueError("--coordinator auto finds --processes and --process: leave them out")
    # Under mpirun in a job of SLURM both are there, and those of SLURM are equal in all processes of a host.
    for names, address in ((_OPEN_MPI, _open_mpi), (_SLURM, _slurm)):
        if all(name in variables for name in names):
            count, number = (_number(name, variables) for name in names[:2])
            if number >= count:
                raise ValueError(f"--coordinator auto: expected {names[1]} below {names[0]}, found {number} and {count}")
            if count == 1:
                return dataclasses.replace(config, coordinator=None)
            return dataclasses.replace(config, coordinator=address(variables), processes=count, process=number)
    raise ValueError(
        "--coordinator auto: expected a process that srun of SLURM or mpirun of Open MPI has started, found the variables of "
        "neither; give --coordinator HOST:PORT, --processes and --process"
    )


_SLURM = ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_JOB_ID")
_OPEN_MPI = ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK")


def _number(name: str, variables: Mapping[str, str]) -> int:
    if not variables[name].isdecimal():
        raise ValueError(f"--coordinator auto: expected a number in {name}, found {variables[name]!r}")
    return int(variables[name])


def _slurm(variables: Mapping[str, str]) -> str:
    """The first host of `a,b`, of `a[01-04,07],b` or of `a[01-04]-ib`, and a port."""
    nodes = variables.get("SLURM_STEP_NODELIST") or variables.get("SLURM_JOB_NODELIST", "")
    found = re.match(r"(?P<before>[^,\[\]]+)(\[(?P<first>\d+)[^\]]*\](?P<after>[^,\[\]]*))?", nodes)
    if found is None:
        raise ValueError(f"--coordinator auto: expected hosts in SLURM_STEP_NODELIST, found {nodes!r}")
    host = found["before"] + (found["first"] or "") + (found["after"] or "")
    return f"{host}:{FIRST_PORT + _number('SLURM_JOB_ID', variables) % PORTS}"


def _open_mpi(variables: Mapping[str, str]) -> str:
    """The host of mpirun, where the first process is too, from `1531576320.0;tcp://10.96.0.1,10.148.0.1:34911`, and a port."""
    if "OMPI_MCA_orte_hnp_uri" not in variables:
        raise ValueError("--coordinator auto: Open MPI from version 5 on tells no address; give --coordinator HOST:PORT")
    text = variables["OMPI_MCA_orte_hnp_uri"]
    found = re.match(r"(?P<job>\d+)\.\d+;tcp://(?P<host>[\d.]+)", text)
    if found is None:
        raise ValueError(f"--coordinator auto: expected JOB.0;tcp://ADDRESS in OMPI_MCA_orte_hnp_uri, found {text!r}")
    return f"{found['host']}:{FIRST_PORT + int(found['job']) // PORTS % PORTS}"  # its numbers are multiples of 4096
