"""Options of the models of super-resolution: random views of a pair, learning rates, the perceptual loss, the training."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jgan import terms, views
from jgan.features import maps
from jgan.models import options
from jgan.utils.registry import unknown

Distance = Literal["l1", "mse"]


@dataclasses.dataclass(frozen=True)
class Crop:
    """The random view of each pair that a step sees."""

    side: int = 0
    """side of the crops of the small images; 0: whole images"""
    flip: bool = True
    """mirror half of them"""
    turn: bool = True
    """turn them by a multiple of 90 degrees"""

    def view(self, scale: int) -> views.View | None:
        """Builds the view of a minibatch of pairs.

        Args:
          scale: the pixels of a large image to one of a small one along each side.

        Returns:
          The view; None if pairs stay as they are.

        Example:
          >>> from jgan.models import super_resolution_options
          >>> super_resolution_options.Crop(0, flip=False, turn=False).view(4) is None
          True
        """
        changes = [views.crop(self.side * scale, scale)] if self.side else []
        changes += [views.flip()] if self.flip else []
        changes += [views.quarter_turns()] if self.turn else []
        return views.of_images(*changes) if changes else None


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The learning rate of a phase."""

    falls: tuple[int, ...] = ()
    """generator steps of the phase at which the rate falls"""
    fall: float = 0.5
    """the factor by which it falls"""
    period: int = 0
    """steps of a half cosine from the full rate to nearly 0, repeated; 0: none"""
    least: float = 5e-4
    """the share of the rate at the end of a period"""

    def factor(self) -> optax.Schedule | None:
        """Builds the factor of the learning rate.

        Returns:
          `factor(step) -> scalar`; None if the rate is constant.

        Raises:
          ValueError: if the rate would fall at a step below 1, or the period is negative.

        Example:
          >>> from jgan.models import super_resolution_options
          >>> halved = super_resolution_options.Schedule(falls=(2, 3)).factor()
          >>> [float(halved(step)) for step in range(5)]
          [1.0, 1.0, 0.5, 0.25, 0.25]
          >>> restarts = super_resolution_options.Schedule(period=4, least=0.0).factor()
          >>> [round(float(restarts(step)), 3) for step in range(6)]
          [1.0, 0.854, 0.5, 0.146, 1.0, 0.854]

        References:
          Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), https://arxiv.org/abs/1608.03983
        """
        if self.period < 0 or min(self.falls, default=1) < 1:
            raise ValueError(f"falls must be steps from 1 on and the period not negative, found {self.falls} and {self.period}")
        if not self.falls and not self.period:
            return None

        def factor(step: jax.typing.ArrayLike) -> jax.Array:
            count = jnp.asarray(step, jnp.int32)
            found = jnp.ones(())
            for fall in self.falls:
                found = found * jnp.where(count >= fall, self.fall, 1.0)
            if self.period:
                share = (count % self.period).astype(jnp.float32) / self.period
                found = found * (self.least + (1 - self.least) * (1 + jnp.cos(jnp.pi * share)) / 2)
            return found

        return factor


@dataclasses.dataclass(frozen=True)
class Perceptual:
    """The perceptual loss: a distance in the feature maps of a frozen network."""

    features: str = "efficientnet_lite0"
    """network: vgg19:FILE (vgg19-dcbb9e9d.pth), efficientnet_lite0 or _lite1, classifier:FILE, random:SEED; none: no loss"""
    weight: float = 1.0
    """weight of the loss"""
    distance: Distance = "l1"
    """distance of maps, l1 or mse"""
    relu: bool = False
    """take the maps after their ReLU"""
    layers: tuple[str, ...] = ()
    """names of the layers; empty: the published ones of vgg19, of another network those of jgan.features.maps"""
    layer_weights: tuple[float, ...] = ()
    """weight of each layer"""

    def term(self, published: dict[str, float], target: Callable[[Any], jax.Array]) -> tuple[terms.Term, ...]:
        """Builds the term of the generator.

        Args:
          published: the weights of VGG19's layers by name, used if none are given.
          target: `target(view) -> [B, ...]`, what the fakes are compared with.

        Returns:
          The terms, none or one. The features are read when a loss is traced.

        Raises:
          ValueError: if there are not as many weights as layers, or an option is unknown.

        Example:
          See `jgan.models.esrgan`.
        """
        if len(self.layers) != len(self.layer_weights):
            found = f"{len(self.layers)} and {len(self.layer_weights)}"
            raise ValueError(f"perceptual.layers and perceptual.layer_weights must be equally many, found {found}")
        if self.features == "none":
            return ()
        kind = self.features.partition(":")[0]
        if kind not in maps.KINDS:
            raise ValueError(unknown("perceptual.features", kind, ("none", *maps.KINDS)))
        chosen = dict(zip(self.layers, self.layer_weights, strict=True)) or (published if kind == "vgg19" else None)
        return (
            terms.perceptual(
                lambda: maps.choose(self.features),
                self.weight,
                layers=chosen,
                distance=self.distance,
                relu=self.relu,
                target=target,
            ),
        )


@dataclasses.dataclass(frozen=True)
class Training:
    """The options that all of these models share."""

    crop: Crop = Crop()
    """the random view of each pair"""
    pretrain_steps: int = 100_000
    """generator steps of the first phase, which trains by a distance alone; 0: no such phase"""
    pretrain: options.Optimizer = options.Optimizer("adam", learning_rate=2e-4, b1=0.9, b2=0.99)
    """the optimiser of the first phase"""
    pretrain_schedule: Schedule = Schedule()
    """its learning rate"""
    pixel: Distance = "l1"
    """the distance of the first phase"""
    pixel_weight: float = 1e-2
    """weight of the mean absolute difference in the second phase"""
    adversarial_weight: float = 5e-3
    """weight of the generator's adversarial loss"""
    loss: str = "non_saturating"
    """a name in jgan.losses.LOSSES"""
    perceptual: Perceptual = Perceptual()
    """the perceptual loss of the second phase"""
    rule: options.Rule = options.Rule("simultaneous")
    """the update rule"""
    optimizer: options.Optimizer = options.Optimizer("adam", learning_rate=1e-4, b1=0.9, b2=0.99)
    """the optimiser of both players in the second phase"""
    schedule: Schedule = Schedule()
    """its learning rates"""
    ema: options.EMA = options.EMA(0.999)
    """the average of the generator's weights"""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """dtype of the networks' arithmetic; parameters, statistics of normalisation and losses are float32"""


def small(config: Any) -> Any:
    """The common options of the small configurations, for tests.

    Plain descent: a bias before a batch norm has a gradient of 0, whose rounding error Adam would turn into whole steps.
    """
    sgd = options.Optimizer("sgd", learning_rate=0.01)
    return dataclasses.replace(
        config,
        pretrain_steps=min(config.pretrain_steps, 3),
        crop=dataclasses.replace(config.crop, side=4),
        perceptual=dataclasses.replace(config.perceptual, features="random:0"),
        pretrain=sgd,
        pretrain_schedule=_short(config.pretrain_schedule),
        optimizer=sgd,
        schedule=_short(config.schedule),
        ema=options.EMA(0.9),
    )


def _short(schedule: Schedule) -> Schedule:
    return dataclasses.replace(schedule, period=min(schedule.period, 4), falls=tuple(min(fall, 3) for fall in schedule.falls))
