"""The two-stage model of faces: how its layers begin, and how the generator grows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, DataSpec, Inputs, models, optim, phases
from jgan.models import gan2014_faces as faces
from jgan.models.options import EMA
from jgan.networks.layers import sparse_normal

SPEC = DataSpec.images((4, 4, 1), steps_per_epoch=2, mean=np.linspace(0.1, 0.9, 16).reshape(4, 4, 1))
CONFIG = faces.Config(
    latent_size=6, g_units=(8, 7), g_sparse=3, d_units=(4,), d_irange=0.1, under_units=(9, 6), pretrain_steps=2, ema=EMA(0.9)
)
BATCH = Batch(jnp.full((4, 4, 4, 1), 0.5))


@pytest.fixture(scope="module", name="stages")
def _stages():
    """The GANs of both phases."""
    return [phase.gan for phase in faces.make(CONFIG, SPEC)]


@pytest.fixture(scope="module", name="states")
def _states(stages):
    """Both phases before their first step; the average of the first differs from its parameters."""
    first, second = (jax.jit(gan.init)(jax.random.key(seed)) for seed, gan in enumerate(stages))
    average = first.generator.ema._replace(params=jax.tree.map(lambda leaf: leaf + 0.01, first.generator.params))
    return first._replace(generator=first.generator._replace(ema=average)), second


def test_the_authors_configurations():
    spec, config = DataSpec.images((48, 48, 1), 1000), models.presets()["faces48"].config
    (generator, discriminator), (grown, fresh) = (faces.networks(config, spec, grown=grown) for grown in (False, True))
    shapes = lambda network: {  # noqa: E731
        jax.tree_util.keystr(path): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(jax.eval_shape(network.init, jax.random.key(0))[0])
        if leaf.ndim == 2
    }
    assert list(shapes(generator).values()) == [(100, 8000), (8000, 8000), (8000, 2304)]
    assert sorted(shapes(discriminator).values()) == [(1200, 1), (1200, 6000), (2304, 6000)]
    assert shapes(discriminator) == shapes(fresh)
    under = {name: shape for name, shape in shapes(grown).items() if "under" in name}
    assert sorted(under.values()) == [(100, 8000), (8000, 100)]
    assert len(shapes(grown)) == len(under) + 3


def test_the_phases_of_the_presets():
    spec = DataSpec.images((48, 48, 1), 1000)
    both = models.phases(models.presets()["faces48"].config, spec)
    assert [(phase.name, phase.steps) for phase in both] == [("pretraining", 50_000), ("grown generator", None)]
    assert models.presets()["faces48"].steps == 72_000
    (alone,) = models.phases(models.presets()["faces48_pretrain"].config, spec)
    assert alone.enter is None
    (grown,) = faces.make(dataclasses.replace(CONFIG, pretrain_steps=0), SPEC)  # all layers start at random
    assert set(jax.eval_shape(grown.gan.init, jax.random.key(0)).generator.params) == {"under", "pretrained"}


def test_how_the_layers_begin(states):
    params = states[1].generator.params
    bias = lambda part, layer: np.asarray(params[part][layer]["affine"]["bias"])  # noqa: E731
    for part in ("under", "pretrained"):
        np.testing.assert_array_equal(bias(part, "hidden_0"), 0)
        np.testing.assert_array_equal(bias(part, "hidden_1"), -2)
    np.testing.assert_allclose(1 / (1 + np.exp(-bias("pretrained", "output"))), SPEC.mean.ravel(), rtol=1e-5)
    output = np.asarray(params["pretrained"]["output"]["affine"]["kernel"])
    np.testing.assert_array_equal((output != 0).sum(axis=0), 3)


def test_sparse_columns_are_spread_evenly_and_standard_normal():
    weights = np.asarray(sparse_normal(10)(jax.random.key(0), (40, 2000)))
    np.testing.assert_array_equal((weights != 0).sum(axis=0), 10)
    rows = (weights != 0).mean(axis=1)  # each input is chosen with probability 1/4, standard error .01
    assert np.abs(rows - 0.25).max() < 0.05
    values = weights[weights != 0]
    assert abs(values.mean()) < 0.03  # 20,000 values, standard error .007
    assert abs(values.std() - 1) < 0.03
    with pytest.raises(ValueError, match=r"found 100 of 40"):
        sparse_normal(100)(jax.random.key(0), (40, 3))


def test_a_grown_generator_is_the_average_of_the_old_one_above_the_new_layers(stages, states):
    """G2(z) = G1(sigmoid(W2 relu(W1 z) - 2)), in NumPy."""
    first, second = states
    grown = faces.grow(second, first)
    given = stages[1].inputs(jax.random.key(2), 3)
    under = jax.tree.map(np.asarray, grown.generator.params["under"])
    h = np.maximum(np.asarray(given.z) @ under["hidden_0"]["affine"]["kernel"], 0)
    h = 1 / (1 + np.exp(2 - h @ under["hidden_1"]["affine"]["kernel"]))
    expected = stages[0].generate(first, Inputs(jnp.asarray(h, jnp.float32)))
    for ema in (True, False):  # the new average begins at the same parameters
        np.testing.assert_allclose(stages[1].generate(grown, given, ema=ema), expected, rtol=1e-4, atol=1e-6)
    latest = stages[0].generate(first, Inputs(jnp.asarray(h, jnp.float32)), ema=False)
    assert np.abs(latest - expected).max() > 1e-3


def test_growing_changes_nothing_else(states):
    first, second = states
    grown = faces.grow(second, first)
    assert jax.tree.structure(grown) == jax.tree.structure(second)
    same = jax.tree.map(np.array_equal, grown, second)
    assert all(jax.tree.leaves((same.step, same.discriminator, same.generator.params["under"], same.generator.opt_state)))
    assert not all(jax.tree.leaves(same.generator.params["pretrained"]))
    assert grown.generator.ema.count == 0


@pytest.mark.slow
def test_entering_the_second_phase_is_to_grow_and_gives_no_buffer_away(stages, states):
    """The state of a step is donated: no two of its leaves, nor the first phase's, may be one buffer."""
    first = jax.tree.map(jnp.copy, states[0])
    made = faces.make(CONFIG, SPEC)
    entered = jax.jit(lambda key, before: phases.enter(made, 1, key, before))(jax.random.key(5), first)
    expected = faces.grow(jax.jit(stages[1].init)(phases.step_key(jax.random.key(5), 1)), first)
    jax.tree.map(np.testing.assert_array_equal, entered, expected)
    state, _ = jax.jit(stages[1].step, donate_argnums=1)(jax.random.key(0), entered, BATCH)
    assert np.isfinite(optim.ema_params(state.generator)["pretrained"]["output"]["affine"]["bias"]).all()
    assert np.isfinite(first.generator.params["output"]["affine"]["bias"]).all()


def test_all_kernels_stay_under_the_limit_in_training(states):
    state = states[1]
    gan = faces.make(dataclasses.replace(CONFIG, max_column_norm=0.3), SPEC)[-1].gan
    step = jax.jit(gan.step)
    for _ in range(2):
        state, _ = step(jax.random.key(0), state, BATCH)
    norms = [
        np.linalg.norm(leaf, axis=0).max()
        for player in (state.generator, state.discriminator)
        for path, leaf in jax.tree_util.tree_leaves_with_path(player.params)
        if path[-1].key == "kernel"
    ]
    assert len(norms) == 7
    assert max(norms) <= 0.3 * (1 + 1e-6)
    assert max(norms) > 0.29


def test_what_does_not_fit_is_refused(states):
    first, second = states
    with pytest.raises(ValueError, match=r"expected a subtree 'pretrained', found "):
        faces.grow(first, first)

    def with_params(params):
        return first._replace(generator=first.generator._replace(params=params, ema=()))

    wider = jax.tree.map(jnp.zeros_like, first.generator.params)
    wider["hidden_1"]["affine"]["bias"] = jnp.zeros(9)
    with pytest.raises(ValueError, match=r"\['hidden_1'\]\['affine'\]\['bias'\] of the shape \(7,\), found \(9,\)"):
        faces.grow(second, with_params(wider))
    deeper = first.generator.params | {"hidden_2": first.generator.params["hidden_1"]}
    with pytest.raises(ValueError, match=r"hidden_2.* of the shape None, found \(7,\)"):
        faces.grow(second, with_params(deeper))
    with pytest.raises(ValueError, match=r"g_biases must have one value, or one for each of the 2 layers, found 3"):
        faces.make(dataclasses.replace(CONFIG, g_biases=(0.0, 0.0, 0.0)), SPEC)
