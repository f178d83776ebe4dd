"""The models with labels: published parameter counts, and what the labels change."""

import jax
import pytest

from jgan import DataSpec, models
from jgan.models import acgan, cdcgan, projection

DIGITS = DataSpec.images((28, 28, 1), steps_per_epoch=10, n_classes=10)
PHOTOGRAPHS = DataSpec.images((32, 32, 3), steps_per_epoch=10, n_classes=10)


def preset(name):
    return models.presets()[name].config


@pytest.mark.parametrize(
    ("model", "config", "spec", "expected"),
    [
        # The conditional MNIST model of DCGAN's authors; Odena et al., appendix; pfnet-research/sngan_projection.
        pytest.param(cdcgan, preset("cdcgan_mnist"), DIGITS, (6_820_538, 6_688_202), id="cdcgan"),
        pytest.param(acgan, acgan.Config(), PHOTOGRAPHS, (626_691, 1_664_875), id="acgan"),
        pytest.param(projection, preset("projection_cifar10"), PHOTOGRAPHS, (4_304_387, 1_055_104), id="projection"),
    ],
)
def test_the_parameter_counts_of_the_published_networks(model, config, spec, expected):
    def count(network):
        return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, jax.random.key(0))[0]))

    assert tuple(map(count, model.networks(config, spec))) == expected
