"""What the discriminator learns from a penalty: the gradient in its parameters; and lazy penalties, sums of several, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from penalty_views import KEY, linear, points_of, view_of

from jgan import penalties

RANDOM = np.random.default_rng(3)
REAL, FAKE = RANDOM.uniform(1, 2, (4, 3)), RANDOM.uniform(3, 4, (4, 3))
PARAMS = {
    "w": 0.3 * RANDOM.normal(size=(5, 3)),
    "c": RANDOM.normal(size=(1, 5)),
    "v": RANDOM.normal(size=5),
    "b": np.array(0.3),
}
MEANS = (jnp.float32(0.5), jnp.float32(-1.0))  # what LeCam remembers


def logits(p, x, tanh=np.tanh):
    """D(x) = v . tanh(W x + c) + b, in float64 of NumPy or in float32 of jax."""
    return tanh(x @ p["w"].T + p["c"]) @ p["v"] + p["b"]


def slopes(p, x):
    """Its input gradient by hand: W' (v (1 - tanh^2))."""
    return (p["v"] * (1 - np.tanh(x @ p["w"].T + p["c"]) ** 2)) @ p["w"]


def squared(x):
    return (x**2).sum(1)


def view_at(p, **fields):
    p = jax.tree.map(jnp.float32, p)
    return view_of(lambda x: logits(p, x, jnp.tanh), REAL, FAKE, memory=MEANS, **fields)


def mean_of(penalty, **fields):
    """The mean penalty, as a function of the discriminator's parameters."""
    return lambda p: jnp.mean(penalty.value(view_at(p, **fields)))


def asked_by(penalty):
    """The examples that a penalty without input gradients shows to the discriminator, in its order."""
    asked, view = [], view_at(PARAMS)

    def listening(x):
        asked.append(np.asarray(x, np.float64))
        return view.critic(x)

    penalty.value(view._replace(critic=listening, fake_critic=listening))
    return asked


# With these LeCam compares after the update by this batch: held at PARAMS, since no gradient flows through them.
UPDATED = [0.99 * float(mean) + 0.01 * logits(PARAMS, x).mean() for mean, x in zip(MEANS, (REAL, FAKE), strict=True)]
TWICE = penalties.consistency(lambda key, x, axis_name=None: 2 * x, real_weight=2.0, fake_weight=3.0)
APART = penalties.finite_difference(2.0, sigma=0.5)
ORACLES = {  # the penalty; where it looks; its values there, in NumPy
    "gradient_penalty": (
        penalties.gradient_penalty(2.0, target=0.5),
        lambda: points_of(penalties.gradient_penalty, REAL, FAKE),
        lambda p, x: 2 * (np.sqrt(squared(slopes(p, x))) - 0.5) ** 2,
    ),
    "dragan": (
        penalties.dragan(2.0, target=0.5),
        lambda: points_of(penalties.dragan, REAL, FAKE),
        lambda p, x: 2 * (np.sqrt(squared(slopes(p, x))) - 0.5) ** 2,
    ),
    "r1": (penalties.r1(3.0), lambda: REAL, lambda p, x: 1.5 * squared(slopes(p, x))),
    "r2": (penalties.r2(3.0), lambda: FAKE, lambda p, x: 1.5 * squared(slopes(p, x))),
    "r1_r2": (
        penalties.r1_r2(3.0),
        lambda: (REAL, FAKE),
        lambda p, both: 1.5 * sum(squared(slopes(p, x)) for x in both),
    ),
    "finite_difference": (
        APART,
        lambda: asked_by(APART),
        lambda p, moved: sum(
            ((logits(p, there) - logits(p, x)) / 0.5) ** 2 for there, x in zip(moved, (REAL, FAKE), strict=True)
        ),
    ),
    "drift": (penalties.drift(2.0), lambda: REAL, lambda p, x: 2 * logits(p, x) ** 2),
    "lecam": (
        penalties.lecam(2.0),
        lambda: (REAL, FAKE),
        lambda p, both: 2 * ((logits(p, both[0]) - UPDATED[1]) ** 2 + (logits(p, both[1]) - UPDATED[0]) ** 2),
    ),
    "consistency": (
        TWICE,
        lambda: ((2.0, REAL), (3.0, FAKE)),
        lambda p, sides: sum(weight * (logits(p, 2 * x) - logits(p, x)) ** 2 for weight, x in sides),
    ),
}


def difference_quotients(function, p, step=1e-5):
    """The gradient by central differences; in float64 they are off by 1e-9 or so."""

    def moved(name, index, by):
        leaf = p[name].copy()
        leaf[index] += by
        return function({**p, name: leaf})

    def quotient(name, index):
        return (moved(name, index, step) - moved(name, index, -step)) / (2 * step)

    return {name: np.array([quotient(name, i) for i in np.ndindex(leaf.shape)]).reshape(leaf.shape) for name, leaf in p.items()}


@pytest.mark.parametrize("name", ORACLES)
def test_values_and_parameter_gradients_are_those_of_numpy(name):
    penalty, where, values = ORACLES[name]
    value, gradient = jax.jit(jax.value_and_grad(mean_of(penalty)))(jax.tree.map(jnp.float32, PARAMS))
    points = where()
    np.testing.assert_allclose(value, values(PARAMS, points).mean(), rtol=1e-5)
    expected = difference_quotients(lambda p: values(p, points).mean(), PARAMS)
    for leaf, found in gradient.items():
        np.testing.assert_allclose(found, expected[leaf], rtol=1e-4, atol=1e-5, err_msg=leaf)


# ------------------------------------------------------------------------------------------ where the input gradient is 0

SLOPED = {
    "two-sided": (penalties.gradient_penalty(2.0), 2.0),  # the penalty, and its value at a slope of 0
    "one-sided": (penalties.gradient_penalty(2.0, one_sided=True), 0.0),
    "target 0": (penalties.gradient_penalty(2.0, target=0.0), 0.0),
    "dragan": (penalties.dragan(2.0), 2.0),
    "r1": (penalties.r1(2.0), 0.0),
    "r2": (penalties.r2(2.0), 0.0),
    "r1_r2": (penalties.r1_r2(2.0), 0.0),
    "finite_difference": (penalties.finite_difference(2.0), 0.0),
}


@pytest.mark.parametrize("name", SLOPED)
def test_a_discriminator_that_is_constant_learns_nothing_but_breaks_nothing(name):
    penalty, expected = SLOPED[name]
    nothing = jax.tree.map(jnp.zeros_like, jax.tree.map(jnp.float32, PARAMS))
    value, gradient = jax.jit(jax.value_and_grad(mean_of(penalty)))(nothing)
    assert value == expected
    jax.tree.map(lambda leaf: np.testing.assert_array_equal(leaf, 0), gradient)


def test_one_flat_example_leaves_the_others_gradients_as_they_are():
    """D(x) = p |x|^2 / 2 has the slope p |x|: `d/dp (p |x| - 1)^2 = 2 (p |x| - 1) |x|`, at |x| = 5 and at |x| = 0."""
    x = jnp.array([[3.0, 4.0], [0.0, 0.0]])
    penalty = penalties.gradient_penalty(1.0)
    mean = lambda p: jnp.mean(penalty.value(view_of(lambda x: p * jnp.sum(x**2, axis=1) / 2, x, x)))  # noqa: E731
    value, gradient = jax.value_and_grad(mean)(jnp.float32(2.0))
    np.testing.assert_allclose([value, gradient], [(9**2 + 1) / 2, 2 * 9 * 5 / 2], rtol=1e-6)


def test_one_sided_lets_gentle_slopes_alone():
    """Slopes |p| of 0.5 and 2: `(|p| - 1)^2` above 1 only, and no gradient below."""
    penalty = penalties.gradient_penalty(1.0, one_sided=True)
    mean = lambda p: jnp.mean(penalty.value(view_of(lambda x: x[:, 0] * p, REAL, FAKE)))  # noqa: E731
    assert [float(part) for part in jax.value_and_grad(mean)(jnp.float32(0.5))] == [0, 0]
    np.testing.assert_allclose(jax.value_and_grad(mean)(jnp.float32(-2.0)), [1, -2], rtol=1e-6)


# --------------------------------------------------------------------------------------------------------------- lazily


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("penalty", [penalties.r1_r2(2.0), penalties.gradient_penalty(2.0)])
def test_over_its_interval_a_lazy_penalty_is_the_eager_one(penalty, every):
    """The mean of `every` steps in a row, whichever the first, of the value and of the gradient."""
    params = jax.tree.map(jnp.float32, PARAMS)
    lazy = penalties.lazily(penalty, every)
    at = jax.jit(lambda p, step: jax.value_and_grad(mean_of(lazy, step=step))(p))
    played = [at(params, step) for step in range(6, 6 + every)]
    assert np.count_nonzero([value for value, _ in played]) == 1
    mean = jax.tree.map(lambda *leaves: sum(leaves) / every, *played)
    expected = jax.jit(jax.value_and_grad(mean_of(penalty)))(params)
    jax.tree.map(lambda found, exact: np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-7), mean, expected)


def test_between_its_turns_a_lazy_penalty_is_not_even_computed():
    """Compiled, its gradient too: the discriminator runs at steps 0, 3 and 6 of seven."""
    runs = []

    def critic(p, x):
        jax.debug.callback(lambda: runs.append(True))
        return p * jnp.sum(x**2, axis=1)

    def value(p, step):
        view = view_of(lambda x: jnp.sum(x, axis=1), REAL, FAKE, step=step)
        return jnp.sum(lazy.value(view._replace(critic=lambda x: critic(p, x))))

    lazy = penalties.lazily(penalties.gradient_penalty(), 3)
    compiled, counts = jax.jit(jax.grad(value)), []
    for step in range(7):
        runs.clear()
        compiled(jnp.float32(1.0), step).block_until_ready()
        jax.effects_barrier()
        counts.append(len(runs))
    assert [count > 0 for count in counts] == [True, False, False, True, False, False, True]


def test_a_lazy_penalty_remembers_at_every_step():
    lazy = penalties.lazily(penalties.lecam(decay=0.5), 4)
    memory = lazy.init()
    for step in range(3):  # the means go half of the way to 8 and to 4 at every step
        view = view_of(lambda x: x, [8.0, 8.0], [4.0, 4.0], step=step, memory=memory)
        memory = lazy.update(view)
    np.testing.assert_array_equal(memory, [7.0, 3.5])


@pytest.mark.parametrize("every", [0, -1])
def test_an_interval_below_one_is_an_error(every):
    with pytest.raises(ValueError, match=f"every must be at least 1, found {every}"):
        penalties.lazily(penalties.r1(), every)


# ---------------------------------------------------------------------------------------------------- several, and errors


def test_a_total_is_the_sum_each_with_its_own_points_and_memory():
    several = (penalties.drift(1.0), penalties.lecam(1.0), penalties.gradient_penalty(1.0), penalties.gradient_penalty(1.0))
    view = view_at(PARAMS)._replace(memory=tuple(penalty.init() for penalty in several))
    values, memory = penalties.total(several, view)
    alone = [
        penalties.total((penalty,), view._replace(memory=(own,))) for penalty, own in zip(several, view.memory, strict=True)
    ]
    on_real, on_fake = logits(PARAMS, REAL), logits(PARAMS, FAKE)
    rest = np.asarray(values) - 2 * on_real**2 - on_fake**2
    first = np.asarray(alone[2][0])  # a first penalty's points; a fourth's are others
    assert not np.isclose(rest, 2 * first, rtol=1e-3).any()
    assert [len(jax.tree.leaves(own)) for own in memory] == [0, 2, 0, 0]
    np.testing.assert_allclose(memory[1], [0.01 * on_real.mean(), 0.01 * on_fake.mean()], rtol=1e-4)


@pytest.mark.parametrize("wrong", [lambda view: jnp.mean(view.real_logits), lambda view: view.real_logits[:, None]])
def test_a_penalty_that_is_not_one_value_an_example_is_an_error_that_names_both_shapes(wrong):
    with pytest.raises(
        ValueError, match=r"the values of a penalty and one number an example must .* found \((4, 1)?\) and \(4,\)"
    ):
        penalties.total((penalties.Penalty(wrong),), view_at(PARAMS)._replace(memory=((),)))


@pytest.mark.parametrize("name", SLOPED)
def test_where_the_examples_see_each_other_there_is_no_input_gradient(name):
    with pytest.raises(ValueError, match=r"judges each example by itself, found one with batch statistics"):
        SLOPED[name][0].value(view_at(PARAMS, per_example=False))


def test_penalties_of_logits_alone_do_not_mind_batch_statistics():
    view = view_of(linear([1.0, 0.0, 0.0], 0.0), REAL, FAKE, per_example=False, memory=MEANS, key=KEY)
    for penalty in (penalties.drift(), penalties.lecam(), TWICE):
        assert np.isfinite(penalty.value(view)).all()
