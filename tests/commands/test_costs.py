"""What a step costs: operations against formulas, the bound by a chip, and what `--dry-run` prints."""

import re

import jax
import jax.numpy as jnp
import pytest

from jgan import train
from jgan.training import costs


def test_products_and_convolutions_are_counted_by_their_formulas():
    x, w = jnp.ones((8, 5)), jnp.ones((5, 7))
    assert costs.flop(lambda x, w: x @ w, x, w) == 2 * 8 * 5 * 7
    found = costs.flop(jax.grad(lambda x, w: jnp.sum(jnp.square(x @ w)), argnums=(0, 1)), x, w)
    assert 3 * 2 * 8 * 5 * 7 <= found <= 3 * 2 * 8 * 5 * 7 + 10 * 8 * 7  # the product and both its gradients; the squares
    images, kernel = jnp.ones((2, 6, 6, 3)), jnp.ones((3, 3, 3, 4))
    dimensions = ("NHWC", "HWIO", "NHWC")
    found = costs.flop(
        lambda x, k: jax.lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=dimensions), images, kernel
    )
    assert found == 2 * 2 * 4 * 4 * 9 * 3 * 4


def test_a_step_of_the_2014_gan_is_a_little_more_than_its_products(capsys, tmp_path):
    """Six products of each layer of D, for reals, fakes and the generator's gradient; three of each layer of G."""
    train.main(["digits", "--dry-run", "--workdir", str(tmp_path / "run"), "--steps", "10"])
    printed = capsys.readouterr().out
    (megaflop,) = re.search(r"step +(\d+) MFLOP, [\d.]+ MFLOP per real example, [\d.]+ GFLOP in all", printed).groups()
    generator, discriminator = 108_096, 124_289
    products = 2 * 100 * (3 * generator + 6 * discriminator) / 1e6
    assert 0.9 * products < float(megaflop) < 1.3 * products
    assert "at least" not in printed  # shorter than the start of a program
    assert "exchanged" not in printed


def test_the_bound_is_that_of_the_slower_of_arithmetic_and_memory():
    chip = costs.Chip(float32=1e12, bfloat16=2e12, bandwidth=1e9)
    arithmetic, memory = costs.Cost(4e9, 1000, 0), costs.Cost(4e3, 5_000_000, 0)
    assert costs.at_least(arithmetic, chip, half=False) == pytest.approx(4e-3)
    assert costs.at_least(arithmetic, chip, half=True) == pytest.approx(2e-3)
    assert costs.at_least(arithmetic, chip, half=True, count=4) == pytest.approx(0.5e-3)
    assert costs.at_least(memory, chip, half=True, count=4) == pytest.approx(10e-3)


def test_a_large_step_on_several_devices_names_chips_and_what_is_exchanged(capsys, tmp_path):
    flags = ["--parallel", "shard", "--batch-size", "40", "--model.g-units", "3000", "3000", "--workdir", str(tmp_path / "run")]
    train.main(["digits", "--dry-run", *flags])
    printed = capsys.readouterr().out
    assert re.search(r"at least +milliseconds per step, on 4 x: A100 [\d.]+, H100 ", printed)
    generator = 100 * 3000 + 3000 + 3000 * 3000 + 3000 + 3000 * 64 + 64
    bytes_of_gradients = 4 * (generator + 124_289)
    assert re.search(rf"exchanged +{2 * 3 / 4 * bytes_of_gradients / 1e6:.0f} MB of gradients per step and device", printed)


def test_a_state_that_is_spread_takes_less_memory_and_its_parameters_are_gathered(capsys, tmp_path):
    flags = ["--batch-size", "40", "--model.g-units", "3000", "3000", "--model.d-units", "2000", "2000"]
    flags += ["--workdir", str(tmp_path)]
    held, exchanged = {}, {}
    for mode in ("shard", "fsdp"):
        train.main(["digits", "--dry-run", "--parallel", mode, *flags])
        printed = capsys.readouterr().out
        held[mode] = float(re.search(r"memory +([\d.]+) MiB of state on each device", printed)[1])
        exchanged[mode] = re.search(r"exchanged +(.*) per step and device, in a ring", printed)[1]
        g, d = (int(count.replace(",", "")) for count in re.findall(r"tor +([\d,]+) parameters", printed))
    assert min(g, d) > 5_000_000
    assert 0.25 <= held["fsdp"] / held["shard"] < 0.27
    assert exchanged["fsdp"] == f"{exchanged['shard']} and {3 / 4 * 4 * (g + 2 * d) / 1e6:.0f} MB of parameters"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 FLOP"), (999, "999 FLOP"), (1000, "1 kFLOP"), (2.5e12, "2.5 TFLOP"), (3e19, "3e+04 PFLOP")]
)
def test_operations_in_words(number, text):
    assert costs.operations(number) == text
