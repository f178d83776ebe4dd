"""Update rules on the two games whose answers are known: factors and eigenvalues, from the steps that train image GANs."""

import cmath
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan import Batch, Network, games, losses, penalties, rules, steps
from jgan.augment import instance_noise
from jgan.models import bilinear, dirac, options
from jgan.types import Augmentation, DataSpec

KEY, SPEC = jax.random.key(0), DataSpec.points((1,), steps_per_epoch=1)
ETAS = (0.01, 0.1, 0.3, 0.5)
ZEROS = Batch(jnp.zeros((4, 1)))


SIMULTANEOUS = options.Rule("simultaneous")


def sgd(rate, **fields):
    return options.Optimizer("sgd", learning_rate=rate, **fields)


def bilinear_step(rule, eta, **fields):
    optimizer = options.Optimizer("sgd", learning_rate=eta, d_learning_rate=fields.pop("d_learning_rate", 0.0))
    config = bilinear.Config(rule=options.Rule(rule, unroll=fields.pop("unroll", 5)), optimizer=optimizer, **fields)
    return bilinear.make(config, SPEC)


def update_matrix(gan, batch=ZEROS):
    """The Jacobian at (0, 0) of one step as a map of (generator's number, discriminator's number)."""
    state = jax.jit(gan.init)(KEY)

    def update(point):
        g, d = point
        there = state._replace(
            generator=state.generator._replace(params=g), discriminator=state.discriminator._replace(params=d)
        )
        after, _ = gan.step(KEY, there, batch)
        return jnp.stack([after.generator.params, after.discriminator.params])

    return np.asarray(jax.jacobian(update)(jnp.zeros(2)), np.float64)


# ---------------------------------------------------------------------------------------------------- the bilinear game


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize(
    ("rule", "factor"),
    [
        ("simultaneous", lambda eta: math.sqrt(1 + eta**2)),
        ("extragradient", lambda eta: math.sqrt(1 - eta**2 + eta**4)),
        # Consensus: x' = -y - g x, y' = x - g y: the matrix (1 - eta g) I + eta J, J a rotation by a quarter turn.
        ("consensus", lambda eta: math.sqrt((1 - eta) ** 2 + eta**2)),
    ],
)
def test_the_distance_from_the_equilibrium_changes_by_the_known_factor(rule, factor, eta):
    """These three are a rotation and a scaling: every step has the same factor, from anywhere."""
    gan = bilinear_step(rule, eta, start=(0.6, -0.8))
    state = jax.jit(gan.init)(KEY)
    for _ in range(3):
        before = math.hypot(state.generator.params, state.discriminator.params)
        state, _ = gan.step(KEY, state, ZEROS)
        after = math.hypot(state.generator.params, state.discriminator.params)
        assert after / before == pytest.approx(factor(eta), rel=1e-6)


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize(("rule", "sign"), [("alternating", 1), ("generator_first", -1)])
def test_in_turn_the_eigenvalues_lie_on_the_unit_circle(rule, sign, eta):
    """And x^2 + y^2 + eta x y is conserved if y, the discriminator, moves first; x^2 + y^2 - eta x y if x does."""
    gan = bilinear_step(rule, eta, start=(0.6, -0.8))
    assert np.abs(np.linalg.eigvals(update_matrix(gan))) == pytest.approx([1, 1], abs=1e-6)
    state = jax.jit(gan.init)(KEY)

    def conserved(state):
        x, y = float(state.generator.params), float(state.discriminator.params)
        return x**2 + y**2 + sign * eta * x * y

    first = conserved(state)
    for _ in range(5):
        state, _ = gan.step(KEY, state, ZEROS)
        assert conserved(state) == pytest.approx(first, rel=1e-6)


@pytest.mark.parametrize("eta", [0.01, 0.1, 0.3, 0.5, 0.56, 0.6])
def test_optimistic_descent_has_the_known_factor_and_bound(eta):
    """Its map is on the point and the gradient before; |lambda|^2 of its larger root to eta = 1/2, divergence above 3^-1/2."""
    gan = bilinear_step("optimistic", eta)
    state, _ = gan.step(KEY, jax.jit(gan.init)(KEY), ZEROS)  # the first step has no gradient before it
    leaves, structure = jax.tree.flatten(state)
    moving = [i for i, leaf in enumerate(leaves) if leaf.dtype == jnp.float32]

    def update(values):
        there = list(leaves)
        for i, value in zip(moving, values, strict=True):
            there[i] = value
        after, _ = gan.step(KEY, jax.tree.unflatten(structure, there), ZEROS)
        return jnp.stack([leaf for leaf in jax.tree.leaves(after) if leaf.dtype == jnp.float32])

    matrix = np.asarray(jax.jacobian(update)(jnp.zeros(len(moving))), np.float64)
    radius = np.abs(np.linalg.eigvals(matrix)).max()
    if eta <= 0.5:
        assert radius**2 == pytest.approx((1 + math.sqrt(1 - 4 * eta**2)) / 2, abs=1e-6 if eta < 0.5 else 1e-3)
    assert (radius > 1) == (eta > 1 / math.sqrt(3))


@pytest.mark.parametrize("unroll", [0, 1, 5])
def test_unrolling_pulls_the_generator_inwards(unroll):
    """y after k ascents is y + k eta x, so x descends x (y + k eta x): its gradient is y' + 2 k eta x, y' = y + eta x."""
    eta = 0.1
    found = update_matrix(bilinear_step("unrolled", eta, unroll=unroll))
    y = np.array([eta, 1.0])
    x = np.array([1.0, 0.0]) - eta * (y + 2 * unroll * eta * np.array([1.0, 0.0]))
    np.testing.assert_allclose(found, [x, y], atol=1e-6)
    radius = np.abs(np.linalg.eigvals(found)).max()
    assert radius < 1 if unroll else radius == pytest.approx(1, abs=1e-6)


def test_two_time_scales_are_two_learning_rates():
    found = update_matrix(bilinear_step("simultaneous", 0.1, d_learning_rate=0.4))
    np.testing.assert_allclose(found, [[1, -0.1], [0.4, 1]], atol=1e-7)


# ---------------------------------------------------------------------------------------------------------- the Dirac-GAN


def two_points(deviation):
    """Noise of +-s in turn: its variance is s^2 exactly, in any batch of even size."""

    def apply(key, memory, x, axis_name):
        return x + deviation * jnp.where(jnp.arange(len(x)) % 2, 1.0, -1.0).reshape(-1, *[1] * (x.ndim - 1))

    return Augmentation(tuple, apply, lambda memory, real_logits, axis_name: memory)


def dirac_eigenvalues(loss, *, penalty=(), augment=None):
    """Of the vector field: a simultaneous step of size 1 is the identity and the field."""
    generator, discriminator = dirac.networks(dirac.Config())
    optimizers = steps.Optimizers(optax.sgd(1.0), optax.sgd(1.0))
    game = games.Adversarial(
        generator, discriminator, lambda key, n, axis_name=None: jnp.zeros((n, 1)), loss, penalties=penalty, augment=augment
    )
    gan = dirac.make(dirac.Config(), SPEC)._replace(
        init=lambda key: steps.init_state(key, generator, discriminator, optimizers, game),
        step=steps.simultaneous(game, optimizers).step,
    )
    found = np.linalg.eigvals(update_matrix(gan) - np.eye(2))
    return sorted(found, key=lambda value: (value.imag, value.real))


def roots(trace, determinant):
    root = cmath.sqrt(trace**2 / 4 - determinant)
    return sorted((trace / 2 + root, trace / 2 - root), key=lambda value: (value.imag, value.real))


def assert_eigenvalues(found, expected):
    np.testing.assert_allclose(np.array(found), np.array(expected), atol=1e-6)


@pytest.mark.parametrize("loss", [losses.minimax, losses.non_saturating, losses.relativistic])
def test_unregularised_the_eigenvalues_are_imaginary(loss):
    assert_eigenvalues(dirac_eigenvalues(loss), [-0.5j, 0.5j])


def test_wasserstein_turns_twice_as_fast():
    assert_eigenvalues(dirac_eigenvalues(losses.wasserstein), [-1j, 1j])


@pytest.mark.parametrize("gamma", [0.1, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("penalty", [penalties.r1, penalties.r2])
@pytest.mark.slow
def test_r1_and_r2_move_the_eigenvalues_to_the_left(penalty, gamma):
    """`-gamma/2 +- sqrt(gamma^2/4 - 1/4)`, and both together twice gamma."""
    assert_eigenvalues(dirac_eigenvalues(losses.minimax, penalty=(penalty(gamma),)), roots(-gamma, 1 / 4))
    assert_eigenvalues(dirac_eigenvalues(losses.minimax, penalty=(penalties.r1_r2(gamma),)), roots(-2 * gamma, 1 / 4))


@pytest.mark.parametrize("deviation", [0.1, 0.7, 1.5, 2.0])
def test_instance_noise_moves_the_eigenvalues_to_the_left(deviation):
    """`-s^2/4 +- sqrt(s^4/16 - 1/4)`."""
    found = dirac_eigenvalues(losses.minimax, augment=two_points(deviation))
    assert_eigenvalues(found, roots(-(deviation**2) / 2, 1 / 4))


@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
@pytest.mark.slow
def test_wgan_gp_has_no_equilibrium_at_which_to_linearise(weight):
    """Beside psi = 0 the field is `theta' = psi, psi' = -theta - 2 weight sign(psi) (|psi| - 1)`: it jumps at psi = 0."""
    config = dirac.Config(
        loss="wasserstein", penalty=options.Penalty("gradient_penalty", weight), rule=SIMULTANEOUS, optimizer=sgd(1.0)
    )
    gan = dirac.make(config, SPEC)
    state = jax.jit(gan.init)(KEY)
    for theta, psi in ((0.0, 1e-3), (0.0, -1e-3), (0.4, 0.7), (-1.0, -2.0)):
        there = state._replace(
            generator=state.generator._replace(params=jnp.float32(theta)),
            discriminator=state.discriminator._replace(params=jnp.float32(psi)),
        )
        after, _ = gan.step(KEY, there, ZEROS)
        # jgan's critic is high on the real examples: theta' = psi, psi' = -theta - ...
        expected = (psi, -theta - 2 * weight * math.copysign(abs(psi) - 1, psi * (abs(psi) - 1)))
        found = (after.generator.params - theta, after.discriminator.params - psi)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def distance(config, count):
    gan = dirac.make(config, SPEC)
    state = jax.jit(gan.init)(KEY)

    def body(state, _):
        state, _ = gan.step(KEY, state, ZEROS)
        return state, jnp.hypot(state.generator.params, state.discriminator.params)

    return np.asarray(jax.jit(lambda state: jax.lax.scan(body, state, None, length=count)[1])(state))


@pytest.mark.parametrize(
    ("fields", "converges"),
    [
        ({}, False),
        ({"loss": "wasserstein"}, False),
        ({"loss": "wasserstein", "optimizer": sgd(0.1, weight_clip=1.0)}, False),
        ({"loss": "wasserstein", "penalty": options.Penalty("gradient_penalty")}, False),
        ({"penalty": options.Penalty("r1")}, True),
        ({"penalty": options.Penalty("r2")}, True),
        ({"penalty": options.Penalty("r1_r2")}, True),
        ({"rule": options.Rule("extragradient")}, True),
        ({"rule": options.Rule("optimistic")}, True),
        ({"rule": options.Rule("consensus")}, True),
        ({"rule": options.Rule("unrolled")}, True),
    ],
)
def test_what_converges_from_one_one_and_what_does_not(fields, converges):
    far = distance(dirac.Config(**fields), 8000)
    assert (far[-1] < 1e-3) == converges
    assert np.isfinite(far).all()


@pytest.mark.parametrize("h", [0.1, 0.5, 1.0])
def test_simultaneous_steps_diverge_by_the_known_factor_near_the_equilibrium(h):
    """sqrt(1 + h^2 / 4)."""
    gan = dirac.make(dirac.Config(rule=SIMULTANEOUS, optimizer=sgd(h)), SPEC)
    radius = np.abs(np.linalg.eigvals(update_matrix(gan))).max()
    assert radius == pytest.approx(math.sqrt(1 + h**2 / 4), abs=1e-6)


@pytest.mark.parametrize("gamma", [0.2, 0.5, 0.9])
def test_with_r1_simultaneous_steps_are_stable_below_four_gamma(gamma):
    for h, stable in ((3.98 * gamma, True), (4.02 * gamma, False)):
        config = dirac.Config(rule=SIMULTANEOUS, optimizer=sgd(h), penalty=options.Penalty("r1", gamma))
        radius = np.abs(np.linalg.eigvals(update_matrix(dirac.make(config, SPEC)))).max()
        assert (radius < 1) == stable


# ------------------------------------------------------------------------------------------------- on networks, and errors


LINEAR = Network(
    lambda key: ({"w": jax.random.normal(key, (3,))}, {}),
    lambda params, model_state, x, **options: (jnp.tanh(x @ params["w"]), model_state),
)
SCALING = Network(
    lambda key: ({"s": jnp.ones(3)}, {}), lambda params, model_state, z, **options: (z * params["s"][None], model_state)
)


@pytest.mark.parametrize("rule", ["generator_first", "extragradient", "consensus", "unrolled"])
@pytest.mark.slow
def test_a_rule_is_the_same_on_four_devices(rule):
    from jgan import parallel, rng

    game = games.Adversarial(
        SCALING, LINEAR, lambda key, n, axis_name=None: rng.latents(key, n, 3, axis_name=axis_name), losses.non_saturating
    )
    optimizers = steps.Optimizers(optax.sgd(0.5), optax.sgd(0.5))
    step = getattr(rules, rule)(game, optimizers).step
    state = steps.init_state(KEY, SCALING, LINEAR, optimizers)
    batch = Batch(jax.random.normal(jax.random.key(1), (8, 3)))
    one, metrics = jax.jit(step)(KEY, state, batch)
    four, four_metrics = parallel.pmap(step)(KEY, parallel.replicate(state, jax.devices()), batch)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), (one, metrics), (four, four_metrics))


def test_extragradient_leaves_no_trace_of_its_look_ahead():
    """The optimiser's state after a step is what one update by the gradient found ahead makes of the state before."""
    generator, discriminator = bilinear.number(1.0), bilinear.number(2.0)
    momentum = optax.sgd(0.1, momentum=0.5)
    optimizers = steps.Optimizers(momentum, momentum)
    state = steps.init_state(KEY, generator, discriminator, optimizers)
    after, _ = rules.extragradient(bilinear.game(), optimizers).step(KEY, state, None)
    ahead = (1 - 0.1 * 2, 2 + 0.1 * 1)
    assert after.generator.opt_state[0].trace == pytest.approx(ahead[1])
    assert after.discriminator.opt_state[0].trace == pytest.approx(-ahead[0])
    assert after.generator.params == pytest.approx(1 - 0.1 * ahead[1])


def test_bad_options():
    game, optimizers = bilinear.game(), steps.Optimizers(optax.sgd(0.1), optax.sgd(0.1))
    with pytest.raises(ValueError, match="gamma must not be negative, found -1"):
        rules.consensus(game, optimizers, gamma=-1)
    with pytest.raises(ValueError, match="unroll must not be negative, found -1"):
        rules.unrolled(game, optimizers, unroll=-1)
    with pytest.raises(ValueError, match="n_critic must be 1 under the consensus rule, found 2"):
        options.Rule("consensus", n_critic=2).steps(game, optimizers)
    with pytest.raises(ValueError, match=r"must not be negative, found -0\.1"):
        instance_noise(-0.1)
