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
# # Which metric detects what
#
# A generator can fail in several ways: it drops modes, its samples are blurred or noisy, or it copies its training set. Here
# we degrade real digits in each of these ways on purpose, at several levels, and compute a dozen metrics. The notebook runs in
# about two minutes on two CPU cores, without network access.
#
# 1. Four ways to degrade samples
# 2. Every metric on each of them
# 3. Measuring mode collapse

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

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
# ## 1. Four ways to degrade samples
#
# We split the 1,797 digits of scikit-learn into random thirds: the training set of a hypothetical generator, held-out real
# images, and the samples. Samples that are not degraded are real digits, the best that a generator could produce. Five random
# splits separate the effect from chance.

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
# Copies cannot be recognised by eye: they are real digits.
#
# ## 2. Every metric on each of them
#
# The metrics are pure functions of features: here the 64 features of the small classifier that comes with the package, since
# InceptionV3 is not trained on such small digits. The copying metrics also use the training set.

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


unspoilt = [measure(cut, blur, 0) for cut in range(CUTS)]  # level 0 is the same for all four
found = {
    name: [unspoilt, *([measure(cut, spoil, level) for cut in range(CUTS)] for level in range(1, LEVELS))]
    for name, spoil in SPOILERS.items()
}
METRICS = list(found["blurred"][0][0])

# %%
print(f"{'':24}{'unspoilt':>18}" + "".join(f"{name:>16}" for name in SPOILERS) + "    at level 3, mean of five cuts")
for metric in METRICS:
    clean = np.array([row[metric] for row in found["blurred"][0]])
    worst = [np.mean([row[metric] for row in found[name][-1]]) for name in SPOILERS]
    print(f"{metric:24}{clean.mean():9.3g} +- {clean.std(ddof=1):5.1g}" + "".join(f"{value:16.3g}" for value in worst))

# %% [markdown]
# How far does a metric move, relative to its random variation? For each degradation and level we divide the distance from the
# value of the original samples by the standard deviation of that value over the splits. Dark cells are detected.

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
# - **Dropped modes** are detected by FID, KID, the Inception Score, recall, coverage, PRD's $F_8$, NDB and C2ST. Precision and
#   density judge each sample separately, and each sample is perfect; the spread of the pixels reacts only at the last level.
# - **Blur** is detected by all metrics: blurred samples are far from real digits and similar to each other.
# - **Noise** does not change recall: the balls around noisy samples are large and contain every real image. Coverage, with
#   balls around the real images, was designed to avoid this.
# - **Copies** make every quality metric *better*: an FID of 0, precision and recall of 1. Only authenticity and $C_T$ fall.
#   Both rise for blurred or noisy samples: they measure how close samples are to the training set, not how good they are.
#
# So no single metric is enough. Use a distance (FID or KID), recall or coverage for modes, precision for quality, and
# authenticity for copies: `python -m jgan.evaluate --metrics fid,kid,prdc,authenticity,ct` computes all of them.
#
# ## 3. Measuring mode collapse
#
# We remove one digit at a time. A metric to monitor during training should fall in proportion.

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
# Recall and coverage fall digit by digit, and NDB rises. FID hardly moves for the first half of the digits, less than for
# blurred images. The spread reacts only when one digit is left; it detects a collapse within that digit. The collapse monitor
# of `python -m jgan.train` therefore warns on two signs: coverage below half its best value so far, and a spread below half
# that of the data.
