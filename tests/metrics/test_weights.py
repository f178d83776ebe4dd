"""Files of weights: the formats, what a malicious or damaged file may not do, hashes and layouts."""

import hashlib
import os
import pickle
import zipfile

import numpy as np
import oracle_torch_files
import pytest
import weight_files
from weight_files import FORMATS, named, opcodes, ordered, tensor

from jgan.features import torch_files, weights

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7,
    "bn.bias": np.array([1.5, -2.5], np.float32),
    "bn.num_batches_tracked": np.array(7, np.int64),
    "fc.weight": np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2),
}
FLOATS = {name: array for name, array in ARRAYS.items() if array.dtype == np.float32}
LAYOUT = {name: array.shape for name, array in FLOATS.items()}


def written(folder, data, name="weights.bin"):
    path = folder / name
    path.write_bytes(data)
    return path


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array, err_msg=name)


# ------------------------------------------------------------------------------------------------------------ the formats


@pytest.mark.parametrize("kind", ["older", "zipped"])
def test_files_of_torch_save_are_read(kind):
    same(torch_files.read(oracle_torch_files.FILES[kind].read_bytes()), oracle_torch_files.arrays())


@pytest.mark.parametrize("kind", ["older", "zipped", "safetensors"])
def test_files_of_the_libraries_give_one_digest(kind):
    arrays = oracle_torch_files.arrays()
    layout = {name: array.shape for name, array in arrays.items() if not name.endswith("tracked")}
    found = weights.read(oracle_torch_files.FILES[kind], layout, expected=None)
    same(found.arrays, {name: arrays[name].astype(np.float32) for name in layout})
    assert found.digest == weights.digest(found.arrays)
    assert all(array.flags.aligned and array.flags.c_contiguous and array.flags.owndata for array in found.arrays.values())


@pytest.mark.parametrize("kind", ["older", "zipped"])
@pytest.mark.filterwarnings("ignore")
def test_what_torch_saves_today_is_read(kind, tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed: the kept files stand for it")
    oracle_torch_files.save(oracle_torch_files.state(), tmp_path / "new.pth", older=kind == "older")
    same(torch_files.read((tmp_path / "new.pth").read_bytes()), oracle_torch_files.arrays())


def test_files_written_by_hand_are_those_of_torch(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for kind in ("older", "zipped"):
        found = torch.load(written(tmp_path, FORMATS[kind](ARRAYS)), weights_only=True)
        same({name: value.numpy() for name, value in found.items()}, ARRAYS)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_format_does_not_change_the_weights(kind, tmp_path):
    data = FORMATS[kind](ARRAYS)
    found = weights.read(written(tmp_path, data, "weights.pth"), LAYOUT, expected=None)
    same(found.arrays, FLOATS)
    assert found.digest == weights.digest(FLOATS)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", ["older", "zipped", "safetensors"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_become_float32(kind, dtype, tmp_path):
    dtype = weight_files.BFLOAT16 if dtype == "bfloat16" else np.dtype(dtype)
    array = np.linspace(-3, 3, 6).astype(dtype).reshape(2, 3)
    found = weights.read(written(tmp_path, FORMATS[kind]({"w": array})), {"w": (2, 3)}, expected=None)
    same(found.arrays, {"w": array.astype(np.float32)})


# ------------------------------------------------------------------------------------------------ what no file may do


def runs_a_command(marker):
    """A pickle that makes a folder where it is unpickled without restriction."""

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    return pickle.dumps(Evil(), 2)


def attacks(marker):
    evil = runs_a_command(marker)
    code = evil[2:-1]
    yield "a bare pickle", evil
    yield "the objects", weight_files.older(ARRAYS, code=code)
    yield "a value", weight_files.older(ARRAYS, code=ordered({"w": code}))
    yield "the objects of an archive", weight_files.zipped(ARRAYS, code=code)
    magic, version = pickle.dumps(weight_files.MAGIC, 2), pickle.dumps(1001, 2)
    yield "the system", magic + version + evil
    yield "the keys", weight_files.older({}, code=ordered({})).removesuffix(pickle.dumps([], 2)) + evil
    # A reference to a storage whose type is anything else.
    other = b"(" + opcodes("storage") + code + opcodes("0") + opcodes("cpu") + opcodes(1) + b"tQ"
    yield "a storage", weight_files.zipped(ARRAYS, code=other)


@pytest.mark.parametrize("where", [name for name, _ in attacks("nowhere")])
def test_a_pickle_that_runs_a_command_is_refused(where, tmp_path):
    marker = tmp_path / "run"
    data = dict(attacks(marker))[where]
    with pytest.raises(ValueError, match=r"it asks for posix\.mkdir, which no file of weights needs: do not trust it"):
        weights.read(written(tmp_path, data), LAYOUT, expected=None)
    assert not marker.exists()
    pickle.loads(runs_a_command(marker))
    assert marker.exists()  # it is a weapon


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("__builtin__", "getattr"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("collections", "OrderedDict.fromkeys"),
        ("jgan.features.torch_files", "read"),
        ("numpy", "load"),
    ],
)
def test_no_other_name_is_found(module, name):
    with pytest.raises(pickle.UnpicklingError, match=f"it asks for {module}.{name}, "):
        torch_files.read(weight_files.zipped(ARRAYS, code=ordered({"w": named(module, name)})))


def test_what_a_pickle_sets_on_a_function_does_not_last():
    """The opcode BUILD sets attributes: on what the unpickler gives out, which must not be shared."""
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    changed = rebuild + b"(" + opcodes(None) + opcodes({"__defaults__": (1, 2, 3)}) + b"tb"
    with pytest.raises(ValueError, match="something else under 'w'"):
        torch_files.read(weight_files.zipped(ARRAYS, code=ordered({"w": changed})))
    same(torch_files.read(weight_files.zipped(ARRAYS)), ARRAYS)


BEYOND = {
    "its shape": {"shape": (25,), "strides": (1,)},
    "its strides": {"shape": (2,), "strides": (24,)},
    "its offset": {"offset": 1},
    "backwards": {"strides": (-12, 4, 1)},
    "before": {"offset": -1, "shape": (1,), "strides": (1,)},
    "one number endlessly": {"shape": (1 << 40,), "strides": (0,)},
    "a storage that claims more": {"shape": (100,), "strides": (1,), "numel": 100},
    "a wider type": {"kind": "Double"},
    "no tuple": {"shape": 3},
    "text": {"shape": ("a", "b"), "strides": (1, 1)},
}


@pytest.mark.parametrize("how", BEYOND)
@pytest.mark.parametrize("kind", ["older", "zipped"])
def test_a_tensor_cannot_reach_beyond_its_numbers(how, kind, tmp_path):
    array = ARRAYS["conv.weight"]
    old = kind == "older"
    code = ordered({"conv.weight": tensor(array, "1000" if old else "0", older=old, **BEYOND[how])})
    path = written(tmp_path, FORMATS[kind]({"conv.weight": array}, code=code))
    with pytest.raises(ValueError, match="a damaged or other file"):
        weights.read(path, LAYOUT, expected=None)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_cut_off_anywhere_is_told(kind, tmp_path):
    data = FORMATS[kind](ARRAYS)
    for length in [*range(0, len(data), 13), len(data) - 1]:
        with pytest.raises(ValueError, match=r"expected weights as \.pth, \.safetensors or \.npz, found a damaged"):
            weights.read(written(tmp_path, data[:length]), LAYOUT, expected=None)


OTHERS = {
    "text": b"<html>404</html>",
    "a pickle of a list": pickle.dumps([1, 2]),
    "another pickle": pickle.dumps({"w": 1}, 2),
    "compressed": weight_files.zipped(ARRAYS, compression=zipfile.ZIP_DEFLATED),
    "big-endian": weight_files.zipped(ARRAYS, byteorder="big"),
    "big-endian, older": weight_files.older(ARRAYS, system={"little_endian": False}),
    "another size": weight_files.older(ARRAYS, counts={"fc.weight": 5}),
    "nested": weight_files.zipped(ARRAYS, code=ordered({"state_dict": ordered({})})),
    "no dictionary": weight_files.zipped(ARRAYS, code=opcodes([1, 2])),
    "views": weight_files.older(ARRAYS, code=ordered({"w": tensor(ARRAYS["fc.weight"], "1002", older=True, view=("9", 0, 6))})),
    "objects": weight_files.npz({"w": np.array([None, "a"])}),
    "safetensors that lie": weight_files.safetensors(ARRAYS).replace(b'"shape": [2]', b'"shape": [3]'),
    "safetensors of a strange type": weight_files.safetensors(ARRAYS).replace(b'"F32"', b'"F33"'),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_are_told(kind, tmp_path):
    path = written(tmp_path, OTHERS[kind])
    with pytest.raises(ValueError, match="found a damaged or other file, of the sha256") as caught:
        weights.read(path, LAYOUT, expected=None)
    assert str(path) in str(caught.value)
    assert "mseitzer/pytorch-fid" in str(caught.value)


def test_numbers_that_are_no_floats_are_told(tmp_path):
    path = written(tmp_path, weight_files.npz({"w": np.arange(3)}))
    with pytest.raises(ValueError, match="expected arrays of floats, found int64"):
        weights.read(path, {"w": (3,)}, expected=None)


# ---------------------------------------------------------------------------------------------------- hashes and layouts


def test_the_published_file_is_known_by_the_hash_in_its_name(tmp_path):
    assert weights.PUBLISHED.startswith("6726825d")
    assert len(weights.PUBLISHED) == 64
    path = written(tmp_path, weight_files.older(ARRAYS), "pt_inception-2015-12-05-6726825d.pth")
    with pytest.raises(ValueError, match="expected weights whose hash begins with 6726825d, found the sha256 ") as caught:
        weights.read(path, LAYOUT)
    assert weights.digest(FLOATS) in str(caught.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(caught.value)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("digits", [8, 64])
def test_weights_are_admitted_by_the_hash_of_the_file_or_of_the_arrays(kind, digits, tmp_path):
    path = written(tmp_path, FORMATS[kind](ARRAYS))
    for known in (hashlib.sha256(path.read_bytes()).hexdigest(), weights.digest(FLOATS)):
        assert weights.read(path, LAYOUT, expected=known[:digits]).digest == weights.digest(FLOATS)
        assert weights.read(path, LAYOUT, expected=known[:digits].upper()).digest == weights.digest(FLOATS)
        with pytest.raises(ValueError, match="expected weights whose hash begins with"):
            weights.read(path, LAYOUT, expected=known[1 : digits + 1])
    with pytest.raises(ValueError, match="expected at least eight digits of a hash, found ''"):
        weights.read(path, LAYOUT, expected="")


def test_the_digest_knows_names_shapes_types_and_values():
    known = {weights.digest(ARRAYS)}
    for name, array in ARRAYS.items():
        others = {key: value for key, value in ARRAYS.items() if key != name}
        known |= {weights.digest(others), weights.digest(others | {name: array + 1})}
        known |= {weights.digest(others | {name: array[None]}), weights.digest(others | {name + "x": array})}
        known |= {weights.digest(others | {name: array.astype(np.float64)})}
    assert len(known) == 1 + 5 * len(ARRAYS)
    turned = dict(reversed(ARRAYS.items())) | {"fc.weight": np.asfortranarray(ARRAYS["fc.weight"])}
    assert weights.digest(turned) == weights.digest(ARRAYS)
    assert weights.digest({"w": np.ones(2, ">f4")}) == weights.digest({"w": np.ones(2, "<f4")})


def test_arrays_that_are_missing_superfluous_or_of_another_shape_are_named(tmp_path):
    arrays = FLOATS | {"fc.weight": FLOATS["fc.weight"].T.copy(), "new": np.ones(1, np.float32)}
    del arrays["bn.bias"]
    path = written(tmp_path, weight_files.zipped(arrays))
    message = (
        r"expected the 3 arrays of the layout, found 1 missing \(bn.bias\); 1 unexpected \(new\); "
        r"1 of another shape \(fc.weight \(2, 3\) instead of \(3, 2\)\): "
    )
    with pytest.raises(ValueError, match=message):
        weights.read(path, LAYOUT, expected=None)


def test_a_missing_file_tells_where_users_find_it(tmp_path):
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(
            FileNotFoundError, match=r"pt_inception-2015-12-05-6726825d.pth .* mseitzer/pytorch-fid .* fid_weights"
        ):
            weights.read(path, LAYOUT)
