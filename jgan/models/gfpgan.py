"""GFP-GAN (Wang et al., 2021), https://arxiv.org/abs/2101.04061: restores degraded faces with a generator of faces as a prior.

The first phase trains a StyleGAN2 on the faces, the prior. In the second it is frozen, and a U-Net that reads the degraded face
steers it: with a style for each layer, and with a scale and a shift for half of its channels at each level. The loss is the sum
of those in `jgan.models.gfpgan_options`: of pixels, of the U-Net's own images of all levels, of the features of a frozen
network, of discriminators of the whole face and of its eyes and its mouth, and of the features of an identity network.

`CONFIGS` has the authors' configurations for 512x512; the presets are small. Of the published losses two need weights of other
networks. VGG19 can be read from its published file (`--model.losses.features vgg19:PATH`). The identity network is not ArcFace
but a small classifier of the persons of the training set, `python -m jgan.classifier --dataset ...`, whose file
`--model.losses.identity-network` names; `jgan.networks.ArcFace` is there to be counted and used from Python.

Differences from the published training: outside training the prior's noise is fixed, so that a face is always restored alike.
The prior's parameters are in `state.generator.model_state`, and not in its `params`, so that no optimiser and no average sees
them. The authors did not say whether the prior of their released models was frozen.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import games, optim, phases, steps, views
from jgan.losses import non_saturating
from jgan.models import accepts, options, stylegan2
from jgan.models.alone import NOBODY
from jgan.models.assembly import assemble, unit_interval
from jgan.models.gfpgan_game import IMAGE, RestorationGame, flips
from jgan.models.gfpgan_options import DIGITS_PRIOR, FACES_PRIOR, Components, Losses, terms_of
from jgan.models.model import Model, Preset
from jgan.networks import ComponentDiscriminator, RestorationUNet, from_module, pyramid, several
from jgan.networks.gfpgan import OWNER, guided, unguided
from jgan.networks.projected import FROZEN
from jgan.types import GAN, DataSpec, GANState, Key, Network, Phase, PyTree
from jgan.utils.registry import unknown

PRIORS = ("trained", "random", "none")


@dataclasses.dataclass(frozen=True)
class Config:
    """The options of the model; the defaults are the authors' for 512x512."""

    prior: stylegan2.Config = dataclasses.replace(stylegan2.CONFIGS["stylegan2"], channel_base=16384)
    """the prior and its training; the U-Net has half of its widths"""
    prior_steps: int = 800_000
    """steps of the first phase"""
    prior_kind: Literal["trained", "random", "none"] = "trained"
    """trained: in a first phase; random: frozen at its initial weights; none: the U-Net's largest image is the result"""
    changes: bool = True
    """whether the U-Net changes the prior's features; otherwise it only gives the styles"""
    clean: bool = False
    """whether the U-Net has plain convolutions, and both enlarge bilinearly"""
    losses: Losses = Losses()
    """the losses of restored images"""
    components: Components = Components()
    """the discriminators of the eyes and the mouth"""
    flip: bool = True
    """whether half of the faces are mirrored, in both phases"""
    rule: options.Rule = options.Rule()
    """the update rule of the second phase"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=2e-3, b1=0.0, b2=0.99)
    """the optimiser of the second phase; the discriminators of parts have b1 = 0.9"""
    halvings: tuple[int, ...] = (600_000, 700_000)
    """steps of the second phase at which the learning rates are halved"""
    ema: options.EMA = options.EMA(0.5 ** (32 / 10_000), statistics="latest")
    """the average of the U-Net's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the convolutions of the second phase; parameters, images and losses are float32"""


CONFIGS = {
    "original": Config(),
    "clean": Config(prior=stylegan2.CONFIGS["stylegan2"], clean=True),
}
"""The networks of the paper, and those of the released models 1.2 to 1.4, which were converted from others and not trained."""


def check(spec: DataSpec) -> None:
    """Accepts one set of pairs of images of one shape, with sides that the networks can make.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: for other data; the message names valid sizes.
    """
    accepts.pairs(spec)
    if spec.one.c.shape != spec.shape:
        raise ValueError(
            f"this model is for pairs of images of equal channels, found {accepts.described(spec)}: choose another --dataset"
        )
    pyramid.levels(spec.shape, OWNER)


def restorer(config: Config, spec: DataSpec) -> Network:
    """The generator of the second phase.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The `Network`: degraded images to a `jgan.networks.gfpgan.Restored`; its parameters are the U-Net's.

    Example:
      >>> import jax, math
      >>> from jgan import DataSpec
      >>> from jgan.models import gfpgan
      >>> network = gfpgan.restorer(gfpgan.Config(), DataSpec.images((512, 512, 3), 10))
      >>> trained, frozen = jax.eval_shape(network.init, jax.random.key(0))
      >>> count = lambda tree: sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))
      >>> count(trained), count(frozen["frozen"]["params"])
      (51346309, 24860935)
    """
    own, shape = prior_of(config), spec.shape
    steered = config.prior_kind != "none"
    unet = RestorationUNet(
        shape,
        own.style_size if steered else 0,
        own.channel_base,
        own.channel_max,
        config.changes and steered,
        config.clean,
        jnp.dtype(config.dtype),
    )
    network = from_module(unet, shape)
    if not steered:
        return unguided(network)
    module = stylegan2.generator_of(dataclasses.replace(own, dtype=config.dtype), spec)
    styles = (module.layers, own.style_size)
    made = jax.eval_shape(network.apply, *jax.eval_shape(network.init, jax.random.key(0)), jnp.zeros((1, *shape)))[0]
    changes = [tuple(tuple(part.shape[1:] for part in pair) for pair in made.changes)] if made.changes else []
    dtypes = [jnp.float32, *([((config.dtype,) * 2,) * len(made.changes)] if made.changes else [])]
    prior = from_module(module, styles, *changes, input_dtypes=dtypes, rngs=stylegan2.RANDOM, method="images")
    return guided(network, prior, from_module(module, (own.latent_size,), rngs=stylegan2.RANDOM))


def prior_of(config: Config) -> stylegan2.Config:
    """The options of the prior, which enlarges as the U-Net does."""
    return dataclasses.replace(config.prior, bilinear=config.clean)


def make(config: Config, spec: DataSpec) -> tuple[Phase, ...]:
    """Builds a GFP-GAN: two phases, or the second alone if its prior is not trained.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs: faces `x` and degraded faces `c`.

    Returns:
      The `Phase`s. The model of the second is conditioned on images: `gan.sample(key, state, n, images=degraded)`.

    Raises:
      ValueError: if the sides of the images do not fit, or an option is out of range.

    Example:
      >>> import jax, numpy as np
      >>> from jgan import data
      >>> from jgan.models import gfpgan
      >>> spec = data.spec(data.load("degraded:x2noise10:digits"), batch_size=4)
      >>> prior, second = gfpgan.make(gfpgan.small(gfpgan.Config()), spec)
      >>> key = jax.random.key(0)
      >>> state = second.enter(key, prior.gan.init(key))
      >>> second.gan.sample(key, state, 2, images=np.zeros((2, 8, 8, 1))).shape
      (2, 8, 8, 1)
    """
    if config.prior_kind not in PRIORS:
        raise ValueError(unknown("prior_kind", config.prior_kind, PRIORS))
    if config.ema.statistics != "latest":
        raise ValueError(f"ema.statistics must be latest, or the frozen prior is averaged, found {config.ema.statistics!r}")
    second = restoration(config, spec)
    if config.prior_kind != "trained":
        return (Phase(second),)
    if config.prior_steps < 1:
        raise ValueError(f"prior_steps must be at least 1, found {config.prior_steps}: or choose prior_kind random")
    first = stylegan2.make(prior_of(config), spec)
    if config.flip:
        mirrored = views.viewed(
            steps.Steps(first.g_step, first.d_step, first.step), views.of_images(views.flip()), first.n_critic
        )
        first = first._replace(**mirrored._asdict())

    def enter(key: Key, trained: GANState) -> GANState:
        return with_prior(second.init(key), *optim.ema_weights(trained.generator, True))

    return (
        Phase(first, steps=config.prior_steps, name="prior"),
        Phase(second, enter=enter, name="restoration"),
    )


def with_prior(state: GANState, params: PyTree, model_state: PyTree) -> GANState:
    """Puts a trained prior into the state of the second phase.

    Args:
      state: the state of the second phase.
      params: the prior's parameters.
      model_state: its other variables.

    Returns:
      The state with copies of them in `state.generator`, and in its average.

    Raises:
      ValueError: if names or shapes differ.
    """

    def grafted(own: PyTree) -> PyTree:
        return phases.graft(phases.graft(own, params, FROZEN, "params"), model_state, FROZEN, "state")

    player = state.generator._replace(model_state=grafted(state.generator.model_state))
    if player.ema != ():
        player = player._replace(ema=player.ema._replace(model_state=grafted(player.ema.model_state)))
    return state._replace(generator=player)


def restoration(config: Config, spec: DataSpec) -> GAN:
    """The model of the second phase.

    Args:
      config: the options of the model.
      spec: the shapes of the pairs.

    Returns:
      The `GAN`. Without any adversarial loss it has no discriminators.

    Raises:
      ValueError: if an option is out of range.
    """
    generator, networks = restorer(config, spec), discriminators(config, spec)
    image = games.Adversarial(
        generator,
        networks.get(IMAGE, NOBODY),
        None,
        non_saturating._replace(generator=lambda *logits: config.losses.adversarial * non_saturating.generator(*logits)),
        penalties=stylegan2.r1(config.prior) if networks else (),
        terms=terms_of(config.losses),
        augment=config.prior.augment.augmentation() if networks else None,
    )
    discriminator = several(**networks) if networks else None
    parts = config.components if len(networks) > 1 else None
    game = RestorationGame(generator, discriminator, image, config.losses, parts)
    made_by = optimizers(config, spec, tuple(networks))
    made = config.rule.steps(game, made_by) if networks else steps.one_player(game.alone, made_by)
    if config.flip:
        made = views.viewed(made, flips, config.rule.n_critic if networks else 1)
    gan = assemble(
        game,
        made,
        made_by,
        generator=generator,
        discriminator=discriminator or NOBODY,
        condition=spec.one.c,
        output=lambda out: unit_interval(out.image),
        n_critic=config.rule.n_critic if networks else 1,
    )
    return gan._replace(logits=None)


def discriminators(config: Config, spec: DataSpec) -> dict[str, Network]:
    """The discriminators whose losses have a weight.

    Args:
      config: the options of the model.
      spec: the shape of the images.

    Returns:
      The networks by name: that of whole images, and one for each part of a face; none if all weights are 0.

    Raises:
      ValueError: if there are discriminators of parts and none of whole images, or a box does not fit.
    """
    parts = bool(config.components.weight or config.components.style)
    if not config.losses.adversarial:
        if parts:
            raise ValueError("components need losses.adversarial above 0: set components.weight and components.style to 0 too")
        return {}
    found = {IMAGE: from_module(stylegan2.discriminator_of(dataclasses.replace(config.prior, dtype=config.dtype)), spec.shape)}
    if parts:
        config.components.boxes(*spec.shape[:2])
        module = ComponentDiscriminator(config.components.width, jnp.dtype(config.dtype))
        found |= {name: from_module(module, (*size, spec.shape[-1])) for name, size in config.components.sizes.items()}
    return found


def optimizers(config: Config, spec: DataSpec, networks: tuple[str, ...]) -> steps.Optimizers:
    """The optimisers of the second phase.

    The discriminator of whole images has b2^(r / (r + 1)), r being the interval of R1; its rate is not corrected. Those of
    parts have b1 = 0.9.

    Args:
      config: the options of the model.
      spec: the data, for the average.
      networks: the names of the discriminators.

    Returns:
      The `Optimizers`.

    Raises:
      ValueError: if an option is unknown.
    """
    factor = optax.piecewise_constant_schedule(1.0, dict.fromkeys(config.halvings, 0.5)) if config.halvings else None
    share = config.prior.r1_every / (config.prior.r1_every + 1)

    def built(**changes: Any) -> steps.Optimizers:
        changed = dataclasses.replace(config.optimizer, **changes)
        return options.optimizers(changed, config.rule, config.ema.average(spec), factor)

    lazy, parts = built(b2=config.optimizer.b2**share).discriminator, built(b1=0.9).discriminator
    if len(networks) < 2:
        return built()._replace(discriminator=lazy)
    labels = {name: "image" if name == IMAGE else "part" for name in networks}
    return built()._replace(discriminator=optax.multi_transform({"image": lazy, "part": parts}, labels))


_NO_PARTS = Components(weight=0.0, style=0.0)

PRESETS = {
    "gfpgan": Preset(
        description="restoration with a generative prior, on scikit-learn's 8x8 digits of half the resolution, with noise",
        dataset="degraded:x2noise10:digits",
        batch_size=16,
        steps=6_000,
        config=Config(
            prior=DIGITS_PRIOR,
            prior_steps=3_000,
            losses=Losses(pyramid_steps=500),
            components=_NO_PARTS,
            flip=False,
            halvings=(2_000, 2_500),
        ),
    ),
    "gfpgan_faces": Preset(
        description="restoration with a generative prior, on the Olivetti faces, 64x64, degraded as the authors do",
        dataset="degraded:olivetti:64:28:4:8",
        batch_size=8,
        steps=6_000,
        config=Config(
            prior=FACES_PRIOR,
            prior_steps=4_000,
            losses=Losses(pyramid_steps=125, features="efficientnet_lite0"),
            components=Components(width=16, eye_size=(12, 16), mouth_size=(12, 28)),
            halvings=(1_500, 1_750),
        ),
    ),
}
"""The widths of the faces' networks are those of the published ones divided by 8."""


def small(config: Config) -> Config:
    """The configuration with small networks and a short first phase, for tests."""
    parts = dataclasses.replace(config.components, width=2, eye_size=(4, 4), mouth_size=(4, 8))
    prior, average = stylegan2.small(config.prior), options.EMA(0.9, statistics="latest")
    # A network of random weights stands for one whose file the tests may not have.
    losses = dataclasses.replace(config.losses, features="none" if config.losses.features == "none" else "random:0")
    return dataclasses.replace(config, prior=prior, prior_steps=3, components=parts, losses=losses, ema=average)


_SMALL = DataSpec.images((8, 8, 1), steps_per_epoch=2, batch_size=4)

MODEL = Model(
    Config,
    make,
    PRESETS,
    check,
    small,
    _SMALL._replace(example=_SMALL.example._replace(c=_SMALL.example.x)),
    evaluator="restoration",
    nearest=pyramid.nearest,
)
