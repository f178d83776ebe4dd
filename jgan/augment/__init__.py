"""Differentiable augmentation of the discriminator's inputs, for training on few images: pure functions of (key, images)."""

from jgan.augment.ada import ada
from jgan.augment.diff_augment import brightness, color, contrast, cutout, diff_augment, saturation, translation
from jgan.augment.noise import dequantised, instance_noise

__all__ = [
    "ada",
    "brightness",
    "color",
    "contrast",
    "cutout",
    "dequantised",
    "diff_augment",
    "instance_noise",
    "saturation",
    "translation",
]
