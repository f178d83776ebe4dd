"""A classifier with one hidden layer, and the choices that turn a poor discriminator into a good one, to be made one by one.

The loss, the activation, the optimiser and the normalisation are options. `SIMPLE` has those of a first neural network, squared
error on sigmoids and stochastic gradient descent; the defaults of `Dense` are those of most discriminators. Training is a pure
function: `epoch` runs over all minibatches of an epoch in one program, of single examples too.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float, Int32

from jgan import networks, optim
from jgan.data import resident
from jgan.types import Batch, Key, Network, PyTree
from jgan.utils import xla
from jgan.utils.checks import whole


@dataclasses.dataclass(frozen=True)
class Dense:
    """The options of the network and of its training."""

    units: int = 200
    """units of the hidden layer"""
    activation: Literal["leaky_relu", "sigmoid", "relu", "gelu", "tanh"] = "leaky_relu"
    """activation of the hidden layer"""
    slope: float = 0.02
    """slope of leaky_relu below 0"""
    layer_norm: bool = True
    """layer normalisation of the hidden layer"""
    loss: Literal["bce", "squared", "cross_entropy"] = "bce"
    """bce: binary cross-entropy of each class; squared: squared error of sigmoids; cross_entropy: that of the softmax"""
    optimizer: Literal["adam", "sgd"] = "adam"
    """optimiser, without momentum if sgd"""
    learning_rate: float | None = None
    """learning rate; None: 0.001 for adam, 0.01 for sgd"""


SIMPLE = Dense(activation="sigmoid", layer_norm=False, loss="squared", optimizer="sgd")
"""A first neural network."""

RATES = {"adam": 1e-3, "sgd": 1e-2}
"""The learning rates where none is given."""


MOST_UNITS = 1 << 16
"""The most units of a hidden layer."""


class State(NamedTuple):
    """What training changes."""

    params: PyTree
    optimizer: PyTree


class Trainer(NamedTuple):
    """The functions of a training.

    Attributes:
      init: `init(key) -> State`.
      loss: `loss(params, batch) -> [B]` for images in [0, 1].
      apply: `apply(state, gradient) -> state`, one step of the optimiser.
      update: `update(state, batch) -> (state, loss)`, one step on the mean loss of a minibatch.
    """

    init: Callable[[Key], State]
    loss: Callable[[PyTree, Batch], jax.Array]
    apply: Callable[[State, PyTree], State]
    update: Callable[[State, Batch], tuple[State, jax.Array]]


def network(config: Dense, image_shape: tuple[int, ...], classes: int) -> Network:
    """The network: `jgan.networks.DenseClassifier`.

    Args:
      config: the options.
      image_shape: `(height, width, channels)`.
      classes: the number of classes.

    Returns:
      The `Network`: images in [0, 1] to a pair of logits and features.
    """
    module = networks.DenseClassifier(classes, config.units, config.activation, config.slope, config.layer_norm)
    return networks.from_module(module, image_shape)


def losses(name: str, logits: Float[jax.Array, "b classes"], labels: Int32[jax.Array, " b"]) -> Float[jax.Array, " b"]:
    """The loss of each example.

    Args:
      name: `"squared"` or `"bce"`, both means over the outputs with one-hot targets, or `"cross_entropy"`.
      logits: `[B, classes]`.
      labels: int32 `[B]`.

    Returns:
      `[B]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jgan.features import dense
      >>> print(dense.losses("squared", jnp.zeros((1, 4)), jnp.array([2])))
      [0.25]
    """
    if name == "cross_entropy":
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    targets = jax.nn.one_hot(labels, logits.shape[-1])
    if name == "bce":
        return optax.sigmoid_binary_cross_entropy(logits, targets).mean(axis=-1)
    return jnp.square(jax.nn.sigmoid(logits) - targets).mean(axis=-1)


def trainer(config: Dense, image_shape: tuple[int, ...], classes: int) -> Trainer:
    """The functions of a training with these options.

    Args:
      config: the options.
      image_shape: `(height, width, channels)`.
      classes: the number of classes.

    Returns:
      The `Trainer`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.features import dense
      >>> simple = dense.trainer(dense.SIMPLE, (2, 2, 1), 3)
      >>> state = simple.init(jax.random.key(0))
      >>> state, loss = simple.update(state, Batch(jnp.zeros((5, 2, 2, 1)), jnp.zeros(5, jnp.int32)))
      >>> loss.shape
      ()
    """
    net = network(config, image_shape, classes)
    rate = RATES[config.optimizer] if config.learning_rate is None else config.learning_rate
    optimizer = optim.under_standard_promotion(optax.adam(rate) if config.optimizer == "adam" else optax.sgd(rate))

    def init(key: Key) -> State:
        params, _ = net.init(key)
        return State(params, optimizer.init(params))

    def loss(params: PyTree, batch: Batch) -> jax.Array:
        (logits, _), _ = net.apply(params, {}, batch.x)
        return losses(config.loss, logits, batch.y)

    def apply(state: State, gradient: PyTree) -> State:
        changes, changed = optimizer.update(gradient, state.optimizer, state.params)
        return State(optax.apply_updates(state.params, changes), changed)

    def update(state: State, batch: Batch) -> tuple[State, jax.Array]:
        value, gradient = jax.value_and_grad(lambda params: loss(params, batch).mean())(state.params)
        return apply(state, gradient), value

    return Trainer(init, loss, apply, update)


def order(key: Key, n: int, batch_size: int) -> Int32[jax.Array, "steps batch_size"]:
    """The examples of each minibatch of one epoch, in random order and without replacement.

    Args:
      key: the key of this epoch.
      n: the number of examples.
      batch_size: the size of a minibatch; examples that do not fill one are left out.

    Returns:
      int32 `[n // batch_size, batch_size]`.

    Example:
      >>> import jax
      >>> from jgan.features import dense
      >>> sorted(dense.order(jax.random.key(0), 4, 2).ravel().tolist())
      [0, 1, 2, 3]
    """
    steps = n // batch_size
    return jax.random.permutation(key, n)[: steps * batch_size].reshape(steps, batch_size).astype(jnp.int32)


def epoch(
    trained: Trainer, state: State, data: Batch, indices: Int32[jax.Array, "steps batch_size"]
) -> tuple[State, Float[jax.Array, " steps"]]:
    """One step for each row of indices, in one program: a `jax.lax.scan`.

    With rows of one index it is the training of a loop over single examples, without the loop's cost.

    Args:
      trained: the functions of the training.
      state: the state; map it by `jax.vmap` to train several networks side by side.
      data: all examples, on the device: uint8 images and their labels.
      indices: int32 `[steps, batch_size]`; see `order`.

    Returns:
      `(state, losses)`, the mean loss of each minibatch before its update, `[steps]`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch
      >>> from jgan.features import dense
      >>> simple = dense.trainer(dense.SIMPLE, (2, 2, 1), 3)
      >>> data = Batch(jnp.zeros((6, 2, 2, 1), jnp.uint8), jnp.zeros(6, jnp.int32))
      >>> rows = dense.order(jax.random.key(1), 6, 1)
      >>> state, losses = dense.epoch(simple, simple.init(jax.random.key(0)), data, rows)
      >>> losses.shape, bool(losses[-1] < losses[0])
      ((6,), True)
    """
    return jax.lax.scan(lambda state, row: trained.update(state, resident.cut(data, row)), state, indices)


def fit(key: Key, train: Batch, classes: int, config: Dense, *, epochs: int, batch_size: int) -> PyTree:
    """Trains a classifier with one hidden layer.

    Args:
      key: the key of the initial weights and of the order of images.
      train: uint8 images with their classes.
      classes: the number of classes.
      config: the options.
      epochs: the number of epochs, each of which is one call of a compiled program.
      batch_size: the batch size.

    Returns:
      The parameters.

    Raises:
      ValueError: if there are no labels, or fewer images than a batch.

    Example:
      >>> import jax, numpy as np
      >>> from jgan import data
      >>> from jgan.features import classifier, dense
      >>> digits = data.load("digits")
      >>> params = dense.fit(jax.random.key(0), digits.train, 10, dense.Dense(), epochs=5, batch_size=8)
      >>> classifier.accuracy(params, 10, digits.test, dense.Dense()) > 0.9
      True
    """
    check(train, batch_size)
    made = trainer(config, train.x.shape[1:], classes)
    init_key, order_key = jax.random.split(key)
    state, images = made.init(init_key), jax.tree.map(jnp.asarray, train)
    run = xla.jit(functools.partial(epoch, made), donate_argnums=0)
    for epoch_key in jax.random.split(order_key, epochs):
        state, _ = run(state, images, order(epoch_key, len(train.x), batch_size))
    return state.params


def check(train: Batch, batch_size: int) -> None:
    """Checks what a classifier is to be trained on.

    Args:
      train: the training images.
      batch_size: the batch size.

    Raises:
      ValueError: if there are no labels, or fewer images than a batch.
    """
    if train.y is None:
        raise ValueError("training a classifier needs labels, found none: use a labelled data set")
    if len(train.x) < batch_size:
        raise ValueError(f"the batch size must be at most the {len(train.x)} training images, found {batch_size}")


def check_options(config: Dense, prefix: str = "") -> None:
    """Checks the numbers among the options.

    Args:
      config: the options.
      prefix: what stands before their names in the message, such as `"--dense."`.

    Raises:
      ValueError: names the option, its valid values and the value found.

    Example:
      >>> from jgan.features import dense
      >>> dense.check_options(dense.Dense(units=0))
      Traceback (most recent call last):
      ValueError: units must be from 1 to 65536, found 0
    """
    whole(f"{prefix}units", config.units, 1, MOST_UNITS)
    rate = config.learning_rate
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"{prefix}learning-rate must be above 0, found {rate}")
    if not math.isfinite(config.slope):
        raise ValueError(f"{prefix}slope must be finite, found {config.slope}")
