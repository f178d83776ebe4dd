"""`jgan.browser`: each operation, each generator and the page itself, computed by JavaScript, beside JAX."""

import base64
import json
import re
import shutil
import subprocess
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jgan import browser, export, models
from jgan.training.run import open_run
from jgan.types import Field

NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
FIRST = {next(iter(model.presets)): name for name, model in models.MODELS.items()}

IMAGES, NUMBERS = ("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")
OPERATIONS = {
    "elementwise": (lambda x, y: jnp.tanh(x) * jnp.exp(-y) / (1 + jnp.square(x)) + jax.nn.sigmoid(y) ** 3, [(3, 4), (3, 4)]),
    "roots": (lambda x: jnp.sqrt(jnp.abs(x)) + lax.rsqrt(1 + jnp.abs(x)) + jnp.log1p(jnp.abs(x)), [(5,)]),
    "choices": (lambda x, y: jnp.where(x > y, jnp.maximum(x, 0.1), jnp.minimum(y, -0.1)), [(3, 4), (3, 4)]),
    "leaky": (lambda x: jax.nn.leaky_relu(x, 0.2) + jax.nn.gelu(x), [(3, 4)]),
    "softmax": (lambda x: jax.nn.softmax(x, axis=1), [(3, 4, 2)]),
    "bias": (lambda x, y: x + y[None], [(3, 4), (4,)]),
    "sums": (lambda x: x.sum((0, 2)) + x.max(0).sum(1), [(3, 4, 2)]),
    "moments": (lambda x: (x - x.mean((1, 2), keepdims=True)) / jnp.sqrt(x.var((1, 2), keepdims=True) + 1e-5), [(2, 3, 4, 5)]),
    "shapes": (
        lambda x: lax.slice(jnp.flip(x.transpose(2, 0, 1), (0, 2)).reshape(4, 6), (1, 0), (4, 6), (1, 2)),
        [(2, 3, 4)],
    ),
    "joined": (lambda x, y: jnp.concatenate([x, y, x], axis=1), [(2, 3, 4), (2, 1, 4)]),
    "stacked": (lambda x, y: jnp.stack([x, y], axis=1).reshape(4, 3), [(2, 3), (2, 3)]),
    "split": (lambda x: lax.split(x, (1, 2), axis=1)[1], [(2, 3, 4)]),
    "padded": (lambda x: lax.pad(x, 0.5, ((1, 2, 0), (-1, 1, 2))), [(3, 4)]),
    "product": (lambda x, y: jnp.einsum("bij,bkj->bik", x, y), [(2, 3, 4), (2, 5, 4)]),
    "product of matrices": (lambda x, y: x.T @ y, [(3, 4), (3, 5)]),
    "contraction": (lambda x, y: jnp.einsum("aijc,ijd->acd", x, y), [(2, 3, 4, 2), (3, 4, 3)]),
    "convolution": (
        lambda x, y: lax.conv_general_dilated(x, y, (2, 1), ((1, 2), (0, 1)), dimension_numbers=IMAGES),
        [(2, 5, 6, 3), (3, 2, 3, 4)],
    ),
    "transposed convolution": (
        lambda x, y: lax.conv_general_dilated(x, y, (1, 1), ((2, 2), (1, 3)), lhs_dilation=(2, 3), dimension_numbers=IMAGES),
        [(2, 3, 4, 3), (4, 4, 3, 2)],
    ),
    "dilated kernel": (
        lambda x, y: lax.conv_general_dilated(x, y, (1, 1), "VALID", rhs_dilation=(2, 1), dimension_numbers=NUMBERS),
        [(2, 3, 7, 6), (4, 3, 3, 2)],
    ),
    "groups": (
        lambda x, y: lax.conv_general_dilated(x, y, (1, 1), "SAME", feature_group_count=2, dimension_numbers=IMAGES),
        [(2, 4, 4, 6), (3, 3, 3, 8)],
    ),
}


def ran(code):
    """What node prints, as an array."""
    with tempfile.NamedTemporaryFile("w", suffix=".js") as file:
        file.write(code)
        file.flush()
        found = subprocess.run([NODE, file.name], capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr[-2000:]
    return np.array(json.loads(found.stdout), np.float32)


def literal(name, value):
    content = base64.b64encode(np.asarray(value, np.float32).tobytes()).decode()
    return f'const {name} = array({list(value.shape)}, decoded("{content}"));'


@needs_node
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    function, shapes = OPERATIONS[name]
    values = [
        jnp.asarray(np.random.default_rng(index).standard_normal(shape), jnp.float32) for index, shape in enumerate(shapes)
    ]
    with jax.numpy_rank_promotion("allow"):
        made, result = browser.program(function, values)
        expected = np.asarray(function(*values))
    constants = [literal(f"c{index}", constant) for index, constant in enumerate(made.constants)]
    inputs = [literal(f"z{index}", value) for index, value in enumerate(values)]
    out = f"console.log(JSON.stringify([...{result}.shape, ...{result}.data]));"
    found = ran("\n".join([browser.runtime(), *constants, *inputs, *made.lines, out]))
    assert found[: expected.ndim].tolist() == list(expected.shape)
    np.testing.assert_allclose(found[expected.ndim :], expected.ravel(), rtol=1e-5, atol=1e-5)


def test_what_depends_on_constants_alone_is_computed_before():
    kernel = jnp.arange(6.0).reshape(3, 2)
    made, result = browser.program(lambda x: x @ (kernel / jnp.linalg.norm(kernel)), [jnp.zeros((4, 3))])
    assert len(made.lines) == 1
    assert result == "v0"


def test_an_operation_that_a_page_lacks_is_named():
    with pytest.raises(ValueError, match="the generator's operation sort is not one that a page can compute"):
        browser.program(jnp.sort, [jnp.zeros(3)])


@needs_node
@pytest.mark.slow
@pytest.mark.parametrize("preset", FIRST)
def test_every_generator_of_images_from_latents(preset):
    """Either the page computes what the model computes, or it is refused in one line."""
    model = models.MODELS[FIRST[preset]]
    config = model.small(models.presets()[preset].config)
    gan = models.phases_of(model, config, model.small_spec)[-1].gan
    labels = gan.condition.size if isinstance(gan.condition, Field) and gan.condition.kind == "label" else 0
    if jax.tree.leaves(gan.condition) and not labels:
        pytest.skip("conditioned on images")
    state = jax.jit(gan.init)(jax.random.key(0))
    c = jnp.arange(4, dtype=jnp.int32) % max(labels, 1)
    inputs = gan.inputs(jax.random.key(1), 4, *([c] if labels else []))
    generate = lambda *leaves: gan.generate(state, jax.tree.unflatten(jax.tree.structure(inputs), leaves))  # noqa: E731
    if preset in REFUSED:
        with pytest.raises(ValueError, match=r"^the generator's operation \w+ is not one that a page can compute$"):
            browser.script(generate, inputs.z, labels, 4)
        return
    code = browser.script(generate, inputs.z, labels, 4)
    expected = np.asarray(jax.jit(generate)(*jax.tree.leaves(inputs)))
    given = ["pool"] + [f"array([4], Float32Array.from({c.tolist()}))"] * bool(labels)
    found = ran(f"{code}\nconsole.log(JSON.stringify(Array.from(generate({', '.join(given)}).data)));")
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-5, atol=1e-5)


REFUSED = {"ddpm", "language_model", "pixelcnn", "pixelcnn_pp", "relgan", "seqgan", "wgan_gp_text"}
"""with loops, random numbers of their own, or convolutions of one axis"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_in_a_browser_shows_the_samples(finished_run, tmp_path):
    """Pixel by pixel: the canvas is read back."""
    path = tmp_path / "demo.html"
    export.main(["--workdir", str(finished_run.workdir), "--out", str(path)])
    text = path.read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", text)
    read = (
        "document.title = Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).join(' ');"
    )
    path.write_text(text.replace("</script>", f"{read}</script>"))
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
    ]
    line = [CHROMIUM, *flags, f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", path.as_uri()]
    dom = subprocess.run(line, capture_output=True, text=True, timeout=120).stdout
    pixels = np.array(re.search("<title>(.*?)</title>", dom)[1].split(), np.uint8).reshape(4 * 9 + 1, 4 * 9 + 1, 4)
    found = open_run(finished_run.workdir).snapshot("best")
    samples = np.asarray(found.run.gan.generate(found.state, export.inputs_of(found.run, export.POOL)))[:16, :, :, 0]
    tiles = pixels[1:, 1:, 0].reshape(4, 9, 4, 9)[:, :8, :, :8].transpose(0, 2, 1, 3).reshape(16, 8, 8)
    np.testing.assert_allclose(tiles, 255 * samples, rtol=0, atol=0.51)


@pytest.mark.slow
def test_models_without_a_page_are_refused(tmp_path):
    from jgan import train

    train.main(["ring8", "--steps", "1", "--batch-size", "8", "--workdir", str(tmp_path / "run")])
    with pytest.raises(ValueError, match="a page draws at most 128 images from latents, and labels: not those of ring8"):
        export.main(["--workdir", str(tmp_path / "run"), "--out", str(tmp_path / "a.html")])
    assert not (tmp_path / "a.html").exists()
