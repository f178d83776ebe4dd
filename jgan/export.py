"""`python -m jgan.export`: a trained generator as one file that needs no jgan.

  python -m jgan.export --workdir RUN                                 RUN/generator.stablehlo: the function, weights included
  python -m jgan.export --workdir RUN --out generator.safetensors     its weights alone, as named arrays
  python -m jgan.export --workdir RUN --out demo.html                 a page that draws samples in the browser, by itself

`.stablehlo` is what `jax.export` serialises: the program of the generator for CPU, CUDA and TPU, for any number of samples.
Beside it stand `generator.json`, which names its inputs and outputs, and `generator.npz`, eight inputs with their outputs:

    from pathlib import Path
    import numpy as np
    from jax import export

    generate = export.deserialize(bytearray(Path("generator.stablehlo").read_bytes())).call
    images = generate(np.random.default_rng(0).standard_normal((64, 100), np.float32))

`.safetensors` is read by `safetensors.numpy.load_file`, without JAX. The page loads nothing: its program, in JavaScript
(`jgan.browser`), is in it. It is for generators of images from latents and labels without loops or random numbers of their own.
"""

if __name__ == "__main__":
    from jgan.utils import cli

    cli.starting("python -m jgan.export")  # before the imports that take a second

import dataclasses
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import browser, optim
from jgan.training import records, which
from jgan.training.environment import environment, write_json
from jgan.training.evaluators import sampling
from jgan.training.run import Run, Snapshot, keys, open_run
from jgan.types import Field, Inputs
from jgan.utils import cli, output
from jgan.utils.files import replacing

PROG = "python -m jgan.export"

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")

EXAMPLES, PAGE_SAMPLES, POOL = 8, 16, 128

ANY = "n"
"""the name of the number of samples in the shapes of a function that takes any"""


@dataclasses.dataclass(frozen=True)
class Args:
    """The flags of the command."""

    workdir: Path
    """folder of the run"""
    out: Path | None = None
    """file to write: .stablehlo, the function, .safetensors, the weights, or .html, a page that draws samples in the browser;
    default: generator.stablehlo in the run's folder"""
    checkpoint: str = "best"
    """checkpoint: best (by the validation measure), last, or the number of a step"""
    ema: bool = True
    """export the averaged weights, if the model keeps them"""
    truncation: float = 1.0
    """psi of a model with the truncation trick, fixed in the function"""
    batch_size: int = 0
    """number of samples of a call; 0: any"""
    platforms: tuple[str, ...] = ("cpu", "cuda", "tpu")
    """what the function can be run on: cpu, cuda, rocm, tpu"""


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process.

    Raises:
      ValueError, OSError: if the input is invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    output.not_empty(given)
    if given and not given[0].startswith("-"):
        given.insert(0, "--workdir")
    args = cli.parse(Args, given, prog=PROG, description="Write a trained generator into one file that needs no jgan.")
    out = args.out or args.workdir / "generator.stablehlo"
    check(args, out)
    found = open_run(args.workdir).snapshot(which.asked(args.checkpoint))
    for message in found.damaged:
        output.warn(f"{PROG}: warning: {message}; step {found.step:,} is used")
    if args.truncation != 1 and not found.run.gan.truncates:
        raise ValueError(f"--truncation: {found.run.config.preset} has no truncation trick; leave it out")
    write = {".safetensors": write_weights, ".html": write_page}.get(out.suffix, write_function)
    about = write(found, args, out)
    output.show(f"{about} of {found.run.config.preset}, {which.described(which.asked(args.checkpoint), found.step)}: {out}")


def check(args: Args, out: Path) -> None:
    """Checks the flags before anything is read.

    Args:
      args: the flags.
      out: the file to write.

    Raises:
      ValueError: names the flag, its valid values and the value found, or the package that is missing.
    """
    which.asked(args.checkpoint)
    cli.at_least(args, batch_size=0)
    needed = {".stablehlo": "flatbuffers", ".safetensors": "safetensors", ".html": ""}
    if out.suffix not in needed:
        ends = ".stablehlo (the function), .safetensors (the weights) or .html (a page)"
        raise ValueError(f"--out must end in {ends}, found {out}")
    unknown = [name for name in args.platforms if name not in PLATFORMS]
    if unknown or not args.platforms:
        raise ValueError(f"--platforms must be some of {', '.join(PLATFORMS)}, found {' '.join(unknown) or 'none'}")
    if not math.isfinite(args.truncation):
        raise ValueError(f"--truncation must be a finite number, found {args.truncation}")
    package = needed[out.suffix]
    if package and importlib.util.find_spec(package) is None:
        raise ValueError(f"{out.suffix} files need the package {package}: pip install 'jgan[export]'")
    output.file("--out", out)


# --------------------------------------------------------------------------------------------------------------- the function


def generator(found: Snapshot, *, ema: bool = True, truncation: float = 1.0) -> Callable[..., Any]:
    """The generator of a checkpoint as a function of arrays, its weights fixed in it.

    Args:
      found: the checkpoint.
      ema: whether to use the averaged weights, if the model keeps them.
      truncation: psi of a model with the truncation trick.

    Returns:
      `generate(*leaves) -> samples`: the leaves of an `Inputs` in their order, the latents before the condition.

    Example:
      See `exported`.
    """
    gan, options = found.run.gan, {"truncation": truncation} if found.run.gan.truncates else {}
    structure = jax.tree.structure(jax.eval_shape(lambda: inputs_of(found.run, 1)))

    def generate(*leaves: jax.Array) -> Any:
        return gan.generate(found.state, jax.tree.unflatten(structure, leaves), ema=ema, **options)

    return generate


def inputs_of(run: Run, n: int, seed: int = 0) -> Inputs:
    """Inputs of a run's generator: new latents; of a conditional model, labels in turn, or noise for images.

    Args:
      run: the run.
      n: the number of samples.
      seed: the seed.

    Returns:
      The `Inputs`.
    """
    key = keys(seed).samples
    if not jax.tree.leaves(run.gan.condition):
        return run.gan.inputs(key, n)

    def drawn(field: Field) -> jax.Array:
        if field.kind in ("label", "tokens"):
            whole = jnp.arange(n * math.prod(field.shape), dtype=jnp.int32) % max(1, field.size)
            return whole.reshape(n, *field.shape)
        return jax.random.uniform(jax.random.fold_in(key, 1), (n, *field.shape))

    return run.gan.inputs(key, n, jax.tree.map(drawn, run.gan.condition, is_leaf=lambda leaf: isinstance(leaf, Field)))


def exported(
    found: Snapshot,
    *,
    ema: bool = True,
    truncation: float = 1.0,
    batch_size: int = 0,
    platforms: Sequence[str] = ("cpu", "cuda", "tpu"),
) -> Any:
    """The generator of a checkpoint, lowered to StableHLO.

    On CPU convolutions are computed by the formulas that are fast there (`jgan.networks.convolution`); exported from a CPU, a
    function has them on every platform. The values are the same.

    Args:
      found: the checkpoint.
      ema: whether to use the averaged weights, if the model keeps them.
      truncation: psi of a model with the truncation trick.
      batch_size: the number of samples of a call; 0 for any.
      platforms: what it can be run on.

    Returns:
      A `jax.export.Exported`; `.call(*leaves)` generates, `.serialize()` are the bytes of a `.stablehlo` file.

    Example:
      >>> import contextlib, io, tempfile
      >>> from jgan import export, models
      >>> from jgan.training import train
      >>> small = models.MODELS["gan2014"].small(models.presets()["digits"].config)
      >>> with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
      ...     trained = train("digits", small, steps=1, eval_samples=50, workdir=folder + "/run")
      ...     function = export.exported(trained.run.snapshot("last"), platforms=["cpu"])
      >>> [str(each) for each in function.in_avals], [str(each) for each in function.out_avals]
      (['float32[n,6]'], ['float32[n,8,8,1]'])
    """
    from jax import export

    size: Any = batch_size or export.symbolic_shape(ANY)[0]
    two, three = (jax.tree.leaves(jax.eval_shape(lambda n=n: inputs_of(found.run, n))) for n in (2, 3))
    shapes = [
        jax.ShapeDtypeStruct([size if a != b else a for a, b in zip(first.shape, second.shape, strict=True)], first.dtype)
        for first, second in zip(two, three, strict=True)
    ]
    generate = generator(found, ema=ema, truncation=truncation)
    return export.export(jax.jit(generate), platforms=tuple(platforms))(*shapes)


def write_function(found: Snapshot, args: Args, out: Path) -> str:
    """Writes the function, the description of its inputs and outputs, and examples of both.

    Args:
      found: the checkpoint.
      args: the flags.
      out: the file of the function.

    Returns:
      What was written, in words.
    """
    weights: dict[str, Any] = {"ema": args.ema, "truncation": args.truncation}
    made = exported(found, **weights, batch_size=args.batch_size, platforms=tuple(dict.fromkeys(args.platforms)))
    inputs = inputs_of(found.run, args.batch_size or EXAMPLES)
    names, leaves = _named(inputs), jax.tree.leaves(inputs)
    results = jax.jit(generator(found, **weights))(*leaves)
    outputs = _named(results, "samples")
    description = {
        "preset": found.run.config.preset,
        "dataset": found.run.config.dataset,
        "step": found.step,
        "averaged_weights": args.ema,
        "truncation": args.truncation,
        "platforms": list(made.platforms),
        "inputs": [_described(name, aval) for name, aval in zip(names, made.in_avals, strict=True)],
        "outputs": [_described(name, aval) for name, aval in zip(outputs, made.out_avals, strict=True)],
        "model": records.model_to_dict(found.run.model, found.run.config.model),
        "environment": environment(),
    }
    examples = {name: np.asarray(leaf) for name, leaf in zip(names, leaves, strict=True)}
    examples |= {name: np.asarray(leaf) for name, leaf in zip(outputs, jax.tree.leaves(results), strict=True)}
    with replacing(out) as temporary:
        temporary.write_bytes(made.serialize())
    write_json(out.with_suffix(".json"), description)
    with replacing(out.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **examples)  # type: ignore[arg-type]
    return f"function of {' and '.join(names)}"


def _named(tree: Any, name: str = "") -> list[str]:
    """A name for each leaf, from its path: `z`, `c`, `c_ab`."""
    return ["_".join(filter(None, [name, *_words(path)])) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]


def _words(path: Sequence[Any]) -> list[str]:
    """The keys of a path in a tree, of a dict, a named tuple or a sequence."""
    return [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in path]


def _described(name: str, aval: Any) -> dict[str, Any]:
    shape = [side if isinstance(side, int) else str(side) for side in aval.shape]
    return {"name": name, "shape": shape, "dtype": str(aval.dtype)}


# ---------------------------------------------------------------------------------------------------------------- the weights


def weights(found: Snapshot, *, ema: bool = True) -> dict[str, np.ndarray]:
    """The generator's weights and other variables as named arrays.

    Args:
      found: the checkpoint.
      ema: whether to take the averaged weights, if the model keeps them.

    Returns:
      The arrays, under their paths: `params/project/kernel`, `state/norm_0/mean`.
    """
    params, state = optim.ema_weights(found.state.generator, ema)
    paths = jax.tree_util.tree_leaves_with_path({"params": params, "state": state})
    return {"/".join(_words(path)): np.ascontiguousarray(leaf) for path, leaf in paths}


def write_weights(found: Snapshot, args: Args, out: Path) -> str:
    """Writes the weights, with the model's options in the header of the file.

    Args:
      found: the checkpoint.
      args: the flags.
      out: the file.

    Returns:
      What was written, in words.
    """
    from safetensors import numpy as safetensors

    arrays = weights(found, ema=args.ema)
    about = {
        "format": "jgan",
        "preset": found.run.config.preset,
        "step": str(found.step),
        "model": json.dumps(records.model_to_dict(found.run.model, found.run.config.model)),
    }
    with replacing(out) as temporary:
        temporary.write_bytes(safetensors.save(arrays, metadata=about))  # `save_file` would let only its owner read the file
    return f"{len(arrays)} arrays of {sum(array.size for array in arrays.values()):,} numbers"


# ------------------------------------------------------------------------------------------------------------------- the page


def write_page(found: Snapshot, args: Args, out: Path) -> str:
    """Writes a page that draws samples in the browser.

    Args:
      found: the checkpoint.
      args: the flags.
      out: the file.

    Returns:
      What was written, in words.

    Raises:
      ValueError: if the model makes no images from latents and labels, or has an operation that a page cannot compute.
    """
    run, count = found.run, args.batch_size or PAGE_SAMPLES
    inputs, labels = inputs_of(run, POOL), sampling.classes(run.gan)
    image = run.spec.sets.keys() == {""} and run.spec.one.x.kind == "image"
    if not image or len(jax.tree.leaves(inputs)) != 1 + bool(labels) or count > POOL:
        raise ValueError(f"a page draws at most {POOL} images from latents, and labels: not those of {run.config.preset}")
    code = browser.script(generator(found, ema=args.ema, truncation=args.truncation), inputs.z, labels, count)
    about = f"{run.config.preset} on {run.config.dataset}, step {found.step:,}, computed by this page; its weights are in it."
    sphere = getattr(run.config.model, "noise", "gaussian") == "gaussian"
    with replacing(out) as temporary:
        made = browser.page(f"Samples of {run.config.preset}", about, code, labels, sphere=sphere)
        temporary.write_text(made, encoding="utf-8", errors="backslashreplace")
    return f"page of {out.stat().st_size / 2**20:.1f} MiB"


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
