"""GFP-GAN's game: a restorer against discriminators of the whole image and of the parts of a face."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jgan import games, regions, terms
from jgan.losses import grams, non_saturating
from jgan.models.gfpgan_options import MIRRORED, Components, Losses
from jgan.networks.gfpgan import Restored
from jgan.networks.resample import average_pool
from jgan.penalties import View
from jgan.rng import Stream, example_keys, stream
from jgan.types import Batch, GANState, Inputs, Key, Metrics, Network, PyTree

IMAGE = "image"
"""The name of the discriminator of whole images among the discriminator's networks."""

STYLE_WEIGHTS = (0.5, 1.0)
"""Those of the two depths of the component discriminators' features."""


def flips(key: Key, batch: Batch, axis_name: str | None = None) -> dict[str, Any]:
    """A view of a minibatch of pairs: half of them are mirrored, and which ones is said, since the boxes depend on it.

    Args:
      key: the key of the view.
      batch: the pairs, `x` and `c` images.
      axis_name: the mapped axis over which the batch is spread, if any.

    Returns:
      `{"pairs": Batch, "mirrored": bool [B]}`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.models import gfpgan_game
      >>> image = jnp.arange(2.0).reshape(1, 1, 2, 1)
      >>> seen = gfpgan_game.flips(jax.random.key(1), Batch(image, c=image))
      >>> bool(seen["mirrored"][0]) == bool(seen["pairs"].x[0, 0, 0, 0] == 1)
      True
    """
    mirrored = jax.vmap(jax.random.bernoulli)(example_keys(key, len(batch.x), axis_name))

    def seen(images: jax.Array) -> jax.Array:
        return jnp.where(mirrored[:, None, None, None], images[:, :, ::-1], images)

    return {"pairs": batch._replace(x=seen(batch.x), c=seen(batch.c)), "mirrored": mirrored}


@dataclasses.dataclass(frozen=True)
class RestorationGame:
    """The game; its minibatches are pairs, or the result of `flips`.

    Attributes:
      generator: degraded images to a `Restored`.
      discriminator: the networks `image` and, for `components`, those of the parts, by name; None without discriminators.
      image: the game of whole images, with its terms; its networks are `generator` (unused) and that of whole images.
      losses: the weights of the losses.
      components: the parts of a face; None for none.
    """

    generator: Network
    discriminator: Network | None
    image: games.Adversarial
    losses: Losses
    components: Components | None
    both = None

    def memory(self) -> PyTree:
        """That of the game of whole images."""
        return self.image.memory()

    def fakes(self, key, g_params, state, batch, axis_name):
        """`(Restored, new model state)`."""
        network_key = stream(key, Stream.GENERATOR)
        options = {"key": network_key, "train": True, "axis_name": axis_name}
        return self.generator.apply(g_params, state.generator.model_state, _pairs(batch).c, **options)

    def g_loss(self, key, g_params, state, batch, fakes: Restored, axis_name):
        """All losses of the restorer: `(loss, (memory, metrics))`."""
        real = _pairs(batch)
        value, memory, metrics = self._image_loss(key, g_params, state, real, fakes, axis_name)
        if self.losses.pyramid:
            metrics["pyramid"] = pyramid_distance(fakes.pyramid, real.x)
            active = (state.step < self.losses.pyramid_steps).astype(jnp.float32)
            value = value + self.losses.pyramid * active * metrics["pyramid"]
        if self.components is not None:
            found, own = self._components_loss(key, state, batch, fakes, axis_name)
            value, metrics = value + found, metrics | own
        return value, (memory, metrics)

    def alone(self, key, params, state, batch, axis_name):
        """The loss of a restorer without discriminators, for `steps.one_player`: `(loss, (model state, metrics))`."""
        fakes, model_state = self.fakes(key, params, state, batch, axis_name)
        value, (_, metrics) = self.g_loss(key, params, state, batch, fakes, axis_name)
        return value, (model_state, {"g_loss": value, **metrics})

    def d_loss(self, key, d_params, state, batch, fakes: Restored, axis_name):
        """The losses of all discriminators: `(loss, (model state, memory, metrics))`."""
        real = _pairs(batch)
        given = _whole(fakes), axis_name
        value, (after, memory, metrics) = self.image.d_loss(key, d_params[IMAGE], _of_image(state), real, *given)
        model_state = state.discriminator.model_state | {IMAGE: after}
        if self.components is not None:
            (real_out, _), (fake_out, _) = self._judged(key, d_params, state, batch, fakes, axis_name)
            losses = [non_saturating.discriminator(real_out[name], fake_out[name]) for name in self.components.sizes]
            metrics["d_components"] = sum((jnp.mean(loss) for loss in losses), jnp.zeros(()))
            value = value + metrics["d_components"]
        return value, (model_state, memory, metrics)

    # ------------------------------------------------------------------------------------------------------ its parts

    def _image_loss(self, key, g_params, state, real, fakes, axis_name) -> tuple[jax.Array, PyTree, Metrics]:
        if self.discriminator is not None:
            given = _whole(fakes), axis_name
            value, (memory, metrics) = self.image.g_loss(key, g_params, _of_image(state), real, *given)
            return value, memory, dict(metrics)
        nothing: Any = None
        view = View(key, state.step, real.x, fakes.image, nothing, nothing, nothing, nothing, nothing, nothing)
        memories = tuple(() for _ in self.image.terms)
        value, _, metrics = terms.total(self.image.terms, "generator", view._replace(memory=memories, axis_name=axis_name))
        return value, state.memory, metrics

    def _components_loss(self, key, state, batch, fakes, axis_name) -> tuple[jax.Array, Metrics]:
        assert self.components is not None
        options = self.components
        d_params = state.discriminator.params
        (_, real_maps), (logits, fake_maps) = self._judged(key, d_params, state, batch, fakes, axis_name)
        fooling, style = jnp.zeros(()), jnp.zeros(())
        for name in options.sizes:
            fooling = fooling + jnp.mean(non_saturating.generator(None, logits[name]))
            style = style + grams.distance(fake_maps[name], real_maps[name], STYLE_WEIGHTS)
        return options.weight * fooling + options.style * style, {"g_components": fooling, "component_style": style}

    def _judged(self, key, d_params, state, batch, fakes, axis_name) -> Any:
        """`((logits, features) of the real parts, the same of the restored ones)`, each a dict by part."""
        assert self.components is not None
        assert self.discriminator is not None
        found = []
        for images in (_pairs(batch).x, fakes.image):
            parts = self._parts(images, batch)
            options = {"key": stream(key, Stream.DISCRIMINATOR_FAKE), "train": True, "axis_name": axis_name}
            out, _ = self.discriminator.apply(d_params, state.discriminator.model_state, parts, **options)
            found.append(tuple({name: out[name][index] for name in parts} for index in (0, 1)))
        return found

    def _parts(self, images: jax.Array, batch: Any) -> dict[str, jax.Array]:
        """The parts of a batch of faces, `[B, height, width, channels]` by name."""
        assert self.components is not None
        b, height, width, _ = images.shape
        boxes = jnp.array(self.components.boxes(height, width))
        each = jnp.broadcast_to(boxes[None], (b, *boxes.shape))
        if isinstance(batch, dict):
            turned = regions.mirrored(each, width, MIRRORED)
            each = jnp.where(batch["mirrored"][:, None, None], turned, each)
        sizes = self.components.sizes.items()
        return {name: regions.align(images, each[:, index], size) for index, (name, size) in enumerate(sizes)}


def pyramid_distance(images: Any, truth: jax.Array) -> jax.Array:
    """The sum over the levels of the mean absolute differences from the truth, halved by means of 2x2 pixels.

    Args:
      images: `[B, h, w, channels]` in [0, 1] for each level, each of twice the sides of the one before.
      truth: `[B, height, width, channels]`, as large as the last.

    Returns:
      A scalar, in units of images in [-1, 1].

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.models import gfpgan_game
      >>> float(gfpgan_game.pyramid_distance([jnp.zeros((1, 4, 4, 1)), jnp.zeros((1, 8, 8, 1))], jnp.ones((1, 8, 8, 1))))
      4.0
    """
    total = jnp.zeros(())
    for index, image in enumerate(reversed(images)):
        truth = average_pool(truth) if index else truth
        total = total + 2 * jnp.mean(jnp.abs(image - truth))
    return total


def _pairs(batch: Any) -> Batch:
    return batch["pairs"] if isinstance(batch, dict) else batch


def _whole(fakes: Restored) -> games.Fakes:
    return games.Fakes(fakes.image, Inputs())


def _of_image(state: GANState) -> GANState:
    """The state as the game of whole images knows it."""
    player = state.discriminator
    own = player._replace(params=player.params[IMAGE], model_state=player.model_state[IMAGE])
    return state._replace(discriminator=own)
