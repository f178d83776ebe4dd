"""Evaluation of generators: image sets, measures and their protocol, criteria, the collapse monitor, tables."""
