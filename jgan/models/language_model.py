"""A recurrent language model: maximum likelihood alone, the baseline of every GAN for text.

It is the generator of SeqGAN, or of RelGAN, trained as in their first phase and no further. Sampled at temperatures below 1 its
lines are better and less varied; the curve of quality against diversity over temperatures is what a GAN has to be compared
with (Caccia et al., 2018), and it was better than those of the GANs tested: `python -m benchmarks.text_quality`.
"""

import dataclasses

from jgan import steps
from jgan.models import accepts, options, sequences
from jgan.models.alone import alone
from jgan.models.model import Model, Preset
from jgan.models.sequences import SMALL_SPEC, Generator
from jgan.networks.sequences import latent_keys
from jgan.types import GAN, DataSpec


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    generator: Generator = Generator()
    """the network"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-2, b1=0.9)
    """the optimiser"""
    clip: float = 5.0
    """largest norm of the gradient; 0: no clipping"""


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a language model.

    Args:
      config: the options of the model.
      spec: the sequences.

    Returns:
      The `GAN` of one player; its latents are keys, and its samples take a temperature.

    Raises:
      ValueError: if an option is out of range.

    Example:
      >>> import jax
      >>> from jgan import DataSpec
      >>> from jgan.models import language_model
      >>> gan = language_model.make(language_model.Config(), DataSpec.tokens(6, 9, steps_per_epoch=10))
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2, temperature=0.7).shape
      (2, 6)

    References:
      Caccia et al., "Language GANs Falling Short" (2018), https://arxiv.org/abs/1811.02549
    """
    net = sequences.network_of(config.generator, spec)
    optimizer = sequences.clipped(config.optimizer, config.optimizer.learning_rate, config.clip)
    made = alone(sequences.network(net), sequences.likelihood(net), steps.Optimizers(optimizer, optimizer), latent_keys)
    return sequences.sampling(made, net)


PRESETS = {
    "language_model": Preset(
        description="recurrent language model on sequences of a random LSTM, 500 words; any text: --dataset lines",
        dataset="oracle:500:20",
        batch_size=64,
        steps=12_000,
        config=Config(),
    ),
    "language_model_lines": Preset(
        description="recurrent language model on lines of a text, as words: --data-dir FILE",
        dataset="lines:min2",
        batch_size=64,
        steps=10_000,
        config=Config(Generator(embedding=64, hidden=256), options.Optimizer("adam", learning_rate=2e-3, b1=0.9)),
    ),
}


def small(config: Config) -> Config:
    """The configuration with a small network, for tests."""
    fast = options.Optimizer("adam", learning_rate=0.3)  # a rate at which one step changes samples
    return dataclasses.replace(config, generator=sequences.small_generator(config.generator), optimizer=fast)


MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.tokens,
    small,
    SMALL_SPEC,
    evaluator="text",
    tools=lambda config, spec: {"log_probability": sequences.log_probability(sequences.network_of(config.generator, spec))},
)
