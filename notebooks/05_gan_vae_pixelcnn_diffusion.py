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
# # GAN, VAE, PixelCNN, diffusion: what each is good at
#
# "Sharper than a VAE, faster than a PixelCNN" is often said of GANs. Here five generative models are trained on the same 8x8
# digits with the same steps of this library, and the claims are measured: sharpness, diversity, likelihood, and the time for
# one sample. The notebook runs in a few minutes on two CPU cores, without network access.
#
# 1. Five models of one data set
# 2. Samples
# 3. What is measured
# 4. The time for a sample
# 5. What each is good at
#
# The sets are small and the budgets are minutes, so that the figures compare these five networks, not the five ideas. The same
# comparison on MNIST, with a budget in operations, is `python -m benchmarks.gallery`; the times at 28x28 are
# `python -m benchmarks.sample_time`.

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
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np

from jgan import data, models, plots
from jgan.evaluation.extract import extract
from jgan.evaluation.sets import to_uint8
from jgan.features import classifier
from jgan.metrics import frechet, prdc
from jgan.metrics.sharpness import sharpness
from jgan.models.options import EMA
from jgan.training import train

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. Five models of one data set
#
# | model | how it is trained | how it samples |
# |---|---|---|
# | GAN | a generator against a discriminator; no likelihood | one pass from noise |
# | autoencoder | images through a bottleneck and back | a Gaussian fitted to the codes, one pass of the decoder |
# | VAE | a lower bound of the likelihood | noise, one pass of the decoder: the mean of the pixels |
# | PixelCNN | the likelihood, pixel by pixel | one pass of the network for each pixel, 64 here |
# | diffusion | to remove noise from noisy images | from noise in 20 steps, one pass each |
#
# The last four are games of one player: the same training loop, with a loss of its own instead of a discriminator. The options
# are those of the presets, but for a shorter average of the weights, since the runs are short. Training prints its progress,
# which is left out here.

# %%
STEPS = {"dcgan": 2000, "autoencoder": 2000, "vae": 4000, "pixelcnn": 600, "ddpm": 1200}
FOLDER = Path(tempfile.mkdtemp())


def trained(name):
    """The trained run, and the seconds of its training with compilation."""
    config, begun = dataclasses.replace(models.presets()[name].config, ema=EMA(0.99)), time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        run = train(name, config, steps=STEPS[name], eval_every=0, sample_every=0, workdir=FOLDER / name)
    return run, time.monotonic() - begun


RUNS = {name: trained(name) for name in STEPS}
for name, (_, seconds) in RUNS.items():
    print(f"{name:12} {STEPS[name]:5} steps in {seconds:3.0f} s")

# %% [markdown]
# ## 2. Samples
#
# Twenty samples of each, not chosen, under real digits.

# %%
digits = data.load("digits")
N = 1000


def drawn(name):
    found = RUNS[name][0]
    return np.clip(np.asarray(jax.jit(found.run.gan.sample, static_argnums=2)(jax.random.key(1), found.state, N)), 0, 1)


SAMPLES = {"real digits": digits.train.x[:N] / np.float32(255), **{name: drawn(name) for name in RUNS}}
figure, axes = plt.subplots(len(SAMPLES), 1, figsize=(9, 4.5))
for axis, (name, images) in zip(axes, SAMPLES.items(), strict=True):
    axis.imshow(plots.grid(images[:20], columns=20), cmap="gray")
    axis.set(xticks=[], yticks=[])
    axis.set_title(name, loc="left", fontsize=9)
    axis.grid(visible=False)
plt.show()

# %% [markdown]
# ## 3. What is measured
#
# - **Sharpness**: the variance of the Laplacian, relative to real digits. Below 1 is blurred: the VAE's picture is the mean of
#   all images that fit a latent. Above 1 is noisy.
# - **Precision and recall** (Kynkäänniemi et al., 2019), **coverage** (Naeem et al., 2020), **FID**, in the features of a small
#   classifier of these digits: how many samples look like digits, and how many digits are like some sample.
# - **Likelihood**: a bound or the value in nats per image, of models that have one. They are not of the same data: the VAE here
#   models grey values as probabilities, the PixelCNN 16 levels, so that only models of one kind are compared by it.
#
# Real images that were held out are the reference: what a perfect model would reach. There are 592 of them, and 1,000 samples;
# fewer images cover less, so that a coverage above that of the real images is not a success.

# %%
EXTRACTOR = classifier.load()


def features(images):
    return np.asarray(extract(EXTRACTOR, to_uint8("images", images)).features)


REAL = features(SAMPLES["real digits"])
SHARP = sharpness(SAMPLES["real digits"]).mean()


def measure(images):
    fake = features(images)
    near = prdc.prdc(REAL, fake, k=5)
    return {
        "sharpness": sharpness(images).mean() / SHARP,
        "FID": float(frechet.fid(REAL, fake).fid),
        "precision": near.precision,
        "recall": near.recall,
        "coverage": near.coverage,
    }


held_out = np.concatenate([digits.validation.x, digits.test.x]) / np.float32(255)
TABLE = {"real, held out": measure(held_out), **{name: measure(SAMPLES[name]) for name in RUNS}}
print(f"{'':18}" + "".join(f"{metric:>11}" for metric in TABLE["dcgan"]))
for name, row in TABLE.items():
    print(f"{name:18}" + "".join(f"{value:11.2f}" for value in row.values()))

# %% [markdown]
# The models' own measures, on test images:

# %%
OWN = {
    "autoencoder": ("squared_error", "squared error of a reconstructed pixel"),
    "vae": ("bounds", "lower bound of the log-likelihood in nats (grey pixels)"),
    "pixelcnn": ("bits_per_dimension", "negative log-likelihood in bits per pixel (16 levels)"),
    "ddpm": ("test_loss", "squared error of the predicted noise"),
}
for name, (entry, words) in OWN.items():
    value = RUNS[name][0].summary[entry]
    print(f"{name:12} {words}: {value['elbo'] if isinstance(value, dict) else value:.4g}")

# %% [markdown]
# ## 4. The time for a sample
#
# One image at a time, compiled, the median of 30 calls: what somebody waits for who asks for one picture. A PixelCNN needs a
# pass of its network for each pixel, one after another; a diffusion model one for each step.


# %%
def milliseconds(name, n):
    found = RUNS[name][0]
    draw = jax.jit(found.run.gan.sample, static_argnums=2)
    times = []
    for key in jax.random.split(jax.random.key(2), 31):
        begun = time.perf_counter()
        draw(key, found.state, n).block_until_ready()
        times.append(time.perf_counter() - begun)
    return 1000 * float(np.median(times[1:])) / n  # the first call compiles


ONE = {name: milliseconds(name, 1) for name in RUNS}
MANY = {name: milliseconds(name, 64) for name in RUNS}
figure, axis = plt.subplots(figsize=(7, 3))
places = np.arange(len(RUNS))
axis.barh(places + 0.2, list(ONE.values()), 0.4, label="one at a time")
axis.barh(places - 0.2, list(MANY.values()), 0.4, label="each of a batch of 64")
axis.set(yticks=places, yticklabels=list(RUNS), xscale="log", xlabel="milliseconds for a sample")
axis.invert_yaxis()
axis.legend()
plt.show()
for name in RUNS:
    print(f"{name:12} {ONE[name]:8.2f} ms, {ONE[name] / ONE['dcgan']:6.1f} times the GAN; of a batch {MANY[name]:7.3f} ms")

# %% [markdown]
# ## 5. What each is good at
#
# - **GAN**: samples as sharp as the data in one pass. No likelihood, and no encoder; whether modes are missing must be measured
#   (recall, coverage), the losses do not show it.
# - **Autoencoder**: the best reconstructions of a given code size. As a generator it depends on the law that is fitted to its
#   codes: a Gaussian also covers codes that belong to no image.
# - **VAE**: a bound of the likelihood, an encoder, one pass, stable training. Blurred, most of all where several images fit.
# - **PixelCNN**: an exact likelihood and varied samples; the slowest by far, and slower with each pixel.
# - **Diffusion**: stable training, varied and sharp samples; many passes, which distillation and better solvers reduce.
#
# A GAN is what remains when a sample must be sharp *and* cheap.
