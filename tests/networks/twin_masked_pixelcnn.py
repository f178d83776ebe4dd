"""The first PixelCNN and the plain stack, their masked convolutions with kernels that are multiplied by the masks."""

import numpy as np

from jgan.networks import MaskedPixelCNN, PlainPixelCNN

_random = np.random.default_rng(0)
_levels = (_random.integers(0, 4, (2, 7, 6, 1)).astype(np.float32) / 3,)
CASES = {
    "levels": (MaskedPixelCNN(levels=4, features=8, layers=2, kernel_size=5, head=6), _levels),
    "binary": (MaskedPixelCNN(levels=2, features=8, layers=1, kernel_size=5, head=6), (np.round(_levels[0]),)),
    "plain": (PlainPixelCNN(levels=4, features=8, layers=2, kernel_size=5), _levels),
    "plain_binary": (PlainPixelCNN(levels=2, features=8, layers=1, kernel_size=5), (np.round(_levels[0]),)),
}
SLOW = ("levels", "plain")


def reference(case, params, inputs):
    """The logits."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    def conv(path, h, own=True):
        kernel = torch.from_numpy(params[f"{path}/kernel"].transpose(3, 2, 0, 1)).clone()
        size = kernel.shape[-1]
        kernel[:, :, size // 2 + 1 :] = 0
        kernel[:, :, size // 2, size // 2 + own :] = 0
        return F.conv2d(h, kernel, torch.from_numpy(params[f"{path}/bias"]), padding=size // 2)

    x, layers = torch.from_numpy(inputs[0]).permute(0, 3, 1, 2), range(CASES[case][0].layers)
    if case.startswith("plain"):
        h = conv("input", x, own=False)
        for index in layers:
            h = conv(f"masked_{index}", F.relu(h))
        h = conv("output", F.relu(h))
    else:
        h = conv("input", 2 * x - 1, own=False)
        for index in layers:
            inside = conv(f"narrow_{index}", F.relu(h))
            inside = conv(f"masked_{index}", F.relu(inside))
            h = h + conv(f"widen_{index}", F.relu(inside))
        for name in ("head_0", "head_1", "output"):
            h = conv(name, F.relu(h))
    logits = h.permute(0, 2, 3, 1).numpy()
    return np.concatenate([np.zeros_like(logits), logits], axis=-1) if "binary" in case else logits
