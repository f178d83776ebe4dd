"""The networks of text: SeqGAN's and RelGAN's discriminators, RelGAN's memory, WGAN-GP's networks of characters.

Convolutions are PyTorch's own `Conv1d` here, not products of windows, and attention is its `scaled_dot_product_attention`.
"""

import numpy as np
import torch_layers as layers

from jgan.networks import MultiRepresentationCNN, TextCNN, TextCritic, TextGenerator
from jgan.networks.relational import RelationalMemory

HEADS, HEAD = 2, 3

_random = np.random.default_rng(0)
_relaxed = _random.dirichlet(np.ones(7), size=(3, 6)).astype(np.float32)
CASES = {
    "discriminator of tokens": (
        TextCNN(7, embedding=4, widths=(1, 2, 6, 9), filters=(3, 4, 5, 2)),
        (_random.integers(7, size=(3, 6)).astype(np.int32),),
    ),
    "discriminator of relaxed tokens": (
        MultiRepresentationCNN(7, representations=2, embedding=6, widths=(2, 3), filters=(4, 5), hidden=6),
        (_relaxed,),
    ),
    "relational memory": (
        RelationalMemory(7, embedding=4, slots=2, heads=HEADS, head_size=HEAD, key_size=5),
        (_random.normal(size=(3, 2, HEADS * HEAD)).astype(np.float32), np.array([0, 3, 6], np.int32)),
    ),
    "generator of characters": (TextGenerator(6, 7, width=8), (_random.normal(size=(3, 5)).astype(np.float32),)),
    "critic of characters": (TextCritic(width=8), (_relaxed,)),
}


def reference(case, params, inputs):
    """Logits, values or probabilities."""
    made = {
        "discriminator of tokens": _tokens,
        "discriminator of relaxed tokens": _representations,
        "relational memory": _memory,
        "generator of characters": _generator,
        "critic of characters": _critic,
    }
    return made[case](params, *inputs).numpy()


def _conv(params, path, x, padding=0):
    """`[B, channels, L]`; the kernel of ours is `[k, inputs, outputs]`."""
    import torch

    kernel = torch.from_numpy(np.ascontiguousarray(params[f"{path}/kernel"].transpose(2, 1, 0)))
    return torch.nn.functional.conv1d(x, kernel, torch.from_numpy(params[f"{path}/bias"]), padding=padding)


def _windows(params, x, widths):
    """`[B, channels, L]` -> `[B, features]`; the kernel of a product of windows is `[k * inputs, outputs]`."""
    import torch

    found = []
    for width in widths:
        path = f"windows/width_{width}"
        kernel = params[f"{path}/kernel"].reshape(width, x.shape[1], -1)
        values = _conv({f"{path}/kernel": kernel, f"{path}/bias": params[f"{path}/bias"]}, path, x)
        found.append(torch.relu(values).amax(dim=2))
    return torch.cat(found, dim=1)


def _highway(params, x):
    import torch

    gate = torch.sigmoid(layers.linear(params, "highway/gate")(x))
    return gate * torch.relu(layers.linear(params, "highway/map")(x)) + (1 - gate) * x


def _tokens(params, tokens):
    import torch

    x = torch.nn.functional.embedding(torch.from_numpy(tokens).long(), torch.from_numpy(params["embed/embedding"]))
    h = _highway(params, _windows(params, x.transpose(1, 2), (1, 2, 6)))  # 9 is wider than the sequence
    classes = layers.linear(params, "output")(h)
    return torch.log_softmax(classes, 1)[:, 1] - torch.log_softmax(classes, 1)[:, 0]


def _representations(params, x):
    import torch

    embedded = torch.from_numpy(x) @ torch.from_numpy(params["embed/kernel"])
    logits = []
    for part in embedded.chunk(2, dim=2):
        h = _highway(params, _windows(params, part.transpose(1, 2), (2, 3)))
        logits.append(layers.linear(params, "output")(layers.linear(params, "hidden")(h)))
    return torch.stack(logits, dim=1)


def _memory(params, memory, tokens):
    import torch

    memory = torch.from_numpy(memory)
    embedded = torch.from_numpy(params["embed/embedding"])[torch.from_numpy(tokens).long()]
    inputs = layers.linear(params, "inputs")(embedded)[:, None]
    rows = torch.cat([memory, inputs], dim=1)
    parts = layers.linear(params, "qkv")(rows).reshape(3, 3, HEADS, -1).transpose(1, 2)
    query, key, value = parts[..., :5], parts[..., 5:10], parts[..., 10:]
    found = torch.nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(3, 3, -1)
    rows = _layer_norm(params, "norms_0", rows + found)
    mapped = layers.linear(params, "mlp_1")(torch.relu(layers.linear(params, "mlp_0")(rows)))
    new = _layer_norm(params, "norms_1", rows + mapped)[:, :2]
    gates = layers.linear(params, "input_gates")(inputs) + layers.linear(params, "memory_gates")(torch.tanh(memory))
    write, keep = gates.chunk(2, dim=2)
    memory = torch.sigmoid(write) * torch.tanh(new) + torch.sigmoid(keep + 1) * memory
    return layers.linear(params, "output")(memory.flatten(1))


def _layer_norm(params, path, x):
    import torch

    gain, shift = (torch.from_numpy(params[f"{path}/{name}"]) for name in ("scale", "bias"))
    return torch.nn.functional.layer_norm(x, x.shape[-1:], gain, shift, eps=1e-6)


def _blocks(params, h):
    import torch

    for index in range(5):
        inner = h
        for layer in range(2):
            inner = _conv(params, f"block_{index}/conv_{layer}", torch.relu(inner), padding=2)
        h = h + 0.3 * inner
    return h


def _generator(params, z):
    import torch

    h = layers.linear(params, "input")(torch.from_numpy(z)).reshape(3, 6, 8).transpose(1, 2)
    return torch.softmax(_conv(params, "output", _blocks(params, h)).transpose(1, 2), dim=2)


def _critic(params, x):
    import torch

    h = _blocks(params, _conv(params, "input", torch.from_numpy(x).transpose(1, 2)))
    return layers.linear(params, "output")(h.transpose(1, 2).flatten(1))[:, 0]
