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
# # Growing resolution, and style
#
# Two ideas made GANs of large images possible. ProGAN (Karras et al., 2018, [arXiv:1710.10196](https://arxiv.org/abs/1710.10196))
# trains small images first and adds resolution later. StyleGAN (2019, 2020, [arXiv:1912.04958](https://arxiv.org/abs/1912.04958))
# gives each layer a *style* instead of giving the latents to the first layer alone. This notebook takes their parts one by
# one, measures what each does, and trains both on 8x8 digits. It runs in about three minutes on two CPU cores, without network
# access.
#
# 1. A resolution that fades in
# 2. Layers that all learn at the same speed
# 3. Growing beside full resolution from the start
# 4. A style for each layer
# 5. Mixing styles
# 6. Truncation
# 7. Straight lines in Z and in W

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from jgan import Batch, DataSpec, data, latents, networks, optim, parallel, phases, plots
from jgan.data import resident
from jgan.evaluation.extract import extract
from jgan.features import classifier
from jgan.metrics import frechet, prdc
from jgan.models import options, progan, stylegan2
from jgan.networks.modulated import modulated_conv
from jgan.training import costs

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True})

KEY = jax.random.key(0)
digits = data.load("digits")
TRAIN, EXTRACTOR = Batch(jnp.asarray(digits.train.x)), classifier.load()
REAL = extract(EXTRACTOR, digits.train.x).features


def measures(images):
    """FID and coverage, in the features of the classifier that comes with the package."""
    features = extract(EXTRACTOR, plots.to_uint8(images)).features
    return frechet.fid(REAL, features).fid, prdc.prdc(REAL, features).coverage


def show(pictures, columns, side=2.4):
    """Draws pictures side by side, by their titles, each `side` inches wide."""
    height, width = next(iter(pictures.values())).shape[:2]
    _, axes = plt.subplots(1, columns, figsize=(side * columns, side * height / width + 0.3), squeeze=False)
    for axis, (title, picture) in zip(axes.ravel(), pictures.items(), strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axis.set(title=title, xticks=[], yticks=[])
        axis.title.set_fontsize(9)
    plt.show()


# %% [markdown]
# ## 1. A resolution that fades in
#
# All layers exist from the start, and a phase uses those of the lower resolutions. When a resolution is added, its new layers
# are random. Switching to them at once would destroy what the networks have learnt, so for some time the image is a mixture,
#
# $$x = \alpha\, x_{\text{new}} + (1 - \alpha)\, \text{enlarged}(x_{\text{old}}),$$
#
# and $\alpha$ goes from 0 to 1. The discriminator fades in its new layers in the same way, and sees real images that are
# blended likewise: otherwise it could tell them from the fakes by their sharpness. Here are the phases for images of 28x28
# pixels, and 8x8 digits as the discriminator sees them while 8x8 fades in after 4x4.

# %%
spec = DataSpec.images((28, 28, 1), steps_per_epoch=600, batch_size=100)
for phase in progan.make(progan.Config(), spec):
    print(f"{phase.name:16} {'to the end' if phase.steps is None else f'{phase.steps:,} steps'}")

some = jnp.asarray(digits.train.x[:16], jnp.float32) / 255
shares = (0.0, 0.25, 0.5, 0.75, 1.0)
blended = {f"alpha = {share}": plots.grid(progan.blended(some, jnp.float32(share), 1), columns=4)[..., 0] for share in shares}
show(blended, 5)


# %% [markdown]
# ## 2. Layers that all learn at the same speed
#
# Adam's steps do not depend on the size of a gradient: in its first step every weight moves by the learning rate. Weights that
# are drawn with the variance $2 / n$, $n$ being the inputs of a unit, are smaller in wide layers, so the same step changes wide
# layers more. ProGAN draws all weights from $N(0, 1)$ and multiplies them by $\sqrt{2 / n}$ in the forward pass: the *equalised
# learning rate*. The table shows by how much the first step of Adam, with a rate of 0.001, changes a layer's weights,
# $\lVert \Delta w \rVert / \lVert w \rVert$.


# %%
def change(layer, inputs):
    """The relative change of a layer's kernel in the first step of Adam, on a regression to noise."""
    x, target = jax.random.normal(KEY, (64, inputs)), jax.random.normal(jax.random.key(1), (64, 32))
    params = layer.init(KEY, x)["params"]
    gradient = jax.grad(lambda params: jnp.mean((layer.apply({"params": params}, x) - target) ** 2))(params)
    optimizer = optax.adam(1e-3)
    updates, _ = optimizer.update(gradient, optimizer.init(params))
    return float(jnp.linalg.norm(updates["kernel"]) / jnp.linalg.norm(params["kernel"]))


he = jax.nn.initializers.he_normal()
print(f"{'inputs':>8}{'variance 2/n':>16}{'0.001 / sqrt(2/n)':>20}{'equalised':>12}")
for inputs in (16, 64, 256, 1024, 4096):
    plain = change(nn.Dense(32, kernel_init=he), inputs)
    print(f"{inputs:8}{plain:16.2%}{1e-3 / np.sqrt(2 / inputs):20.2%}{change(networks.EqualisedDense(32), inputs):12.2%}")

# %% [markdown]
# ## 3. Growing beside full resolution from the start
#
# Growing is meant to save time, since steps on small images cost less, and to make training stable. We train ProGAN's networks
# twice with the same number of floating-point operations and otherwise equal options, for three seeds: once growing from 4x4 to
# 8x8 over three phases, once at 8x8 from (almost) the start. We measure FID and coverage in the features of the classifier that
# comes with the package.

# %%
BATCH, SEEDS, IMAGES = 16, 3, 12_000  # real images in each of the first two phases; the last phase has as many
SPEC = data.spec(digits, BATCH)
ADAM = options.Optimizer("adam", learning_rate=5e-3, b1=0.0, b2=0.99)
GROWING = progan.Config(latent_size=64, fmap_base=1024, fmap_max=32, stable_images=IMAGES, fade_images=IMAGES, optimizer=ADAM)
FULL = dataclasses.replace(GROWING, stable_images=1, fade_images=1)


def lengths(config, budget):
    """The steps of each phase, so that all together cost the budget."""
    plan, key = progan.make(config, SPEC), jax.eval_shape(lambda: jax.random.key(0))
    batch = Batch(jax.ShapeDtypeStruct((BATCH, 8, 8, 1), jnp.float32))
    cost = [costs.flop(phase.gan.step, key, jax.eval_shape(phase.gan.init, key), batch) for phase in plan]
    before = sum(phase.steps * each for phase, each in zip(plan, cost, strict=False) if phase.steps)
    steps = [phase.steps or int((budget - before) / cost[-1]) for phase in plan]
    return plan, steps, cost


def trained(plan, steps):
    """Samples of the generator of each seed, trained through the phases."""
    programs = [parallel.jit(resident.on_resident_data(phase.gan.step, BATCH)) for phase in plan]
    sample = jax.jit(lambda state: plan[-1].gan.sample(KEY, state, len(REAL)))
    found = []
    for seed in range(SEEDS):
        state = None
        for index, length in enumerate(steps):
            state = phases.enter(plan, index, jax.random.key(seed), state)
            key = phases.step_key(jax.random.key(100 + seed), index)
            for _ in range(length):
                state, _ = programs[index](key, state, TRAIN)
        found.append(np.asarray(sample(state)))
    return found


_, _, cost = lengths(GROWING, 1e15)
BUDGET = sum(length * each for length, each in zip([IMAGES // BATCH] * 3, cost, strict=True))
print(f"cost of a step at 4x4, fading in, and at 8x8: {', '.join(f'{each / cost[-1]:.2f}' for each in cost)} of the last")
results = {}
for name, config in {"growing": GROWING, "full resolution": FULL}.items():
    plan, steps, _ = lengths(config, BUDGET)
    results[name] = trained(plan, steps)
    rows = np.array([measures(images) for images in results[name]])
    fid, coverage = (f"{mean:.2f} +- {std:.2f}" for mean, std in zip(rows.mean(axis=0), rows.std(axis=0, ddof=1), strict=True))
    print(f"{name:16} steps {' + '.join(map(str, steps)):18} FID {fid:16} coverage {coverage}")

# %%
pictures = {"training images": digits.train.x} | {name: found[0] for name, found in results.items()}
show({name: plots.grid(images[:64], columns=8)[..., 0] for name, images in pictures.items()}, 3, side=3.6)

# %% [markdown]
# A step at 4x4 costs a tenth of one at 8x8, and a step of the fade-in as much as one at 8x8, since all layers are in use. So
# the 750 steps at 4x4 buy only 76 more steps of full resolution, and the results differ by less than their spread: at this size
# growing brings nothing that three seeds could show. The paper's gain, two to six times less time, is at sides of 128 to 1024,
# where the first phases cost next to nothing. Later networks (StyleGAN2, with its images of all levels that are summed) reach
# such sizes without growing.
#
# ## 4. A style for each layer
#
# In StyleGAN2 a network of linear layers maps the latents $z$ to a style $w$. The image begins as a constant that is learnt,
# and each convolution is *modulated*: an affine map of $w$ gives a factor $s_i$ for each of its input channels, by which the
# kernel is scaled. That would also change the size of the outputs, so each output channel is divided by the norm of its scaled
# kernel (*demodulation*):
#
# $$w'_{io} = \frac{s_i\, w_{io}}{\sqrt{\sum_{i,k} (s_i\, w_{io})^2 + \epsilon}}.$$
#
# So a style says how much each channel counts, relative to the others, and nothing about the size of all. We pass random images
# through random kernels with styles of several sizes.

# %%
x, kernel = jax.random.normal(KEY, (64, 8, 8, 32)), jax.random.normal(jax.random.key(1), (3, 3, 32, 32))
factors = jnp.exp(jax.random.normal(jax.random.key(2), (64, 32)))  # the relations between the channels
print(f"{'size of the style':>18}{'std, modulated':>17}{'std, demodulated':>19}")
for scale in (0.01, 1.0, 100.0):
    stds = [modulated_conv(x, kernel, scale * factors, demodulate=way)[:, 1:-1, 1:-1].std() for way in (False, True)]
    print(f"{scale:18}{stds[0]:17.2f}{stds[1]:19.2f}")
bright = factors.at[:, 0].set(1000.0)  # nearly all of the output comes from channel 0
alone = modulated_conv(x[..., :1], kernel[:, :, :1], factors[:, :1])
share = jnp.abs(modulated_conv(x, kernel, bright) - alone).mean() / jnp.abs(alone).mean()
print(f"\na style that is large for channel 0 alone: the output differs from that of channel 0 alone by {share:.1%}")

# %% [markdown]
# We train a small StyleGAN2 on the digits: 32 channels, two mapping layers, R1, no path length regularisation. In nine of ten
# samples during training, the styles come from two latents, one for the layers up to a random one and one for the rest
# (`mixing`). That keeps the layers from relying on each other's styles.

# %%
STYLE = stylegan2.Config(
    latent_size=64,
    style_size=64,
    mapping_layers=2,
    channel_base=1024,
    channel_max=32,
    group=4,
    r1=1.0,
    path_length=0.0,
    optimizer=dataclasses.replace(ADAM, learning_rate=1e-2),
    ema=options.EMA(half_life=5_000, statistics="latest"),
)
gan = stylegan2.make(STYLE, data.spec(digits, 32))
program = parallel.jit(resident.on_resident_data(gan.step, 32))
state = gan.init(KEY)
for _ in range(4_000):
    state, _ = program(jax.random.key(1), state, TRAIN)

generator = stylegan2.generator_of(STYLE, SPEC)
params, averages = optim.ema_weights(state.generator)
variables = {"params": params, **averages}


@jax.jit
def styles(z):
    """The style of each layer, `[n, layers, 64]`, the same for all."""
    return generator.apply(variables, z, method="styles")


@jax.jit
def images(ws):
    """Images of the styles of each layer, in [0, 1]."""
    return (generator.apply(variables, ws, method="images") + 1) / 2


z = jax.random.normal(jax.random.key(5), (len(REAL), 64))
fid, coverage = measures(images(styles(z)))
print(f"StyleGAN2: {state.step:,} steps, FID {fid:.2f}, coverage {coverage:.2f}")
show({"StyleGAN2": plots.grid(images(styles(z[:64])), columns=8)[..., 0]}, 1, side=3.6)

# %% [markdown]
# ## 5. Mixing styles
#
# An image of 8x8 pixels has four styles: of the convolution at 4x4, of the convolution that doubles the sides (with the image
# of 4x4), of the second convolution at 8x8, and of the image of 8x8. We give the first ones the styles of one latent and the
# others those of another. In the picture the rows have the style of the first convolution in common, the columns the rest.
# The table says how often the classifier finds the class of either image, for 1,000 pairs whose classes differ.


# %%
def crossed(first, second, layers):
    """Styles of the first latent for some layers from the bottom, of the second for the others."""
    return jnp.concatenate([first[:, :layers], second[:, layers:]], axis=1)


def named(ws):
    """The class that the classifier finds in each image."""
    return np.asarray(extract(EXTRACTOR, plots.to_uint8(images(ws))).logits).argmax(axis=1)


rows, columns = styles(z[10:17]), styles(z[20:28])
table = [jnp.zeros((1, 8, 8, 1)), images(columns)]
for row in rows:
    repeated = jnp.repeat(row[None], len(columns), axis=0)
    table += [images(row[None]), images(crossed(repeated, columns, 1))]
show({"rows: style of 4x4; columns: the other styles": plots.grid(jnp.concatenate(table), columns=9)[..., 0]}, 1, side=4)

one, two = (styles(jax.random.normal(jax.random.key(seed), (3000, 64))) for seed in (6, 7))
differ = np.flatnonzero(named(one) != named(two))[:1000]
one, two = one[differ], two[differ]
print(f"{'styles of the first':>20}{'class of the first':>20}{'of the second':>15}{'another':>9}")
for layers in range(5):
    found = named(crossed(one, two, layers))
    shares = (found == named(one)).mean(), (found == named(two)).mean()
    print(f"{layers:20}{shares[0]:20.1%}{shares[1]:15.1%}{1 - sum(shares):9.1%}")

# %% [markdown]
# The style of the first convolution and that of the doubling one decide most classes; the style of the last image decides next
# to nothing. In the picture, mixed images are often no digits, but have strokes of both.
#
# ## 6. Truncation
#
# Styles far from the average belong to rare images, which the generator has seldom practised. The *truncation trick* pulls them
# towards the average, $\bar w + \psi (w - \bar w)$: samples get more typical and less varied. Precision is the share of samples
# that lie among real images, recall the share of real images that lie among samples.

# %%
average, pictures = averages["averages"]["w"], {}
print(f"{'psi':>6}{'precision':>11}{'recall':>9}{'coverage':>10}{'FID':>8}")
for psi in (0.0, 0.4, 0.7, 1.0, 1.3):
    drawn = images(average + psi * (styles(z) - average))
    features = extract(EXTRACTOR, plots.to_uint8(drawn)).features
    near = prdc.prdc(REAL, features)
    print(f"{psi:6}{near.precision:11.2f}{near.recall:9.2f}{near.coverage:10.2f}{frechet.fid(REAL, features).fid:8.1f}")
    pictures[f"psi = {psi}"] = plots.grid(drawn[:25], columns=5)[..., 0]
show(pictures, 5)

# %% [markdown]
# With $\psi = 0$ all samples are one image, which lies among real digits: a precision of 1. Towards 0.4 recall and coverage
# fall, and FID rises; the samples become alike, and precision hardly rises above that at 1. So truncation has nothing to remove
# here, with a generator whose rare samples are as good as the others. Beyond 1, precision and coverage fall.
#
# ## 7. Straight lines in Z and in W
#
# The latents $z$ come from a fixed distribution, so a part of $z$ must be bent to leave out combinations that do not occur in
# the data. The styles $w$ need not follow any distribution, and the mapping network can unbend them. Then equal steps in $w$
# should change the image by more equal amounts. The *perceptual path length* measures it: the squared distance of two images
# that are a small step $\epsilon$ apart, divided by $\epsilon^2$, along lines between random endpoints. Here $\epsilon = 1/20$,
# and the distance is that in the features of the classifier. Lines in Z are arcs (`latents.interpolate`), since a straight line
# would leave the sphere on which Gaussian latents lie. "Unevenness" is the standard deviation of the distances along a line,
# divided by their mean.

# %%
STEPS = 21


def line(start, end, space):
    """Images on the lines between latents, `[n, STEPS, 8, 8, 1]`."""
    if space == "W":
        ws = latents.interpolate(styles(start)[:, 0], styles(end)[:, 0], STEPS)
        ws = jnp.repeat(ws[:, :, None], generator.layers, axis=2)
    else:
        ws = styles(latents.interpolate(start, end, STEPS, path="spherical").reshape(-1, 64))
    return images(ws.reshape(-1, generator.layers, 64)).reshape(len(start), STEPS, 8, 8, 1)


lines = {space: line(z[:500], z[500:1000], space) for space in ("Z", "W")}
for space, found in lines.items():
    features = np.asarray(extract(EXTRACTOR, plots.to_uint8(found.reshape(-1, 8, 8, 1))).features).reshape(500, STEPS, -1)
    moved = np.sum(np.square(np.diff(features, axis=1)), axis=-1) * (STEPS - 1) ** 2
    error = moved.mean(axis=1).std(ddof=1) / np.sqrt(len(moved))
    uneven = np.sqrt(moved).std(axis=1) / np.sqrt(moved).mean(axis=1)
    print(f"lines in {space}: path length {moved.mean():.0f} +- {error:.0f}, unevenness {uneven.mean():.3f}")
show(
    {
        f"lines in {space}": plots.grid(found[:5, ::2].reshape(-1, 8, 8, 1), columns=11)[..., 0]
        for space, found in lines.items()
    },
    2,
    side=5.5,
)

# %% [markdown]
# A line in W is about a quarter shorter than the line in Z between the same two images, and its steps are more even. Both
# ways lead from digit to digit mostly by way of digits. The path length regularisation of StyleGAN2, which was off here, would
# push the generator further in this direction: it asks that a step in W move the image by a fixed amount.
#
# All numbers of sections 4 to 7 are of one run. `python -m jgan.sample --workdir RUN --truncation 0.7` and `--interpolate`
# draw such pictures of a trained run; `python -m jgan.train progan_mnist` and `stylegan2_mnist` train the two on larger digits.
