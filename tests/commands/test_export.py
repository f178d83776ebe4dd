"""`python -m jgan.export`: the function and the weights, read without jgan."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import small_run

from jgan import export, models, optim, train
from jgan.training import config as configs
from jgan.training.run import Run, Shared, Snapshot, open_run

READS = """
import sys, numpy as np
from jax import export
generate = export.deserialize(bytearray(open("generator.stablehlo", "rb").read())).call
known = np.load("generator.npz")
inputs = [known[name] for name in sys.argv[1:]]
for n in (len(inputs[0]), 3):
    found = np.asarray(generate(*(each[:n] for each in inputs)))
    np.testing.assert_allclose(found, known["samples"][:n], rtol=0, atol=1e-6)
assert "jgan" not in sys.modules
print(found.shape)
"""
READS_WEIGHTS = """
import sys
from safetensors.numpy import load_file
found = load_file("generator.safetensors")
assert "jax" not in sys.modules and "jgan" not in sys.modules
print(sum(array.size for array in found.values()))
"""
FIRST = {next(iter(model.presets)): name for name, model in models.MODELS.items()}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("export") / "cgan"
    sizes = ["--model.latent-size", "6", "--batch-size", "20", "--eval-samples", "50"]
    train.main(["cgan", *sizes, "--steps", "2", "--workdir", str(workdir)])
    return workdir


def alone(code, folder, *arguments):
    """What a process prints that finds no jgan: with -I neither its folder nor PYTHONPATH is searched."""
    line = [sys.executable, "-I", "-c", code, *arguments]
    found = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def examples(path):
    with np.load(path) as found:
        return dict(found)


def test_the_function_gives_the_same_images_in_a_process_without_jgan(finished_run, tmp_path):
    export.main(["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "generator.stablehlo")])
    assert alone(READS, tmp_path, "z") == "(3, 8, 8, 1)"
    known = examples(tmp_path / "generator.npz")
    found = open_run(finished_run.workdir).snapshot("best")
    images = found.run.gan.generate(found.state, found.run.gan.inputs(jax.random.key(0), 8)._replace(z=known["z"]))
    np.testing.assert_allclose(known["samples"], images, rtol=0, atol=1e-6)
    assert known["samples"].std() > 0


@pytest.mark.slow
def test_the_function_of_a_model_with_labels(labelled, tmp_path):
    export.main([str(labelled), "--out", str(tmp_path / "generator.stablehlo"), "--platforms", "cpu"])
    assert alone(READS, tmp_path, "z", "c") == "(3, 8, 8, 1)"
    about = json.loads((tmp_path / "generator.json").read_text())
    assert about["inputs"] == [
        {"name": "z", "shape": ["n", 6], "dtype": "float32"},
        {"name": "c", "shape": ["n"], "dtype": "int32"},
    ]
    assert about["outputs"] == [{"name": "samples", "shape": ["n", 8, 8, 1], "dtype": "float32"}]
    assert about["platforms"] == ["cpu"]
    known = examples(tmp_path / "generator.npz")
    assert known["c"].tolist() == list(range(8))


def test_a_fixed_number_of_samples(finished_run, tmp_path):
    export.main(["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "a.stablehlo"), "--batch-size", "5"])
    about = json.loads((tmp_path / "a.json").read_text())
    assert about["inputs"][0]["shape"] == [5, 100]
    assert len(examples(tmp_path / "a.npz")["samples"]) == 5


def test_the_default_file_is_in_the_folder_of_the_run(tmp_path, capsys):
    train.main(small_run(tmp_path / "run", 2))
    export.main([str(tmp_path / "run")])
    assert (
        f"function of z of digits, best checkpoint (step 2): {tmp_path / 'run' / 'generator.stablehlo'}"
        in capsys.readouterr().out
    )
    assert (tmp_path / "run" / "generator.stablehlo").stat().st_size > 1000


@pytest.mark.parametrize("ema", [True, False])
def test_the_weights_are_those_of_the_checkpoint(finished_run, tmp_path, ema):
    out = tmp_path / "generator.safetensors"
    export.main(["--workdir", str(finished_run.workdir), "--out", str(out), "--ema" if ema else "--no-ema"])
    from safetensors import safe_open

    (tmp_path / "other").touch()
    assert out.stat().st_mode == (tmp_path / "other").stat().st_mode
    found = open_run(finished_run.workdir).snapshot("best")
    player = found.state.generator
    with safe_open(out, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = file.metadata()
    assert about["format"] == "jgan"
    assert json.loads(about["model"])["model"] == "gan2014"
    assert alone(READS_WEIGHTS, tmp_path) == str(sum(leaf.size for leaf in jax.tree.leaves(player.params)))
    expected = optim.ema_params(player) if ema else player.params
    assert ema == any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (expected, player.params)), strict=True))
    for path, leaf in jax.tree_util.tree_leaves_with_path(expected):
        name = "params/" + "/".join(key.key for key in path)
        np.testing.assert_array_equal(arrays[name], leaf)


def drawn(state):
    """Numbers for a state of which the shapes are known; positive, since some are variances. Nothing is compiled for them."""
    random = np.random.default_rng(0)

    def number(leaf):
        floating = jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(random.uniform(0.1, 0.2, leaf.shape) if floating else np.zeros(leaf.shape), leaf.dtype)

    return jax.tree.map(number, state)


@pytest.mark.slow
@pytest.mark.parametrize("preset", FIRST)
def test_every_model_can_be_exported(preset, tmp_path):
    """For any number of samples, with the values of the model itself."""
    model = models.MODELS[FIRST[preset]]
    config = model.small(models.presets()[preset].config)
    phases = models.phases_of(model, config, model.small_spec)
    gan = phases[-1].gan
    state = drawn(jax.eval_shape(gan.init, jax.random.key(0)))
    options = configs.RunConfig(preset=preset, dataset="none", batch_size=4, steps=1, model=config)
    run = Run(Path("none"), options, model.small_spec, model, phases, shared=Shared(options, None))
    found = Snapshot(run, state, 1)
    function = export.exported(found, platforms=("cpu", "cuda", "tpu"))
    leaves = jax.tree.leaves(export.inputs_of(run, 3))
    ours, theirs = function.call(*leaves), jax.jit(export.generator(found))(*leaves)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out", "a.onnx"], r"--out must end in \.stablehlo .*\.safetensors .* or \.html \(a page\), found a\.onnx$"),
        (["--platforms", "gpu"], "--platforms must be some of cpu, cuda, rocm, tpu, found gpu"),
        (["--batch-size", "-1"], "--batch-size must be at least 0, found -1"),
        (["--truncation", "nan"], "--truncation must be a finite number, found nan"),
        (["--truncation", "0.7"], "--truncation: digits has no truncation trick; leave it out"),
        (["--checkpoint", "3"], "expected a checkpoint of step 3, found those of"),
    ],
)
def test_bad_input(finished_run, flags, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        export.main(["--workdir", str(finished_run.workdir), "--out", "b.stablehlo", *flags])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(finished_run, tmp_path, monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"\.stablehlo files need the package flatbuffers: pip install 'jgan\[export\]'"):
        export.main(["--workdir", str(finished_run.workdir), "--out", str(tmp_path / "a.stablehlo")])
