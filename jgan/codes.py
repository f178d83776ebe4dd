"""InfoGAN's latent codes: parts of the latents that a network reads off the generated images."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32

from jgan import rng
from jgan.types import Inputs, Key


class Codes(NamedTuple):
    """The parts of InfoGAN's latents, in this order.

    Attributes:
      noise: the number of incompressible latents, U(-1, 1).
      categories: the number of values of each categorical code; a code is a uniformly drawn one-hot vector.
      continuous: the number of continuous codes, U(-1, 1).

    Example:
      >>> import jax
      >>> from jgan.codes import Codes
      >>> mnist = Codes(62, (10,), 2)
      >>> mnist.size, mnist.outputs, mnist.draw(jax.random.key(0), 5).shape
      (74, 12, (5, 74))

    References:
      Chen et al., "InfoGAN" (2016), https://arxiv.org/abs/1606.03657
    """

    noise: int
    categories: tuple[int, ...]
    continuous: int

    @property
    def size(self) -> int:
        """The number of latents."""
        return self.noise + self.outputs

    @property
    def outputs(self) -> int:
        """The number of outputs of the network that reads the codes."""
        return sum(self.categories) + self.continuous

    def draw(self, key: Key, n: int, axis_name: str | None = None) -> Float32[jax.Array, "n size"]:
        """Draws latents.

        Args:
          key: the key of the whole batch.
          n: the number of examples on this device.
          axis_name: the mapped axis over which the batch is spread, if any.

        Returns:
          `[n, size]` float32.
        """

        def one(key: Key) -> jax.Array:
            noise, continuous, *keys = jax.random.split(key, 2 + len(self.categories))
            chosen = [
                jax.nn.one_hot(jax.random.randint(own, (), 0, values), values)
                for own, values in zip(keys, self.categories, strict=True)
            ]
            first = jax.random.uniform(noise, (self.noise,), minval=-1, maxval=1)
            last = jax.random.uniform(continuous, (self.continuous,), minval=-1, maxval=1)
            return jnp.concatenate([first, *chosen, last])

        return rng.one_each(key, n, one, axis_name)

    def split(self, z: Float[jax.Array, "n size"]) -> tuple[jax.Array, list[jax.Array], jax.Array]:
        """The parts of latents, or those of the outputs of the network that reads the codes.

        Args:
          z: `[n, size]` latents, or `[n, outputs]` outputs.

        Returns:
          `(noise, [each categorical code], continuous codes)`; the noise of outputs has no columns.
        """
        first = z.shape[-1] - self.outputs
        places = [first + sum(self.categories[:index]) for index in range(len(self.categories) + 1)]
        noise, *codes, continuous = jnp.split(z, places, axis=-1)
        return noise, codes, continuous

    def log_likelihood(self, output: Float[jax.Array, "n outputs"], inputs: Inputs) -> Float32[jax.Array, " n"]:
        """`log Q(codes | image)`: softmaxes for the categorical codes, N(output, 1) for the continuous ones.

        Args:
          output: `[n, outputs]`, of the network that reads the codes.
          inputs: those of the generator; `z` holds the codes.

        Returns:
          `[n]`, in nats.
        """
        _, logits, means = self.split(output)
        _, chosen, continuous = self.split(inputs.z)
        value = -0.5 * jnp.sum(jnp.square(continuous - means) + math.log(2 * math.pi), axis=1)
        for guess, true in zip(logits, chosen, strict=True):
            value += jnp.sum(jax.nn.log_softmax(guess) * true, axis=1)
        return value

    def with_category(self, z: Any, code: int, value: int) -> Float32[jax.Array, "n size"]:
        """Latents with one value of a categorical code.

        Args:
          z: `[n, size]` latents.
          code: which categorical code.
          value: its value.

        Returns:
          `[n, size]`.

        Example:
          >>> import jax.numpy as jnp
          >>> from jgan.codes import Codes
          >>> Codes(1, (3,), 1).with_category(jnp.zeros((1, 5)), 0, 2).tolist()
          [[0.0, 0.0, 0.0, 1.0, 0.0]]
        """
        first = self.noise + sum(self.categories[:code])
        one = jax.nn.one_hot(value, self.categories[code])
        return jnp.asarray(z).at[:, first : first + self.categories[code]].set(one)
