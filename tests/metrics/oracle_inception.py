"""The features of torch-fidelity's and of pytorch-fid's Inception network, with weights drawn by this file.

The weights are made anew on either side: each array of a seed that is the checksum of its name. The references compute in
float64. pytorch-fid's network is torchvision's with blocks of its own; where there is no torchvision, torch-fidelity's
network, which has the same layers under the same names, is what those blocks are put into and inherit from. Their forward
passes, the resizing and the scaling are pytorch-fid's in any case.
"""

import importlib
import math
import tempfile
import zlib
from pathlib import Path

import numpy as np

KEPT = slice(None, None, 4)
"""of the features and of the logits: the rest would not fit the small file"""


def weights(shapes):
    """He's scale for kernels, statistics near those of normalised layers."""
    made = {}
    for name, shape in shapes.items():
        uniform = np.random.RandomState(zlib.crc32(name.encode())).uniform(-1, 1, shape).astype(np.float32)
        if len(shape) > 1:
            made[name] = uniform * np.float32(math.sqrt(6 / math.prod(shape[1:])))
        else:
            made[name] = uniform / 2 + np.float32(name.endswith(("bn.weight", "running_var")))
    return made


def inputs():
    """Patches of one colour, and patches under noise: noise alone makes all images alike to a network of random weights."""
    random = np.random.RandomState(0)

    def images(side, patch):
        count = -(-side // patch)
        patches = random.randint(0, 256, (2, count, count, 3)).repeat(patch, axis=1).repeat(patch, axis=2)[:, :side, :side]
        patches[1] = (patches[1] + random.randint(0, 256, (side, side, 3))) // 2
        return patches.astype(np.uint8)

    return {"whole": images(299, 40), "small": images(32, 5)}


def torch_fidelity_network():
    """Its own class, which gets drawn weights instead of those of its file."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Network(FeatureExtractorInceptionV3):
        def load_state_dict(self, loaded, *args):
            shapes = {name: tuple(a.shape) for name, a in self.state_dict().items() if not name.endswith("tracked")}
            made = {name: torch.from_numpy(array) for name, array in weights(shapes).items()}
            return super().load_state_dict(made, *args)

    with tempfile.TemporaryDirectory() as folder:
        torch.save({}, Path(folder) / "empty.pth")
        return Network(
            "inception",
            ["2048", "logits_unbiased", "logits"],
            str(Path(folder) / "empty.pth"),
            feature_extractor_internal_dtype="float64",
        )


def pytorch_fid_network(**options):
    """Its own class; see above for what stands in for torchvision."""
    import torchvision
    from torch_fidelity import feature_extractor_inceptionv3 as blocks

    network = torch_fidelity_network()
    state = network.state_dict()
    if not hasattr(torchvision, "__file__"):
        torchvision.__version__ = "0.0"
        torchvision.models.inception_v3 = lambda **_: network
        for name in ("InceptionA", "InceptionC"):
            setattr(torchvision.models.inception, name, getattr(blocks, name))
        torchvision.models.inception.InceptionE = blocks.InceptionE_1
    module = importlib.reload(importlib.import_module("pytorch_fid.inception"))  # on these bases, if it was on others
    module.load_state_dict_from_url = lambda *_, **__: state
    return module.InceptionV3([3], **options).double().eval()


def reference():
    import torch
    from cleanfid.resize import build_resizer

    def channels_first(images):
        return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))

    images = inputs()
    with torch.no_grad():
        network, found = torch_fidelity_network(), {}
        for protocol, name in (("same", "whole"), ("tf1", "small")):
            outputs = network(channels_first(images[name]))
            for kind, output in zip(("features", "logits_unbiased", "logits"), outputs, strict=True):
                found[f"{protocol}_{kind}"] = output.numpy()
        network = pytorch_fid_network()
        for protocol, name in (("same_torch", "whole"), ("torch", "small")):
            found[f"{protocol}_features"] = network(channels_first(images[name]).double() / 255)[0].numpy()
        network = pytorch_fid_network(resize_input=False, normalize_input=False)
        clean = np.stack([build_resizer("clean")(image) for image in images["small"]])
        found["clean_features"] = network((channels_first(clean).double() - 128) / 128)[0].numpy()
    return {name: array.reshape(len(array), -1)[:, KEPT].astype(np.float32) for name, array in found.items()}
