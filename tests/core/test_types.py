"""The types, the description of the data, the public names, and who may import whom."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import jgan
from jgan import Batch, DataSpec, Field, GANState, Inputs, PlayerState

PACKAGE = Path(jgan.__file__).parent
MODULES = sorted(module.name for module in pkgutil.walk_packages([str(PACKAGE)], prefix="jgan."))

# Layer by layer: a part may import those of lower layers, and nothing of its own layer but itself.
LAYERS = [
    {"utils"},
    {"spec", "ragged"},
    {"types"},
    {"collectives"},
    {"losses", "rng", "optim", "conditions", "constraints"} | {"groups", "gradients", "parallel", "finite", "resize", "tiles"},
    {"degradations", "latents"},
    {"penalties", "augment", "networks", "data", "metrics", "pages", "plots", "pool", "regions", "steps", "codes", "fsdp"},
    {"terms", "phases", "rules", "features", "views"},
    {"games", "evaluation"},
    {"models"},
    {"training"},
    {"exploration", "translation", "sample_text", "run_page", "browser"},
    {"seeds_page", "sample_options"},
    {"sweep_page"},
    {"sample", "export", "report", "classifier"},
    {"train", "evaluate", "__main__"},
    {"sweep"},
]
LAYER = {part: layer for layer, parts in enumerate(LAYERS) for part in parts}
PURE = set.union(*LAYERS[:10]) - {"utils", "data", "plots", "features", "evaluation"}
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


def part(name):
    """The part of the package to which a module belongs; a package's command lies above all parts, as every command does."""
    return "__main__" if name.endswith(".__main__") else name.split(".")[1]


# ----------------------------------------------------------------------------------------------------------- the layers


def test_imports_run_downwards():
    assert {part(name) for name in MODULES} == set(LAYER), "LAYERS above must name every part of the package"
    upwards = [
        f"{name} imports {used}"
        for name in MODULES
        for used in imports(name)
        if used.startswith("jgan.") and part(used) != part(name) and LAYER.get(part(used), -1) >= LAYER[part(name)]
    ]
    assert upwards == []


def test_flax_is_imported_by_the_networks_alone():
    assert {part(name) for name in MODULES if any(used.startswith("flax") for used in imports(name))} == {"networks"}


def test_the_pure_parts_import_no_files_no_clocks_and_no_command_line():
    for name in MODULES:
        if part(name) in PURE:
            assert not {used.split(".")[0] for used in imports(name)} & WORLD, name


@pytest.mark.slow
def test_every_module_can_be_imported_first():
    """No module relies on another's having been imported before, but for those that its own package imports."""
    packages = {name.rpartition(".")[0] for name in MODULES}
    # What is not jgan's is imported once, before: most of the time would go to it.
    others = f"""
import importlib, sys
for name in {MODULES!r}:
    importlib.import_module(name)
print(*[name for name in sys.modules if name.partition(".")[0] != "jgan"], sep="\\n")
"""
    found = subprocess.run([sys.executable, "-c", others], check=True, cwd=PACKAGE.parent, capture_output=True, text=True)
    others = [name for name in found.stdout.split() if not name.startswith("_")]
    code = f"""
import contextlib, importlib, os, warnings
for name in {others!r}:
    with contextlib.suppress(ImportError, AttributeError):
        importlib.import_module(name)
warnings.filterwarnings("ignore", "os.fork")
def alone(work, name):  # in a process of its own, which ends with it
    child = os.fork()
    if child == 0:
        work(name)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
def each(package):
    importlib.import_module(package)
    for name in {MODULES!r}:
        if name.rpartition(".")[0] == package:
            alone(importlib.import_module, name)
for package in {sorted(packages)!r}:
    alone(each, package)
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
    slow = {"tensorflow", "tensorflow_datasets", "sklearn", "matplotlib", "orbax", "tyro", "torch", "h5py", "tensorboardX"}
    core, everything = (set(line.split()) for line in output.splitlines())
    assert "jax" in core
    assert not core & slow
    assert not everything & slow


# ------------------------------------------------------------------------------------------------------------ the names


def test_subpackages_are_there_after_the_package_is_imported():
    code = """
import jgan
print(jgan.losses.hinge.boundary, sorted(set(jgan.__all__) - set(dir(jgan))), {"losses", "train", "GAN"} <= set(dir(jgan)))
try:
    jgan.no_such_part
except AttributeError as error:
    print(error)
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent, capture_output=True, text=True).stdout
    assert output.splitlines() == ["0.0 [] True", "module 'jgan' has no attribute 'no_such_part'"]


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


def test_the_inputs_of_a_generator_are_the_parts_that_are_there():
    z, c = jnp.ones((2, 3)), {"a": jnp.zeros(2)}
    assert Inputs(z, c).args() == (z, c)
    assert Inputs(z).args() == (z,)
    assert Inputs((), c).args() == (c,)
    assert Inputs().args() == ()


# ------------------------------------------------------------------------------------------------------------- the data


def test_the_description_of_one_set():
    spec = DataSpec.images([28, 28, 1], 500, n_classes=10, batch_size=100)
    assert spec.one == Batch(Field((28, 28, 1), "image"), Field((), "label", 10))
    assert (spec.shape, spec.n_classes, spec.batch_size, spec.mean) == ((28, 28, 1), 10, 100, None)
    assert spec.sets == {"": spec.one}
    points = DataSpec.points((2,), 10)
    assert (points.shape, points.n_classes, points.one.y, points.one.x.kind) == ((2,), 0, None, "points")


def test_the_description_of_several_sets():
    one = DataSpec.images((8, 8, 1), 10).one
    spec = DataSpec({"a": one, "b": one}, 10)
    assert spec.sets == {"a": one, "b": one}
    for ask in (lambda: spec.one, lambda: spec.shape, lambda: spec.n_classes):
        with pytest.raises(ValueError, match="expected one set of examples, found several: a, b"):
            ask()


def test_the_dtype_of_a_field_inside_a_step():
    found = {kind: Field((3,), kind).dtype for kind in ("image", "points", "label", "tokens")}
    assert found == {"image": jnp.float32, "points": jnp.float32, "label": jnp.int32, "tokens": jnp.int32}
