"""Inception features for FID and related metrics: images are resized, scaled and passed through the 2015 network.

Three protocols are in use, with different results. They are named by their resizer:

  clean   Pillow's antialiased bicubic, (x - 128) / 128: clean-fid, by default
  tf1     TensorFlow 1's bilinear, (x - 128) / 128: the authors' own code, torch-fidelity, StyleGAN
  torch   PyTorch's bilinear, 2 x / 255 - 1: pytorch-fid
"""

import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jgan import resize
from jgan.features import weights
from jgan.features.extractor import Extracted, Extractor
from jgan.networks import inception
from jgan.resize import Resizer
from jgan.types import PyTree

MIDDLES: dict[Resizer, float] = {"clean": 128.0, "tf1": 128.0, "torch": 127.5}
"""By protocol, the value that is subtracted from a pixel in 0 ... 255, which is then divided by it."""


def load(
    path: str | Path, *, resizer: Resizer = "clean", expected: str | None = weights.PUBLISHED, biased: bool = False
) -> Extractor:
    """The Inception network as an extractor, with weights from a file.

    Args:
      path: the weights: `.pth` (PyTorch is not needed), `.safetensors` or `.npz`, in the published layout.
      resizer: the protocol: `clean`, `tf1` or `torch`.
      expected: the first digits of the required hash of the file or of its arrays; None for any weights. By default the hash of
        the published file. For a copy in another format, pass the digest of the published arrays (`Extractor.digest`).
      biased: whether the logits include the bias of the last layer; the Inception Score is computed without it.

    Returns:
      The `Extractor`: features `[B, 2048]`, logits `[B, 1008]`. Its `apply` compiles the network once per batch size. It is a
      pytree whose leaves are the weights: passed as an argument to a jitted function, they are not compiled in as constants.
      Images of one channel are treated as grey. Memory: 30 MB per image.

    Raises:
      FileNotFoundError: if there is no such file.
      ValueError: if the resizer is unknown, or the file has another hash, another layout, or is not a file of weights.

    Example:
      >>> from jgan.features import inception
      >>> inception.load("nowhere.pth")
      Traceback (most recent call last):
      FileNotFoundError: nowhere.pth: expected a file of weights, found none; the usual one, \
pt_inception-2015-12-05-6726825d.pth (96 MB), is among the releases of mseitzer/pytorch-fid on GitHub, under the tag fid_weights

    References:
      Heusel et al. (2017), https://arxiv.org/abs/1706.08500; Parmar et al. (2022), https://arxiv.org/abs/2104.11222
    """
    resize.check_name(resizer)
    found = weights.read(path, inception.layout(), expected=expected)
    extract = functools.partial(_extract, resizer=resizer, biased=biased)
    apply = jax.tree_util.Partial(extract, inception.from_published(found.arrays))
    return Extractor("inception-2015-12-05", found.digest, resizer, apply)


@functools.partial(jax.jit, static_argnames="resizer")
def prepare(images: jax.Array | np.ndarray, *, resizer: Resizer) -> jax.Array:
    """Preprocesses images for the network.

    Args:
      images: `[B, height, width, 1 or 3]`, uint8 or float in 0 ... 255.
      resizer: the protocol.

    Returns:
      `[B, 299, 299, 3]` float32 in [-1, 1].

    Raises:
      ValueError: if the images have another shape or dtype.

    Example:
      >>> import numpy as np
      >>> from jgan.features import inception
      >>> prepared = inception.prepare(np.zeros((5, 32, 32, 1), np.uint8), resizer="clean")
      >>> prepared.shape, float(prepared[0, 0, 0, 0])
      ((5, 299, 299, 3), -1.0)
    """
    middle = MIDDLES[resizer]
    return (resize.square_rgb(images, inception.SIZE, resizer) - middle) / middle


@jax.jit
def _network(variables: PyTree, x: jax.Array) -> inception.Outputs:
    outputs: Any = inception.Inception().apply(variables, x)
    return outputs


def _extract(variables: PyTree, images: jax.Array | np.ndarray, *, resizer: Resizer, biased: bool) -> Extracted:
    # Two programs, so that all three protocols and all image sizes share the compiled network.
    outputs = _network(variables, prepare(images, resizer=resizer))
    return Extracted(outputs.features, outputs.logits if biased else outputs.logits_unbiased)
