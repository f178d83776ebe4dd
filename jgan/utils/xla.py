"""The options that programs are compiled with."""

import functools
import os
from collections.abc import Callable
from typing import Any

import jax

FUSIONS = "xla_cpu_experimental_ynn_fusion_type"
"""The option that names what XLA on CPU leaves to its library YNNPACK."""


@functools.cache
def compiler_options() -> dict[str, bool | str] | None:
    """The options for `jax.jit` with which convolutions are fast on CPU.

    From jaxlib 0.10 on, XLA leaves float32 convolutions to YNNPACK, whose kernel gradients are slow: one training step of a 3x3
    convolution of 64 channels, 64 images of 32x32, takes 1.0 s with jaxlib 0.10.2 and 0.5 s with 0.12, and 0.09 s and 0.11 s
    without (two cores). With these options it is given only products and sums, with which it is faster than XLA itself: a step
    of DCGAN 32 takes 1.12 times as long without the sums.

    Returns:
      The options for `jax.jit(..., compiler_options=...)` of a program at the top level, or None where none are needed: not on
      CPU, if this version of XLA does not know the option, or if `XLA_FLAGS` sets it.

    Example:
      >>> import jax
      >>> from jgan.utils import xla
      >>> double = jax.jit(lambda x: x + x, compiler_options=xla.compiler_options())
      >>> int(double(2))
      4
    """
    if jax.default_backend() != "cpu" or FUSIONS in os.environ.get("XLA_FLAGS", ""):
        return None
    options: dict[str, bool | str] = {FUSIONS: "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:  # XLA's answer to an option that it does not know
        return None
    return options


def jit(function: Callable[..., Any], **options: Any) -> Any:
    """`jax.jit` with `compiler_options`, for programs that contain networks. Inside another `jit` it raises, as JAX does.

    Args:
      function: the function.
      **options: those of `jax.jit`.

    Returns:
      The compiled function.

    Example:
      >>> from jgan.utils import xla
      >>> int(xla.jit(lambda x, y: x + y, static_argnums=1)(2, 3))
      5
    """
    return jax.jit(function, compiler_options=compiler_options(), **options)
