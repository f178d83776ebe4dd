"""The Inception Scores that torch-fidelity finds."""

import numpy as np

SHUFFLED = {"plain": None, "shuffled": 2020, "other": 7}
"""the seed of torch-fidelity's shuffle in each case, None for none"""

SPLITS = {"sharp": 10, "flat": 10, "uneven": 7, "one": 1}


def inputs():
    """Logits of a sure classifier, of one that says nearly the same of all, and numbers that the splits do not divide."""
    random = np.random.RandomState(0)
    return {
        "sharp": 6 * random.standard_normal((500, 23)),
        "flat": 1e-2 * random.standard_normal((500, 23)),
        "uneven": 300 * random.standard_normal((1234, 10)).astype(np.float32),
        "one": (random.standard_normal((60, 1008)) + 40).astype(np.float32),
    }


def reference():
    """`[2]` the mean and the standard deviation, for each input and each shuffle."""
    import torch
    from torch_fidelity import metric_isc

    found = {}
    for name, logits in inputs().items():
        for case, seed in SHUFFLED.items():
            scores = metric_isc.isc_features_to_metric(
                torch.from_numpy(logits), splits=SPLITS[name], shuffle=seed is not None, rng_seed=seed
            )
            found[f"{name}/{case}"] = np.array([scores["inception_score_mean"], scores["inception_score_std"]])
    return found
