"""The models of the gallery, with the widths at which they are compared."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks import budget
from jgan import models


class Entry(NamedTuple):
    """A model of the gallery.

    Attributes:
      preset: the preset from whose options the run starts.
      changes: other options, by the dotted names of their fields.
      batch_size: examples in a minibatch.
      parts: what only some of the steps compute.
      decays: whether the options have an optimiser with `decay` and `decay_steps`; a model without has schedules of its own.
      images: those that a run with `--device gpu` sees.
      samples: those that are measured: fewer where one needs a pass for each pixel.
    """

    preset: str
    changes: Mapping[str, Any] = {}
    batch_size: int = 64
    parts: Sequence[budget.Part] = ()
    decays: bool = True
    images: int = 0
    samples: int = 10_000

    @property
    def config(self) -> Any:
        """The options: those of the preset with the changes."""
        return budget.changed(models.presets()[self.preset].config, self.changes)


FAST = {"rule.n_critic": 1, "optimizer.learning_rate": 1e-3, "optimizer.d_learning_rate": 2e-3}
"""Rates for the short runs here; the published ones are for 50 times as many updates. After 25 TFLOP on MNIST `projection` had
12 % agreement and an FID of 118 with the published rates, 98 % and 11 with these; the FID of `wgan_gp` was 142, and is 11 with
ten times its published rate; `wgan` has ten times its rate too."""

LAZY = (budget.Part({"r1": 0.0}, 16), budget.Part({"path_length": 0.0}, 4))
"""What only some steps of StyleGAN2 compute."""

# The rates of StyleGAN2 and ProGAN are five times those of their presets. The weights of StyleGAN2 are N(0, 1), scaled at run
# time: a step of Adam at the preset's rate changes them by about 0.2 % of their size, one of the DCGAN here by 5 %. On MNIST
# samples were strokes after 74,000 images at the preset's rate (FID above 600, for a gamma of R1 of .005 and of 10), and digits
# after 230,000 at this one.
ENTRIES: dict[str, Entry] = {
    "gan2014": Entry("mnist", batch_size=100, decays=False),
    "dcgan": Entry("dcgan_mnist", {"width": 32}),
    "lsgan": Entry("lsgan_mnist", {"width": 32}),
    "wgan": Entry("wgan_mnist", {"width": 32, "optimizer.learning_rate": 5e-4}, batch_size=32),
    "wgan_gp": Entry("wgan_gp_mnist", {"width": 24, "optimizer.learning_rate": 1e-3}, batch_size=32),
    "dragan": Entry("dragan_mnist", {"width": 32}),
    "rgan": Entry("rgan_mnist", {"width": 32}),
    "sngan": Entry("sngan_mnist", {"width": 20} | FAST),
    "sagan": Entry("sagan_mnist", {"width": 10} | FAST),
    "progan": Entry(
        "progan_mnist",
        {"fmap_max": 14, "stable_images": 50_000, "fade_images": 50_000, "optimizer.learning_rate": 5e-3},
    ),
    "stylegan2": Entry(
        "stylegan2_mnist",
        {"channel_max": 20, "optimizer.learning_rate": 1e-2},
        batch_size=32,
        parts=LAZY,
    ),
    "r3gan": Entry(
        "r3gan_mnist",
        {"width": 32, "widest": 7, "group_size": 8, "gamma": 1.0, "final_gamma": 0.1, "optimizer.learning_rate": 3e-3},
    ),
    "cgan": Entry("cgan_mnist", batch_size=100, decays=False),
    "cdcgan": Entry("cdcgan_mnist", {"width": 32}),
    "acgan": Entry("acgan_mnist", {"width": 48, "d_width": 10, "optimizer.learning_rate": 1e-3}),
    "projection": Entry("projection_mnist", {"width": 12} | FAST),
    "biggan": Entry("biggan_mnist", {"width": 8} | FAST),
    "infogan": Entry("infogan_mnist", {"width": 32, "units": 512}),
    "autoencoder": Entry("autoencoder_mnist", batch_size=128),
    "vae": Entry("vae_mnist", batch_size=128),
    "pixelcnn": Entry("pixelcnn_mnist", {"features": 12, "layers": 5}, samples=500),
    "ddpm": Entry("ddpm_mnist", {"width": 12}),
}
"""The models, with widths at which a budget of 100 TFLOP shows most of them at least 600,000 images, one of 50 half as many.

The width of R3GAN is that of its lowest resolution: its latents reach an image as one number for each of these channels, and
with 10 of them its samples hardly varied."""

FEW: dict[str, Entry] = {
    "projected_gan": Entry(
        "projected_gan",
        {"width": 8, "d_width": 16, "d_depth": 128, "resolution": 64, "optimizer.learning_rate": 1e-3},
        batch_size=16,
    ),
    "stylegan2_ada": Entry(
        "stylegan2_64",
        {"channel_base": 512, "channel_max": 24, "augment.p": 0.2, "optimizer.learning_rate": 1e-2},
        batch_size=32,
        parts=LAZY,
    ),
    "r3gan_diff_augment": Entry(
        "r3gan",
        {
            "width": 32,
            "widest": 8,
            "group_size": 4,
            "augment": "diff_augment",
            "gamma": 1.0,
            "final_gamma": 0.1,
            "optimizer.learning_rate": 3e-3,
        },
        batch_size=32,
    ),
}
"""Models for few images, trained when they are named: those whose discriminator knows features of photographs or sees changed
images. In a short run ADA's probability of a change hardly leaves its first value, which is 0 in the preset. With wider
networks, for which 25 TFLOP are 40,000 images, StyleGAN2's samples were all of one shape, and R3GAN's of a few. Projected GAN's
were a blue ground after 200 steps of 64 at the published rate (FID 235, 122 as it is here)."""

PUBLISHED: dict[str, Entry] = {
    "sngan": Entry("sngan_cifar10", batch_size=128, images=12_800_000),
    "r3gan": Entry("r3gan_cifar10", batch_size=256, images=12_800_000),
    "stylegan2": Entry("stylegan2_cifar10", images=6_400_000),
}
"""The models for an accelerator. SN-GAN's CNN with these images is published with an Inception score of 7.84 and an FID of 17.8
(w86763777/pytorch-gan-collections); R3GAN with 250 and StyleGAN2 with 100 million images, larger networks and labels."""
