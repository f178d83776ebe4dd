"""What the models of super-resolution share: their data, options, the phase of a distance and the adversarial one after it.

The first phase trains the generator alone by a distance to the true image, which maximises PSNR. The second starts from these
weights, and trains against a discriminator with a perceptual loss. The weights at the end of the first phase are kept, so that
samples can be made by weights between the two: see `jgan.phases.interpolated`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan import games, optim, phases, terms, views
from jgan.losses import LOSSES
from jgan.models import options
from jgan.models.accepts import described
from jgan.models.alone import alone
from jgan.models.assembly import assemble, unit_interval
from jgan.models.super_resolution_options import Crop, Distance, Perceptual, Schedule, Training, small
from jgan.rng import Stream, stream
from jgan.types import GAN, DataSpec, Field, GANState, Key, Network, Phase, PyTree, Whole
from jgan.utils.registry import unknown

__all__ = [
    "Crop",
    "Distance",
    "Perceptual",
    "Schedule",
    "Training",
    "accepts",
    "begun",
    "make",
    "scale_of",
    "shapes",
    "small",
]


# ---------------------------------------------------------------------------------------------------------------- data


def accepts(spec: DataSpec) -> None:
    """Accepts one set of pairs of an image and its low resolution, of one size or photographs of several.

    Args:
      spec: the description of the data.

    Raises:
      ValueError: if the data are something else.

    Example:
      >>> from jgan import DataSpec
      >>> from jgan.models import super_resolution
      >>> super_resolution.accepts(DataSpec.images((8, 8, 1), 10))
      Traceback (most recent call last):
      ValueError: this model is for images with their low resolutions, such as x4:scenes or photographs:x4, found images of \
8x8x1: choose another --dataset
    """
    batches = list(spec.sets.values())
    x, c = batches[0].x, batches[0].c
    kinds = {getattr(field, "kind", "") for field in (x, c)}
    pairs = len(batches) == 1 and kinds in ({"image"}, {"photographs"}) and x.shape[2] == c.shape[2]
    if not pairs or x.shape[0] % c.shape[0] or x.shape[:2] != tuple(side * (x.shape[0] // c.shape[0]) for side in c.shape[:2]):
        raise ValueError(
            "this model is for images with their low resolutions, such as x4:scenes or photographs:x4, found "
            f"{described(spec)}: choose another --dataset"
        )


def scale_of(spec: DataSpec) -> int:
    """The pixels of a large image to one of a small one along each side.

    Args:
      spec: the description of the data.

    Returns:
      The scale.

    Example:
      >>> from jgan import Batch, DataSpec, Field
      >>> from jgan.models import super_resolution
      >>> super_resolution.scale_of(DataSpec(Batch(Field((8, 12, 3)), c=Field((2, 3, 3))), steps_per_epoch=1))
      4
    """
    return spec.one.x.shape[0] // spec.one.c.shape[0]


def shapes(crop: Crop, spec: DataSpec) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of the pairs that a step sees.

    Args:
      crop: the view of a pair.
      spec: the description of the data.

    Returns:
      `(large, small)`, each `(height, width, channels)`.

    Raises:
      ValueError: if the crop is larger than an image, photographs are not cropped, or images that are turned are not square.

    Example:
      >>> from jgan import Batch, DataSpec, Field
      >>> from jgan.models import super_resolution
      >>> spec = DataSpec(Batch(Field((96, 96, 3)), c=Field((24, 24, 3))), steps_per_epoch=1)
      >>> super_resolution.shapes(super_resolution.Crop(12), spec)
      ((48, 48, 3), (12, 12, 3))
    """
    field, scale = spec.one.c, scale_of(spec)
    height, width, channels = field.shape
    if not crop.side and field.kind == "photographs":
        raise ValueError("photographs of different sizes are trained on in crops: give --model.crop.side, such as 24")
    if crop.side < 0 or crop.side > min(height, width):
        found = f"{height}x{width}, found {crop.side}"
        raise ValueError(f"crop.side must be from 1 to the sides of the smallest low resolution, {found}")
    if not crop.side and crop.turn and height != width:
        raise ValueError(f"images that are turned must be square, found {height}x{width}: set crop.side, or crop.turn to False")
    small = (crop.side, crop.side, channels) if crop.side else field.shape
    return (scale * small[0], scale * small[1], channels), small


# -------------------------------------------------------------------------------------------------------------- phases


def make(
    config: Training,
    spec: DataSpec,
    generator: tuple[Network, Whole],
    discriminator: Network,
    published: dict[str, float],
    *,
    view: views.View | None = None,
    target: Callable[[jax.Array], jax.Array] = lambda images: images,
) -> tuple[Phase, ...]:
    """Builds the two phases of a model.

    Args:
      config: the options.
      spec: the description of the data.
      generator: the network, from small images to large ones, and what pictures it takes.
      discriminator: the network that judges large images.
      published: the weights of VGG19's layers in the perceptual loss.
      view: a further change of each minibatch, after the crop.
      target: `target(images) -> images`, what the generator is compared with by pixels and maps instead of the true images.

    Returns:
      The `Phase`s, one if there is no first phase.

    Raises:
      ValueError: if an option is out of range.

    Example:
      See `jgan.models.srgan`.
    """
    network, whole = generator
    _, small = shapes(config.crop, spec)
    seen = _both(config.crop.view(scale_of(spec)), view)
    condition = Field(small)
    averages = config.ema.average(spec)

    def finished(gan: GAN) -> GAN:
        return gan._replace(whole=whole)

    def first() -> GAN:
        optimizers = options.optimizers(config.pretrain, options.Rule(), averages, config.pretrain_schedule.factor())
        loss = _distance(network, config.pixel, target)
        return finished(alone(network, loss, optimizers, None, condition=condition, output=unit_interval, view=seen))

    def second() -> GAN:
        optimizers = options.optimizers(config.optimizer, config.rule, averages, config.schedule.factor())
        loss, of = LOSSES[config.loss], lambda view: target(view.real)

        def weighted(*logits: Any, **devices: Any) -> jax.Array:
            return config.adversarial_weight * loss.generator(*logits, **devices)

        pixel = (terms.l1_to_target(config.pixel_weight, target=of),) if config.pixel_weight else ()
        game = games.Adversarial(
            network,
            _of_images(discriminator),
            None,
            loss._replace(generator=weighted),
            terms=(*pixel, *config.perceptual.term(published, of)),
            condition=games.source,
        )
        made = config.rule.steps(game, optimizers)
        if seen is not None:
            made = views.viewed(made, seen, config.rule.n_critic)
        rule = config.rule.n_critic
        return finished(assemble(game, made, optimizers, condition=condition, output=unit_interval, n_critic=rule))

    last = second()
    if not config.pretrain_steps:
        return (Phase(last),)
    return (
        Phase(first(), steps=config.pretrain_steps, name="distance", keep=True),
        Phase(last, enter=lambda key, before: begun(last.init(key), before, averages), name="adversarial"),
    )


def begun(state: GANState, first: GANState, average: optim.EMA | None) -> GANState:
    """The state before the adversarial phase: the generator of the phase before, as it is averaged.

    Args:
      state: the initial state of the phase.
      first: the final state of the phase before.
      average: the average of the weights, or None.

    Returns:
      The state, its optimisers and its average new.
    """
    params, model_state = optim.ema_weights(first.generator)
    params = phases.graft(state.generator.params, params)
    model_state = jax.tree.map(jnp.array, model_state)
    kept = () if average is None else average.init(params, model_state)
    return state._replace(generator=state.generator._replace(params=params, model_state=model_state, ema=kept))


def _distance(network: Network, distance: Distance, target: Callable[[jax.Array], jax.Array]) -> Callable[..., Any]:
    """The loss of the first phase, in units of [0, 1]."""
    if distance not in ("l1", "mse"):
        raise ValueError(unknown("pixel", distance, ("l1", "mse")))

    def loss(key: Key, params: PyTree, state: GANState, batch: Any, axis_name: str | None) -> Any:
        x, model_state = network.apply(
            params,
            state.generator.model_state,
            batch.c,
            key=stream(key, Stream.GENERATOR),
            train=True,
            axis_name=axis_name,
        )
        difference = x - target(batch.x)
        value = jnp.mean(jnp.abs(difference) if distance == "l1" else jnp.square(difference))
        return value, (model_state, {"pixel_loss": value})

    return loss


def _of_images(network: Network) -> Network:
    """A discriminator that sees the large images alone, not the small ones that they were made from."""

    def apply(
        params: PyTree,
        model_state: PyTree,
        *inputs: Any,
        key: Key | None = None,
        train: bool = False,
        axis_name: str | None = None,
    ) -> tuple[Any, PyTree]:
        return network.apply(params, model_state, inputs[0], key=key, train=train, axis_name=axis_name)

    return Network(network.init, apply)


def _both(first: views.View | None, second: views.View | None) -> views.View | None:
    """One view after the other."""
    if first is None or second is None:
        return first or second

    def view(key: Key, batch: Any, axis_name: str | None = None) -> Any:
        # The keys of the first are unchanged, so that crops do not depend on what follows them.
        return second(jax.random.fold_in(key, 1 << 20), first(key, batch, axis_name=axis_name), axis_name=axis_name)

    return view
