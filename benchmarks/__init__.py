"""Commands that measure: each writes a JSON file under `benchmarks/results/`, from which the README's tables are drawn."""
