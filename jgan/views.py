"""Random views of the examples of a minibatch, inside the step: crops, flips, quarter turns, pix2pix's jitter.

A change is a pure function of one example, `change(key, images) -> images`. The images are a tuple: `x`, then those of `c`. It
draws once and changes all alike, so that a pair stays a pair. `of_images` makes a view of a minibatch out of changes, and
`viewed` puts the view in front of a model's steps. (`jgan.augment` changes what the discriminator sees, fakes too; a view
changes the examples, for both players.)

Each example has a key of its own, so the views do not depend on the number of devices.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jgan.ragged import Ragged, is_ragged, window
from jgan.resize import bicubic_matrix
from jgan.rng import Stream, example_keys, step_key, stream, stream_key
from jgan.steps import Steps, minibatch
from jgan.types import Batch, GANState, Key, Metrics, Step

Images = tuple[Any, ...]
"""The images of one example: `x`, then those of `c`. Each is an array `[height, width, channels]`, or a photograph, a `Ragged`
with one offset and one size, of which only `crop` can make an array."""

Change = Callable[[Key, Images], Images]
"""`change(key, images) -> images`, of one example."""

View = Callable[..., Any]
"""`view(key, batch, axis_name=None) -> batch`, of a minibatch: a `Batch`, or a dict of several."""


def viewed(steps: Steps, view: View, n_critic: int = 1) -> Steps:
    """Steps that see each minibatch through a random view.

    Both updates of a step see the same view of the same minibatch, and `step` the same views as the `d_step`s and the `g_step`
    that it consists of.

    Args:
      steps: the steps.
      view: `view(key, batch, axis_name=None) -> batch`: see `of_images`.
      n_critic: minibatches in one `step`; above 1, the arrays of its batch have a leading axis of that length.

    Returns:
      The `Steps`.

    Raises:
      ValueError: while tracing, if that axis has another length.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch, GANState, steps, views
      >>> step = lambda key, state, batch, *, axis_name=None: (state, {"shape": batch.x})
      >>> made = views.viewed(steps.Steps(step, step, step), views.of_images(views.crop(4)))
      >>> state = GANState(jnp.int32(0), None, None)
      >>> made.step(jax.random.key(0), state, Batch(jnp.zeros((2, 8, 8, 3))))[1]["shape"].shape
      (2, 4, 4, 3)
    """

    def seen(key: Key, state: GANState, batch: Any, axis_name: str | None) -> Any:
        return view(stream(step_key(key, state.step), Stream.VIEW), batch, axis_name=axis_name)

    def one(step: Step) -> Step:
        def viewed_step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
            return step(key, state, seen(key, state, batch, axis_name), axis_name=axis_name)

        return viewed_step

    def step(key: Key, state: GANState, batch: Any, *, axis_name: str | None = None) -> tuple[GANState, Metrics]:
        keys = [*(stream_key(key, index) for index in range(n_critic - 1)), key]  # as the updates in `steps.alternating`
        each = [seen(key, state, minibatch(batch, index, n_critic), axis_name) for index, key in enumerate(keys)]
        return steps.step(key, state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *each), axis_name=axis_name)

    return Steps(one(steps.g_step), one(steps.d_step), step if n_critic > 1 else one(steps.step))


def of_images(*changes: Change) -> View:
    """A view of minibatches of images: the changes, one after the other, with new random numbers for each example.

    The images of a pair are changed alike; the sets of unpaired domains are changed independently.

    Args:
      changes: functions of one example; where the images are photographs of different sizes, `crop` comes first.

    Returns:
      The view. It changes the images in `x` and `c`, arrays `[B, height, width, channels]` or a `jgan.ragged.Ragged`; other
      conditions (tokens, labels) and `y` stay.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import Batch, views
      >>> view = views.of_images(views.crop(4), views.flip())
      >>> pair = Batch(jnp.zeros((2, 8, 8, 3)), c=jnp.zeros((2, 8, 8, 1)))
      >>> seen = view(jax.random.key(0), pair)
      >>> seen.x.shape, seen.c.shape
      ((2, 4, 4, 3), (2, 4, 4, 1))
    """

    def changed(key: Key, images: Images) -> Images:
        for index, change in enumerate(changes):
            images = change(jax.random.fold_in(key, index), images)
            if any(map(is_ragged, images)):
                raise ValueError("photographs of different sizes must be cropped before any other change: put views.crop first")
        return images

    def of_set(key: Key, batch: Batch, axis_name: str | None) -> Batch:
        leaves, tree = jax.tree.flatten((batch.x, batch.c), is_leaf=is_ragged)
        images = {place: leaf for place, leaf in enumerate(leaves) if is_ragged(leaf) or leaf.ndim == 4}
        keys = example_keys(key, len(leaves[0]), axis_name)
        axes = tuple(Ragged(None, 0, 0) if is_ragged(leaf) else 0 for leaf in images.values())
        each = jax.vmap(changed, in_axes=(0, axes))
        found = dict(zip(images, each(keys, tuple(images.values())), strict=True))
        x, c = jax.tree.unflatten(tree, [found.get(place, leaf) for place, leaf in enumerate(leaves)])
        return batch._replace(x=x, c=c)

    def view(key: Key, batch: Any, axis_name: str | None = None) -> Any:
        if isinstance(batch, Batch):
            return of_set(key, batch, axis_name)
        keys = {name: jax.random.fold_in(key, number) for number, name in enumerate(sorted(batch))}
        return {name: of_set(keys[name], batch[name], axis_name) for name in batch}

    return view


# ---------------------------------------------------------------------------------------------------------- the changes


def crop(side: int, scale: int = 1) -> Change:
    """Cuts a square at a random place, each place being equally likely, the same one from all images.

    From photographs, which are stored as uint8, it makes float32 in [0, 1]. A photograph must not be smaller than the crop:
    compare the sides in its `Field`, since a step does not know them.

    Args:
      side: its height and width in `x`, in pixels.
      scale: the pixels of `x` to one of `c` along each side: the images of `c` are 1/scale as large, and so are their crops,
        which lie on whole pixels of `c`.

    Returns:
      The change.

    Raises:
      ValueError: if `side` is not a multiple of `scale`; while tracing, if an image is smaller, or not 1/scale as large.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import views
      >>> [image.shape for image in views.crop(8, 4)(jax.random.key(0), (jnp.zeros((12, 16, 3)), jnp.zeros((3, 4, 3))))]
      [(8, 8, 3), (2, 2, 3)]
    """
    if side < 1 or scale < 1 or side % scale:
        raise ValueError(f"expected a crop whose side is a multiple of the scale, found {side} and {scale}")

    def change(key: Key, images: Images) -> Images:
        x = images[0]
        if not is_ragged(x):
            check_scales([image.shape for image in images], scale)
            if min(x.shape[:2]) < side:
                raise ValueError(f"expected images of at least {side}x{side} pixels, found {x.shape[0]}x{x.shape[1]}")
        last = ((x.sizes if is_ragged(x) else jnp.array(x.shape[:2])) - side) // scale
        place = jax.random.randint(key, (2,), 0, last + 1)

        def cut(image: Any, factor: int) -> jax.Array:
            size = side * factor // scale
            if is_ragged(image):
                return window(image, factor * place, (size, size)).astype(jnp.float32) / 255
            return jax.lax.dynamic_slice(image, (*(factor * place), 0), (size, size, image.shape[2]))

        return tuple(cut(image, scale if index == 0 else 1) for index, image in enumerate(images))

    return change


def check_scales(shapes: list[tuple[int, ...]], scale: int) -> None:
    """Raises ValueError unless every shape after the first is that of an image 1/scale as large."""
    height, width = shapes[0][:2]
    for shape in shapes[1:]:
        if (height, width) != (scale * shape[0], scale * shape[1]):
            raise ValueError(
                f"expected the images of c to be 1/{scale} as large as x, {height}x{width}, found {shape[0]}x{shape[1]}"
            )


def flip(p: float = 0.5) -> Change:
    """Mirrors left and right, all images or none.

    Args:
      p: the probability.

    Returns:
      The change.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import views
      >>> views.flip(1.0)(jax.random.key(0), (jnp.arange(3.0).reshape(1, 3, 1),))[0].ravel().tolist()
      [2.0, 1.0, 0.0]
    """

    def change(key: Key, images: Images) -> Images:
        made = jax.random.bernoulli(key, p)
        return tuple(jnp.where(made, image[:, ::-1], image) for image in images)

    return change


def quarter_turns() -> Change:
    """Rotates by 0, 90, 180 or 270 degrees, each equally likely, all images alike.

    Returns:
      The change; while tracing it raises a ValueError if an image is not square.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import views
      >>> views.quarter_turns()(jax.random.key(0), (jnp.zeros((4, 4, 3)),))[0].shape
      (4, 4, 3)
    """

    def change(key: Key, images: Images) -> Images:
        for image in images:
            if image.shape[0] != image.shape[1]:
                raise ValueError(f"quarter turns need square images, found {image.shape[0]}x{image.shape[1]}")
        turns = jax.random.randint(key, (), 0, 4)
        return tuple(
            jax.lax.switch(turns, [lambda image, k=k: jnp.rot90(image, k) for k in range(4)], image) for image in images
        )

    return change


def jitter(ratio: float) -> Change:
    """pix2pix's jitter: enlarges the images bicubically, and cuts one of the old size out at a random place.

    Args:
      ratio: the enlarged side to the old one, at least 1; 286 / 256 in the authors' code.

    Returns:
      The change; while tracing it raises a ValueError if the images of an example differ in size. Their values are clipped to
      [0, 1], which bicubic interpolation can leave.

    Raises:
      ValueError: if the ratio is below 1.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jgan import views
      >>> views.jitter(286 / 256)(jax.random.key(0), (jnp.zeros((256, 256, 3)),))[0].shape
      (256, 256, 3)

    References:
      Isola et al. (2017), section 6.2, https://arxiv.org/abs/1611.07004
    """
    if not ratio >= 1:
        raise ValueError(f"the jitter must enlarge the images, found the ratio {ratio}")

    def change(key: Key, images: Images) -> Images:
        sizes = images[0].shape[:2]
        check_scales([image.shape for image in images], 1)
        enlarged = [round(ratio * size) for size in sizes]
        places = jax.random.randint(key, (2,), 0, jnp.array(enlarged) - jnp.array(sizes) + 1)
        # The crop of the enlarged image is made by a crop of the rows of the matrix that enlarges it.
        rows, columns = (
            jax.lax.dynamic_slice_in_dim(jnp.asarray(bicubic_matrix(size, large), jnp.float32), place, size)
            for size, large, place in zip(sizes, enlarged, places, strict=True)
        )
        cut = lambda image: jnp.einsum("oh,pw,hwc->opc", rows, columns, image, precision=jax.lax.Precision.HIGHEST)  # noqa: E731
        return tuple(jnp.clip(cut(image), 0, 1) for image in images)

    return change
