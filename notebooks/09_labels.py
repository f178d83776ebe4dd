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
# # Asking for a class
#
# A conditional GAN is told which class to generate. There are several ways to tell the discriminator about the label, and they
# are compared here with the same small convolutional networks on the 8x8 digits: does the generator obey, how varied are the
# images of a class, what do the latents mean if the label is separate, and what lies between two labels? The notebook runs in
# about two minutes on two CPU cores, without network access.
#
# 1. Four ways for a label to enter
# 2. Training them
# 3. Does the generator obey?
# 4. Variety within a class
# 5. One latent, ten labels
# 6. Between two labels

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from jgan import data, games, losses, networks, parallel, plots, rng, steps, terms
from jgan.data import resident
from jgan.evaluation.extract import extract
from jgan.features import classifier
from jgan.metrics import frechet, prdc
from jgan.networks.labels import joined

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

CLASSES, LATENT, WIDTH = 10, 32, 32

# %% [markdown]
# ## 1. Four ways for a label to enter
#
# The generator maps a latent $z$ and a label $y$ to an image. The label is a one-hot vector, joined to $z$. If the
# discriminator judged images only, the generator could ignore the label: any digit would do. So the discriminator must depend
# on the label too. Let $f(x)$ be its last hidden layer.
#
# - **Joined to the input** (Mirza and Osindero, 2014, [arXiv:1411.1784](https://arxiv.org/abs/1411.1784)): the discriminator
#   gets $[x, y]$; for a convolution $y$ is ten more channels, each constant. The logit is $v \cdot f([x, y])$.
# - **Joined to every layer**, as in the authors' code of DCGAN: $y$ is joined to the input of each layer of both networks.
# - **As a class loss** (AC-GAN: Odena et al., 2017, [arXiv:1610.09585](https://arxiv.org/abs/1610.09585)): the discriminator
#   is not told the label but has to say it. It has a second output $P(c\,|\,x)$, and both players minimise
#   $-\log P(y\,|\,x)$ in addition to their loss, the generator for its samples, the discriminator for real images and samples.
# - **As a projection** (Miyato and Koyama, 2018, [arXiv:1802.05637](https://arxiv.org/abs/1802.05637)): the logit is
#
# $$D(x, y) = v \cdot f(x) + e_y \cdot f(x)$$
#
# with a learnt vector $e_y$ for each class. The best logit is $\log \frac{p(x)}{q(x)} + \log \frac{p(y | x)}{q(y | x)}$ for
# the densities $p$ of the data and $q$ of the samples. If both class probabilities are softmaxes of linear functions of $f$,
# the second term is linear in $f$ with a vector for each class: that is $e_y$.
#
# In the code each is a line or two. For comparison there is a discriminator that does not know the label.


# %%
class Generator(nn.Module):
    every: bool = False

    def __call__(self, z, labels, *, train=False):
        return self.mixed(z, jax.nn.one_hot(labels, CLASSES), train=train)

    @nn.compact
    def mixed(self, z, y, *, train=False):
        """Of a vector in place of a label."""

        def hidden(h, name):
            h = nn.relu(networks.BatchNorm(name=name)(h, train=train))
            return joined(h, y) if self.every else h

        options = {"use_bias": False, "kernel_init": nn.initializers.normal(0.02)}
        h = nn.Dense(2 * 2 * 2 * WIDTH, **options, name="project")(joined(z, y)).reshape(-1, 2, 2, 2 * WIDTH)
        h = hidden(h, "norm_0")
        h = hidden(networks.ConvTranspose(WIDTH, 4, stride=2, **options, name="up")(h), "norm_1")
        return (nn.tanh(networks.ConvTranspose(1, 4, stride=2, name="output")(h)) + 1) / 2


class Discriminator(nn.Module):
    way: str

    @nn.compact
    def __call__(self, x, labels, *, train=False):
        y = jax.nn.one_hot(labels, CLASSES)

        def told(h, *ways):
            return joined(h, y) if self.way in ways else h

        options = {"padding": 1, "kernel_init": nn.initializers.normal(0.02)}
        h = told(2 * x - 1, "input", "every layer")
        h = nn.leaky_relu(networks.Conv(WIDTH, 4, stride=2, **options, name="down_0")(h), 0.2)
        h = networks.Conv(2 * WIDTH, 4, stride=2, use_bias=False, **options, name="down_1")(told(h, "every layer"))
        h = nn.leaky_relu(networks.BatchNorm(name="norm_1")(h, train=train), 0.2)
        f = told(h.reshape(len(h), -1), "every layer")
        logits = nn.Dense(1, name="output")(f)[:, 0]
        if self.way == "projection":
            e = nn.Dense(f.shape[1], use_bias=False, kernel_init=nn.initializers.normal(0.02), name="embed")(y)
            logits += (e * f).sum(axis=1)
        if self.way == "class loss":
            return logits, nn.Dense(CLASSES, name="classes")(f)
        return logits


WAYS = ("not told", "input", "every layer", "class loss", "projection")
DTYPES = (jnp.float32, jnp.int32)


def players(way):
    generator = networks.from_module(Generator(way == "every layer"), (LATENT,), (), input_dtypes=DTYPES)
    discriminator = networks.from_module(Discriminator(way), (8, 8, 1), (), input_dtypes=DTYPES)
    return generator, discriminator


for way in WAYS:
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(net.init(jax.random.key(0))[0])) for net in players(way)]
    print(f"{way:14} generator {sizes[0]:,}, discriminator {sizes[1]:,} parameters")

# %% [markdown]
# ## 2. Training them
#
# `games.Adversarial(condition=games.labels)` gives both networks the labels of the minibatch as their second input; the
# samples get the same labels as the real images. (`fake_condition` would draw others.) The class loss is a pair of terms,
# `terms.class_loss()`, on the second output of the discriminator. Everything else is equal: 2,000 steps in batches of 64, the
# non-saturating loss, Adam with a rate of 0.001, three seeds.

# %%
digits = data.load("digits")
TRAIN = jax.tree.map(jnp.asarray, digits.train)
classes = np.asarray(digits.train.y)
EXTRACTOR = classifier.load()
STEPS, BATCH, SEEDS = 2000, 64, 3


def latents(key, n, axis_name=None):
    return rng.latents(key, n, LATENT, axis_name=axis_name)


def trained(way):
    """The generators of three seeds: `generate(z, labels)`, and `mixed(z, vectors)`."""
    g, d = players(way)
    class_terms = terms.class_loss() if way == "class loss" else ()
    game = games.Adversarial(g, d, latents, losses.non_saturating, condition=games.labels, terms=class_terms)
    optimizers = steps.Optimizers(optax.adam(1e-3, b1=0.5), optax.adam(1e-3, b1=0.5))
    step = parallel.jit(resident.on_resident_data(steps.alternating(game, optimizers).step, BATCH))
    of_vectors = networks.from_module(Generator(way == "every layer"), (LATENT,), (CLASSES,), method="mixed")
    found = []
    for seed in range(SEEDS):
        key = jax.random.key(seed)
        state = steps.init_state(key, g, d, optimizers, game)
        for _ in range(STEPS):
            state, _ = step(key, state, TRAIN)
        weights = state.generator.params, state.generator.model_state
        generate = jax.jit(lambda z, labels, weights=weights: g.apply(*weights, z, labels)[0])
        mixed = jax.jit(lambda z, vectors, weights=weights: of_vectors.apply(*weights, z, vectors)[0])
        found.append((generate, mixed))
    return found


runs = {way: trained(way) for way in WAYS}

# %% [markdown]
# A row per class, five samples of each, from the first seed; on the left real digits.

# %%
real = np.concatenate([digits.train.x[classes == label][:5] for label in range(CLASSES)])
asked = jnp.repeat(jnp.arange(CLASSES), 5)
pictures = {"data": real} | {way: found[0][0](latents(jax.random.key(9), 50), asked) for way, found in runs.items()}
figure, axes = plt.subplots(1, 6, figsize=(13, 4.4))
for axis, (name, images) in zip(axes, pictures.items(), strict=True):
    axis.imshow(plots.grid(images, columns=5)[..., 0], cmap="gray", vmin=0, vmax=255)
    axis.set(title=name, xticks=[], yticks=[])
    axis.grid(visible=False)
plt.show()

# %% [markdown]
# ## 3. Does the generator obey?
#
# The classifier that comes with the package judges the samples. It was trained on the same images, and its own accuracy on
# digits that it has not seen is in the last line. We ask for as many samples of each class as there are training images, and
# measure them all together too: FID, precision and recall in the features of the classifier.

# %%
features = extract(EXTRACTOR, digits.train.x).features


def judged(generate):
    found = extract(EXTRACTOR, plots.to_uint8(generate(latents(jax.random.key(100), len(classes)), TRAIN.y)))
    return np.asarray(found.features), np.asarray(found.logits).argmax(axis=1)


outcomes = {way: [judged(generate) for generate, _ in found] for way, found in runs.items()}
print(f"{'':20}{'agreement':>18}{'FID':>18}{'precision':>18}{'recall':>18}")
for way, found in outcomes.items():
    rows = []
    for fake, named in found:
        balls = prdc.prdc(features, fake)
        rows.append(((named == classes).mean(), frechet.fid(features, fake).fid, balls.precision, balls.recall))
    each = zip(np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1), (3, 1, 2, 2), strict=True)
    print(f"{way:20}" + "".join(f"{f'{mean:.{places}f} +- {std:.{places}f}':>18}" for mean, std, places in each))
unseen = np.concatenate([digits.validation.x, digits.test.x]), np.concatenate([digits.validation.y, digits.test.y])
held_out = extract(EXTRACTOR, unseen[0])
balls = prdc.prdc(features, held_out.features)
values = (np.mean(held_out.logits.argmax(axis=1) == unseen[1]), frechet.fid(features, held_out.features).fid)
print(f"{'593 held-out digits':20}{values[0]:9.3f}{values[1]:18.1f}{balls.precision:18.2f}{balls.recall:18.2f}")

# %%
confusion = {
    way: sum(np.histogram2d(classes, named, bins=(range(11), range(11)))[0] for _, named in found)
    for way, found in outcomes.items()
}
figure, axes = plt.subplots(1, 5, figsize=(13, 2.9), sharey=True)
for axis, (way, counts) in zip(axes, confusion.items(), strict=True):
    axis.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="viridis", vmin=0, vmax=1)
    axis.set(title=way, xlabel="class found", xticks=range(CLASSES), yticks=range(CLASSES))
    axis.grid(visible=False)
axes[0].set_ylabel("class asked for")
plt.show()

# %% [markdown]
# A generator whose discriminator is not told the label makes digits, but any digit for any label: the agreement is hardly above
# the tenth that chance gives. With all four ways the generator obeys, and the classifier agrees with the asked class about as
# often as with the true class of real digits that it has not seen. The few errors come mostly from the 8 and the 9.
#
# The labels also change the images: the precision is clearly higher than without them, and the recall lower. The FID is not
# clearly lower than without labels, and that of the label at every layer is the highest of all; with three seeds and such
# spreads one should not read more into it. The other three ways differ little. On ten classes of digits any way of telling is
# good enough; where there are many classes of photographs, the papers report large differences.
#
# ## 4. Variety within a class
#
# A generator could obey and make one image per class. For each class we take the samples in which the classifier finds that
# class (others would count as variety), and compare two numbers with the data:
#
# - the mean distance of two samples of the class, divided by the mean distance of two training images of the class;
# - the recall within the class: the share of the training images of the class that lie near a sample of it. The radius is the
#   distance of a sample to the fifth nearest other sample. Few samples far apart have large balls, so it is read with the
#   first.


# %%
def pairwise(x):
    """The mean distance of two different rows."""
    squared = ((x[:, None] - x[None]) ** 2).sum(axis=-1)
    return np.sqrt(squared).sum() / (len(x) * (len(x) - 1))


def within(found, asked=classes):
    """`[seeds, classes]` of both numbers."""
    ratios, recalls = np.zeros((2, len(found), CLASSES))
    for seed, (fake, named) in enumerate(found):
        for label in range(CLASSES):
            one, other = features[classes == label], fake[(asked == label) & (named == label)]
            ratios[seed, label] = pairwise(other) / pairwise(one)
            recalls[seed, label] = prdc.prdc(one, other).recall
    return ratios, recalls


varied = {way: within(outcomes[way]) for way in WAYS[1:]}
figure, axes = plt.subplots(1, 2, figsize=(13, 3), sharey=True)
for axis, index, title in zip(axes, (0, 1), ("distance of two samples / of two training images", "recall"), strict=True):
    table = np.array([found[index].mean(axis=0) for found in varied.values()])
    axis.imshow(table, cmap="viridis", vmin=0, vmax=1.2, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color="w" if value < 0.8 else "k")
    axis.set(title=f"{title}, mean of three seeds", xlabel="class", xticks=range(CLASSES))
    axis.set_yticks(range(len(varied)), list(varied))
    axis.grid(visible=False)
plt.show()
print(f"{'mean over the classes':24}{'distance / that of the data':>30}{'recall':>18}{'smallest ratio of a class':>28}")
for way, (ratios, recalls) in varied.items():
    cells = [f"{values.mean():.2f} +- {values.mean(axis=1).std(ddof=1):.2f}" for values in (ratios, recalls)]
    print(f"{way:24}{cells[0]:>30}{cells[1]:>18}{ratios.min():28.2f}")
ratios, recalls = within([(held_out.features, unseen[1])], unseen[1])
print(f"{'593 held-out digits':24}{ratios.mean():22.2f}{recalls.mean():18.2f}{ratios.min():36.2f}")

# %% [markdown]
# With every way the samples of a class are almost as far apart as the training images of the class, and no class of any seed
# collapses: the smallest ratio is well above one half. But all are below the last line, that of real digits which the networks
# have not seen, in both numbers: some ways of writing a digit are missing.
#
# The class loss has a reputation for images of a class that resemble each other, since typical ones are the easiest to
# recognise. Here it does not show: its figures are near those of the others. The label at every layer has the lowest recall in
# four classes (0, 3, 6 and 8 in the right picture).
#
# ## 5. One latent, ten labels
#
# Since the label is an input of its own, the latent is left for the rest: how a digit is written. Each row below has one
# latent, and only the label changes.

# %%
SHOWN = ("input", "class loss", "projection")
z = latents(jax.random.key(5), 8)
figure, axes = plt.subplots(1, 3, figsize=(13, 3.9))
for axis, way in zip(axes, SHOWN, strict=True):
    images = runs[way][0][0](jnp.repeat(z, CLASSES, axis=0), jnp.tile(jnp.arange(CLASSES), len(z)))
    axis.imshow(plots.grid(images, columns=CLASSES)[..., 0], cmap="gray", vmin=0, vmax=255)
    axis.set(title=way, xlabel="label", ylabel="latent", xticks=[], yticks=[])
    axis.grid(visible=False)
plt.show()

# %% [markdown]
# Is the style really kept? We measure the ink (the mean of the pixels) and the slant (how far the strokes move to the left from
# one row to the next) of 300 latents with all ten labels, subtract the mean of each class, and ask how much of the variance
# that is left belongs to the latent. If styles were drawn anew for each label, it would be about a tenth, since a mean
# of ten varies too.


# %%
def styles(images):
    """`[..., 2]`: ink and slant of images `[..., 8, 8, 1]`."""
    x = np.asarray(images)[..., 0]
    ink = x.mean(axis=(-1, -2))
    weights = x / x.sum(axis=(-1, -2), keepdims=True)
    place = np.arange(8.0)
    row, column = (weights.sum(axis=axis) @ place for axis in (-1, -2))
    off_row, off_column = place[:, None] - row[..., None, None], place - column[..., None, None]
    slant = -(weights * off_row * off_column).sum(axis=(-1, -2)) / (weights * off_row**2).sum(axis=(-1, -2))
    return np.stack([ink, slant], axis=-1)


z = latents(jax.random.key(6), 300)
print(f"{'share of the variance that belongs to the latent':52}{'ink':>16}{'slant':>16}")
for way in WAYS[1:]:
    shares = []
    for generate, _ in runs[way]:
        images = generate(jnp.repeat(z, CLASSES, axis=0), jnp.tile(jnp.arange(CLASSES), len(z)))
        found = styles(np.asarray(images).reshape(len(z), CLASSES, 8, 8, 1))
        found -= found.mean(axis=0)
        shares.append(found.mean(axis=1).var(axis=0) / found.var(axis=(0, 1)))
    cells = [
        f"{mean:.2f} +- {std:.2f}" for mean, std in zip(np.mean(shares, axis=0), np.std(shares, axis=0, ddof=1), strict=True)
    ]
    print(f"{way:52}{cells[0]:>16}{cells[1]:>16}")

# %% [markdown]
# A large part of the variance belongs to the latent, several times as much as the tenth of styles drawn anew: the latent has
# learnt to mean ink and slant, though nothing in the loss asks for it. The generator shares its layers between the classes, and
# in all ways but one the label changes their input only. But a good part of the style depends on the label as well, with the
# projection more than with the other ways. A latent does not stand for one handwriting.
#
# ## 6. Between two labels
#
# The generator has seen only ten vectors in place of $y$, those with a single 1. Being a network, it also takes
# $(1 - t)\,y_a + t\,y_b$. `networks.from_module(..., method="mixed")` is the same module with the method that takes vectors.
# The rows have a fixed latent each and lead from one label to another; the curves are the classifier's mean probabilities of
# both labels, of 300 latents.

# %%
PATHS, T = ((1, 7), (3, 8), (4, 9), (0, 6)), np.linspace(0, 1, 11)
figure, axes = plt.subplots(2, 4, figsize=(14, 4.6), gridspec_kw={"height_ratios": (1, 2)})
for column, (a, b) in enumerate(PATHS):
    vectors = jnp.asarray((1 - T)[:, None] * np.eye(CLASSES)[a] + T[:, None] * np.eye(CLASSES)[b], jnp.float32)
    mixed = runs["projection"][0][1]
    images = mixed(jnp.repeat(z[:4], len(T), axis=0), jnp.tile(vectors, (4, 1)))
    axes[0, column].imshow(plots.grid(images, columns=len(T))[..., 0], cmap="gray", vmin=0, vmax=255)
    axes[0, column].set(title=f"projection, {a} to {b}", xticks=[], yticks=[])
    axes[0, column].grid(visible=False)
    for way, style in (("input", "--"), ("projection", "-")):
        images = runs[way][0][1](jnp.repeat(z, len(T), axis=0), jnp.tile(vectors, (len(z), 1)))
        logits = extract(EXTRACTOR, plots.to_uint8(images)).logits
        chance = np.asarray(jax.nn.softmax(logits)).reshape(len(z), len(T), CLASSES).mean(axis=0)
        for label, colour in ((a, "tab:blue"), (b, "tab:orange")):
            axes[1, column].plot(T, chance[:, label], style, color=colour, label=f"{label}, {way}")
        axes[1, column].plot(T, 1 - chance[:, a] - chance[:, b], style, color="0.6", label=f"others, {way}")
    axes[1, column].set(xlabel="t", ylim=(0, 1))
    axes[1, column].legend(fontsize=6)
axes[1, 0].set_ylabel("probability")
plt.show()

# %% [markdown]
# The digits change step by step, and the classifier changes its mind between $t = 0.4$ and $t = 0.6$. From 0 to 6 it hardly
# ever finds a third class. Between 4 and 9 other classes get about a third of the probability in the middle: the discriminator
# has never judged such a label, and nothing in the training says what a half-way digit should be. The discriminator that has
# the label joined to its input and the one with the projection lead to similar paths.
#
# To use a published model in place of these networks: `python -m jgan.train cgan`, `cdcgan`, `acgan` or `projection`, and
# `python -m jgan.sample --workdir RUN --labels 3,7` for rows of the classes 3 and 7.
