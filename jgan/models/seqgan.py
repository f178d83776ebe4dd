"""SeqGAN (Yu et al., 2017), https://arxiv.org/abs/1609.05473: a generator of sequences trained by policy gradient.

Three phases: maximum likelihood of the generator; the discriminator alone; the game, in which the reward of a token is the mean
probability of being real that the discriminator gives to completions of the sequence up to this token, drawn by the generator
itself. The loss is `-sum log p(token) reward` over the batch and the time, as published, without a baseline. `baseline`
subtracts the mean reward of the other sequences at the same place, which changes the gradient's variance but not its mean.

Two differences from the authors' code: the fakes of every discriminator update are new (there: 9,984 at a time, used for three
epochs), and rollouts are by the present generator. The code's delayed copy for them, with the rate 0.8, is never read: its
sampling graph was built on the generator itself.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan import collectives, games, steps
from jgan.games import Fakes
from jgan.models import accepts, options, sequences
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.models.sequences import SMALL_SPEC, Generator
from jgan.networks import TextCNN, from_module
from jgan.networks.sequences import SequenceNetwork, completed, latent_keys, log_probabilities, sampled
from jgan.networks.text_discriminators import FILTERS, WIDTHS
from jgan.rng import Stream, stream
from jgan.types import GAN, Batch, DataSpec, GANState, Inputs, Key, Network, Phase, PyTree


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model; the defaults are the authors'."""

    generator: Generator = Generator()
    """the generator"""
    pretrain_steps: int = 18_720
    """updates of the first phase, maximum likelihood"""
    pretrain_learning_rate: float = 0.0
    """learning rate of the first phase; 0: that of the optimiser"""
    d_pretrain_steps: int = 46_800
    """updates of the second phase, the discriminator's"""
    n_critic: int = 4_680
    """discriminator updates for one of the generator in the third phase"""
    rollouts: int = 16
    """completions of each beginning of a sequence, for the reward of its last token"""
    baseline: bool = False
    """subtract the mean reward of the other sequences at the same place"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-2, d_learning_rate=1e-4, b1=0.9)
    """the optimiser of both players; a new one for the generator in the third phase"""
    clip: float = 5.0
    """largest norm of the generator's gradient; 0: no clipping"""
    d_embedding: int = 64
    """size of an embedded token of the discriminator"""
    d_widths: tuple[int, ...] = WIDTHS
    """widths of its filters, in tokens; those longer than a sequence are left out"""
    d_filters: tuple[int, ...] = FILTERS
    """number of its filters of each width"""
    d_keep: float = 0.75
    """share of its features that dropout keeps"""
    d_l2: float = 0.2
    """weight of half the squared norm of its last layer"""


def rewards(
    net: SequenceNetwork,
    params: PyTree,
    judge: Callable[[Any], jax.Array],
    z: jax.Array,
    tokens: jax.Array,
    rollouts: int,
) -> jax.Array:
    """The reward of each token: the mean judgement of completions of its sequence up to it; of the last, that of the sequence.

    All beginnings of all sequences are completed at once, one rollout after the other, so that the memory does not grow with
    their number.

    Args:
      net: the generator.
      params: its parameters.
      judge: `(tokens [M, L]) -> [M]`, such as the discriminator's probability of being real.
      z: `[B, 2]` uint32, the data of a key for each sequence.
      tokens: `[B, L]` int32.
      rollouts: completions of each beginning.

    Returns:
      `[B, L]` float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan.models import seqgan
      >>> from jgan.networks import lstm, sequences
      >>> net, key = lstm.lstm(4, 3), jax.random.key(0)
      >>> params, z = net.init(key), sequences.latent_keys(key, 2)
      >>> first = lambda tokens: tokens[:, 0].astype(jnp.float32)
      >>> tokens = jnp.array([[1, 0, 0], [3, 2, 1]])
      >>> seqgan.rewards(net, params, first, z, tokens, 5).tolist()  # the first token is given to every completion
      [[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]]
    """
    n, length = tokens.shape
    last = judge(tokens)
    if length == 1:
        return last[:, None]
    given = jnp.repeat(jnp.arange(1, length, dtype=jnp.int32), n)
    beginnings = jnp.tile(tokens, (length - 1, 1))
    keys = jax.vmap(jax.random.wrap_key_data)(jnp.tile(z, (length - 1, 1)))

    def one(total: jax.Array, index: jax.Array) -> tuple[jax.Array, None]:
        own = jax.random.key_data(jax.vmap(jax.random.fold_in)(keys, index * length + given))
        whole = completed(net, params, own, beginnings, given)
        return total + judge(whole).reshape(length - 1, n), None

    total, _ = jax.lax.scan(one, jnp.zeros((length - 1, n)), jnp.arange(rollouts, dtype=jnp.int32))
    return jnp.concatenate([total / rollouts, last[None]]).T


def above_others(values: jax.Array, axis_name: str | None = None) -> jax.Array:
    """Rewards `[B, L]` less the mean of the other sequences' at the same place, over all devices."""
    n = len(values) * (1 if axis_name is None else jax.lax.psum(1, axis_name))
    if n < 2:
        raise ValueError("the baseline is the mean reward of other sequences: the batch must have at least 2")
    mean = collectives.mean(jnp.mean(values, axis=0, keepdims=True), axis_name)
    return (values - mean) * (n / (n - 1))


def game(config: Config, net: SequenceNetwork, discriminator: Network) -> games.Functions:
    """The game of the third phase.

    Args:
      config: the options of the model.
      net: the generator.
      discriminator: the discriminator.

    Returns:
      The game. Its fakes are tokens, through which no gradient flows: the generator's loss has its parameters in `log p`.

    Example:
      See `make`.
    """

    def fakes(key: Key, g_params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        z = latent_keys(stream(key, Stream.LATENTS), len(batch.x), axis_name)
        x = sampled(net, jax.lax.stop_gradient(g_params), z)
        return Fakes(x, Inputs(z)), state.generator.model_state

    def judged(key: Key, params: PyTree, side: Stream, x: jax.Array, axis_name: str | None) -> jax.Array:
        return discriminator.apply(params, {}, x, key=stream(key, side), train=True, axis_name=axis_name)[0]

    def d_loss(key: Key, d_params: PyTree, state: GANState, batch: Batch, made: Fakes, axis_name: str | None):
        real = judged(key, d_params, Stream.DISCRIMINATOR_REAL, batch.x, axis_name)
        fake = judged(key, d_params, Stream.DISCRIMINATOR_FAKE, made.x, axis_name)
        value = 0.5 * (jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake)))
        metrics = {
            "d_loss": value,
            "d_real_accuracy": jnp.mean(real > 0, dtype=jnp.float32),
            "d_fake_accuracy": jnp.mean(fake < 0, dtype=jnp.float32),
        }
        norms = [jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(d_params["output"])]
        return value + 0.5 * config.d_l2 * sum(norms), (state.discriminator.model_state, state.memory, metrics)

    def g_loss(key: Key, g_params: PyTree, state: GANState, batch: Batch, made: Fakes, axis_name: str | None):
        def judge(tokens: jax.Array) -> jax.Array:
            return jax.nn.sigmoid(discriminator.apply(state.discriminator.params, {}, tokens)[0])

        z = latent_keys(stream(key, Stream.ROLLOUTS), len(made.x), axis_name)
        reward = jax.lax.stop_gradient(rewards(net, jax.lax.stop_gradient(g_params), judge, z, made.x, config.rollouts))
        advantage = above_others(reward, axis_name) if config.baseline else reward
        logs = log_probabilities(net, g_params, made.x)
        # A sum over the whole batch, as published. The gradients of several devices are averaged, hence their number.
        devices = 1 if axis_name is None else jax.lax.psum(1, axis_name)
        value = -devices * jnp.sum(logs * advantage)
        return value, (state.memory, {"g_loss": value, "reward": jnp.mean(reward[:, -1])})

    return games.Functions(fakes, g_loss, d_loss)


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds SeqGAN.

    Args:
      config: the options of the model.
      spec: the sequences.

    Returns:
      The phases: `likelihood`, `discriminator` and `adversarial`; one without steps is left out.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import seqgan
      >>> phases = seqgan.make(seqgan.small(seqgan.Config()), DataSpec.tokens(4, 5, steps_per_epoch=2))
      >>> [phase.name for phase in phases], phases[-1].gan.n_critic
      (['likelihood', 'discriminator', 'adversarial'], 3)
    """
    if min(config.pretrain_steps, config.d_pretrain_steps) < 0 or config.rollouts < 1:
        raise ValueError(
            f"pretrain_steps and d_pretrain_steps must not be negative and rollouts at least 1, found "
            f"{config.pretrain_steps}, {config.d_pretrain_steps} and {config.rollouts}"
        )
    if len(config.d_widths) != len(config.d_filters) or min(config.d_widths, default=99) > spec.shape[0]:
        raise ValueError(
            f"d_widths and d_filters must be as many, with a width of at most the {spec.shape[0]} tokens of a sequence, found "
            f"{config.d_widths} and {config.d_filters}"
        )
    net = sequences.network_of(config.generator, spec)
    module = TextCNN(spec.one.x.size, config.d_embedding, config.d_widths, config.d_filters, config.d_keep)
    discriminator = from_module(module, spec.shape, input_dtypes=(jnp.int32,))
    played, rate = game(config, net, discriminator), config.optimizer.learning_rate
    d_optimizer = sequences.clipped(config.optimizer, config.optimizer.d_learning_rate or rate, 0.0)
    optimizers, pretraining = (
        steps.Optimizers(sequences.clipped(config.optimizer, own, config.clip), d_optimizer)
        for own in (rate, config.pretrain_learning_rate or rate)
    )

    def discriminates(key: Key, params: PyTree, state: GANState, batch: Batch, axis_name: str | None):
        made, _ = played.fakes(key, state.generator.params, state, batch, axis_name)
        value, (model_state, _, metrics) = played.d_loss(key, params, state, batch, made, axis_name)
        return value, (model_state, metrics)

    def gan(made: steps.Steps, optimizers: steps.Optimizers = optimizers, n_critic: int = 1) -> GAN:
        parts: dict[str, Any] = {"generator": sequences.network(net), "discriminator": discriminator, "latents": latent_keys}
        return sequences.sampling(assemble(played, made, optimizers, n_critic=n_critic, **parts), net)

    first = gan(steps.one_player(sequences.likelihood(net), pretraining), pretraining)
    second = gan(steps.one_player(discriminates, optimizers, player="discriminator"))
    third = gan(steps.alternating(played, optimizers, n_critic=config.n_critic, scanned=True), n_critic=config.n_critic)

    def enter(phase: GAN, discriminator: bool) -> Callable[[Key, GANState], GANState]:
        return lambda key, before: sequences.entered(phase.init(key), optimizers, before, discriminator=discriminator)

    made = [Phase(first, config.pretrain_steps, name="likelihood")] if config.pretrain_steps else []
    if config.d_pretrain_steps:
        made.append(Phase(second, config.d_pretrain_steps, enter=enter(second, False) if made else None, name="discriminator"))
    taken = bool(config.d_pretrain_steps)
    return (*made, Phase(third, enter=enter(third, taken) if made else None, name="adversarial"))


QUARTER = tuple(filters // 4 for filters in FILTERS)


def _adam(rate: float) -> options.Optimizer:
    return options.Optimizer("adam", learning_rate=rate, b1=0.9)


# With the published rates of 1e-2 and 1e-4 in the game, samples got worse by the update: the generator's steps are larger than
# what its noisy gradient can guide, and the discriminator knows too little after phases of these lengths. With 1e-3 for both, a
# fixed discriminator raises the likelihood of samples steadily.

PRESETS = {
    "seqgan": Preset(
        description="SeqGAN on sequences of a random LSTM, 500 words of which the likelihood is known",
        dataset="oracle:500:20",
        batch_size=64,
        steps=14_000,
        config=Config(
            pretrain_steps=12_000,
            pretrain_learning_rate=1e-2,
            d_pretrain_steps=1_000,
            n_critic=5,
            optimizer=_adam(1e-3),
            d_filters=QUARTER,
        ),
        sample_every=500,
    ),
    "seqgan_lines": Preset(
        description="SeqGAN on lines of a text, as words: --data-dir FILE; slow, for a GPU",
        dataset="lines:min2",
        batch_size=64,
        steps=11_500,
        config=Config(
            generator=Generator(embedding=64, hidden=256),
            pretrain_steps=10_000,
            d_pretrain_steps=1_000,
            n_critic=5,
            pretrain_learning_rate=2e-3,
            optimizer=_adam(1e-3),
            d_filters=QUARTER,
        ),
        sample_every=500,
    ),
}


def small(config: Config) -> Config:
    """The configuration with small networks and short phases, for tests."""
    return dataclasses.replace(
        config,
        generator=sequences.small_generator(config.generator),
        pretrain_learning_rate=0.3,
        optimizer=options.Optimizer("adam", learning_rate=0.3, d_learning_rate=1e-2),
        pretrain_steps=min(config.pretrain_steps, 3),
        d_pretrain_steps=min(config.d_pretrain_steps, 2),
        n_critic=min(config.n_critic, 3),
        rollouts=2,
        d_embedding=3,
        d_widths=(1, 2),
        d_filters=(3, 2),
    )


def tools(config: Config, spec: DataSpec) -> dict[str, Any]:
    """What the evaluator needs."""
    return {"log_probability": sequences.log_probability(sequences.network_of(config.generator, spec))}


MODEL = Model(Config, make, PRESETS, accepts.tokens, small, SMALL_SPEC, evaluator="text", tools=tools)
