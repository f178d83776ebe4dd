"""What every test and every docstring's example runs under: four simulated devices, strict ranks and dtypes, no display.

It lies at the root, above both `tests/` and `jgan/`, so that the doctests meet the same strictness as the tests.
"""

import atexit
import builtins
import gc
import importlib.metadata
import os
import shutil
import signal
import tempfile

DEVICES = 4

# Read by XLA when its first backend is made, and inherited by the commands that tests start.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
_jaxlib = tuple(map(int, importlib.metadata.version("jaxlib").split(".")[:2]))
# The tests spend their time on compiling small programs, and XLA's fusion emitters took half of it. XLA ends the process at a
# flag that it does not know: this one is gone from jaxlib 0.12 on. Before 0.10 the older emitters are less exact.
# Of two values of a flag the later one counts: one from outside overrides the first, not the number of devices.
_flags = ["--xla_cpu_use_fusion_emitters=false"] if (0, 10) <= _jaxlib < (0, 11) else []
# One part a program: by default XLA divides it among threads, and each part costs.
_flags.append("--xla_cpu_parallel_codegen_split_count=1")
_flags += [os.environ.get("XLA_FLAGS", ""), f"--xla_force_host_platform_device_count={DEVICES}"]
# The simulated devices meet in every `psum`. Where one core serves them all, and other processes too, a meeting may take longer
# than the 40 seconds after which XLA gives up and ends the process. Older XLAs do not know the flag.
if _jaxlib >= (0, 10):
    _flags.append("--xla_cpu_collective_call_terminate_timeout_seconds=600")
os.environ["XLA_FLAGS"] = " ".join(filter(None, _flags))
os.environ.setdefault("MPLBACKEND", "Agg")
# scikit-learn's and PyTorch's threads wait actively: with a worker for each core they keep one another from working.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# LLVM's optimisations are left out too; XLA's own stay.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"

# The tests and the commands compile the same small programs again and again, in many processes: they share what they compiled,
# also what compiles in milliseconds, as to read it is faster still. A folder of the session's own, so that nothing old is ever
# run.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _cache = tempfile.mkdtemp(prefix="jgan-tests-")
    atexit.register(shutil.rmtree, _cache, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _cache
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

# Tracing makes many small objects that live on, and looking through all of them again and again takes a tenth of the time.
gc.set_threshold(200_000, 20, 100)

# Tests send it; a shell has it ignored in what it runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)

import chex  # noqa: E402
import hypothesis  # noqa: E402
import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_disable_most_optimizations", True)  # again: a plugin of pytest may have imported jax before

# [B] + [B, 1] must never broadcast, nor bfloat16 + float32 promote, unseen. Optax's own Adam and schedules mix an int32
# count with Python floats: the models' optimisers are made for that (`optim.under_standard_promotion`); a test that runs
# optax's does so under `with jax.numpy_dtype_promotion("standard")`.
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Compilation makes the first example slow, and a failure must be the same failure tomorrow.
hypothesis.settings.register_profile("jgan", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("jgan")


COMPILED = ("augment", "degradations", "models", "networks", "training")
"""folders whose docstrings' examples compile most: each its own network, or one operation after the other"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups the tests of a file, and leaves the examples that compile most to the slow tests.

    The weekly tests are slow ones too.

    With `--dist=loadgroup` a group runs in one process, which makes its fixtures and compiles its programs once.
    """
    for item in items:
        if isinstance(item, pytest.DoctestItem) and item.path.parent.name in COMPILED:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("weekly"):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.hookimpl(tryfirst=True)
def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Contents of files do not name tests: a zip file's hold the time of day, and two processes would collect others."""
    content = isinstance(val, bytes) or (isinstance(val, str) and (len(val) > 100 or not val.isprintable()))
    return argname if content else None


MOST_MAPPINGS = 12_000


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """An example that shows a list leaves it in `builtins._`, and tyro wants everything there to be hashable.

    XLA keeps memory mappings for each compiled program, and Linux allows a process 65,530: beyond, compilation crashes. So the
    programs are dropped between two groups of tests once there are many.
    """
    vars(builtins).pop("_", None)
    if nextitem is not None and _group(nextitem) != _group(item) and _mappings() > MOST_MAPPINGS:
        jax.clear_caches()
        chex.clear_trace_counter()  # what is traced anew after this is no fault of the program's


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(item.path) if marker is None else str(marker.args)


def _mappings() -> int:
    try:
        with open("/proc/self/maps") as maps:
            return sum(1 for _ in maps)
    except OSError:  # not Linux
        return 0
