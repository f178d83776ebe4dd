"""The options of the compiler, and the settings of the allocator."""

import os
import platform
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from jgan import parallel
from jgan.utils import xla


@pytest.fixture(autouse=True)
def _anew():
    """What was found is kept for the process."""
    xla.compiler_options.cache_clear()
    yield
    xla.compiler_options.cache_clear()


def outside(code, **environment):
    """Runs code in a process without the options of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "JAX_"))}
    done = subprocess.run([sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


CODE = """
import jax, jax.numpy as jnp
from jgan import parallel
from jgan.networks.convolution import conv
kernel = jnp.ones((3, 3, 32, 32))
step = lambda key, state, data: (conv(state, kernel, padding=1), {})
text = parallel.jit(step).lower(None, jnp.ones((8, 32, 32, 32)), None).compile().as_text()
print("convolution" in text, "ynn_fusion" in text)
"""


def test_a_convolution_is_not_left_to_ynnpack():
    assert outside(CODE, JAX_PLATFORMS="cpu") == ["True", "False"]


def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch):
    monkeypatch.setattr(xla, "FUSIONS", "xla_cpu_no_such_option")
    assert xla.compiler_options() is None
    assert int(xla.jit(lambda x: x + 1)(1)) == 2


def test_what_the_user_sets_stays(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"--{xla.FUSIONS}=LIBRARY_FUSION_TYPE_DOT")
    assert xla.compiler_options() is None


def test_elsewhere_there_are_none(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert xla.compiler_options() is None


def test_a_compiled_step_donates_its_state():
    state = jnp.zeros(3)
    new, _ = parallel.jit(lambda key, state, data: (state + data, {}))(None, state, jnp.float32(2))
    assert new.tolist() == [2, 2, 2]
    assert state.is_deleted()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_what_is_freed_stays_in_the_process():
    """Of 200 MB that are written and freed, most are still resident; by default glibc gives them back."""
    code = """
import ctypes, os
from jgan.utils import memory
kept = memory.keep_freed() if {keep} else None
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
before, block = resident(), libc.malloc(200_000_000)
ctypes.memset(block, 1, 200_000_000)
libc.free(block)
print(kept, int(resident() - before))
"""
    kept, more = outside(code.format(keep=True))
    assert kept == "True"
    assert int(more) > 150
    assert int(outside(code.format(keep=False))[1]) < 50
