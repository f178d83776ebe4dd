"""The measures of two sets of images: one file for each published metric, which registers it under its name in `--metrics`.

A file here feeds a metric and shows its figures; the arithmetic is in `jgan.metrics`. A file may also register the criterion
by which a training run keeps its best checkpoint (`jgan.evaluation.criteria`). Every file is found by itself.
"""
