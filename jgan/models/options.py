"""Option groups shared by models: the optimiser and its decay, the update rule, the penalty, the average of the weights.

A model's `Config` has a field for each group that it offers, so that `--model.optimizer.learning-rate 1e-3` is the same flag
for every model. The names of optimisers, rules and penalties are those in their registries; the error for an unknown name
suggests the closest one.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import augment, constraints, optim, penalties, rules, steps
from jgan.augment.ada import DEFAULT as ADA_POLICIES
from jgan.augment.diff_augment import POLICIES as DIFF_AUGMENT_POLICIES
from jgan.types import Augmentation, DataSpec, Game
from jgan.utils.checks import whole
from jgan.utils.registry import Registry, unknown

__all__ = ["EMA", "OPTIMIZERS", "Augment", "EpochDecay", "Optimizer", "Penalty", "Rule", "optimizers"]

assert rules  # the import registers its rules


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """The optimiser of both players."""

    name: str = "adam"
    """adam, sgd, momentum or rmsprop"""
    learning_rate: float = 2e-4
    """learning rate"""
    d_learning_rate: float = 0.0
    """discriminator learning rate (TTUR); 0: same as learning_rate"""
    b1: float = 0.5
    """Adam's decay of the mean gradient; SGD's momentum"""
    b2: float = 0.999
    """Adam's and RMSprop's decay of the mean squared gradient"""
    decay_steps: int = 0
    """generator steps over which both rates decay; 0: constant rates"""
    decay_from: int = 0
    """generator steps before the decay begins"""
    decay: str = "cosine"
    """shape of the decay: cosine or linear"""
    decay_to: float = 0.0
    """share of the rates that is left after the decay"""
    final_b2: float = 0.0
    """Adam's b2 after the decay, reached along a cosine; 0: b2 is constant"""
    weight_clip: float = 0.0
    """clip the discriminator's weights to [-c, c] after each update; 0: no clipping"""


@dataclasses.dataclass(frozen=True)
class EpochDecay:
    """The learning rates in epochs: constant, then falling linearly; the schedule of pix2pix and CycleGAN."""

    constant: int = 100
    """epochs at the full rates"""
    decay: int = 100
    """epochs over which the rates then fall; 0: constant rates"""
    fall: Literal["epochs", "epochs_to_zero", "steps"] = "epochs"
    """epochs: at each epoch, the last above 0; epochs_to_zero: an epoch earlier, the last at 0; steps: at each step"""

    def factor(self, spec: DataSpec) -> optax.Schedule | None:
        """Builds the factor of the learning rates, for `optimizers`.

        With e the epoch, from 0, it is `1 - max(0, e + c - constant) / (decay + 1)`: c is 1 for `epochs`, the authors' present
        PyTorch code, whose last epoch runs at `1 / (decay + 1)` of the rate, and 2 for `epochs_to_zero`, their earlier code,
        whose last epoch runs at a rate of 0. With `steps` it falls at each step, from 1 at the end of the constant epochs to 0
        at the end of the last one, as the papers say.

        Args:
          spec: the data; the minibatches in an epoch are counted.

        Returns:
          `factor(step) -> scalar`, which stays at 0 after the last epoch; None if the rates are constant.

        Raises:
          ValueError: if a number of epochs is negative, or the name is unknown.

        Example:
          >>> from jgan import DataSpec
          >>> from jgan.models import options
          >>> factor = options.EpochDecay(2, 3).factor(DataSpec.points((2,), steps_per_epoch=10))
          >>> [float(factor(10 * epoch + 9)) for epoch in range(6)]
          [1.0, 1.0, 0.75, 0.5, 0.25, 0.0]

        References:
          Isola et al. (2017), https://arxiv.org/abs/1611.07004; Zhu et al. (2017), section 4, https://arxiv.org/abs/1703.10593
        """
        if min(self.constant, self.decay) < 0:
            raise ValueError(f"epochs must not be negative, found {self.constant} constant and {self.decay} of decay")
        if self.fall not in _FALLS:
            raise ValueError(unknown("epochs.fall", self.fall, _FALLS))
        if not self.decay:
            return None

        def factor(step: jax.typing.ArrayLike) -> jax.Array:
            steps = jnp.asarray(step, jnp.int32)
            if self.fall == "steps":
                beyond = steps.astype(jnp.float32) / spec.steps_per_epoch - self.constant
                return 1 - jnp.clip(beyond / self.decay, 0.0, 1.0)
            beyond = steps // spec.steps_per_epoch + _FALLS[self.fall] - self.constant
            return 1 - jnp.clip(beyond.astype(jnp.float32) / (self.decay + 1), 0.0, 1.0)

        return factor


_FALLS = {"epochs": 1, "epochs_to_zero": 2, "steps": 0}


@dataclasses.dataclass(frozen=True)
class Rule:
    """The update rule of the two players."""

    name: str = "alternating"
    """alternating, generator_first, simultaneous, extragradient, optimistic, consensus or unrolled"""
    n_critic: int = 1
    """discriminator updates per generator update (alternating only)"""
    fresh_latents: bool = False
    """draw new latents for the generator's update (alternating only)"""
    micro_batches: int = 1
    """parts of a minibatch over which gradients are accumulated"""
    generator_batch: int = 1
    """fakes of a generator update for each example of a minibatch (alternating only)"""
    unroll: int = 5
    """number of look-ahead discriminator updates (unrolled only)"""
    consensus: float = 1.0
    """weight of the regulariser (consensus only)"""

    def steps(self, game: Game, optimizers: steps.Optimizers) -> steps.Steps:
        """Builds the steps of a game under this rule.

        Args:
          game: the losses.
          optimizers: the optimisers.

        Returns:
          The `Steps`.

        Raises:
          ValueError: if the rule is unknown, or an option is not one of this rule.
        """
        if self.n_critic != 1 and self.name != "alternating":
            raise ValueError(f"n_critic must be 1 under the {self.name} rule, found {self.n_critic}: use alternating")
        if self.micro_batches != 1 and self.name not in ("alternating", "simultaneous"):
            raise ValueError(f"micro_batches must be 1 under the {self.name} rule, found {self.micro_batches}")
        if self.generator_batch != 1 and self.name != "alternating":
            raise ValueError(f"generator_batch must be 1 under the {self.name} rule, found {self.generator_batch}")
        if self.fresh_latents and self.name != "alternating":
            raise ValueError(f"fresh_latents is an option of the alternating rule, found the {self.name} rule")
        return steps.RULES[self.name](game, optimizers, self)

    def optimistic(self, optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
        """The optimiser for this rule: with the correction of optimistic descent if that is the rule.

        Args:
          optimizer: the optimiser of a player.

        Returns:
          The gradient transformation.

        Example:
          >>> import optax
          >>> from jgan.models import options
          >>> optimizer = options.Rule("optimistic").optimistic(optax.sgd(0.1))
        """
        if self.name != "optimistic":
            return optimizer
        return optax.chain(optimizer, optax.scale_by_optimistic_gradient())


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A penalty on the discriminator."""

    name: str = "none"
    """none, gradient_penalty, one_sided, dragan, r1, r2, r1_r2, finite_difference, lecam or drift"""
    weight: float = 1.0
    """weight of the penalty; for R1 and R2, gamma in gamma/2 |grad D|^2"""
    every: int = 1
    """apply every N steps, scaled by N (lazy regularisation)"""

    def penalties(self) -> tuple[penalties.Penalty, ...]:
        """Builds the penalties of these options, none or one.

        Returns:
          The penalties, for `jgan.games.Adversarial`.

        Raises:
          ValueError: if the name is unknown or `every` is below 1.

        Example:
          >>> from jgan.models import options
          >>> len(options.Penalty("r1").penalties()), options.Penalty().penalties()
          (1, ())
        """
        if self.name == "none":
            return ()
        return (penalties.lazily(penalties.PENALTIES[self.name](self.weight), self.every),)


@dataclasses.dataclass(frozen=True)
class EMA:
    """The moving average of the generator's weights, used for sampling."""

    decay: float = 0.0
    """decay of the average, warmed up; 0: none, unless half_life is given"""
    half_life: float = 0.0
    """half-life of the average in training images; 0: use decay"""
    ramp: float = 0.05
    """the half-life is at most this share of the images seen; 0: no limit"""
    growth_steps: int = 0
    """generator steps over which the half-life grows from 0, along a cosine; 0: it is constant"""
    statistics: str = "average"
    """batch statistics of the averaged generator: average, latest, or standing (recomputed when sampling)"""

    def average(self, spec: DataSpec) -> optim.EMA | None:
        """Builds the average of these options.

        Args:
          spec: the data; a half-life needs its batch size.

        Returns:
          The `EMA`, or None.

        Raises:
          ValueError: if an option is out of range.

        Example:
          >>> from jgan import DataSpec
          >>> from jgan.models import options
          >>> options.EMA(decay=0.999).average(DataSpec.points((2,), 10)).model_state
          'average'
        """
        if self.statistics not in ("average", "latest", "standing"):
            raise ValueError(unknown("ema.statistics", self.statistics, ("average", "latest", "standing")))
        model_state = "latest" if self.statistics == "standing" else self.statistics
        if self.half_life:
            if not spec.batch_size:
                raise ValueError("ema.half_life counts images and needs the batch size: give the DataSpec a batch_size")
            decay = optim.half_life(self.half_life, spec.batch_size, ramp=self.ramp or None, growth_steps=self.growth_steps)
            return optim.EMA(decay, model_state)
        return optim.EMA(optim.warmed_up(self.decay), model_state) if self.decay else None


@dataclasses.dataclass(frozen=True)
class Augment:
    """Random changes to all images that the discriminator sees, for small data sets."""

    name: str = "none"
    """none, ada or diff_augment"""
    policy: tuple[str, ...] = ()
    """groups of transformations of jgan.augment; empty: those of the paper"""
    p: float = 0.0
    """initial probability of each transformation (ada only)"""
    target: float = 0.6
    """target for the mean sign of the logits of real images, by which p adapts; 0: p is constant (ada only)"""

    def augmentation(self) -> Augmentation | None:
        """Builds the augmentation of these options.

        Returns:
          The `Augmentation`, or None.

        Raises:
          ValueError: if the name or a policy is unknown, or p is not a probability.

        Example:
          >>> from jgan.models import options
          >>> float(options.Augment("ada", p=0.25).augmentation().init().p)
          0.25
        """
        if self.name == "ada":
            return augment.ada(self.policy or ADA_POLICIES, p=self.p, target=self.target or None)
        if self.name == "diff_augment":
            return augment.diff_augment(self.policy or DIFF_AUGMENT_POLICIES)
        if self.name != "none":
            raise ValueError(unknown("augment.name", self.name, ("none", "ada", "diff_augment")))
        return None


# --------------------------------------------------------------------------------------------------------- the optimisers

OPTIMIZERS: Registry[Callable[[Optimizer], list[optax.GradientTransformation]]] = Registry("optimizer")
"""The optimisers by name: functions of the options that return the transformation before the learning rate."""


def _adam(options: Optimizer) -> optax.GradientTransformation:
    if not (options.final_b2 and options.decay_steps):
        return optax.scale_by_adam(options.b1, options.b2, eps_root=1e-16)
    b2 = _later(optim.cosine(options.b2, options.final_b2, options.decay_steps), options.decay_from)
    scheduled = optax.inject_hyperparams(optax.scale_by_adam, static_args=("b1", "eps", "eps_root"))
    return scheduled(options.b1, b2, eps=1e-8, eps_root=1e-16)


# Inside the roots 1e-16 keeps both differentiable at zero gradients, for the unrolled rule. RMSprop has no other epsilon:
# it is then PyTorch's 1e-8 beside the root. (optax's 1e-8 inside the root would slow a clipped critic's gradients of 1e-4.)
OPTIMIZERS.register("adam", lambda options: [_adam(options)])
OPTIMIZERS.register("sgd", lambda options: [])
OPTIMIZERS.register("momentum", lambda options: [optax.trace(options.b1)])
OPTIMIZERS.register("rmsprop", lambda options: [optax.scale_by_rms(options.b2, eps=1e-16)])

_DECAYS = {
    "cosine": lambda rate, steps, share: optax.cosine_decay_schedule(rate, steps, share),
    "linear": lambda rate, steps, share: optax.linear_schedule(rate, share * rate, steps),
}


def _later(schedule: optax.Schedule, first: int) -> optax.Schedule:
    """The schedule, begun at a step; before it has its first value."""
    return (lambda count: schedule(jnp.maximum(count - first, 0))) if first else schedule


def optimizers(
    optimizer: Optimizer, rule: Rule, ema: optim.EMA | None = None, factor: optax.Schedule | None = None
) -> steps.Optimizers:
    """Builds the optimisers of both players.

    Args:
      optimizer: the options of both.
      rule: the update rule; it sets the number of discriminator updates, and `optimistic` changes the optimisers.
      ema: the average of the generator's weights.
      factor: `factor(step) -> scalar`, a further factor of both learning rates, such as that of an `EpochDecay`.

    Returns:
      The `Optimizers`.

    Raises:
      ValueError: if a name is unknown, or a number of steps is negative.

    Example:
      >>> from jgan.models import options
      >>> made = options.optimizers(options.Optimizer("adam", d_learning_rate=4e-4), options.Rule(n_critic=5))
    """
    if optimizer.decay not in _DECAYS:
        raise ValueError(unknown("optimizer.decay", optimizer.decay, _DECAYS))
    for name in ("decay_steps", "decay_from"):
        whole(f"optimizer.{name}", getattr(optimizer, name), 0)

    def descent(learning_rate: float, updates: int = 1) -> list[optax.GradientTransformation]:
        steps, begin = optimizer.decay_steps * updates, optimizer.decay_from * updates
        first = OPTIMIZERS[optimizer.name](dataclasses.replace(optimizer, decay_steps=steps, decay_from=begin))
        optimistic = [optax.scale_by_optimistic_gradient()] if rule.name == "optimistic" else []
        if not steps and factor is None:
            return [*first, *optimistic, optax.scale(-learning_rate)]
        decaying = _DECAYS[optimizer.decay](learning_rate, steps, optimizer.decay_to) if steps else None
        rate: optax.Schedule = _later(decaying, begin) if decaying else optax.constant_schedule(learning_rate)
        schedule = rate if factor is None else lambda count: rate(count) * factor(count // updates)
        return [*first, *optimistic, optax.scale_by_learning_rate(schedule)]

    clip = [constraints.clip_weights(optimizer.weight_clip)] if optimizer.weight_clip else []
    rate, d_rate = optimizer.learning_rate, optimizer.d_learning_rate
    traced = isinstance(d_rate, jax.core.Tracer)  # many values in one program
    own: Any = jnp.where(d_rate == 0, rate, d_rate) if traced else d_rate or rate
    ours, theirs = optax.chain(*descent(rate)), optax.chain(*descent(own, rule.n_critic), *clip)
    return steps.Optimizers(optim.under_standard_promotion(ours), optim.under_standard_promotion(theirs), ema)
