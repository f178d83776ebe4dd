"""The values of every penalty, against closed forms: linear and quadratic discriminators, any batch size, any shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penalty_views import KEY, flat, linear, points_of, view_of

from jgan import penalties

SIZES, SHAPES = st.sampled_from([1, 5]), st.sampled_from([(), (2, 3, 1)])
WEIGHTS, SEEDS = st.floats(0, 100, width=32), st.integers(0, 99)


def examples(shape, seed, n=1, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, (n, *shape))


def assert_values(penalty, view, expected):
    """`[B]` values, equal but for the rounding of float32."""
    found = penalty.value(view)
    assert found.shape == view.real_logits.shape
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=2e-5, atol=1e-5)


# --------------------------------------------------------------------------------------- a linear discriminator: a . x + b


@jax.jit
def on_a_linear_discriminator(a, real, fake, weight, target):
    """Every penalty of gradients, in one program for each shape."""
    view = view_of(linear(a, 0.3), real, fake)
    slopes = {
        "two-sided": penalties.gradient_penalty(weight, target=target),
        "one-sided": penalties.gradient_penalty(weight, target=target, one_sided=True),
        "dragan": penalties.dragan(weight, target=target),
        "r1": penalties.r1(weight),
        "r2": penalties.r2(weight),
        "both": penalties.r1_r2(weight),
    }
    return {name: penalty.value(view) for name, penalty in slopes.items()}


@given(n=SIZES, shape=SHAPES, weight=WEIGHTS, target=st.floats(0, 3, width=32), seed=SEEDS)
def test_norms_of_a_linear_discriminator(n, shape, weight, target, seed):
    """Its gradient is a, wherever it is taken: |a| and |a|^2, whatever the batch holds."""
    a, real, fake = examples((int(np.prod(shape)),), seed)[0], examples(shape, seed + 1, n), examples(shape, seed + 2, n)
    norm = np.linalg.norm(a)
    expected = {
        "two-sided": weight * (norm - target) ** 2,
        "one-sided": weight * max(norm - target, 0) ** 2,
        "dragan": weight * (norm - target) ** 2,
        "r1": weight / 2 * norm**2,
        "r2": weight / 2 * norm**2,
        "both": weight * norm**2,
    }
    found = on_a_linear_discriminator(*map(np.float32, (a, real, fake, weight, target)))
    for name, values in found.items():
        assert values.shape == (n,)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, np.full(n, expected[name]), rtol=2e-5, atol=1e-5, err_msg=name)


@settings(max_examples=10)
@given(n=SIZES, shape=SHAPES, weight=WEIGHTS, seed=SEEDS)
def test_logits_of_a_linear_discriminator(n, shape, weight, seed):
    a, real, fake = examples((int(np.prod(shape)),), seed)[0], examples(shape, seed + 1, n), examples(shape, seed + 2, n)
    on_real, on_fake = flat(real) @ a + 0.3, flat(fake) @ a + 0.3
    view = view_of(linear(a, 0.3), real, fake)
    assert_values(penalties.drift(weight), view, weight * on_real**2)
    remembered = view._replace(memory=(jnp.float32(0.7), jnp.float32(-0.4)))  # the means on real and on fake before the batch
    of_real, of_fake = 0.75 * 0.7 + 0.25 * on_real.mean(), 0.75 * -0.4 + 0.25 * on_fake.mean()
    expected = weight * ((on_real - of_fake) ** 2 + (on_fake - of_real) ** 2)
    assert_values(penalties.lecam(weight, decay=0.75), remembered, expected)
    # An augmentation that moves every coordinate by 1/2 moves the logit by half the sum of a.
    move = lambda key, x, axis_name=None: x + 0.5  # noqa: E731
    moved = (0.5 * a.sum()) ** 2
    assert_values(penalties.consistency(move, real_weight=weight), view, weight * moved)
    assert_values(penalties.consistency(move, real_weight=weight, fake_weight=2.0), view, (weight + 2) * moved)


def test_the_weights_are_those_of_the_papers_unless_one_says_otherwise():
    """10 (|a| - 1)^2, gamma = 10 with the factor 1/2, 0.001 D^2, 10 (D(T(x)) - D(x))^2 on reals alone, LeCam's 0.3."""
    view = view_of(linear([3.0, 4.0], 0.0), [[1.0, 0.0]], [[0.0, 1.0]])
    move = lambda key, x, axis_name=None: x + 1  # noqa: E731
    for make, expected in (
        (penalties.gradient_penalty, 10 * 4**2),
        (penalties.dragan, 10 * 4**2),
        (penalties.r1, 5 * 25),
        (penalties.r2, 5 * 25),
        (penalties.r1_r2, 10 * 25),
        (penalties.drift, 0.001 * 9),
        (lambda: penalties.consistency(move), 10 * 7**2),
    ):
        assert_values(make(), view, expected)
    compared = 0.3 * ((3 - 0.01 * 4) ** 2 + (4 - 0.01 * 3) ** 2)  # with means that keep 0.99 of their 0
    assert_values(penalties.lecam(), view._replace(memory=penalties.lecam().init()), compared)


# ------------------------------------------------------------------------ a quadratic one: x'Ax / 2, whose gradient is A x


@pytest.fixture(scope="module", name="quadratic")
def _quadratic():
    """`(A, D)`, on points of three coordinates."""
    a = np.random.default_rng(7).normal(size=(3, 3))
    a = a + a.T
    return a, lambda x: jnp.einsum("bi,ij,bj->b", x, jnp.float32(a), x) / 2


@settings(max_examples=10)
@given(n=SIZES, gamma=WEIGHTS, seed=SEEDS)
def test_r1_and_r2_at_each_example_by_itself(quadratic, n, gamma, seed):
    a, critic = quadratic
    real, fake = examples((3,), seed, n), examples((3,), seed + 1, n)
    view = view_of(critic, real, fake)
    at_real, at_fake = (gamma / 2 * ((x @ a) ** 2).sum(1) for x in (real, fake))
    assert_values(penalties.r1(gamma), view, at_real)
    assert_values(penalties.r2(gamma), view, at_fake)
    assert_values(penalties.r1_r2(gamma), view, at_real + at_fake)


@pytest.mark.parametrize("make", [penalties.gradient_penalty, penalties.dragan])
@pytest.mark.parametrize("n", [1, 5])
def test_the_norm_of_each_example_at_its_own_point(quadratic, make, n):
    a, critic = quadratic
    real, fake = examples((3,), 1, n, 1, 2), examples((3,), 2, n, 3, 4)
    norms = np.linalg.norm(points_of(make, real, fake) @ a, axis=1)
    assert_values(make(3.0, target=0.5), view_of(critic, real, fake), 3 * (norms - 0.5) ** 2)


# ---------------------------------------------------------------------------------------- where the gradients are taken


def test_wgan_gp_looks_between_each_real_example_and_its_fake():
    """One share an example, the same for all its coordinates; uniform on [0, 1]."""
    real, fake = examples((2, 2, 1), 1, 2000, 1, 2), examples((2, 2, 1), 2, 2000, 3, 4)
    points = points_of(penalties.gradient_penalty, real, fake)
    shares = (points - flat(real)) / (flat(fake) - flat(real))
    np.testing.assert_allclose(shares, shares[:, :1] @ np.ones((1, 4)), atol=1e-5)
    assert_uniform(shares[:, 0])


def test_dragan_looks_near_each_real_example():
    """`x^ - x = a scale std(X) u`: u for each coordinate, a for each example.

    So the mean of a u is 1/4, and `E (a u)(a u') = E a^2 (E u)^2 = 1/12`, where an a for each coordinate would make it 1/16.
    """
    real = examples((2,), 1, 4000, 100, 104)
    points = points_of(lambda weight, target: penalties.dragan(weight, scale=0.7, target=target), real, np.zeros_like(real))
    products = (points - real) / (0.7 * real.std())
    assert products.min() > -1e-4
    assert products.max() < 1 + 1e-4
    for values, mean in ((products[:, 0], 1 / 4), (products[:, 1], 1 / 4), (products.prod(1), 1 / 12)):
        assert abs(values.mean() - mean) < 4 * values.std() / np.sqrt(4000) < 1 / 12 - 1 / 16
    assert np.corrcoef(products.T)[0, 1] < 0.6  # 3/7; one u for both coordinates would make it 1


def assert_uniform(values):
    """On [0, 1]: the largest distance of the distribution functions is below that of one sample in 1,000 (Kolmogorov)."""
    values = np.sort(values)
    assert values[0] >= -1e-5
    assert values[-1] <= 1 + 1e-5
    assert np.abs(values - (np.arange(len(values)) + 0.5) / len(values)).max() < 1.95 / np.sqrt(len(values))


# ------------------------------------------------------------------------------------------------ finite differences


@pytest.mark.parametrize("sigma", [0.6, 0.3, 0.15])
def test_finite_differences_are_the_exact_r1_and_an_error_of_sigma_squared(sigma):
    """D(x) = a x + b x^2 / 2 in one dimension: ((D(x + s e) - D(x)) / s)^2 = (D' e + b s e^2 / 2)^2, whose mean is
    D'^2 + 3/4 b^2 s^2, since E e^2 = 1, E e^3 = 0 and E e^4 = 3. With D' = 1/4 and b = 2 the error is 3 s^2."""
    n, gamma = 200_000, 3.0
    a, b, x = 1.25, 2.0, -0.5
    view = view_of(lambda x: a * x + b * x**2 / 2, np.full(n, x), np.full(n, 9.0))
    values = np.asarray(penalties.finite_difference(gamma, sigma=sigma, fake=False).value(view), np.float64)
    error = 3 * values.std() / np.sqrt(n)
    assert error < gamma / 2 * 3 * sigma**2 / 4  # the test can tell the stated rate from another
    assert abs(values.mean() - gamma / 2 * ((a + b * x) ** 2 + 3 / 4 * b**2 * sigma**2)) < error


def test_finite_differences_of_a_linear_discriminator_do_not_depend_on_the_step():
    """(a . e)^2: its mean is |a|^2, here for reals and fakes together gamma |a|^2; its variance 2 |a|^4."""
    n, a = 20_000, np.array([0.6, -0.8])
    view = view_of(linear(a, 0.1), np.zeros((n, 2)), np.zeros((n, 2)))
    values = [penalties.finite_difference(3.0, sigma=sigma).value(view) for sigma in (0.25, 4.0)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-3, atol=1e-4)
    halves = [penalties.finite_difference(3.0, sigma=4.0, **{side: False}).value(view) for side in ("real", "fake")]
    np.testing.assert_allclose(values[1], halves[0] + halves[1], rtol=1e-5)
    for half in halves:
        assert abs(np.mean(half) - 3 / 2) < 4 * 3 / 2 * np.sqrt(2 / n)
    assert abs(np.corrcoef(*halves)[0, 1]) < 0.05  # each side draws its own


# ------------------------------------------------------------------------------------------------- logits and memory


def test_lecams_means_run_as_a_loop_in_numpy_has_them():
    logits = np.random.default_rng(0).normal(2.0, 1.0, (6, 2, 5))  # of six updates, on five real examples and five fakes
    penalty, means = penalties.lecam(0.5, decay=0.8), np.zeros(2)
    memory = penalty.init()
    for real, fake in logits:
        view = view_of(lambda x: x, real, fake, memory=memory)
        means = 0.8 * means + 0.2 * np.array([real.mean(), fake.mean()])
        assert_values(penalty, view, 0.5 * ((real - means[1]) ** 2 + (fake - means[0]) ** 2))
        memory = penalty.update(view)
        np.testing.assert_allclose(memory, means, rtol=1e-5)


def test_consistency_augments_reals_and_fakes_by_keys_of_their_own_and_only_where_asked():
    heard = []

    def noisy(key, x, axis_name=None):
        heard.append((x, key, axis_name))
        return x * 3

    square = lambda x: x**2  # noqa: E731
    view = view_of(square, [1.0, 2.0], [0.5, 3.0])
    assert_values(penalties.consistency(noisy, real_weight=2.0), view, [2 * 8.0**2, 2 * 32.0**2])
    assert len(heard) == 1
    np.testing.assert_array_equal(heard[0][0], view.real)
    both = penalties.consistency(noisy, real_weight=0.0, fake_weight=1.0).value(view)
    np.testing.assert_allclose(both, [2.0**2, 72.0**2])
    np.testing.assert_array_equal(heard[1][0], view.fake)
    assert not bool(heard[0][1] == heard[1][1])


def test_each_side_is_compared_with_its_own_pass():
    """Dropout masks, augmentation and power-iteration vectors differ between the pass over reals and that over fakes: of logits
    that are off by 100 on the fakes, no difference may see the 100."""
    real, fake = np.zeros((4, 2)), np.ones((4, 2))
    near = linear([3.0, 4.0], 0.0)
    far = linear([3.0, 4.0], 100.0)
    view = view_of(near, real, fake)._replace(fake_critic=far, fake_logits=far(jnp.float32(fake)))
    move = lambda key, x, axis_name=None: x + 1  # noqa: E731
    assert_values(penalties.consistency(move, real_weight=1.0, fake_weight=1.0), view, 49 + 49)
    same = view_of(near, real, fake)
    found, expected = (penalties.finite_difference(1.0, sigma=0.5).value(view) for view in (view, same))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


# --------------------------------------------------------------------------------------------------------------- norms


def test_what_is_not_a_number_remains_so():
    """A norm of 0 is made safe for its gradient; one that is not a number must not pass for 0."""
    x = jnp.array([[jnp.nan, 1.0], [0.0, 0.0], [3.0, 4.0], [jnp.inf, 0.0]])
    np.testing.assert_array_equal(penalties.norms(x), [np.nan, 0.0, 5.0, np.inf])
    gradient = jax.grad(lambda x: jnp.sum(penalties.norms(x)))(x)
    assert np.isnan(gradient[0]).all()
    np.testing.assert_allclose(gradient[1:3], [[0, 0], [0.6, 0.8]], rtol=1e-6)


@pytest.mark.parametrize("sigma", [0.0, -0.1])
def test_a_step_that_goes_nowhere_is_an_error(sigma):
    with pytest.raises(ValueError, match=f"sigma must be above 0, found {sigma}"):
        penalties.finite_difference(sigma=sigma)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_running_means_that_never_move_are_an_error(decay):
    with pytest.raises(ValueError, match=rf"decay must be in \[0, 1\), found {decay}"):
        penalties.lecam(decay=decay)


@pytest.mark.parametrize("make", [penalties.gradient_penalty, penalties.dragan, penalties.finite_difference])
def test_four_devices_look_where_one_does(quadratic, make):
    """Each example has its own key, and DRAGAN's deviation is that of the whole batch, of which the devices' parts differ."""
    _, critic = quadratic
    real, fake = (examples((3,), seed, 8) * np.arange(1, 9)[:, None] for seed in (0, 1))
    spread = jax.pmap(lambda *x: make(1.0).value(view_of(critic, *x, axis_name="data")), axis_name="data")
    found = spread(*(np.float32(x.reshape(4, 2, 3)) for x in (real, fake)))
    np.testing.assert_allclose(found.reshape(8), make(1.0).value(view_of(critic, real, fake)), rtol=1e-3)


def test_another_key_draws_other_points():
    real, fake = examples((2,), 0, 4), examples((2,), 1, 4)
    square = lambda x: jnp.sum(x**2, axis=1)  # noqa: E731
    for penalty in (penalties.gradient_penalty(), penalties.dragan(), penalties.finite_difference()):
        values = [penalty.value(view_of(square, real, fake, key=key)) for key in (KEY, jax.random.key(1))]
        assert not np.isclose(*values).any()
