"""The measures of two sets of images: one file per published metric, registered under its name in `--metrics`.

A file here applies a metric and formats its results; the arithmetic is in `jgan.metrics`. A file may also register the
criterion for the best checkpoint of a training run (`jgan.evaluation.criteria`). Every file is imported automatically.
"""
