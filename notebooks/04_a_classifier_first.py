# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: -all
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A classifier first
#
# A discriminator is a classifier with two classes, real and generated. What makes a classifier learn well also makes a good
# discriminator, and a classifier is easier to study: it has an accuracy. So we begin with a first neural network, one hidden
# layer of sigmoids, squared error, stochastic gradient descent on one image at a time, and change one thing after the other
# until it has the loss, the activation, the optimiser and the normalisation of most discriminators. The steps are those of
# the second and fourth notebooks of Tariq Rashid's *Make Your First GAN With PyTorch* (2020).
#
# For a GAN the accuracy is only half of the story. The generator learns from the gradient that comes back through the
# discriminator to the pixels, so we measure that too. The notebook runs in about two minutes on two CPU cores, without
# network access.
#
# 1. The first network, and an epoch in one program
# 2. Four changes, and why
# 3. Each change alone, and all together
# 4. What a generator would receive
# 5. A discriminator

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import dataclasses
import functools
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from jgan import Batch, data
from jgan.features import dense
from jgan.features.dense import SIMPLE

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. The first network
#
# The images are scikit-learn's 8x8 digits. The network has ten outputs, and the target of an image is 1 at its class and 0
# elsewhere. With logits $t$, $p = \sigma(t)$ and targets $y$ the loss is $\frac{1}{10} \sum_i (p_i - y_i)^2$.
#
# `dense.trainer` gives pure functions: `init(key)`, `loss(params, batch)`, `update(state, batch) -> (state, loss)`.

# %%
digits = data.load("digits")
SHAPE, CLASSES, N = digits.train.x.shape[1:], 10, len(digits.train.x)
train, test = (jax.tree.map(jnp.asarray, part) for part in (digits.train, digits.test))

simple = dense.trainer(SIMPLE, SHAPE, CLASSES)
start = jax.jit(simple.init)(jax.random.key(0))
print(SIMPLE)
print(f"{sum(leaf.size for leaf in jax.tree.leaves(start.params)):,} parameters, {N:,} training images")

# %% [markdown]
# An update on one image is little arithmetic, and a Python loop over images spends most of its time between the updates.
# Since the update is pure, `jax.lax.scan` makes one program of a whole epoch: `dense.epoch(trainer, state, data, indices)`,
# with one row of `indices` for each update. The arithmetic is the same.

# %%
indices = dense.order(jax.random.key(1), N, batch_size=1)
one = jax.jit(lambda state, row: simple.update(state, Batch(train.x[row].astype(jnp.float32) / 255, train.y[row])))
epoch = jax.jit(functools.partial(dense.epoch, simple))


def loop(state):
    for row in indices:
        state, _ = one(state, row)
    return state


def seconds(function):
    jax.block_until_ready(function())  # compiles
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        jax.block_until_ready(function())
        taken.append(time.perf_counter() - began)
    return min(taken)


slow, fast = seconds(lambda: loop(start)), seconds(lambda: epoch(start, train, indices))
apart = jax.tree.map(lambda a, b: float(abs(a - b).max()), loop(start).params, epoch(start, train, indices)[0].params)
print(f"a Python loop over {N:,} images is {slow / fast:.0f} times as slow as one program")
print(f"largest difference between the two results: {max(jax.tree.leaves(apart)):.1g}")

# %% [markdown]
# `jax.vmap` of the same function trains several networks side by side. Here every configuration has three, of different
# seeds, for 20 epochs.

# %%
SEEDS, EPOCHS = 3, 20


def accuracy(config, params):
    net = dense.network(config, SHAPE, CLASSES)
    return jnp.mean(net.apply(params, {}, test.x.astype(jnp.float32) / 255)[0][0].argmax(axis=-1) == test.y)


def trained(config):
    """The states at the start and at the end, and the test accuracies `[EPOCHS, SEEDS]`."""
    made, keys = dense.trainer(config, SHAPE, CLASSES), jax.random.split(jax.random.key(0), SEEDS)

    @jax.jit
    def advance(states, epoch_key):
        rows = jax.vmap(lambda key: dense.order(key, N, 1))(jax.random.split(epoch_key, SEEDS))
        states, _ = jax.vmap(functools.partial(dense.epoch, made), in_axes=(0, None, 0))(states, train, rows)
        return states, jax.vmap(functools.partial(accuracy, config))(states.params)

    first = states = jax.jit(jax.vmap(made.init))(keys)
    curve = []
    for key in jax.random.split(jax.random.key(1), EPOCHS):
        states, found = advance(states, key)
        curve.append(np.asarray(found))
    return first, states, np.stack(curve)


# %% [markdown]
# ## 2. Four changes, and why
#
# **Cross-entropy in place of squared error.** Where the network is wrong and sure of it, squared error learns least: its
# derivative with respect to the logit is $2 (p - y)\, p (1 - p)$, which vanishes at $p = 0$ and $p = 1$ alike. That of the
# binary cross-entropy is $p - y$: the worse the answer, the stronger the correction. A generator needs exactly this at the
# start of training, when the discriminator is sure that everything it makes is generated. (It is why the 2014 paper lets $G$
# maximise
# $\log D$.)
#
# **LeakyReLU in place of the sigmoid.** A sigmoid has a slope of at most 1/4, and of almost 0 where it is saturated; every
# layer multiplies the gradient by it. A LeakyReLU has the slope 1 above 0 and a small one, here 0.02, below, so that no unit
# ever stops passing a gradient on.

# %%
t = np.linspace(-8, 8, 401)
p = 1 / (1 + np.exp(-t))
figure, axes = plt.subplots(1, 3, figsize=(12, 3.2))
axes[0].plot(t, (p - 1) ** 2, label="squared error")
axes[0].plot(t, np.log1p(np.exp(-t)), label="cross-entropy")
axes[0].set(title="loss, target 1", xlabel="logit $t$", ylim=(0, 8))
axes[1].plot(t, np.abs(2 * (p - 1) * p * (1 - p)), label="squared error")
axes[1].plot(t, np.abs(p - 1), label="cross-entropy")
axes[1].set(title="size of its derivative", xlabel="logit $t$")
axes[2].plot(t, p * (1 - p), label="sigmoid")
axes[2].plot(t, np.where(t > 0, 1, 0.02), label="LeakyReLU")
axes[2].set(title="slope of the activation", xlabel="its input")
for axis in axes:
    axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# Left of 0 the network is wrong. At $t = -6$ the cross-entropy corrects it 200 times as strongly as the squared error does.
#
# **Adam in place of SGD.** Adam divides the gradient of each weight by a running root mean square of it, so all weights move
# by about the learning rate, however small their gradients are. It makes up for a poor loss in the *speed* of learning. It
# does not change the loss, whose gradient at the pixels still vanishes where the network is sure.
#
# **Layer normalisation.** For each image, the hidden values are shifted and scaled to mean 0 and variance 1. The output layer
# then always gets inputs of the same scale, whatever the weights before it. Unlike batch normalisation it does not look at
# other images, so it works with a batch of one, and a discriminator cannot use it to compare the images of a batch.

# %%
CHANGES = {
    "cross-entropy": {"loss": "bce"},
    "LeakyReLU": {"activation": "leaky_relu"},
    "Adam": {"optimizer": "adam"},
    "LayerNorm": {"layer_norm": True},
}
configs = {"first network": SIMPLE}
for name, change in CHANGES.items():
    configs[f"only {name}"] = dataclasses.replace(SIMPLE, **change)
together = SIMPLE
for name, change in CHANGES.items():
    together = dataclasses.replace(together, **change)
    configs[f"... + {name}"] = together
ALONE = [name for name in configs if not name.startswith("...")]
SUMS = ["first network", *(name for name in configs if name.startswith("..."))]

runs = {name: trained(config) for name, config in configs.items()}

# %% [markdown]
# ## 3. Each change alone, and all together

# %%
figure, axes = plt.subplots(1, 2, figsize=(12, 3.6), sharey=True)
for axis, names, title in zip(axes, (ALONE, SUMS), ("each change alone", "one after the other"), strict=True):
    for name in names:
        curve = runs[name][2]
        line = axis.plot(range(1, EPOCHS + 1), curve.mean(axis=1), label=name)[0]
        axis.fill_between(range(1, EPOCHS + 1), curve.min(axis=1), curve.max(axis=1), color=line.get_color(), alpha=0.2)
    axis.set(title=title, xlabel="epochs", xticks=range(0, EPOCHS + 1, 5), ylim=(0, 1))
    axis.legend(fontsize=8, loc="lower right")
axes[0].set_ylabel("test accuracy")
plt.show()

for name, (_, _, curve) in runs.items():
    print(f"{name:18} {curve[-1].mean():6.1%} +- {curve[-1].std(ddof=1):.1%}")

# %% [markdown]
# The same on MNIST, from the result of `python -m benchmarks.classifier_steps`: three epochs, one image at a time. The
# published figures are of one run each, the first after four epochs.

# %%
result = json.loads((Path("..") / "benchmarks" / "results" / "classifier_steps.json").read_text())
for name, row in result["rows"].items():
    found = row["accuracy"][-1]
    print(f"{name:46} {found['mean']:7.2%} +- {found['std']:.2%}")
first, best = result["published"]["first"], result["published"]["all"]
print(f"\npublished: the first {first['accuracy']:.2%} ({first['epochs']} epochs), all changes {best['accuracy']:.2%}")

# %% [markdown]
# Adam alone brings the first network to the accuracy of all changes together; cross-entropy, LeakyReLU and layer normalisation
# alone give 91 to 92 %. On the 1,204 small digits, with fewer updates, the gaps are wider. From the accuracy one might conclude
# that Adam is all that matters.
#
# ## 4. What a generator would receive
#
# We take a test image of class $c$ and ask the network for class $c + 1$, as a generator asks a discriminator for the class
# "real" of an image that is not. The gradient of that loss with respect to the pixels is all that would reach a generator.


# %%
images = Batch(test.x.astype(jnp.float32) / 255, (test.y + 1) % CLASSES)


def at_the_pixels(config, params):
    """The gradients of the loss of another class, `[images, 8, 8, 1]`."""
    made = dense.trainer(config, SHAPE, CLASSES)
    return jax.grad(lambda x: made.loss(params, Batch(x, images.y)).sum())(images.x)


def norms(gradients):
    return jnp.linalg.norm(gradients.reshape(len(gradients), -1), axis=1)


sizes = {}
for name, (begin, end, _) in runs.items():
    size = jax.jit(jax.vmap(lambda params, config=configs[name]: norms(at_the_pixels(config, params)).mean()))
    sizes[name] = [float(size(state.params).mean()) for state in (begin, end)]

figure, axis = plt.subplots(figsize=(9, 3.6))
places = np.arange(len(sizes))
for place, (before, after) in zip(places, sizes.values(), strict=True):
    axis.plot([before, after], [place, place], color="0.7", zorder=1)
for column, (label, style) in enumerate((("before training", "o"), ("after training", "D"))):
    axis.plot([pair[column] for pair in sizes.values()], places, style, label=label)
axis.set(yticks=places, yticklabels=list(sizes), xscale="log", xlabel="mean norm of the gradient at the pixels")
axis.invert_yaxis()
axis.legend()
plt.show()

# %% [markdown]
# The first network has the smallest gradient *after* training: the surer it is, the less it passes on. With all changes it is
# a thousand times larger. With Adam alone the network classifies almost as well, and passes on about a fortieth. Layer
# normalisation has the most effect before training, when a GAN is most easily lost, and moderates the gradient afterwards.
#
# A generator's own Adam would make up for a gradient that is small everywhere. It cannot make up for one that vanishes just
# for the images that need it most, those of which the discriminator is sure.
#
# The gradients as pictures, for five digits, with one scale of colours in each row. Red pixels should become brighter,
# blue ones darker.

# %%
shown = [int(np.flatnonzero(np.asarray(test.y) == label)[0]) for label in range(5)]
rows = {name: configs[name] for name in ("first network", "... + cross-entropy", "... + LayerNorm")}
figure, axes = plt.subplots(1 + len(rows), len(shown), figsize=(9, 6.2))
for axis, index in zip(axes[0], shown, strict=True):
    axis.imshow(test.x[index, ..., 0], cmap="gray")
    axis.set_title(f"{int(test.y[index])}, asked for {int(images.y[index])}", fontsize=9)
axes[0, 0].set_ylabel("image", fontsize=8)
for row, (name, config) in zip(axes[1:], rows.items(), strict=True):
    params = jax.tree.map(lambda leaf: leaf[0], runs[name][1].params)
    wanted = -np.asarray(at_the_pixels(config, params))[shown, ..., 0]
    for axis, picture in zip(row, wanted, strict=True):
        axis.imshow(picture, cmap="RdBu_r", vmin=-abs(wanted).max(), vmax=abs(wanted).max())
    row[0].set_ylabel(f"{name}\nup to {abs(wanted).max():.1g}", fontsize=8)
for axis in axes.ravel():
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
plt.show()

# %% [markdown]
# All three know something of the shape: the 0 should become brighter in the middle to be a 1. In the last row the scale is
# set by the images for which the network is most certain; there the correction is the strongest, and it is local.
#
# ## 5. A discriminator
#
# Last, the same networks with two classes: digits are class 1; noise, which an untrained generator makes, is class 0. While
# the discriminator learns, we measure what a generator would receive: the gradient at the noise of the loss for the class of
# the digits.

# %%
noise = np.random.default_rng(0).integers(0, 256, digits.train.x.shape, np.uint8)
both = Batch(jnp.concatenate([train.x, noise]), jnp.repeat(jnp.array([1, 0]), N))
fakes = Batch(jnp.asarray(noise[:200]).astype(jnp.float32) / 255, jnp.ones(200, jnp.int32))
CHUNK, CHUNKS = 100, 40


def received(config):
    """The mean probability of "real" and the mean norm of the gradient at the fakes, every CHUNK updates."""
    made, net = dense.trainer(config, SHAPE, 2), dense.network(config, SHAPE, 2)

    @jax.jit
    def look(params):
        gradients = jax.grad(lambda x: made.loss(params, Batch(x, fakes.y)).sum())(fakes.x)
        return jax.nn.sigmoid(net.apply(params, {}, fakes.x)[0][0][:, 1]).mean(), norms(gradients).mean()

    advance = jax.jit(functools.partial(dense.epoch, made))
    state = jax.jit(made.init)(jax.random.key(0))
    rows = dense.order(jax.random.key(1), 2 * N, 1)
    found = [look(state.params)]
    for index in range(CHUNKS):
        chosen = jnp.take(rows, jnp.arange(CHUNK * index, CHUNK * (index + 1)) % len(rows), axis=0)
        state, _ = advance(state, both, chosen)
        found.append(look(state.params))
    return np.array(found)


figure, axes = plt.subplots(1, 2, figsize=(12, 3.6))
for name in [*SUMS, "only Adam"]:
    found = received(configs[name])
    for axis, values in zip(axes, found.T, strict=True):
        axis.plot(CHUNK * np.arange(len(found)), values, label=name, linestyle="--" if name == "only Adam" else "-")
axes[0].set(xlabel="updates of the discriminator", title='probability of "real" for the noise', yscale="log")
axes[1].set(xlabel="updates of the discriminator", title="gradient that reaches the noise", yscale="log")
figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside right")
plt.show()

# %% [markdown]
# The dashed line, squared error and sigmoids with Adam, is the warning: its discriminator learns as fast as the one with
# cross-entropy and LeakyReLU, and the gradient that reaches the noise *falls* as it learns. The better it discriminates, the
# less a generator could learn from it. With cross-entropy the gradient stays, even where the discriminator gives the noise a
# probability of one in ten thousand. Layer normalisation holds it nearly constant from the first hundred updates on; without
# it, it keeps growing.
#
# So a classifier may have a poor loss and a good accuracy; a discriminator may not. The losses of `jgan.losses` are functions
# of logits for this reason, and the 2014 paper's own choices, and what went wrong with others, are in the other notebooks.
