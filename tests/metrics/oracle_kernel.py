"""Kernel inception distances as torch-fidelity and clean-fid measure them."""

import numpy as np


def inputs() -> dict[str, np.ndarray]:
    """In float64: of float32 features both libraries sum kernels in float32, and lose digits of the difference."""
    generator = np.random.RandomState(0)
    draw = lambda n, shift: np.maximum(0.4 + 0.4 * generator.normal(size=(n, 64)) + shift, 0)  # noqa: E731
    return {"real": draw(300, 0.0), "fake": draw(250, 0.05), "same": draw(250, 0.0)}


def reference() -> dict[str, np.ndarray]:
    import torch
    from cleanfid.fid import kernel_distance
    from torch_fidelity.metric_kid import kid_features_to_metric

    sets = inputs()
    real, fake, same = (torch.as_tensor(sets[name]) for name in ("real", "fake", "same"))
    options = {"kid_subsets": 20, "kid_subset_size": 120, "verbose": False}
    cubic, other = kid_features_to_metric(fake, real, **options), kid_features_to_metric(same, real, rng_seed=7, **options)
    gaussian = kid_features_to_metric(fake, real, kid_kernel="rbf", kid_kernel_rbf_sigma=3.0, **options)
    quartic = kid_features_to_metric(
        fake, real, kid_kernel_poly_degree=4, kid_kernel_poly_gamma=0.1, kid_kernel_poly_coef0=2.0, **options
    )
    np.random.seed(5)
    clean = kernel_distance(sets["real"], sets["fake"], num_subsets=20, max_subset_size=120)
    found = {"clean": clean}
    for name, metric in (("cubic", cubic), ("same", other), ("gaussian", gaussian), ("quartic", quartic)):
        found[name] = [metric["kernel_inception_distance_mean"], metric["kernel_inception_distance_std"]]
    return found
