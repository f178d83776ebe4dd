"""What the models of text share: the recurrent generator, its likelihood, its samples at a temperature, phases of training.

The generators have no average of their weights, as in the published models.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import collectives, optim, phases, steps
from jgan.models import options
from jgan.networks import relational, sequences
from jgan.networks.lstm import lstm
from jgan.networks.sequences import SequenceNetwork
from jgan.types import GAN, Batch, DataSpec, GANState, Inputs, Key, Network, PlayerState, PyTree

__all__ = ["SMALL_SPEC", "Generator", "clipped", "entered", "likelihood", "log_probability", "network_of", "sampling"]


@dataclasses.dataclass(frozen=True)
class Generator:
    """The recurrent generator of sequences."""

    network: Literal["lstm", "relational"] = "lstm"
    """the network: lstm, or relational (RelGAN's memory of one slot)"""
    embedding: int = 32
    """size of an embedded token"""
    hidden: int = 32
    """size of the state"""
    heads: int = 2
    """attention heads (relational only); the state is divided among them"""
    stddev: float = 0.1
    """standard deviation of the initial weights and biases (lstm only)"""


def network_of(config: Generator, spec: DataSpec) -> SequenceNetwork:
    """Builds the generator.

    Args:
      config: its options.
      spec: the sequences.

    Returns:
      The `SequenceNetwork`.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import sequences
      >>> sequences.network_of(sequences.Generator(), DataSpec.tokens(20, 500, steps_per_epoch=10)).size
      500
    """
    if min(config.embedding, config.hidden, config.heads) < 1 or config.hidden % config.heads:
        raise ValueError(
            f"generator.embedding, hidden and heads must be at least 1, and hidden a multiple of heads, found "
            f"{config.embedding}, {config.hidden} and {config.heads}"
        )
    x = spec.one.x
    if config.network == "relational":
        sizes = {"embedding": config.embedding, "heads": config.heads, "head_size": config.hidden // config.heads}
        return relational.relational(x.size, *x.shape, end=x.end, **sizes)
    if config.stddev <= 0:
        raise ValueError(f"generator.stddev must be above 0, found {config.stddev}")
    return lstm(x.size, *x.shape, end=x.end, embedding=config.embedding, hidden=config.hidden, stddev=config.stddev)


def network(net: SequenceNetwork) -> Network:
    """A generator as a `Network` whose pass draws tokens, without gradients: `[n, 2]` latents to `[n, L]` int32."""

    def apply(params: PyTree, model_state: PyTree, *inputs: Any, **_: Any) -> tuple[jax.Array, PyTree]:
        return sequences.sampled(net, params, inputs[0]), model_state

    return Network(lambda key: (net.init(key), {}), apply)


def sampling(gan: GAN, net: SequenceNetwork) -> GAN:
    """A model whose `generate` draws tokens at a temperature.

    Args:
      gan: the model, whose latents are `jgan.networks.sequences.latent_keys`.
      net: its generator.

    Returns:
      The model with `generate(state, inputs, ema=True, temperature=1.0) -> [n, L]` int32.

    Example:
      See `jgan.models.language_model`.
    """

    def generate(state: GANState, given: Inputs, ema: bool = True, temperature: float = 1.0) -> jax.Array:
        return sequences.sampled(net, optim.ema_weights(state.generator, ema)[0], given.z, temperature)

    return gan._replace(generate=generate, tempers=True)


def likelihood(net: SequenceNetwork) -> steps.PlayerLoss:
    """The loss of maximum likelihood: the mean negative log-likelihood of a token, its ends included.

    Args:
      net: the generator.

    Returns:
      For `steps.one_player`.

    Example:
      See `jgan.models.language_model`.
    """

    def loss(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        del key
        logs = sequences.log_probabilities(net, params, batch.x)
        # The tokens of all devices, divided among them: so the mean over devices is that over all tokens.
        count = collectives.mean(jnp.sum(sequences.alive(batch.x, net.end), dtype=jnp.float32), axis_name)
        value = -jnp.sum(logs) / count
        return value, (state.generator.model_state, {"likelihood_loss": value})

    return loss


def log_probability(net: SequenceNetwork) -> Callable[[PlayerState, Any], jax.Array]:
    """The exact log probability of tokens under a generator, for evaluators.

    Args:
      net: the generator.

    Returns:
      `(state.generator, tokens [B, L]) -> [B, L]` in nats, 0 after the end of a sequence.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import DataSpec
      >>> from jgan.models import language_model, sequences
      >>> config, spec = language_model.Config(), DataSpec.tokens(3, 5, steps_per_epoch=10)
      >>> player = language_model.make(config, spec).init(jax.random.key(0)).generator
      >>> net = sequences.network_of(config.generator, spec)
      >>> sequences.log_probability(net)(player, jnp.zeros((2, 3), jnp.int32)).shape
      (2, 3)
    """

    def of(player: PlayerState, tokens: Any) -> jax.Array:
        return sequences.log_probabilities(net, optim.ema_params(player), jnp.asarray(tokens, jnp.int32))

    return of


def clipped(optimizer: options.Optimizer, rate: float, norm: float) -> optax.GradientTransformation:
    """An optimiser after clipping the gradient to a norm.

    Args:
      optimizer: its options.
      rate: the learning rate, instead of theirs.
      norm: the largest norm of the gradient of all parameters; 0 for no clipping.

    Returns:
      The gradient transformation.

    Raises:
      ValueError: if the norm is negative, or the optimiser is unknown.

    Example:
      >>> from jgan.models import options, sequences
      >>> made = sequences.clipped(options.Optimizer(), 1e-2, 5.0)
    """
    if norm < 0:
        raise ValueError(f"clip must not be negative, found {norm}")
    made = options.optimizers(dataclasses.replace(optimizer, learning_rate=rate, d_learning_rate=0.0), options.Rule())
    return optax.chain(optax.clip_by_global_norm(norm), made.generator) if norm else made.generator


def entered(state: GANState, optimizers: steps.Optimizers, previous: GANState, *, discriminator: bool = False) -> GANState:
    """The state at the start of a phase that goes on with the networks of the phase before, with new optimisers.

    Args:
      state: the state of the new phase before its first step, as `init` returns it.
      optimizers: the optimisers of the new phase.
      previous: the final state of the phase before.
      discriminator: whether its discriminator is taken over too, with its optimiser.

    Returns:
      The state; its arrays are copies, since a step is given the buffers of its state.

    Example:
      See `jgan.models.seqgan`.
    """
    params = phases.graft(state.generator.params, previous.generator.params)
    state = state._replace(generator=phases.restarted(state.generator, params, optimizers.generator))
    return state._replace(discriminator=jax.tree.map(jnp.array, previous.discriminator)) if discriminator else state


SMALL_SPEC = DataSpec.tokens(4, 5, steps_per_epoch=2, end=0)
"""The data of the small models."""


def small_generator(config: Generator) -> Generator:
    """The generator made small, for tests."""
    return dataclasses.replace(config, embedding=3, hidden=4, stddev=0.5)
