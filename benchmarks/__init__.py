"""Benchmark commands: each writes a JSON file to `benchmarks/results/`, from which the README's tables are generated."""
