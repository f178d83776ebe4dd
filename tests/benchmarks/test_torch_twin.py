"""The PyTorch twin makes jgan's updates, so that the two speeds are speeds of the same thing."""

import dataclasses

import jax
import numpy as np
import pytest

from benchmarks import contenders
from jgan import Batch, DataSpec, games, steps
from jgan.losses import non_saturating
from jgan.models import gan2014

torch = pytest.importorskip("torch")
from benchmarks.torch_twin import Twin, jgan_layers  # noqa: E402

CONFIG = gan2014.Config(
    latent_size=6, g_units=(16, 12), d_units=(8, 7), d_pieces=3, d_irange=0.3, g_irange=0.3, input_keep=1.0, hidden_keep=1.0
)
BATCH, UPDATES = 10, 3
ORDERS = pytest.mark.parametrize("simultaneous", [True, False])


def problem():
    """uint8 images, of which the first ten are the batch, and the latents of each update."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
    z = generator.uniform(-(3**0.5), 3**0.5, (UPDATES, BATCH, CONFIG.latent_size)).astype(np.float32)
    return images, z


def by_jgan(simultaneous, images, z):
    """`(first state, last state, generator's losses)`; the latents are given instead of drawn."""
    spec = DataSpec.images((4, 4, 1), steps_per_epoch=2, mean=images.mean(0) / 255)
    networks, sgd = gan2014.networks(CONFIG, spec), CONFIG.optimizer.transformation(spec.steps_per_epoch)
    first = jax.jit(gan2014.make(CONFIG, spec).init)(jax.random.key(0))
    state, losses = first, []
    for latents in z:
        game = games.Adversarial(*networks, lambda *_, axis_name, z=latents: z, non_saturating, discriminator_weight=0.5)
        schedule = steps.simultaneous if simultaneous else steps.alternating
        step = schedule(game, steps.Optimizers(sgd, sgd)).step
        state, metrics = step(jax.random.key(0), state, Batch(np.float32(images[:BATCH]) / 255))
        losses.append(float(metrics["g_loss"]))
    return first, state, losses


def the_twin(simultaneous, images, compiled=False, config=CONFIG):
    return Twin(config, images, BATCH, simultaneous=simultaneous, compiled=compiled)


@pytest.mark.slow
@ORDERS
def test_updates_are_jgans(simultaneous):
    images, z = problem()
    first, last, losses = by_jgan(simultaneous, images, z)
    twin = the_twin(simultaneous, images)
    twin.load(first.generator.params, first.discriminator.params)
    x = twin.images[:BATCH].float() / 255
    for latents, loss in zip(z, losses, strict=True):
        twin._schedule()
        assert float(twin.update(x, torch.from_numpy(latents))) == pytest.approx(loss, rel=1e-5)
    for net, player in ((twin.generator, last.generator), (twin.discriminator, last.discriminator)):
        for layer, found in zip(net.layers, jgan_layers(player.params), strict=True):
            np.testing.assert_allclose(layer.weight.detach().T, found["kernel"], atol=1e-6)
            np.testing.assert_allclose(layer.bias.detach(), found["bias"], atol=1e-6)


@pytest.mark.slow
def test_flops_are_those_counted():
    from torch.utils.flop_counter import FlopCounterMode

    twin = the_twin(True, problem()[0])
    with FlopCounterMode(display=False) as counter:
        twin.step()
    assert counter.get_total_flops() == contenders.product_flops(CONFIG, 16, BATCH)


@pytest.mark.slow
def test_steps_draw_every_image_once_an_epoch():
    twin = the_twin(True, problem()[0])
    twin.step()
    order = twin.order
    twin.step()
    assert twin.order is order
    assert sorted(order.tolist()) == list(range(20))
    twin.step()
    assert twin.order is not order


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
@ORDERS
def test_compiled_is_eager(simultaneous):
    images, z = problem()
    config = dataclasses.replace(CONFIG, optimizer=dataclasses.replace(CONFIG.optimizer, momentum=0.0))
    twins = [the_twin(simultaneous, images, compiled, config) for compiled in (False, True)]
    for source, target in zip(twins[0].g_params + twins[0].d_params, twins[1].g_params + twins[1].d_params, strict=True):
        target.data.copy_(source.data)
    x = twins[0].images[:BATCH].float() / 255
    for twin in twins:
        twin._schedule()
        twin.update(x, torch.from_numpy(z[0]))
    for eager, compiled in zip(twins[0].g_params + twins[0].d_params, twins[1].g_params + twins[1].d_params, strict=True):
        np.testing.assert_allclose(compiled.detach(), eager.detach(), atol=1e-6)
