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
# # Your own networks, and many seeds at once
#
# A network of this library is a pair of pure functions, so it can be written in any library of JAX. This notebook writes the
# same small networks in Flax Linen, in Flax NNX and as plain functions, and gives them the same weights. Then it adds a loss of
# its own, trains eight seeds of a GAN in one program, and asks whether the difference between two losses is larger than that
# between seeds. The data are eight narrow Gaussians on a circle. It runs in about a minute and a half on two CPU cores, without
# network access.
#
# 1. One network, written in three ways
# 2. A loss of your own
# 3. Eight seeds in one program
# 4. Two losses, and the spread of the seeds
# 5. The time of eight seeds at once
# 6. The same as runs with folders

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import contextlib
import dataclasses
import io
import tempfile
import time

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from flax import nnx
from scipy import stats

from jgan import Batch, data, games, losses, models, networks, parallel, penalties, rng, steps
from jgan.data import resident, toys
from jgan.metrics import modes
from jgan.optim import EMA, warmed_up
from jgan.training import train_seeds

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

KEY = jax.random.key(0)
DATA = Batch(jnp.asarray(data.load("ring8").train.x))  # in the memory of the device
LATENT, UNITS = 2, 64

# %% [markdown]
# ## 1. One network, written in three ways
#
# The generator maps two latents to a point, the discriminator a point to a logit; both have two hidden layers of 64 units.
# `networks.from_module`, `from_nnx` and `from_functions` make a `Network` of them: `init(key) -> (params, model_state)` and
# `apply(params, model_state, *inputs, key=, train=, axis_name=) -> (output, model_state)`. The shapes that they are given are
# those of one example.


# %%
class LinenNet(nn.Module):  # Flax Linen: layers are made where they are called
    outputs: int
    activation: str

    @nn.compact
    def __call__(self, x):
        act = networks.ACTIVATIONS[self.activation]
        h = act(nn.Dense(UNITS, name="first")(x))
        h = act(nn.Dense(UNITS, name="second")(h))
        return nn.Dense(self.outputs, name="last")(h)


class NNXNet(nnx.Module):  # Flax NNX: an object that holds its layers
    def __init__(self, inputs, outputs, activation, rngs):
        self.act = networks.ACTIVATIONS[activation]
        self.first = nnx.Linear(inputs, UNITS, rngs=rngs)
        self.second = nnx.Linear(UNITS, UNITS, rngs=rngs)
        self.last = nnx.Linear(UNITS, outputs, rngs=rngs)

    def __call__(self, x):
        return self.last(self.act(self.second(self.act(self.first(x)))))


def plain(inputs, outputs, activation):  # functions
    sizes = {"first": (inputs, UNITS), "second": (UNITS, UNITS), "last": (UNITS, outputs)}

    def init(key):
        keys = dict(zip(sizes, jax.random.split(key, len(sizes)), strict=True))
        kernel = jax.nn.initializers.lecun_normal()
        return {name: {"kernel": kernel(keys[name], size), "bias": jnp.zeros(size[1])} for name, size in sizes.items()}

    def apply(params, x):
        act = networks.ACTIVATIONS[activation]
        for name in ("first", "second"):
            x = act(x @ params[name]["kernel"] + params[name]["bias"])
        return x @ params["last"]["kernel"] + params["last"]["bias"]

    return networks.from_functions(init, apply)


def scalar(network):
    """A network of one output as a discriminator, which returns `[B]` logits, not `[B, 1]`."""

    def apply(*args, **options):
        output, model_state = network.apply(*args, **options)
        return output[:, 0], model_state

    return network._replace(apply=apply)


G, D = (LATENT, 2, "relu"), (2, 1, "leaky_relu")  # inputs, outputs, activation
WAYS = {
    "Linen": [networks.from_module(LinenNet(*of[1:]), of[:1]) for of in (G, D)],
    "NNX": [networks.from_nnx(lambda rngs, of=of: NNXNet(*of, rngs), of[:1]) for of in (G, D)],
    "functions": [plain(*of) for of in (G, D)],
}
WAYS = {name: (generator, scalar(discriminator)) for name, (generator, discriminator) in WAYS.items()}
for name, pair in WAYS.items():
    params, _ = pair[0].init(KEY)
    print(f"{name:10}", jax.tree.map(jnp.shape, params))

# %% [markdown]
# The parameters of all three are nested dictionaries of arrays. Here the names agree too, so copying weights from one to the
# other is handing over the dictionary. (From other libraries one would rename the entries.) The same weights give the same
# outputs, and, trained for 200 steps on the same data, the same weights again, up to rounding.


# %%
def latents(key, n, axis_name=None):
    return rng.latents(key, n, LATENT, axis_name=axis_name)


def made(pair, loss, rate=1e-3):
    """A game of a generator and a discriminator, its optimisers, and a step over the data."""
    game = games.Adversarial(*pair, latents, loss, penalties=(penalties.r1(0.1),))
    optimizers = steps.Optimizers(optax.adam(rate, b1=0.5), optax.adam(rate, b1=0.5), ema=EMA(warmed_up(0.995)))
    return game, optimizers, resident.on_resident_data(steps.alternating(game, optimizers).step, batch_size=128)


given = [network.init(key)[0] for network, key in zip(WAYS["Linen"], jax.random.split(KEY), strict=True)]
inputs = jax.random.normal(KEY, (256, 2))
after = {}
for name, pair in WAYS.items():
    outputs = [network.apply(weights, {}, inputs)[0] for network, weights in zip(pair, given, strict=True)]
    pair = [
        network._replace(init=lambda key, weights=weights: (weights, {})) for network, weights in zip(pair, given, strict=True)
    ]
    game, optimizers, step = made(pair, losses.non_saturating)
    state = steps.init_state(KEY, *pair, optimizers, game)
    state, _ = jax.jit(parallel.scan(step, 200))(KEY, state, DATA)
    after[name] = [*outputs, state.generator.params, state.discriminator.params]


def largest(a, b):
    return max(jax.tree.leaves(jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), a, b)))


print(f"{'largest difference from Linen':32}{'G(z)':>10}{'D(x)':>10}{'G, 200 steps':>15}{'D, 200 steps':>15}")
for name, found in after.items():
    apart = [largest(*pair) for pair in zip(after["Linen"], found, strict=True)]
    print(f"{name:32}{apart[0]:10.1e}{apart[1]:10.1e}{apart[2]:15.1e}{apart[3]:15.1e}")
print(f"\nlargest change of a weight of G in those 200 steps: {largest(given[0], after['Linen'][2]):.2f}")

# %% [markdown]
# There is no difference, not even in the last bit. What a network is written in does not matter to the rest of the library, and
# a game can mix them.
#
# ## 2. A loss of your own
#
# A loss is a pair of functions of the logits of real and of generated examples. Each returns one value per example, and both
# players minimise. Ours is the least absolute deviation from the targets 1 and $-1$:
#
# $$L_D = \mathbb{E}\,|D(x) - 1| + \mathbb{E}\,|D(G(z)) + 1|, \qquad L_G = \mathbb{E}\,|D(G(z)) - 1|.$$
#
# For one place with the densities $p$ of the data and $q$ of the samples, the discriminator minimises
# $p\,|d - 1| + q\,|d + 1|$. Between $-1$ and $1$ that is linear in $d$, so the best $d$ is 1 where $p > q$ and $-1$ where
# $p < q$, and the minimum is $2 \min(p, q)$. The non-saturating loss of 2014 has the best logit $\log(p / q)$ instead. The
# picture shows both losses of the generator, and the best logits, found by trying 3,201 of them.

# %%
absolute = losses.Loss(
    discriminator=lambda real, fake: jnp.abs(real - 1) + jnp.abs(fake + 1),
    generator=lambda real, fake: jnp.abs(fake - 1),
)
LOSSES = {"non-saturating": losses.non_saturating, "absolute": absolute}

logit, ratio = jnp.linspace(-6, 6, 601), jnp.linspace(-4, 4, 161)
figure, axes = plt.subplots(1, 2, figsize=(10, 3))
grid = jnp.linspace(-8, 8, 3201)
for name, loss in LOSSES.items():
    axes[0].plot(logit, loss.generator(logit, logit), label=name)
    weighted = jnp.exp(ratio)[:, None] * loss.discriminator(grid, 0 * grid) + loss.discriminator(0 * grid, grid)
    axes[1].plot(ratio, grid[weighted.argmin(axis=1)], label=name)
axes[0].set(title="loss of the generator", xlabel="logit of a sample")
axes[1].set(title="best logit", xlabel=r"$\log(p / q)$")
for axis in axes:
    axis.legend()
plt.show()

# %% [markdown]
# Where data are likelier than samples, the best discriminator for the absolute loss says 1, whatever the ratio; that of 2014
# says by how much. The absolute loss of the generator has a slope of the same size everywhere; that of 2014 becomes flat where
# the logit is high.
#
# ## 3. Eight seeds in one program
#
# A step is a pure function of a key, a state and the data. `parallel.scan` makes many steps one program, `parallel.vmap` runs
# it for a batch of keys and states, one for each seed, on the same data. Every 100 steps we draw 2,500 points from the
# averaged weights of each seed and count: a sample is of high quality if it lies within three standard deviations of the
# centre of a mode, and a mode is covered if it has such a sample. The discriminator has an R1 penalty of weight 0.1, and both
# losses have the same seeds, rates, data and penalty.

# %%
SEEDS, STEPS, EVERY = 8, 3000, 100
PAIR = WAYS["Linen"]
KEYS = jax.random.split(jax.random.key(1), SEEDS)
Z = latents(jax.random.key(2), 2500)


def first(game, optimizers):
    """The states of all seeds."""
    return jax.jit(jax.vmap(lambda key: steps.init_state(key, *PAIR, optimizers, game)))(KEYS)


@jax.jit
def samples(states):
    """`[seeds, 2500, 2]` from the averaged weights."""
    return jax.vmap(lambda average: PAIR[0].apply(average.params, {}, Z)[0])(states.generator.ema)


def trained(loss):
    """The samples at the end and what was counted on the way, with the axes `[looks, seeds]`."""
    game, optimizers, step = made(PAIR, loss)
    run, states, looks = parallel.jit(parallel.vmap(parallel.scan(step, EVERY))), first(game, optimizers), []
    for _ in range(STEPS // EVERY):
        states, metrics = run(KEYS, states, DATA)
        found = modes.mode_coverage(samples(states), toys.centres("ring8"), toys.std("ring8"))
        looks.append((found.modes, found.high_quality, found.reverse_kl, metrics["d_loss"].mean(axis=1)))
    return np.asarray(samples(states)), dict(zip(MEASURED, np.asarray(looks).swapaxes(0, 1), strict=True))


MEASURED = ("modes covered", "share of high quality", "KL of the modes to uniform", "loss of D")
runs = {name: trained(loss) for name, loss in LOSSES.items()}

# %%
at = EVERY * np.arange(1, STEPS // EVERY + 1)
figure, axes = plt.subplots(2, 4, figsize=(15, 6), sharex=True)
for row, (name, (_, curves)) in zip(axes, runs.items(), strict=True):
    for axis, (measure, values) in zip(row, curves.items(), strict=True):
        mean, std = values.mean(axis=1), values.std(axis=1, ddof=1)
        axis.plot(at, values, color="0.6", linewidth=0.7)
        axis.plot(at, mean, color="tab:blue", linewidth=2)
        axis.fill_between(at, mean - std, mean + std, color="tab:blue", alpha=0.25)
        axis.set(title=f"{name}: {measure}")
        axis.title.set_fontsize(9)
for axis in axes[1]:
    axis.set_xlabel("steps")
for column in range(3):
    top = max(axis.get_ylim()[1] for axis in axes[:, column])
    for axis in axes[:, column]:
        axis.set_ylim(0, top)
plt.show()
for name, (_, curves) in runs.items():
    for look in (4, 9, 29):
        print(f"{name:16}after {at[look]:5} steps, modes per seed: {curves['modes covered'][look].astype(int)}")

# %% [markdown]
# Grey are the seeds, blue their mean and one standard deviation to either side. (The KL is not defined while a seed has no
# sample of high quality; there its mean is left out.) The samples of all seeds at the end, the share of high quality above
# them:

# %%
figure, axes = plt.subplots(2, SEEDS, figsize=(16, 4.2), sharex=True, sharey=True)
for row, (name, (points, curves)) in zip(axes, runs.items(), strict=True):
    for seed, axis in enumerate(row):
        axis.scatter(*points[seed].T, s=1, alpha=0.3, linewidths=0)
        axis.plot(*toys.centres("ring8").T, "r+", markersize=4)
        share = curves["share of high quality"][-1, seed]
        axis.set(title=f"seed {seed}: {share:.2f}", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
        axis.title.set_fontsize(8)
    row[0].set_ylabel(name)
plt.show()

# %% [markdown]
# At the end every seed of either loss covers all eight modes. On the way the seeds differ much: after 500 steps some have more
# than twice as many modes as others with the same loss. The samples that are not of high quality lie mostly on lines between
# neighbouring modes: the generator is a continuous function of its latents, and has to pass from mode to mode.
#
# ## 4. Two losses, and the spread of the seeds
#
# With one seed for each loss, one compares two random numbers. With eight, one can ask whether the means differ by more than
# chance. Welch's test divides the difference of the means by its standard error,
#
# $$t = \frac{m_1 - m_2}{\sqrt{s_1^2 / n + s_2^2 / n}},$$
#
# and gives the probability $p$ of a $t$ at least as large, if the two means were equal. The question should be chosen before
# one looks. Ours: has one loss a higher share of high quality at the end, after 3,000 steps? That is the last line but one of
# the table; the other eight describe the way there. (Among nine tests of equal means one falls below 0.05 by chance in about a
# third of all cases, since $1 - 0.95^9 = 0.37$ for independent ones.)
#
# The last column says what a comparison of one seed with one seed would have found: the share of the 64 pairs in which the loss
# that is worse on average is the better one. A tie counts half.

# %%
print(f"{'':38}{'non-saturating':>17}{'absolute':>17}{'t':>7}{'p':>9}{'one pair of seeds is wrong':>29}")
for look in (4, 9, 29):
    for measure, sign in (("modes covered", 1), ("share of high quality", 1), ("KL of the modes to uniform", -1)):
        one, other = (sign * curves[measure][look] for _, curves in runs.values())
        cells = [f"{sign * values.mean():.2f} +- {values.std(ddof=1):.2f}" for values in (one, other)]
        given = [number for values in (one, other) for number in (values.mean(), values.std(ddof=1), SEEDS)]
        test = stats.ttest_ind_from_stats(*given, equal_var=False) if one.std() + other.std() > 0 else None
        tested = f"{'-':>7}{'-':>9}" if test is None else f"{sign * test.statistic:7.1f}{test.pvalue:9.4f}"
        won = np.sign(np.subtract.outer(one, other)).mean() / 2 + 0.5
        name = f"{measure}, {at[look]} steps"
        print(f"{name:38}{cells[0]:>17}{cells[1]:>17}{tested}{min(won, 1 - won):29.0%}")

# %% [markdown]
# The answer to our question is no: at the end the difference of the two means is much smaller than the spread of the seeds. On
# the way there it is large. After 1,000 steps the non-saturating loss has more samples of high quality and covers more modes,
# and the share of high quality differs by far more than chance. So the absolute loss is slower here and arrives at the same
# place. Both statements are about these networks, this rate and this penalty: another rate for one of them might change the
# first.
#
# After 500 steps the $p$ of all three rows are between 0.03 and 0.05. With nine rows that is weak evidence. With one seed for
# each loss, the other loss would have won about every fifth time (the table's last column).
#
# ## 5. The time of eight seeds at once
#
# The same 200 steps of the same eight seeds, in one program and one after the other, for minibatches of three sizes. Both
# programs are compiled before. Their turns alternate, and the median of seven ratios counts. `parallel.jit` reuses the memory
# of the state that it is given, so every run gets a copy. After 20 steps we also compare the weights.


# %%
def turns(batch_size, count):
    """Two functions, at once and one after the other: the seconds of `count` steps, and the generators."""
    game, optimizers, _ = made(PAIR, losses.non_saturating)
    step = parallel.scan(resident.on_resident_data(steps.alternating(game, optimizers).step, batch_size), count)
    states, together, alone = first(game, optimizers), parallel.jit(parallel.vmap(step)), parallel.jit(step)

    def timed(run, given):
        jax.block_until_ready(given)
        began = time.perf_counter()
        after = jax.block_until_ready(run(given))
        return time.perf_counter() - began, after

    def at_once():
        seconds, after = timed(lambda given: together(KEYS, given, DATA)[0], jax.tree.map(jnp.copy, states))
        return seconds, after.generator.params

    def in_turn():
        each = [jax.tree.map(lambda leaf, i=i: jnp.copy(leaf[i]), states) for i in range(SEEDS)]
        seconds, after = timed(lambda given: [alone(key, one, DATA)[0] for key, one in zip(KEYS, given, strict=True)], each)
        return seconds, jax.tree.map(lambda *leaves: jnp.stack(leaves), *(one.generator.params for one in after))

    return at_once, in_turn


print(f"{'batch size':>12}{'time in turn / time at once':>30}")
for batch_size in (16, 64, 256):
    at_once, in_turn = turns(batch_size, 200)
    at_once(), in_turn()  # compiles
    ratios = [in_turn()[0] / at_once()[0] for _ in range(7)]
    print(f"{batch_size:12}{np.median(ratios):30.2f}")
at_once, in_turn = turns(128, 20)
print(f"\nlargest difference of a weight after 20 steps: {largest(at_once()[1], in_turn()[1]):.1e}")

# %% [markdown]
# On two CPU cores eight seeds at once take about as long as eight in turn: there is a small gain for small minibatches, and
# next to none for the largest. The ratios change by one or two tenths from one execution of this cell to the next, and by more
# where the machine also does other work. What is always gained is one compilation, one set of data in memory, and curves that
# are ready to be compared. Accelerators, which such small networks leave mostly idle, are not measured here. For convolutions
# on a CPU `parallel.each` takes the place of `parallel.vmap`. The weights of both ways agree to rounding.
#
# ## 6. The same as runs with folders
#
# `jgan.training.train_seeds` trains the seeds of a model in one program too, and writes a folder for each, with checkpoints, a
# journal and a summary. It takes the name of a preset, a `Model`, or your own function `make(spec)`. A loss is registered under
# a name, and then every model with an option `loss` takes it. The preset `ring8` has two layers of 128 units in each network,
# another rate, and R1 and R2 penalties, so its figures are not to be compared with those above.

# %%
losses.LOSSES.register("absolute", absolute)
config = dataclasses.replace(models.presets()["ring8"].config, loss="absolute")
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    found = train_seeds("ring8", config, seeds=4, steps=1000, workdir=f"{folder}/runs")
for one in found:
    last = one.summary["last"]
    print(f"{one.run.workdir.name}: {last['modes']} modes, share of high quality {last['high_quality']:.2f}")

# %% [markdown]
# On the command line it is `python -m jgan.train ring8 --seeds 4 --workdir RUNS`; `python -m jgan.report RUNS` makes a page
# with the curves of all seeds, their means and standard deviations.
