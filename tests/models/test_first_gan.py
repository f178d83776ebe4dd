"""The GANs of "Make Your First GAN With PyTorch": their published sizes, and the images that they accept."""

import jax
import numpy as np
import pytest

from jgan import Batch, DataSpec, models
from jgan.models import first_gan, first_gan_conv

DIGITS = DataSpec.images((28, 28, 1), steps_per_epoch=10, n_classes=10)


def faces(height, width):
    return DataSpec.images((height, width, 3), steps_per_epoch=10)


@pytest.mark.parametrize(
    ("preset", "spec", "expected"),
    [
        ("first_gan", DIGITS, (178_184, 157_601)),
        ("first_gan_labels", DIGITS, (180_184, 159_601)),
        ("first_gan_faces", faces(218, 178), (35_070_912, 11_641_601)),
        ("first_gan_conv", faces(128, 128), (4_330_816, 4_294_448)),
    ],
)
def test_the_parameter_counts_are_those_of_the_notebooks(preset, spec, expected):
    model = models.MODELS[models.model_of(preset)]
    state = jax.eval_shape(model.make(models.presets()[preset].config, spec).init, jax.random.key(0))
    counts = [sum(leaf.size for leaf in jax.tree.leaves(player.params)) for player in (state.generator, state.discriminator)]
    assert tuple(counts) == expected


@pytest.mark.parametrize(
    ("asked", "made"), [((128, 128), (128, 128)), ((218, 178), (216, 176)), ((28, 60), (56, 64)), ((56, 67), (56, 64))]
)
def test_the_convolutional_model_makes_the_nearest_size(asked, made):
    assert first_gan_conv.MODEL.nearest(asked) == made
    first_gan_conv.MODEL.accepts(faces(*made))
    if asked != made:
        with pytest.raises(ValueError, match=r"images whose sides are multiples of 8 from 56, found \d+: take"):
            first_gan_conv.MODEL.accepts(faces(*asked))


@pytest.mark.parametrize("side", [56, 64, 72, 216])
def test_the_smallest_and_larger_images_pass_both_convolutional_networks(side):
    gan = first_gan_conv.make(first_gan_conv.Config(width=2), faces(side, 64))
    state = jax.eval_shape(gan.init, jax.random.key(0))
    images = jax.eval_shape(lambda key, state: gan.sample(key, state, 2), jax.random.key(0), state)
    assert images.shape == (2, side, 64, 3)
    assert jax.eval_shape(gan.logits, state, images).shape == (2,)


def test_weights_start_as_in_pytorch():
    """U(-a, a) with a = 1 / sqrt(inputs); `nn.ConvTranspose2d` counts the outputs of the kernel instead."""
    gan = first_gan_conv.make(first_gan_conv.Config(width=32), faces(64, 64))
    state = jax.jit(gan.init)(jax.random.key(0))
    bounds = {"project": 100, "up_1": 32 * 64, "up_2": 32 * 64, "up_3": 3 * 64}
    for name, fan in bounds.items():
        for leaf in jax.tree.leaves(state.generator.params[name]):
            np.testing.assert_allclose(np.abs(leaf).max(), fan**-0.5, rtol=0.5 if leaf.size < 100 else 0.05)
            assert np.abs(leaf).max() <= fan**-0.5
    for name, fan in {"down_1": 3 * 64, "down_2": 32 * 64, "down_3": 32 * 64, "output": 12}.items():
        assert np.abs(state.discriminator.params[name]["kernel"]).max() == pytest.approx(fan**-0.5, rel=0.15)


def test_the_generator_is_updated_with_latents_of_its_own():
    """As the book does: the fakes of the discriminator's update are not those of the generator's."""
    key = jax.random.key(0)
    batch = Batch(np.zeros((4, 8, 8, 1), np.float32))

    def generator_after(fresh):
        config = first_gan.small(first_gan.Config(rule=models.options.Rule(fresh_latents=fresh)))
        gan = first_gan.make(config, DataSpec.images((8, 8, 1), steps_per_epoch=10))
        return jax.jit(lambda key: gan.step(key, gan.init(key), batch)[0])(key)

    fresh, shared = generator_after(True), generator_after(False)
    assert first_gan.Config().rule.fresh_latents
    for name, same in (("discriminator", True), ("generator", False)):
        pairs = zip(*(jax.tree.leaves(getattr(state, name).params) for state in (fresh, shared)), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs) == same
