"""BigGAN's generator for ImageNet: one shared vector of the class, and a part of the latents for each block."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, Float32, Int

from jgan.networks.attention import SelfAttention
from jgan.networks.conv_layers import Conv
from jgan.networks.dcgan import stages
from jgan.networks.norms import BatchNorm
from jgan.networks.ranges import tanh_to_unit
from jgan.networks.resample import nearest
from jgan.networks.resized_conv import UpsampleConv
from jgan.networks.resnet import check_attention
from jgan.networks.spectral import applied
from jgan.types import Key, Network, PyTree


class ConditionedBatchNorm(nn.Module):
    """Batch normalisation whose gain, `1 + W_g c`, and shift, `W_s c`, are linear in a condition c; W has spectral norm 1."""

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        condition: Float[jax.Array, "b size"],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b h w c"]:
        """Maps `[B, height, width, channels]` and `[B, size]` to the shape of the first."""
        norm = BatchNorm(use_scale=False, use_bias=False, dtype=self.dtype, name="norm")
        h = norm(x, train=train, axis_name=axis_name)

        def of(name: str) -> jax.Array:
            layer = nn.Dense(x.shape[-1], use_bias=False, dtype=self.dtype, name=name)
            return applied(layer, condition, spectral=True, train=train)[:, None, None, :]

        return h * (1 + of("gain")) + of("shift")


class BigGANBlock(nn.Module):
    """A residual block that doubles the sides: conditioned normalisation, ReLU, 3x3 convolution, twice; a 1x1 shortcut."""

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[jax.Array, "b h w c"],
        condition: Float[jax.Array, "b size"],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float[jax.Array, "b 2*h 2*w features"]:
        """Maps `[B, height, width, channels]` and `[B, size]` to `[B, 2 height, 2 width, features]`."""

        def act(h: jax.Array, index: int) -> jax.Array:
            norm = ConditionedBatchNorm(self.dtype, name=f"norm_{index}")
            return nn.relu(norm(h, condition, train=train, axis_name=axis_name))

        first = UpsampleConv(self.features, 3, dtype=self.dtype, name="conv_1")
        h = applied(first, act(x, 1), spectral=True, train=train)
        h = applied(Conv(self.features, 3, dtype=self.dtype, name="conv_2"), act(h, 2), spectral=True, train=train)
        shortcut = applied(Conv(self.features, 1, dtype=self.dtype, name="shortcut"), x, spectral=True, train=train)
        return h + nearest(shortcut)


class BigGANGenerator(nn.Module):
    """Maps latents and labels to images in [0, 1].

    The latents are cut into equal parts: the first makes the smallest map, through a linear layer; each other one, joined to a
    learnt vector of the class, is the condition of one residual block's normalisation. All layers have spectral normalisation,
    but the last normalisation and the vectors of the classes. For 128x128 images, `channels` 16, 16, 8, 4, 2 and 1 times 96,
    120 latents and 1,000 classes it has 70,433,988 parameters, as in BigGAN-PyTorch.

    Attributes:
      image_shape: `(height, width, channels)` of the output; see `jgan.networks.dcgan.stages` for the sizes that fit.
      channels: those of the smallest map and of each block.
      n_classes: the number of classes.
      class_size: the size of the vector of a class.
      attention: the smaller side of the maps that have self-attention; 0 for none.
      dtype: the dtype of the computation; the output is float32.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import networks
      >>> generator = networks.BigGANGenerator((8, 8, 1), (4, 4, 4), n_classes=10, class_size=5)
      >>> network = networks.from_module(generator, (6,), (), input_dtypes=(jnp.float32, jnp.int32))
      >>> params, model_state = network.init(jax.random.key(0))
      >>> network.apply(params, model_state, jnp.zeros((2, 6)), jnp.array([3, 7]))[0].shape
      (2, 8, 8, 1)

    References:
      Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), appendix B,
      https://arxiv.org/abs/1809.11096; ajbrock/BigGAN-PyTorch.
    """

    image_shape: Sequence[int]
    channels: Sequence[int]
    n_classes: int
    class_size: int = 128
    attention: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Float[jax.Array, "b latent"],
        labels: Int[jax.Array, " b"],
        *,
        train: bool = False,
        axis_name: str | None = None,
    ) -> Float32[jax.Array, "b h w c"]:
        """Maps latents `[B, latent_size]` and labels `[B]` to `[B, height, width, channels]` float32 in [0, 1]."""
        base = check_sizes(self.image_shape, self.channels, self.attention)
        count = len(self.channels)
        if z.shape[-1] % count:
            raise ValueError(f"latent_size must be a multiple of {count} for these images, found {z.shape[-1]}")
        first, *parts = jnp.split(z.astype(self.dtype), count, axis=-1)
        embed = nn.Embed(self.n_classes, self.class_size, embedding_init=nn.initializers.normal(0.02), name="classes")
        of_class = embed(labels).astype(self.dtype)
        project = nn.Dense(base[0] * base[1] * self.channels[0], dtype=self.dtype, name="project")
        h = applied(project, first, spectral=True, train=train).reshape(-1, *base, self.channels[0])
        for index, (features, part) in enumerate(zip(self.channels[1:], parts, strict=True), 1):
            block = BigGANBlock(features, self.dtype, name=f"block_{index}")
            h = block(h, jnp.concatenate([of_class, part], axis=-1), train=train, axis_name=axis_name)
            if self.attention == min(base) << index:
                h = SelfAttention(dtype=self.dtype, name="attention")(h, train=train)
        return to_image(h, self.image_shape[-1], self.dtype, train=train, axis_name=axis_name)


def check_sizes(image_shape: Sequence[int], channels: Sequence[int], attention: int) -> tuple[int, int]:
    """The sides of the smallest map of a generator; raises a `ValueError` if the sizes do not fit each other."""
    count, base = stages(image_shape, "BigGAN")
    if len(channels) != count + 1:
        raise ValueError(f"channels must have {count + 1} numbers for these images, found {len(channels)}")
    check_attention(attention, [min(base) << index for index in range(1, count + 1)])
    return base


def to_image(
    h: Float[jax.Array, "b h w c"], channels: int, dtype: jnp.dtype, *, train: bool, axis_name: str | None
) -> Float32[jax.Array, "b h w channels"]:
    """The last layers of a generator, `norm` and `output`; to be called in a compact method."""
    h = nn.relu(BatchNorm(dtype=dtype, name="norm")(h, train=train, axis_name=axis_name))
    return tanh_to_unit(applied(Conv(channels, 3, dtype=dtype, name="output"), h, spectral=True, train=train))


def started(network: Network, initializer: Callable[..., jax.Array]) -> Network:
    """The network with other initial kernels, of all layers and tables of classes.

    Args:
      network: the network.
      initializer: `initializer(key, shape, dtype) -> array`, such as `orthogonal()` of `flax.linen.initializers`.

    Returns:
      The `Network`; biases, gains and shifts start as before.

    Example:
      >>> import jax
      >>> from jgan import networks
      >>> from jgan.networks import biggan
      >>> network = networks.from_module(networks.PointGenerator(2, (4,)), (3,))
      >>> params, _ = biggan.started(network, jax.nn.initializers.zeros).init(jax.random.key(0))
      >>> float(abs(params["Dense_0"]["kernel"]).max())
      0.0
    """

    def init(key: Key) -> tuple[PyTree, PyTree]:
        params, model_state = network.init(key)
        leaves, structure = jax.tree_util.tree_flatten_with_path(params)
        keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
        new = [
            initializer(own, leaf.shape, leaf.dtype) if path[-1].key in ("kernel", "embedding") else leaf
            for own, (path, leaf) in zip(keys, leaves, strict=True)
        ]
        return jax.tree_util.tree_unflatten(structure, new), model_state

    return Network(init, network.apply)
