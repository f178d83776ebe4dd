"""The contract of `jgan.types.GAN`, held by every phase of every preset of every model, its networks made small.

A model is tested here as soon as its file lies in `jgan/models`: its `small` and `small_spec` say how. Presets that shrink to
the same configuration, but for rates and weights, are one case.
"""

import dataclasses
import functools
import json
import re
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import GAN, Batch, DataSpec, Field, GANState, data, models, parallel, phases
from jgan.models import Model
from jgan.rng import stream_key

BATCH, KEY, SEEDS = 4, jax.random.key(0), jax.random.split(jax.random.key(1))


class Case(NamedTuple):
    """One phase of a small configuration."""

    model: str
    config: Any
    phase: int = 0


def form_of(config):
    """A configuration without its rates and weights: all numbers that are not whole, but for whether they are 0."""
    if isinstance(config, float):
        return bool(config)
    if dataclasses.is_dataclass(config):
        return tuple(form_of(getattr(config, field.name)) for field in dataclasses.fields(config))
    return config


def cases():
    """`{name of the first preset, phase: Case}`: every form of a small configuration once."""
    found, known = {}, set()
    for name, preset in models.presets().items():
        model = models.model_of(name)
        config = models.MODELS[model].small(preset.config)
        for phase in range(len(models.phases(config, models.MODELS[model].small_spec))):
            key = (model, form_of(config), phase)
            if key not in known:
                known.add(key)
                found[f"{name}-{phase}" if phase else name] = Case(model, config, phase)
    return found


CASES = cases()
FIRST = {next(iter(model.presets)) for model in models.MODELS.values()}
# Models that run always, one of each kind of game. Others run with the slow tests, so that a new one costs the suite nothing.
ALWAYS = {
    "bilinear",
    "cgan",
    "dcgan",
    "dirac",
    "gan2014",
    "gan2014_faces",
    "language_model",
    "mixture",
    "vae",
    "wgan_gp",
}
# Of each the first preset, and all phases. The tests of a case run in one process, which compiles its programs once.


def often(name, case):
    return (name in FIRST or case.phase > 0) and case.model in ALWAYS


COMPILED = [case for name, case in CASES.items() if name.removesuffix(f"-{case.phase}") in FIRST]
# Of each model the first preset, all phases. Of other presets nothing is compiled, only the shapes are followed: their models'
# own tests know what their options do, and their networks are compared with PyTorch's.

EACH = [
    pytest.param(case, id=name, marks=[pytest.mark.xdist_group(name), *([] if often(name, case) else [pytest.mark.slow])])
    for name, case in CASES.items()
    if case in COMPILED
]
each_case = pytest.mark.parametrize("case", EACH)
each_other_case = pytest.mark.parametrize(
    "case", [pytest.param(case, id=name, marks=pytest.mark.slow) for name, case in CASES.items() if case not in COMPILED]
)
UNTOLD = {"acgan", "wgan_gp", "srgan", "esrgan", "realesrgan"}
"""Models whose discriminator is not given the condition: it says what it is, or judges the image alone."""

each_preset = pytest.mark.parametrize("name", models.presets())
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


# ------------------------------------------------------------------------------------------------ data from their description


def arrays(fields, n, seed=0):
    """`[n, ...]` arrays for a tree of `Field`s."""
    generator = np.random.default_rng(seed)

    def one(field):
        if field.kind in ("label", "tokens"):
            return jnp.asarray(generator.integers(0, field.size, (n, *field.shape)), jnp.int32)
        draw = generator.random if field.kind == "image" else generator.normal
        return jnp.asarray(draw(size=(n, *field.shape)), jnp.float32)

    return jax.tree.map(one, fields, is_leaf=lambda node: isinstance(node, Field))


def spec_of(case):
    return models.MODELS[case.model].small_spec


def gan_of(case) -> GAN:
    return models.phases(case.config, spec_of(case))[case.phase].gan


def minibatches(case, n_critic):
    """The minibatch of one step, and the list of those of its critics."""
    several = [arrays(spec_of(case).example, BATCH, seed) for seed in range(n_critic)]
    return (several[0] if n_critic == 1 else jax.tree.map(lambda *leaves: jnp.stack(leaves), *several)), several


def given(condition, n, seed=0):
    """The keyword arguments of `sample` for a condition."""
    if condition == ():
        return {}
    kind = "labels" if getattr(condition, "kind", "") == "label" else "images"
    return {kind: jax.tree.map(np.asarray, arrays(condition, n, seed))}


# ------------------------------------------------------------------------------------------------------- the compiled model


class Played(NamedTuple):
    """A model, compiled; the state and the metrics after each of its steps."""

    gan: GAN
    batch: Any
    init: Any
    step: Any  # donates its state
    state: GANState
    after: dict[str, tuple]  # of `step`, and of the updates alone


@functools.cache
def played(case):
    gan = gan_of(case)
    batch, several = minibatches(case, gan.n_critic)

    def step(key, state, batch):
        return gan.step(key, state, batch)

    step.__name__ += next(name for name, other in CASES.items() if other == case)  # chex counts the traces by name

    init, compiled = jit(gan.init), jit(chex.assert_max_traces(step, n=1), donate_argnums=1)
    state, after = begun(case, gan, init, several)
    after["step"] = compiled(KEY, init(SEEDS[0]), batch)
    return Played(gan, batch, init, compiled, state, after)


def begun(case, gan, init, several):
    """The first state, and what each player's update makes of it, and what a step's do one after the other."""
    state = init(SEEDS[0])
    g_step, d_step = jit(gan.g_step), jit(gan.d_step)
    after = {"g_step": g_step(KEY, state, several[-1]), "d_step": d_step(KEY, state, several[-1])}
    expected = state
    for index, minibatch in enumerate(several):
        key = KEY if index == len(several) - 1 else stream_key(KEY, index)
        expected, d_metrics = d_step(key, expected, minibatch)
    g_key = stream_key(KEY, len(several) - 1) if draws_anew(case) else KEY
    expected, g_metrics = g_step(g_key, expected, several[-1])
    if not g_metrics:  # a phase of the discriminator alone: its steps are counted too, by `step`
        expected = expected._replace(step=expected.step + 1)
    return state, after | {"in turn": (expected, d_metrics | g_metrics)}


def rule_of(case):
    return getattr(getattr(case.config, "rule", None), "name", "alternating")


def draws_anew(case):
    """Whether the generator's update in a step has latents of its own."""
    return getattr(getattr(case.config, "rule", None), "fresh_latents", False)


def a_constant(state):
    """Whether the generator is one number, as in the games whose factors are known."""
    return sum(leaf.size for leaf in jax.tree.leaves(state.generator.params)) == 1


assert_identical = functools.partial(chex.assert_trees_all_equal, strict=True)


def assert_close(found, expected, tolerance=1e-5):
    """Equal but for the order in which XLA adds: relative to the largest number of each array."""
    chex.assert_trees_all_equal_shapes_and_dtypes(found, expected)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        scale = max(np.abs(b).max(), 1e-3)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=jax.tree_util.keystr(path))


def changed(before, after):
    return any(not np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


def form(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


# ------------------------------------------------------------------------------------------------------ models and presets


def test_no_two_models_have_presets_of_one_name():
    assert sum(len(model.presets) for model in models.MODELS.values()) == len(models.presets())


@each_preset
def test_a_preset_says_what_it_is_and_survives_json(name):
    preset = models.presets()[name]
    assert 0 < len(preset.description) <= 110
    assert "\n" not in preset.description
    # A derived set names what it is made from, and some sets their size, pipeline or options: `degraded:x4noise10:olivetti:64`.
    base, *rest = preset.dataset.split(":")
    options = r"|characters|cut|min2" if base == "lines" else ""
    options = re.compile(r"\d+|x\d+(noise\d+)?" + options)
    assert all(part in data.SOURCES for part in (base, *rest) if not options.fullmatch(part))
    assert preset.batch_size >= 1
    assert preset.steps >= 1
    assert models.find(preset.config) is models.MODELS[models.model_of(name)]
    assert models.from_dict(json.loads(json.dumps(models.to_dict(preset.config)))) == preset.config


@pytest.mark.parametrize("name", models.MODELS)
def test_data_of_another_kind_are_refused_before_anything_is_made(name):
    model = models.MODELS[name]
    model.accepts(model.small_spec)
    kinds = {field.kind for field in jax.tree.leaves(model.small_spec.example, is_leaf=lambda x: isinstance(x, Field))}
    others = {"points": DataSpec.points((7,), 10), "image": DataSpec.images((9, 7, 5), 10)}
    for kind in others.keys() - kinds:
        with pytest.raises(ValueError, match=r"this model is for .*: choose another --dataset"):
            models.make(model.small(next(iter(model.presets.values())).config), others[kind])


@pytest.mark.parametrize("name", models.MODELS)
def test_the_nearest_size_of_an_image_is_accepted_and_is_its_own(name):
    """A model that declares none accepts any size, or has the size of one set of images."""
    model = models.MODELS[name]
    if model.nearest is Model._field_defaults["nearest"]:
        pytest.skip("images keep their size")
    for asked in ((3, 3), (8, 8), (28, 28), (30, 44), (70, 33), (64, 85), (200, 513)):
        size = model.nearest(asked)
        spec = DataSpec.images((*size, 3), steps_per_epoch=2, n_classes=model.small_spec.n_classes)
        paired = model.small_spec.one.c != ()
        model.accepts(spec._replace(example=spec.example._replace(c=spec.example.x)) if paired else spec)
        assert model.nearest(size) == size


# ---------------------------------------------------------------------------------------------------------------- the steps


@each_case
def test_the_initial_state_follows_from_its_key_and_is_small(case):
    _, _, init, _, state, *_ = played(case)
    again, other = init(SEEDS[0]), init(SEEDS[1])
    assert_identical(again, state)
    for player in ("generator", "discriminator"):
        if not jax.tree.leaves(getattr(state, player).params):
            continue  # the other player of a model of one player
        # Players that are one number begin where they are told.
        assert changed(getattr(other, player).params, getattr(state, player).params) != a_constant(state)
    assert state.step == 0
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) < 100_000, "the networks of this suite are small: see Model.small"


@each_case
def test_a_step_gives_back_the_form_of_its_state(case):
    """Tree, shapes, dtypes, and no weak types, so that nothing compiles twice."""
    *_, state, after = played(case)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state))
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))
    for new, metrics in after.values():
        assert form(new) == form(state)
        assert all(value.shape == () and value.dtype == jnp.float32 for value in metrics.values())


@each_case
def test_each_update_leaves_the_other_player_alone(case):
    """A player that waits in a phase has no metrics and stays as it is; at least one of the two learns."""
    state, after = played(case).state, played(case).after
    learns = []
    for own, other in (("generator", "discriminator"), ("discriminator", "generator")):
        new, metrics = after[f"{own[0]}_step"]
        assert_identical(getattr(new, other), getattr(state, other))
        assert changed(getattr(state, own).params, getattr(new, own).params) == bool(metrics)
        assert int(new.step) == int(own == "generator" and bool(metrics))
        learns.append(bool(metrics))
    assert any(learns)
    assert after["step"][0].step == 1


@each_case
def test_a_step_is_the_two_updates_in_turn_or_at_once(case):
    after = played(case).after
    state, metrics = after["step"]
    if rule_of(case) in ("simultaneous", "optimistic"):
        assert_close(state.discriminator, after["d_step"][0].discriminator)
        assert_close(state.generator, after["g_step"][0].generator)
        assert_close(metrics, after["d_step"][1] | after["g_step"][1])
    elif rule_of(case) == "alternating":
        assert_close((state, metrics), after["in turn"])


@each_case
def test_many_steps_compile_once_stay_finite_and_go_on_from_a_checkpoint(case):
    """The state is donated to each step, so no two of its leaves are one buffer; to NumPy and back it goes on to the same."""
    _, batch, init, step, _, after = played(case)
    state = init(SEEDS[0])
    for count in range(1, 5):
        if count == 2:
            assert_identical(state, after["step"][0])
            state = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), state)
            kept = jax.tree.map(np.asarray, state)
        state, metrics = step(KEY, state, batch)
        assert state.step == count
        assert all(np.isfinite(value) for value in metrics.values())
    again = jax.tree.map(jnp.asarray, kept)
    for _ in range(2, 5):
        again, _ = step(KEY, again, batch)
    assert_identical(again, state)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


@pytest.mark.slow
@pytest.mark.parametrize("case", [param for param in EACH if not any(mark.name == "slow" for mark in param.marks)])
def test_a_population_is_its_members(case):
    gan, batch, init, step, *_ = played(case)
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(init, SEEDS))
    together = jit(parallel.vmap(gan.step))(jnp.stack([KEY, KEY]), states, batch)
    for index, seed in enumerate(SEEDS):
        # Products over a population are summed in another order.
        member = jax.tree.map(lambda leaf, index=index: leaf[index], together)
        assert_close(member, step(KEY, init(seed), batch), 1e-4)


@each_case
def test_a_population_has_the_form_of_its_members(case):
    gan, batch, *_, state, after = played(case)
    two = lambda tree: jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype), tree)  # noqa: E731
    together = jax.eval_shape(parallel.vmap(gan.step), two(KEY), two(state), batch)
    chex.assert_trees_all_equal_shapes_and_dtypes(together, two(after["step"]))


@each_other_case
def test_other_presets_keep_the_form_of_the_state(case):
    """In both dtypes, and their samples and logits have the shapes that they should; nothing is compiled."""
    gan = gan_of(case)
    batch, _ = minibatches(case, gan.n_critic)
    state = jax.eval_shape(gan.init, KEY)
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) < 100_000, "the networks of this suite are small: see Model.small"
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))
    for dtype in ("float32", "bfloat16") if hasattr(case.config, "dtype") else ("float32",):
        config = dataclasses.replace(case.config, dtype=dtype) if hasattr(case.config, "dtype") else case.config
        new, metrics = jax.eval_shape(gan_of(case._replace(config=config)).step, KEY, state, batch)
        assert form(new) == form(state)
        assert all(value.shape == () and value.dtype == jnp.float32 for value in metrics.values())
    c = arrays(gan.condition, 3)
    samples = jax.eval_shape(lambda key, state: gan.generate(state, gan.inputs(key, 3, c)), KEY, state)
    chex.assert_trees_all_equal_shapes_and_dtypes(samples, arrays(next(iter(spec_of(case).sets.values())).x, 3))
    if gan.logits is not None and gan.n_critic == 1 and isinstance(batch, Batch):
        assert jax.eval_shape(gan.logits, state, batch.x, arrays(gan.condition, BATCH)).shape[0] == BATCH


# ------------------------------------------------------------------------------------------------------------------ samples


@each_case
def test_samples_are_examples_and_depend_on_all_that_the_generator_is_given(case):
    gan, after = played(case).gan, played(case).after
    state = after["step"][0]
    kinds = {getattr(batch.x, "kind", "") for batch in spec_of(case).sets.values()}
    asked = ((KEY, False), (KEY, True), (SEEDS[1], True))
    latest, averaged, others = (gan.sample(key, state, 3, ema=ema, **given(gan.condition, 3)) for key, ema in asked)
    for leaf in jax.tree.leaves((latest, averaged)):
        assert leaf.shape[0] == 3
        assert np.isfinite(leaf).all()
        if kinds == {"image"}:
            assert leaf.dtype == jnp.float32
            assert leaf.min() >= 0
            assert leaf.max() <= 1
        if kinds == {"tokens"}:
            assert leaf.dtype == jnp.int32
            assert leaf.min() >= 0
            assert leaf.max() < spec_of(case).one.x.size
    if isinstance(spec_of(case).example, Batch):
        assert averaged.shape == (3, *spec_of(case).shape)
    assert changed(latest, averaged) == (state.generator.ema != ())
    if jax.tree.leaves(gan.inputs(KEY, 3).z) and not a_constant(state):
        assert changed(averaged, others)
    if gan.tempers:
        assert changed(averaged, gan.sample(KEY, state, 3, temperature=1e-3))
    else:
        with pytest.raises(ValueError, match=r"no temperature: leave it out, found 0\.5"):
            gan._replace(generate=None).sample(KEY, None, 3, temperature=0.5, **given(gan.condition, 3))
    if gan.condition != ():
        assert changed(averaged, gan.sample(KEY, state, 3, **given(gan.condition, 3, seed=1)))


@each_case
def test_a_condition_that_is_missing_unknown_or_out_of_range_is_refused_before_anything_is_compiled(case):
    gan = gan_of(case)
    generate = gan._replace(generate=None)  # what would compile
    if gan.condition == ():
        with pytest.raises(ValueError, match="this model is unconditional: leave labels out"):
            generate.sample(KEY, None, 2, labels=[0, 1])
        return
    with pytest.raises(ValueError, match="this model is conditioned on"):
        generate.sample(KEY, None, 2)
    if getattr(gan.condition, "kind", "") == "label":
        for wrong in (-1, gan.condition.size):
            with pytest.raises(ValueError, match=f"from 0 to {gan.condition.size - 1}, found {wrong}"):
                generate.sample(KEY, None, 2, labels=[0, wrong])
        with pytest.raises(ValueError, match=r"labels must be integers of the shape \(2,\)"):
            generate.sample(KEY, None, 2, labels=[0])


@each_case
def test_logits_are_one_an_example_and_see_its_condition(case):
    gan, batch, *_, state, _ = played(case)
    if gan.logits is None or not isinstance(spec_of(case).example, Batch) or gan.n_critic > 1:
        pytest.skip("no logits of one set of examples")
    c = arrays(gan.condition, BATCH, seed=1)
    found = gan.logits(state, batch.x, c)
    assert found.shape[0] == BATCH
    assert found.ndim in (1, 3)
    assert np.isfinite(found).all()
    if gan.condition != () and case.model not in UNTOLD:
        assert changed(found, gan.logits(state, batch.x, arrays(gan.condition, BATCH, seed=2)))


# ------------------------------------------------------------------------------------------------------------------- phases


@pytest.mark.parametrize("case", [param for param in EACH if param.values[0].phase])
def test_a_phase_begins_from_the_state_of_the_one_before_it(case):
    made = models.phases(case.config, spec_of(case))
    assert all(phase.steps and phase.steps > 0 for phase in made[:-1])
    before, here = played(case._replace(phase=case.phase - 1)), played(case)
    enter = jit(lambda key, previous: phases.enter(made, case.phase, key, previous))  # as a run does it
    entered, again = (jax.tree.map(jnp.copy, enter(KEY, before.after["step"][0])) for _ in range(2))
    assert_identical(entered, again)
    assert form(entered) == form(here.state)
    assert entered.step == 0
    fresh = here.init(phases.step_key(KEY, case.phase))
    taken, own = ((state.generator.params, state.generator.model_state) for state in (entered, fresh))
    assert changed(taken, own), "nothing is taken over from the phase before"
    state, metrics = here.step(KEY, entered, here.batch)
    assert state.step == 1
    assert all(np.isfinite(value) for value in metrics.values())
    # The step was given the buffers of the entered state; those of the phase before are still there.
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(before.after["step"][0]))


# ----------------------------------------------------------------------------------------------------------------- bfloat16


@each_case
def test_bfloat16_is_for_the_arithmetic_alone(case):
    if not hasattr(case.config, "dtype"):
        pytest.skip("float32 only")
    _, batch, *_, state, after = played(case)
    gan = gan_of(case._replace(config=dataclasses.replace(case.config, dtype="bfloat16")))
    types = lambda tree: jax.tree.map(lambda leaf: leaf.dtype, tree)  # noqa: E731
    assert types(jax.eval_shape(gan.step, KEY, state, batch)) == types(after["step"])


@pytest.mark.parametrize("name", ["digits", pytest.param("cifar10_conv", marks=pytest.mark.slow)])
def test_in_bfloat16_the_losses_are_those_of_float32_but_for_its_8_bits(name):
    case = CASES[name]
    _, batch, *_, state, after = played(case)
    gan = gan_of(case._replace(config=dataclasses.replace(case.config, dtype="bfloat16")))
    losses = jit(lambda s, b: gan.step(KEY, s, b)[1])(state, batch)
    for loss in ("d_loss", "g_loss"):
        expected = float(after["step"][1][loss])
        assert losses[loss] != expected
        assert losses[loss] == pytest.approx(expected, rel=0.02)


# ------------------------------------------------------------------------------------------------------------------ balance


@pytest.mark.parametrize("name", ["digits", "dcgan", "infogan"])
def test_the_balance_is_the_value_of_the_losses_at_logits_of_zero(name):
    gan, batch = gan_of(CASES[name]), arrays(spec_of(CASES[name]).example, BATCH)
    state = jit(gan.init)(KEY)
    blind = state._replace(
        discriminator=state.discriminator._replace(params=jax.tree.map(jnp.zeros_like, state.discriminator.params))
    )
    found = jit(gan.d_step)(KEY, blind, batch)[1] | jit(gan.g_step)(KEY, blind, batch)[1]
    assert (balance := gan.balance()) is not None
    assert balance._asdict() == pytest.approx({loss: float(found[loss]) for loss in ("d_loss", "g_loss")}, rel=1e-6)
    assert (len(set(balance)) == 1) == (name == "digits"), "equal values are one line in the curves"
    hash(gan)  # a static argument of users' own compiled functions


@pytest.mark.parametrize("name", ["lsgan", "wgan", "sngan"])
def test_other_losses_have_no_known_balance(name):
    assert gan_of(CASES[name]).balance() is None
