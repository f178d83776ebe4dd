"""ProGAN (Karras et al., 2018), https://arxiv.org/abs/1710.10196: the images grow from 4x4 to full size in phases.

The 4x4 phase trains for `stable_images`. Then each resolution fades in for `fade_images`, while the real images are blended
with their reduction in the same way, and trains for `stable_images`; the last one trains to the end of the run. As in the
authors' code Adam's moments are reset at each of these phases, the averaged generator goes on, and all layers exist from the
start.

Sides are 4 to 7 times a power of two: 28x28 images grow from 7x7 over 14x14, 32x32 from 4x4. Images have full size outside the
networks: fakes are enlarged to it, and the discriminator reduces its images. The penalty `lambda (|grad| - t)^2 / t^2` is that
of the authors' code, in their images in [-1, 1], where a gradient is half of that in this library's images.

The defaults are the authors' TensorFlow code. `progan_cifar10` is the configuration of their Theano code with an Inception
score of 8.80: 128 channels, a target norm of 750, both players updated at once, the minibatch standard deviation of the batch.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jgan import games, penalties, phases, rng, steps
from jgan.losses import wasserstein
from jgan.models import accepts, options
from jgan.models.assembly import assemble, unit_interval
from jgan.models.model import Model, Preset
from jgan.networks import ProGANDiscriminator, ProGANGenerator, from_module, pyramid
from jgan.networks.resample import average_pool, nearest
from jgan.types import DataSpec, GANState, Key, Metrics, Network, Phase, Step


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model."""

    latent_size: int = 512
    """dimension of the noise z; the network scales it to a mean square of 1"""
    fmap_base: int = 8192
    """the layers of the base have half as many channels, and each resolution above half of those before it"""
    fmap_max: int = 512
    """largest number of channels"""
    group: int = 4
    """examples in a group of the minibatch standard deviation; 0: the whole batch"""
    stable_images: int = 600_000
    """real images for which a resolution trains before the next fades in"""
    fade_images: int = 600_000
    """real images during which a resolution fades in"""
    penalty: float = 10.0
    """lambda of the gradient penalty"""
    target: float = 1.0
    """target norm t of the gradient"""
    drift: float = 0.001
    """weight of the squared logits of real images"""
    rule: options.Rule = options.Rule()
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-3, b1=0.0, b2=0.99)
    """the optimiser of both players"""
    ema: options.EMA = options.EMA(0.999)
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters and losses are float32"""


def check(spec: DataSpec) -> None:
    """Accepts one set of images with sides that the networks can generate.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.images(spec)
    pyramid.levels(spec.shape, "ProGAN")


def blended(images: jax.Array, share: jax.Array, halvings: int) -> jax.Array:
    """Real images while a resolution fades in: `share x + (1 - share)` their reduction, enlarged again.

    Args:
      images: `[..., height, width, channels]` float.
      share: the weight of the images themselves.
      halvings: how often the sides of the reduction are halved.

    Returns:
      The same shape.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.models import progan
      >>> progan.blended(jnp.array([0.0, 1, 1, 0]).reshape(1, 2, 2, 1), jnp.array(0.5), 1).ravel().tolist()
      [0.25, 0.75, 0.75, 0.25]
    """
    reduced = images.reshape(-1, *images.shape[-3:])
    for _ in range(halvings):
        reduced = average_pool(reduced)
    for _ in range(halvings):
        reduced = nearest(reduced)
    return share * images + (1 - share) * reduced.reshape(images.shape)


def regularisers(config: Config) -> tuple[penalties.Penalty, ...]:
    """The penalties of the critic: on its gradient, and on its logits of real images.

    Args:
      config: the options of the model.

    Returns:
      The penalties. The first is `lambda (|grad| - t)^2 / t^2`, where the gradient is that in images in [-1, 1].

    Example:
      >>> from jgan.models import progan
      >>> len(progan.regularisers(progan.Config()))
      2
    """
    target = 2.0 * config.target  # from one end of the images to the other is 2 in the networks' units, and 1 in the library's
    return penalties.gradient_penalty(config.penalty / target**2, target=target), penalties.drift(config.drift)


def phase(config: Config, spec: DataSpec, level: int, fading: bool, last: bool) -> Phase:
    """One phase of the training.

    Args:
      config: the options of the model.
      spec: the data; the lengths of the phases need its batch size.
      level: the level of the images; 0 is the base.
      fading: whether the level fades in.
      last: whether the phase trains to the end of the run.

    Returns:
      The `Phase`; its GAN has the parameters of all levels.

    Example:
      See `make`.
    """
    top, base = pyramid.levels(spec.shape, "ProGAN")
    length = max(1, (config.fade_images if fading else config.stable_images) // max(1, spec.batch_size))
    progress = (lambda step: jnp.minimum(step.astype(jnp.float32) / length, 1.0)) if fading else None
    generator, discriminator = networks(config, spec, level, fading)
    game = games.Adversarial(
        generator,
        discriminator,
        lambda key, n, axis_name=None: rng.latents(key, n, config.latent_size, axis_name=axis_name),
        wasserstein,
        penalties=regularisers(config),
        progress=progress,
    )
    optimizers = options.optimizers(config.optimizer, config.rule, config.ema.average(spec))
    made = config.rule.steps(game, optimizers)
    if progress is not None:
        made = steps.Steps(*(_on_blended(step, progress, top - level + 1) for step in made))
    gan = assemble(game, made, optimizers, output=unit_interval, n_critic=config.rule.n_critic)

    def enter(key: Key, before: GANState) -> GANState:
        del key  # the networks exist already
        generator, discriminator = (
            phases.restarted(player, phases.graft(player.params, player.params), optimizer)
            for player, optimizer in (
                (before.generator, optimizers.generator),
                (before.discriminator, optimizers.discriminator),
            )
        )
        generator = generator._replace(ema=jax.tree.map(jnp.array, before.generator.ema))
        return GANState(jnp.zeros((), jnp.int32), generator, discriminator, game.memory())

    size = "x".join(str(side << level) for side in base)
    return Phase(gan, None if last else length, enter=enter, name=f"{size} fade-in" if fading else size)


def networks(config: Config, spec: DataSpec, level: int, fading: bool) -> tuple[Network, Network]:
    """The two players of one phase, with the parameters of all levels.

    Args:
      config: the options of the model.
      spec: the shape of the images.
      level: the level of the images; 0 is the base.
      fading: whether the level fades in.

    Returns:
      `(generator, discriminator)`; both take the progress of the fade-in, if there is one.

    Example:
      See `make`.
    """
    common = (spec.shape, config.fmap_base, config.fmap_max, level, fading, jnp.dtype(config.dtype))
    progress = (None,) if fading else ()
    return (
        from_module(ProGANGenerator(*common), (config.latent_size,), *progress),
        from_module(ProGANDiscriminator(*common, config.group), spec.shape, *progress),
    )


def _on_blended(step: Step, progress: Any, halvings: int) -> Step:
    """A step on real images that are blended as the fakes are."""

    def run(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        x = blended(batch.x, progress(state.step), halvings)
        return step(key, state, batch._replace(x=x), axis_name=axis_name)

    return run


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds a ProGAN.

    Args:
      config: the options of the model.
      spec: the shape of the images and the batch size.

    Returns:
      The `Phase`s: the base, then for each level its fade-in and its stable phase.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import progan
      >>> spec = DataSpec.images((28, 28, 1), steps_per_epoch=600, batch_size=100)
      >>> [(phase.name, phase.steps) for phase in progan.make(progan.Config(), spec)]
      [('7x7', 6000), ('14x14 fade-in', 6000), ('14x14', 6000), ('28x28 fade-in', 6000), ('28x28', None)]
    """
    top, _ = pyramid.levels(spec.shape, "ProGAN")
    plan = [(0, False), *((level, fading) for level in range(1, top + 1) for fading in (True, False))]
    return tuple(phase(config, spec, *stage, last=stage == plan[-1]) for stage in plan)


_SMALL_IMAGES = Config(latent_size=128, fmap_base=1024, fmap_max=64, stable_images=100_000, fade_images=100_000)

PRESETS = {
    "progan": Preset(
        description="progressively growing GAN on scikit-learn's 8x8 digits; any images: --dataset folder --data-dir PATH",
        dataset="digits",
        batch_size=16,
        steps=10_000,
        config=dataclasses.replace(_SMALL_IMAGES, stable_images=24_000, fade_images=24_000),
    ),
    "progan_mnist": Preset(
        description="progressively growing GAN on MNIST, 28x28 digits",
        dataset="mnist",
        batch_size=16,
        steps=50_000,
        config=_SMALL_IMAGES,
    ),
    "progan_fashion_mnist": Preset(
        description="progressively growing GAN on Fashion-MNIST, 28x28 articles of clothing",
        dataset="fashion_mnist",
        batch_size=16,
        steps=50_000,
        config=_SMALL_IMAGES,
    ),
    "progan_cifar10": Preset(
        description="progressively growing GAN on CIFAR-10, the published configuration: for a GPU",
        dataset="cifar10",
        batch_size=16,
        steps=1_250_000,
        config=Config(
            latent_size=128,
            fmap_base=4096,
            fmap_max=128,
            group=0,
            stable_images=400_000,
            fade_images=400_000,
            target=750.0,
            rule=options.Rule("simultaneous"),
        ),
    ),
}


def small(config: Config) -> Config:
    """Small networks and short phases, for tests: the same for all presets."""
    return Config(
        latent_size=6, fmap_base=16, fmap_max=8, stable_images=12, fade_images=12, ema=options.EMA(0.9), dtype=config.dtype
    )


MODEL = Model(
    Config, make, PRESETS, check, small, DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=4), nearest=pyramid.nearest
)
