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
# # From image to image
#
# A generator can be given an image instead of noise. *pix2pix* (Isola et al., 2017,
# [arXiv:1611.07004](https://arxiv.org/abs/1611.07004)) learns from pairs of an input and the wanted output; *CycleGAN* (Zhu et
# al., 2017, [arXiv:1703.10593](https://arxiv.org/abs/1703.10593)) from two sets of images without pairs. This notebook shows on
# 8x8 digits what each of their losses is for. It runs in about four minutes on two CPU cores, without network access.
#
# 1. One input, many right answers
# 2. What a distance alone learns
# 3. Adding a discriminator of patches
# 4. Without pairs: why the cycle is needed
# 5. What the cycle cannot know: hidden signals

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from jgan import data, parallel, plots
from jgan.data import resident
from jgan.data.coloured import shape_of
from jgan.metrics import hiding
from jgan.models import cyclegan, options, pix2pix

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True})

KEY = jax.random.key(0)


def unit(images):
    """Stored images as floats in [0, 1]."""
    return np.asarray(images, np.float32) / 255


def show(rows, columns=16, side=11):
    """Rows of images, by their names: grey ones are shown as coloured ones are."""
    _, axes = plt.subplots(len(rows), 1, figsize=(side, 0.82 * len(rows) * side * 1.1 / columns), squeeze=False)
    for axis, (name, images) in zip(axes[:, 0], rows.items(), strict=True):
        axis.imshow(plots.grid(np.broadcast_to(images[:columns], (columns, 8, 8, 3)), columns=columns))
        axis.set(xticks=[], yticks=[])
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    plt.show()


def trained(gan, dataset, batch, steps, seed=0):
    """The state after some steps."""
    program = parallel.jit(resident.on_resident_data(gan.step, batch))
    on_device, state = jax.tree.map(jnp.asarray, dataset.train), gan.init(jax.random.key(seed))
    for _ in range(steps):
        state, _ = program(jax.random.key(100 + seed), state, on_device)
    return state


# %% [markdown]
# ## 1. One input, many right answers
#
# The inputs are grey digits, the outputs the same digits in colours: each channel of the background is drawn from 0 to 0.4, and
# each channel of the ink from 0.6 to 1. The input says nothing about the colours, so every input has many right answers.

# %%
pairs = data.load("coloured:digits")
source, truth = unit(pairs.test.c), unit(pairs.test.x)
show({"input": source, "output": truth})

# %% [markdown]
# ## 2. What a distance alone learns
#
# A network $G$ that is trained by the mean absolute difference alone has to give one answer for all of these colours. The best
# one, for each pixel, is the median of the right answers: a background of 0.2 and an ink of 0.8, which is grey. The remaining
# error is then the mean distance of a uniform number from its median, a quarter of the width, 0.1, for pixels that are all
# background or all ink. (With squares, the mean takes the place of the median.) We train pix2pix's U-Net without its
# adversarial loss.

# %%
SPEC = data.spec(pairs, 16)
UNET = pix2pix.Config(g_width=16, d_width=16, d_layers=1, g_dropouts=1, statistics="average", epochs=options.EpochDecay(0, 0))
STEPS = 2_000


def translated(gan, state, images, seed=3):
    return np.asarray(gan.sample(jax.random.key(seed), state, len(images), images=images))


def colours(images):
    """How colourful: the mean over pixels of the largest minus the smallest channel."""
    return float(np.mean(images.max(axis=-1) - images.min(axis=-1)))


def spread(images):
    """How much colours differ from image to image: the std of an image's mean colour, without brightness."""
    mean = images.mean(axis=(1, 2))
    return float((mean - mean.mean(axis=1, keepdims=True)).std(axis=0).mean())


def fitted(**weights):
    """A pix2pix model of these weights, trained; its translations of the test images, for two draws of dropout."""
    gan = pix2pix.make(dataclasses.replace(UNET, **weights), SPEC)
    state = trained(gan, pairs, 16, STEPS)
    return translated(gan, state, source, seed=3), translated(gan, state, source, seed=4)


runs = {"L1 alone": fitted(adversarial_weight=0.0)}
alone, _ = runs["L1 alone"]
dark, bright = source[..., 0] == 0, source[..., 0] == 1
for name, where, value in (("background", dark, 0.2), ("ink", bright, 0.8)):
    error = np.abs(alone - truth)[where].mean()
    print(f"{name:11} {alone[where].mean():.3f}, expected {value}; error {error:.3f}, expected 0.1")
show({"input": source, "L1 alone": alone, "one right answer": truth})

# %% [markdown]
# ## 3. Adding a discriminator of patches
#
# No image of the training set is grey like that, and a discriminator can tell. pix2pix's sees the input and the output side by
# side and returns one logit for each patch (PatchGAN): it judges colours and textures, and leaves the shape to the distance.
# The weight of L1 is 100 in the paper; we also train with 1.
#
# The table has the error; *colour*, the largest minus the smallest channel, averaged over pixels; *spread*, the standard
# deviation of an image's mean colour over the images; and how much an output changes with the drawing of dropout, which is the
# only noise of the generator.

# %%
runs["L1 x 100 and D"] = fitted()
runs["L1 x 1 and D"] = fitted(l1_weight=1.0)

print(f"{'':20}{'L1 error':>10}{'colour':>9}{'spread':>9}{'change with dropout':>22}")
for name, (one, other) in ({"right answers": (truth, truth)} | runs).items():
    error, again = np.abs(one - truth).mean(), np.abs(one - other).mean()
    print(f"{name:20}{error:10.3f}{colours(one):9.2f}{spread(one):9.3f}{again:22.3f}")
show({"input": source} | {name: one for name, (one, _) in runs.items()} | {"one right answer": truth})

# %% [markdown]
# With the discriminator the outputs have colours, and differ from image to image; the L1 error rises a little, as it must, for
# the grey image is the one with the smallest. But the colours also differ from place to place within an image, which those of
# the data do not. The discriminator's patches cover the whole image here, and it had 2,000 steps: that was enough to teach that
# the outputs need colours, and not enough to teach that an image has only two. And although dropout changes the output, it
# changes it by less than two right answers differ (about 0.13): one input leads to similar answers. That pix2pix largely
# ignores its noise is a known weakness; the paper says so.
#
# ## 4. Without pairs: why the cycle is needed
#
# CycleGAN has two sets of images and no pairs: here digits, and other digits inverted. A generator for each direction is
# trained against a discriminator of its target set. That alone asks for outputs that *look like* the target set, not for
# outputs that have anything to do with the input: a generator may turn every 3 into an inverted 8. The cycle loss asks that
# the way there and back, $\lVert F(G(x)) - x \rVert_1$, lead to the same image. We know the right answer, $1 - x$, and train
# with and without it.

# %%
inverted = data.load("inverted:digits")
CYCLE = cyclegan.Config(g_width=16, g_blocks=2, g_downsamplings=0, d_width=16, d_layers=1, identity_weight=0.0)
digits, negatives = unit(inverted.test["a"].x), unit(inverted.test["b"].x)


def both_ways(dataset, config, images):
    """Translations of test images of `a`, the way back, and the functions of both ways."""
    gan = cyclegan.make(config, data.spec(dataset, 8))
    state = trained(gan, dataset, 8, 2_500)
    there, back = (lambda x, way=way: gan.sample(KEY, state, len(x), images={way: x}) for way in ("ab", "ba"))
    out = np.asarray(there(images))
    return out, np.asarray(back(out)), there, back


found = {
    name: both_ways(inverted, dataclasses.replace(CYCLE, cycle_weight=weight), digits)
    for name, weight in {"with the cycle": 10.0, "without": 0.0}.items()
}
print(f"{'':20}{'distance from 1 - x':>21}{'distance from x after the way back':>37}")
for name, (out, returned, *_) in found.items():
    print(f"{name:20}{np.abs(out - (1 - digits)).mean():21.3f}{np.abs(returned - digits).mean():37.3f}")
show(
    {"input": digits}
    | {
        f"{name}{part}": images
        for name, (out, returned, *_) in found.items()
        for part, images in ((", there", out), (", back", returned))
    }
)

# %% [markdown]
# With the cycle the outputs are close to the inverted inputs, and so are the ways back to the inputs. Without it the outputs
# look like inverted digits too, but they are at about twice the distance: strokes are added, moved or left out, and the way
# back does not restore them.
#
# ## 5. What the cycle cannot know: hidden signals
#
# Now `a` are grey digits and `b` coloured ones, without pairs. After the way from colour to grey, the colours are gone, and no
# way back can know them; with one answer for all, the error is at least about 0.1 (section 2). Unless the grey image *hides*
# the colours in small differences that nobody sees (Chu et al., 2017, [arXiv:1712.02950](https://arxiv.org/abs/1712.02950)):
# the cycle loss rewards that. A signal that cannot be seen does not survive a little noise. So we compare the error of the way
# there and back with that of the same way with noise on the grey image ($\sigma = 0.02$): their ratio is `hiding`'s.
#
# To see what the measure does, we build a hider by hand. It writes the six colour values of an image, divided by 100, into
# six pixels of the left edge, and reads them on the way back.

# %%
painted = data.load("unpaired:coloured:digits")
coloured = unit(painted.test["b"].x)


def hide(images):
    """The grey image, and the smallest and largest value of each channel, divided by 100, in pixels of its left edge."""
    grey, ends = shape_of(images), np.concatenate([images.min((1, 2)), images.max((1, 2))], axis=1)
    grey[:, 1:7, 0, 0] = ends / 100  # the left edge, which is black
    return grey


def reveal(grey):
    """The image in the colours that are read from these pixels."""
    ends = grey[:, 1:7, 0, 0] * 100
    low, high = ends[:, None, None, :3], ends[:, None, None, 3:]
    return np.clip(low + (high - low) * grey, 0, 1)


_, _, there, back = both_ways(painted, CYCLE, unit(painted.test["a"].x))
ways = {"by hand": (hide, reveal), "CycleGAN": (lambda x: np.asarray(back(x)), lambda x: np.asarray(there(x)))}
print(f"{'':12}{'grey, distance from the shape':>31}{'there and back':>16}{'with noise':>12}{'ratio':>8}")
for name, (to_grey, to_colour) in ways.items():
    grey = to_grey(coloured)
    signal = hiding.hiding(coloured, grey, to_colour)
    distance = np.abs(grey - shape_of(coloured)).mean()
    print(f"{name:12}{distance:31.3f}{signal.exact:16.3f}{signal.noisy:12.3f}{signal.ratio:8.1f}")
grey = ways["CycleGAN"][0](coloured)
show(
    {
        "coloured": coloured,
        "grey, by hand": hide(coloured),
        "back": reveal(hide(coloured)),
        "grey, CycleGAN": grey,
        "back ": there(grey),
    }
)

# %% [markdown]
# The hider's grey images look like any other, its way back is nearly perfect, and noise ruins it: a ratio far above 1. The
# CycleGAN has not found such a trick in its 2,500 steps. Its ratio is 1, its error is the one of not knowing the colours, and
# it gives all digits the same colours: a generator without noise has one answer for each input, and the discriminator, which
# sees one image at a time, does not object.
#
# A low cycle error alone therefore says nothing: it is as low for a hider as for a perfect translation. A run of `python -m
# jgan.train cyclegan` reports the ratio at its end. `python -m jgan.train pix2pix_fashion_mnist` and `cyclegan_mnist` train
# the two on larger images; `--dataset domains --data-dir FOLDER` takes two sets of your own.
