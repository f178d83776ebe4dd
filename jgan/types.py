"""The types of the library: network, player state, game, GAN, training phase.

Two kinds of types are kept apart. `Network`, `Game`, `GAN` and `Phase` hold *functions* and never cross a `jit` boundary.
`Batch`, `Inputs`, `PlayerState` and `GANState` hold *arrays* only: they are pytrees that pass through `jit`, `vmap`, `scan`,
`pmap` and a checkpoint. Wherever both players appear side by side, the generator comes first.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import optax

from jgan.spec import Batch, DataSpec, Field, Inputs

__all__ = [
    "GAN",
    "Apply",
    "Augmentation",
    "Average",
    "Batch",
    "DataSpec",
    "Field",
    "GANState",
    "Game",
    "Inputs",
    "Key",
    "Metrics",
    "Network",
    "Phase",
    "PlayerState",
    "PyTree",
    "Step",
]

Key = jax.Array
"""A typed PRNG key, as `jax.random.key` makes it."""

PyTree = Any
"""A tree of arrays."""

Metrics = dict[str, jax.Array]
"""Named float32 scalars; each step returns one dict."""


# -------------------------------------------------------------------------------------------------------------- the state


class Average(NamedTuple):
    """A moving average of a player's weights: see `jgan.optim.EMA`.

    Attributes:
      count: int32 scalar, updates made so far.
      params: the averaged parameters.
      model_state: the averaged (or latest) other variables, such as batch statistics.
    """

    count: jax.Array  # type: ignore[assignment]  # hides tuple.count, as optax's own states do
    params: PyTree
    model_state: PyTree


class PlayerState(NamedTuple):
    """The training state of one player.

    Attributes:
      params: the tree of its trainable parameters, float32.
      model_state: the network's other variables (batch statistics, power-iteration vectors); `{}` if there are none.
      opt_state: the state of its optax optimiser.
      ema: the `Average` of its weights; `()` if none is kept.
    """

    params: PyTree
    model_state: PyTree
    opt_state: optax.OptState
    ema: Any = ()


class GANState(NamedTuple):
    """The whole state of a training run, except the root key.

    Attributes:
      step: int32 scalar, the number of generator updates made so far (in the current phase, if a run has several).
      generator: the generator's state.
      discriminator: the discriminator's state.
      memory: the state of the game itself (ADA's probability, LeCam's averages, an image pool); `()` if it has none. It is
        equal on all devices: see `jgan.collectives.gather`.
    """

    step: jax.Array
    generator: PlayerState
    discriminator: PlayerState
    memory: PyTree = ()

    def with_params(self, generator: PyTree, discriminator: PyTree) -> "GANState":
        """The same state with other parameters.

        Args:
          generator: the generator's parameters.
          discriminator: the discriminator's.

        Returns:
          The new state; everything else is unchanged.
        """
        return self._replace(
            generator=self.generator._replace(params=generator), discriminator=self.discriminator._replace(params=discriminator)
        )


# ------------------------------------------------------------------------------------------------- networks, games, models


class Apply(Protocol):
    """`apply(params, model_state, *inputs, key, train, axis_name) -> (output, new_model_state)`."""

    def __call__(
        self,
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]: ...


class Network(NamedTuple):
    """A network as two pure functions: see `jgan.networks.from_module`, `from_nnx`, `from_functions` and `several`.

    Attributes:
      init: `init(key) -> (params, model_state)`.
      apply: `apply(params, model_state, *inputs, key=None, train=False, axis_name=None) -> (output, new_model_state)`.
    """

    init: Callable[[Key], tuple[PyTree, PyTree]]
    apply: Apply


class Game(Protocol):
    """The losses of the two players: the interface between a GAN and `jgan.steps`.

    Both losses receive the fakes, and `fakes` is a separate function, so that a step that updates both players runs the
    generator's forward pass once. `key` is the key of the step, equal for all functions of one step.
    `jgan.games.Adversarial` is the standard game; `jgan.games.Functions` builds a game from user-defined functions.

    Attributes:
      fakes: `fakes(key, g_params, state, batch, axis_name) -> (fakes, new_g_model_state)`; `fakes` is any tree of arrays,
        integers (labels, tokens) included.
      g_loss: `g_loss(key, g_params, state, batch, fakes, axis_name) -> (loss, (new_memory, metrics))`.
      d_loss: `d_loss(key, d_params, state, batch, fakes, axis_name) -> (loss, (new_d_model_state, new_memory, metrics))`.
      both: None, or `both(key, g_params, d_params, state, batch, fakes, axis_name) -> ((g_loss, d_loss), (new_d_model_state,
        new_memory, metrics))`: both losses on one pass of the discriminator, for simultaneous updates.
      memory: `memory() -> tree of arrays`, the initial memory of the game.
    """

    @property
    def fakes(self) -> Callable[..., tuple[PyTree, PyTree]]: ...

    @property
    def g_loss(self) -> Callable[..., tuple[jax.Array, tuple[PyTree, Metrics]]]: ...

    @property
    def d_loss(self) -> Callable[..., tuple[jax.Array, tuple[PyTree, PyTree, Metrics]]]: ...

    @property
    def both(self) -> Callable[..., tuple[tuple[jax.Array, jax.Array], tuple[PyTree, PyTree, Metrics]]] | None: ...

    @property
    def memory(self) -> Callable[[], PyTree]: ...


class Augmentation(NamedTuple):
    """Random augmentation of the discriminator's inputs, real and fake, as pure functions; made by `jgan.augment`.

    Attributes:
      init: `init() -> memory`: the initial state of the augmentation, a tree of arrays; `()` if it has none.
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


class Whole(NamedTuple):
    """That a generator of images from images takes whole pictures, of other sizes than those of its training.

    Attributes:
      smallest: the smallest height and width of a picture, in pixels.
      scale: how many times as high and as wide as the picture its output is.
      reach: how far around a pixel of the output, in pixels of the picture, the picture matters to it: a large picture can then
        be processed in tiles that overlap by it. None if all of the picture matters, as with instance norm.
    """

    smallest: int = 1
    scale: int = 1
    reach: int | None = None


class Balance(NamedTuple):
    """The value of each loss where D = 1/2 everywhere."""

    d_loss: float
    g_loss: float


class GAN(NamedTuple):
    """A trainable model. Every `jgan.models.*.make` returns one; `jgan.models.assemble` builds one from its parts.

    Attributes:
      init: `init(key) -> GANState`.
      g_step: one generator update; the discriminator's state is unchanged, and `state.step` increases by one.
      d_step: one discriminator update; the generator's state is unchanged.
      step: both updates, composed by the model's schedule; they share the generator's forward pass.
      inputs: `inputs(key, n, c=()) -> Inputs`, with new latents.
      generate: `generate(state, inputs, ema=True) -> [n, ...]` float32 (images in [0, 1]), from the averaged weights if the
        model keeps an average and `ema` is true.
      condition: what the generator is conditioned on, a tree of `Field`s; `()` if it is unconditional.
      n_critic: discriminator updates in one `step`. If it is above 1, every leaf of `step`'s batch has a leading axis
        of that length.
      logits: None, or `logits(state, x, c=()) -> [n]`, the discriminator's logits outside training.
      truncates: whether `generate` also takes `truncation`, as StyleGAN's: psi, 1 for none.
      whole: None, or that `generate` also takes pictures of other sizes than that of `condition`.
      tempers: whether `generate` also takes `temperature`, by which the logits of tokens are divided: 1 for none.
      balance: `balance()`, the losses where D = 1/2 everywhere, for the curves; None if they are not known.
    """

    init: Callable[[Key], GANState]
    g_step: Step
    d_step: Step
    step: Step
    inputs: Callable[..., Inputs]
    generate: Callable[..., Any]
    condition: Any = ()
    n_critic: int = 1
    logits: Callable[..., jax.Array] | None = None
    truncates: bool = False
    whole: Whole | None = None
    tempers: bool = False
    balance: Callable[[], Balance | None] = lambda: None

    def sample(
        self,
        key: Key,
        state: GANState,
        n: int,
        *,
        labels: Any = None,
        images: Any = None,
        condition: Any = None,
        ema: bool = True,
        truncation: float = 1.0,
        temperature: float = 1.0,
    ) -> jax.Array:
        """Generates `n` examples from new latents.

        Args:
          key: the key of the latents.
          state: the state whose generator is used.
          n: number of examples.
          labels: `[n]` integers, for a model conditioned on class labels.
          images: `[n, height, width, channels]` in [0, 1], for a model conditioned on images.
          condition: a tree of arrays like `condition` of the model, for any conditional model: tokens, several conditions.
          ema: whether to use the averaged weights, where the model keeps them.
          truncation: psi, for a model with the truncation trick: less than 1 gives less varied examples, closer to the average.
          temperature: for a model of tokens, by which their logits are divided: less than 1 gives likelier, less varied ones.

        Returns:
          `[n, ...]` float32, int32 for tokens; images are in [0, 1].

        Raises:
          ValueError: if the condition is missing, is not one that the model takes, has another length than `n`, or a label is
            out of range; if the model has no truncation or temperature.

        Example:
          >>> import jax
          >>> from jgan import DataSpec
          >>> from jgan.models import gan2014
          >>> gan = gan2014.make(gan2014.Config(g_units=(16,), d_units=(8,)), DataSpec.images((8, 8, 1), steps_per_epoch=10))
          >>> gan.sample(jax.random.key(0), gan.init(jax.random.key(0)), 2).shape
          (2, 8, 8, 1)
          >>> gan.sample(jax.random.key(0), None, 2, labels=[0, 1])
          Traceback (most recent call last):
          ValueError: this model is unconditional: leave labels out
        """
        from jgan.utils.checks import condition_of

        c = condition_of(self.condition, n, labels=labels, images=images, condition=condition)
        options: dict[str, Any] = {"truncation": truncation} if self.truncates else {}
        if truncation != 1 and not self.truncates:
            raise ValueError(f"this model has no truncation: leave it out, found {truncation}")
        if temperature != 1 and not self.tempers:
            raise ValueError(f"this model has no temperature: leave it out, found {temperature}")
        options |= {"temperature": temperature} if self.tempers else {}
        return self.generate(state, self.inputs(key, n, c), ema=ema, **options)


class Phase(NamedTuple):
    """One phase of a training run: see `jgan.phases`.

    Attributes:
      gan: the GAN that is trained in this phase.
      steps: generator updates; None for all remaining steps of the run (last phase only).
      batch_size: examples in a minibatch; None for the batch size of the run.
      enter: `enter(key, previous_state) -> state`, the initial state of the phase from the final state of the previous one, a
        pure function, which is traced; None to start from `gan.init(key)`.
      name: shown in the progress line and the journal.
      keep: whether the checkpoint at its end is kept for good, not only until newer ones are there.
    """

    gan: GAN
    steps: int | None = None
    batch_size: int | None = None
    enter: Callable[[Key, GANState], GANState] | None = None
    name: str = ""
    keep: bool = False
