"""PSNR and SSIM of images against their truths, pair by pair."""

import dataclasses
import typing

import numpy as np

from jgan.evaluation.paired import PAIRED, Mean, PairMeasure, mean, rows_of_mean
from jgan.metrics.psnr import psnr
from jgan.metrics.restored import Channel
from jgan.metrics.ssim import ssim
from jgan.utils.checks import whole
from jgan.utils.registry import unknown


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of PSNR and of SSIM."""

    channel: Channel = "rgb"
    """rgb: all channels; y: the luma of BT.601, on which papers on super-resolution report"""
    border: int = 0
    """pixels left out on each side; papers on super-resolution leave out as many as the scale"""

    def __post_init__(self) -> None:
        whole("border", self.border, 0)
        channels = typing.get_args(Channel)
        if self.channel not in channels:
            raise ValueError(unknown("channel", self.channel, channels))


def _psnr(output: np.ndarray, truth: np.ndarray, options: Options) -> tuple[float]:
    return (psnr([output], [truth], channel=options.channel, border=options.border).mean,)


def _ssim(output: np.ndarray, truth: np.ndarray, options: Options) -> tuple[float]:
    return (ssim([output], [truth], channel=options.channel, border=options.border).mean,)


def _decibels(values: np.ndarray) -> Mean:
    equal = int(np.isinf(values).sum())
    caution = f"{equal} of {len(values)} images equal the truth: their PSNR, and the mean, are infinite" if equal else ""
    return mean(values)._replace(caution=caution)


PAIRED.register(
    "psnr", PairMeasure(_psnr, _decibels, rows_of_mean("PSNR (dB)", "higher"), "peak signal-to-noise ratio in dB", Options)
)
PAIRED.register("ssim", PairMeasure(_ssim, mean, rows_of_mean("SSIM", "higher"), "structural similarity", Options))
