"""The networks with labels and codes: the conditional DCGAN, AC-GAN, InfoGAN, and SN-GAN's residual networks with labels."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import torch_layers as layers
from twin_blocks import normalised, residual

from jgan import networks


class Both(nn.Module):
    """Two outputs of a discriminator, side by side."""

    both: nn.Module

    @nn.compact
    def __call__(self, x):
        logits, others = self.both(x)
        return jnp.concatenate([logits[:, None], others], axis=1)


_random = np.random.default_rng(0)
_labels = np.array([2, 0], np.int32)
_latents = _random.normal(scale=0.5, size=(2, 6)).astype(np.float32)
_images = _random.uniform(size=(2, 16, 16, 3)).astype(np.float32)
_shape = (16, 16, 3)
CASES = {
    "cdcgan_generator": (networks.CDCGANGenerator(_shape, 3, width=4, units=8), (_latents, _labels)),
    "cdcgan_generator_embedding": (networks.CDCGANGenerator(_shape, 3, width=4, units=8, label_size=5), (_latents, _labels)),
    "cdcgan_discriminator": (networks.CDCGANDiscriminator(3, width=4, units=8), (_images, _labels)),
    "acgan_generator": (networks.ACGANGenerator(_shape, 3, width=8), (_latents, _labels)),
    "acgan_discriminator": (Both(networks.ACGANDiscriminator(3, width=2)), (_images,)),
    "infogan_generator": (networks.InfoGANGenerator(_shape, width=4, units=8), (_latents,)),
    "infogan_discriminator": (Both(networks.InfoGANDiscriminator(5, width=4, units=8, code_units=6)), (_images,)),
    "projection_generator": (networks.ResidualGenerator(_shape, (8, 8, 8), n_classes=3), (_latents, _labels)),
    "projection_discriminator": (networks.ResidualDiscriminator((4, 4, 6), n_classes=3), (_images, _labels)),
}


def reference(case, params, inputs):
    """The images in [0, 1], or the logits; of two outputs both, side by side."""
    model, _, player = case.partition("_")
    params = {path.removeprefix("both/"): array for path, array in params.items()}
    functions = {
        "cdcgan": (_cdcgan_generator, _cdcgan_discriminator),
        "acgan": (_acgan_generator, _acgan_discriminator),
        "infogan": (_infogan_generator, _infogan_discriminator),
        "projection": (_projection_generator, _projection_discriminator),
    }
    generator, discriminator = functions[model]
    return (generator if player.startswith("generator") else discriminator)(params, *inputs)


def _one_hot(labels):
    import torch

    return torch.eye(3)[torch.from_numpy(labels).long()]


def _joined(h, y):
    """The vector of the label beside units, or as constant maps."""
    import torch

    return torch.cat([h, y if h.ndim == 2 else y[:, :, None, None].expand(-1, -1, *h.shape[2:])], 1)


def _flat(h):
    return h.permute(0, 2, 3, 1).flatten(1)


def _norm(params, path, h):
    """Batch normalisation in evaluation mode, of maps or of units."""
    if h.ndim == 2:
        return layers.batch_norm(params, path)(h[:, :, None, None])[:, :, 0, 0]
    return layers.batch_norm(params, path)(h)


def _cdcgan_generator(params, z, labels):
    import torch

    y = (
        torch.from_numpy(params["classes/embedding"])[torch.from_numpy(labels).long()]
        if ("classes/embedding" in params)
        else _one_hot(labels)
    )
    h = torch.relu(_norm(params, "norm_0", layers.linear(params, "latent")(_joined(torch.from_numpy(z), y))))
    h = torch.relu(_norm(params, "norm_1", layers.linear(params, "project")(_joined(h, y))))
    h = layers.unflattened(h, (4, 4))
    up = lambda name, h: layers.conv_transpose(params, name, 2, 2, 1)(_joined(h, y))  # noqa: E731
    h = torch.relu(_norm(params, "norm_2", up("up_1", h)))
    return layers.array(torch.sigmoid(up("output", h)))


def _cdcgan_discriminator(params, x, labels):
    import torch

    y, leaky = _one_hot(labels), lambda h: torch.nn.functional.leaky_relu(h, 0.2)
    h = leaky(layers.conv(params, "down_0", 2, 2)(_joined(layers.image(x), y)))
    h = leaky(_norm(params, "norm_1", layers.conv(params, "down_1", 2, 2)(_joined(h, y))))
    h = leaky(_norm(params, "norm_2", layers.linear(params, "hidden")(_joined(_flat(h), y))))
    return layers.linear(params, "output")(_joined(h, y))[:, 0].numpy()


def _acgan_generator(params, z, labels):
    import torch

    h = torch.relu(layers.linear(params, "project")(_joined(torch.from_numpy(z), _one_hot(labels))))
    h = layers.conv_transpose(params, "up_1", 2, 2, 1)(layers.unflattened(h, (4, 4)))
    h = layers.conv_transpose(params, "output", 2, 2, 1)(torch.relu(_norm(params, "norm_1", h)))
    return (layers.array(torch.tanh(h)) + 1) / 2


def _acgan_discriminator(params, x):
    import torch

    h = 2 * layers.image(x) - 1
    for index in range(6):
        h = layers.conv(params, f"conv_{index}", 2 - index % 2, 1)(h)
        h = torch.nn.functional.leaky_relu(_norm(params, f"norm_{index}", h) if index else h, 0.2)
    return layers.linear(params, "output")(_flat(h)).numpy()


def _infogan_generator(params, z):
    import torch

    h = torch.relu(_norm(params, "norm_0", layers.linear(params, "latent")(torch.from_numpy(z))))
    h = torch.relu(_norm(params, "norm_1", layers.linear(params, "project")(h)))
    h = layers.conv_transpose(params, "up_1", 2, 1)(layers.unflattened(h, (4, 4)))
    h = layers.conv_transpose(params, "output", 2, 1)(torch.relu(_norm(params, "norm_2", h)))
    return layers.array(torch.sigmoid(h))


def _infogan_discriminator(params, x):
    import torch

    leaky = lambda h: torch.nn.functional.leaky_relu(h, 0.01)  # noqa: E731
    h = leaky(layers.conv(params, "down_0", 2, 1)(layers.image(x)))
    h = leaky(_norm(params, "norm_1", layers.conv(params, "down_1", 2, 1)(h)))
    h = leaky(_norm(params, "norm_trunk", layers.linear(params, "trunk")(_flat(h))))
    q = leaky(_norm(params, "norm_codes", layers.linear(params, "codes")(h)))
    return torch.cat([layers.linear(params, "output")(h), layers.linear(params, "codes_output")(q)], 1).numpy()


def _of_class(params, path, h, y):
    """Batch normalisation with the gain and the shift of each image's class."""
    gain, shift = (y @ _tensor(params[f"{path}/{name}"]) for name in ("gain", "shift"))
    h = layers.batch_norm(params, f"{path}/norm")(h)
    return h * gain[:, :, None, None] + shift[:, :, None, None]


def _tensor(array):
    import torch

    return torch.from_numpy(array)


def _projection_generator(params, z, labels):
    import torch
    import torch.nn.functional as F  # noqa: N812

    y, up = _one_hot(labels), lambda h: F.interpolate(h, scale_factor=2, mode="nearest")
    h = layers.unflattened(layers.linear(params, "project")(_tensor(z)), (4, 4))
    for name in ("block_1", "block_2"):
        convolved = lambda part, h, name=name, **options: layers.conv(params, f"{name}/{part}", **options)(h)  # noqa: E731
        inner = convolved("conv_1", up(F.relu(_of_class(params, f"{name}/norm_1", h, y))), padding=1)
        inner = convolved("conv_2", F.relu(_of_class(params, f"{name}/norm_2", inner, y)), padding=1)
        h = inner + convolved("shortcut", up(h))
    h = layers.conv(params, "output", padding=1)(torch.relu(_norm(params, "norm", h)))
    return (layers.array(torch.tanh(h)) + 1) / 2


def _projection_discriminator(params, x, labels):
    import torch

    h = 2 * layers.image(x) - 1
    for index, resample in enumerate(("down", "down", "none"), 1):
        h = residual(params, f"block_{index}/", h, resample, first=index == 1)
    features = torch.relu(h).sum((2, 3))
    logits = normalised(layers.linear(params, "output"), params, "output")(features)[:, 0]
    of_class = normalised(layers.linear(params, "embed"), params, "embed")(_one_hot(labels))
    return (logits + (of_class * features).sum(1)).numpy()
