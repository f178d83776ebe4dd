"""The measures of images against their truths for `python -m jgan.evaluate --pairs`: each file registers its own in `PAIRED`.

The formulas are in `jgan.metrics`.
"""
