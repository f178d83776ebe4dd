"""Training runs of several phases: pre-training, progressive growing, stages that reuse networks of earlier stages.

A `Phase` holds a GAN, a length, a batch size and a function that computes its initial state from the previous phase's final
state. The helpers here are for `enter` functions: copy parameters by path, restart an optimiser, set a schedule's count.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.optim import EMA, ema_weights
from jgan.rng import PHASE_STREAM, stream_key
from jgan.types import GANState, Key, Phase, PlayerState, PyTree

__all__ = ["Phase", "Place", "enter", "graft", "interpolated", "place", "restarted", "step_key", "with_count"]


class Place(NamedTuple):
    """The phase that a step of a run belongs to.

    Attributes:
      index: the index of the phase.
      start: the step of the run at which the phase starts.
      end: the step of the run at which the phase ends.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index
    start: int
    end: int


def place(phases: Sequence[Phase], steps: int, step: int) -> Place:
    """Finds the phase that a run is in after `step` updates.

    At a boundary a run is still in the earlier phase: its state there is the final state of that phase.

    Args:
      phases: the phases of the run.
      steps: the generator updates of the whole run.
      step: the updates made so far.

    Returns:
      The `Place`.

    Raises:
      ValueError: if a phase other than the last has no length.

    Example:
      >>> from jgan import phases
      >>> two = [phases.Phase(None, steps=100), phases.Phase(None)]
      >>> phases.place(two, 300, 100)
      Place(index=0, start=0, end=100)
      >>> phases.place(two, 300, 101)
      Place(index=1, start=100, end=300)
    """
    for index, phase in enumerate(phases[:-1]):
        if phase.steps is None:
            raise ValueError(f"phase {index} of {len(phases)} needs a number of steps: only the last one may go on to the end")
    ends = [*itertools.accumulate(phase.steps or 0 for phase in phases[:-1]), steps]
    start = 0
    for index, end in enumerate(ends):
        if step <= end or index == len(ends) - 1:
            return Place(index, min(start, steps), min(end, steps))
        start = end
    raise AssertionError("there is always a last phase")


def step_key(key: Key, index: int) -> Key:
    """The root key of the steps of a phase; the first phase uses the run's key.

    Args:
      key: the root key of the run's steps.
      index: the index of the phase.

    Returns:
      The key.
    """
    return key if index == 0 else stream_key(key, PHASE_STREAM + index)


def enter(phases: Sequence[Phase], index: int, key: Key, previous: GANState | None) -> GANState:
    """The state before the first step of a phase.

    Args:
      phases: the phases of the run.
      index: the index of the phase.
      key: the run's key of initial parameters.
      previous: the final state of the previous phase; None for the first phase.

    Returns:
      The state; it depends only on the arguments.

    Example:
      See `jgan.training.loop`.
    """
    own = step_key(key, index)
    begin = phases[index].enter
    if previous is None or begin is None:
        return phases[index].gan.init(own)
    return begin(own, previous)


def graft(params: PyTree, source: PyTree, *path: str) -> PyTree:
    """Replaces a subtree of parameters by trained parameters with the same names and shapes.

    Args:
      params: nested dicts of parameters.
      source: the trained subtree.
      *path: the keys of the subtree in `params`; none for the whole tree.

    Returns:
      A tree like `params`; the arrays of `source` are copied.

    Raises:
      ValueError: if there is no such subtree, or its names and shapes are not those of `source`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import phases
      >>> params = {"new": {"w": jnp.zeros(2)}, "old": {"w": jnp.zeros(3)}}
      >>> print(phases.graft(params, {"w": jnp.ones(3)}, "old")["old"]["w"])
      [1. 1. 1.]
      >>> phases.graft(params, {"w": jnp.ones(3)}, "new")
      Traceback (most recent call last):
      ValueError: cannot take over parameters: expected ['w'] of the shape (2,), found (3,)
    """
    if path:
        if not isinstance(params, dict) or path[0] not in params:
            known = ", ".join(params) if isinstance(params, dict) else type(params).__name__
            raise ValueError(f"cannot take over parameters: expected a subtree {path[0]!r}, found {known}")
        return {**params, path[0]: graft(params[path[0]], source, *path[1:])}

    def shapes(tree: PyTree) -> dict[str, tuple[int, ...]]:
        return {jax.tree_util.keystr(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}

    expected, found = shapes(params), shapes(source)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"cannot take over parameters: expected {name} of the shape {expected.get(name)}, found {found.get(name)}"
            )
    return jax.tree.map(jnp.array, source)


def interpolated(first: PlayerState, last: PlayerState, share: float) -> PlayerState:
    """A player between two phases: each weight `(1 - share) first + share last`, of the averaged weights where there are any.

    Between a generator trained by a distance and the same trained on by an adversarial loss, the share trades fidelity to the
    pixels for detail.

    Args:
      first: the player at the end of the earlier phase.
      last: the player of the later phase, which began from the earlier one's weights.
      share: 0 for the first, 1 for the last; 0.8 in the authors' demonstration.

    Returns:
      `last` with these parameters and other variables, and without an average.

    Raises:
      ValueError: if the share is not in [0, 1], or the names or shapes of the weights differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan import phases
      >>> from jgan.types import PlayerState
      >>> first, last = (PlayerState({"w": jnp.full(1, value)}, {}, ()) for value in (1.0, 2.0))
      >>> print(phases.interpolated(first, last, 0.75).params["w"])
      [1.75]

    References:
      Wang et al., "ESRGAN" (2018), section 3.4, https://arxiv.org/abs/1809.00219
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the later phase must be in [0, 1], found {share}")
    weights = ema_weights(last)
    earlier = (graft(new, old) for new, old in zip(weights, ema_weights(first), strict=True))
    params, model_state = jax.tree.map(lambda old, new: (1 - share) * old + share * new, tuple(earlier), weights)
    return last._replace(params=params, model_state=model_state, ema=())


def restarted(
    player: PlayerState, params: PyTree, optimizer: optax.GradientTransformation, ema: EMA | None = None
) -> PlayerState:
    """Restarts a player from other parameters, with a new optimiser state and a new weight average.

    Args:
      player: the player's state; its `model_state` is kept.
      params: its new parameters.
      optimizer: its optimiser.
      ema: the weight average, or None.

    Returns:
      The new player state.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jgan import phases
      >>> from jgan.types import PlayerState
      >>> old = PlayerState({"w": jnp.zeros(1)}, {}, ())
      >>> float(phases.restarted(old, {"w": jnp.ones(1)}, optax.sgd(0.1)).params["w"][0])
      1.0
    """
    average = () if ema is None else ema.init(params, player.model_state)
    return PlayerState(params, player.model_state, optimizer.init(params), average)


def with_count(opt_state: PyTree, count: int) -> PyTree:
    """Sets the number of updates on which the schedules of an optimiser depend.

    Args:
      opt_state: the state of an optax optimiser.
      count: the number of updates.

    Returns:
      A tree like `opt_state`, unchanged if it contains no count.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jgan import phases
      >>> state = optax.adam(1e-3).init(jnp.zeros(2))
      >>> int(phases.with_count(state, 7)[0].count)
      7
    """

    def moved(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        # Matches fields of optimiser states, not parameters named "count". `optax.tree_utils.tree_set` does not reach the
        # counts of schedules inside `optax.inject_hyperparams`, which adds another count above them.
        is_count = isinstance(path[-1], jax.tree_util.GetAttrKey) and path[-1].name == "count"
        return jnp.full_like(leaf, count) if is_count else leaf

    return jax.tree_util.tree_map_with_path(moved, opt_state)
