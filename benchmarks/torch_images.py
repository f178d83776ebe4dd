"""Convolutional GANs in PyTorch, as fast as we could write them: the reference for the speed of jgan's.

Each has the layers, the losses, the penalties, Adam and the order of updates of jgan's model, and starts from its parameters.
Images and kernels are in PyTorch's `channels_last` format, the faster one on CPU; Adam is fused; a step draws its minibatch and
its latents on the device, generates once, and updates D, then G through the new D.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

Arrays = Mapping[str, np.ndarray]


class Player(nn.Module):
    """A network as a function of its variables.

    Args:
      run: `run(variables, x) -> y`, with the variables as attributes of an accessor by their path.
      params: jgan's parameters by path.
      state: jgan's other variables by path: statistics of batch norm, vectors of spectral norm.
      transposed: the paths of the kernels of transposed convolutions.
    """

    def __init__(self, run: Callable[..., torch.Tensor], params: Arrays, state: Arrays, transposed: frozenset[str]) -> None:
        super().__init__()
        self.run = run
        for path, array in params.items():
            axes = {2: (1, 0), 4: (2, 3, 0, 1) if path in transposed else (3, 2, 0, 1), 3: (2, 0, 1)}.get(array.ndim, (0,))
            self.register_parameter(_name(path), nn.Parameter(torch.from_numpy(np.array(array.transpose(axes)))))
        for path, array in state.items():
            self.register_buffer(_name(path), torch.from_numpy(np.array(array)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(self, x)

    def of(self, path: str) -> Any:
        """A variable, or None if there is none."""
        return getattr(self, _name(path), None)


def _name(path: str) -> str:
    return path.replace("/", "__")


# ------------------------------------------------------------------------------------------------------------------- layers


def kernel_of(net: Player, path: str) -> torch.Tensor:
    """A kernel, normalised if the network has a singular vector for it."""
    return net.of(f"{path}/kernel") if net.of(f"spectral_{path}/kernel") is None else spectral(net, path)


def conv(net: Player, x: torch.Tensor, path: str, stride: int = 1, padding: int = 0) -> torch.Tensor:
    return functional.conv2d(x, kernel_of(net, path), net.of(f"{path}/bias"), stride, padding)


def up(net: Player, x: torch.Tensor, path: str) -> torch.Tensor:
    return functional.conv_transpose2d(x, net.of(f"{path}/kernel"), net.of(f"{path}/bias"), stride=2, padding=1)


def linear(net: Player, x: torch.Tensor, path: str) -> torch.Tensor:
    return functional.linear(x, kernel_of(net, path), net.of(f"{path}/bias"))


def batch_norm(net: Player, x: torch.Tensor, path: str) -> torch.Tensor:
    mean, var, scale, bias = (net.of(f"{path}/{name}") for name in ("mean", "var", "scale", "bias"))
    return functional.batch_norm(x, mean, var, scale, bias, training=net.training)


def spectral(net: Player, path: str) -> torch.Tensor:
    """The kernel divided by its largest singular value after one power iteration, whose vector is kept in training."""
    kernel, u = net.of(f"{path}/kernel"), net.of(f"spectral_{path}/kernel")
    matrix = kernel.flatten(1)
    with torch.no_grad():
        v = functional.normalize(matrix.T @ u, dim=0)
        refined = functional.normalize(matrix @ v, dim=0)
    if net.training:
        setattr(net, _name(f"spectral_{path}/kernel"), refined)  # the gradient of an earlier pass needs the old tensor
    return kernel / torch.dot(refined, matrix @ v)


def small_image(net: Player, z: torch.Tensor, side: int) -> torch.Tensor:
    """The dense layer, whose outputs are those of jgan: channels last."""
    h = linear(net, z, "project")
    return h.reshape(len(h), side, side, -1).permute(0, 3, 1, 2)


# ----------------------------------------------------------------------------------------------------------------- networks


def dcgan_generator(count: int) -> Callable[..., torch.Tensor]:
    def run(net: Player, z: torch.Tensor) -> torch.Tensor:
        h = functional.relu(batch_norm(net, small_image(net, z, 4), "norm_0"))
        for index in range(1, count):
            h = functional.relu(batch_norm(net, up(net, h, f"up_{index}"), f"norm_{index}"))
        return torch.tanh(up(net, h, "output"))

    return run


def dcgan_discriminator(count: int) -> Callable[..., torch.Tensor]:
    def run(net: Player, x: torch.Tensor) -> torch.Tensor:
        h = functional.leaky_relu(conv(net, x, "down_0", 2, 1), 0.2)
        for index in range(1, count):
            h = functional.leaky_relu(batch_norm(net, conv(net, h, f"down_{index}", 2, 1), f"norm_{index}"), 0.2)
        return linear(net, h.permute(0, 2, 3, 1).flatten(1), "output")[:, 0]

    return run


def sngan_generator(net: Player, z: torch.Tensor) -> torch.Tensor:
    h = functional.relu(batch_norm(net, small_image(net, z, 4), "norm_0"))
    for index in (1, 2, 3):
        h = functional.relu(batch_norm(net, up(net, h, f"up_{index}"), f"norm_{index}"))
    return torch.tanh(conv(net, h, "output", padding=1))


def sngan_discriminator(net: Player, x: torch.Tensor) -> torch.Tensor:
    h = x
    for index in range(3):
        h = functional.leaky_relu(conv(net, h, f"conv_{index}", padding=1), 0.1)
        h = functional.leaky_relu(conv(net, h, f"down_{index}", 2, 1), 0.1)
    h = functional.leaky_relu(conv(net, h, "conv_3", padding=1), 0.1)
    return linear(net, h.permute(0, 2, 3, 1).flatten(1), "output")[:, 0]


def _taps(x: torch.Tensor) -> torch.Tensor:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device)
    return (taps[:, None] * taps / 64).repeat(x.shape[1], 1, 1, 1)


def _r3gan_block(net: Player, x: torch.Tensor, path: str) -> torch.Tensor:
    def act(h: torch.Tensor, name: str) -> torch.Tensor:
        return functional.leaky_relu(h + net.of(f"{path}/{name}/bias")[:, None, None], 0.2)

    h = act(conv(net, x, f"{path}/widen"), "act_0")
    kernel = net.of(f"{path}/grouped/kernel")
    h = functional.conv2d(h, kernel, padding=1, groups=h.shape[1] // kernel.shape[1])
    return x + conv(net, act(h, "act_1"), f"{path}/narrow")


def r3gan_generator(count: int) -> Callable[..., torch.Tensor]:
    def run(net: Player, z: torch.Tensor) -> torch.Tensor:
        x = net.of("basis") * linear(net, z, "project")[:, :, None, None]
        for index in range(count):
            if index:
                x = functional.conv_transpose2d(x, 4 * _taps(x), stride=2, padding=1, groups=x.shape[1])
            x = _r3gan_block(net, x, f"block_{index}_0")
        return conv(net, x, "output")

    return run


def r3gan_discriminator(count: int) -> Callable[..., torch.Tensor]:
    def run(net: Player, images: torch.Tensor) -> torch.Tensor:
        x = conv(net, images, "input")
        for index in reversed(range(count)):
            x = _r3gan_block(net, x, f"block_{index}_0")
            if index:
                x = functional.conv2d(x, _taps(x), stride=2, padding=1, groups=x.shape[1])
        x = functional.conv2d(x, net.of("basis")[:, None], groups=x.shape[1])
        return linear(net, x.flatten(1), "output")[:, 0]

    return run


# ------------------------------------------------------------------------------------------------------------------- losses


def non_saturating(real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return functional.softplus(-real).mean() + functional.softplus(fake).mean(), functional.softplus(-fake).mean()


def hinge(real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean(), -fake.mean()


def relativistic(real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return functional.softplus(fake - real).mean(), functional.softplus(real - fake).mean()


LOSSES = {"non_saturating": non_saturating, "hinge": hinge, "relativistic": relativistic}


class Twin:
    """A training run.

    Args:
      players: generator and discriminator.
      images: uint8 `[N, height, width, channels]`, on the device.
      batch_size: the batch size.
      latent_size: the dimension of the latents.
      loss: a name in `LOSSES`.
      adam: the options of Adam, the same for both players.
      gamma: the weight of R1 and R2 for images in [-1, 1]: gamma / 2 times the squared norms of the gradients; 0: none.
      compiled: whether to use `torch.compile`.
      device: the device of model and data.
    """

    def __init__(
        self,
        players: tuple[Player, Player],
        images: np.ndarray,
        *,
        batch_size: int,
        latent_size: int,
        loss: str,
        adam: Mapping[str, Any],
        gamma: float = 0.0,
        compiled: bool = False,
        device: str = "cpu",
    ) -> None:
        players_on = [player.to(device, memory_format=torch.channels_last) for player in players]
        self.g_params, self.d_params = ([*player.parameters()] for player in players_on)
        self.g, self.d = (torch.compile(player) if compiled else player for player in players_on)
        self.g_adam, self.d_adam = (torch.optim.Adam(p, fused=True, **adam) for p in (self.g_params, self.d_params))
        self.images = torch.from_numpy(images).to(device)
        self.batch_size, self.latent_size, self.loss, self.gamma = batch_size, latent_size, LOSSES[loss], gamma
        self.both = loss == "relativistic"

    def step(self) -> torch.Tensor:
        """Updates D, then G; the generator's loss."""
        index = torch.randint(len(self.images), (self.batch_size,), device=self.images.device)
        x = self.images[index].permute(0, 3, 1, 2).float() / 127.5 - 1
        fakes = self.g(torch.randn(self.batch_size, self.latent_size, device=x.device))
        d_loss = self._d_loss(x, fakes.detach())
        self.d_adam.zero_grad()
        d_loss.backward()
        self.d_adam.step()
        real = self.d(x).detach() if self.both else torch.zeros((), device=x.device)
        _, g_loss = self.loss(real, self.d(fakes))
        self.g_adam.zero_grad()
        g_loss.backward(inputs=self.g_params)
        self.g_adam.step()
        return g_loss.detach()

    def _d_loss(self, x: torch.Tensor, fakes: torch.Tensor) -> torch.Tensor:
        if not self.gamma:
            return self.loss(self.d(x), self.d(fakes))[0]
        x, fakes = x.requires_grad_(), fakes.requires_grad_()
        real, fake = self.d(x), self.d(fakes)
        gradients = torch.autograd.grad((real.sum(), fake.sum()), (x, fakes), create_graph=True)
        penalty = sum(gradient.square().sum(dim=(1, 2, 3)).mean() for gradient in gradients)
        return self.loss(real, fake)[0] + self.gamma / 2 * penalty
