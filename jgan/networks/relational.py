"""The relational memory of RelGAN as a generator of sequences: attention between the memory and the new token, then gates."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int32

from jgan.networks.lstm import sequence_network
from jgan.networks.sequences import SequenceNetwork


class RelationalMemory(nn.Module):
    """A recurrent network whose state is a memory of slots, which attend to each other and to the new token.

    Attributes:
      size: the size of the vocabulary.
      embedding: the size of an embedded token.
      slots: the number of slots.
      heads: the number of attention heads.
      head_size: the size of a head's values; a slot has `heads * head_size` numbers.
      key_size: the size of a head's queries and keys.
      mlp_layers: layers of the map after the attention.
      forget_bias: added to the forget gates.
      input_bias: added to the input gates.
    """

    size: int
    embedding: int = 32
    slots: int = 1
    heads: int = 2
    head_size: int = 256
    key_size: int = 256
    mlp_layers: int = 2
    forget_bias: float = 1.0
    input_bias: float = 0.0

    def setup(self) -> None:
        width = self.heads * self.head_size
        self.embed = nn.Embed(self.size, self.embedding, embedding_init=nn.initializers.normal(0.1))
        self.inputs = nn.Dense(width)
        self.qkv = nn.Dense(self.heads * (2 * self.key_size + self.head_size))
        self.mlp = [nn.Dense(width) for _ in range(self.mlp_layers)]
        self.norms = [nn.LayerNorm(epsilon=1e-6) for _ in range(2)]
        self.input_gates, self.memory_gates = nn.Dense(2 * width), nn.Dense(2 * width)
        self.output = nn.Dense(self.size)

    def __call__(self, memory: Float[jax.Array, "n slots width"], tokens: Int32[jax.Array, " n"]) -> Float32[jax.Array, "n v"]:
        """The logits after one step, `[n, V]`; `init` makes all parameters by it."""
        return self.head(self.step(memory, tokens)[1])

    def attended(self, memory: Float[jax.Array, "n rows width"]) -> Float32[jax.Array, "n rows width"]:
        """The memory after attention among its rows and a map of each row, both residual and normalised."""
        n, rows, width = memory.shape
        parts = self.qkv(memory).reshape(n, rows, self.heads, -1)
        query, key, value = jnp.split(parts, [self.key_size, 2 * self.key_size], axis=-1)
        weights = jax.nn.softmax(jnp.einsum("nqhd,nkhd->nhqk", query * self.key_size**-0.5, key))
        found = jnp.einsum("nhqk,nkhd->nqhd", weights, value).reshape(n, rows, width)
        memory = self.norms[0](memory + found)
        mapped = memory
        for index, layer in enumerate(self.mlp):
            mapped = layer(jax.nn.relu(mapped) if index else mapped)
        return self.norms[1](memory + mapped)

    def step(self, memory: Float[jax.Array, "n slots width"], tokens: Int32[jax.Array, " n"]):
        """One step: `(memory, its numbers [n, slots width])`."""
        inputs = self.inputs(self.embed(tokens))[:, None]
        new = self.attended(jnp.concatenate([memory, inputs], axis=1))[:, : self.slots]
        gates = self.input_gates(inputs) + self.memory_gates(jnp.tanh(memory))
        write, keep = jnp.split(gates, 2, axis=-1)
        memory = jax.nn.sigmoid(write + self.input_bias) * jnp.tanh(new) + jax.nn.sigmoid(keep + self.forget_bias) * memory
        return memory, memory.reshape(memory.shape[0], -1)

    def head(self, features: Float[jax.Array, "*lead width"]) -> Float32[jax.Array, "*lead size"]:
        """The logits of the next token."""
        return self.output(features)


def relational(
    size: int, length: int, *, end: int = -1, embedding: int = 32, heads: int = 2, head_size: int = 256
) -> SequenceNetwork:
    """The generator of RelGAN: one slot, which begins as the first row of the identity.

    Args:
      size: the size of the vocabulary.
      length: the number of tokens of a sequence.
      end: the token that ends a sequence; -1 for none.
      embedding: the size of an embedded token.
      heads: the number of attention heads.
      head_size: the size of a head's queries, keys and values.

    Returns:
      The `SequenceNetwork`.

    Example:
      >>> import jax
      >>> from jgan.networks import relational, sequences
      >>> net = relational.relational(10, 4, head_size=8)
      >>> params = net.init(jax.random.key(0))
      >>> sequences.sampled(net, params, sequences.latent_keys(jax.random.key(1), 3)).shape
      (3, 4)

    References:
      Santoro et al., "Relational recurrent neural networks" (2018), https://arxiv.org/abs/1806.01822; Nie et al., "RelGAN:
      Relational Generative Adversarial Networks for Text Generation" (2019), https://openreview.net/forum?id=rJedV3R5tm
    """
    width = heads * head_size

    def begin(n: int) -> jax.Array:
        return jnp.broadcast_to(jnp.eye(1, width), (n, 1, width))

    module = RelationalMemory(size, embedding, heads=heads, head_size=head_size, key_size=head_size)
    return sequence_network(module, begin, length, size, end)
