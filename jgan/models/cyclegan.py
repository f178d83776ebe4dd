"""CycleGAN (Zhu et al., 2017), https://arxiv.org/abs/1703.10593: translation between two unpaired domains of images.

The generator player has two networks, `ab` from domain a to b and `ba` back; the discriminator player has one per domain.
With |.| the mean absolute value, the generators minimise the least-squares adversarial losses, the cycle loss
`cycle_weight (|G_ba(G_ab(a)) - a| + |G_ab(G_ba(b)) - b|)`, and the identity loss
`cycle_weight identity_weight (|G_ab(b) - b| + |G_ba(a) - a|)`, of images in [-1, 1]. Each discriminator sees fakes from an
image pool.

The authors' code updates both generators first, then both discriminators on fakes made before: all from the same old
parameters, the simultaneous rule. `rule.name="generator_first"` makes the discriminators see fakes of the new generators;
`"alternating"` updates the discriminators first. The authors use the identity loss always, the paper for paintings only.

The authors' configuration for 256x256 images is `g_width=64, g_blocks=9, d_width=64, d_layers=3, epochs=EpochDecay()` and
`views=view_options.AUTHORS`, with batches of one image; for 128x128 they have `g_blocks=6`. The metrics `cycle_loss` and
`identity_loss` are of images in [0, 1], half of the distances that the weights count.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jgan import pool
from jgan.losses import LOSSES, Loss
from jgan.models import accepts, options
from jgan.models.assembly import assemble
from jgan.models.model import Model, Preset
from jgan.models.view_options import Views
from jgan.networks import PatchDiscriminator, ResNetGenerator, from_module, several
from jgan.networks.translation import smallest_side
from jgan.rng import Stream, stream
from jgan.types import GAN, DataSpec, Network, Whole


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model; the networks are the authors', scaled down for 32x32 images."""

    g_width: int = 32
    """channels of the generators after their first convolution (authors: 64)"""
    g_blocks: int = 4
    """residual blocks of the generators (authors: 9 for 256x256, 6 for 128x128)"""
    g_downsamplings: int = 2
    """convolutions of stride 2 of the generators; 0 or 1 for images below 32x32"""
    d_width: int = 32
    """channels of the discriminators after their first convolution (authors: 64)"""
    d_layers: int = 2
    """convolutions of stride 2 of the discriminators: 2 for patches of 34x34, 3 for 70x70 (authors)"""
    loss: str = "least_squares"
    """a name in jgan.losses.LOSSES"""
    adversarial_weight: float = 2.0
    """factor on the generators' adversarial loss; 2 cancels the factor 1/2 of least squares, as in the authors' code"""
    cycle_weight: float = 10.0
    """weight of the cycle loss, the mean absolute difference of images in [-1, 1]"""
    identity_weight: float = 0.5
    """weight of the identity loss, times that of the cycle; 0 if the translation changes colours, or the sets their channels"""
    pool_size: int = 50
    """capacity of the image pool of each domain; 0: no pool"""
    rule: options.Rule = options.Rule("simultaneous")
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.5)
    """the optimiser of both players"""
    epochs: options.EpochDecay = options.EpochDecay(0, 0)
    """the decay of both learning rates; the authors have 100 constant epochs and 100 of decay"""
    views: Views = Views()
    """random views of the images of each domain"""
    ema: options.EMA = options.EMA()
    """the average of the generators' weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters, statistics of normalisation and losses are float32"""


@dataclasses.dataclass(frozen=True)
class CycleGame:
    """The game of the two pairs of networks; batches are `{"a": Batch, "b": Batch}`.

    Attributes:
      generator: the networks `ab` and `ba`.
      discriminator: the networks `a` and `b`, which return logits `[B, h, w]` of patches.
      loss: the elementwise adversarial losses.
      config: the weights and the size of the pool.
      shapes: the shape of an image of each domain.
    """

    generator: Network
    discriminator: Network
    loss: Loss
    config: Config
    shapes: dict[str, tuple[int, ...]]
    both = None

    def memory(self) -> dict[str, pool.Pool]:
        """An empty pool of fakes for each domain."""
        return {name: pool.init(self.config.pool_size, shape) for name, shape in self.shapes.items()}

    def fakes(self, key, g_params, state, batch, axis_name):
        """`({"a": G_ba(b), "b": G_ab(a)}, new model state)`."""
        sources = {"ab": batch["a"].x, "ba": batch["b"].x}
        out, model_state = self._generate(key, g_params, state, sources, axis_name)
        return {"a": out["ba"], "b": out["ab"]}, model_state

    def g_loss(self, key, g_params, state, batch, fakes, axis_name):
        """Adversarial, cycle and identity losses of both generators: `(loss, (memory, metrics))`."""
        config, real = self.config, {name: batch[name].x for name in ("a", "b")}
        logits, _ = self._discriminate(key, state.discriminator.params, state, fakes, axis_name)
        values = [jnp.mean(self.loss.generator(None, logits[name])) for name in ("a", "b")]
        back, _ = self._generate(key, g_params, state, {"ab": fakes["a"], "ba": fakes["b"]}, axis_name)
        metrics = {
            "g_loss": config.adversarial_weight * sum(values, jnp.zeros(())),
            "cycle_loss": _distance(back["ba"], real["a"]) + _distance(back["ab"], real["b"]),
        }
        weight = 2 * config.cycle_weight  # images are in [0, 1] here
        value = metrics["g_loss"] + weight * metrics["cycle_loss"]
        if config.identity_weight:
            same, _ = self._generate(key, g_params, state, {"ab": real["b"], "ba": real["a"]}, axis_name)
            metrics["identity_loss"] = _distance(same["ba"], real["a"]) + _distance(same["ab"], real["b"])
            value = value + weight * config.identity_weight * metrics["identity_loss"]
        return value, (state.memory, metrics)

    def d_loss(self, key, d_params, state, batch, fakes, axis_name):
        """The losses of both discriminators on reals and pooled fakes: `(loss, (model state, memory, metrics))`."""
        shown, memory = {}, {}
        for index, name in enumerate(("a", "b")):
            pool_key = jax.random.fold_in(stream(key, Stream.POOL), index)
            shown[name], memory[name] = pool.exchange(pool_key, state.memory[name], fakes[name], axis_name)
        real, model_state = self._discriminate(key, d_params, state, {name: batch[name].x for name in shown}, axis_name)
        state = state._replace(discriminator=state.discriminator._replace(model_state=model_state))
        fake, model_state = self._discriminate(key, d_params, state, shown, axis_name)
        value = sum((jnp.mean(self.loss.discriminator(real[name], fake[name])) for name in shown), jnp.zeros(()))
        boundary = self.loss.boundary
        metrics = {
            "d_loss": value,
            "d_real_accuracy": _mean(real[name] > boundary for name in shown),
            "d_fake_accuracy": _mean(fake[name] < boundary for name in shown),
        }
        return value, (model_state, memory, metrics)

    def _generate(self, key, params, state, sources, axis_name):
        key = stream(key, Stream.GENERATOR)
        return self.generator.apply(params, state.generator.model_state, sources, key=key, train=True, axis_name=axis_name)

    def _discriminate(self, key, params, state, images, axis_name):
        key = stream(key, Stream.DISCRIMINATOR_FAKE)
        return self.discriminator.apply(
            params, state.discriminator.model_state, images, key=key, train=True, axis_name=axis_name
        )


def _distance(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean(jnp.abs(x - y))


def _mean(maps: Any) -> jax.Array:
    return jnp.mean(jnp.stack([jnp.mean(each, dtype=jnp.float32) for each in maps]))


def make(config: Config, spec: DataSpec) -> GAN:
    """Builds a CycleGAN between the sets "a" and "b".

    Args:
      config: the options of the model.
      spec: the shapes of the images of both sets.

    Returns:
      The `GAN`, conditioned on images: `gan.sample(key, state, n, images={"ab": images_of_a})` returns the translations.

    Raises:
      ValueError: if an option is out of range, or there is an identity loss between images of different channels.

    Example:
      >>> import jax, numpy as np
      >>> from jgan import data
      >>> from jgan.models import cyclegan
      >>> spec = data.spec(data.load("inverted:digits"), batch_size=4)
      >>> gan = cyclegan.make(cyclegan.small(cyclegan.Config()), spec)
      >>> key = jax.random.key(0)
      >>> gan.sample(key, gan.init(key), 2, images={"ab": np.zeros((2, 8, 8, 1))}).shape
      (2, 8, 8, 1)
    """
    fields, dtype = {name: batch.x for name, batch in spec.sets.items()}, jnp.dtype(config.dtype)
    channels = [fields[name].shape[-1] for name in ("a", "b")]
    if config.identity_weight and channels[0] != channels[1]:
        raise ValueError(
            f"the identity loss needs sets of equal channels, found {channels[0]} and {channels[1]}: set identity_weight to 0"
        )

    def translator(source: str, target: str) -> Network:
        module = ResNetGenerator(
            dtype=dtype,
            channels=fields[target].shape[-1],
            width=config.g_width,
            blocks=config.g_blocks,
            downsamplings=config.g_downsamplings,
        )
        return from_module(module, fields[source].shape, any_sides=True)

    def critic(name: str) -> Network:
        module = PatchDiscriminator(dtype=dtype, width=config.d_width, layers=config.d_layers)
        return from_module(module, fields[name].shape)

    game = CycleGame(
        several(ab=translator("a", "b"), ba=translator("b", "a")),
        several(a=critic("a"), b=critic("b")),
        LOSSES[config.loss],
        config,
        {name: field.shape for name, field in fields.items()},
    )
    factor = config.epochs.factor(spec)
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec), factor)
    gan = assemble(
        game,
        config.views.seen(config.rule.steps(game, optimizers), config.rule.n_critic),
        optimizers,
        generator=game.generator,
        discriminator=game.discriminator,
        condition={"ab": fields["a"], "ba": fields["b"]},
        output=lambda out: next(iter(out.values())) if len(out) == 1 else out,
    )
    return gan._replace(logits=None, whole=Whole(smallest_side(config.g_downsamplings)))


PRESETS = {
    "cyclegan": Preset(
        description="unpaired translation on scikit-learn's 8x8 digits: white on black to black on white, and back",
        dataset="inverted:digits",
        batch_size=8,
        steps=3_000,
        config=Config(g_width=16, g_blocks=2, g_downsamplings=0, d_width=16, d_layers=1, identity_weight=0.0),
    ),
    "cyclegan_mnist": Preset(
        description="unpaired translation on MNIST, 28x28: digits to inverted digits, and back",
        dataset="inverted:mnist",
        batch_size=8,
        steps=6_000,
        config=Config(g_width=16, g_blocks=3, g_downsamplings=1, d_width=16, identity_weight=0.0),
    ),
    "cyclegan_edges": Preset(
        description="unpaired translation on MNIST, 28x28: digits to their edges, and back",
        dataset="unpaired:edges:mnist",
        batch_size=8,
        steps=6_248,
        config=Config(
            g_width=16, g_blocks=3, g_downsamplings=1, d_width=16, identity_weight=0.0, epochs=options.EpochDecay(1, 1, "steps")
        ),
    ),
    "cyclegan_colours": Preset(
        description="unpaired translation on MNIST, 28x28: grey digits to coloured ones, and back; shows hidden signals",
        dataset="unpaired:coloured:mnist",
        batch_size=8,
        steps=6_248,
        config=Config(
            g_width=16, g_blocks=3, g_downsamplings=1, d_width=16, identity_weight=0.0, epochs=options.EpochDecay(1, 1, "steps")
        ),
    ),
}
"""The identity loss keeps colours; these tasks change them, so its weight is 0."""


def small(config: Config) -> Config:
    """The configuration with small networks, for tests.

    Plain descent: a bias before an instance norm has a gradient of 0, whose rounding error Adam would turn into whole steps.
    """
    sgd = options.Optimizer("sgd", learning_rate=0.01)
    return dataclasses.replace(
        config,
        g_width=2,
        g_blocks=1,
        g_downsamplings=1,
        d_width=2,
        d_layers=1,
        pool_size=3,
        optimizer=sgd,
        epochs=options.EpochDecay(1, 1),
    )


def migrated(fields: dict[str, Any], version: int) -> dict[str, Any]:
    """The options of an earlier version: before 4 both weights counted distances of images in [0, 1]."""
    if version >= 4:
        return fields
    cycle, identity = fields["cycle_weight"], fields["identity_weight"]
    if identity and not cycle:
        raise ValueError("a run of cyclegan with the identity loss and without the cycle loss cannot be continued")
    return fields | {"cycle_weight": cycle / 2, "identity_weight": identity / cycle if identity else 0.0}


_SMALL = DataSpec.images((8, 8, 1), steps_per_epoch=2)

MODEL = Model(
    Config,
    make,
    PRESETS,
    accepts.several("a", "b", equal_channels=False),
    small,
    DataSpec({"a": _SMALL.example, "b": _SMALL.example}, steps_per_epoch=2),
    evaluator="pairs",
    migrated=migrated,
)
