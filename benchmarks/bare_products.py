"""The matrix products and convolutions of a step alone: the time that a step cannot go below with them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jgan.utils import xla

PRIMITIVES = ("dot_general", "conv_general_dilated")
INLINED = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "remat", "checkpoint")


class Equation(NamedTuple):
    """An equation of a traced function whose variables are those of the whole function."""

    primitive: Any
    params: dict[str, Any]
    inputs: list[Any]
    outputs: list[Any]
    shapes: list[jax.ShapeDtypeStruct]


def of(function: Any, *arguments: Any) -> list[Equation]:
    """The products and convolutions that a function's results depend on.

    Args:
      function: the function.
      *arguments: its arguments, or their shapes and dtypes.

    Returns:
      One equation for each, calls inlined. Those within a loop are not among them.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from benchmarks import bare_products
      >>> x = jax.ShapeDtypeStruct((4, 8), jnp.float32)
      >>> found = bare_products.of(lambda x: (jnp.tanh(x @ x.T), x.T @ x)[0], x)
      >>> len(found), bare_products.flops(found)
      (1, 256)
    """
    closed = jax.make_jaxpr(function)(*arguments)
    flat: list[Equation] = []
    names = {variable: object() for variable in (*closed.jaxpr.invars, *closed.jaxpr.constvars)}
    results = _inline(closed.jaxpr, names, flat)
    needed, live = set(map(id, results)), []
    for equation in reversed(flat):
        if any(id(output) in needed for output in equation.outputs):
            needed |= set(map(id, equation.inputs))
            live.append(equation)
    return [equation for equation in reversed(live) if equation.primitive.name in PRIMITIVES]


def _inline(jaxpr: Any, names: dict[Any, Any], flat: list[Equation]) -> list[Any]:
    """Appends a jaxpr's equations, and returns what stands for its results."""

    def name(atom: Any) -> Any:
        return atom if hasattr(atom, "val") else names[atom]

    for eqn in jaxpr.eqns:
        inputs = [name(atom) for atom in eqn.invars]
        inner = next((eqn.params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in eqn.params), None)
        if eqn.primitive.name in INLINED and inner is not None:
            body = getattr(inner, "jaxpr", inner)
            known = dict(zip(body.invars, inputs, strict=True)) | {variable: object() for variable in body.constvars}
            outputs = _inline(body, known, flat)
        else:
            outputs = [object() for _ in eqn.outvars]
            shapes = [
                jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in eqn.invars if hasattr(atom.aval, "shape")
            ]
            flat.append(Equation(eqn.primitive, eqn.params, inputs, outputs, shapes))
        names.update(zip(eqn.outvars, outputs, strict=True))
    return [name(atom) for atom in jaxpr.outvars]


def flops(equations: Sequence[Equation]) -> int:
    """Floating-point operations of products and convolutions, two for a multiplication.

    Of a convolution with dilated images, as the gradient of one with a stride, the inserted zeros do not count.

    Args:
      equations: those of `of`.

    Returns:
      The count.
    """
    return sum(2 * _multiplications(equation) for equation in equations)


def _multiplications(equation: Equation) -> int:
    first, second = equation.shapes
    if equation.primitive.name == "dot_general":
        (contracted, _), (batch, _) = equation.params["dimension_numbers"]
        free = math.prod(second.shape) // math.prod(first.shape[axis] for axis in (*contracted, *batch))
        return math.prod(first.shape) * free
    result = jax.eval_shape(lambda *inputs: equation.primitive.bind(*inputs, **equation.params), first, second)
    numbers = equation.params["dimension_numbers"]
    places = math.prod(result.shape) // result.shape[numbers.out_spec[1]]  # outputs of one channel
    dilated = math.prod(equation.params["lhs_dilation"])
    return places * math.prod(second.shape) // dilated


def program(equations: Sequence[Equation]) -> tuple[Any, list[list[jax.Array]]]:
    """One program of those equations, each with inputs of its own: XLA would merge equal ones.

    Args:
      equations: those of `of`.

    Returns:
      The compiled function and its argument.
    """
    inputs = [[jnp.ones(shape.shape, shape.dtype) for shape in equation.shapes] for equation in equations]

    def alone(inputs: list[list[jax.Array]]) -> list[jax.Array]:
        return [equation.primitive.bind(*given, **equation.params) for equation, given in zip(equations, inputs, strict=True)]

    return xla.jit(alone), inputs
