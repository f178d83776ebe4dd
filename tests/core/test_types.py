"""The public names, the pytrees of the state, and the house's plan: who may import whom."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jgan
from jgan import GAN, Batch, GANState, PlayerState

PACKAGE = Path(jgan.__file__).parent
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(PACKAGE)], prefix="jgan."))

# The rooms of the house, floor by floor: a room may use those of lower floors, and nothing of its own floor but itself.
FLOORS = [
    {"types", "checks", "files", "cli"},
    {"losses", "rng", "optim", "constraints", "groups", "gradients"},
    {"penalties", "augment"},
    {"games", "steps", "parallel", "networks", "data", "metrics", "figures", "checkpoint"},
    {"rules", "features"},
    {"models", "evaluation"},
    {"run"},
    {"displays"},
    {"report", "journal"},
    {"loop"},
    {"sample"},
    {"train", "evaluate", "classifier"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PURE = {"types", "checks", "losses", "rng", "optim", "constraints", "groups", "gradients", "penalties", "augment", "games"}
PURE |= {"steps", "rules", "parallel", "networks", "metrics", "models"}
WORLD = {"argparse", "datetime", "io", "os", "pathlib", "shutil", "subprocess", "sys", "time", "tqdm", "tyro"}


def imports(name):
    """The full names that a module of jgan imports anywhere in it, inside functions too."""
    spec = importlib.util.find_spec(name)
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name):
    return name.split(".")[1]


# ------------------------------------------------------------------------------------------------------------- the plan


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_downwards(name):
    assert room(name) in FLOOR, f"the plan of the house, FLOORS above, does not know the room {room(name)}"
    for used in imports(name):
        if used.startswith("jgan."):
            assert room(used) == room(name) or FLOOR[room(used)] < FLOOR[room(name)], f"{name} uses {used}"


def test_flax_is_known_to_the_networks_alone():
    assert {room(name) for name in MODULES if any(used.startswith("flax") for used in imports(name))} == {"networks"}


def test_the_pure_rooms_know_no_files_no_clocks_and_no_command_line():
    for name in MODULES:
        if room(name) in PURE:
            assert not {used.split(".")[0] for used in imports(name)} & WORLD, name


def test_every_module_can_be_imported_first():
    """No module relies on another's having been imported before: each starts from an empty house, JAX already warm."""
    code = f"""
import importlib, sys
for name in {MODULES!r}:
    for known in [known for known in sys.modules if known.split(".")[0] == "jgan"]:
        del sys.modules[known]
    importlib.import_module(name)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)


def test_the_slow_libraries_are_imported_where_they_are_used():
    code = f"""
import sys
import jgan, jgan.data, jgan.parallel, jgan.steps
from jgan import models
models.presets()
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
import importlib
for name in {MODULES!r}:
    importlib.import_module(name)
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent, capture_output=True, text=True).stdout
    slow = {"tensorflow", "tensorflow_datasets", "sklearn", "matplotlib", "orbax", "tyro", "torch", "h5py"}
    core, everything = (set(line.split()) for line in output.splitlines())
    assert "jax" in core
    assert not core & slow
    assert not everything & slow


# ------------------------------------------------------------------------------------------------------------ the names


def test_the_public_names_are_there():
    assert sorted(jgan.__all__) == sorted(set(jgan.__all__))
    for name in jgan.__all__:
        assert getattr(jgan, name).__doc__


def test_states_are_trees_of_arrays():
    player = PlayerState({"w": jnp.ones(2)}, {}, (jnp.zeros(()),))
    state = GANState(jnp.int32(3), player, player)
    assert len(jax.tree.leaves(state)) == 5
    doubled = jax.tree.map(lambda leaf: 2 * leaf, state)
    assert type(doubled) is GANState
    assert type(doubled.generator) is PlayerState
    assert doubled.step == 6
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    assert names[:2] == [".step", ".generator.params['w']"]  # what a checkpoint and an error message call them


def test_a_batch_without_labels_has_one_leaf():
    assert len(jax.tree.leaves(Batch(jnp.ones((2, 3))))) == 1
    assert len(jax.tree.leaves(Batch(jnp.ones((2, 3)), jnp.zeros(2, jnp.int32)))) == 2


def test_to_sample_is_to_generate_from_latents():
    gan = GAN(
        init=None,
        d_step=None,
        g_step=None,
        step=None,
        latents=lambda key, n: jax.random.normal(key, (n, 2)),
        generate=lambda state, z, averaged=True: z * state + float(averaged),
    )
    key = jax.random.key(0)
    z = jax.random.normal(key, (3, 2))
    np.testing.assert_array_equal(gan.sample(key, 2.0, 3), 2 * z + 1)
    np.testing.assert_array_equal(gan.sample(key, 2.0, 3, averaged=False), 2 * z)
