# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: -all
#     notebook_metadata_filter: kernelspec,jupytext,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
# ---

# %% [markdown]
# # Which metric sees what
#
# A generator can fail in several ways: it leaves modes out, its samples are blurred or noisy, it copies its training set. Here
# real digits are spoilt in each of these ways on purpose, a little and more, so that it is known what is wrong; and a dozen
# metrics are asked. About two minutes on two CPU cores, without a network.
#
# 1. Four ways to spoil samples
# 2. Every metric on each of them
# 3. Mode collapse, measured

# %%
import functools

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

from jgan import data, plots
from jgan.evaluation import monitor
from jgan.evaluation.extract import extract
from jgan.features import classifier
from jgan.metrics import copying, frechet, inception_score, kernel, ndb, prd, prdc, two_sample

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. Four ways to spoil samples
#
# The 1,797 digits that come with scikit-learn are cut into thirds at random: the training set of an imagined generator, further
# real images that it never saw, and the samples. Unspoilt samples are real digits: the best that a generator could draw. Five
# random cuts tell chance from effect.

# %%
digits = data.load("digits")
PARTS = (digits.train, digits.validation, digits.test)
IMAGES, LABELS = np.concatenate([part.x for part in PARTS]), np.concatenate([part.y for part in PARTS])
CUTS, LEVELS = 5, 4


def thirds(seed):
    """Indices of the training set, the held-out images and the samples, 599 each."""
    return np.random.default_rng(seed).permutation(len(IMAGES)).reshape(3, -1)


def drop_modes(samples, labels, training, level):
    """Keeps 10, 7, 4 or 1 of the ten digits; what is missing is drawn again from those that are left."""
    kept = np.flatnonzero(labels < (10, 7, 4, 1)[level])
    return samples if level == 0 else samples[np.random.default_rng(0).choice(kept, len(samples))]


def blur(samples, labels, training, level):
    width = (0.0, 0.4, 0.6, 0.8)[level]
    return np.round(gaussian_filter(samples.astype(float), (0, width, width, 0))).astype(np.uint8)


def add_noise(samples, labels, training, level):
    noise = np.random.default_rng(0).normal(scale=(0.0, 0.1, 0.2, 0.3)[level], size=samples.shape)
    return np.round(255 * np.clip(samples / 255 + noise, 0, 1)).astype(np.uint8)


def copy(samples, labels, training, level):
    """Replaces none, a third, two thirds or all of the samples by training images."""
    count = level * len(samples) // 3
    return np.concatenate([training[:count], samples[count:]])


SPOILERS = {"dropped": drop_modes, "blurred": blur, "noisy": add_noise, "copied": copy}

training, _, samples = (IMAGES[part] for part in thirds(0))
labels = LABELS[thirds(0)[2]]
order = np.argsort(labels[:20], kind="stable")
figure, axes = plt.subplots(4, LEVELS, figsize=(12, 4.4))
for row, (name, spoil) in zip(axes, SPOILERS.items(), strict=True):
    for level, axis in enumerate(row):
        axis.imshow(plots.grid(spoil(samples, labels, training, level)[:20][order], columns=10), cmap="gray")
        axis.set(xticks=[], yticks=[], title=f"{name}, level {level}")
        axis.grid(visible=False)
plt.show()

# %% [markdown]
# Copies cannot be told by looking: they are real digits.
#
# ## 2. Every metric on each of them
#
# The metrics are pure functions of features: here the 64 of the small classifier that comes with the package, 8x8 digits being
# nothing that InceptionV3 knows. Those of copying also see the training set as such.

# %%
EXTRACTOR = classifier.load()


@functools.cache
def features(cut, part):
    return np.asarray(extract(EXTRACTOR, IMAGES[thirds(cut)[part]]).features)


def measure(cut, spoil, level):
    training, _, own = thirds(cut)
    drawn = spoil(IMAGES[own], LABELS[own], IMAGES[training], level)
    found = extract(EXTRACTOR, drawn)
    real, held_out, fake = features(cut, 0), features(cut, 1), np.asarray(found.features)
    balls = prdc.prdc(real, fake, k=5)
    curve = prd.evaluate(real, fake, runs=3, seed=0)
    signs = monitor.look(monitor.make(IMAGES[training] / np.float32(255)), drawn / np.float32(255))
    return {
        "FID": frechet.fid(real, fake).fid,
        "KID": kernel.mmd2(real, fake),
        "Inception Score": inception_score.evaluate(np.asarray(found.logits), splits=1).mean,
        "precision": balls.precision,
        "recall": balls.recall,
        "density": balls.density,
        "coverage": balls.coverage,
        "PRD F_8 (recall)": curve.f_8,
        "PRD F_1/8 (precision)": curve.f_1_8,
        "NDB / K": ndb.evaluate(ndb.fit(real, bins=30, seed=0), fake).share,
        "C2ST accuracy": two_sample.c2st(real, fake, seed=0).accuracy,
        "spread (pixels)": signs.spread,
        "authenticity": copying.authenticity(real, fake),
        "C_T": copying.c_t(real, held_out, fake, seed=0).value,
    }


found = {
    name: [[measure(cut, spoil, level) for cut in range(CUTS)] for level in range(LEVELS)] for name, spoil in SPOILERS.items()
}
METRICS = list(found["blurred"][0][0])

# %%
print(f"{'':24}{'unspoilt':>18}" + "".join(f"{name:>16}" for name in SPOILERS) + "    at level 3, mean of five cuts")
for metric in METRICS:
    clean = np.array([row[metric] for row in found["blurred"][0]])
    worst = [np.mean([row[metric] for row in found[name][-1]]) for name in SPOILERS]
    print(f"{metric:24}{clean.mean():9.3g} +- {clean.std(ddof=1):5.1g}" + "".join(f"{value:16.3g}" for value in worst))

# %% [markdown]
# How far does a metric move, in units of what chance does to it? For each spoiler and level: the distance from the unspoilt
# value, divided by the standard deviation of the unspoilt values over the cuts. Dark is noticed.

# %%
shifts = np.zeros((len(METRICS), len(SPOILERS) * (LEVELS - 1)))
for row, metric in enumerate(METRICS):
    values = np.array([[[cut[metric] for cut in level] for level in found[name]] for name in SPOILERS])
    noise = values[0, 0].std(ddof=1)
    shifts[row] = (np.abs(values.mean(axis=2)[:, 1:] - values[:, :1].mean(axis=2)) / noise).ravel()

figure, axis = plt.subplots(figsize=(10, 5.2))
picture = axis.imshow(np.log10(np.clip(shifts, 1, 1000)), cmap="viridis_r", aspect="auto", vmin=0, vmax=2.5)
axis.set_yticks(range(len(METRICS)), METRICS)
axis.set_xticks(range(shifts.shape[1]), [f"{name}\n{level}" for name in SPOILERS for level in range(1, LEVELS)], fontsize=7)
axis.grid(visible=False)
for row in range(len(METRICS)):
    for column in range(shifts.shape[1]):
        value = shifts[row, column]
        axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color="w" if value > 30 else "k")
figure.colorbar(picture, label="log10 of the shift, in standard deviations")
plt.show()

# %% [markdown]
# - **Dropped modes** are seen by FID, KID, the Inception Score, recall, coverage, PRD's $F_8$, NDB and C2ST. Precision and
#   density look at the samples one by one, and one by one they are perfect; the spread of the pixels sees it only at the last.
# - **Blur** is seen by all. It is far from real digits, and all alike.
# - **Noise** leaves recall as it was: balls round noisy samples are large, and hold every real image. Coverage, whose balls
#   are round the real ones, was made for that.
# - **Copies** make every metric of quality *better*: an FID of 0, a precision and a recall of 1. Only authenticity and $C_T$
#   fall. Both rise where samples are blurred or noisy: they say how near samples are to the training set, not how good.
#
# So no one figure will do: a distance (FID or KID), recall or coverage for modes, precision for quality, and authenticity for
# copies, all of `python -m jgan.evaluate --metrics fid,kid,prdc,authenticity,ct`.
#
# ## 3. Mode collapse, measured
#
# Digit by digit is taken away. What a monitor during training should watch is what falls in proportion.

# %%
KEPT = list(range(10, 0, -1))
curves = {name: [] for name in ("FID / its last", "precision", "recall", "coverage", "spread (pixels)", "NDB / K")}
training, _, own = thirds(0)
real, watch = features(0, 0), monitor.make(IMAGES[training] / np.float32(255))
bins = ndb.fit(real, bins=30, seed=0)
for kept in KEPT:
    chosen = np.random.default_rng(0).choice(own[LABELS[own] < kept], len(own)) if kept < 10 else own
    fake = np.asarray(extract(EXTRACTOR, IMAGES[chosen]).features)
    balls = prdc.prdc(real, fake, k=5)
    signs = monitor.look(watch, IMAGES[chosen] / np.float32(255))
    values = (frechet.fid(real, fake).fid, balls.precision, balls.recall, balls.coverage, signs.spread)
    for name, value in zip(curves, (*values, ndb.evaluate(bins, fake).share), strict=True):
        curves[name].append(value)
curves["FID / its last"] = list(np.array(curves["FID / its last"]) / curves["FID / its last"][-1])

figure, axis = plt.subplots(figsize=(8, 3.6))
for name, values in curves.items():
    axis.plot(KEPT, values, ".-", label=name)
axis.set(xlabel="digits that are left", ylim=(0, 1.1), xticks=KEPT)
axis.invert_xaxis()
axis.legend(fontsize=8, ncols=2)
plt.show()

# %% [markdown]
# Recall and coverage fall digit by digit, and NDB rises. FID hardly moves for the first half, which costs less than a blurred
# image does, and the spread not at all until one digit is left: a collapse within that digit is what it is for. Hence the
# collapse monitor of `python -m jgan.train` warns by two signs: a coverage of less than half its own best, and a spread of
# less than half that of the data.
