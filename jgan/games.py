"""The usual game of two players: a discriminator that tells real from fake, a generator that fools it, and what may be added.

`adversarial` makes a `jgan.types.Game` of two networks and a loss. Penalties, augmentation, packing, top-k and feature matching
are options of it; whoever needs another game writes its functions directly.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jgan import penalties as penalty_terms
from jgan.groups import packed, top_k_mean, unpacked
from jgan.losses import Loss, feature_matching
from jgan.penalties import Penalty, View
from jgan.types import Augmentation, Game, GANState, Key, Metrics, Network, PyTree
from jgan.utils.checks import same_shape


class Judged(NamedTuple):
    """What the discriminator says of a batch.

    Attributes:
      real: `[B]` logits on the real examples; None where nobody asked.
      fake: `[B]` logits on the fakes.
      real_features: what it returned beside the logits, or None.
      fake_features: the same of the fakes.
    """

    real: Any
    fake: jax.Array
    real_features: PyTree = None
    fake_features: PyTree = None


def adversarial(
    generator: Network,
    discriminator: Network,
    latents: Callable[..., jax.Array],
    loss: Loss,
    *,
    discriminator_weight: float = 1.0,
    penalties: tuple[Penalty, ...] = (),
    augment: Augmentation | None = None,
    pack: int = 1,
    top_k: Callable[[jax.Array], jax.Array] | None = None,
    feature_weight: float = 0.0,
) -> Game:
    """The usual pair of objectives: the discriminator tells real from fake, the generator fools it.

    The means over the batch of `loss.discriminator(D(x), D(G(z)))` and of `loss.generator(D(x), D(G(z)))`. The generator
    is trained through the discriminator in training mode, with the dropout masks of the discriminator's own pass.

    Args:
      generator: maps `[B, latent_size]` latents to a batch of fakes.
      discriminator: maps a batch of examples to `[B]` logits, or to a pair of logits and features.
      latents: `latents(key, n, axis_name=...) -> [n, latent_size]`.
      loss: the pair of elementwise losses.
      discriminator_weight: a factor on the discriminator's loss, not on its penalties; the authors of the 2014 paper use 0.5.
      penalties: what is added to the discriminator's loss: see `jgan.penalties`.
      augment: random changes to all that the discriminator sees, for both players: see `jgan.augment`.
      pack: examples that the discriminator judges together (PacGAN); its input has `pack` times the channels, and it returns
        `[B / pack]` logits.
      top_k: `top_k(step) -> share`: the generator learns from that share of its fakes only, those of the highest logits;
        a schedule, as optax has them.
      feature_weight: the weight of feature matching in the generator's loss; needs a discriminator that returns features.

    Returns:
      The `Game`. Its metrics are `d_loss`, `g_loss`, `d_real_accuracy` and `d_fake_accuracy` (fractions of the batch; of a
      relativistic loss both are the fraction of pairs in which the real example has the higher logit), and `d_penalty` where
      there are penalties.

    Raises:
      ValueError: if `pack` is below 1; while tracing, if the fakes do not have the shape of the real batch, the logits not the
        shape `[B]`, the batch is not a multiple of `pack`, the state was not made for this game (`steps.init_state`), or there
        are no features to match.

    Example:
      See `jgan.models.gan2014.make`.

    References:
      Goodfellow et al. (2014), equation 1 and section 3, https://arxiv.org/abs/1406.2661; Lin et al., "PacGAN" (2018),
      https://arxiv.org/abs/1712.04086; Sinha et al., "Top-k Training of GANs" (2020), https://arxiv.org/abs/2002.06224;
      Salimans et al., "Improved Techniques for Training GANs" (2016), section 3.1, https://arxiv.org/abs/1606.03498
    """
    if pack < 1:
        raise ValueError(f"pack must be at least 1, found {pack}")
    made = _Adversarial(
        generator, discriminator, latents, loss, discriminator_weight, tuple(penalties), augment, pack, top_k, feature_weight
    )
    return Game(made.fakes, made.d_objective, made.g_objective, made.both, made.memory)


@dataclasses.dataclass(frozen=True)
class _Adversarial:
    """The functions of `adversarial`, over its arguments."""

    generator: Network
    network: Network
    latents: Callable[..., jax.Array]
    loss: Loss
    weight: float
    penalties: tuple[Penalty, ...]
    augment: Augmentation | None
    pack: int
    top_k: Callable[[jax.Array], jax.Array] | None
    feature_weight: float

    # Which key is whose: the numbers that are folded into the step's key. 0 to 3 are those of `jax.random.split(key, 4)`.
    AUGMENT_REAL, AUGMENT_FAKE, PENALTIES = 4, 5, 6

    def memory(self) -> PyTree:
        """What the augmentation and the penalties remember before the first step."""
        if not self.augment and not self.penalties:
            return ()
        return (self.augment.init() if self.augment else (), tuple(penalty.init() for penalty in self.penalties))

    def fakes(self, key: Key, g_params: PyTree, state: GANState, batch: Any, axis_name: str | None):
        latent_key, network_key, *_ = jax.random.split(key, 4)
        z = self.latents(latent_key, batch.x.shape[0], axis_name=axis_name)
        return self.generator.apply(g_params, state.generator.model_state, z, key=network_key, train=True, axis_name=axis_name)

    def logits(self, keys: tuple[Key, Key], params: PyTree, extra: PyTree, memory: PyTree, x: jax.Array, axis_name: str | None):
        """`(logits, (features, new_model_state))` of packs of examples, augmented one by one."""
        network_key, augment_key = keys
        if self.augment:
            each = self.augment.apply(augment_key, memory[0], unpacked(x, self.pack), axis_name)
            x = packed(each, self.pack)
        output, extra = self.network.apply(params, extra, x, key=network_key, train=True, axis_name=axis_name)
        values, features = output if isinstance(output, tuple) else (output, None)
        if values.shape != x.shape[:1]:
            raise ValueError(f"the discriminator must return logits of the shape {x.shape[:1]}, found {values.shape}")
        return values, (features, extra)

    def check_memory(self, state: GANState) -> None:
        expected, found = (str(jax.tree.structure(memory)) for memory in (self.memory(), state.memory))
        if found != expected:
            raise ValueError("the state does not remember what this game does: make it with steps.init_state(..., game)")

    def judge(self, key: Key, params: PyTree, state: GANState, batch: Any, fake: jax.Array, axis_name: str | None):
        """Both passes of the discriminator: `(Judged, View, new_model_state)`."""
        same_shape("real images", batch.x, "generated images", fake)
        self.check_memory(state)
        real, fake = packed(batch.x, self.pack), packed(fake, self.pack)
        *_, real_key, fake_key = jax.random.split(key, 4)
        keys = [
            (network, jax.random.fold_in(key, n))
            for network, n in ((real_key, self.AUGMENT_REAL), (fake_key, self.AUGMENT_FAKE))
        ]

        def run(keys, extra, x):
            return self.logits(keys, params, extra, state.memory, x, axis_name)

        before = state.discriminator.model_state
        real_logits, pull_real, (real_features, middle) = jax.vjp(functools.partial(run, keys[0], before), real, has_aux=True)
        fake_logits, pull_fake, (fake_features, after) = jax.vjp(functools.partial(run, keys[1], middle), fake, has_aux=True)
        view = View(
            key=jax.random.fold_in(key, self.PENALTIES),
            step=state.step,
            real=real,
            fake=fake,
            real_logits=real_logits,
            fake_logits=fake_logits,
            real_gradients=lambda: pull_real(jnp.ones_like(real_logits))[0],
            fake_gradients=lambda: pull_fake(jnp.ones_like(fake_logits))[0],
            critic=lambda x: run(keys[0], before, x)[0],
            fake_critic=lambda x: run(keys[1], middle, x)[0],
            memory=state.memory[1] if self.penalties else (),
            axis_name=axis_name,
            per_example="batch_stats" not in before,
        )
        return Judged(real_logits, fake_logits, real_features, fake_features), view, after

    def d_value(self, judged: Judged, view: View, memory: PyTree) -> tuple[jax.Array, PyTree, Metrics]:
        """The discriminator's loss, the new memory, the metrics."""
        loss, axis_name = self.loss, view.axis_name
        value = self.weight * jnp.mean(_values(loss.discriminator, loss, judged.real, judged.fake, axis_name))
        above = judged.fake if loss.relativistic else jnp.full_like(judged.real, loss.boundary)
        below = judged.real if loss.relativistic else jnp.full_like(judged.fake, loss.boundary)
        metrics = {
            "d_loss": value,
            "d_real_accuracy": jnp.mean(judged.real > above, dtype=jnp.float32),
            "d_fake_accuracy": jnp.mean(judged.fake < below, dtype=jnp.float32),
        }
        if self.penalties:
            values, remembered = penalty_terms.total(self.penalties, view)
            metrics["d_penalty"] = jnp.mean(values)
            value, memory = value + metrics["d_penalty"], (memory[0], remembered)
        if self.augment:
            logits = jnp.repeat(judged.real, self.pack)  # the controller counts images
            memory = (self.augment.update(memory[0], logits, axis_name), memory[1])
        return value, memory, metrics

    def g_value(self, judged: Judged, state: GANState, axis_name: str | None) -> tuple[jax.Array, Metrics]:
        loss = self.loss
        values = _values(loss.generator, loss, judged.real if loss.relativistic else None, judged.fake, axis_name)
        share = None if self.top_k is None else self.top_k(state.step)
        value = jnp.mean(values) if share is None else top_k_mean(values, judged.fake, share, axis_name)
        if self.feature_weight:
            if judged.fake_features is None:
                raise ValueError("feature matching needs a discriminator that returns (logits, features), found logits alone")
            matching = feature_matching(judged.real_features, judged.fake_features, axis_name=axis_name)
            value = value + self.feature_weight * matching
        return value, {"g_loss": value}

    def d_objective(self, key, d_params, state, batch, fake, axis_name):
        judged, view, extra = self.judge(key, d_params, state, batch, fake, axis_name)
        value, memory, metrics = self.d_value(judged, view, state.memory)
        return value, (extra, memory, metrics)

    def g_objective(self, key, g_params, state, batch, fake, axis_name):
        del g_params  # they act through the fakes alone
        player = state.discriminator
        if self.loss.relativistic or self.feature_weight:
            judged, *_ = self.judge(key, player.params, state, batch, fake, axis_name)
            return self.g_value(judged, state, axis_name)
        self.check_memory(state)
        *_, fake_key = jax.random.split(key, 4)
        keys = (fake_key, jax.random.fold_in(key, self.AUGMENT_FAKE))
        logits, _ = self.logits(keys, player.params, player.model_state, state.memory, packed(fake, self.pack), axis_name)
        return self.g_value(Judged(None, logits), state, axis_name)

    def both(self, key, d_params, g_params, state, batch, fake, axis_name):
        del g_params
        judged, view, extra = self.judge(key, d_params, state, batch, fake, axis_name)
        d_value, memory, d_metrics = self.d_value(judged, view, state.memory)
        g_value, g_metrics = self.g_value(judged, state, axis_name)
        return (d_value, g_value), (extra, memory, d_metrics | g_metrics)


def _values(function: Callable[..., jax.Array], loss: Loss, real: Any, fake: jax.Array, axis_name: str | None) -> jax.Array:
    return function(real, fake, axis_name=axis_name) if loss.over_batch else function(real, fake)
