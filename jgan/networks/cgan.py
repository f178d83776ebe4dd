"""The conditional networks of Mirza and Osindero (2014): class labels as a second input of both players."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.labels import one_hot
from jgan.networks.layers import Dense, Dropout, Maxout


class CGANGenerator(nn.Module):
    """Maps latents and labels to an image through ReLU layers.

    Latents and one-hot labels have a hidden layer each; both are mapped to a joint hidden layer, and that to the pixels. The
    paper says that dropout of probability 0.5 was applied, but not where: here it acts on the inputs of the joint layer and
    of the output layer, in training mode.

    Attributes:
      image_shape: `(height, width, channels)` of the output.
      n_classes: the number of classes.
      latent_units: the units of the latents' hidden layer.
      label_units: the units of the labels' hidden layer.
      joint_units: the units of the joint hidden layer.
      irange: every W ~ U(-irange, irange), except those of the first layers.
      hidden_keep: the probability that dropout keeps a hidden unit; 1 for no dropout.
      latent_irange: the same for the latents' layer; None for `irange`.
      label_irange: the same for the labels' layer; None for `irange`. A one-hot vector has one input that is not 0, so the
        layer needs a larger range for outputs as large as those of the latents' layer.
      label_scale: a factor on the one-hot vector. Gradient descent learns that layer faster by its square.
      output_bias_init: the initialiser of the last bias, `[height * width * channels]`.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.CGANGenerator((8, 8, 1), n_classes=10, latent_units=4, label_units=8, joint_units=8)
      >>> network = networks.from_module(generator, (100,), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 100)), jnp.array([3, 7]))[0].shape
      (2, 8, 8, 1)

    References:
      Mirza and Osindero, "Conditional Generative Adversarial Nets" (2014), section 4.1, https://arxiv.org/abs/1411.1784
    """

    image_shape: Sequence[int]
    n_classes: int
    latent_units: int = 200
    label_units: int = 1000
    joint_units: int = 1200
    irange: float = 0.05
    hidden_keep: float = 0.5
    latent_irange: float | None = None
    label_irange: float | None = None
    label_scale: float = 1.0
    output_bias_init: Callable[..., jax.Array] = nn.initializers.zeros
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, "b ..."],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps latents `[B, latent_size]` and labels `[B]` (integers) to `[B, height, width, channels]` float32 in [0, 1]."""
        dense = lambda units, irange, name, **kwargs: Dense(units, irange, dtype=self.dtype, name=name, **kwargs)  # noqa: E731
        drop = lambda x, name: Dropout(self.hidden_keep, name=name)(x, train=train, axis_name=axis_name)  # noqa: E731
        latent_irange = self.irange if self.latent_irange is None else self.latent_irange
        label_irange = self.irange if self.label_irange is None else self.label_irange
        of_z = nn.relu(dense(self.latent_units, latent_irange, "latent")(z))
        of_y = nn.relu(dense(self.label_units, label_irange, "label")(self.label_scale * one_hot(labels, self.n_classes)))
        h = drop(jnp.concatenate([of_z, of_y], axis=-1), "dropout_joint")
        h = drop(nn.relu(dense(self.joint_units, self.irange, "joint")(h)), "dropout_output")
        output = dense(math.prod(self.image_shape), self.irange, "output", bias_init=self.output_bias_init)
        return nn.sigmoid(output(h).astype(jnp.float32)).reshape(-1, *self.image_shape)


class CGANDiscriminator(nn.Module):
    """Maps an image and its label to one logit through maxout layers.

    Image and one-hot labels have a maxout layer each; both are mapped to a joint maxout layer, and that to the logit. Dropout
    acts on the pixels, and on the inputs of the joint layer and of the output layer; not on the labels.

    Attributes:
      n_classes: the number of classes.
      image_units: the units of the image's maxout layer.
      label_units: the units of the labels' maxout layer.
      joint_units: the units of the joint maxout layer.
      pieces: the pieces of a unit in these three layers.
      irange: every W ~ U(-irange, irange), except that of the labels' layer.
      label_irange: the same for the labels' layer; None for `irange`.
      input_keep: the probability that dropout keeps a pixel.
      hidden_keep: the probability that dropout keeps a hidden unit.
      dtype: the dtype of the computation; the logits are float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> discriminator = networks.CGANDiscriminator(n_classes=10, image_units=6, label_units=4, joint_units=6)
      >>> network = networks.from_module(discriminator, (8, 8, 1), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 8, 8, 1)), jnp.array([3, 7]))[0].shape
      (2,)

    References:
      Mirza and Osindero, "Conditional Generative Adversarial Nets" (2014), section 4.1, https://arxiv.org/abs/1411.1784
    """

    n_classes: int
    image_units: int = 240
    label_units: int = 50
    joint_units: int = 240
    pieces: Sequence[int] = (5, 5, 4)
    irange: float = 0.005
    input_keep: float = 0.8
    hidden_keep: float = 0.5
    label_irange: float | None = None
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        labels: Int[jax.Array, "b ..."],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, " b"]:
        """Maps images `[B, height, width, channels]` and labels `[B]` (integers) to `[B]` float32 logits."""
        maxout = lambda units, pieces, name: Maxout(units, pieces, self.irange, self.dtype, name=name)  # noqa: E731
        drop = lambda x, keep, name: Dropout(keep, name=name)(x, train=train, axis_name=axis_name)  # noqa: E731
        image_pieces, label_pieces, joint_pieces = self.pieces
        pixels = drop(x.reshape(x.shape[0], -1), self.input_keep, "dropout_image")
        of_x = maxout(self.image_units, image_pieces, "image")(pixels)
        label_irange = self.irange if self.label_irange is None else self.label_irange
        label_layer = Maxout(self.label_units, label_pieces, label_irange, self.dtype, name="label")
        of_y = label_layer(one_hot(labels, self.n_classes))
        h = drop(jnp.concatenate([of_x, of_y], axis=-1), self.hidden_keep, "dropout_joint")
        h = drop(maxout(self.joint_units, joint_pieces, "joint")(h), self.hidden_keep, "dropout_output")
        return Dense(1, self.irange, dtype=self.dtype, name="output")(h)[:, 0].astype(jnp.float32)
