"""WGAN-GP's two generators and its critic; the authors' layers, with symmetric padding as PyTorch has it."""

import numpy as np
import torch_layers as layers

from jgan.networks import WGANGPCritic, WGANGPGenerator

_random = np.random.default_rng(0)
CASES = {
    "generator of digits": (
        WGANGPGenerator((28, 28, 1), batch_norm=False, symmetric=False),
        (_random.normal(size=(2, 128)).astype(np.float32),),
    ),
    "generator of photographs": (WGANGPGenerator((32, 32, 3)), (_random.normal(size=(2, 128)).astype(np.float32),)),
    "critic of digits": (WGANGPCritic(symmetric=False), (_random.uniform(size=(2, 28, 28, 1)).astype(np.float32),)),
    "critic of photographs": (WGANGPCritic(), (_random.uniform(size=(2, 32, 32, 3)).astype(np.float32),)),
}


def reference(case, params, inputs):
    """The images in [0, 1], or the critic's values."""
    kind, _, of = case.partition(" of ")
    return {"generator": _generator, "critic": _critic}[kind](params, of == "digits", *inputs)


def _generator(params, digits, z):
    import torch

    # Before a batch normalisation our biases are parameters of the network, not of the layers.
    names = {"bias_0": "project/bias"} | {f"bias_{index}": f"up_{index}/bias" for index in (1, 2)}
    params = {names.get(path, path): array for path, array in params.items()}
    h = torch.from_numpy(z) @ torch.from_numpy(params["project/kernel"]) + torch.from_numpy(params["project/bias"])
    if not digits:
        statistics = (torch.from_numpy(params[f"norm_0/{name}"]) for name in ("mean", "var", "scale", "bias"))
        h = torch.nn.functional.batch_norm(h, *statistics)
    h = layers.image(torch.relu(h).reshape(2, 4, 4, 256).numpy())
    for index in (1, 2):
        h = layers.conv_transpose(params, f"up_{index}", 2, 2, output_padding=1)(h)
        h = torch.relu(h if digits else layers.batch_norm(params, f"norm_{index}")(h))
        if digits and index == 1:
            h = h[:, :, :7, :7]
    h = layers.conv_transpose(params, "output", 2, 2, output_padding=1)(h)
    return layers.array(torch.sigmoid(h) if digits else (torch.tanh(h) + 1) / 2)


def _critic(params, digits, x):
    import torch

    h = layers.image(x) if digits else 2 * layers.image(x) - 1
    for index in range(3):
        h = torch.nn.functional.leaky_relu(layers.conv(params, f"down_{index}", 2, 2)(h), 0.2)
    last = layers.array(h).reshape(2, -1) @ params["output/kernel"] + params["output/bias"]
    return last[:, 0]
