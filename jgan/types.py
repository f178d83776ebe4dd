"""The nouns of the library: what a network, a player, a game and a GAN are.

Two kinds of NamedTuple live here. `Network`, `Game` and `GAN` hold *functions* and never cross a `jit` boundary. `Batch`,
`PlayerState` and `GANState` hold *arrays* only: they are pytrees that pass through `jit`, `vmap`, `scan`, `pmap` and a
checkpoint as they are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import optax

Key = jax.Array
"""A typed PRNG key, as `jax.random.key` makes it."""

PyTree = Any
"""A tree of arrays."""

Metrics = dict[str, jax.Array]
"""Named float32 scalars, one set a step."""


class Batch(NamedTuple):
    """Real data, a minibatch or a whole set: arrays of JAX or of NumPy.

    Attributes:
      x: `[B, ...]` float32 examples; images are `[B, height, width, channels]` in [0, 1]. A set at rest is uint8.
      y: `[B]` int32 labels, or None.
    """

    x: Any
    y: Any = None


class DataSpec(NamedTuple):
    """What a model must know of the data before it sees any.

    Attributes:
      image_shape: `(height, width, channels)`.
      steps_per_epoch: minibatches in an epoch, for schedules that count epochs.
      pixel_mean: `[height, width, channels]` float, the mean training image in [0, 1], or None.
    """

    image_shape: tuple[int, ...]
    steps_per_epoch: int
    pixel_mean: Any = None


class PlayerState(NamedTuple):
    """All that one player carries from step to step.

    Attributes:
      params: the tree of its trainable parameters, float32.
      extra: the network's other variables (batch statistics, power-iteration vectors); `{}` if it has none.
      opt_state: the state of its optax optimiser.
    """

    params: PyTree
    extra: PyTree
    opt_state: optax.OptState


class GANState(NamedTuple):
    """The whole state of a training run but for its root key.

    Attributes:
      step: int32 scalar, the number of generator updates made so far.
      generator: the generator's state.
      discriminator: the discriminator's state.
      memory: what the game itself remembers from one discriminator update to the next (ADA's probability, LeCam's averages);
        `()` if nothing.
    """

    step: jax.Array
    generator: PlayerState
    discriminator: PlayerState
    memory: PyTree = ()

    def with_params(self, discriminator: PyTree, generator: PyTree) -> "GANState":
        """The same state at another point of the game.

        Args:
          discriminator: the discriminator's parameters there.
          generator: the generator's.

        Returns:
          The state with those, and all else as it is.
        """
        return self._replace(
            discriminator=self.discriminator._replace(params=discriminator), generator=self.generator._replace(params=generator)
        )


class Apply(Protocol):
    """`apply(params, extra, *inputs, key, train, axis_name) -> (output, new_model_state)`."""

    def __call__(
        self,
        params: PyTree,
        extra: PyTree,
        *inputs: jax.Array,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]: ...


class Network(NamedTuple):
    """A network as two pure functions; `jgan.networks.from_module` makes one of a Flax module.

    Attributes:
      init: `init(key) -> (params, extra)`.
      apply: `apply(params, extra, *inputs, key=None, train=False, axis_name=None) -> (output, new_model_state)`.
    """

    init: Callable[[Key], tuple[PyTree, PyTree]]
    apply: Apply


class Game(NamedTuple):
    """What the two players minimise, as pure functions: all that `jgan.steps` needs to know of a GAN.

    Both objectives may look at the fakes, and the generator's forward pass that makes them is a function of its own, so
    that a step which serves both players runs it once. `key` is already the step's own key, and equal for the three.

    Attributes:
      fakes: `fakes(key, g_params, state, batch, axis_name) -> (fakes, new_g_model_state)`; `fakes` is any tree of arrays.
      discriminator: `discriminator(key, d_params, state, batch, fakes, axis_name) -> (loss, (new_d_model_state, new_memory,
        metrics))`.
      generator: `generator(key, g_params, state, batch, fakes, axis_name) -> (loss, metrics)`.
      both: optionally `both(key, d_params, g_params, state, batch, fakes, axis_name) -> ((d_loss, g_loss), (new_d_model_state,
        new_memory, metrics))`: the two objectives at the same discriminator on one pass of it, for simultaneous updates.
      memory: `memory() -> tree of arrays`, what the game remembers before the first step.
    """

    fakes: Callable[..., tuple[PyTree, PyTree]]
    discriminator: Callable[..., tuple[jax.Array, tuple[PyTree, PyTree, Metrics]]]
    generator: Callable[..., tuple[jax.Array, Metrics]]
    both: Callable[..., tuple[tuple[jax.Array, jax.Array], tuple[PyTree, PyTree, Metrics]]] | None = None
    memory: Callable[[], PyTree] = tuple


class Augmentation(NamedTuple):
    """Random changes to whatever the discriminator sees, real and fake alike, as pure functions; made by `jgan.augment`.

    Attributes:
      init: `init() -> memory`: what it carries from step to step, a tree of arrays; `()` if nothing.
      apply: `apply(key, memory, images, axis_name) -> images`, `[B, height, width, channels]`, differentiable in the images.
      update: `update(memory, real_logits, axis_name) -> memory`, after each discriminator update.
    """

    init: Callable[[], PyTree]
    apply: Callable[..., jax.Array]
    update: Callable[..., PyTree]


class Step(Protocol):
    """`step(key, state, batch, *, axis_name=None) -> (state, metrics)`: pure, unjitted."""

    def __call__(
        self, key: Key, state: GANState, batch: Any, /, *, axis_name: str | None = None
    ) -> tuple[GANState, Metrics]: ...


class GAN(NamedTuple):
    """A trainable model: what every `jgan.models.*.make` returns.

    Attributes:
      init: `init(key) -> GANState`.
      d_step: one discriminator update; leaves every leaf of the generator as it is.
      g_step: one generator update; leaves every leaf of the discriminator as it is, and counts the step.
      step: the two composed by the model's schedule, the generator's forward pass shared.
      latents: `latents(key, n) -> [n, latent_size]` float32.
      generate: `generate(state, latents, averaged=True) -> [n, height, width, channels]` float32 in [0, 1], from the
        averaged parameters if the model keeps an average and `averaged` is true.
      n_critic: discriminator updates in one `step`. If it is above 1, every leaf of `step`'s batch has a leading axis
        of that length.
      scan_on_cpu: whether `jax.lax.scan` over steps is fast on CPU: true of matrix products, false of XLA's
        convolutions, which lose their threads inside a loop.
      judge: optionally `judge(state, examples) -> [n]` logits, the discriminator's opinion outside training.
    """

    init: Callable[[Key], GANState]
    d_step: Step
    g_step: Step
    step: Step
    latents: Callable[[Key, int], jax.Array]
    generate: Callable[..., jax.Array]
    n_critic: int = 1
    scan_on_cpu: bool = True
    judge: Callable[[GANState, Any], jax.Array] | None = None

    def sample(self, key: Key, state: GANState, n: int, *, averaged: bool = True) -> jax.Array:
        """Draws `n` images: `generate(state, latents(key, n))`.

        Args:
          key: the key of the latents.
          state: the state whose generator is asked.
          n: how many.
          averaged: whether to use the averaged parameters, where the model keeps them.

        Returns:
          `[n, height, width, channels]` float32 in [0, 1].
        """
        return self.generate(state, self.latents(key, n), averaged=averaged)
