"""A trained generator as a web page that draws samples by itself: its program in plain JavaScript, its weights in the page.

The program is that of the generator's jaxpr, an operation a line; `browser.js` has the operations. What depends on the weights
alone (spectral normalisation, batch normalisation's factors) is computed here.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from jgan import pages

ALIKE = frozenset(
    (
        *("neg", "exp", "log", "log1p", "abs", "tanh", "sqrt", "rsqrt", "square", "logistic", "sign", "floor", "sin", "cos"),
        *("add", "sub", "mul", "div", "max", "min", "pow", "eq", "ne", "ge", "gt", "le", "lt", "and", "or", "not"),
        *("select_n", "stop_gradient", "copy"),
    )
)
"""primitives that need no more than their arguments"""

INSIDE = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call", "custom_lin", "remat", "checkpoint")
"""primitives that are the program that they hold"""


class Program:
    """JavaScript of a function of arrays, line by line.

    Attributes:
      lines: the statements.
      constants: the arrays that they use, as float32.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: list[np.ndarray] = []
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []

    def constant(self, value: Any) -> str:
        """The name of an array that is known."""
        if id(value) not in self._names:
            self._kept.append(value)  # so that its id stays its own
            self._names[id(value)] = f"c{len(self.constants)}"
            self.constants.append(np.asarray(value, np.float32))
        return self._names[id(value)]

    def add(self, code: str) -> str:
        """Adds a statement, and returns the name of its value."""
        name = f"v{len(self.lines)}"
        self.lines.append(f"const {name} = {code};")
        return name


def program(function: Callable[..., jax.Array], arguments: Sequence[jax.Array]) -> tuple[Program, str]:
    """Writes a function in JavaScript.

    Args:
      function: the function, of arrays; it returns one array.
      arguments: arrays of the shapes that it will get, named `z0`, `z1` ... in the program.

    Returns:
      The program, and the name of its result.

    Raises:
      ValueError: if the function has an operation that `browser.js` lacks; names it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import browser
      >>> made, result = browser.program(lambda x: jnp.tanh(x) @ jnp.ones((3, 2)), [jnp.zeros((4, 3))])
      >>> made.lines[0], result
      ('const v0 = op.tanh(z0);', 'v1')
    """
    closed = jax.make_jaxpr(function)(*arguments)
    made = Program()
    (result,) = _written(made, closed.jaxpr, closed.consts, [f"z{index}" for index in range(len(arguments))])
    return made, result if isinstance(result, str) else made.constant(result)


def _written(made: Program, jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """Writes the equations of a jaxpr; a value is the name of a JavaScript variable, or an array that is known."""
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))

    def value(atom: Any) -> Any:
        if not isinstance(atom, Literal):
            return known[atom]
        aval: Any = atom.aval
        return jnp.asarray(atom.val, aval.dtype)

    for equation in jaxpr.eqns:
        values = [value(atom) for atom in equation.invars]
        if not any(isinstance(each, str) for each in values):
            found = equation.primitive.bind(*values, **equation.params)
            found = found if equation.primitive.multiple_results else [found]
        elif equation.primitive.name in INSIDE:
            inner = next(each for each in equation.params.values() if hasattr(each, "jaxpr") or hasattr(each, "eqns"))
            held, consts = (inner.jaxpr, inner.consts) if hasattr(inner, "jaxpr") else (inner, ())
            found = _written(made, held, consts, values)
        else:
            names = [each if isinstance(each, str) else made.constant(each) for each in values]
            found = _operation(made, equation, names)
        known |= dict(zip(equation.outvars, found, strict=True))
    return [value(atom) for atom in jaxpr.outvars]


def _operation(made: Program, equation: Any, names: Sequence[str]) -> list[str]:
    """Writes one equation, and returns the names of its results."""
    name, params = equation.primitive.name, equation.params
    shapes = [atom.aval.shape for atom in equation.invars]
    outputs: list[Any] = [atom.aval for atom in equation.outvars]

    def call(operation: str, *arguments: str, **options: Any) -> str:
        given = [*arguments, json.dumps(options, default=int)] if options else arguments
        return made.add(f"op.{operation}({', '.join(given)})")

    shape = list(outputs[0].shape)
    if name in ALIKE:
        return [call(name, *names)]
    if name in ("reshape", "squeeze", "expand_dims"):
        return [call("reshape", names[0], shape=shape)]
    if name == "convert_element_type":
        truncates = jnp.issubdtype(outputs[0].dtype, jnp.integer)
        return [call(name, names[0], integer=bool(truncates))]
    if name == "integer_pow":
        return [call(name, names[0], y=params["y"])]
    if name == "broadcast_in_dim":
        return [call(name, names[0], shape=shape, dims=list(params["broadcast_dimensions"]))]
    if name == "transpose":
        return [call(name, names[0], order=list(params["permutation"]))]
    if name == "rev":
        return [call(name, names[0], axes=list(params["dimensions"]))]
    if name == "slice":
        step = list(params["strides"] or [1] * len(shape))
        return [call(name, names[0], start=list(params["start_indices"]), shape=shape, step=step)]
    if name == "split":
        return _split(call, names[0], shapes[0], params)
    if name == "pad":
        low, _, inside = zip(*params["padding_config"], strict=True)
        return [call(name, *names, shape=shape, low=list(low), step=[1 + gap for gap in inside])]
    if name == "stack":
        axis = params["axis"]
        wide = [*shape[:axis], 1, *shape[axis + 1 :]]
        return [call("concatenate", *(call("reshape", each, shape=wide) for each in names), axis=axis)]
    if name == "concatenate":
        return [call(name, *names, axis=params["dimension"])]
    if name in ("reduce_sum", "reduce_max"):
        return [call("reduce", names[0], axes=list(params["axes"]), shape=shape, most=name == "reduce_max")]
    if name == "dot_general":
        return [call("dot", *names, **_product(params["dimension_numbers"], shapes), shape=shape)]
    if name == "conv_general_dilated" and len(shape) == 4 and params["batch_group_count"] == 1:
        return [call("conv", *names, **_convolution(params, shape))]
    raise ValueError(f"the generator's operation {name} is not one that a page can compute")


def _split(call: Callable[..., str], name: str, shape: Sequence[int], params: Mapping[str, Any]) -> list[str]:
    found, at, axis = [], 0, params["axis"]
    for length in params["sizes"]:
        start, part = [0] * len(shape), list(shape)
        start[axis], part[axis], at = at, length, at + length
        found.append(call("slice", name, start=start, shape=part, step=[1] * len(shape)))
    return found


def _product(numbers: Any, shapes: Sequence[Sequence[int]]) -> dict[str, Any]:
    """How two arrays become `[batch, rows, depth]` and `[batch, columns, depth]`."""
    (inner, batch), (left, right) = numbers, shapes
    taken = [(*inner[side], *batch[side]) for side in (0, 1)]
    sides = [[axis for axis in range(len(shape)) if axis not in held] for shape, held in zip((left, right), taken, strict=True)]
    return {
        "left": [*batch[0], *sides[0], *inner[0]],
        "right": [*batch[1], *sides[1], *inner[1]],
        "batch": int(np.prod([left[axis] for axis in batch[0]], dtype=int)),
        "rows": int(np.prod([left[axis] for axis in sides[0]], dtype=int)),
        "columns": int(np.prod([right[axis] for axis in sides[1]], dtype=int)),
        "depth": int(np.prod([left[axis] for axis in inner[0]], dtype=int)),
    }


def _convolution(params: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """How images and kernels become `[n, h, w, inputs]` and `[k, k, inputs, outputs]`, and the result its own shape."""
    image, kernel, result = (getattr(params["dimension_numbers"], f"{part}_spec") for part in ("lhs", "rhs", "out"))
    back = [0] * 4
    for place, axis in enumerate((result[0], *result[2:], result[1])):
        back[axis] = place
    return {
        "image": [image[0], *image[2:], image[1]],
        "filter": [*kernel[2:], kernel[1], kernel[0]],
        "back": back,
        "side": [shape[axis] for axis in result[2:]],
        "stride": list(params["window_strides"]),
        "low": [low for low, _ in params["padding"]],
        "spread": list(params["lhs_dilation"]),
        "dilation": list(params["rhs_dilation"]),
        "groups": params["feature_group_count"],
    }


# ------------------------------------------------------------------------------------------------------------------ the page


def runtime() -> str:
    """The operations, `browser.js`."""
    return resources.files("jgan").joinpath("browser.js").read_text(encoding="utf-8")


def script(generate: Callable[..., jax.Array], pool: jax.Array, labels: int, count: int) -> str:
    """The JavaScript of a page: operations, weights, latents, and `generate(z0, z1)`.

    Args:
      generate: `generate(latents, labels)`, or of latents alone, `-> [count, height, width, channels]`.
      pool: `[N, ...]` latents to choose from.
      labels: the number of classes; 0 if the model is not conditioned on labels.
      count: the number of samples that it makes at once.

    Returns:
      The text.

    Raises:
      ValueError: see `program`.
    """
    arguments = [pool[:count], *([jnp.zeros(count, jnp.int32)] if labels else [])]
    made, result = program(generate, arguments)
    values = np.concatenate([constant.ravel() for constant in (*made.constants, np.asarray(pool, np.float32))])
    ends = np.cumsum([constant.size for constant in made.constants], dtype=int)
    starts = [0, *ends.tolist()]
    named = [
        f"const c{index} = array({json.dumps(list(constant.shape))}, known.subarray({start}, {start + constant.size}));"
        for index, (start, constant) in enumerate(zip(starts, made.constants, strict=False))
    ]
    given = ", ".join(f"z{index}" for index in range(len(arguments)))
    return "\n".join(
        [
            runtime(),
            f'const known = decoded("{base64.b64encode(values.astype("<f4").tobytes()).decode()}");',
            *named,
            f"const pool = array({json.dumps(list(pool.shape))}, known.subarray({starts[-1]}));",
            f"const COUNT = {count}, LABELS = {labels};",
            f"function generate({given}) {{",
            *(f"  {line}" for line in made.lines),
            f"  return {result};",
            "}",
        ]
    )


CONTROLS = """
const at = (id) => document.getElementById(id), canvas = at("samples");
const unit = size(pool.shape.slice(1)), many = pool.shape[0];
let from = [], to = [];

function chosen() { return Array.from({ length: COUNT }, () => Math.floor(Math.random() * many)); }

function between(share) {  // on the sphere, where latents are of one length, and on the line otherwise
  const z = array([COUNT, ...pool.shape.slice(1)]);
  for (let n = 0; n < COUNT; n++) {
    const [a, b] = [from[n], to[n]].map((place) => pool.data.subarray(place * unit, (place + 1) * unit));
    const scale = Math.hypot(1 - share, share);
    for (let k = 0; k < unit; k++) z.data[n * unit + k] = ((1 - share) * a[k] + share * b[k]) / (SPHERE ? scale : 1);
  }
  return z;
}

function draw() {
  const began = performance.now(), inputs = [between(+at("share").value / 100)];
  if (LABELS) {
    const wanted = +at("label").value;
    inputs.push(array([COUNT], Float32Array.from({ length: COUNT }, (_, n) => (wanted < 0 ? n % LABELS : wanted))));
  }
  const images = generate(...inputs), [count, height, width, channels] = images.shape;
  at("time").textContent = `${count} samples in ${(performance.now() - began).toFixed(0)} ms`;
  const columns = Math.ceil(Math.sqrt(count)), rows = Math.ceil(count / columns), context = canvas.getContext("2d");
  canvas.width = columns * (width + 1) + 1;
  canvas.height = rows * (height + 1) + 1;
  context.fillStyle = "#888";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (let n = 0; n < count; n++) {
    const tile = context.createImageData(width, height);
    for (let p = 0; p < width * height; p++) {
      const pixel = (n * width * height + p) * channels;
      for (let c = 0; c < 3; c++) tile.data[4 * p + c] = Math.round(255 * images.data[pixel + Math.min(c, channels - 1)]);
      tile.data[4 * p + 3] = 255;
    }
    context.putImageData(tile, 1 + (n % columns) * (width + 1), 1 + Math.floor(n / columns) * (height + 1));
  }
}

function anew() { from = to.length ? to : chosen(); to = chosen(); at("share").value = 0; draw(); }
at("new").addEventListener("click", anew);
at("share").addEventListener("input", draw);
if (LABELS) at("label").addEventListener("change", draw);
from = Array.from({ length: COUNT }, (_, n) => n % many);
to = chosen();
draw();
"""


def page(title: str, about: str, code: str, labels: int, *, sphere: bool) -> str:
    """The page: one file that loads nothing.

    Args:
      title: its title.
      about: a sentence on the model.
      code: from `script`.
      labels: the number of classes, 0 for none.
      sphere: whether latents are Gaussian, so that one moves between them on a sphere.

    Returns:
      The HTML file.
    """
    options = "".join(f'<option value="{label}">{label}</option>' for label in range(labels))
    choice = f' <label>class <select id="label"><option value="-1">all</option>{options}</select></label>' if labels else ""
    controls = code + f"\nconst SPHERE = {json.dumps(sphere)};" + CONTROLS
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{pages.text(title)}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 40rem; padding: 1rem; color-scheme: light dark; }}
canvas {{ image-rendering: pixelated; width: 100%; }}
.controls {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; margin: .5rem 0; }}
.controls .wide {{ flex: 1; }} .wide input {{ width: 100%; }}
</style>
</head>
<body>
<h1>{pages.text(title)}</h1>
<p>{pages.text(about)}</p>
<div class="controls"><button id="new">new samples</button>{choice}
<label class="wide">towards others <input id="share" type="range" min="0" max="100" value="0"></label></div>
<canvas id="samples" role="img" aria-label="samples of the generator"></canvas>
<p id="time"></p>
<script>
{controls}
</script>
</body>
</html>
"""
