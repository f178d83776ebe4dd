"""Steps that skip updates which are not finite, against the same steps where all are finite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan import Batch, GANState, PlayerState, finite, parallel

KEY = jax.random.key(0)
X = jnp.linspace(0.5, 2.0, 8).reshape(8, 1)


def state_of(w=1.0):
    return GANState(jnp.array(0, jnp.int32), PlayerState({"w": jnp.full(3, w)}, {}, ()), PlayerState({}, {}, ()))


def step(key, state, data, *, axis_name=None):
    """Multiplies the weights by the mean of the batch, and at step 2 by infinity."""
    mean = data.x.mean()
    mean = mean if axis_name is None else jax.lax.pmean(mean, axis_name)
    factor = jnp.where(state.step == 2, jnp.inf, mean)
    w = state.generator.params["w"] * factor
    return state._replace(step=state.step + 1, generator=state.generator._replace(params={"w": w})), {"g_loss": w.sum()}


def run(many, length=5):
    state, metrics = state_of(), []
    for _ in range(length):
        state, found = many(KEY, state, Batch(X))
        metrics.append(jax.device_get(found))
    return state, metrics


@pytest.mark.parametrize("mode", ["jit", "pmap", "shard"])
def test_one_update_of_five_is_skipped(mode):
    made = getattr(parallel, mode)(finite.skip_nonfinite(step))
    state, metrics = run(made)
    assert int(state.step) == 5
    np.testing.assert_allclose(state.generator.params["w"], 1.25**4, rtol=1e-6)
    assert [float(found[finite.SKIPPED]) for found in metrics] == [0, 0, 1, 0, 0]


def test_inside_a_scan():
    scanned = jax.jit(parallel.scan(finite.skip_nonfinite(step), 5))
    state, metrics = scanned(KEY, state_of(), Batch(X))
    np.testing.assert_allclose(state.generator.params["w"], 1.25**4, rtol=1e-6)
    assert metrics[finite.SKIPPED].tolist() == [0, 0, 1, 0, 0]


def test_without_a_value_that_is_not_finite_nothing_changes():
    plain, guarded = step(KEY, state_of(), Batch(X)), finite.skip_nonfinite(step)(KEY, state_of(), Batch(X))
    np.testing.assert_array_equal(plain[0].generator.params["w"], guarded[0].generator.params["w"])
    assert guarded[1] == {**plain[1], finite.SKIPPED: 0}


def test_a_metric_that_is_not_finite_skips_too():
    def only_the_metric(key, state, data, *, axis_name=None):
        new, _ = step(key, state, data, axis_name=axis_name)
        return new, {"g_loss": jnp.nan}

    state, metrics = finite.skip_nonfinite(only_the_metric)(KEY, state_of(), Batch(X))
    np.testing.assert_array_equal(state.generator.params["w"], 1.0)
    assert float(metrics[finite.SKIPPED]) == 1


def test_which_leaves_are_finite():
    tree = {"a": jnp.array([0.0, -jnp.inf]), "b": (jnp.array([1, 2]), jnp.array(jnp.nan)), "c": jnp.ones((2, 2), jnp.bfloat16)}
    assert jax.tree.map(bool, finite.finite_leaves(tree)) == {"a": False, "b": (True, False), "c": True}
    assert not finite.all_finite(tree)
    assert finite.all_finite({"n": jnp.array(3)})
