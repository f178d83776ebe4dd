"""Adding a model, loss, penalty, rule, data set, metric or evaluator takes one file: no other file lists them."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import jgan
from jgan import losses, models, penalties, rules, steps
from jgan.data import SOURCES
from jgan.evaluation.measure import MEASURES
from jgan.evaluation.paired import PAIRED
from jgan.training.evaluators import EVALUATORS

ROOT = Path(jgan.__file__).parent
assert rules  # registers its rules

REGISTRIES = {
    "losses": losses.LOSSES,
    "penalties": penalties.PENALTIES,
    "rules": steps.RULES,
    "models": models.MODELS,
    "data": SOURCES,
    "evaluation/measures": MEASURES,
    "evaluation/paired_measures": PAIRED,
    "training/evaluators": EVALUATORS,
}


@functools.cache
def strings():
    """The string constants of every file of the package that are not docstrings, by the file's path."""
    found = {}
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in alone]
        found[path.relative_to(ROOT)] = {node.value for node in constants if isinstance(node.value, str)}
    return found


@functools.cache
def imports():
    """The modules that every file of the package imports, by the file's path."""
    found = {}
    for path in ROOT.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        named = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        found[path.relative_to(ROOT)] = plain | {f"{node.module}.{alias.name}" for node in named for alias in node.names}
    return found


@pytest.mark.parametrize("package", REGISTRIES)
def test_no_file_lists_the_entries_of_a_registry(package):
    names = set(REGISTRIES[package])
    assert len(names) > 3
    inside = [path for path, held in strings().items() if names & held and str(path).startswith(package)]
    assert inside or package in ("rules", "models")  # models are found by their files' names
    for path, held in strings().items():
        listed = names & held
        registers = len([name for name in listed if f'"{name}"' in (ROOT / path).read_text()])
        own = str(path).startswith(package) or (package == "rules" and path.name in ("rules.py", "steps.py"))
        assert own or registers <= len(names) / 2, f"{path} lists {sorted(listed)}"


BUILT_ON = {"esrgan": "realesrgan", "stylegan2": "gfpgan"}
"""Models that another one extends: the second has the first's generator as a part."""


@pytest.mark.parametrize("name", models.MODELS)
def test_only_its_own_file_knows_a_model(name):
    """Not its module, and none of its presets (except those named like a data set), nor any file but one built on it."""
    built = BUILT_ON.get(name)
    own = [Path("models") / f"{known}.py" for known in (name, built, f"{built}_options", f"{built}_game")]
    presets = {preset for preset in models.MODELS[name].presets if preset not in SOURCES}
    for path in imports():
        if path not in own:
            assert not {f"jgan.models.{name}", f"jgan.models.{name}.MODEL"} & imports()[path], path
            # A way to resize images; penalties and degradations named like their models.
            others = {"bilinear", "gfpgan", "realesrgan", *penalties.PENALTIES}
            unexpected = (({name} | presets) & strings()[path]) - others
            assert not unexpected or path.name == f"{name}.py", (path, unexpected)


@pytest.mark.parametrize(
    ("package", "registry"), [("jgan.losses", "jgan.losses.loss.LOSSES"), ("jgan.penalties", "jgan.penalties.view.PENALTIES")]
)
def test_a_new_file_is_found(package, registry, tmp_path):
    """A file put beside the others registers its entry, and no other file is edited; in a process that has imported neither."""
    module, _, name = registry.rpartition(".")
    (tmp_path / "extra.py").write_text(f"from {module} import {name}\n\n{name}.register('extra', None)\n")
    code = (
        f"import {package}; {package}.__path__.append({str(tmp_path)!r}); from {module} import {name}; print('extra' in {name})"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT.parent).stdout == "True\n"
