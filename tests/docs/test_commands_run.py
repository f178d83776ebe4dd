"""Every command of the README and of the pages is run: with small networks, a few steps, and data of the test's."""

import contextlib
import importlib
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import test_site
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "data"))

import idx_files

from jgan import evaluate, models, sweep, train
from jgan.utils import cli

SHORT = {"--steps": "2", "--batch-size": "8", "--eval-samples": "50", "--eval-every": "0"}
"""Of a run, unless the command gives a value of its own."""

LESS = {"--num": "20", "--num-samples": "60", "--steps": "4", "--loader-workers": "1", "--seeds": "4", "--time-limit": "9"}
"""Instead of the command's own values."""

NOT_RUN = {
    "--coordinator": "several processes: tests/commands/test_processes.py",
    "pt_inception-2015-12-05-6726825d.pth": "needs weights from elsewhere: tests/evaluation",
    "efficientnet_lite0": "takes minutes: tests/features",
    "hinge_gan": "a model of the reader's: test_site.py runs the example",
    "PRESET": "a choice of the reader's",
}
"""Words of commands that are not run here, and why."""


def _all():
    """The commands of jgan, each once, in the order of the pages."""
    found = dict.fromkeys(
        shlex.join(words) for page in (test_site.README, *test_site.PAGES) for words in test_site.commands(page)
    )
    return [command for command in found if command.startswith("jgan.") and command.count(" ")]


COMMANDS = _all()

WORDS = ("cat", "dog", "fox", "hen", "owl", "pig")


def grey(folder, count, sides=(8, 8)):
    folder.mkdir(parents=True)
    random = np.random.default_rng(count)
    for index in range(count):
        Image.fromarray(random.integers(0, 256, sides, np.uint8)).save(folder / f"{index:04}.png")


@contextlib.contextmanager
def small_models():
    """All presets with their small networks."""
    with pytest.MonkeyPatch.context() as patch:
        for model in models.MODELS.values():
            for name, preset in model.presets.items():
                patch.setitem(model.presets, name, preset._replace(config=model.small(preset.config)))
        yield


def trained(folder, *words):
    train.main([*words, "--workdir", str(folder), *(word for pair in SHORT.items() for word in pair)])


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """What the capitals of the pages stand for."""
    folder = tmp_path_factory.mktemp("kit")
    for name in ("cats", "dogs"):
        grey(folder / "PHOTOS" / name, 24, (48, 64))
    grey(folder / "EIGHT", 60)
    grey(folder / "PAIRS", 4, (24, 24))
    grey(folder / "PHOTOGRAPHS", 12, (96, 100))
    grey(folder / "DOMAINS" / "a", 24, (32, 32))
    grey(folder / "DOMAINS" / "b", 18, (32, 32))
    shutil.copy(folder / "DOMAINS" / "a" / "0000.png", folder / "PICTURE.png")
    (folder / "TEXT.txt").write_text("".join(f"a {word} of {other}\n" for word in WORDS for other in WORDS))
    shutil.copy(test_site.ROOT / "benchmarks" / "classifiers" / "mnist.npz", folder / "classifier.npz")
    shutil.copy(Path(models.__file__).parents[1] / "features" / "digits.npz", folder / "EIGHT.npz")
    idx_files.write_set(folder / "MNIST", train=600, test=60)
    np.savez(folder / "FILE.npz", x=np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), np.uint8))
    with small_models():
        trained(folder / "RUN", "dcgan")
        trained(folder / "LABELLED", "cdcgan")
        trained(folder / "RUNS", "digits", "--seeds", "4")
        trained(folder / "RUN_AB", "cyclegan", "--dataset", "domains:32", "--data-dir", str(folder / "DOMAINS"))
        trained(folder / "RUN_X4", "srgan_photographs", "--data-dir", str(folder / "PHOTOGRAPHS"))
        trained(folder / "RUN_TEXT", "seqgan_lines", "--data-dir", str(folder / "TEXT.txt"))
        over = ["digits", "--over", "model.optimizer.learning-rate=0.1,0.2", "--workdir", str(folder / "SWEEP")]
        sweep.main([*over, *(word for pair in SHORT.items() for word in pair)])
        for name in ("A", "B"):
            call = ["--workdir", str(folder / "RUN"), "--metrics", "kid", "--num-samples", "60"]
            evaluate.main([*call, "--out", str(folder / f"{name}.json")])
    return folder


def adapted(words, here):
    """The arguments of a command, with small numbers; and the right one of several things of one name."""
    module, *argv = words
    new = module in ("jgan.train", "jgan.sweep") and ("auto" in argv or not {"--help", "--resume", "--verify"} & set(argv))
    if new:
        argv += [word for flag, value in SHORT.items() if flag not in argv for word in (flag, value)]
    argv = [LESS.get(before, word) for before, word in zip(["", *argv], argv, strict=False)]
    if {"--labels", "--per-class"} & set(argv):
        shutil.rmtree(here / "RUN")
        (here / "LABELLED").rename(here / "RUN")
    mnist = {"jgan.train": "mnist", "jgan.classifier": "MNIST"}.get(module)
    if mnist in argv or module == "jgan.classifier":
        argv = ["MNIST" if word == "FOLDER" else word for word in argv]
    elif module == "jgan.evaluate":
        images = "PAIRS" if "--pairs" in argv else "EIGHT"
        argv = [images if word in ("FOLDER", "FOLDER_OR_ZIP") else word for word in argv]
        argv = ["EIGHT.npz" if word == "classifier.npz" else word for word in argv]
    if "--project" in argv:
        argv = ["EIGHT" if word == "PHOTOS" else word for word in argv]
    if module == "jgan.classifier":
        argv += ["--epochs", "1"]
        (here / "classifier.npz").unlink()
    if new and "--workdir" in argv:
        shutil.rmtree(here / argv[argv.index("--workdir") + 1], ignore_errors=True)  # the command makes it
    return module, argv


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command, kit, tmp_path, monkeypatch, capsys):
    words = shlex.split(command)
    for word, reason in NOT_RUN.items():
        if word in words:
            pytest.skip(reason)
    here = tmp_path / "here"
    shutil.copytree(kit, here)
    monkeypatch.chdir(here)
    module, argv = adapted(words, here)
    main = importlib.import_module(module if module != "jgan.data" else "jgan.data.__main__").main
    status = None
    with small_models():
        try:
            cli.run(lambda: main(argv), f"python -m {module}")
        except SystemExit as left:
            status = left.code
    error = capsys.readouterr().err
    missing = re.search(r"jgan\[\w+\]", error)
    if status and missing:
        pytest.skip(f"needs {missing[0]}")
    assert not status, f"python -m {module} {shlex.join(argv)}: {error}"


BENCHMARKS = sorted(path.stem for path in (test_site.ROOT / "benchmarks").glob("*.py") if "def main(" in path.read_text())


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_has_a_test_that_runs_its_command(name):
    """With a tiny size: what the pages name takes hours. Their flags are parsed in test_site.py."""
    tests = (path.read_text() for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert any(re.search(rf"\b{name}\.main\(", text) for text in tests)
