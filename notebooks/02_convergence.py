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
# # Why GANs fail to converge, and how to fix it
#
# We first study two games with closed-form solutions, with the same training steps that image GANs use; then a mixture of
# Gaussians, on which mode collapse can be measured. The notebook runs in about three minutes on two CPU cores.
#
# 1. The bilinear game: the effect of each update rule
# 2. The Dirac-GAN: the effect of each loss and penalty
# 3. Twenty-five Gaussians: mode collapse, and three methods against it

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import cmath
import dataclasses
import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from jgan import Batch, data, games, losses, models, parallel, penalties, steps
from jgan.data import resident, toys
from jgan.metrics.modes import mode_coverage
from jgan.models import bilinear, dirac, mixture
from jgan.models.options import EMA, Optimizer, Penalty, Rule
from jgan.types import DataSpec

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

KEY, SPEC = jax.random.key(0), DataSpec.points((1,), steps_per_epoch=1)
ORIGIN = Batch(jnp.zeros((64, 1)))  # the Dirac-GAN's data; the bilinear game looks at none


def point(state):
    """The generator's number and the discriminator's."""
    return jnp.stack([state.generator.params, state.discriminator.params])


def trajectory(gan, count):
    """`[count + 1, 2]`: where the two numbers go."""

    def body(state, _):
        state, _ = gan.step(KEY, state, ORIGIN)
        return state, point(state)

    first = gan.init(KEY)
    path = jax.jit(lambda state: jax.lax.scan(body, state, None, length=count)[1])(first)
    return np.concatenate([np.asarray(point(first))[None], np.asarray(path)])


# %% [markdown]
# ## 1. The bilinear game
#
# $$\min_x \max_y \; x y$$
#
# The equilibrium is $(0, 0)$. The generator is the number $x$ and descends $xy$; the discriminator is the number $y$ and
# descends $-xy$. Neither gradient points at the equilibrium: together the players rotate around it. The factor by which a step
# of size $\eta$ multiplies the distance from $(0, 0)$ is known for each rule:
#
# | rule | factor per step |
# |---|---|
# | simultaneous | $\sqrt{1 + \eta^2}$: outwards, for every $\eta$ |
# | alternating | 1 on average: a closed orbit |
# | extragradient | $\sqrt{1 - \eta^2 + \eta^4}$: inwards, for $\eta < 1$ |
# | optimistic | $\sqrt{(1 + \sqrt{1 - 4\eta^2})/2}$: inwards, for $\eta < 1/\sqrt 3$ |
# | consensus, weight 1 | $\sqrt{(1 - \eta)^2 + \eta^2}$: inwards, for $\eta < 1$ |

# %%
ETA, COUNT = 0.1, 400
FACTORS = {
    "simultaneous": math.sqrt(1 + ETA**2),
    "alternating": 1.0,
    "extragradient": math.sqrt(1 - ETA**2 + ETA**4),
    "optimistic": math.sqrt((1 + math.sqrt(1 - 4 * ETA**2)) / 2),
    "consensus": math.sqrt((1 - ETA) ** 2 + ETA**2),
}

paths = {
    rule: trajectory(bilinear.make(bilinear.Config(rule=Rule(rule), optimizer=Optimizer("sgd", ETA)), SPEC), COUNT)
    for rule in (*FACTORS, "unrolled")
}

figure, axes = plt.subplots(1, len(paths), figsize=(14, 2.8), sharex=True, sharey=True)
for axis, (rule, path) in zip(axes, paths.items(), strict=True):
    axis.plot(*path[:150].T, "b-", linewidth=1)
    axis.plot(*path[0], "bo", markerfacecolor="white")
    axis.plot(0, 0, "k+", markersize=10)
    axis.set(title=rule, xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel="x")
axes[0].set_ylabel("y")
plt.show()

print(f"{'':16}{'measured':>12}{'known':>12}")
for rule, path in paths.items():
    distances = np.linalg.norm(path.astype(np.float64), axis=1)
    # The mean factor over whole turns: a turn takes about 2 pi / eta steps, and 377 steps are six of them.
    measured = (
        (distances[377] / distances[0]) ** (1 / 377) if distances[377] > 1e-6 else (distances[60] / distances[0]) ** (1 / 60)
    )
    print(f"{rule:16}{measured:12.6f}{FACTORS.get(rule, float('nan')):12.6f}")

# %% [markdown]
# Every rule has the factor of its formula (the tests check this to $10^{-6}$). Simultaneous descent, which works for
# minimisation, diverges from the equilibrium of this game at *any* step size. A look-ahead step (extragradient), a correction
# by the last gradient (optimistic) or a penalty on the norm of the gradient field (consensus) turns the circle into an inward
# spiral. So does unrolling, in which the generator anticipates the discriminator's next updates.
#
# ## 2. The Dirac-GAN
#
# Mescheder et al. (2018), [arXiv:1801.04406](https://arxiv.org/abs/1801.04406): all data lie at 0, the generator is a point
# mass at $\theta$, and the discriminator is $D(x) = \psi x$. It is the smallest GAN with a loss and a penalty. The networks,
# losses and penalties below are those of the library, combined by the same `games.Adversarial` as for images.
#
# Near the equilibrium $(0, 0)$ the dynamics are determined by the eigenvalues of their linearisation: a negative real part
# means contraction, an imaginary part rotation. We compute them from the Jacobian of the update itself, minus the identity,
# for a step of size 1.


# %%
def eigenvalues(loss, penalty=(), augment=None):
    """Of the vector field of the Dirac-GAN at the equilibrium."""
    generator, discriminator = dirac.networks(dirac.Config(start=(0.0, 0.0)))
    sgd = steps.Optimizers(optax.sgd(1.0), optax.sgd(1.0))
    game = games.Adversarial(
        generator, discriminator, lambda key, n, axis_name=None: jnp.zeros((n, 1)), loss, penalties=penalty, augment=augment
    )
    step = steps.simultaneous(game, sgd).step
    state = steps.init_state(KEY, generator, discriminator, sgd, game)

    def update(numbers):
        there = state._replace(
            generator=state.generator._replace(params=numbers[0]),
            discriminator=state.discriminator._replace(params=numbers[1]),
        )
        return point(step(KEY, there, ORIGIN)[0])

    return np.linalg.eigvals(np.asarray(jax.jacobian(update)(jnp.zeros(2)), np.float64) - np.eye(2))


def roots(trace, determinant):
    """The eigenvalues of a 2x2 matrix."""
    root = cmath.sqrt(trace**2 / 4 - determinant)
    return trace / 2 + root, trace / 2 - root


def pair(values):
    return "  ".join(f"{value.real:+.4f} {value.imag:+.4f}i" for value in sorted(values, key=lambda v: (v.imag, v.real)))


cases = {
    "unregularised": (eigenvalues(losses.minimax), (0.5j, -0.5j)),
    "non-saturating": (eigenvalues(losses.non_saturating), (0.5j, -0.5j)),
    "Wasserstein": (eigenvalues(losses.wasserstein), (1j, -1j)),
    "R1, gamma = 0.5": (eigenvalues(losses.minimax, (penalties.r1(0.5),)), roots(-0.5, 0.25)),
    "R1, gamma = 1": (eigenvalues(losses.minimax, (penalties.r1(1.0),)), roots(-1, 0.25)),
    "R1, gamma = 2": (eigenvalues(losses.minimax, (penalties.r1(2.0),)), roots(-2, 0.25)),
    "R2, gamma = 0.5": (eigenvalues(losses.minimax, (penalties.r2(0.5),)), roots(-0.5, 0.25)),
}
print(f"{'':18}{'found':36}known")
for name, (found, known) in cases.items():
    print(f"{name:18}{pair(found):36}{pair(known)}")

# %% [markdown]
# Without a penalty the eigenvalues are imaginary: the players circle, and with steps of finite size they drift outwards. R1 and
# R2 damp the discriminator; from $\gamma = 1$ on there is no rotation. Which methods converge from $(1, 1)$?

# %%
SIZE, COUNT = 0.1, 6000
runs = {
    "simultaneous": {"rule": Rule("simultaneous")},
    "alternating": {},
    "Wasserstein": {"loss": "wasserstein"},
    "Wasserstein, clipped at 1": {"loss": "wasserstein", "optimizer": Optimizer("sgd", SIZE, weight_clip=1.0)},
    "WGAN-GP": {"loss": "wasserstein", "penalty": Penalty("gradient_penalty")},
    "instance noise 0.7": {"instance_noise": 0.7},
    "R1, gamma = 0.5": {"penalty": Penalty("r1", 0.5)},
    "R2, gamma = 0.5": {"penalty": Penalty("r2", 0.5)},
    "extragradient": {"rule": Rule("extragradient")},
    "optimistic": {"rule": Rule("optimistic")},
    "consensus": {"rule": Rule("consensus")},
    "unrolled, 5": {"rule": Rule("unrolled")},
}
courses = {
    name: trajectory(dirac.make(dirac.Config(**{"optimizer": Optimizer("sgd", SIZE), **options}), SPEC), COUNT)
    for name, options in runs.items()
}

figure, axes = plt.subplots(2, 6, figsize=(14, 5), sharex=True, sharey=True)
for axis, (name, path) in zip(axes.flat, courses.items(), strict=True):
    axis.plot(*path[:1500].T, "b-", linewidth=0.8)
    axis.plot(*path[0], "bo", markerfacecolor="white")
    axis.plot(0, 0, "k+", markersize=10)
    axis.set(title=name, xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), aspect="equal")
for axis in axes[1]:
    axis.set_xlabel(r"$\theta$")
for axis in axes[:, 0]:
    axis.set_ylabel(r"$\psi$")
plt.show()

print(f"{'distance from (0, 0) after':28}{1000:>10,}{COUNT:>10,} steps")
for name, path in courses.items():
    near, far = (float(np.linalg.norm(path[step])) for step in (1000, COUNT))
    verdict = (
        "converges" if far < 1e-2 else "stays near, its noise keeps it moving" if name.startswith("instance") else "does not"
    )
    print(f"{name:28}{near:10.4f}{far:10.4f}   {verdict}")

# %% [markdown]
# The Wasserstein GAN does not converge here, with weight clipping or with its gradient penalty: the penalty asks for a slope
# of 1 everywhere, but at the equilibrium the slope must be 0. With a weight of 1 it even converges to a wrong point, $(2, 0)$.
# The zero-centred penalties ask for slope 0, and converge; so do the rules of section 1. Instance noise contracts on average,
# with $-s^2/4$, and adds noise to every step.
#
# ## 3. Twenty-five Gaussians
#
# A generator that drops modes can still have a normal loss. On a grid of Gaussians the modes can be counted: a mode is covered
# if one of 2,500 samples lies within three standard deviations of it, and a sample is of high quality if it lies that close to
# any mode. We train four seeds of each method in one program, with the same networks, optimiser and number of steps.

# %%
SEEDS, LENGTH, CHUNK, WIDTH = 4, 4000, 500, 128
grid = data.load("grid25")
about, on_device = data.spec(grid, WIDTH), Batch(jnp.asarray(grid.train.x))
common = mixture.Config(optimizer=Optimizer("adam", 4e-3, b2=0.99, decay_steps=LENGTH), ema=EMA(0.995))
methods = {
    "non-saturating": {},
    "packs of 2": {"pack": 2},
    "unrolled, 3 steps": {"rule": Rule("unrolled", unroll=3)},
    "relativistic + R1 + R2": {"loss": "relativistic", "penalty": Penalty("r1_r2", 0.1)},
}


def population(options):
    """Points of the averaged generators, `[rounds, SEEDS, 2500, 2]`."""
    gan = models.make(dataclasses.replace(common, **options), about)
    keys = jax.random.split(jax.random.key(0), SEEDS)
    advance = parallel.jit(parallel.vmap(parallel.scan(resident.on_resident_data(gan.step, WIDTH), CHUNK)))
    draw = jax.jit(jax.vmap(lambda state, key: gan.sample(key, state, 2500)))
    states, drawn = jax.jit(jax.vmap(gan.init))(keys), []
    for _ in range(LENGTH // CHUNK):
        states, _ = advance(keys, states, on_device)
        drawn.append(np.asarray(draw(states, jax.random.split(jax.random.key(1), SEEDS))))
    return np.stack(drawn)


drawn = {name: population(options) for name, options in methods.items()}

# %%
figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), sharex=True, sharey=True)
for axis, (name, points) in zip(axes, drawn.items(), strict=True):
    axis.plot(*grid.test.x[:1000].T, ".", color="0.8", markersize=2)
    axis.plot(*points[-1, 0].T, "g.", markersize=1.5)
    found = mode_coverage(points[-1, 0], toys.centres("grid25"), toys.std("grid25"))
    axis.set(
        title=f"{name}\n{int(found.modes)} modes, {float(found.high_quality):.0%} high quality", xlim=(-5, 5), ylim=(-5, 5)
    )
plt.show()

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), sharex=True)
print(f"{'':24}{'modes of 25':>20}{'high quality':>20}")
for name, points in drawn.items():
    found = mode_coverage(points, toys.centres("grid25"), toys.std("grid25"))
    iterations = CHUNK * np.arange(1, len(points) + 1)
    left.plot(iterations, np.asarray(found.modes).mean(axis=1), ".-", label=name)
    right.plot(iterations, np.asarray(found.high_quality).mean(axis=1), ".-", label=name)
    modes, quality = np.asarray(found.modes)[-1], np.asarray(found.high_quality)[-1]
    print(f"{name:24}{modes.mean():12.1f} +- {modes.std(ddof=1):4.1f}{quality.mean():13.1%} +- {quality.std(ddof=1):5.1%}")
left.set(xlabel="steps", ylabel="covered modes", ylim=(0, 26))
right.set(xlabel="steps", ylabel="share of high quality", ylim=(0, 1))
right.legend(fontsize=8)
plt.show()

# %% [markdown]
# Packing shows the discriminator that samples are too similar to each other: more modes are covered, but slowly, and most
# samples still lie between modes. The relativistic loss with R1 and R2 covers all modes, with sharp samples, soonest.
# Unrolling, which stabilises the two-parameter games, does not help here: it drops more modes than plain training, at this
# learning rate and at a quarter of it.
#
# A short run with four seeds shows the direction of these effects, not their size. `python -m benchmarks.mode_coverage` runs
# ten seeds for longer; its table is in the README.
