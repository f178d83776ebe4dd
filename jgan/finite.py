"""Values that are not finite: which leaves of a tree have them, and steps that skip an update that would introduce them."""

from typing import Any

import jax
import jax.numpy as jnp

from jgan.types import GANState, Key, Metrics, PyTree, Step

SKIPPED = "skipped"
"""the metric of a step from `skip_nonfinite`: 1.0 for an update that was skipped, else 0.0"""


def finite_leaves(tree: PyTree) -> PyTree:
    """Whether each leaf of a tree is finite.

    Args:
      tree: a tree of arrays; integers are always finite.

    Returns:
      The tree with boolean scalars as leaves.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import finite
      >>> jax.tree.map(bool, finite.finite_leaves({"a": jnp.array([1.0, jnp.inf]), "n": jnp.array(3)}))
      {'a': False, 'n': True}
    """
    return jax.tree.map(lambda leaf: jnp.isfinite(leaf).all() if _inexact(leaf) else jnp.array(True), tree)


def all_finite(tree: PyTree) -> jax.Array:
    """Whether all leaves of a tree are finite.

    Args:
      tree: a tree of arrays.

    Returns:
      A boolean scalar.
    """
    leaves = [leaf for leaf in jax.tree.leaves(tree) if _inexact(leaf)]
    return jnp.array([jnp.isfinite(leaf).all() for leaf in leaves]).all()


def skip_nonfinite(step: Step) -> Step:
    """A step that leaves the state unchanged, except for its counter, where the update would not be finite.

    The counter still advances, so that the next step has another minibatch and other random numbers.

    Args:
      step: a training step, `(key, state, data, *, axis_name=None) -> (state, metrics)`.

    Returns:
      The step, whose metrics include `skipped`; the other metrics of a skipped step may not be finite.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import GANState, PlayerState, finite
      >>> def diverging(key, state, data, *, axis_name=None):
      ...     return state._replace(step=state.step + 1, memory=state.memory / 0), {"d_loss": jnp.inf}
      >>> state = GANState(jnp.array(7), PlayerState({}, {}, ()), PlayerState({}, {}, ()), memory=jnp.ones(2))
      >>> new, metrics = finite.skip_nonfinite(diverging)(jax.random.key(0), state, None)
      >>> int(new.step), new.memory.tolist(), float(metrics["skipped"])
      (8, [1.0, 1.0], 1.0)
    """

    def guarded(key: Key, state: GANState, data: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        new, metrics = step(key, state, data, axis_name=axis_name)
        good = all_finite((new, metrics))
        kept = jax.tree.map(lambda after, before: jnp.where(good, after, before), new, state)
        return kept._replace(step=new.step), {**metrics, SKIPPED: 1 - good.astype(jnp.float32)}

    return guarded


def _inexact(leaf: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)
