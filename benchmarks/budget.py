"""Training budgets in floating-point operations of the training step, which are the same on every machine."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from jgan import models
from jgan.models import Model, phases_of
from jgan.training import costs as counted
from jgan.types import GAN, DataSpec, Field


class Part(NamedTuple):
    """A part of a step that only every N-th step computes, as lazy regularisation does.

    Attributes:
      off: the changes of the configuration that remove it: see `changed`.
      every: N.
    """

    off: Mapping[str, Any]
    every: int


def changed(config: Any, changes: Mapping[str, Any]) -> Any:
    """A configuration with other values.

    Args:
      config: a dataclass.
      changes: the new values by the names of their fields; the fields of a nested dataclass as `"optimizer.decay"`.

    Returns:
      A new dataclass.

    Example:
      >>> from benchmarks import budget
      >>> from jgan.models import dcgan
      >>> budget.changed(dcgan.Config(), {"width": 8, "optimizer.decay": "linear"}).optimizer.decay
      'linear'
    """
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        new = changed(getattr(config, first), {rest: value}) if rest else value
        config = dataclasses.replace(config, **{first: new})
    return config


def model_of(preset: str, size: tuple[int, int, int], batch_size: int) -> tuple[GAN, DataSpec]:
    """The model of a preset for images of a size, without data: that of its last phase.

    Args:
      preset: its name.
      size: height, width and channels of the images.
      batch_size: examples in a minibatch.

    Returns:
      The model and the description of its data.

    Raises:
      ValueError: if it does not make images of the size.

    Example:
      >>> from benchmarks import budget
      >>> gan, spec = budget.model_of("dcgan", (8, 8, 1), 4)
      >>> gan.n_critic, spec.shape
      (1, (8, 8, 1))
    """
    model = models.MODELS[models.model_of(preset)]
    spec = DataSpec.images(size, steps_per_epoch=100, n_classes=10, batch_size=batch_size)
    model.accepts(spec)
    return phases_of(model, models.presets()[preset].config, spec)[-1].gan, spec


def batch_of(gan: GAN, spec: DataSpec, batch_size: int) -> Any:
    """The shapes and dtypes of what a step of a model takes.

    Args:
      gan: the model.
      spec: the description of its data.
      batch_size: examples in a minibatch.

    Returns:
      A tree of `jax.ShapeDtypeStruct`s.

    Example:
      >>> from benchmarks import budget
      >>> from jgan import DataSpec
      >>> from jgan.models import wgan_gp
      >>> spec = DataSpec.images((28, 28, 1), 10)
      >>> budget.batch_of(wgan_gp.make(wgan_gp.Config(), spec), spec, 64).x.shape
      (5, 64, 28, 28, 1)
    """
    leading = (batch_size,) if gan.n_critic == 1 else (gan.n_critic, batch_size)

    def example(field: Field) -> jax.ShapeDtypeStruct:
        dtype = "int32" if field.kind in ("label", "tokens") else "float32"
        return jax.ShapeDtypeStruct((*leading, *field.shape), dtype)

    return jax.tree.map(example, spec.example, is_leaf=lambda node: isinstance(node, Field))


def flops(gan: GAN, spec: DataSpec, batch_size: int) -> float:
    """The floating-point operations of one step of a model, as XLA counts those of its program (`jgan.training.costs.flop`).

    A part that is computed in some steps only (`jax.lax.cond`) counts as if every step computed it.

    Args:
      gan: the model.
      spec: the description of its data.
      batch_size: examples in a minibatch.

    Returns:
      The operations of one step with all its discriminator updates.

    Example:
      >>> from benchmarks import budget
      >>> from jgan import DataSpec
      >>> from jgan.models import dcgan, options
      >>> spec, config = DataSpec.images((8, 8, 1), 10), dcgan.Config(width=4, optimizer=options.Optimizer("sgd"))
      >>> costs = [budget.flops(dcgan.make(config, spec), spec, size) for size in (2, 4)]
      >>> 1 < costs[1] / costs[0] < 2
      True
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    return counted.flop(gan.step, key, jax.eval_shape(gan.init, key), batch_of(gan, spec, batch_size))


def of_steps(model: Model, config: Any, spec: DataSpec, batch_size: int, parts: Sequence[Part] = ()) -> list[float]:
    """The operations of a step of each phase of a model, in the average over the steps.

    Args:
      model: the model.
      config: its options.
      spec: the description of the data.
      batch_size: examples in a minibatch, where a phase has no size of its own.
      parts: what only some of the steps compute.

    Returns:
      One number for each phase.
    """

    def of(config: Any) -> list[float]:
        found = phases_of(model, config, spec)
        return [flops(phase.gan, spec, phase.batch_size or batch_size) for phase in found]

    whole = of(config)
    without = [of(changed(config, part.off)) for part in parts]
    return [
        cost - sum((cost - other[index]) * (1 - 1 / part.every) for part, other in zip(parts, without, strict=True))
        for index, cost in enumerate(whole)
    ]


def steps_for(budget: float, costs: Sequence[float], lengths: Sequence[int]) -> int:
    """The steps of a whole run that a budget pays for.

    Args:
      budget: floating-point operations.
      costs: those of a step of each phase.
      lengths: the steps of each phase but the last.

    Returns:
      The steps of all phases, a multiple of 100 where that is possible.

    Raises:
      ValueError: if the budget does not reach the last phase.

    Example:
      >>> from benchmarks import budget
      >>> budget.steps_for(1e6, [100.0], []), budget.steps_for(1e6, [100.0, 900.0], [1000])
      (10000, 2000)
    """
    before = sum(cost * length for cost, length in zip(costs, lengths, strict=False))
    last = int((budget - before) / costs[-1])
    if last < 1:
        raise ValueError(f"the phases before the last cost {before:.3g} operations, the whole budget is {budget:.3g}")
    total = sum(lengths) + last
    return total - total % 100 if last >= 100 else total


def minutes_left(minutes: float, begun: float) -> float:
    """The time limit of a run of a command that ends after some minutes, for `jgan.training.train`.

    Args:
      minutes: the time of the whole command; 0 for no limit.
      begun: the time at which it began, from `time.monotonic`.

    Returns:
      The minutes that are left; 0 for no limit.

    Raises:
      TimeoutError: if none are left.

    Example:
      >>> import time
      >>> from benchmarks import budget
      >>> budget.minutes_left(0, time.monotonic()), 4 < budget.minutes_left(5, time.monotonic()) <= 5
      (0.0, True)
    """
    if not minutes:
        return 0.0
    left = minutes - (time.monotonic() - begun) / 60
    if left <= 0:
        raise TimeoutError(f"{minutes:g} minutes are over")
    return left
