"""Training runs: configuration, folder, loop, checkpoints, evaluators, reports."""
