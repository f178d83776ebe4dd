"""`View`, the quantities of one update; `Penalty`, a function of it; sums of penalties."""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int, Shaped

from jgan import rng
from jgan.types import Inputs, Key, PyTree
from jgan.utils.checks import same_shape
from jgan.utils.registry import Registry, import_all


class View(NamedTuple):
    """The quantities of one update that a penalty or a term can use. With packing, an example is a pack.

    Attributes:
      key: a key for this penalty or term alone.
      step: int32 scalar, the number of generator updates so far.
      real: `[B, ...]`, the real examples.
      fake: `[B, ...]`, the fakes.
      real_logits: `[B]`, the logits of the real examples, as in the loss; None if the generator's loss does not use them.
      fake_logits: `[B]`, the logits of the fakes.
      real_gradients: `() -> [B, ...]`, the gradient of each real example's logit with respect to that example, through the
        forward pass of the loss.
      fake_gradients: `() -> [B, ...]`, the same for the fakes.
      critic: `critic(x) -> [n]`, the logits of any examples under the conditions of the real examples, with the dropout masks,
        augmentations and model state of the loss's pass over the real examples.
      fake_critic: the same, with those of the pass over the fakes.
      memory: the memory of the penalty or term.
      axis_name: the mapped axis over which the batch is sharded, or None.
      per_example: whether a logit depends on its own example alone; False for a network with batch statistics.
      real_output: the discriminator's second output for the real examples (features, class logits), or None.
      fake_output: the same for the fakes.
      real_condition: the condition of the real examples, a tree; `()` for an unconditional model.
      fake_condition: the condition of the fakes.
      inputs: the `Inputs` from which the fakes were made.
      batch: the whole minibatch.
      generate: `generate(inputs) -> examples`, the generator in training mode; in the generator's loss it is differentiable in
        its parameters.
      through: `through(network, *inputs) -> output`, another `Network` of the generator's parameters, such as a part of it,
        with the same keys, in training mode and differentiable as `generate` is.
      discriminate: `discriminate(x, c=()) -> (logits, output)`, the discriminator in training mode on any examples.
    """

    key: Key
    step: Int[jax.Array, ""]
    real: Shaped[jax.Array, " b *shape"]
    fake: Shaped[jax.Array, " b *shape"]
    real_logits: Any
    fake_logits: Float[jax.Array, " b"]
    real_gradients: Callable[[], Float[jax.Array, " b *shape"]]
    fake_gradients: Callable[[], Float[jax.Array, " b *shape"]]
    critic: Callable[[Shaped[jax.Array, " n *shape"]], Float[jax.Array, " n"]]
    fake_critic: Callable[[Shaped[jax.Array, " n *shape"]], Float[jax.Array, " n"]]
    memory: PyTree = ()
    axis_name: str | None = None
    per_example: bool = True
    real_output: Any = None
    fake_output: Any = None
    real_condition: Any = ()
    fake_condition: Any = ()
    inputs: Inputs = Inputs()
    batch: Any = None
    generate: Callable[..., Any] | None = None
    through: Callable[..., Any] | None = None
    discriminate: Callable[..., tuple[jax.Array, Any]] | None = None


def keep_memory(view: View) -> PyTree:
    """The default `update` of a penalty or a term: keeps the memory unchanged.

    Args:
      view: the quantities of the update.

    Returns:
      `view.memory`.
    """
    return view.memory


class Penalty(NamedTuple):
    """A penalty of the discriminator.

    Attributes:
      value: `value(view) -> [B]`.
      init: `init() -> memory`, the initial memory: a tree of arrays.
      update: `update(view) -> memory`, the memory after a discriminator update; it gets the same view as `value`.
    """

    value: Callable[[View], Float[jax.Array, " b"]]
    init: Callable[[], PyTree] = tuple
    update: Callable[[View], PyTree] = keep_memory


PENALTIES: Registry[Callable[[float], Penalty]] = Registry(
    "penalty", lambda: import_all("jgan.penalties", importlib.import_module("jgan.penalties").__path__)
)
"""Penalties by name, as functions of the weight; the command line accepts these names. Each file registers its own."""


def squared_norms(x: Float[jax.Array, "b ..."]) -> Float[jax.Array, " b"]:
    """The squared Euclidean norm of each example, over all axes except the first.

    Args:
      x: `[B, ...]` float.

    Returns:
      `[B]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import penalties
      >>> print(penalties.squared_norms(jnp.ones((2, 3, 4))))
      [12. 12.]
    """
    return jnp.sum(jnp.square(x), axis=tuple(range(1, x.ndim)))


def norms(x: Float[jax.Array, "b ..."]) -> Float[jax.Array, " b"]:
    """The Euclidean norm of each example, with gradient 0 at 0 (the gradient of a plain square root is NaN there).

    Args:
      x: `[B, ...]` float.

    Returns:
      `[B]`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import penalties
      >>> print(jax.grad(lambda x: penalties.norms(x).sum())(jnp.array([[3.0, 4.0], [0.0, 0.0]])))
      [[0.6 0.8]
       [0.  0. ]]
    """
    squared = squared_norms(x)
    zero = squared == 0  # and not `squared > 0`, which would turn NaN into 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, squared)))


def input_gradients(view: View, x: Float[jax.Array, " n *shape"]) -> Float[jax.Array, " n *shape"]:
    """The gradient of each example's logit with respect to that example.

    Args:
      view: the quantities of the discriminator update.
      x: `[n, ...]`, the examples.

    Returns:
      `[n, ...]`.

    Raises:
      ValueError: if the discriminator has batch statistics.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import penalties
      >>> def value(view):  # a gradient penalty at the real examples
      ...     return jnp.square(penalties.norms(penalties.input_gradients(view, view.real)) - 1)
      >>> penalty = penalties.Penalty(value)
    """
    check_per_example(view)
    # Each logit depends on its own example alone, so the gradient of the sum holds the gradient of each logit.
    return jax.grad(lambda x: jnp.sum(view.critic(x)))(x)


def check_per_example(view: View) -> None:
    """Raises ValueError if a logit depends on other examples through batch statistics."""
    if not view.per_example:
        raise ValueError(
            "a penalty on input gradients needs a discriminator that judges each example by itself, found one with batch "
            "statistics, where a logit depends on the whole batch: use layer or instance normalisation, or none"
        )


def one_each(view: View, key: Key, draw: Callable[[Key], Shaped[jax.Array, " *shape"]]) -> Shaped[jax.Array, " b *shape"]:
    """`draw(key)` once per real example, `[B, ...]`, from keys that do not depend on the number of devices."""
    return rng.one_each(key, len(view.real), draw, view.axis_name)


def lazily(penalty: Penalty, every: int) -> Penalty:
    """Lazy regularisation: applies a penalty every `every` steps, scaled by `every`.

    Args:
      penalty: the penalty.
      every: the interval, in steps.

    Returns:
      The `Penalty`. Its mean over steps is that of the given penalty, at 1/`every` of the cost. Under `jgan.parallel.vmap` it
      saves nothing, since both branches of the condition run.

    Raises:
      ValueError: if `every` is below 1.

    Example:
      >>> from jgan import penalties
      >>> penalty = penalties.lazily(penalties.r1(10.0), every=16)

    References:
      Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), section 3.1, https://arxiv.org/abs/1912.04958
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, found {every}")

    def value(view: View) -> Float[jax.Array, " b"]:
        now = lambda: every * penalty.value(view)  # noqa: E731
        return jax.lax.cond(view.step % every == 0, now, lambda: jnp.zeros(len(view.real), view.real_logits.dtype))

    return Penalty(value, penalty.init, penalty.update)


def scheduled(penalty: Penalty, schedule: Callable[[jax.Array], jax.Array]) -> Penalty:
    """Multiplies a penalty by a factor that changes during training.

    Args:
      penalty: the penalty.
      schedule: `schedule(step) -> factor`, an optax schedule of the number of generator updates so far.

    Returns:
      The `Penalty`.

    Example:
      >>> from jgan import optim, penalties
      >>> penalty = penalties.scheduled(penalties.r1_r2(1.0), optim.cosine(0.05, 0.005, 10_000))
    """

    def value(view: View) -> Float[jax.Array, " b"]:
        return schedule(view.step) * penalty.value(view)

    return Penalty(value, penalty.init, penalty.update)


def total(penalties: tuple[Penalty, ...], view: View) -> tuple[Float[jax.Array, " b"], PyTree]:
    """The sum of several penalties, each with its own key and memory.

    Args:
      penalties: the penalties.
      view: the quantities of the discriminator update; its `memory` holds one entry per penalty.

    Returns:
      `([B] values, new memory)`.

    Raises:
      ValueError: if a penalty does not return one value per example.

    Example:
      See `jgan.games.Adversarial`.
    """
    values, memories = jnp.zeros(len(view.real), view.real_logits.dtype), []
    for index, (penalty, memory) in enumerate(zip(penalties, view.memory, strict=True)):
        own = view._replace(key=jax.random.fold_in(view.key, index), memory=memory)
        value = penalty.value(own)
        same_shape("the values of a penalty", value, "one number an example", values)
        values = values + value
        memories.append(penalty.update(own))
    return values, tuple(memories)
