"""The 2014 GAN by hand: NumPy, float64, no automatic differentiation and nothing of the library's.

Parameters are the library's trees with NumPy leaves. Forward passes keep what their backward passes need. `recorded_draws`
alone asks the library: it takes from it the random numbers (latents and masks) of one step, which are data to the oracle.
"""

import flax.linen as nn
import jax
import numpy as np

from jgan import rng
from jgan.networks import Dropout


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def softplus(t):
    return np.logaddexp(0, t)


def float64(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


# ---------------------------------------------------------------------------------------------------------- generator


def generator_forward(params, z):
    """ReLU layers and a sigmoid output: `([z, h_1, ..., images], margin)`."""
    activations, margin = [z], np.inf
    for index in range(len(params) - 1):
        layer = params[f"hidden_{index}"]["affine"]
        t = activations[-1] @ layer["kernel"] + layer["bias"]
        margin = min(margin, np.abs(t).min())
        activations.append(np.maximum(t, 0))
    layer = params["output"]["affine"]
    activations.append(sigmoid(activations[-1] @ layer["kernel"] + layer["bias"]))
    return activations, margin


def generator_backward(params, activations, on_images):
    """The gradient on the parameters, given that on the images."""
    grads = {}
    images = activations[-1]
    delta = on_images * images * (1 - images)
    for name, below in zip(reversed(list_layers(params)), reversed(activations[:-1]), strict=True):
        grads[name] = {"affine": {"kernel": below.T @ delta, "bias": delta.sum(0)}}
        delta = (delta @ params[name]["affine"]["kernel"].T) * (below > 0)
    return grads


def list_layers(params):
    return [f"hidden_{index}" for index in range(len(params) - 1)] + ["output"]


# ------------------------------------------------------------------------------------------------------ discriminator


def discriminator_forward(params, x, masks, scales, pieces):
    """Dropout on each layer's input, maxout layers, one affine logit: `(logits [B], cache, margin)`."""
    h, cache, margin = x, [], np.inf
    for index in range(len(params) - 1):
        h = h * masks[index] * scales[index]
        layer = params[f"maxout_{index}"]["pieces"]["affine"]
        z = (h @ layer["kernel"] + layer["bias"]).reshape(len(h), -1, pieces)
        winner = z.argmax(-1)
        second, first = np.moveaxis(np.partition(z, -2)[..., -2:], -1, 0)
        margin = min(margin, (first - second).min())
        cache.append((h, winner))
        h = np.take_along_axis(z, winner[..., None], -1)[..., 0]
    h = h * masks[-1] * scales[-1]
    cache.append((h, None))
    layer = params["output"]["affine"]
    return (h @ layer["kernel"] + layer["bias"])[:, 0], cache, margin


def discriminator_backward(params, cache, masks, scales, pieces, on_logits):
    """`(gradient on the parameters, gradient on the input)`, given that on the logits `[B]`."""
    h, _ = cache[-1]
    delta = on_logits[:, None]
    grads = {"output": {"affine": {"kernel": h.T @ delta, "bias": delta.sum(0)}}}
    delta = (delta @ params["output"]["affine"]["kernel"].T) * masks[-1] * scales[-1]
    for index in reversed(range(len(params) - 1)):
        h, winner = cache[index]
        on_pieces = (delta[..., None] * (winner[..., None] == np.arange(pieces))).reshape(len(h), -1)
        grads[f"maxout_{index}"] = {"pieces": {"affine": {"kernel": h.T @ on_pieces, "bias": on_pieces.sum(0)}}}
        kernel = params[f"maxout_{index}"]["pieces"]["affine"]["kernel"]
        delta = (on_pieces @ kernel.T) * masks[index] * scales[index]
    return grads, delta


# ------------------------------------------------------------------------------------------------------------ the game


def d_gradient(config, params, x, fakes, draws):
    """`(loss, gradient, margin)` of D: w mean(softplus(-r) + softplus(f))."""
    scales, weight = dropout_scales(config), config.discriminator_weight
    real_logits, real_cache, real_margin = discriminator_forward(params, x, draws["real_masks"], scales, config.d_pieces)
    fake_logits, fake_cache, fake_margin = discriminator_forward(params, fakes, draws["fake_masks"], scales, config.d_pieces)
    loss = weight * np.mean(softplus(-real_logits) + softplus(fake_logits))
    on_real, on_fake = -weight * sigmoid(-real_logits) / len(x), weight * sigmoid(fake_logits) / len(x)
    of_real, _ = discriminator_backward(params, real_cache, draws["real_masks"], scales, config.d_pieces, on_real)
    of_fake, _ = discriminator_backward(params, fake_cache, draws["fake_masks"], scales, config.d_pieces, on_fake)
    return loss, jax.tree.map(np.add, of_real, of_fake), min(real_margin, fake_margin)


def g_gradient(config, g_params, d_params, activations, draws):
    """`(loss, gradient, margin)` of G through D: mean softplus(-f), or -mean softplus(f) for the minimax game."""
    scales, fakes = dropout_scales(config), activations[-1]
    logits, cache, margin = discriminator_forward(d_params, fakes, draws["fake_masks"], scales, config.d_pieces)
    if config.loss == "non_saturating":
        loss, on_logits = np.mean(softplus(-logits)), -sigmoid(-logits) / len(logits)
    else:
        loss, on_logits = -np.mean(softplus(logits)), -sigmoid(logits) / len(logits)
    _, on_fakes = discriminator_backward(d_params, cache, draws["fake_masks"], scales, config.d_pieces, on_logits)
    return loss, generator_backward(g_params, activations, on_fakes), margin


def dropout_scales(config):
    return [1 / config.input_keep] + [1 / config.hidden_keep] * len(config.d_units)


def descend(config, params, velocity, grads, t, steps_per_epoch):
    """pylearn2's momentum at update t: v = m v - lr g, p += v, m by the epoch and lr by the update."""
    options = config.optimizer
    rate = max(options.learning_rate / options.decay**t, options.min_learning_rate)
    progress = min((t // steps_per_epoch) / (options.momentum_epochs - 1), 1)
    momentum = options.momentum + (options.final_momentum - options.momentum) * progress
    velocity = jax.tree.map(lambda v, g: momentum * v - rate * g, velocity, grads)
    return jax.tree.map(np.add, params, velocity), velocity


def train(config, g_params, d_params, x, draws, steps_per_epoch):
    """One D + G update for each entry of `draws`.

    Returns:
      `((g_params, g_velocity), (d_params, d_velocity), losses, margin)`: `losses` has a pair `(d_loss, g_loss)` an update;
      `margin` is the least distance, in the whole run, of a ReLU's input from 0 and of a maxout unit's best piece from its
      second: the networks are kinked there, and an implementation whose rounding is larger may take the other side.
    """
    g_params, d_params, x = float64(g_params), float64(d_params), float64(x).reshape(len(x), -1)
    g_velocity, d_velocity = (jax.tree.map(np.zeros_like, params) for params in (g_params, d_params))
    losses, margins = [], []
    for t, numbers in enumerate(draws):
        activations, margin = generator_forward(g_params, numbers["z"])
        d_loss, grads, d_margin = d_gradient(config, d_params, x, activations[-1], numbers)
        new_d_params, d_velocity = descend(config, d_params, d_velocity, grads, t, steps_per_epoch)
        opponent = d_params if config.rule.name == "simultaneous" else new_d_params
        g_loss, grads, g_margin = g_gradient(config, g_params, opponent, activations, numbers)
        g_params, g_velocity = descend(config, g_params, g_velocity, grads, t, steps_per_epoch)
        d_params = new_d_params
        losses.append((d_loss, g_loss))
        margins += [margin, d_margin, g_margin]
    return (g_params, g_velocity), (d_params, d_velocity), losses, min(margins)


# ----------------------------------------------------------------------------------------------- the library's numbers


class _Masks(nn.Module):
    """The discriminator's dropout layers, by their names and without what lies between: on ones, they return their masks."""

    keeps: tuple[float, ...]
    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, n):
        names = [f"dropout_{index}" for index in range(len(self.keeps) - 1)] + ["dropout_output"]
        return [
            Dropout(keep, scale=1.0, name=name)(np.ones((n, width), np.float32), train=True)
            for name, keep, width in zip(names, self.keeps, self.widths, strict=True)
        ]


def recorded_draws(config, key, updates, n, pixels):
    """The latents and masks that the library draws at the first steps of the run whose root key is `key`."""
    keeps = (config.input_keep,) + (config.hidden_keep,) * len(config.d_units)
    layers = _Masks(keeps, widths=(pixels, *config.d_units))

    @jax.jit
    def draws(t):
        latent_key, _, real_key, fake_key = jax.random.split(jax.random.fold_in(key, t), 4)
        return {
            "z": rng.latents(latent_key, n, config.latent_size, config.noise),
            "real_masks": layers.apply({}, n, rngs={"dropout": real_key}),
            "fake_masks": layers.apply({}, n, rngs={"dropout": fake_key}),
        }

    return [float64(draws(t)) for t in range(updates)]
