"""The 2014 GAN in PyTorch, optimised for speed: the reference for the speed of jgan's step.

It has the layers, dropout, losses and momentum SGD of `jgan.models.gan2014`; the images are on the device as uint8, and are
shuffled and cut there. There are two kinds of updates, each as fast as we could make it:

- *simultaneous*, as in the paper: one graph from the latents to both losses, with one backward pass per player. Compiled, the
  gradient computation is one function, in the functional form that `torch.compile` made fastest.
- *usual order*, as in most PyTorch GANs: D on real images and detached fakes, then G through the updated D. Compiled, both
  modules are compiled.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vjp
from torch.nn.functional import dropout, softplus

from jgan.models.gan2014 import Config

Tensors = Mapping[str, torch.Tensor]


class Generator(nn.Module):
    """ReLU layers and a sigmoid output: `[B, latent_size]` to `[B, pixels]`."""

    def __init__(self, config: Config, pixels: int) -> None:
        super().__init__()
        self.layers = _linear((config.latent_size, *config.g_units, pixels))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            z = torch.relu(layer(z))
        return torch.sigmoid(self.layers[-1](z))


class Discriminator(nn.Module):
    """Maxout layers and one logit, with dropout on the input of each: `[B, pixels]` to `[B]`."""

    def __init__(self, config: Config, pixels: int) -> None:
        super().__init__()
        self.pieces, self.input_drop, self.hidden_drop = config.d_pieces, 1 - config.input_keep, 1 - config.hidden_keep
        inputs, outputs = (pixels, *config.d_units), (*(units * config.d_pieces for units in config.d_units), 1)
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in zip(inputs, outputs, strict=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = dropout(x, self.input_drop)
        for layer in self.layers[:-1]:
            h = dropout(layer(h).unflatten(1, (-1, self.pieces)).max(dim=2).values, self.hidden_drop)
        return self.layers[-1](h).squeeze(1)


class Twin:
    """A training run of the PyTorch model.

    Args:
      config: the configuration of jgan's model, of which sizes, dropout, optimiser and the discriminator's weight are used. The
        noise is uniform and the loss non-saturating.
      images: uint8 `[N, ...]`, the whole data set.
      batch_size: the batch size.
      simultaneous: whether both players are updated at once; otherwise the discriminator is updated first.
      compiled: whether to use `torch.compile`.
      device: the device of model and data.
    """

    def __init__(
        self, config: Config, images: np.ndarray, batch_size: int, *, simultaneous: bool, compiled: bool, device: str = "cpu"
    ) -> None:
        self.config, self.batch_size, self.device = config, batch_size, torch.device(device)
        self.images = torch.from_numpy(images.reshape(len(images), -1)).to(self.device)
        pixels = self.images.shape[1]
        self.generator, self.discriminator = (net(config, pixels).to(self.device) for net in (Generator, Discriminator))
        _initialise(self.generator, config.g_irange)
        _initialise(self.discriminator, config.d_irange)
        self.g_params, self.d_params = (list(net.parameters()) for net in (self.generator, self.discriminator))
        self.g_sgd, self.d_sgd = (torch.optim.SGD(p, fused=True) for p in (self.g_params, self.d_params))
        self.count, self.steps_per_epoch = 0, len(images) // batch_size
        self.update = self._simultaneous if simultaneous else self._usual
        self.gradients: Callable[..., Any] = self._gradients
        self.play: tuple[Callable[..., Any], ...] = (self.generator, self.discriminator)
        if compiled and simultaneous:
            self.gradients = self._functional(torch.compile(self._functional_gradients))
        elif compiled:
            self.play = tuple(torch.compile(net) for net in self.play)

    def load(self, generator: Mapping[str, Any], discriminator: Mapping[str, Any]) -> None:
        """Loads the parameters of jgan's `MLPGenerator` and `MLPDiscriminator`."""
        for net, params in ((self.generator, generator), (self.discriminator, discriminator)):
            for layer, found in zip(net.layers, jgan_layers(params), strict=True):
                layer.weight.data.copy_(torch.from_numpy(np.array(found["kernel"]).T))
                layer.bias.data.copy_(torch.from_numpy(np.array(found["bias"])))

    def step(self) -> torch.Tensor:
        """Draws a minibatch and latents, updates both players, and returns the generator's loss."""
        position = self.count % self.steps_per_epoch * self.batch_size
        if position == 0:
            self.order = torch.randperm(len(self.images), device=self.device)
        x = self.images[self.order[position : position + self.batch_size]].float().div_(255)
        z = torch.empty(self.batch_size, self.config.latent_size, device=self.device).uniform_(-math.sqrt(3), math.sqrt(3))
        self._schedule()
        return self.update(x, z)

    def _schedule(self) -> None:
        """Sets the authors' learning rate and momentum for this update and epoch."""
        sgd = self.config.optimizer
        rate = max(sgd.learning_rate / sgd.decay**self.count, sgd.min_learning_rate)
        ramp = min(self.count // self.steps_per_epoch / (sgd.momentum_epochs - 1), 1.0)
        momentum = sgd.momentum + (sgd.final_momentum - sgd.momentum) * ramp
        for player in (self.g_sgd, self.d_sgd):
            player.param_groups[0].update(lr=rate, momentum=momentum)
        self.count += 1

    # --------------------------------------------------------------------------------------------- both players at once

    def _simultaneous(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        g_loss, g_grads, d_grads = self.gradients(x, z)
        for sgd, params, grads in ((self.d_sgd, self.d_params, d_grads), (self.g_sgd, self.g_params, g_grads)):
            for param, grad in zip(params, grads, strict=True):
                param.grad = grad
            sgd.step()
        return g_loss

    def _gradients(self, x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, Any, Any]:
        fakes = self.generator(z)
        d_loss, g_loss = self._losses(self.discriminator(x), self.discriminator(fakes))
        d_grads = torch.autograd.grad(d_loss, self.d_params, retain_graph=True)
        return g_loss.detach(), torch.autograd.grad(g_loss, self.g_params), d_grads

    def _functional_gradients(self, g: Tensors, d: Tensors, x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, Any, Any]:
        """`_gradients` as a function of the parameters."""

        def logits(d: Tensors, fakes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return functional_call(self.discriminator, d, (x,)), functional_call(self.discriminator, d, (fakes,))

        fakes, to_generator = vjp(lambda g: functional_call(self.generator, g, (z,)), g)
        opinions, to_discriminator = vjp(logits, d, fakes)
        (_, g_loss), to_opinions = vjp(self._losses, *opinions)
        one, zero = torch.ones_like(g_loss), torch.zeros_like(g_loss)
        d_grads, _ = to_discriminator(to_opinions((one, zero)))
        _, on_fakes = to_discriminator(to_opinions((zero, one)))
        (g_grads,) = to_generator(on_fakes)
        return g_loss, list(g_grads.values()), list(d_grads.values())

    def _functional(self, gradients: Callable[..., Any]) -> Callable[..., Any]:
        g, d = ({name: p.detach() for name, p in net.named_parameters()} for net in (self.generator, self.discriminator))

        def called(x: torch.Tensor, z: torch.Tensor) -> Any:
            with torch.no_grad():
                return gradients(g, d, x, z)

        return called

    def _losses(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        d_loss = self.config.discriminator_weight * (softplus(-real) + softplus(fake)).mean()
        return d_loss, softplus(-fake).mean()

    # ------------------------------------------------------------------------------------------------- the usual order

    def _usual(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        generator, discriminator = self.play
        fakes = generator(z)
        d_loss, _ = self._losses(discriminator(x), discriminator(fakes.detach()))
        self.d_sgd.zero_grad()
        d_loss.backward()
        self.d_sgd.step()
        g_loss = softplus(-discriminator(fakes)).mean()
        self.g_sgd.zero_grad()
        g_loss.backward(inputs=self.g_params)
        self.g_sgd.step()
        return g_loss.detach()


def jgan_layers(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The affine layers of one of jgan's MLPs, from input to output.

    Args:
      params: the parameters of an `MLPGenerator` or an `MLPDiscriminator`.

    Returns:
      A dict of `kernel` and `bias` for each layer.
    """
    names = [*sorted(name for name in params if name != "output"), "output"]
    layers = [params[name].get("pieces", params[name]) for name in names]
    return [layer["affine"] for layer in layers]


def _linear(sizes: tuple[int, ...]) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))


def _initialise(net: nn.Module, irange: float) -> None:
    for layer in net.layers:
        nn.init.uniform_(layer.weight, -irange, irange)
        nn.init.zeros_(layer.bias)
