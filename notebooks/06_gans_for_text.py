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
# # GANs for text, and why they are hard
#
# A generator of images is trained through its pixels: the discriminator's gradient says how each should change. A token cannot
# change a little. This notebook shows what that costs, on sequences whose exact likelihood is known. It runs in a few minutes
# on two CPU cores, without network access.
#
# 1. Data with a known likelihood
# 2. Two measures, since one of them rewards collapse
# 3. A gradient through a token: four estimators against the exact gradient
# 4. A GAN beside its own pre-training
# 5. What follows
#
# The experiment at its published size, over several seeds, is `python -m benchmarks.text_oracle`; on real text
# `python -m benchmarks.text_quality`.

# %%
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("jgan") is None:  # on Colab; a folder or an address of the repository will do instead of "jgan"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jgan"], check=True)

# %%
import contextlib
import functools
import io
import itertools
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from jgan import data, models
from jgan.data import oracle
from jgan.metrics import text
from jgan.models import language_model, relgan, seqgan
from jgan.models.options import Optimizer, Rule
from jgan.models.sequences import Generator
from jgan.networks import lstm, sequences
from jgan.training import train

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})

# %% [markdown]
# ## 1. Data with a known likelihood
#
# SeqGAN's authors drew their data from a random LSTM, the *oracle*. So the probability of any sequence under the distribution
# of the data can be computed, for samples of a model too. Here the oracle has 50 tokens and sequences of 8.
#
# `NLL_oracle` is the mean negative log-likelihood of samples under the oracle, in nats per token. Three anchors that need no
# model: uniform tokens, independent tokens with the frequencies of the data, and the data themselves.

# %%
NAME = "oracle:50:8"
DATASET = data.load(NAME)
TRUTH = DATASET.truth


def nll_oracle(tokens):
    return text.nll_oracle(TRUTH.log_probability, tokens).nats


anchors = {
    "uniform": np.random.default_rng(0).integers(50, size=(2000, 8)),
    "unigram": oracle.unigram(DATASET.train.x, 2000, seed=0),
    "data": DATASET.test.x,
}
for name, tokens in anchors.items():
    print(f"{name:8} {nll_oracle(tokens):.3f}")

# %% [markdown]
# ## 2. Two measures, since one of them rewards collapse
#
# A recurrent language model, trained by maximum likelihood, is the baseline. Divide its logits by a temperature below 1 and its
# samples become likelier, and fewer of them differ.

# %%
FOLDER = Path(tempfile.mkdtemp())


def trained(name, config, steps):
    """A trained run. Training prints its progress, which is left out here."""
    with contextlib.redirect_stdout(io.StringIO()):
        return train(
            name, config, dataset=NAME, steps=steps, workdir=FOLDER / name, eval_every=0, sample_every=0, eval_samples=500
        )


MLE_STEPS = 3000
mle = trained("language_model", language_model.Config(), MLE_STEPS)


@functools.partial(jax.jit, static_argnums=0)
def drawn(gan, state, temperature=1.0):
    return gan.generate(state, gan.inputs(jax.random.key(1), 2000), temperature=temperature)


def measured(found, temperature=1.0):
    """NLL_oracle of samples, NLL_gen of held-out data, and the share of samples that differ."""
    model = models.find(found.run.config.model)
    log_probability = model.tools(found.run.config.model, found.run.spec)["log_probability"]
    tokens = np.asarray(drawn(found.run.gan, found.state, temperature))
    under = functools.partial(log_probability, found.state.generator)
    distinct = len(np.unique(tokens, axis=0)) / len(tokens)
    return nll_oracle(tokens), text.nll_gen(under, DATASET.test.x).nats, distinct


TEMPERATURES = (1.5, 1.2, 1.0, 0.8, 0.6, 0.4, 0.2)
SWEEP = {temperature: measured(mle, temperature) for temperature in TEMPERATURES}
print("temperature  NLL_oracle  distinct")
for temperature, (quality, _, distinct) in SWEEP.items():
    print(f"{temperature:11}  {quality:10.3f}  {distinct:8.2f}")

# %% [markdown]
# Samples at a low temperature are *likelier than the data*: a model that writes the single most probable sequence over and over
# has the best `NLL_oracle` of all. So that figure alone proves nothing. The other direction is `NLL_gen`, the negative
# log-likelihood of held-out data under the model, which punishes what the model leaves out, and does not see bad samples. A
# model is better if one falls and the other does not rise.
#
# Many GANs for text have no likelihood, so that only samples can be compared. Then the fair comparison is with the whole curve
# of the baseline over temperatures (Caccia et al., 2018), not with one point of it.

# %% [markdown]
# ## 3. A gradient through a token: four estimators against the exact gradient
#
# A generator of 3 tokens out of 3 has 27 sequences, so that the gradient of the expected reward,
# $\nabla_\theta \sum_x p_\theta(x) R(x)$, can be computed exactly. Four estimators of it, with a fixed reward $R$ in place of a
# discriminator:
#
# - **Policy gradient**, $R(x) \nabla \log p(x)$ (REINFORCE): unbiased for any reward. The reward of a whole sequence is given
#   to each of its tokens.
# - **with rollouts**: each token has the mean reward of completions of its beginning, as in SeqGAN.
# - **with a baseline**: the mean reward of the other sequences at the same place is subtracted. The mean stays as it is, since
#   $E[\nabla \log p] = 0$.
# - **Gumbel-softmax**: each token is relaxed to a vector $\mathrm{softmax}(\beta(\mathrm{logits} + \mathrm{noise}))$, and the
#   gradient goes through it, as in RelGAN. It needs a reward that takes such vectors, and it is biased.

# %%
net = lstm.lstm(3, 3, embedding=2, hidden=3, stddev=1.0)
params = net.init(jax.random.key(0))
EVERYTHING = jnp.asarray(list(itertools.product(range(3), repeat=3)), jnp.int32)
REWARD = jax.random.uniform(jax.random.key(5), (3, 3, 3))
B = 64


def reward(tokens):
    return REWARD[tokens[:, 0], tokens[:, 1], tokens[:, 2]]


def expected_reward(params):
    probability = jnp.exp(jnp.sum(sequences.log_probabilities(net, params, EVERYTHING), axis=1))
    return jnp.sum(probability * reward(EVERYTHING))


def policy(key, rollouts=0, baseline=False):
    z = sequences.latent_keys(key, B)
    tokens = sequences.sampled(net, params, z)
    given = jnp.broadcast_to(reward(tokens)[:, None], tokens.shape)
    if rollouts:
        others = sequences.latent_keys(jax.random.fold_in(key, 1), B)
        given = seqgan.rewards(net, params, reward, others, tokens, rollouts)
    if baseline:
        given = seqgan.above_others(given)
    return jax.grad(lambda params: jnp.sum(sequences.log_probabilities(net, params, tokens) * given) / B)(params)


def relaxed(key, beta):
    def value(params):
        soft = sequences.relaxed(net, params, sequences.latent_keys(key, B), jnp.float32(beta))[1]
        return jnp.mean(jnp.einsum("bi,bj,bk,ijk->b", soft[:, 0], soft[:, 1], soft[:, 2], REWARD))

    return jax.grad(value)(params)


def flat(tree):
    return np.concatenate([np.asarray(leaf, np.float64).reshape(len(leaf), -1) for leaf in jax.tree.leaves(tree)], axis=1)


exact = flat(jax.tree.map(lambda leaf: leaf[None], jax.jit(jax.grad(expected_reward))(params)))[0]
ESTIMATORS = {
    "policy gradient": policy,
    "with rollouts": functools.partial(policy, rollouts=16),
    "with a baseline": functools.partial(policy, baseline=True),
    "rollouts and baseline": functools.partial(policy, rollouts=16, baseline=True),
    "Gumbel-softmax, beta 1": functools.partial(relaxed, beta=1.0),
    "Gumbel-softmax, beta 10": functools.partial(relaxed, beta=10.0),
}
KEYS = jax.random.split(jax.random.key(2), 1000)
NOISE = {}
print("of the exact gradient's norm      bias   noise of a batch of 64")
for name, estimator in ESTIMATORS.items():
    found = flat(jax.jit(functools.partial(jax.lax.map, estimator))(KEYS))
    bias = np.linalg.norm(found.mean(axis=0) - exact) / np.linalg.norm(exact)
    noise = np.sqrt(np.sum(found.var(axis=0))) / np.linalg.norm(exact)
    NOISE[name] = bias, noise
    print(f"{name:28} {bias:9.2f} {noise:9.2f}")

# %% [markdown]
# Means are over 1,000 batches, so that a bias of about a thirtieth of the noise is none. What a batch of 64 gives by the plain
# policy gradient is as much noise as gradient. The baseline costs nothing and halves the noise; rollouts help little where a
# sequence has 3 tokens. The relaxation at a low beta has little noise and a large bias; as beta grows, bias turns into noise.
#
# Here a sequence has 3 tokens and the reward is fixed. With 20 tokens of 5,000, and a reward that changes as the discriminator
# learns, the same estimators have far more to average. Hence the pre-training by maximum likelihood, from which SeqGAN, RelGAN
# and their like start; models that do without have other means, such as WGAN-GP's critic of distributions over characters.

# %% [markdown]
# ## 4. A GAN beside its own pre-training
#
# SeqGAN (policy gradient with rollouts and the baseline) and an LSTM with Gumbel-softmax start from the same likelihood phase
# as the language model, of the same length and seed: their first point is its point at temperature 1.

# %%
GAMES = {
    "SeqGAN": (
        "seqgan",
        seqgan.Config(
            pretrain_steps=MLE_STEPS,
            pretrain_learning_rate=1e-2,
            d_pretrain_steps=800,
            n_critic=5,
            baseline=True,
            optimizer=Optimizer("adam", learning_rate=1e-3, b1=0.9),
            d_widths=(1, 2, 3, 4),
            d_filters=(32, 32, 32, 32),
        ),
        200,
    ),
    "Gumbel LSTM": (
        "gumbel_gan",
        relgan.Config(
            Generator(),
            MLE_STEPS,
            beta_max=1.0,
            rule=Rule(n_critic=3),
            optimizer=Optimizer("adam", learning_rate=1e-4, b1=0.9),
            representations=4,
            d_filters=32,
        ),
        400,
    ),
}
PLAYED = {}
for name, (preset, config, steps) in GAMES.items():
    before = MLE_STEPS + getattr(config, "d_pretrain_steps", 0)  # the steps of a run are those of all its phases
    PLAYED[name] = trained(preset, config, before + steps)
POINTS = {"maximum likelihood": measured(mle)} | {name: measured(found) for name, found in PLAYED.items()}
print(f"{'':20} NLL_oracle  NLL_gen  distinct")
for name, (quality, held_out, distinct) in POINTS.items():
    print(f"{name:20} {quality:10.3f} {held_out:8.3f} {distinct:9.2f}")

# %%
figure, axis = plt.subplots(figsize=(6, 4))
quality, _, distinct = zip(*SWEEP.values(), strict=True)
axis.plot(distinct, quality, "o-", label="maximum likelihood, by temperature")
for temperature, (quality, _, distinct) in SWEEP.items():
    axis.annotate(f"{temperature:g}", (distinct, quality), textcoords="offset points", xytext=(6, 4), fontsize=8)
for name in PLAYED:
    axis.plot(POINTS[name][2], POINTS[name][0], "*", markersize=13, label=name)
axis.axhline(nll_oracle(DATASET.test.x), color="k", linewidth=1, linestyle=":", label="the data")
axis.set(xlabel="share of samples that differ (diversity)", ylabel="NLL_oracle (lower: likelier samples)")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## 5. What follows
#
# - SeqGAN's updates are unbiased and noisy: after 200 of them both measures are slightly better than those of its own
#   pre-training, which is progress, of a size that one seed does not prove. With the published rate of 0.01 for its generator
#   it got worse here.
# - Gumbel-softmax moves fast: its samples are much likelier under the oracle. But `NLL_gen` has risen and fewer samples differ:
#   it has gone along the curve of quality against diversity, and lies above it, where the language model at a lower
#   temperature is better in both respects. Judged by `NLL_oracle` alone it would have been a success.
# - So report both directions, or the whole curve of the baseline; several seeds; and the anchors. That is what
#   `python -m benchmarks.text_oracle` and `python -m benchmarks.text_quality` do.
# - What replaced these models for text are large language models: maximum likelihood, and rewards from people instead of a
#   discriminator. The policy gradient with a baseline is what remains of them there.
