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
# # Why Wasserstein
#
# A generator learns only if the discriminator tells it where to go. In this notebook the data and the samples are two
# intervals on a line, so that every distance between them is known exactly, and we look at what discriminators estimate, at
# what gradient the generator receives, and at what clipping and the gradient penalty change. It runs in about a minute on
# two CPU cores.
#
# 1. Three distances between two intervals
# 2. What discriminators and critics estimate
# 3. The gradient that the generator receives
# 4. What clipping and the penalty do to a critic
# 5. The generator moves

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from jgan import Batch, constraints, games, losses, networks, parallel, penalties, steps
from jgan.data import resident

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

KEY = jax.random.key(0)
DATA = Batch(jax.random.uniform(jax.random.key(1), (4096, 1)))  # uniform on [0, 1]

# %% [markdown]
# ## 1. Three distances between two intervals
#
# The data are uniform on $[0, 1]$, the samples on $[\theta, \theta + 1]$. For $0 \le \theta \le 1$ the two densities are
# equal on the overlap, which has the share $1 - \theta$ of each, and elsewhere one of them is 0. So
#
# $$\mathrm{KL} = \infty \;\; (\theta > 0), \qquad \mathrm{JS} = \min(\theta, 1) \log 2, \qquad W_1 = \theta.$$
#
# Once the intervals do not overlap, the Jensen-Shannon divergence is $\log 2$ however far they are apart, and its
# derivative is 0. The Wasserstein distance grows for ever with slope 1.

# %%
THETAS = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0], np.float32)
JS, W1 = np.minimum(THETAS, 1) * np.log(2), THETAS

figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(THETAS, JS / np.log(2), "o-", label="JS / log 2")
axis.plot(THETAS, W1, "s-", label="$W_1$")
axis.set(xlabel=r"$\theta$", ylabel="distance")
axis.legend()
plt.show()

# %% [markdown]
# ## 2. What discriminators and critics estimate
#
# With an optimal discriminator, the value of the 2014 game is $2\,\mathrm{JS} - 2 \log 2$ (Theorem 1 of the paper), so
# $\log 2$ minus half the discriminator's loss is an estimate of JS from below. With a critic whose slope is at most 1
# everywhere, $\mathbb{E}\,D(x) - \mathbb{E}\,D(G(z))$ is an estimate of $W_1$ from below (Kantorovich and Rubinstein).
#
# The generator is held at a $\theta$, and only its opponent is trained: that is the `d_step` of a game. All values of
# $\theta$ are trained at once, in one program (`parallel.vmap`).


# %%
def shift(theta):
    """The generator: z + theta."""
    return networks.from_functions(lambda key: jnp.full((1,), theta), lambda params, z: z + params)


def latents(key, n, axis_name=None):
    return jax.random.uniform(key, (n, 1))


DISCRIMINATOR = networks.from_module(networks.PointDiscriminator((64, 64), activation="leaky_relu"), (1,))


def game_of(loss, penalty=()):
    return games.Adversarial(shift(0.0), DISCRIMINATOR, latents, loss, penalties=penalty)


def trained(game, optimizer, count=3000, batch_size=256):
    """The states of opponents of generators that stay at `THETAS`, after `count` updates."""
    optimizers = steps.Optimizers(optax.sgd(0.0), optimizer)
    made = steps.alternating(game, optimizers)

    def d_step(key, state, batch, *, axis_name=None):
        state, metrics = made.d_step(key, state, batch, axis_name=axis_name)
        return state._replace(step=state.step + 1), metrics  # `d_step` leaves the count to the generator's update

    step = resident.on_resident_data(d_step, batch_size)
    states = jax.vmap(lambda theta: steps.init_state(KEY, shift(theta), DISCRIMINATOR, optimizers, game))(jnp.asarray(THETAS))
    run = parallel.jit(parallel.vmap(parallel.scan(step, count)))
    return run(jnp.stack([KEY] * len(THETAS)), states, DATA)[0]


REAL, NOISE = jnp.linspace(0, 1, 2001)[:, None], jnp.linspace(0, 1, 2001)[:, None]


def logits(params, x):
    return DISCRIMINATOR.apply(params, {}, x)[0]


def value_of_2014(params, theta):
    """log 2 minus half of the discriminator's loss: an estimate of JS."""
    real, fake = logits(params, REAL), logits(params, NOISE + theta)
    return jnp.log(2.0) - (jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()) / 2


def value_of_critic(params, theta):
    """The difference of the means of a critic: an estimate of W1, if its slope is at most 1."""
    return logits(params, REAL).mean() - logits(params, NOISE + theta).mean()


OPPONENTS = {
    "discriminator of 2014": (game_of(losses.minimax), optax.adam(2e-3)),
    "critic, clipped at 0.1": (game_of(losses.wasserstein), optax.chain(optax.rmsprop(1e-3), constraints.clip_weights(0.1))),
    "critic, one-sided penalty": (game_of(losses.wasserstein, (penalties.gradient_penalty(one_sided=True),)), optax.adam(2e-3)),
    "critic, two-sided penalty": (game_of(losses.wasserstein, (penalties.gradient_penalty(),)), optax.adam(2e-3)),
}
with jax.numpy_dtype_promotion("standard"):
    opponents = {name: trained(*made).discriminator.params for name, made in OPPONENTS.items()}

value = {
    name: np.asarray(jax.vmap(value_of_2014 if "2014" in name else value_of_critic)(params, jnp.asarray(THETAS)))
    for name, params in opponents.items()
}
print(f"{'theta':>8}{'JS':>8}{'found':>8}{'W1':>8}{'one-sided':>11}{'two-sided':>11}{'clipped':>9}")
for index, theta in enumerate(THETAS):
    found, clipped, one_sided, two_sided = (values[index] for values in value.values())
    print(f"{theta:8.2f}{JS[index]:8.3f}{found:8.3f}{W1[index]:8.2f}{one_sided:11.3f}{two_sided:11.3f}{clipped:9.3f}")

# %% [markdown]
# The discriminator finds the Jensen-Shannon divergence. The critic whose penalty is one-sided, which punishes slopes above
# 1 only (Petzka et al., 2018, [arXiv:1709.08894](https://arxiv.org/abs/1709.08894)), finds the Wasserstein distance, or a
# little more: a ramp of slope $s$ costs $\lambda (s - 1)^2$ and gains $s W_1$, so its best slope is $1 + W_1 / 2\lambda$,
# at $\theta = 4$ and $\lambda = 10$ a slope of 1.2. The clipped critic finds something else: its largest slope follows from
# the bound on the weights and from the depth, so it estimates an unknown *multiple* of $W_1$.
#
# The two-sided penalty of WGAN-GP, $(|D'(x)| - 1)^2$, is exact in size and here often wrong in sign. On a line the slope
# can only go from $-1$ to $1$ through 0, where the penalty is largest: a critic that starts on the wrong side stays there.
# In more dimensions a gradient can turn around without becoming 0, which is why WGAN-GP works for images.
#
# ## 3. The gradient that the generator receives
#
# Each opponent is differentiated at the samples, for the loss of the generator: $\log(1 - D)$, which the 2014 paper
# derives; $-\log D$, which it recommends; and minus the critic. The derivative of $W_1$ is 1.

# %%
LOSSES = {
    "log(1 - D)": ("discriminator of 2014", lambda fake: -jax.nn.softplus(fake)),
    "-log D": ("discriminator of 2014", lambda fake: jax.nn.softplus(-fake)),
    "critic, clipped at 0.1": ("critic, clipped at 0.1", lambda fake: -fake),
    "critic, one-sided penalty": ("critic, one-sided penalty", lambda fake: -fake),
}


def slope(loss, params, theta):
    return jax.grad(lambda theta: loss(logits(params, NOISE + theta)).mean())(theta)


slopes = {
    name: np.asarray(jax.vmap(lambda params, theta, loss=loss: slope(loss, params, theta))(opponents[of], jnp.asarray(THETAS)))
    for name, (of, loss) in LOSSES.items()
}
figure, axis = plt.subplots(figsize=(7, 3.2))
for name, found in slopes.items():
    axis.plot(THETAS[1:], np.maximum(np.abs(found[1:]), 1e-9), "o-", label=name)
axis.set(xlabel=r"$\theta$", ylabel=r"|derivative by $\theta$|", yscale="log")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
for name, found in slopes.items():
    print(f"{name:26}" + "".join(f"{value:11.2e}" for value in found[1:]))

# %% [markdown]
# As soon as the intervals are apart, a well trained discriminator gives $\log(1 - D)$ a gradient of almost nothing: the
# curve is that of the vanishing gradient. $-\log D$ keeps a gradient, but its size is that of the discriminator's slope and
# says nothing about the distance. The penalised critic gives about 1 at every distance; the clipped one is constant too, at
# another size.
#
# ## 4. What clipping and the penalty do to a critic
#
# The functions themselves, for samples at $\theta = 2$.

# %%
WHERE = int(np.flatnonzero(THETAS == 2)[0])
line = jnp.linspace(-1, 4, 500)[:, None]
figure, axes = plt.subplots(1, 4, figsize=(14, 2.8))
for axis, (name, params) in zip(axes, opponents.items(), strict=True):
    one = jax.tree.map(lambda leaf: leaf[WHERE], params)
    found = logits(one, line)
    axis.plot(line[:, 0], jax.nn.sigmoid(found) if "2014" in name else found)
    axis.axvspan(0, 1, color="tab:blue", alpha=0.2)
    axis.axvspan(2, 3, color="tab:orange", alpha=0.2)
    axis.set(title=name, xlabel="x", ylabel="D(x)" if "2014" in name else "critic")
    between = (line[:, 0] > 0) & (line[:, 0] < 3)
    gradient = np.abs(np.gradient(np.asarray(logits(one, line)), np.asarray(line[:, 0])))[np.asarray(between)]
    print(f"{name:26} slope between the intervals: {gradient.min():.3f} to {gradient.max():.3f}")
plt.show()

# %% [markdown]
# Data are blue, samples orange. The discriminator is a cliff between two plateaus; a sample on a plateau has nothing to go
# by. The critics are ramps. The penalties set the slope to about 1; clipping only bounds it.
#
# ## 5. The generator moves
#
# Now both players learn, from $\theta = 4$, with five updates of the opponent for each of the generator. Adam of the
# generator would hide how large its gradient is, so it moves by plain gradient descent with rate 0.05: with a slope of 1,
# it needs 80 updates for the way.


# %%
def course(loss, penalty, optimizer, count=400):
    """theta after each update of the generator."""
    game = games.Adversarial(shift(4.0), DISCRIMINATOR, latents, loss, penalties=penalty)
    optimizers = steps.Optimizers(optax.sgd(0.05), optimizer)
    made = steps.alternating(game, optimizers, n_critic=5)
    step = resident.on_resident_data(made.step, 256, 5)

    def body(state, _):
        state, _ = step(KEY, state, DATA)
        return state, state.generator.params[0]

    first = steps.init_state(KEY, shift(4.0), DISCRIMINATOR, optimizers, game)
    return np.asarray(jax.jit(lambda state: jax.lax.scan(body, state, None, length=count)[1])(first))


RUNS = {
    "log(1 - D)": (losses.minimax, (), optax.adam(2e-3)),
    "-log D": (losses.non_saturating, (), optax.adam(2e-3)),
    "critic, clipped at 0.1": (losses.wasserstein, (), optax.chain(optax.rmsprop(1e-3), constraints.clip_weights(0.1))),
    "critic, one-sided penalty": (losses.wasserstein, (penalties.gradient_penalty(one_sided=True),), optax.adam(2e-3)),
    "critic, two-sided penalty": (losses.wasserstein, (penalties.gradient_penalty(),), optax.adam(2e-3)),
    "-log D, R1": (losses.non_saturating, (penalties.r1(1.0),), optax.adam(2e-3)),
}
with jax.numpy_dtype_promotion("standard"):
    courses = {name: course(*run) for name, run in RUNS.items()}
figure, axis = plt.subplots(figsize=(7, 3.2))
for name, thetas in courses.items():
    axis.plot(thetas, label=name)
axis.axhline(0, color="black", linewidth=0.8)
axis.set(xlabel="update of the generator", ylabel=r"$\theta$")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
for name, thetas in courses.items():
    print(f"{name:26} after 100, 200, 400 updates: {thetas[99]:6.2f} {thetas[199]:6.2f} {thetas[399]:6.2f}")

# %% [markdown]
# $\log(1 - D)$ does not move: its gradient is gone from the start. $-\log D$ arrives, by gradients whose size depends on
# how far the discriminator was trained; R1 tames it (and, on images, is the usual choice today). The critic with the
# one-sided penalty moves at a constant pace, about 1 per unit of rate, and arrives; the clipped one too, at a pace that the
# clipping sets. The two-sided penalty has the wrong sign here and drives the samples away: see section 2.
#
# What carries over to images: a loss whose gradient does not vanish, and a discriminator whose slope is bounded. Which loss
# it is matters less than that bound: notebook 2 shows the same on games with known eigenvalues.
