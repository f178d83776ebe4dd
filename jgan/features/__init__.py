"""What images are measured by: networks that turn them into features, with everything that a figure must name of them.

pixels()                  the images themselves
classifier.load(path)     the small classifier; that of the embedded digits comes with the package
inception.load(path)      InceptionV3 as the FID's literature has it, from the usual file of weights
Extractor(...)            any function of your own
"""

from jgan.features.extractor import Extracted, Extractor
from jgan.features.pixels import pixels

__all__ = ["Extracted", "Extractor", "pixels"]
