"""The numbers in a model's options: what is refused, what is not, and that every preset passes."""

import dataclasses

import pytest

from jgan import models, train
from jgan.models import (
    acgan,
    biggan,
    dcgan,
    ddpm,
    gan2014,
    gan2014_faces,
    lsgan,
    pix2pix,
    projected_gan,
    r3gan,
    stylegan2,
    vae,
    wgan_gp,
)
from jgan.models.options import Optimizer
from jgan.training import numbers


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (dcgan.Config, {"width": 0}, "--model.width must be at least 1, found 0"),
        (dcgan.Config, {"latent_size": -1}, "--model.latent-size must be at least 1, found -1"),
        (dcgan.Config, {"g_units": -1}, "--model.g-units must be at least 0, found -1"),
        (dcgan.Config, {"optimizer": Optimizer(b1=-0.1)}, "--model.optimizer.b1 must be at least 0, found -0.1"),
        (dcgan.Config, {"optimizer": Optimizer(b1=1.0)}, "--model.optimizer.b1 must be below 1, found 1.0"),
        (dcgan.Config, {"optimizer": Optimizer(b2=2.0)}, "--model.optimizer.b2 must be below 1, found 2.0"),
        (dcgan.Config, {"optimizer": Optimizer(learning_rate=float("nan"))}, "must be a finite number, found nan"),
        (biggan.Config, {"class_size": 0}, "--model.class-size must be at least 1"),
        (r3gan.Config, {"gamma": -1.0}, "--model.gamma must be at least 0, found -1.0"),
        (r3gan.Config, {"blocks": -1}, "--model.blocks must be at least 0"),
        (r3gan.Config, {"augment_p": 7.0}, "--model.augment-p must be at most 1, found 7.0"),
        (stylegan2.Config, {"mixing": 2.0}, "--model.mixing must be at most 1, found 2.0"),
        (stylegan2.Config, {"channel_max": 0}, "--model.channel-max must be at least 1, found 0"),
        (stylegan2.Config, {"path_length_every": 0}, "--model.path-length-every must be at least 1, found 0"),
        (wgan_gp.Config, {"penalty": -1.0}, "--model.penalty must be at least 0"),
        (projected_gan.Config, {"mixing_kernel": 0}, "--model.mixing-kernel must be at least 1"),
        (acgan.Config, {"keep": 0.0}, "--model.keep must be above 0, found 0.0"),
        (vae.Config, {"units": (400, -5)}, "--model.units must be at least 1, found -5"),
        (gan2014.Config, {"g_units": (8, 0)}, "--model.g-units must be at least 1, found 0"),
        (ddpm.Config, {"times": 0}, "--model.times must be at least 1, found 0"),
        (pix2pix.Config, {"g_dropouts": -2}, "--model.g-dropouts must be at least -1, found -2"),
    ],
)
def test_numbers_outside_their_range_are_refused_by_the_name_of_the_flag(config, changes, message):
    with pytest.raises(ValueError, match=message):
        numbers.check(dataclasses.replace(config(), **changes))


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        (lsgan.Config, {"fake_target": -1.0}),  # least squares may ask for any value
        (dcgan.Config, {"g_units": 0}),
        (pix2pix.Config, {"g_dropouts": -1}),  # as published
        (stylegan2.Config, {"mixing": 1.0, "r1": 0.0}),
        (gan2014_faces.Config, {"under_biases": (-1.0, 0.5)}),  # as negative as the defaults
    ],
)
def test_numbers_that_have_a_meaning_are_accepted(config, changes):
    numbers.check(dataclasses.replace(config(), **changes))


@dataclasses.dataclass(frozen=True)
class Own:
    """The options of a model of a user's."""

    width: float = 1.0
    """of a distribution, say"""
    shift: float = 0.0
    """of any sign"""
    optimizer: Optimizer = Optimizer()
    """a group of the package"""


def test_names_of_a_users_options_say_nothing():
    numbers.check(Own(width=0.0, shift=-1.0))
    with pytest.raises(ValueError, match=r"--model\.shift must be a finite number, found inf"):
        numbers.check(Own(shift=float("inf")))
    with pytest.raises(ValueError, match=r"--model\.optimizer\.b2 must be below 1"):
        numbers.check(Own(optimizer=Optimizer(b2=1.0)))


def test_every_preset_passes():
    for preset in models.presets().values():
        numbers.check(preset.config)


def test_they_are_checked_before_the_model_is_built(tmp_path):
    """With this number, building the model would divide by 0."""
    with pytest.raises(ValueError, match=r"^--model\.path-length-every must be at least 1, found -1$"):
        train.main(["stylegan2", "--model.path-length-every", "-1", "--workdir", str(tmp_path / "run")])
    assert not list(tmp_path.iterdir())
