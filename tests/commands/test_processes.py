"""Several processes train one run: as real processes, each with simulated devices, over the loopback interface."""

import dataclasses
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from small_runs import SMALL, assert_same_end, without_clock

from jgan import train
from jgan.training import api, cluster, processes, shares, stopping
from jgan.training.run import open_run

SHARD = ["digits", *SMALL, "--batch-size", "24", "--seed", "7", "--parallel", "shard"]
FLAGS = [*SHARD, "--log-every", "2", "--checkpoint-every", "2", "--sample-every", "4", "--eval-every", "4"]
ENDLESS = [*SHARD, "--loader", "streamed", "--log-every", "2", "--checkpoint-every", "4", "--sample-every", "0"]
ENDLESS += ["--eval-every", "0", "--steps", "30000"]


def free_port():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def started(workdir, count, *flags, devices=2, own=None):
    """Starts a run of `count` processes; `own` are flags of the last one only."""
    port = free_port()
    given = {"XLA_FLAGS": f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={devices}"}
    command = [sys.executable, "-m", "jgan.train", *flags, "--workdir", str(workdir)]
    team = ["--coordinator", f"localhost:{port}", "--processes", str(count)] if count > 1 else []
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": os.environ | given}
    return [
        subprocess.Popen(
            [*command, *team, *(["--process", str(number)] if team else []), *((own or []) if number == count - 1 else [])],
            **pipes,
        )
        for number in range(count)
    ]


def ended(team, seconds=200):
    """The statuses of all processes, and what each has said; none is left behind."""
    try:
        told = [process.communicate(timeout=seconds) for process in team]
    finally:
        for process in team:
            process.kill()
    return [process.returncode for process in team], [out for out, _ in told], [err for _, err in told]


def trained(workdir, count, *flags, **options):
    statuses, out, err = ended(started(workdir, count, *flags, **options))
    assert statuses == [0] * count, err
    assert err == [""] * count
    return out


def reached(workdir, step, seconds=150):
    """Waits until a run has saved the checkpoint of a step, or a later one."""
    limit = time.monotonic() + seconds
    while not any(path.name.isdecimal() and int(path.name) >= step for path in (workdir / "checkpoints").glob("*")):
        assert time.monotonic() < limit, "the run did not get there"
        time.sleep(0.05)


def alone(workdir, *flags):
    """The same run in this process, on its four devices."""
    train.main([*flags, "--workdir", str(workdir)])


@pytest.fixture
def photos(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(90):
        Image.fromarray(random.integers(0, 256, (9, 11, 3), np.uint8)).save(tmp_path / "photos" / f"{number:02d}.png")
    return tmp_path / "photos"


def last(workdir):
    return max(int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdecimal())


def errors(text):
    """The lines on standard error that are an error of the command; everything there must be one."""
    lines = text.splitlines()
    assert all(line.startswith("python -m jgan.train: ") for line in lines), text
    return lines


# ------------------------------------------------------------------------------------------------------------------ runs


@pytest.mark.slow
def test_two_processes_make_the_run_of_one(photos, tmp_path):
    """To the rounding with which the devices' gradients are added up; and streamed data give the bits of resident ones."""
    flags = [*FLAGS, "--dataset", "folder:8", "--data-dir", str(photos), "--steps", "8", "--loader"]
    alone(tmp_path / "one", *flags, "streamed")
    out = trained(tmp_path / "two", 2, *flags, "streamed")
    assert "read from the files by threads" in out[0]
    assert "in 2 processes; data" in out[0]
    assert not re.sub(r"\[Gloo\].*\n", "", out[1])
    ours, theirs = (open_run(tmp_path / name).restore() for name in ("one", "two"))
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    for mine, other in zip(without_clock(tmp_path / "one"), without_clock(tmp_path / "two"), strict=True):
        assert mine == pytest.approx(other, rel=1e-4)
    assert {path.name for path in (tmp_path / "one").iterdir()} == {path.name for path in (tmp_path / "two").iterdir()}
    trained(tmp_path / "resident", 2, *flags, "resident")
    assert_same_end(tmp_path / "two", tmp_path / "resident")


@pytest.mark.weekly
@pytest.mark.parametrize("lost", [0, 1])
def test_one_is_killed_and_another_number_of_processes_goes_on(tmp_path, lost, capsys):
    team = started(tmp_path / "run", 2, *ENDLESS)
    reached(tmp_path / "run", 12)
    team[lost].send_signal(signal.SIGKILL)
    began = time.monotonic()
    statuses, _, err = ended(team)
    assert time.monotonic() - began < 20
    assert (statuses[lost], statuses[1 - lost]) == (-signal.SIGKILL, 1)
    jax_s = r"^[EF]\d{4} .*?(?=^[EF]\d{4} |^python |\Z)"  # its service ends with process 0, and it may tell so before we do
    (line,) = errors(re.sub(jax_s, "", err[1], flags=re.DOTALL | re.MULTILINE) if lost == 0 else err[0])
    assert f"process {lost} was lost; --resume goes on from the last checkpoint" in line
    train.verify(tmp_path / "run")
    assert "none is damaged" in capsys.readouterr().out
    end = last(tmp_path / "run") + 4
    goes_on = ["--resume", "--workdir", str(tmp_path / "run"), "--steps"]
    out = trained(tmp_path / "run", 3, *goes_on, str(end), devices=1)
    assert f"continuing from step {end - 4}" in out[0]
    assert "trained on 4 devices of 2 processes (shard)" in out[0]
    assert "now on 3 devices of 3 processes (shard)" in out[0]
    alone(tmp_path / "run", *goes_on, str(end + 4))
    assert last(tmp_path / "run") == end + 4
    alone(tmp_path / "whole", *ENDLESS, "--steps", str(end + 4))
    losses = [
        [(row["step"], row["d_loss"], row["g_loss"]) for row in without_clock(tmp_path / name)] for name in ("run", "whole")
    ]
    np.testing.assert_allclose(*losses, rtol=1e-3)


@pytest.mark.weekly
@pytest.mark.parametrize("asked", [0, 1])
def test_a_signal_to_any_of_them_ends_all_after_the_same_step(tmp_path, asked):
    team = started(tmp_path / "run", 2, *ENDLESS)
    reached(tmp_path / "run", 4)
    team[asked].send_signal(signal.SIGTERM)
    statuses, out, err = ended(team)
    assert statuses == [128 + signal.SIGTERM] * 2, err
    assert err == ["", ""]
    assert f"signal SIGTERM: stopped at step {last(tmp_path / 'run')}, saved" in out[0]


@pytest.mark.weekly
def test_the_time_limit_ends_all(tmp_path):
    out = trained(tmp_path / "run", 2, *ENDLESS, "--time-limit", "0.2")
    assert f"time limit: stopped at step {last(tmp_path / 'run')}, saved" in out[0]


@pytest.mark.weekly
def test_all_go_back_after_a_value_that_is_not_finite(tmp_path):
    flags = ["--on-nonfinite", "rollback", "--model.optimizer.learning-rate", "1e38", "--steps", "20"]
    statuses, out, err = ended(started(tmp_path / "run", 2, *FLAGS, *flags))
    assert "(rollback 10)" in out[0]
    assert statuses == [2, 1]
    assert [len(errors(each)) for each in err] == [1, 1]
    assert "process 0 has stopped: " in err[1]


# ---------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.weekly
def test_an_error_of_one_is_told_by_all(tmp_path):
    """The leader's folder, a follower's options, a follower's data: one line each, nothing is written."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text("{}\n")
    statuses, _, err = ended(started(tmp_path / "run", 2, *FLAGS, "--steps", "8"))
    assert statuses == [2, 1]
    assert "holds metrics of a run, but no config.json" in errors(err[0])[0]
    assert "process 0 has stopped: " in errors(err[1])[0]

    for flags, message in (
        (["--seed", "8"], "expected seed 7, found 8"),
        (["--dataset", "npz", "--data-dir", str(tmp_path / "none")], "none"),
    ):
        statuses, _, err = ended(started(tmp_path / "other", 2, *FLAGS, "--steps", "8", own=flags))
        assert statuses == [1, 2]
        assert message in errors(err[1])[0]
        assert "process 1: " in errors(err[0])[0]
        assert [len(errors(each)) for each in err] == [1, 1]
        assert not list((tmp_path / "other").glob("checkpoints/*"))
        subprocess.run(["rm", "-rf", str(tmp_path / "other")], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("process", [0, 1])
def test_one_that_waits_in_vain_says_so(tmp_path, process):
    code = f"""
import sys
from jgan import train
from jgan.training import processes
from jgan.utils import cli
processes.WAIT = 4
sys.argv[1:] = {[*SHARD, "--workdir", str(tmp_path), "--coordinator", f"localhost:{free_port()}"]!r}
sys.argv += ["--processes", "2", "--process", "{process}"]
cli.run(train.main, "python -m jgan.train", leave=cli.at_once)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 2
    assert "the 2 processes have not met in 4 seconds" in errors(found.stderr)[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--processes", "2"], "--processes and --process need --coordinator HOST:PORT"),
        (["--process", "1"], "--processes and --process need --coordinator HOST:PORT"),
        (["--coordinator", "host", "--processes", "2"], "--coordinator must be HOST:PORT, found host"),
        (["--coordinator", "host:99999", "--processes", "2"], "--coordinator must be HOST:PORT, found host:99999"),
        (["--coordinator", "host:1"], "--processes of at least 2"),
        (["--coordinator", "host:1", "--processes", "2", "--process", "2"], "--process must be below the 2"),
        (["--coordinator", "host:1", "--processes", "2", "--process", "-1"], "--process must be at least 0, found -1"),
        (["--coordinator", "host:1", "--processes", "2", "--devices", "1"], "--parallel shard, on all of their devices"),
        (["--coordinator", "host:1", "--processes", "2", "--parallel", "fsdp"], "--parallel shard, on all of their devices"),
        (["--coordinator", "host:1", "--processes", "2", "--parallel", "pmap"], "--parallel shard, on all of their devices"),
        (["--coordinator", "host:1", "--processes", "2", "--dry-run"], "--dry-run and --verify are for one process"),
    ],
)
def test_wrong_options(flags, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        train.configuration([*SHARD, *flags])


@pytest.mark.slow
def test_wrong_options_end_the_command_with_status_2(tmp_path):
    statuses, _, err = ended(started(tmp_path / "run", 2, *SHARD, "--devices", "1"))
    assert statuses == [2, 2]
    assert [len(errors(each)) for each in err] == [1, 1]


# --------------------------------------------------------------------------------------------------- started by a scheduler

JOB = {"SLURM_JOB_ID": "70001", "SLURM_NTASKS": "4", "SLURM_PROCID": "2"}
MPI = {"OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "0"}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        (JOB | {"SLURM_STEP_NODELIST": "node07"}, ("node07:61809", 4, 2)),
        (JOB | {"SLURM_JOB_NODELIST": "a,b"}, ("a:61809", 4, 2)),
        (JOB | {"SLURM_STEP_NODELIST": "r1-n[003,007-015],b2", "SLURM_JOB_NODELIST": "x"}, ("r1-n003:61809", 4, 2)),
        (JOB | {"SLURM_STEP_NODELIST": "n[03-05]-ib"}, ("n03-ib:61809", 4, 2)),
        (JOB | {"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, (None, 1, 0)),
        (
            JOB | MPI | {"SLURM_STEP_NODELIST": "a", "OMPI_MCA_orte_hnp_uri": "4096.0;tcp://10.0.0.1:1"},
            ("10.0.0.1:61441", 8, 0),
        ),
        (MPI | {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911"}, ("10.96.0.1:62624", 8, 0)),
    ],
)
def test_a_scheduler_tells_who_trains_together(variables, found):
    config = cluster.resolved(dataclasses.replace(train.configuration(SHARD), coordinator="auto"), variables)
    assert (config.coordinator, config.processes, config.process) == found


@pytest.mark.parametrize(
    ("variables", "flags", "message"),
    [
        ({}, [], "found the variables of neither; give --coordinator HOST:PORT"),
        (JOB | {"SLURM_STEP_NODELIST": "a"}, ["--processes", "2"], "leave them out"),
        (JOB | {"SLURM_STEP_NODELIST": "a"}, ["--process", "1"], "leave them out"),
        (JOB | {"SLURM_STEP_NODELIST": "a", "SLURM_PROCID": "4"}, [], "SLURM_PROCID below SLURM_NTASKS, found 4 and 4"),
        (MPI, [], "Open MPI from version 5 on tells no address"),
        (JOB | {"SLURM_STEP_NODELIST": "[]"}, [], "expected hosts in SLURM_STEP_NODELIST, found '[]'"),
        (JOB | {"SLURM_NTASKS": "4x"}, [], "expected a number in SLURM_NTASKS, found '4x'"),
        (MPI | {"OMPI_MCA_orte_hnp_uri": "tcp"}, [], "expected JOB.0;tcp://ADDRESS in OMPI_MCA_orte_hnp_uri, found 'tcp'"),
    ],
)
def test_a_scheduler_that_is_not_understood(variables, flags, message, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("SLURM_", "OMPI_"))]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=re.escape(message)):
        train.configuration([*SHARD, "--coordinator", "auto", *flags])


@pytest.mark.slow
def test_two_processes_of_a_job_train_one_run(tmp_path):
    """As srun starts them: the same command, and only the variables differ."""
    job = JOB | {"SLURM_JOB_ID": str(free_port()), "SLURM_NTASKS": "2", "SLURM_STEP_NODELIST": "localhost"}
    command = [sys.executable, "-m", "jgan.train", *FLAGS, "--steps", "4", "--coordinator", "auto"]
    device = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=1"
    team = []
    for number in range(2):
        own = os.environ | job | {"SLURM_PROCID": str(number), "XLA_FLAGS": device}
        words = [*command, "--workdir", str(tmp_path / "run")]
        team.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=own))
    statuses, out, err = ended(team)
    assert statuses == [0, 0], err
    assert "in 2 processes" in out[0]
    assert last(tmp_path / "run") == 4


# ------------------------------------------------------------------------------------------------------- orders and shares


def test_orders_arrive_in_order_and_requests_come_back():
    ours, theirs = multiprocessing.Pipe()
    leader, follower = processes.Leader({1: ours}), processes.Follower(theirs, 1)
    requests, here = stopping.Requests(), stopping.Requests()
    leader.attend(requests, lambda line: None, lambda: {"seed": 7})
    leader.begin({"w": jax.numpy.arange(3.0)}, end=8, first=0, last=8, length=4, rollbacks=0)
    leader.call(4)
    assert follower.next(here) == processes.Same({"seed": 7})
    phase = follower.next(here)
    assert (phase.end, phase.length, phase.state[0].tolist()) == (8, 4, [0, 1, 2])
    here.signal = signal.SIGTERM
    assert follower.next(here) == 4
    limit = time.monotonic() + 20
    while not requests.reason() and time.monotonic() < limit:
        time.sleep(0.01)
    assert (requests.reason(), requests.code) == ("signal SIGTERM", 143)
    leader.end(processes.Left(143))
    assert follower.next(here) == processes.Left(143)
    theirs.close()
    assert threading.current_thread() is threading.main_thread()  # nobody has ended the process


@pytest.mark.slow
@pytest.mark.parametrize(("ends", "status"), [("os._exit(1)", 1), ("time.sleep(60)", -signal.SIGABRT)])
def test_an_abort_waits_for_the_thread_that_says_why(ends, status):
    """JAX's thread aborts a follower when process 0 is lost: ours has time to end it first; if it does not, the abort does."""
    code = f"""
import ctypes, os, threading, time
from jgan.training import processes
processes._delay_aborts()
threading.Thread(target=ctypes.CDLL(None).abort, daemon=True).start()
time.sleep(1)
print("process 0 was lost", flush=True)
{ends}
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (status, "process 0 was lost\n")


def test_a_process_alone_has_all_rows_and_its_own_arrays():
    tree = {"w": jax.numpy.ones(2)}
    assert shares.rows(jax.devices(), 8) is None
    assert shares.own(tree)["w"] is tree["w"]
    window = np.arange(16.0).reshape(2, 8)
    spread = shares.together(window, jax.devices(), axis=1)
    assert [shard.data.shape for shard in spread.addressable_shards] == [(2, 2)] * 4
    np.testing.assert_array_equal(spread, window)


def test_python_s_train_is_for_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ValueError, match="several processes train one run by the command only"):
        api.train("digits", steps=2, workdir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Device:
    """A device of a process."""

    def __init__(self, process_index):
        self.process_index = process_index


@pytest.mark.parametrize(("owners", "rows"), [((0, 0, 1, 1), [0, 1, 2, 3]), ((1, 0, 1, 0), [2, 3, 6, 7])])
def test_the_rows_of_a_process_are_those_of_its_devices(owners, rows):
    assert shares.rows([Device(owner) for owner in owners], 8).tolist() == rows


def test_the_examples_of_all_processes_are_those_of_one():
    from jgan import Batch
    from jgan.data import loader

    data, key = Batch(np.arange(40)), jax.random.key(0)
    whole = loader.Steps(data, key, 8, first=0, end=9, n_critic=2)[5].data.x
    places = np.arange(8).reshape(2, 4)
    parts = [loader.Steps(data, key, 8, first=0, end=9, n_critic=2, rows=rows)[5].data.x for rows in places]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_nothing_is_imported_or_started_by_a_process_alone(tmp_path):
    code = f"""
import sys, threading
import orbax.checkpoint  # some of its versions import the module
before = set(sys.modules)
from jgan import train
train.main({[*FLAGS, "--steps", "2", "--dry-run", "--workdir", str(tmp_path / "run")]!r})
assert "jax.experimental.multihost_utils" not in set(sys.modules) - before
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=Path(__file__).parents[2])
