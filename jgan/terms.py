"""Auxiliary loss terms, added to the adversarial loss of either player. Each is a function of a `View` of the update.

A `View` holds the data of one update: the minibatch, the latents and condition of the fakes, and the
discriminator's logits and other outputs. The mutual information of InfoGAN, the class loss of AC-GAN, the distance
to a target of pix2pix, feature matching and a supervised loss are each one term:

  >>> import jax.numpy as jnp
  >>> from jgan import terms
  >>> brightness = terms.Term("brightness", lambda view: jnp.square(view.fake.mean() - view.real.mean()), generator=10.0)

Penalties on the discriminator's input gradients are in `jgan.penalties`; they are functions of the same `View`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import losses, rng
from jgan.penalties.view import View, keep_memory
from jgan.types import Network, PyTree
from jgan.utils.registry import unknown


class Term(NamedTuple):
    """A term of one or both losses.

    Attributes:
      name: the name of its metric, which is the unweighted value.
      value: `value(view) -> scalar`, or `[B]` values, which are averaged; or a pair of these and the new memory, for a term
        that computes both at once and needs no `update`.
      generator: its weight in the generator's loss; 0 leaves it out.
      discriminator: its weight in the discriminator's loss; 0 leaves it out.
      init: `init() -> memory`, its initial memory, a tree of arrays.
      update: `update(view) -> memory`, after each update of the discriminator, or of the generator if only that has the term.
    """

    name: str
    value: Callable[[View], jax.Array | tuple[jax.Array, PyTree]]
    generator: float = 0.0
    discriminator: float = 0.0
    init: Callable[[], PyTree] = tuple
    update: Callable[[View], PyTree] = keep_memory


def class_loss(
    *,
    real: float = 1.0,
    fake: float = 1.0,
    generator: float | None = None,
    select: Callable[[Any], jax.Array] = lambda output: output,
) -> tuple[Term, ...]:
    """AC-GAN's auxiliary classifier: cross-entropy of the class that the discriminator also predicts.

    Args:
      real: the weight on real examples, in the discriminator's loss.
      fake: the weight on fakes, in both losses.
      generator: the weight in the generator's loss, if it is another.
      select: finds the class logits `[B, classes]` (`[B, pack, classes]` for packs) in the discriminator's second output.

    Returns:
      The two `Term`s, `real_class_loss` and `fake_class_loss`. The classes are the conditions of the examples.

    Example:
      >>> from jgan import terms
      >>> [term.name for term in terms.class_loss()]
      ['real_class_loss', 'fake_class_loss']

    References:
      Odena et al., "Conditional Image Synthesis With Auxiliary Classifier GANs" (2017), https://arxiv.org/abs/1610.09585
    """

    def cross_entropy(output: Any, labels: jax.Array) -> jax.Array:
        values = optax.softmax_cross_entropy_with_integer_labels(select(output), labels)
        return values.reshape(len(labels), -1).mean(axis=1)  # for packs: the mean over the examples of a pack

    def of_real(view: View) -> jax.Array:
        return cross_entropy(view.real_output, view.real_condition)

    def of_fake(view: View) -> jax.Array:
        return cross_entropy(view.fake_output, view.fake_condition)

    return (
        Term("real_class_loss", of_real, discriminator=real),
        Term("fake_class_loss", of_fake, generator=fake if generator is None else generator, discriminator=fake),
    )


def information(
    log_likelihood: Callable[[Any, Any], jax.Array], weight: float = 1.0, *, name: str = "information_loss"
) -> Term:
    """InfoGAN's lower bound of the mutual information between codes and fakes, negated: `-E log Q(code | G(z, code))`.

    The discriminator's second output holds the parameters of Q; both players minimise the term.

    Args:
      log_likelihood: `log_likelihood(output, inputs) -> [B]`, log Q of the codes in the generator's `Inputs`.
      weight: the paper's lambda.
      name: the name of its metric.

    Returns:
      The `Term`.

    Example:
      >>> import jax
      >>> from jgan import terms
      >>> def categorical(output, inputs):  # the first ten latents are a one-hot code
      ...     return (jax.nn.log_softmax(output) * inputs.z[:, :10]).sum(axis=1)
      >>> term = terms.information(categorical)

    References:
      Chen et al., "InfoGAN" (2016), equation 5, https://arxiv.org/abs/1606.03657
    """
    return Term(name, lambda view: -log_likelihood(view.fake_output, view.inputs), generator=weight, discriminator=weight)


def real(view: View) -> jax.Array:
    """The target of a fake: the real example with the same condition."""
    return view.real


def l1_to_target(weight: float = 100.0, *, target: Callable[[View], jax.Array] = real) -> Term:
    """pix2pix's mean absolute distance of each fake to the real example with the same condition.

    Args:
      weight: the paper's lambda.
      target: `target(view) -> [B, ...]`, for another target, such as the sharpened real examples.

    Returns:
      The `Term` of the generator.

    Example:
      >>> from jgan import terms
      >>> term = terms.l1_to_target(100.0)

    References:
      Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017), equation 3, https://arxiv.org/abs/1611.07004
    """
    return Term("l1_to_target", lambda view: jnp.mean(jnp.abs(view.fake - target(view))), generator=weight)


def perceptual(
    maps: Callable[[], Any],
    weight: float = 1.0,
    *,
    layers: Mapping[str, float] | None = None,
    distance: str = "l1",
    relu: bool = False,
    target: Callable[[View], jax.Array] = real,
) -> Term:
    """The distance of each fake to its real example in the feature maps of a frozen network.

    Args:
      maps: returns the `jgan.features.maps.Maps`; called only while a loss is traced, not where a model is sampled.
      weight: the weight of the sum over layers in the generator's loss.
      layers: the weight of each layer by name; None for the network's defaults.
      distance: `"l1"` or `"mse"`, of maps, averaged over all numbers of a layer.
      relu: whether the maps are taken after the ReLU.
      target: as for `l1_to_target`.

    Returns:
      The `Term` of the generator.

    Raises:
      ValueError: if the distance is unknown; while tracing, if a layer is.

    Example:
      >>> from jgan import terms
      >>> from jgan.features import maps
      >>> term = terms.perceptual(lambda: maps.choose("random:0"), layers={"conv1_2": 0.1, "conv3_2": 1.0})

    References:
      Johnson et al. (2016), https://arxiv.org/abs/1603.08155; before the ReLU: Wang et al. (2018), section 3.3,
      https://arxiv.org/abs/1809.00219
    """
    if distance not in ("l1", "mse"):
        raise ValueError(unknown("distance", distance, ("l1", "mse")))

    def value(view: View) -> jax.Array:
        found = maps()
        chosen = found.defaults if layers is None else layers
        if others := set(chosen) - set(found.layers):
            raise ValueError(unknown(f"layer of {found.name}", min(others), found.layers))
        total = jnp.zeros(())
        for name, real, fake in zip(found.layers, found.apply(target(view)), found.apply(view.fake), strict=True):
            difference = (jax.nn.relu(fake) - jax.nn.relu(real)) if relu else fake - real
            size = jnp.abs(difference) if distance == "l1" else jnp.square(difference)
            total = total + chosen[name] * jnp.mean(size) if chosen.get(name) else total
        return total

    return Term("perceptual_loss", value, generator=weight)


def feature_matching(
    weight: float = 1.0, *, select: Callable[[Any], PyTree] = lambda output: output, absolute: bool = False
) -> Term:
    """The distance between the mean features of real examples and of fakes.

    Args:
      weight: its weight in the generator's loss.
      select: finds the features in the discriminator's second output.
      absolute: whether to sum the absolute differences of the means instead of the squared ones.

    Returns:
      The `Term` of the generator; it raises a `ValueError` while tracing if the discriminator returns only logits.

    Example:
      >>> from jgan import terms
      >>> term = terms.feature_matching(1.0)

    References:
      Salimans et al., "Improved Techniques for Training GANs" (2016), section 3.1, https://arxiv.org/abs/1606.03498
    """

    def value(view: View) -> jax.Array:
        if view.fake_output is None:
            raise ValueError("feature matching needs a discriminator that returns (logits, features), found only logits")
        real, fake = select(view.real_output), select(view.fake_output)
        return losses.feature_matching(real, fake, absolute=absolute, axis_name=view.axis_name)

    return Term("feature_matching", value, generator=weight)


def supervised(loss: Callable[[Any, Any], jax.Array], labelled: Callable[[Any], Any], weight: float = 1.0) -> Term:
    """A supervised loss of the discriminator on labelled examples, for semi-supervised GANs.

    Args:
      loss: `loss(output, batch) -> [B] or scalar`, a function of the discriminator's second output.
      labelled: finds the labelled `Batch` in the minibatch, for instance `lambda batch: batch["labelled"]`.
      weight: its weight in the discriminator's loss.

    Returns:
      The `Term` of the discriminator.

    Example:
      >>> import optax
      >>> from jgan import terms
      >>> cross_entropy = lambda output, batch: optax.softmax_cross_entropy_with_integer_labels(output, batch.y)
      >>> term = terms.supervised(cross_entropy, lambda batch: batch["labelled"])

    References:
      Salimans et al. (2016), section 5, https://arxiv.org/abs/1606.03498
    """

    def value(view: View) -> jax.Array:
        examples = labelled(view.batch)
        assert view.discriminate is not None
        return loss(view.discriminate(examples.x)[1], examples)

    return Term("supervised_loss", value, discriminator=weight)


def path_length(styles: Network, images: Network, weight: float = 2.0, *, decay: float = 0.01, share: int = 2) -> Term:
    """StyleGAN2's path length regularisation: `(|J^T y| - a)^2`, a the running mean of `|J^T y|`, y ~ N(0, 1 / pixels).

    J is the Jacobian of the image in the styles. The length is the root mean square over the layers of the norms of `J^T y`.
    Like the authors' code, it lets the gradient pass through the running mean.

    Args:
      styles: the part of the generator that maps its latents to styles, `[B, layers, style]`, of the generator's parameters.
      images: the part that maps styles to images.
      weight: the weight in the generator's loss; the authors' images are in [-1, 1].
      decay: how fast the running mean follows, per evaluation.
      share: the term is computed for every `share`-th example of the batch, to save memory.

    Returns:
      The `Term`. Its memory is the running mean, which starts at 0.

    Example:
      See `jgan.models.stylegan2.make`.

    References:
      Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), section 3.2, https://arxiv.org/abs/1912.04958
    """

    def value(view: View) -> tuple[jax.Array, PyTree]:
        through = view.through
        assert through is not None
        w = through(styles, *view.inputs.args())[::share]
        noise = rng.one_each(view.key, len(w), lambda key: jax.random.normal(key, view.fake.shape[1:]), view.axis_name)
        noise = noise / math.sqrt(math.prod(view.fake.shape[1:3]))
        gradients = jax.grad(lambda w: jnp.sum(through(images, w) * noise))(w)
        lengths = jnp.sqrt(jnp.mean(jnp.sum(jnp.square(gradients), axis=2), axis=1))
        mean = view.memory + decay * (losses.global_mean(lengths, axis_name=view.axis_name) - view.memory)
        return jnp.mean(jnp.square(lengths - mean)), mean

    return Term("path_length", value, generator=weight, init=lambda: jnp.zeros(()))


def lazily(term: Term, every: int) -> Term:
    """Lazy regularisation: computes a term at every `every`-th step only, and multiplies it by `every`.

    Args:
      term: the term.
      every: the interval, in steps.

    Returns:
      The `Term`. At the other steps its value is 0 and its memory stays; the mean over steps is that of the given term. Under
      `jgan.parallel.vmap` it saves nothing, since both branches of the condition run.

    Raises:
      ValueError: if `every` is below 1.

    Example:
      >>> from jgan import terms
      >>> term = terms.lazily(terms.l1_to_target(), every=4)

    References:
      Karras et al. (2020), section 3.1, https://arxiv.org/abs/1912.04958
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, found {every}")

    def value(view: View) -> tuple[jax.Array, PyTree]:
        def due() -> tuple[jax.Array, PyTree]:
            found, memory = _split(term.value(view), view.memory)
            return every * jnp.mean(found), term.update(view._replace(memory=memory))

        return jax.lax.cond(view.step % every == 0, due, lambda: (jnp.zeros(()), view.memory))

    return term._replace(value=value, update=keep_memory)


def total(terms: tuple[Term, ...], player: str, view: View) -> tuple[jax.Array, PyTree, dict[str, jax.Array]]:
    """The weighted sum of the terms of one player's loss.

    Args:
      terms: all terms of the game.
      player: `"generator"` or `"discriminator"`.
      view: the view of the update; its `memory` holds one entry per term, and all terms share its key.

    Returns:
      `(sum, new memory, the value of each term by its name)`.

    Raises:
      ValueError: if a term returns neither a scalar nor one value per example.
    """
    sum, memories, metrics = jnp.zeros(()), [], {}
    for index, (term, memory) in enumerate(zip(terms, view.memory, strict=True)):
        weight, own = getattr(term, player), view._replace(key=jax.random.fold_in(view.key, index), memory=memory)
        if weight:
            value, computed = _split(term.value(own), own.memory)
            own = own._replace(memory=computed)
            if value.shape not in ((), (len(view.fake),)):
                raise ValueError(f"the term {term.name} must return a scalar or [{len(view.fake)}] values, found {value.shape}")
            metrics[term.name] = jnp.mean(value)
            sum = sum + weight * metrics[term.name]
        updates = player == "discriminator" if term.discriminator else weight != 0
        memories.append(jax.lax.stop_gradient(term.update(own)) if updates else memory)
    return sum, tuple(memories), metrics


def _split(found: Any, memory: PyTree) -> tuple[jax.Array, PyTree]:
    """The value of a term and its memory, which is that before unless the term computes it."""
    return (jnp.asarray(found[0]), found[1]) if isinstance(found, tuple) else (jnp.asarray(found), memory)
