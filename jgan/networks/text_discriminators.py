"""Convolutional discriminators of sequences: SeqGAN's with a highway layer, and RelGAN's of several representations.

Both embed the tokens, convolve them with filters of several widths, take the largest value of each filter over the places, and
pass the result through a highway layer and dropout. The convolutions are written as products of windows: so they keep their
threads inside a `lax.scan` on CPU, where XLA's convolutions lose theirs.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Shaped

from jgan.networks.layers import Dropout, symmetric_uniform

WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20)
FILTERS = (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160)
"""The filters of SeqGAN's discriminator and their widths, for sequences of 20 tokens."""

truncated = nn.initializers.truncated_normal


class Windows(nn.Module):
    """Filters over all windows of a sequence: `[..., L, D]` to the largest value of each over the places, `[..., filters]`.

    A sequence shorter than a filter has no window of it, so widths above its length are left out.

    Attributes:
      widths: the widths of the filters, in tokens.
      filters: how many there are of each width.
      stddev: the spread of the initial weights, a truncated normal.
      bias: the initial biases.
    """

    widths: Sequence[int]
    filters: Sequence[int]
    stddev: float = 0.1
    bias: float = 0.1

    @nn.compact
    def __call__(self, x: Float[jax.Array, "*lead length d"]) -> Float32[jax.Array, "*lead features"]:
        """Maps `[..., L, D]` to `[..., features]`, after a ReLU."""
        length, found = x.shape[-2], []
        for width, filters in zip(self.widths, self.filters, strict=True):
            if width > length:
                continue
            places = length - width + 1
            windows = jnp.concatenate([x[..., start : start + places, :] for start in range(width)], axis=-1)
            init, bias = truncated(self.stddev), nn.initializers.constant(self.bias)
            values = nn.Dense(filters, kernel_init=init, bias_init=bias, name=f"width_{width}")(windows)
            found.append(jax.nn.relu(jnp.max(values, axis=-2)))
        return jnp.concatenate(found, axis=-1)


class Highway(nn.Module):
    """A layer that is open at each unit to a share: `t relu(W x + b) + (1 - t) x`, `t = sigmoid(V x + gate_bias)`.

    Attributes:
      gate_bias: the initial bias of the gates.

    References:
      Srivastava et al., "Highway Networks" (2015), https://arxiv.org/abs/1505.00387
    """

    gate_bias: float = 0.0

    @nn.compact
    def __call__(self, x: Float[jax.Array, "*lead features"]) -> Float32[jax.Array, "*lead features"]:
        """Maps `[..., features]` to the same shape."""
        gate = jax.nn.sigmoid(nn.Dense(x.shape[-1], bias_init=nn.initializers.constant(self.gate_bias), name="gate")(x))
        return gate * jax.nn.relu(nn.Dense(x.shape[-1], name="map")(x)) + (1 - gate) * x


class TextCNN(nn.Module):
    """SeqGAN's discriminator: a softmax of two classes, whose logits' difference is the logit.

    Attributes:
      size: the size of the vocabulary.
      embedding: the size of an embedded token.
      widths: the widths of the filters.
      filters: how many there are of each width.
      keep: the share of the features that dropout keeps, after the highway layer.

    References:
      Zhang and LeCun (2015), https://arxiv.org/abs/1502.01710; Yu et al., "SeqGAN" (2017), https://arxiv.org/abs/1609.05473
    """

    size: int
    embedding: int = 64
    widths: Sequence[int] = WIDTHS
    filters: Sequence[int] = FILTERS
    keep: float = 0.75

    @nn.compact
    def __call__(
        self, tokens: Shaped[jax.Array, "b length"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, " b"]:
        """Maps tokens `[B, L]` int32 to logits `[B]`."""
        x = nn.Embed(self.size, self.embedding, embedding_init=symmetric_uniform(1.0), name="embed")(tokens)
        h = Highway(name="highway")(Windows(self.widths, self.filters, name="windows")(x))
        h = Dropout(self.keep)(h, train=train, axis_name=axis_name)
        classes = nn.Dense(2, kernel_init=truncated(0.1), bias_init=nn.initializers.constant(0.1), name="output")(h)
        return classes[:, 1] - classes[:, 0]


class MultiRepresentationCNN(nn.Module):
    """RelGAN's discriminator: the embedding is cut into representations, which share all layers; each gives one logit.

    Attributes:
      size: the size of the vocabulary.
      representations: their number; the code has as many as the embedding has numbers, 64.
      embedding: the size of an embedded token, a multiple of that.
      widths: the widths of the filters.
      filters: how many there are of each width.
      hidden: the units of the layer before the output.
      keep: the share of the features that dropout keeps, after the highway layer.

    References:
      Nie et al., "RelGAN: Relational Generative Adversarial Networks for Text Generation" (2019),
      https://openreview.net/forum?id=rJedV3R5tm
    """

    size: int
    representations: int = 64
    embedding: int = 64
    widths: Sequence[int] = (2, 3, 4, 5)
    filters: Sequence[int] = (300, 300, 300, 300)
    hidden: int = 100
    keep: float = 0.75

    @nn.compact
    def __call__(
        self, x: Float[jax.Array, "b length size"], *, train: bool = False, axis_name: str | None = None
    ) -> Float32[jax.Array, "b r 1"]:
        """Maps relaxed tokens `[B, L, V]` to logits `[B, representations, 1]`."""
        if self.representations < 1 or self.embedding % self.representations:
            raise ValueError(
                f"the embedding must be a multiple of the representations, found {self.embedding} and {self.representations}"
            )
        x = nn.Dense(self.embedding, use_bias=False, kernel_init=symmetric_uniform(1.0), name="embed")(x)
        x = jnp.moveaxis(x.reshape(*x.shape[:2], self.representations, -1), 2, 1)
        h = Highway(name="highway")(Windows(self.widths, self.filters, name="windows")(x))
        h = Dropout(self.keep)(h, train=train, axis_name=axis_name)
        return nn.Dense(1, name="output")(nn.Dense(self.hidden, name="hidden")(h))
