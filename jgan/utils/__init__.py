"""Command lines, atomic files, registries and checks of shapes."""
