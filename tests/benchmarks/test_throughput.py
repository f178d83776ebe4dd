"""The throughput command end to end at a tiny size, its counting and its turns."""

import doctest
import json

import pytest

from benchmarks import contenders, drawings, throughput, timing
from jgan.models import gan2014
from jgan.utils import cli

TINY = ["--batch-size", "8", "--scan", "2", "--devices", "2", "--repeats", "2", "--seconds", "0.001", "--examples", "40"]
TINY += ["--g-units", "8", "--d-units", "4", "--no-torch"]


@pytest.fixture
def small_product(monkeypatch):
    monkeypatch.setattr(contenders, "PRODUCT", 64)


@pytest.mark.parametrize("module", [contenders, drawings, timing, throughput])
def test_examples_of_the_docstrings(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.slow
@pytest.mark.usefixtures("small_product")
def test_end_to_end(tmp_path, capsys):
    path = tmp_path / "made" / "result.json"
    throughput.main([*TINY, "--out", str(path)])
    result = json.loads(path.read_text())
    assert result["command"].startswith("python -m benchmarks.throughput --batch-size 8 ")
    assert result["options"]["batch_size"] == 8
    assert result["model"]["g_units"] == [8]
    assert {"python", "packages", "git_commit", "device", "date", "pytorch", "threads", "load_before"} <= set(
        result["environment"]
    )
    assert result["ratio"] is None
    assert set(result["steps"]) == {"jgan, jit", "jgan, scan of 2 steps", "jgan, pmap on 2 devices", contenders.ALONE}
    for rate in (*result["matrix_product"].values(), *(step["images_per_second"] for step in result["steps"].values())):
        assert 0 < rate["min"] <= rate["median"] <= rate["max"]
    for step in result["steps"].values():
        assert step["share_of_product"] > 0
        assert step["compile_seconds"] > 0
    # More than the products alone: there are the sums, the activations and the optimiser too.
    assert result["steps"]["jgan, jit"]["compiled_gflop"] > result["needed_gflop"]
    assert drawings.throughput(result) in capsys.readouterr().out


def test_product_flops_by_hand():
    """Two images of 3 numbers; G is 2-4-3 and D a maxout of 5 units of 2 pieces; every product is written out."""
    config = gan2014.Config(latent_size=2, g_units=(4,), d_units=(5,), d_pieces=2)
    g_forward = [(2, 4), (4, 3)]
    g_back = [(2, 4), (4, 3), (3, 4)]  # to both weights, to the hidden layer
    d_forward = [(3, 10), (5, 1)] * 2  # on reals and on fakes
    d_back = [(3, 10), (5, 1), (1, 5)] * 2  # to both weights, to the hidden layer
    d_back_to_pixels = [(1, 5), (10, 3)]  # for G
    products = g_forward + g_back + d_forward + d_back + d_back_to_pixels
    assert contenders.product_flops(config, 3, 2) == sum(2 * 2 * a * b for a, b in products)


def test_enlarged_digits_are_digits():
    images = contenders.enlarged_digits(2000)
    assert images.shape == (2000, 28, 28, 1)
    assert images.dtype == "uint8"
    assert (images[:, 2:6, 2:6] == images[:, 2:3, 2:3]).all()  # one pixel of the scan, four by four
    assert images[0].max() > 200


def test_summary_and_ratio():
    seconds = {"product, JAX": [0.1, 0.2, 0.1], "product, PyTorch": [0.2], "jgan, jit": [0.02], "jgan, scan": [0.01]}
    seconds |= {"PyTorch, usual order, eager": [0.05, 0.03, 0.04], "PyTorch, simultaneous, eager": [0.05]}
    timings = [timing.Timing(name, 1.0, values) for name, values in seconds.items()]
    found = throughput.summary(timings, 100, 10**9, {"jgan, jit": 1.5e9})
    peak = 2 * 2048**3 / 0.1 / 1e9
    assert found["matrix_product"]["JAX"]["median"] == pytest.approx(peak, abs=0.1)
    assert found["matrix_product"]["JAX"]["min"] == pytest.approx(peak / 2, abs=0.1)
    assert found["steps"]["jgan, scan"]["share_of_product"] == pytest.approx(100 / peak, abs=1e-3)
    assert found["steps"]["jgan, jit"]["compiled_gflop"] == 1.5
    assert found["steps"]["PyTorch, usual order, eager"]["share_of_product"] is None
    assert found["steps"]["PyTorch, usual order, eager"]["images_per_second"]["median"] == 2500
    assert found["ratio"] == {"jgan": "jgan, scan", "pytorch": "PyTorch, usual order, eager", "value": 4.0}


class Clock:
    """A clock that the contenders themselves move."""

    def __init__(self, monkeypatch):
        self.now, self.turns = 0.0, []
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def contender(self, name, seconds, compilation=0.0, **options):
        left = [compilation]

        def advance():
            self.now += seconds + left[0]
            left[0] = 0.0
            self.turns.append(name)

        return timing.Contender(name, advance, lambda result: None, **options)


def test_turns_alternate_and_compilation_is_apart(monkeypatch):
    clock = Clock(monkeypatch)
    field = [clock.contender("a", 1.0, compilation=7.0), clock.contender("b", 0.5, work=5)]
    first, second = timing.rounds(field, repeats=3, seconds=2.0, report=lambda line: None)
    assert first.first_call == pytest.approx(7.0)
    assert first.seconds == pytest.approx([1.0] * 3)
    assert second.seconds == pytest.approx([0.1] * 3)
    assert clock.turns[8:] == (["a"] * 3 + ["b"] * 5) * 3  # one call to warm up, then 2 s of calls


def test_only_optional_contenders_may_fail(monkeypatch):
    def broken():
        raise RuntimeError("no compiler")

    lines = []
    good = Clock(monkeypatch).contender("good", 1.0)
    bad = timing.Contender("bad", broken, lambda result: None, optional=True)
    assert [found.name for found in timing.rounds([bad, good], 1, 1.0, lines.append)] == ["good"]
    assert lines[0] == "bad: left out, it failed with RuntimeError"
    with pytest.raises(RuntimeError, match="no compiler"):
        timing.rounds([bad._replace(optional=False), good], 1, 1.0, lines.append)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "--batch-size must be above 0, found 0"),
        (["--seconds", "-1"], "--seconds must be above 0, found -1"),
        (["--examples", "7"], "--examples must be at least the batch size, 8, found 7"),
        (["--g-units", "0"], "must be positive"),
        (["--devices", "5"], "--devices must be at most the 4 that this process has, found 5"),
        (["--devices", "-1"], "--devices must be at least 0, found -1"),
        (["--devices", "3"], "--batch-size must be a multiple of the 3 devices, found 8"),
        (["--spin", "3"], "Unrecognized options: --spin"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as leaving:
        cli.run(lambda: throughput.main([*TINY, *arguments]), throughput.PROG)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
