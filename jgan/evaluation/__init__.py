"""How generators are judged: sets of images, measures and their protocol, criteria, the watch for collapse, tables."""
