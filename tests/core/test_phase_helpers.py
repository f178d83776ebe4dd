"""Runs of several phases: where a step lies, which keys it has, what is taken over from one phase to the next."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jgan import GANState, PlayerState, optim, phases, rng

KEY = jax.random.key(0)


def several(*lengths):
    return [phases.Phase(None, steps=length) for length in lengths]


# ------------------------------------------------------------------------------------------------------------- the place


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, (0, 0, 100)),
        (99, (0, 0, 100)),
        (100, (0, 0, 100)),  # at a boundary the state is still the final one of the earlier phase
        (101, (1, 100, 150)),
        (150, (1, 100, 150)),
        (151, (2, 150, 400)),
        (400, (2, 150, 400)),
        (401, (2, 150, 400)),
    ],
)
def test_the_place_of_a_step(step, expected):
    assert phases.place(several(100, 50, None), 400, step) == expected


def test_a_run_shorter_than_its_phases_ends_within_one():
    assert phases.place(several(100, None), 60, 60) == (0, 0, 60)
    assert phases.place(several(100, None), 60, 0) == (0, 0, 60)
    assert phases.place(several(None), 60, 30) == (0, 0, 60)


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), rest=st.integers(1, 9))
def test_every_step_after_the_first_lies_in_one_phase_and_they_follow_each_other(lengths, rest):
    total = sum(lengths) + rest
    places = [phases.place(several(*lengths, None), total, step) for step in range(1, total + 1)]
    by_hand = np.repeat(np.arange(len(lengths) + 1), [*lengths, rest])
    assert [place.index for place in places] == by_hand.tolist()
    for step, place in enumerate(places, 1):
        assert place.start < step <= place.end
    assert places[-1].end == total


def test_a_phase_without_a_length_before_the_last_is_an_error():
    with pytest.raises(ValueError, match="phase 1 of 3 needs a number of steps: only the last one may go on to the end"):
        phases.place(several(10, None, None), 100, 5)


# --------------------------------------------------------------------------------------------------------------- the keys


def test_the_first_phase_has_the_runs_own_key_and_the_others_keys_of_their_own():
    data = lambda key: tuple(jax.random.key_data(key).tolist())  # noqa: E731
    found = [data(phases.step_key(KEY, index)) for index in range(4)]
    assert found[0] == data(KEY)
    assert found[2] == data(rng.stream_key(KEY, 1002))
    # No step of a phase, no critic of a step and no order of the data has one of them.
    others = [data(rng.step_key(KEY, jnp.int32(step))) for step in range(50)] + [
        data(rng.stream_key(KEY, n)) for n in range(50)
    ]
    assert len({*found, *others}) == 4 + 100


def test_a_phase_begins_by_its_enter_or_at_random():
    class Gan:
        @staticmethod
        def init(key):
            return "new", jax.random.key_data(key).tolist()

    own = jax.random.key_data(phases.step_key(KEY, 1)).tolist()
    enter = lambda key, previous: ("entered", jax.random.key_data(key).tolist(), previous)  # noqa: E731
    made = [phases.Phase(Gan, steps=3), phases.Phase(Gan, enter=enter), phases.Phase(Gan)]
    assert phases.enter(made, 0, KEY, None) == ("new", jax.random.key_data(KEY).tolist())
    assert phases.enter(made, 1, KEY, "before") == ("entered", own, "before")
    assert phases.enter(made, 2, KEY, "before")[0] == "new"  # it takes nothing over
    assert phases.enter(made, 1, KEY, None) == ("new", own)


# ---------------------------------------------------------------------------------------------------- what is taken over

TREE = {"old": {"layer": {"w": jnp.zeros((2, 3)), "b": jnp.zeros(3)}}, "new": {"w": jnp.zeros(4)}}


def test_a_graft_replaces_one_subtree_by_copies():
    trained = {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}
    found = phases.graft(TREE, trained, "old", "layer")
    assert jax.tree.structure(found) == jax.tree.structure(TREE)
    np.testing.assert_array_equal(found["old"]["layer"]["w"], 1)
    assert found["new"] is TREE["new"]
    np.testing.assert_array_equal(TREE["old"]["layer"]["w"], 0)
    trained["w"].delete()  # its buffer is given to a step
    np.testing.assert_array_equal(found["old"]["layer"]["w"], 1)
    whole = phases.graft(TREE, jax.tree.map(lambda leaf: leaf + 2, TREE))
    assert all((leaf == 2).all() for leaf in jax.tree.leaves(whole))


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ({"w": jnp.ones((2, 4)), "b": jnp.ones(3)}, ("old", "layer"), r"\['w'\] of the shape \(2, 3\), found \(2, 4\)"),
        ({"w": jnp.ones((2, 3))}, ("old", "layer"), r"\['b'\] of the shape \(3,\), found None"),
        ({"w": jnp.ones(4), "v": jnp.ones(1)}, ("new",), r"\['v'\] of the shape None, found \(1,\)"),
        ({"w": jnp.ones(4)}, ("young",), "a subtree 'young', found old, new"),
        ({"w": jnp.ones(4)}, ("new", "w", "v"), "a subtree 'v', found ArrayImpl"),
    ],
)
def test_a_graft_that_does_not_fit_is_an_error(source, path, message):
    with pytest.raises(ValueError, match=f"cannot take over parameters: expected {message}"):
        phases.graft(TREE, source, *path)


def test_a_restarted_player_has_a_new_optimiser_and_a_new_average_at_its_parameters():
    optimizer, ema = optax.sgd(0.1, momentum=0.9), optim.EMA(optim.warmed_up(0.9))
    old = PlayerState({"w": jnp.zeros(2)}, {"mean": jnp.full(1, 3.0)}, "used", "old average")
    params = {"w": jnp.ones(2)}
    found = phases.restarted(old, params, optimizer, ema)
    assert found.params is params
    assert found.model_state is old.model_state
    np.testing.assert_array_equal(optax.tree_utils.tree_get(found.opt_state, "trace")["w"], 0)
    assert found.ema.count == 0
    np.testing.assert_array_equal(found.ema.params["w"], 1)
    np.testing.assert_array_equal(found.ema.model_state["mean"], 3)
    assert phases.restarted(old, params, optimizer).ema == ()


@pytest.mark.parametrize("count", [0, 3, 7])
def test_with_count_moves_the_schedules(count):
    """A rate and a momentum that fall with the count: the next update is that of an optimiser which made so many."""
    optimizer = optim.momentum_sgd(lambda t: 1 / (1 + t), lambda t: 1 - t / 10)
    velocity, params = jnp.array([2.0]), jnp.zeros(1)
    state = optax.tree_utils.tree_set(optimizer.init(params), trace=velocity)
    updates, after = optimizer.update(jnp.ones(1), phases.with_count(state, count), params)
    np.testing.assert_allclose(updates, (1 - 0.1 * count) * 2 - 1 / (1 + count), rtol=1e-6)
    assert jax.tree.map(jax.typeof, phases.with_count(state, count)) == jax.tree.map(jax.typeof, state)
    assert after[0].count == count + 1


def test_with_count_leaves_parameters_of_that_name_alone():
    optimizer = optax.sgd(0.1, momentum=0.9)
    state = optimizer.init({"count": jnp.zeros(2)})
    jax.tree.map(np.testing.assert_array_equal, phases.with_count(state, 3), state)


def test_two_players_swap_nothing():
    """`with_params` takes the generator's first."""
    state = GANState(jnp.int32(3), PlayerState(1, 2, 3), PlayerState(4, 5, 6), 7)
    assert state.with_params("g", "d") == GANState(jnp.int32(3), PlayerState("g", 2, 3), PlayerState("d", 5, 6), 7)
