"""The standard GAN objective of two networks, with conditions, penalties, terms, augmentation, packing and top-k training.

`Adversarial` is a `jgan.types.Game` of two networks and a loss; everything else is an option of it, and
`dataclasses.replace(game, penalties=...)` makes a variant. `Functions` is a game of user-defined loss functions.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jgan import penalties as penalty_terms
from jgan import terms as loss_terms
from jgan.conditions import labels, source, unconditional, whole
from jgan.groups import packed, packed_tree, per_example, top_k_mean, unpacked
from jgan.losses import Loss
from jgan.penalties import Penalty, View
from jgan.rng import Stream, stream, stream_key
from jgan.terms import Term
from jgan.types import Augmentation, Batch, GANState, Inputs, Key, Metrics, Network, PyTree
from jgan.utils.checks import same_shape

__all__ = ["Adversarial", "Fakes", "Functions", "Memory", "labels", "source", "unconditional", "whole"]


class Functions(NamedTuple):
    """A game of user-defined functions: see `jgan.types.Game` for their signatures.

    Attributes:
      fakes: the generator's forward pass.
      g_loss: the generator's loss.
      d_loss: the discriminator's loss.
      memory: returns the initial memory of the game.
      both: both losses on one pass of the discriminator, or None.

    Example:
      See `jgan.models.bilinear.game`.
    """

    fakes: Callable[..., tuple[PyTree, PyTree]]
    g_loss: Callable[..., tuple[jax.Array, tuple[PyTree, Metrics]]]
    d_loss: Callable[..., tuple[jax.Array, tuple[PyTree, PyTree, Metrics]]]
    memory: Callable[[], PyTree] = tuple
    both: Callable[..., tuple[tuple[jax.Array, jax.Array], tuple[PyTree, PyTree, Metrics]]] | None = None


class Fakes(NamedTuple):
    """Generated examples and the inputs they were generated from.

    Attributes:
      x: `[B, ...]` the fakes.
      inputs: the latents and the condition.
    """

    x: jax.Array
    inputs: Inputs


class Memory(NamedTuple):
    """The memory of an `Adversarial` game: one entry for the augmentation, for each penalty and for each term."""

    augment: PyTree
    penalties: tuple[PyTree, ...]
    terms: tuple[PyTree, ...]


@dataclasses.dataclass(frozen=True)
class Adversarial:
    """The usual pair of losses: the discriminator tells real from fake, the generator fools it.

    The means over the batch of `loss.discriminator(D(x), D(G(z)))` and of `loss.generator(D(x), D(G(z)))`. The generator
    is trained through the discriminator in training mode, with the dropout masks of the discriminator's own pass. The
    metrics are `g_loss`, `d_loss`, `d_real_accuracy` and `d_fake_accuracy` (fractions of the batch; with a relativistic loss
    both are the fraction of pairs in which the real example has the higher logit), `d_penalty` where there are penalties, and
    the value of each term by its name.

    Attributes:
      generator: maps latents `[B, latent_size]`, the condition if there is one, and `progress` if given, to a batch of fakes.
      discriminator: maps examples, their condition if there is one, and `progress` if given, to `[B]` logits (or a map of
        patches, `[B, h, w]`), or to a pair of logits and anything else (features, class logits), for terms.
      latents: `latents(key, n, axis_name=...) -> [n, latent_size]`; None for a generator without noise.
      loss: the pair of elementwise losses.
      discriminator_weight: a factor on the discriminator's loss, not on its penalties; the authors of the 2014 paper use 0.5.
      penalties: added to the discriminator's loss: see `jgan.penalties`.
      terms: added to either loss: see `jgan.terms`.
      augment: random changes to all examples that the discriminator sees, for both players, not to conditions: see
        `jgan.augment`.
      pack: number of examples per discriminator input (PacGAN); the input has `pack` times the channels, and the output is
        `[B / pack]` logits. Labels are packed to `[B / pack, pack]`.
      top_k: `top_k(step) -> share`: the generator trains only on that share of its fakes, those with the highest logits;
        an optax schedule.
      condition: `condition(examples) -> tree`, the condition of the real examples: `labels`, `source`, a user-defined function,
        or `unconditional` for none.
      fake_condition: `fake_condition(key, examples, axis_name) -> tree`, the condition of the fakes; None to use the
        condition of the real examples.
      real: `real(batch) -> Batch`, the real examples in a minibatch of several sets.
      progress: `progress(step) -> scalar`, an additional input of both networks, for instance the weight of a fade-in.
      dequantise: `dequantise(key, x, axis_name) -> x`, noise on the real examples alone, such as `jgan.augment.dequantised`.

    Raises:
      TypeError: if `loss` is no pair of losses.
      ValueError: if `pack` is below 1. While tracing: if the shapes of fakes and real examples differ; if the logits are not
        one value (or map) per example; if the batch is not a multiple of `pack`; if the condition is missing; if the state was
        not initialised for this game (`steps.init_state`).

    Example:
      >>> import dataclasses
      >>> from jgan import games, losses, penalties, rng
      >>> from jgan.networks import PointDiscriminator, PointGenerator, from_module
      >>> game = games.Adversarial(
      ...     from_module(PointGenerator(2), (2,)),
      ...     from_module(PointDiscriminator(), (2,)),
      ...     lambda key, n, axis_name=None: rng.latents(key, n, 2, axis_name=axis_name),
      ...     losses.non_saturating,
      ... )
      >>> with_r1 = dataclasses.replace(game, penalties=(penalties.r1(10.0),))

    References:
      Goodfellow et al. (2014), equation 1 and section 3, https://arxiv.org/abs/1406.2661; Mirza and Osindero, "Conditional
      Generative Adversarial Nets" (2014), https://arxiv.org/abs/1411.1784; Lin et al., "PacGAN" (2018),
      https://arxiv.org/abs/1712.04086; Sinha et al., "Top-k Training of GANs" (2020), https://arxiv.org/abs/2002.06224
    """

    generator: Network
    discriminator: Network
    latents: Callable[..., jax.Array] | None
    loss: Loss
    discriminator_weight: float = 1.0
    penalties: tuple[Penalty, ...] = ()
    terms: tuple[Term, ...] = ()
    augment: Augmentation | None = None
    pack: int = 1
    top_k: Callable[[jax.Array], jax.Array] | None = None
    condition: Callable[[Batch], Any] = unconditional
    fake_condition: Callable[..., Any] | None = None
    real: Callable[[Any], Batch] = whole
    progress: Callable[[jax.Array], jax.Array] | None = None
    dequantise: Callable[..., jax.Array] | None = None

    def __post_init__(self) -> None:
        if self.pack < 1:
            raise ValueError(f"pack must be at least 1, found {self.pack}")
        if not (hasattr(self.loss, "discriminator") and hasattr(self.loss, "generator")):
            raise TypeError(
                "loss must have the functions discriminator and generator, as losses.Loss, losses.hinge or "
                f"losses.least_squares() have, found {getattr(self.loss, '__name__', repr(self.loss))}"
            )

    # ------------------------------------------------------------------------------------------- the protocol of a game

    def memory(self) -> PyTree:
        """The initial memory of the augmentation, the penalties and the terms; `()` if there are none."""
        if not (self.augment or self.penalties or self.terms):
            return ()
        return Memory(
            self.augment.init() if self.augment else (),
            tuple(penalty.init() for penalty in self.penalties),
            tuple(term.init() for term in self.terms),
        )

    def fakes(self, key: Key, g_params: PyTree, state: GANState, batch: Any, axis_name: str | None) -> tuple[Fakes, PyTree]:
        """The generator's forward pass: `(Fakes, new model state)`."""
        examples = self.real(batch)
        if self.fake_condition is None:
            c = self._real_condition(examples)
        else:
            c = self.fake_condition(stream(key, Stream.CONDITION), examples, axis_name)
        z: Any = ()
        if self.latents is not None:
            z = self.latents(stream(key, Stream.LATENTS), len(examples.x), axis_name=axis_name)
        inputs = Inputs(z, c)
        x, model_state = self._generate(key, g_params, state, inputs, axis_name)
        return Fakes(x, inputs), model_state

    def g_loss(self, key: Key, g_params: PyTree, state: GANState, batch: Any, fakes: Fakes, axis_name: str | None):
        """The generator's loss: `(loss, (new memory, metrics))`."""
        view, memory, _ = self._view(key, g_params, state.discriminator.params, state, batch, fakes, axis_name, self._sees_real)
        value, memory, metrics = self._g_value(view, memory)
        return value, (memory, metrics)

    def d_loss(self, key: Key, d_params: PyTree, state: GANState, batch: Any, fakes: Fakes, axis_name: str | None):
        """The discriminator's loss: `(loss, (new model state, new memory, metrics))`."""
        view, memory, after = self._view(key, state.generator.params, d_params, state, batch, fakes, axis_name)
        value, memory, metrics = self._d_value(view, memory)
        return value, (after, memory, metrics)

    def both(self, key: Key, g_params: PyTree, d_params: PyTree, state: GANState, batch: Any, fakes: Fakes, axis_name):
        """Both losses on one pass of the discriminator: `((g_loss, d_loss), (new model state, new memory, metrics))`."""
        view, memory, after = self._view(key, g_params, d_params, state, batch, fakes, axis_name)
        d_value, memory, d_metrics = self._d_value(view, memory)
        g_value, memory, g_metrics = self._g_value(view, memory)
        return (g_value, d_value), (after, memory, d_metrics | g_metrics)

    # --------------------------------------------------------------------------------------------------- the two passes

    @property
    def _sees_real(self) -> bool:
        """Whether the generator's loss depends on the discriminator's outputs on real examples."""
        return self.loss.relativistic or any(term.generator for term in self.terms)

    def _real_condition(self, examples: Batch) -> Any:
        c = self.condition(examples)
        if c is None:
            raise ValueError("this game is conditional, and the batch has no labels: give a data set with labels")
        return c

    def _scalars(self, state: GANState) -> tuple[jax.Array, ...]:
        return () if self.progress is None else (self.progress(state.step),)

    def _generate(self, key: Key, g_params: PyTree, state: GANState, inputs: Inputs, axis_name: str | None):
        return self._through(key, g_params, state, axis_name, self.generator, *inputs.args(), *self._scalars(state))

    def _through(self, key: Key, g_params: PyTree, state: GANState, axis_name: str | None, network: Network, *inputs: Any):
        """A network of the generator's parameters, in training mode."""
        return network.apply(
            g_params,
            state.generator.model_state,
            *inputs,
            key=stream(key, Stream.GENERATOR),
            train=True,
            axis_name=axis_name,
        )

    def _discriminate(self, keys: tuple[Key, Key], params: PyTree, state: GANState, memory, axis_name, model_state, x, c):
        """`(logits, (output, new model state))` of packs of examples, augmented one by one."""
        network_key, augment_key = keys
        if self.augment:
            each = self.augment.apply(augment_key, memory.augment, unpacked(x, self.pack), axis_name)
            x = packed(each, self.pack)
        inputs = (x, *Inputs((), c).args(), *self._scalars(state))
        found, model_state = self.discriminator.apply(
            params, model_state, *inputs, key=network_key, train=True, axis_name=axis_name
        )
        logits, output = found if isinstance(found, tuple) else (found, None)
        if logits.shape[:1] != x.shape[:1] or logits.ndim == 2:
            raise ValueError(
                f"the discriminator must return logits [{len(x)}], or a map [{len(x)}, h, w] of patches, found the shape "
                f"{logits.shape}"
            )
        return logits, (output, model_state)

    def _check_memory(self, state: GANState) -> Any:
        expected, found = (str(jax.tree.structure(memory)) for memory in (self.memory(), state.memory))
        if found != expected:
            raise ValueError("the state was made for another game: make it with steps.init_state(..., game)")
        return state.memory if isinstance(state.memory, Memory) else Memory((), (), ())

    def _view(
        self,
        key: Key,
        g_params: PyTree,
        d_params: PyTree,
        state: GANState,
        batch: Any,
        fakes: Fakes,
        axis_name: str | None,
        sees_real: bool = True,
    ) -> tuple[View, Memory, PyTree]:
        """The passes of the discriminator over fakes and, if `sees_real`, reals: the view, the memory, its new state."""
        examples, memory = self.real(batch), self._check_memory(state)
        same_shape("real examples", examples.x, "generated examples", fakes.x)
        x = examples.x
        if self.dequantise is not None:
            x = self.dequantise(stream(key, Stream.DEQUANTISATION), x, axis_name)
        x, fake_x = packed(x, self.pack), packed(fakes.x, self.pack)
        c, fake_c = (packed_tree(c, self.pack) for c in (self._real_condition(examples), fakes.inputs.c))
        before = state.discriminator.model_state

        def discriminate(side: str, model_state: PyTree, c: Any, x: jax.Array):
            keys = stream(key, Stream[f"DISCRIMINATOR_{side}"]), stream(key, Stream[f"AUGMENT_{side}"])
            return self._discriminate(keys, d_params, state, memory, axis_name, model_state, x, c)

        def other(x: jax.Array, c: Any = ()) -> tuple[jax.Array, Any]:
            logits, (output, _) = discriminate("REAL", before, c, x)
            return logits, output

        real = _passed(functools.partial(discriminate, "REAL", before, c), x) if sees_real else _NOT_PASSED
        fake = _passed(functools.partial(discriminate, "FAKE", real.model_state if sees_real else before, fake_c), fake_x)
        view = View(
            key=stream(key, Stream.PENALTIES),
            step=state.step,
            real=x,
            fake=fake_x,
            real_logits=real.logits,
            fake_logits=fake.logits,
            real_gradients=real.gradients,
            fake_gradients=fake.gradients,
            critic=real.critic,
            fake_critic=fake.critic,
            axis_name=axis_name,
            per_example=not _has_batch_statistics(before),
            real_output=real.output,
            fake_output=fake.output,
            real_condition=c,
            fake_condition=fake_c,
            inputs=fakes.inputs,
            batch=batch,
            generate=lambda inputs: self._generate(key, g_params, state, inputs, axis_name)[0],
            through=lambda network, *inputs: self._through(key, g_params, state, axis_name, network, *inputs)[0],
            discriminate=other,
        )
        return view, memory, fake.model_state

    # ------------------------------------------------------------------------------------------------------- the losses

    def _with_terms(self, player: str, view: View, memory: Memory) -> tuple[jax.Array, Memory, Metrics]:
        own = view._replace(key=stream_key(view.key, 0), memory=memory.terms)  # keys different from those of the penalties
        value, remembered, metrics = loss_terms.total(self.terms, player, own)
        return value, memory._replace(terms=remembered), metrics

    def _remembered(self, memory: Memory) -> PyTree:
        return memory if self.augment or self.penalties or self.terms else ()

    def _d_value(self, view: View, memory: Memory) -> tuple[jax.Array, PyTree, Metrics]:
        """The discriminator's loss, the new memory, the metrics."""
        loss, real, fake = self.loss, view.real_logits, view.fake_logits
        value = self.discriminator_weight * jnp.mean(_values(loss.discriminator, loss, real, fake, view.axis_name))
        above = fake if loss.relativistic else jnp.full_like(real, loss.boundary)
        below = real if loss.relativistic else jnp.full_like(fake, loss.boundary)
        metrics = {
            "d_loss": value,
            "d_real_accuracy": jnp.mean(real > above, dtype=jnp.float32),
            "d_fake_accuracy": jnp.mean(fake < below, dtype=jnp.float32),
        }
        if self.penalties:
            values, remembered = penalty_terms.total(self.penalties, view._replace(memory=memory.penalties))
            metrics["d_penalty"] = jnp.mean(values)
            value, memory = value + metrics["d_penalty"], memory._replace(penalties=remembered)
        if self.terms:
            added, memory, found = self._with_terms("discriminator", view, memory)
            value, metrics = value + added, metrics | found
        if self.augment:
            logits = jnp.repeat(real, self.pack)  # the controller counts images
            memory = memory._replace(augment=self.augment.update(memory.augment, logits, view.axis_name))
        return value, self._remembered(memory), metrics

    def _g_value(self, view: View, memory: Any) -> tuple[jax.Array, PyTree, Metrics]:
        """The generator's loss, the new memory, the metrics; `g_loss` is the adversarial part."""
        loss = self.loss
        real = view.real_logits if loss.relativistic else None
        values = _values(loss.generator, loss, real, view.fake_logits, view.axis_name)
        share = None if self.top_k is None else self.top_k(view.step)
        value = jnp.mean(values)
        if share is not None:
            value = top_k_mean(per_example(values), per_example(view.fake_logits), share, view.axis_name)
        metrics = {"g_loss": value}
        if self.terms:
            added, memory, found = self._with_terms("generator", view, memory)
            value, metrics = value + added, metrics | found
        return value, self._remembered(memory), metrics


class _Passed(NamedTuple):
    """One pass of the discriminator: its output, and functions that repeat the pass on other examples."""

    logits: Any
    output: Any
    model_state: PyTree
    gradients: Any
    critic: Any


def _has_batch_statistics(model_state: PyTree) -> bool:
    """Whether a network (or one of several) normalises by the statistics of its batch."""
    nested = isinstance(model_state, dict)
    return nested and ("batch_stats" in model_state or any(map(_has_batch_statistics, model_state.values())))


_NOT_PASSED = _Passed(None, None, None, None, None)


def _passed(run: Callable[[jax.Array], Any], x: jax.Array) -> _Passed:
    logits, pull, (output, model_state) = jax.vjp(run, x, has_aux=True)
    return _Passed(logits, output, model_state, lambda: pull(jnp.ones_like(logits))[0], lambda x: run(x)[0])


def _values(function: Callable[..., jax.Array], loss: Loss, real: Any, fake: jax.Array, axis_name: str | None) -> jax.Array:
    return function(real, fake, axis_name=axis_name) if loss.over_batch else function(real, fake)
