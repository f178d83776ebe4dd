"""What the tests of penalties share: the view of a discriminator that is a plain function, and where a penalty looks."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.penalties import View

KEY = jax.random.key(0)


def view_of(critic, real, fake, *, key=KEY, step=0, **fields):
    """The view of `critic: [B, ...] -> [B]`, its gradients taken example by example."""
    real, fake = jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32)
    alone = jax.vmap(jax.grad(lambda x: critic(x[None])[0]))
    return View(
        key=key,
        step=jnp.int32(step),
        real=real,
        fake=fake,
        real_logits=critic(real),
        fake_logits=critic(fake),
        real_gradients=lambda: alone(real),
        fake_gradients=lambda: alone(fake),
        critic=critic,
        fake_critic=critic,
        **fields,
    )


def flat(x):
    return x.reshape(len(x), -1)


def linear(a, b):
    """D(x) = a . x + b."""
    a = jnp.asarray(a, jnp.float32)
    return lambda x: flat(x) @ a + b


def points_of(make_penalty, real, fake):
    """`[B, n]`: where a penalty `weight (|grad D| - target)^2` takes the gradient, found from outside.

    The gradient of x_k^2 / 2 is x_k alone, so with the target 0 the penalty is the square of one coordinate. The points have to
    be positive. The key, and so the points, is that of `view_of`.
    """

    def coordinate(k):
        view = view_of(lambda x: jnp.square(flat(x)[:, k]) / 2, real, fake)
        return np.sqrt(make_penalty(1.0, target=0.0).value(view))

    return np.stack([coordinate(k) for k in range(np.asarray(real)[0].size)], axis=1).astype(np.float64)
