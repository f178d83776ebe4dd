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
# # The 2014 paper, step by step
#
# Goodfellow et al., *Generative Adversarial Nets* (2014), [arXiv:1406.2661](https://arxiv.org/abs/1406.2661): first the theory
# in one dimension, where every quantity can be computed, then the paper's network on real digits. The numbers of equations and
# figures are the paper's. The notebook runs in about two minutes on two CPU cores, without network access.
#
# 1. The game, and training steps
# 2. One dimension: Fig. 1, the optimal discriminator, the value of the game
# 3. The MNIST network on 8x8 digits: Figs. 2 and 3, and the metric of Table 1
# 4. A custom objective, and many seeds

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import itertools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from scipy.special import rel_entr
from scipy.stats import norm

from jgan import Batch, Inputs, data, games, losses, models, networks, parallel, plots, rng, steps
from jgan.data import resident
from jgan.metrics import anchors, parzen

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. The game
#
# A generator $G$ maps noise $z \sim p_z$ to an example $G(z)$; the distribution of $G(z)$ is $p_g$. A discriminator $D$ gives
# the probability $D(x)$ that $x$ came from the data rather than from $G$. They play the minimax game
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_\text{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))] \tag{1}$$
#
# In `jgan` a discriminator returns a logit $t$, with $D = \sigma(t)$, and *both* players minimise. A `Loss` is a pair of
# functions of logits that return one value per example. `losses.minimax` is equation 1: the mean of the discriminator's loss
# is $-V$, and the mean of the generator's loss is that of $\log(1 - D(G(z)))$.
#
# | Algorithm 1 | jgan |
# |---|---|
# | the losses of $D$ and $G$ | `games.Adversarial(generator, discriminator, latents, loss)`: a `Game` |
# | update the discriminator by its stochastic gradient | `d_step` |
# | update the generator by its stochastic gradient | `g_step` |
# | $k$ discriminator updates, then a generator update | `steps.alternating(game, optimizers, n_critic=k)`: `step` |
#
# Section 2 needs two small networks. The last layer of each is initialised to 0, so the generator starts as the identity and
# the discriminator as $D = 1/2$ everywhere.


# %%
class MLP(nn.Module):
    """A number, through two layers of 32 tanh units, to a number."""

    @nn.compact
    def __call__(self, x):
        for _ in range(2):
            x = nn.tanh(nn.Dense(32, bias_init=nn.initializers.normal(2.0))(x))
        return nn.Dense(1, kernel_init=nn.initializers.zeros)(x)


class Generator(nn.Module):
    @nn.compact
    def __call__(self, z, *, train=False, axis_name=None):  # [B, 1] -> [B, 1]
        return z + MLP()(z)


class Discriminator(nn.Module):
    @nn.compact
    def __call__(self, x, *, train=False, axis_name=None):  # [B, 1] -> [B] logits
        return MLP()(x)[:, 0]


WIDTH = 4  # z is uniform on [-4, 4]


def latents(key, n, axis_name=None):
    return WIDTH / math.sqrt(3) * rng.latents(key, n, 1, "uniform", axis_name)  # `rng` gives it unit variance


generator = networks.from_module(Generator(), (1,))
discriminator = networks.from_module(Discriminator(), (1,))

# %% [markdown]
# The data are $p_\text{data} = \mathcal{N}(1, 1)$. The paper's theory assumes that $D$ stays near its optimum, "so long as $G$
# changes slowly enough" (section 3). We therefore use $k = 4$, a larger learning rate for the discriminator, and a generator
# learning rate that decays to 0.

# %%
ITERATIONS, K, BATCH = 2000, 4, 512

game = games.Adversarial(generator, discriminator, latents, losses.minimax)
optimizers = steps.Optimizers(
    generator=optax.adam(optax.cosine_decay_schedule(1e-3, ITERATIONS), b1=0.5),
    discriminator=optax.adam(5e-3, b1=0.5),
)
algorithm_1 = steps.alternating(game, optimizers, n_critic=K)

key = jax.random.key(0)
start = steps.init_state(key, generator, discriminator, optimizers)
reals = Batch(1 + jax.random.normal(jax.random.key(1), (2**16, 1)))

# %% [markdown]
# A step is a pure function `(key, state, batch) -> (state, metrics)`. `key` is the root key of the run, the same at every
# call; the step folds `state.step` into it. The same arguments give the same result, and there are no side effects:

# %%
batch = Batch(reals.x[:BATCH])
after_d, d_metrics = algorithm_1.d_step(key, start, batch)
after_g, g_metrics = algorithm_1.g_step(key, after_d, batch)


def same(a, b):
    return all(bool(jnp.array_equal(*leaves)) for leaves in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


again, _ = algorithm_1.d_step(key, start, batch)
print("the state:", {name: type(value).__name__ for name, value in start._asdict().items()})
print("d_step gives", {name: round(float(value), 4) for name, value in d_metrics.items()})
print("g_step gives", {name: round(float(value), 4) for name, value in g_metrics.items()})
print("twice the same d_step gives the same state:", same(after_d, again))
print("d_step leaves the generator alone:", same(start.generator, after_d.generator))
print("g_step leaves the discriminator alone:", same(after_d.discriminator, after_g.discriminator))

# %% [markdown]
# With $D = 1/2$ everywhere the discriminator's loss is $\log 4 = 1.386$. The generator's loss would be $-\log 2 = -0.693$, but
# it is evaluated after the first discriminator update.
#
# How a step is *run* is decided separately, by function transformations. Here the data are resident on the device, where
# minibatches are cut, and 50 steps are compiled into one program.

# %%
CHUNK = 50

on_reals = resident.on_resident_data(algorithm_1.step, BATCH, n_critic=K)
advance = jax.jit(parallel.scan(on_reals, CHUNK))  # parallel.jit would reuse the old state's memory; here old states are kept

states, values = [start], []
for _ in range(ITERATIONS // CHUNK):
    state, metrics = advance(key, states[-1], reals)
    states.append(state)
    values.append(-float(metrics["d_loss"].mean()))

# %% [markdown]
# ## 2. One dimension
#
# For a fixed $G$ the optimal discriminator is
#
# $$D^*_G(x) = \frac{p_\text{data}(x)}{p_\text{data}(x) + p_g(x)} \tag{2}$$
#
# In one dimension $p_g$ can be computed accurately: a histogram of $G(z)$ for 65,536 evenly spaced $z$ has no sampling noise.

# %%
POINTS = 2**16
Z = jnp.asarray(WIDTH * (2 * (np.arange(POINTS) + 0.5) / POINTS - 1), jnp.float32)[:, None]
EDGES = np.linspace(-12, 12, 1201)
X, DX = (EDGES[1:] + EDGES[:-1]) / 2, EDGES[1] - EDGES[0]
P_DATA = norm.pdf(X, loc=1)


@jax.jit
def generate(state):
    return generator.apply(state.generator.params, state.generator.model_state, Z)[0][:, 0]


@jax.jit
def logits(state, x):
    return discriminator.apply(state.discriminator.params, state.discriminator.model_state, x)[0]


def density(x):
    return np.histogram(x, EDGES)[0] / len(x) / DX


def best_discriminator(p_g):
    with np.errstate(invalid="ignore"):
        return np.where(P_DATA + p_g > 1e-3, P_DATA / (P_DATA + p_g), np.nan)  # elsewhere there is nothing to tell apart


def figure_1(axis, state):
    p_g, d = density(generate(state)), jax.nn.sigmoid(logits(state, jnp.asarray(X, jnp.float32)[:, None]))
    axis.plot(X, best_discriminator(p_g), color="0.65", label="$D^*$")
    axis.plot(X, P_DATA, "k:", label=r"$p_\mathrm{data}$")
    axis.plot(X, p_g, "g-", label="$p_g$")
    axis.plot(X, d, "b--", label="$D$")
    arrows = slice(POINTS // 34, None, POINTS // 17)
    for z, x in zip(Z[arrows, 0], generate(state)[arrows], strict=True):
        axis.annotate("", (x, -0.12), (z, -0.42), arrowprops={"arrowstyle": "->", "color": "0.3", "shrinkA": 0, "shrinkB": 0})
    for y, name in ((-0.12, "$x$"), (-0.42, "$z$")):
        axis.axhline(y, color="k", linewidth=0.8)
        axis.text(4.9, y + 0.02, name, ha="right")
    axis.set(
        title=f"after {int(state.step)} iterations", xlim=(-5, 5), ylim=(-0.48, 1.05), xlabel="$x$ and $z$", yticks=(0, 0.5, 1)
    )


figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), sharey=True)
for axis, iterations in zip(axes, (0, 50, 100, ITERATIONS), strict=True):
    figure_1(axis, states[iterations // CHUNK])
axes[0].set_ylabel("density; $D$")
axes[0].legend(loc="upper left", fontsize=8)
plt.show()

# %% [markdown]
# As in Fig. 1: the data (dotted), the generator's distribution (green), the discriminator (dashed), and below, the map $G$
# from evenly spaced $z$ to $x$; where the arrows are dense, $p_g$ is high. The discriminator follows $D^*$ (grey), and the
# generator moves mass to where $D$ is high. At the end $p_g$ is close to $p_\text{data}$, and $D$ is close to 1/2 where both
# have mass. Two errors remain: the far tails, because a continuous $G$ of bounded noise is bounded, and small waves, which
# this discriminator cannot resolve from its samples.
#
# ### The optimal discriminator
#
# Now we fix the generator of iteration 50, start a new discriminator, and repeat `d_step` alone. A step's randomness is a
# function of the key and of `state.step`, which only generator updates increment, so each call gets a key of its own.

# %%
fixed = states[50 // CHUNK]._replace(discriminator=start.discriminator)
d_step = resident.on_resident_data(algorithm_1.d_step, BATCH)


@jax.jit
def train_discriminator(state, first, last):
    own_key = lambda i: jax.random.fold_in(jax.random.key(2), i)  # noqa: E731
    return jax.lax.fori_loop(first, last, lambda i, state: d_step(own_key(i), state, reals)[0], state)


updates = (0, 10, 30, 100, 300, 1000, 3000)
against = [fixed]
for first, last in itertools.pairwise(updates):
    against.append(train_discriminator(against[-1], first, last))

# %% [markdown]
# How close is it to the optimum? At $D^*$ the value of the game is, with Kullback-Leibler and Jensen-Shannon divergences,
#
# $$C(G) = \max_D V(D, G)
# = \mathbb{E}_{x \sim p_\text{data}}\left[\log \frac{p_\text{data}(x)}{p_\text{data}(x) + p_g(x)}\right]
# + \mathbb{E}_{x \sim p_g}\left[\log \frac{p_g(x)}{p_\text{data}(x) + p_g(x)}\right] \tag{4}$$
#
# $$C(G) = -\log 4 + \mathrm{KL}\left(p_\text{data} \,\Big\|\, \tfrac{p_\text{data} + p_g}{2}\right)
# + \mathrm{KL}\left(p_g \,\Big\|\, \tfrac{p_\text{data} + p_g}{2}\right)
# = -\log 4 + 2 \, \mathrm{JSD}(p_\text{data} \,\|\, p_g) \tag{5, 6}$$
#
# We compute both sides by quadrature: $V$ from equation 1 with the current discriminator, as a sum over $x$ for the first term
# and over the evenly spaced $z$ for the second; and the divergence from the two densities.


# %%
def value(state):
    """V(D, G) of equation 1."""
    on_x = np.asarray(jax.nn.log_sigmoid(logits(state, jnp.asarray(X, jnp.float32)[:, None])), np.float64)
    on_fakes = np.asarray(jax.nn.log_sigmoid(-logits(state, generate(state)[:, None])), np.float64)
    return float((P_DATA * on_x).sum() * DX + on_fakes.mean())


def divergence(p, q):
    """JSD(p, q) in nats."""
    return float((rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)).sum() * DX / 2)


def best_value(state):
    """C(G) of equation 6."""
    return -math.log(4) + 2 * divergence(P_DATA, density(generate(state)))


figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4))
for count, state in list(zip(updates, against, strict=True))[::2]:
    d = jax.nn.sigmoid(logits(state, jnp.asarray(X, jnp.float32)[:, None]))
    left.plot(X, d, "--", color=plt.cm.Blues(0.25 + 0.25 * math.log10(max(count, 1))), label=f"{count} updates")
left.plot(X, best_discriminator(density(generate(fixed))), color="k", linewidth=1, label="$D^*$, equation 2")
left.set(xlim=(-4, 8), xlabel="$x$", ylabel="$D(x)$")
left.legend(fontsize=8, loc="lower right")
right.plot(updates[1:], [value(state) for state in against[1:]], "b.--", label="$V(D, G)$, equation 1")
right.axhline(best_value(fixed), color="k", linewidth=1, label="$C(G)$, equation 6")
right.set(xscale="log", xlabel="discriminator updates", ylabel="nats")
right.legend(fontsize=8)
plt.show()

print(f"V(D, G) after {updates[-1]} updates {value(against[-1]):.4f}")
print(f"C(G) = -log 4 + 2 JSD         {best_value(fixed):.4f}")

# %% [markdown]
# $V$ rises to $C(G)$ and stays below it: no discriminator is better than $D^*$ (Proposition 1). Left of $-2.4$, the end of this
# generator's range, $D^*$ is 1. Only one in 3,000 examples of the data lies there, so $D$ learns this slowly, and $V$ hardly
# depends on it.
#
# ### The value of the game
#
# Back to the full game. The minimum of $C(G)$ is $-\log 4$, attained only at $p_g = p_\text{data}$ (Theorem 1). The $V$ of each
# iteration is a noisy lower bound of $C$ for its generator; how tight it is depends on the discriminator.

# %%
iterations = CHUNK * np.arange(len(states))
figure, axis = plt.subplots(figsize=(8, 3))
axis.plot(iterations, [best_value(state) for state in states], "g.-", label="$C(G)$, equation 6")
axis.plot(iterations[1:] - CHUNK / 2, values, "b.--", label="$V(D, G)$: mean over 50 iterations, their minibatches")
axis.axhline(-math.log(4), color="k", linewidth=1, linestyle=":", label="$-\\log 4$")
axis.set(xlabel="iterations", ylabel="nats", ylim=(-1.42, -0.98))
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# ### Why the minimax generator loss is rarely used
#
# While the fakes are poor, $D(G(z))$ is near 0. The gradient of $\log(1 - D(G(z)))$ with respect to the logit is $-D(G(z))$,
# which vanishes there. The paper (section 3) therefore lets $G$ maximise $\log D(G(z))$ instead: the gradient is
# $-(1 - D(G(z)))$, and the fixed point is the same.

# %%
t = jnp.linspace(-10, 10, 401)
figure, axis = plt.subplots(figsize=(8, 3))
for name, loss, style in (("saturating", losses.minimax, "r-"), ("non-saturating", losses.non_saturating, "b-")):
    slope = jax.vmap(jax.grad(lambda t, loss=loss: loss.generator(None, t)))(t)
    axis.plot(
        t, -slope, style, label=f"{name}: $G$ minimises " + ("$\\log(1 - D)$" if loss is losses.minimax else "$-\\log D$")
    )
axis.set(xlabel="logit of $D(G(z))$: left, the discriminator is sure of a fake", ylabel="$-$ gradient")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## 3. The MNIST network on digits
#
# The network of the paper, `jgan.models.gan2014`, on the 8x8 digits of scikit-learn, 1,204 of which are training images. The
# generator has ReLU layers and a sigmoid output, and starts near the mean digit; the discriminator has maxout layers, each
# with dropout on its input. As in the authors' code, both players are updated simultaneously by momentum SGD, $G$ with the
# non-saturating loss and $D$ with half of its loss. This is the preset of `python -m jgan.train`. Compared with the MNIST
# configuration, the layers are smaller and the discriminator's initial weights larger, and samples come from a moving average
# of the generator, which the paper does not use.

# %%
preset = models.presets()["digits"]
digits = data.load(preset.dataset)
gan = models.make(preset.config, data.spec(digits, preset.batch_size))
train, validation, test = (np.asarray(part.x, np.float32) / 255 for part in (digits.train, digits.validation, digits.test))

key, sample_key, parzen_key, line_key = jax.random.split(jax.random.key(0), 4)
on_device = Batch(jnp.asarray(digits.train.x))  # uint8; a step cuts its minibatch there
advance = parallel.jit(parallel.scan(resident.on_resident_data(gan.step, preset.batch_size), CHUNK))
draw = jax.jit(gan.generate)


def log_likelihood(state, images):
    """The best width's mean Parzen log-likelihood, from 10,000 samples."""
    samples = draw(state, gan.inputs(parzen_key, 10_000))
    return float(parzen.log_likelihoods(images, samples, parzen.SIGMAS).mean(axis=1).max())


inputs = gan.inputs(sample_key, 60)
state, rows, pictures = gan.init(key), [], {}
for step in range(CHUNK, preset.steps + 1, CHUNK):
    state, metrics = advance(key, state, on_device)
    rows.append({"step": step, **{name: float(values.mean()) for name, values in metrics.items()}})
    if step % 1000 == 0:
        rows[-1]["validation_log_likelihood"] = log_likelihood(state, validation)
    if step in (50, 500, 1000, 2000, 4000, 8000, preset.steps):
        pictures[step] = np.asarray(draw(state, inputs))

plots.curves(rows)

# %% [markdown]
# At first the discriminator wins: its loss falls, its accuracies approach 1, and the generator's loss is high. Then the
# generator recovers, and both approach the equilibrium $D = 1/2$: each loss $\log 2 = 0.693$, each accuracy 1/2. The losses do
# not measure the quality of samples. The likelihood of held-out digits, below, tells more, and the pictures tell most. The
# same latents over time:


# %%
def show(sheet, labels=(), size=8.0):
    """A picture of `jgan.plots`, its rows labelled."""
    height, width = sheet.shape[:2]
    _, axis = plt.subplots(figsize=(size, size * height / width))
    axis.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    axis.set(xticks=[], yticks=[(i + 0.5) * height / len(labels) for i in range(len(labels))], yticklabels=labels)
    axis.tick_params(length=0)
    axis.grid(False)
    plt.show()


show(plots.grid(np.concatenate([images[:16] for images in pictures.values()]), columns=16), [f"step {s}" for s in pictures])

# %% [markdown]
# ### Figs. 2 and 3
#
# Random samples, not selected. At the end of each row, in yellow, is the training image nearest to the last sample. If the
# generator had memorised its training set, the last two images of a row would be equal.

# %%
show(plots.nearest_sheet(np.asarray(draw(state, inputs)), digits.train.x, columns=12))

# %% [markdown]
# Straight lines in latent space, from left to right:

# %%
first, last = gan.inputs(line_key, 10).z.reshape(2, 5, -1)
show(plots.interpolation_sheet(lambda z: np.asarray(draw(state, Inputs(z))), first, last, steps=14))

# %% [markdown]
# ### The metric of Table 1
#
# A Gaussian kernel on each of 10,000 samples gives a density estimate, whose width $\sigma$ is chosen on the validation images.
# The metric is the mean log-likelihood of the test images, with its standard error. For comparison we evaluate training images
# and the means of their clusters in place of samples.

# %%
found = {"the generator's samples": parzen.evaluate(draw(state, gan.inputs(parzen_key, 10_000)), validation, test)}
for name, anchor in anchors.evaluate(train, validation, test, n=10_000, seed=0).items():
    found[f"{anchor.num_samples:,} {name.replace('_', ' ')}"] = anchor.parzen
print(f"{'':28}{'nats an image':>16}{'sigma':>10}")
for name, result in found.items():
    print(f"{name:28}{result.mean:8.2f} +- {result.standard_error:4.2f}{result.sigma:10.3f}")

# %% [markdown]
# The metric has known limits. The training set scores high, although a generator that repeats it has learnt nothing: the
# metric does not require novelty. It does not require realism either: blurred means come close to real digits here, and on
# MNIST they exceed them (Theis et al., 2015, [arXiv:1511.01844](https://arxiv.org/abs/1511.01844)). A kernel of one width is a
# poor density model in 64 dimensions, and the standard error covers only the choice of test images, not training runs. The
# metric can track *one* model during training, as above, but it does not measure the quality of samples.
#
# ## 4. A custom objective, and many seeds
#
# A custom objective is a pair of functions. This one, least squares, trains the discriminator's output towards 1 on reals and 0
# on fakes, and the generator towards an output of 1. Nothing else in the program changes.

# %%
mine = losses.Loss(
    discriminator=lambda real, fake: jnp.square(real - 1) + jnp.square(fake),
    generator=lambda real, fake: jnp.square(fake - 1),
    boundary=0.5,  # the output above which D says "real"; only the reported accuracies use it
)

# %% [markdown]
# Is it better than the paper's two losses? One run of each is not enough to tell. `parallel.vmap` trains a population: many
# keys and states in one program. The task is harder than before: the data are $\mathcal{N}(6, 1)$, and the generator starts on
# $[-4, 4]$, where there are almost no data.

# %%
SEEDS, ROUNDS, LENGTH = 8, 12, 50

far_reals = Batch(reals.x + 5)
constant = steps.Optimizers(generator=optax.adam(1e-3, b1=0.5), discriminator=optax.adam(5e-3, b1=0.5))


def population(loss):
    """JSD(p_data, p_g) in the course of several runs, `[ROUNDS, SEEDS]`."""
    game = games.Adversarial(generator, discriminator, latents, loss)
    step = resident.on_resident_data(steps.alternating(game, constant, n_critic=K).step, 128, n_critic=K)
    advance = parallel.jit(parallel.vmap(parallel.scan(step, LENGTH)))
    keys = jax.random.split(jax.random.key(3), SEEDS)
    states = jax.vmap(lambda key: steps.init_state(key, generator, discriminator, constant))(keys)
    rounds = []
    for _ in range(ROUNDS):
        states, _ = advance(keys, states, far_reals)
        rounds.append([divergence(norm.pdf(X, loc=6), density(x)) for x in jax.vmap(generate)(states)])
    return np.array(rounds)


results = {
    "saturating, equation 1": population(losses.minimax),
    "non-saturating": population(losses.non_saturating),
    "least squares": population(mine),
}

# %%
figure, axes = plt.subplots(1, len(results), figsize=(12, 3.2), sharey=True)
for axis, (name, course) in zip(axes, results.items(), strict=True):
    axis.plot(LENGTH * np.arange(1, ROUNDS + 1), course, color="0.6", linewidth=1)
    axis.plot(LENGTH * np.arange(1, ROUNDS + 1), np.median(course, axis=1), "k.-", label=f"median of {SEEDS} seeds")
    axis.set(title=name, xlabel="iterations", ylim=(0, 0.36))
axes[0].set_ylabel(r"JSD$(p_\mathrm{data}, p_g)$, nats")
axes[0].legend(fontsize=8)
plt.show()
for name, course in results.items():
    low, middle, high = np.quantile(course[-1], (0, 0.5, 1))
    print(f"{name:24} JSD at the end: median {middle:.3f}, from {low:.3f} to {high:.3f}")

# %% [markdown]
# A generator with half of its mass on the data and the other half where there are no data has a divergence of 0.216. Some runs
# get stuck there, depending on the seed. Comparing two GANs therefore takes several seeds of each, which here costs one more
# array axis.
