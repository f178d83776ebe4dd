"""FID by pytorch-fid, torch-fidelity and clean-fid, on features that are correlated and of a mean far from 0.

The libraries are handed the float32 features in float64, as pytorch-fid keeps them: of float32 the others make the mean in
float32, and lose the sixth digit.
"""

import numpy as np

CASES = ("alike", "apart", "few")


def inputs() -> dict[str, np.ndarray]:
    """`CASE_real` and `CASE_fake`; of the last case the fakes are fewer than the features, so their covariance is singular."""
    random = np.random.RandomState(0)
    found = {}
    for case, (n, m, d) in zip(CASES, ((300, 260, 24), (500, 500, 96), (400, 60, 96)), strict=True):
        mix = random.normal(size=(d, d)) * np.logspace(0, -2, d)
        other = mix if case == "alike" else 0.7 * mix + 0.3 * random.normal(size=(d, d))
        found[f"{case}_real"] = (np.maximum(random.normal(size=(n, d)) @ mix, 0) + 3).astype(np.float32)
        found[f"{case}_fake"] = (np.maximum(random.normal(size=(m, d)) @ other, 0) + 3.1).astype(np.float32)
    return found


def reference() -> dict[str, np.ndarray]:
    """FID by `CASE_LIBRARY`."""
    import torch
    from cleanfid.fid import fid_from_feats
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    found = {}
    for case in CASES:
        real, fake = (inputs()[f"{case}_{which}"].astype(np.float64) for which in ("real", "fake"))
        means, covariances = zip(*((np.mean(x, axis=0), np.cov(x, rowvar=False)) for x in (real, fake)), strict=True)
        found[f"{case}_pytorch_fid"] = calculate_frechet_distance(means[0], covariances[0], means[1], covariances[1])
        statistics = (fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake))
        found[f"{case}_torch_fidelity"] = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
        found[f"{case}_clean_fid"] = fid_from_feats(real, fake)
    return {name: np.asarray(value, np.float64) for name, value in found.items()}
