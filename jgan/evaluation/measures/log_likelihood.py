"""The Parzen-window log-likelihood as a criterion (Goodfellow et al., 2014); `python -m jgan.evaluate` calls it `parzen`."""

import functools

import numpy as np

from jgan.evaluation.criteria import CRITERIA, VALIDATION_IMAGES, Criterion, RealImages
from jgan.features import Extractor
from jgan.metrics import parzen


def criterion(real: RealImages, extractor: Extractor) -> Criterion:
    """The Parzen-window log-likelihood of the validation images, at the best width.

    Args:
      real: the real images.
      extractor: not used; this measure uses pixels.

    Returns:
      The `Criterion`.

    References:
      Goodfellow et al., "Generative Adversarial Nets" (2014), section 5, https://arxiv.org/abs/1406.2661
    """
    del extractor

    @functools.cache
    def images() -> np.ndarray:
        return real.part("validation", VALIDATION_IMAGES)

    def of(samples: np.ndarray) -> float:
        return float(parzen.log_likelihoods(images(), samples, parzen.SIGMAS).mean(axis=1).max())

    return Criterion("validation_log_likelihood", True, "validation log-likelihood", of)


CRITERIA.register("log_likelihood", criterion)
