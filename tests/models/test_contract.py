"""The contract of `jgan.types.GAN`, held against every preset of every model, its networks made small.

A new model is tested here as soon as it is registered; if its options have sizes of other names, `LARGEST` learns them. Most of
the time goes into compilation, so a model's steps are one program, little optimised, which alike presets share.
"""

import dataclasses
import functools
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import GAN, Batch, DataSpec, GANState, data, models, parallel

PRESETS = models.presets()
SHAPES = {"pattern1010": (1, 4, 1), "cifar10": (14, 14, 3), "ring8": (2,), "grid25": (2,), "gaussian1d": (1,), "origin": (1,)}
UNITS = ("latent_size", "g_units", "d_units", "under_units", "g_channels", "d_channels", "g_sparse")
LARGEST = dict.fromkeys(UNITS, 6) | {"d_kernels": 3, "d_paddings": 1, "d_pools": 2}
BATCH, KEY, SEEDS = 4, jax.random.key(0), jax.random.split(jax.random.key(1))

each_preset = pytest.mark.parametrize("name", PRESETS)
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def shrunk(config, **options):
    """The configuration with small layers, a discriminator with opinions, and options where it has them."""
    options = {"d_irange": 0.3, "n_critic": 1, **options} | ({"ema_decay": 0.9} if getattr(config, "ema_decay", 0) else {})
    small = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in LARGEST:
            most = LARGEST[field.name]
            small[field.name] = tuple(min(n, most) for n in value) if isinstance(value, tuple) else min(value, most)
        elif field.name in options:
            small[field.name] = options[field.name]
    return dataclasses.replace(config, **small)


def shape_of(name):
    return SHAPES.get(PRESETS[name].dataset, (8, 8, 1))


def in_turn(name):
    return getattr(PRESETS[name].model, "schedule", "alternating") == "alternating"


def of_two_numbers(name):
    return PRESETS[name].display == "trajectory"


def promotion(name):
    """Optax's Adam mixes an int32 count with Python floats."""
    return jax.numpy_dtype_promotion("standard" if getattr(PRESETS[name].model, "optimizer", "") == "adam" else "strict")


def gan_of(name, **options):
    spec = DataSpec(shape_of(name), steps_per_epoch=2, mean=np.full(shape_of(name), 0.3, np.float32))
    return models.make(shrunk(PRESETS[name].model, **options), spec)


class Played(NamedTuple):
    """A model, its compiled initialisation, the first state, the compiled program of all steps, and what it makes of that.

    `after` has `d_step`, `g_step`, `step`, and, of a model trained in turn, `d_step_then_g_step`: each a state and its metrics.
    """

    gan: GAN
    batch: Batch
    init: Any
    program: Any
    traces: list
    state: GANState
    after: dict[str, tuple]


def by_configuration(function):
    """Caches a function of a preset's name by what the preset shrinks to, which several presets may share."""
    cache = {}

    def cached(name):
        key = shrunk(PRESETS[name].model), shape_of(name)
        if key not in cache:
            cache[key] = function(name)
        return cache[key]

    return cached


@by_configuration
def played(name):
    gan, batch = gan_of(name), Batch(jnp.asarray(np.random.default_rng(0).random((BATCH, *shape_of(name)), np.float32)))
    traces = []

    @jax.jit
    def program(state, batch):
        traces.append(state)
        after = {update: getattr(gan, update)(KEY, state, batch) for update in ("d_step", "g_step", "step")}
        if in_turn(name):
            after_d, d_metrics = after["d_step"]
            last, g_metrics = gan.g_step(KEY, after_d, batch)
            after["d_step_then_g_step"] = last, d_metrics | g_metrics
        return after

    init = jax.jit(gan.init)
    with promotion(name):
        return Played(gan, batch, init, program, traces, init(SEEDS[0]), program(init(SEEDS[0]), batch))


@by_configuration
def after_a_step_together(name):
    """The states and metrics of a population of two."""
    gan, batch, init, *_ = played(name)
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(init, SEEDS))
    with promotion(name):
        return jit(parallel.vmap(gan.step))(jnp.stack([KEY, KEY]), states, batch)


def assert_identical(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path), strict=True)


def assert_close(found, expected, tolerance=1e-5):
    """Equal but for the order in which XLA adds: relative to the largest number of each array."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), jax.tree_util.keystr(path)
        scale = max(np.abs(b).max(), 1e-3)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=jax.tree_util.keystr(path))


def changed(before, after):
    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


@each_preset
def test_a_preset_says_what_it_is_and_survives_json(name):
    preset = PRESETS[name]
    assert 0 < len(preset.description) <= 110
    assert "\n" not in preset.description
    assert preset.dataset in data.SOURCES
    assert preset.batch_size >= 1
    assert preset.steps >= 1
    assert models.from_dict(json.loads(json.dumps(models.to_dict(preset.model)))) == preset.model


@each_preset
def test_the_initial_state_follows_from_its_key(name):
    _, _, init, _, _, state, _ = played(name)
    assert_identical(init(SEEDS[0]), state)
    for player in ("generator", "discriminator"):
        another = changed(getattr(init(SEEDS[1]), player).params, getattr(state, player).params)
        assert another != of_two_numbers(name)  # those begin where they are told
    assert state.step == 0
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) < 50_000, "the networks of this suite are small: see LARGEST"


@each_preset
def test_the_state_is_arrays_alone_and_keeps_its_form(name):
    """A step gives back what it was given: tree, shapes, dtypes, and no weak types, so that nothing compiles twice."""
    *_, state, after = played(name)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state))
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))
    form = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)  # noqa: E731
    for new, metrics in after.values():
        assert form(new) == form(state)
        assert all(value.shape == () and value.dtype == jnp.float32 for value in metrics.values())


@each_preset
def test_each_update_leaves_the_other_player_alone(name):
    state, after = played(name)[-2:]
    after_d, metrics = after["d_step"]
    assert_identical(after_d.generator, state.generator)
    assert changed(after_d.discriminator.params, state.discriminator.params)
    assert after_d.step == state.step
    accuracies = set() if name == "bilinear" else {"d_real_accuracy", "d_fake_accuracy"}
    assert {"d_loss"} | accuracies <= metrics.keys()
    after_g, metrics = after["g_step"]
    assert_identical(after_g.discriminator, state.discriminator)
    assert changed(after_g.generator.params, state.generator.params)
    assert after_g.step == state.step + 1
    assert "g_loss" in metrics


@each_preset
def test_a_step_is_the_two_updates_in_turn_or_at_once(name):
    after = played(name).after
    state, metrics = after["step"]
    if in_turn(name):
        assert_close((state, metrics), after["d_step_then_g_step"])
    else:
        assert_close(state.discriminator, after["d_step"][0].discriminator)
        assert_close(state.generator, after["g_step"][0].generator)
        assert_close(metrics, after["d_step"][1] | after["g_step"][1])


@each_preset
def test_many_steps_compile_once_and_stay_finite(name):
    _, batch, _, program, traces, state, _ = played(name)
    for count in range(1, 6):
        with promotion(name):  # what a program was compiled under is part of its name
            state, metrics = program(state, batch)["step"]
        assert state.step == count
        assert all(np.isfinite(value) for value in metrics.values())
    assert len(traces) == 1
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


@each_preset
def test_the_state_survives_its_leaves(name):
    """What a checkpoint does: to NumPy and back, and on."""
    _, batch, _, program, _, state, after = played(name)
    leaves, form = jax.tree.flatten(state)
    revived = jax.tree.unflatten(form, [jnp.asarray(np.asarray(leaf)) for leaf in leaves])
    with promotion(name):
        assert_identical(program(revived, batch), after)


@each_preset
def test_a_population_is_its_members(name):
    _, batch, init, program, *_ = played(name)
    together = after_a_step_together(name)
    for index, seed in enumerate(SEEDS):
        # Products over a population are summed in another order.
        member = jax.tree.map(lambda leaf, index=index: leaf[index], together)
        with promotion(name):
            assert_close(member, program(init(seed), batch)["step"], 1e-4)


@each_preset
def test_samples_are_pictures_or_points(name):
    gan, batch, *_, after = played(name)
    for images in jit(lambda state: [gan.sample(KEY, state, 3, averaged=a) for a in (False, True)])(after["step"][0]):
        assert (images.shape, images.dtype) == ((3, *batch.x.shape[1:]), jnp.float32)
        assert np.isfinite(images).all()
        if PRESETS[name].display == "images":
            assert images.min() >= 0
            assert images.max() <= 1
        assert changed(images[0], images[1]) != of_two_numbers(name)


@each_preset
def test_bfloat16_is_for_the_arithmetic_alone(name):
    if not hasattr(PRESETS[name].model, "dtype"):
        pytest.skip("float32 only")
    _, batch, *_, state, after = played(name)
    types = lambda tree: jax.tree.map(lambda leaf: leaf.dtype, tree)  # noqa: E731
    assert types(jax.eval_shape(gan_of(name, dtype="bfloat16").step, KEY, state, batch)) == types(after["step"])


@pytest.mark.parametrize("name", ["digits", "cifar10_conv"])
def test_in_bfloat16_the_losses_are_those_of_float32_but_for_its_8_bits(name):
    _, batch, *_, state, after = played(name)
    gan = gan_of(name, dtype="bfloat16")
    losses = jax.jit(lambda s, b: gan.d_step(KEY, s, b)[1] | gan.g_step(KEY, s, b)[1])(state, batch)
    for loss in ("d_loss", "g_loss"):
        expected = float(after["step"][1][loss])
        assert losses[loss] != expected
        assert losses[loss] == pytest.approx(expected, rel=0.02)
