"""Constraints on weights, as gradient transformations: max column norm, weight clipping, orthogonal regularisation.

The first two are projections. Chain them after the optimiser: each changes an update that would leave the allowed set into
one that ends on its boundary, without affecting the momentum. The third adds to the gradient; chain it before the optimiser.
"""

import jax
import jax.numpy as jnp
import optax

from jgan.types import PyTree


def _is_kernel(path: tuple) -> bool:
    return jax.tree_util.keystr(path).endswith("['kernel']")


def max_column_norm(limit: float) -> optax.GradientTransformation:
    """Keeps the norm of every column of every kernel at `limit` or below, by projection after each update.

    A column holds the weights of one output: all axes of a kernel except the last. In a maxout layer the limit applies to each
    *piece*, in a convolution to each filter. A kernel is a leaf named `kernel`; biases are not constrained.

    Args:
      limit: the maximum norm, above 0.

    Returns:
      The gradient transformation, without state.

    Raises:
      ValueError: if `limit` is not above 0, or if `update` is called without the parameters.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jgan import constraints
      >>> optimizer = optax.chain(optax.sgd(1.0), constraints.max_column_norm(5.0))
      >>> params = {"kernel": jnp.zeros((2, 2)), "bias": jnp.zeros(2)}
      >>> grads = {"kernel": jnp.array([[-6.0, -3.0], [-8.0, -4.0]]), "bias": jnp.array([-9.0, -9.0])}
      >>> updates, _ = optimizer.update(grads, optimizer.init(params), params)
      >>> print(optax.apply_updates(params, updates)["kernel"])  # the columns had norms 10 and 5
      [[3. 3.]
       [4. 4.]]

    References:
      Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors" (2012),
      https://arxiv.org/abs/1207.0580
    """
    if limit <= 0:
        raise ValueError(f"the limit of a norm must be above 0, found {limit}")

    def project(path: tuple, update: jax.Array, param: jax.Array) -> jax.Array:
        if not _is_kernel(path):
            return update
        new = param + update
        squared = jnp.sum(jnp.square(new), axis=tuple(range(new.ndim - 1)), keepdims=True)
        outside = squared > limit**2
        # The inner `where` avoids the infinite gradient of the square root at 0.
        return jnp.where(outside, new * (limit / jnp.sqrt(jnp.where(outside, squared, 1))) - param, update)

    def update(updates: PyTree, state: optax.EmptyState, params: PyTree | None = None):
        if params is None:
            raise ValueError("max_column_norm needs the parameters: call update(updates, state, params)")
        return jax.tree_util.tree_map_with_path(project, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def clip_weights(limit: float) -> optax.GradientTransformation:
    """Clips every parameter, biases included, to [-limit, limit], as the original Wasserstein GAN does to its critic.

    Args:
      limit: the maximum absolute value, above 0.

    Returns:
      The gradient transformation, without state.

    Raises:
      ValueError: if `limit` is not above 0, or if `update` is called without the parameters.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jgan import constraints
      >>> optimizer = optax.chain(optax.sgd(1.0), constraints.clip_weights(0.01))
      >>> params = {"kernel": jnp.zeros(3)}
      >>> updates, _ = optimizer.update({"kernel": jnp.array([-1.0, 0.005, 1.0])}, optimizer.init(params), params)
      >>> print(optax.apply_updates(params, updates)["kernel"])
      [ 0.01  -0.005 -0.01 ]

    References:
      Arjovsky et al., "Wasserstein Generative Adversarial Networks" (2017), Algorithm 1, https://arxiv.org/abs/1701.07875
    """
    if limit <= 0:
        raise ValueError(f"the limit of a weight must be above 0, found {limit}")

    def update(updates: PyTree, state: optax.EmptyState, params: PyTree | None = None):
        if params is None:
            raise ValueError("clip_weights needs the parameters: call update(updates, state, params)")
        return jax.tree.map(lambda u, p: jnp.clip(p + u, -limit, limit) - p, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def orthogonal_regularization(weight: float = 1e-4) -> optax.GradientTransformation:
    """Adds the gradient of `weight |W'W o (1 - I)|^2` for every kernel W, which pulls its columns towards orthogonality.

    The norms of the columns are free. A column holds the weights of one output: a kernel with more than two axes is reshaped to
    a matrix whose columns are its last axis. The gradient is `4 weight W (W'W o (1 - I))`. Chain it before the optimiser.

    Args:
      weight: BigGAN's beta.

    Returns:
      The gradient transformation, without state.

    Raises:
      ValueError: if `update` is called without the parameters.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jgan import constraints
      >>> optimizer = optax.chain(constraints.orthogonal_regularization(0.25), optax.sgd(1.0))
      >>> params = {"kernel": jnp.array([[1.0, 2.0], [0.0, 1.0]])}
      >>> updates, _ = optimizer.update({"kernel": jnp.zeros((2, 2))}, optimizer.init(params), params)
      >>> print(updates["kernel"])  # the columns (1, 0) and (2, 1): inner product 2
      [[-4. -2.]
       [-2. -0.]]

    References:
      Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), equation 3,
      https://arxiv.org/abs/1809.11096
    """

    def add(path: tuple, grad: jax.Array, param: jax.Array) -> jax.Array:
        if not _is_kernel(path):
            return grad
        matrix = param.reshape(-1, param.shape[-1])
        products = matrix.T @ matrix
        crossed = products - jnp.diag(jnp.diag(products))
        return grad + (4 * weight * matrix @ crossed).reshape(param.shape)

    def update(updates: PyTree, state: optax.EmptyState, params: PyTree | None = None):
        if params is None:
            raise ValueError("orthogonal_regularization needs the parameters: call update(updates, state, params)")
        return jax.tree_util.tree_map_with_path(add, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
