"""PixelCNN++ with whole kernels in place of zeros on one side.

Kernels are put into 5x5 ones with zeros around, which are applied with a padding of 2; the transposed ones are applied as they
are, and what they add to the sides is cut off. All is in float64.
"""

import numpy as np

from jgan.networks import PixelCNNPP

_random = np.random.default_rng(0)
_rgb = (_random.integers(0, 256, (2, 12, 8, 3)).astype(np.float32) / 255,)
CASES = {
    "rgb": (PixelCNNPP(filters=6, blocks=2, mixtures=3), _rgb),
    "grey": (PixelCNNPP(filters=4, blocks=1, mixtures=2), (_rgb[0][..., :1],)),
}
SLOW = ("rgb",)


def draw(path, normal):
    """Directions of any size, lengths about 1."""
    kind = path.rpartition("/")[2]
    return normal if kind == "direction" else 1 + 0.2 * normal if kind == "length" else 0.2 * normal


def reference(case, params, inputs):
    """The parameters of the mixtures."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    def affine(path):
        """Kernel `[rows, columns, inputs, outputs]` and bias, in float64."""
        get = {name: array.astype(np.float64) for name, array in params.items() if path in name}
        v, start = get[f"{path}/direction"], get[f"data_init/{path}/length"]
        unit = v / np.sqrt((v**2).sum((0, 1, 2)))
        return unit * get[f"{path}/length"] * start, torch.from_numpy(get[f"{path}/bias"] + get[f"{path}/shift"])

    def conv(path, h, column=0, stride=1):
        """The last row and the given column of the kernel are at the pixel."""
        kernel, bias = affine(path)
        rows, columns = kernel.shape[:2]
        whole = np.zeros((5, 5, *kernel.shape[2:]))
        whole[3 - rows : 3, 2 - column : 2 - column + columns] = kernel
        return F.conv2d(h, torch.from_numpy(whole.transpose(3, 2, 0, 1)), bias, padding=2, stride=stride)

    def moved(h, rows, columns):
        empty = torch.zeros_like(h)
        empty[:, :, rows:, columns:] = h[:, :, : h.shape[2] - rows, : h.shape[3] - columns]
        return empty

    def transposed(path, h):
        kernel, bias = affine(path)
        made = F.conv_transpose2d(h, torch.from_numpy(kernel.transpose(2, 3, 0, 1)), bias, stride=2)
        left = 1 if kernel.shape[1] == 3 else 0
        return made[:, :, : 2 * h.shape[2], left : left + 2 * h.shape[3]]

    def concat_elu(h):
        return F.elu(torch.cat([h, -h], dim=1))

    def block(path, stream, h, other):
        inside = conv(f"{path}_{stream}/first", concat_elu(h), 1)  # of 2x3 the middle, of 2x2 the last column
        if other is not None:
            inside = inside + conv(f"{path}_{stream}/other", concat_elu(other))
        a, b = conv(f"{path}_{stream}/second", concat_elu(inside), 1).chunk(2, dim=1)
        return h + a * torch.sigmoid(b)

    blocks = CASES[case][0].blocks
    x = 2 * torch.from_numpy(inputs[0].astype(np.float64)).permute(0, 3, 1, 2) - 1
    x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    us = [moved(conv("input_u", x, 1), 1, 0)]
    uls = [moved(conv("input_above", x, 1), 1, 0) + moved(conv("input_left", x), 0, 1)]
    for scale in range(3):
        if scale:
            us.append(conv(f"smaller_{scale}_u", us[-1], 1, 2))
            uls.append(conv(f"smaller_{scale}_ul", uls[-1], 1, 2))
        for index in range(blocks):
            us.append(block(f"up_{scale}_{index}", "u", us[-1], None))
            uls.append(block(f"up_{scale}_{index}", "ul", uls[-1], us[-1]))
    u, ul = us.pop(), uls.pop()
    for scale, count in ((2, blocks), (1, blocks + 1), (0, blocks + 1)):
        for index in range(count):
            u = block(f"down_{scale}_{index}", "u", u, us.pop())
            ul = block(f"down_{scale}_{index}", "ul", ul, torch.cat([u, uls.pop()], dim=1))
        if scale:
            u, ul = transposed(f"larger_{scale}_u", u), transposed(f"larger_{scale}_ul", ul)
    assert not us
    assert not uls
    return conv("output", F.elu(ul)).permute(0, 2, 3, 1).numpy()
