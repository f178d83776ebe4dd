"""The speed of convolutional models: what a step computes at least, the twins in PyTorch, and the command at a tiny size."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import bare_products, contenders, drawings, tables, throughput_images
from jgan.networks import convolution

TINY = throughput_images.Args(width=8, batch_size=4)
with_torch = pytest.mark.skipif(contenders.torch_version() is None, reason="needs PyTorch")


def test_products_of_a_convolution_and_of_its_gradients():
    """Forward, kernel gradient and image gradient cost the same; what no result depends on is left out."""
    image, kernel = jnp.ones((2, 8, 8, 16)), jnp.ones((3, 3, 16, 16))
    loss = lambda image, kernel: jnp.sum(convolution.conv(image, kernel, padding=1) ** 2)  # noqa: E731
    one = 2 * (2 * 8 * 8) * 3 * 3 * 16 * 16
    counts = {0: 2 * one, 1: 2 * one, (0, 1): 3 * one}
    for argument, expected in counts.items():
        found = bare_products.of(jax.grad(loss, argument), image, kernel)
        assert bare_products.flops(found) == expected, argument
    program, inputs = bare_products.program(bare_products.of(jax.grad(loss), image, kernel))
    assert [result.shape for result in program(inputs)] == [(2, 8, 8, 16)] * 2


def test_zeros_between_pixels_do_not_count():
    """The image gradient of a convolution with stride 2 multiplies as often as the convolution."""
    image, kernel = jnp.ones((2, 9, 9, 16)), jnp.ones((3, 3, 16, 16))
    back = lambda code: jax.linear_transpose(  # noqa: E731
        lambda image: jax.lax.conv_general_dilated(image, kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")),
        image,
    )(code)
    found = bare_products.of(back, jnp.ones((2, 4, 4, 16)))
    # The dilated image is 7x7 with 2 zeros on each side, and 9 x 9 windows are counted, a quarter of whose pixels is not zero.
    assert bare_products.flops(found) == 2 * (2 * 9 * 9) * 3 * 3 * 16 * 16 // 4


@with_torch
@pytest.mark.slow
@pytest.mark.parametrize("name", throughput_images.CASES)
def test_a_twin_has_the_outputs_of_the_model(name):
    """Images and logits outside training, with the same parameters; a step of training changes both players."""
    import torch

    case = throughput_images.CASES[name]
    gan, config = throughput_images.built(case, TINY)
    state = jax.jit(gan.init)(jax.random.key(0))
    larger = jax.tree.map(lambda leaf: 4 * leaf, state.discriminator.params)  # logits that differ between images
    state = state._replace(discriminator=state.discriminator._replace(params=larger))
    images = np.random.default_rng(0).integers(0, 256, (8, *case.size), dtype=np.uint8)
    twin = throughput_images.twin(case, config, state, images, TINY.batch_size)
    inputs = gan.inputs(jax.random.key(1), 4)
    (latents,) = (np.array(leaf) for leaf in jax.tree.leaves(inputs))
    signed = torch.from_numpy((images[:4] / 127.5 - 1).astype(np.float32)).permute(0, 3, 1, 2)
    twin.g.eval(), twin.d.eval()
    with torch.no_grad():
        fakes, logits = twin.g(torch.from_numpy(latents)).permute(0, 2, 3, 1).numpy(), twin.d(signed).numpy()
    reals = (images[:4] / 255).astype(np.float32)
    np.testing.assert_allclose(((fakes + 1) / 2).clip(0, 1), jax.jit(gan.generate)(state, inputs), atol=1e-5)
    np.testing.assert_allclose(logits, jax.jit(gan.logits)(state, reals), rtol=1e-4, atol=1e-5)
    assert np.ptp(logits) > 0.001
    twin.g.train(), twin.d.train()
    before = [[leaf.clone() for leaf in params] for params in (twin.g_params, twin.d_params)]
    assert torch.isfinite(twin.step())
    for old, new in zip(before, (twin.g_params, twin.d_params), strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(old, new, strict=True))


@pytest.mark.slow
def test_the_command_end_to_end(tmp_path, capsys):
    path = tmp_path / "throughput_images_cpu.json"
    flags = ["--models", "dcgan_32", "r3gan", "--width", "8", "--batch-size", "4", "--repeats", "2", "--seconds", "0.01"]
    throughput_images.main([*flags, "--no-compiled", "--out", str(path)])
    result = json.loads(path.read_text())
    assert list(result["models"]) == ["dcgan_32", "r3gan"]
    for model in result["models"].values():
        assert model["gflop"] > 0
        assert all(step["images_per_second"]["min"] > 0 for step in model["steps"].values())
        assert (model["ratio"] is None) == (contenders.torch_version() is None)
    assert drawings.throughput_images(result) in capsys.readouterr().out
    assert tables.render("throughput_images_cpu", tmp_path) == drawings.throughput_images(result)


def test_unknown_models_are_refused():
    with pytest.raises(ValueError, match=r"--models must be some of dcgan_32, .* found \['dcgan'\]"):
        throughput_images.main(["--models", "dcgan"])
