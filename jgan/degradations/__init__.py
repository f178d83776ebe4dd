"""Degradation of images, for learning to restore them: pure functions `(key, images) -> images` that run inside a step."""

from jgan.degradations.bicubic import Bicubic
from jgan.degradations.degradation import Degradation, degraded
from jgan.degradations.gfpgan import GFPGAN
from jgan.degradations.real_esrgan import RealESRGAN
from jgan.degradations.sharpening import sharpened

__all__ = ["GFPGAN", "Bicubic", "Degradation", "RealESRGAN", "degraded", "sharpened"]
