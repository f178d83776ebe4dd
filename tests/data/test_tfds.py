"""tensorflow-datasets without TensorFlow, end to end on small sets whose checksums stand in for the real ones.

The sets are written here; tfds' checksum list is replaced by that of these files, so that the same search, comparison,
preparation and reading run as on the real ones. The real ones are used where `JGAN_TEST_DATA` names a folder of them.
"""

import functools
import hashlib
import http.server
import io
import json
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import threading
import types
from pathlib import Path

import fuzzing
import idx_files
import numpy as np
import pytest
import requests
from PIL import Image
from tensorflow_datasets.core.download import checksums as checksums_of_tfds

from jgan import data
from jgan.data import cifar, idx, image_files, reading, tfds, tfds_prepare, tfds_records, tfrecord
from jgan.data.lazy import Access, Lazy
from jgan.utils import memory

library = tfds_prepare.library()
requests_get = requests.get
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuses(url, **_):
        raise requests.ConnectionError(f"no route to {url}")

    monkeypatch.setattr(requests, "get", refuses)


@pytest.fixture
def checksums(monkeypatch):
    """Declares the files of some folders, by the set's name, to be the sources of these sets."""
    folders: dict[str, Path] = {}

    def url_infos(builder_class):
        infos = {}
        for file in folders[builder_class.name].iterdir():
            content = file.read_bytes()
            info = types.SimpleNamespace(size=len(content), checksum=hashlib.sha256(content).hexdigest(), filename=file.name)
            infos[f"http://localhost/{builder_class.name}/{file.name}"] = info
        return infos

    monkeypatch.setattr(tfds_prepare, "_url_infos", url_infos)
    return folders


def equal(one: data.Dataset, other: data.Dataset) -> None:
    for a, b in zip(one.parts.values(), other.parts.values(), strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        np.testing.assert_array_equal(a.y, b.y)
        assert (a.x.dtype, a.y.dtype) == (b.x.dtype, b.y.dtype)


# ------------------------------------------------------------------------------------- mnist and its like, end to end


@pytest.mark.parametrize("name", tfds_prepare.IDX_SETS)
@pytest.mark.parametrize("place", ["manual/{name}", "manual", ".", "{name}"])
def test_a_set_is_the_same_from_tfds_as_from_its_files(tmp_path, checksums, name, place):
    source, root = tmp_path / "source", tmp_path / "root"
    idx_files.write_set(source)
    checksums[name] = source
    downloads = root / "downloads" / place.format(name=name)
    downloads.mkdir(parents=True)
    for number, file in enumerate(sorted(source.iterdir())):
        known = "manual" in place  # tfds' own cache has names of its own
        (downloads / (file.name if known else f"cached{number}")).write_bytes(file.read_bytes())
    expected = data.load(name, source)
    equal(data.load(name, root), expected)
    assert (root / name).is_dir()
    for file in downloads.iterdir():
        if file.is_file():
            file.unlink()
    equal(data.load(name, root), expected)  # now from what was prepared
    assert len(list((root / name).rglob("*.array_record*"))) == 2


def test_plain_tfds_reads_what_was_prepared(tmp_path, checksums):
    idx_files.write_set(tmp_path / "downloads" / "manual" / "mnist")
    checksums["mnist"] = tmp_path / "downloads" / "manual" / "mnist"
    loaded = data.load("mnist", tmp_path)
    source = library.data_source("mnist", split="test", data_dir=tmp_path)
    theirs = sorted((example["image"].tobytes(), int(example["label"])) for example in source)
    ours = sorted((image.tobytes(), int(label)) for image, label in zip(loaded.test.x, loaded.test.y, strict=True))
    assert theirs == ours


def test_two_sets_of_the_same_file_names_in_one_data_folder_stay_apart(tmp_path, checksums):
    for seed, name in enumerate(("mnist", "fashion_mnist")):
        checksums[name] = tmp_path / "downloads" / "manual" / name
        idx_files.write_set(checksums[name], seed=seed)
    mnist, fashion = data.load("mnist", tmp_path), data.load("fashion_mnist", tmp_path)
    equal(mnist, idx.load("mnist", checksums["mnist"]))
    equal(fashion, idx.load("fashion_mnist", checksums["fashion_mnist"]))
    assert not np.array_equal(mnist.test.x, fashion.test.x)


def test_the_files_of_another_set_are_not_taken(tmp_path, checksums):
    idx_files.write_set(tmp_path / "real", seed=1)
    checksums["fashion_mnist"] = tmp_path / "real"
    manual = tmp_path / "root" / "downloads" / "manual" / "fashion_mnist"
    idx_files.write_set(manual, seed=0)
    with pytest.raises(ValueError, match=rf"files of the right names are in {manual}, but their checksums are not") as raised:
        data.load("fashion_mnist", tmp_path / "root")
    told = str(raised.value)
    assert "cannot be reached (ConnectionError)" in told
    assert f"into {manual}" in told
    assert all(f"{name}.gz" in told for name in idx_files.NAMES)
    assert not (tmp_path / "root" / "fashion_mnist").exists()


def test_a_prepared_set_that_holds_another_is_refused(tmp_path, checksums, monkeypatch):
    checksums["fashion_mnist"] = tmp_path / "downloads" / "manual" / "fashion_mnist"
    _, labels, *_ = idx_files.write_set(checksums["fashion_mnist"])
    data.load("fashion_mnist", tmp_path)
    monkeypatch.setitem(idx.LABELS, hashlib.sha256(labels.tobytes()).hexdigest(), "mnist")
    with pytest.raises(ValueError, match="expected fashion_mnist, found the labels of mnist"):
        data.load("fashion_mnist", tmp_path)


def test_a_damaged_source_leaves_nothing_half_prepared(tmp_path, checksums):
    checksums["mnist"] = tmp_path / "downloads" / "manual"
    idx_files.write_set(checksums["mnist"])
    (checksums["mnist"] / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b broken")  # and so in the checksum list
    with pytest.raises(ValueError, match=r"cannot prepare mnist in .*train-images-idx3-ubyte.gz: expected a whole IDX file"):
        data.load("mnist", tmp_path)
    assert not list((tmp_path / "mnist").rglob("*.array_record*"))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server of the files in a folder, which tfds takes for the source of mnist."""
    folder = tmp_path / "served"
    idx_files.write_set(folder)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    monkeypatch.setenv("NO_PROXY", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        infos = {}
        for file in folder.iterdir():
            infos[f"http://127.0.0.1:{served.server_port}/{file.name}"] = checksums_of_tfds.compute_url_info(file)
        monkeypatch.setattr(tfds_prepare, "_url_infos", lambda _: infos)
        monkeypatch.setattr(checksums_of_tfds, "get_all_url_infos", lambda: dict(infos))
        monkeypatch.setattr(requests, "get", requests_get)
        yield folder
        served.shutdown()
        thread.join()


def test_a_set_is_downloaded_once_into_tfds_own_cache(tmp_path, server):
    expected = data.load("mnist", server)
    equal(data.load("mnist", tmp_path / "root"), expected)
    shutil.rmtree(tmp_path / "root" / "mnist")
    for file in server.iterdir():
        file.unlink()
    equal(data.load("mnist", tmp_path / "root"), expected)  # from the cache


def test_a_download_with_another_checksum_is_refused(tmp_path, server):
    idx_files.write_set(server, seed=1)
    with pytest.raises(
        ValueError, match=r"cannot prepare mnist in .*: NonMatchingChecksumError: Artifact http.* has wrong checksum"
    ):
        data.load("mnist", tmp_path / "root")
    assert not list((tmp_path / "root").rglob("*.array_record*"))


def test_a_server_without_the_file_is_told(tmp_path, server):
    (server / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"cannot be reached \(HTTPError\): put train-images-idx3-ubyte.gz"):
        data.load("mnist", tmp_path / "root")


def test_what_another_process_prepared_meanwhile_is_read(tmp_path, checksums, monkeypatch):
    checksums["mnist"] = tmp_path / "downloads" / "manual"
    idx_files.write_set(checksums["mnist"])
    prepare = tfds.prepare

    def late(name, builder):
        prepare(name, builder)
        raise ValueError("the folder is there already")

    monkeypatch.setattr(tfds, "prepare", late)
    equal(data.load("mnist", tmp_path), idx.load("mnist", checksums["mnist"]))


def test_cifar10_is_the_same_from_tfds_as_from_its_archive(tmp_path, checksums, monkeypatch):
    monkeypatch.setattr(cifar, "IMAGES_PER_FILE", 20)
    source, cache = tmp_path / "source", tmp_path / "root" / "downloads" / "cifar10"
    source.mkdir()
    with tarfile.open(source / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in cifar.FILES:
            records = RNG.integers(0, 256, (20, 3073), dtype=np.uint8)
            records[:, 0] %= 10
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = records.size
            archive.addfile(member, io.BytesIO(records.tobytes()))
    checksums["cifar10"] = source
    expected = data.load("cifar10", source)
    cache.mkdir(parents=True)
    (cache / "www.cs.toronto.edu_kriz_cifar-10-binary.tar.gz").write_bytes((source / "cifar-10-binary.tar.gz").read_bytes())
    found = data.load("cifar10", tmp_path / "root")
    equal(found, expected)
    assert found.classes == expected.classes
    names = library.builder("cifar10", data_dir=tmp_path / "root").info.features["label"].names
    assert names == ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    assert found.classes == tuple(names)


WITHOUT_TENSORFLOW = """
import hashlib, sys, types
from pathlib import Path

class Hiding:  # one of Python's finders, which finds no TensorFlow, be it installed or not
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] == "tensorflow" else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
from jgan import data
from jgan.data import idx, tfds_prepare

root = Path(sys.argv[1])
files = {file.name: file.read_bytes() for file in (root / "downloads" / "manual").iterdir()}
tfds_prepare._url_infos = lambda builder: {
    f"http://localhost/{name}": types.SimpleNamespace(
        size=len(content), checksum=hashlib.sha256(content).hexdigest(), filename=name
    )
    for name, content in files.items()
}
print(data.load("mnist", root).train.x.shape, data.load("mnist", root).test.y.shape)
assert not [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]
"""


@pytest.mark.slow
def test_tensorflow_is_neither_needed_nor_imported(tmp_path):
    idx_files.write_set(tmp_path / "downloads" / "manual")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(50, 28, 28, 1) (10,)\n"


# ----------------------------------------------------------------------------------------------------- any other image set


def png(image: np.ndarray) -> io.BytesIO:
    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, "PNG")
    file.seek(0)
    return file


SPLITS = {
    name: RNG.integers(0, 256, (n, 5, 4, 3), dtype=np.uint8) for name, n in {"train": 30, "validation": 4, "test": 3}.items()
}


class JganTestImages(library.core.GeneratorBasedBuilder):
    """A small set of tfds with configurations: which of its splits there are."""

    VERSION = library.core.Version("1.0.0")
    BUILDER_CONFIGS = tuple(
        library.core.BuilderConfig(name=name)
        for name in ("train", "train-test", "train-validation", "train-validation-test", "test")
    )

    def _info(self):
        features = {"picture": library.features.Image(shape=(5, 4, 3)), "kind": library.features.ClassLabel(num_classes=3)}
        return library.core.DatasetInfo(builder=self, features=library.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(name) for name in self.builder_config.name.split("-")}

    def _generate_examples(self, split):
        for number, image in enumerate(SPLITS[split]):
            yield f"{split}{number}", {"picture": png(image), "kind": number % 3}


class JganTestOdd(library.core.GeneratorBasedBuilder):
    """Sets that are no image sets of one size."""

    VERSION = library.core.Version("1.0.0")
    BUILDER_CONFIGS = tuple(
        library.core.BuilderConfig(name=name) for name in ("two_sizes", "two_images", "text", "tensorflow", "fails")
    )

    def _info(self):
        image = library.features.Image(shape=(None, None, 1))
        name = self.builder_config.name
        features = (
            {"a": image, "b": image} if name == "two_images" else {"a": library.features.Text() if name == "text" else image}
        )
        return library.core.DatasetInfo(builder=self, features=library.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        if self.builder_config.name == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
        if self.builder_config.name == "fails":
            raise AssertionError("\n\nPut the files where\n\nthey belong.")
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(9):
            yield number, {"a": png(np.zeros((5, 4 + (number > 5), 1), np.uint8))}


def rows(x: np.ndarray) -> list[bytes]:
    return sorted(image.tobytes() for image in x)


@pytest.mark.parametrize("separator", ["/", ":"])
@pytest.mark.parametrize(
    ("config", "sizes"),
    [
        ("train", (24, 3, 3)),
        ("train-test", (27, 3, 3)),
        ("train-validation", (26, 4, 4)),
        ("train-validation-test", (30, 4, 3)),
    ],
)
def test_any_image_set_is_read_with_the_splits_that_it_has(tmp_path, config, sizes, separator):
    found = data.load(f"jgan_test_images{separator}{config}", tmp_path)
    assert [len(part.x) for part in found.parts.values()] == list(sizes)
    assert found.train.x.shape[1:] == (5, 4, 3)
    own = [part for part in ("validation", "test") if part in config]
    held = {"validation": found.validation, "test": found.test}
    rest = [found.train.x] + [held[part].x for part in held if part not in own]
    if own == ["validation"]:  # a lone second split is the test
        held, rest = {"validation": found.test}, [found.train.x, found.validation.x]
    assert rows(np.concatenate(rest)) == rows(SPLITS["train"])
    for part in own:
        assert rows(held[part].x) == rows(SPLITS[part])
    kinds = {image.tobytes(): number % 3 for number, image in enumerate(SPLITS["train"])}
    assert [kinds[image.tobytes()] for image in found.train.x] == found.train.y.tolist()


def as_tfrecord(root: Path, name: str) -> None:
    """The prepared records, in the other container, as tfds writes it where TensorFlow is."""
    builder, folder = library.builder(name, data_dir=root), root / name / "1.0.0"
    raw = library.decode.DeserializeMethod.RAW_BYTES
    for split in builder.info.splits:
        (old,) = folder.glob(f"*-{split}.array_record-*")
        with open(folder / old.name.replace("array_record", "tfrecord"), "wb") as file:
            for record in builder.as_data_source(split, deserialize_method=raw):
                length = struct.pack("<Q", len(record))
                file.write(length + struct.pack("<I", tfrecord.masked(tfrecord.crc32c(length))) + record + bytes(4))
        old.unlink()
    info = folder / "dataset_info.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"fileFormat": "tfrecord"}))


def test_a_set_prepared_as_tfrecord_is_read_too(tmp_path):
    expected = data.load("jgan_test_images/train-test", tmp_path)
    as_tfrecord(tmp_path, "jgan_test_images/train-test")
    equal(data.load("jgan_test_images/train-test", tmp_path), expected)


# ------------------------------------------------------------------------------------- read when they are needed, resized


@pytest.mark.parametrize("form", ["array_record", "tfrecord"])
def test_images_are_read_when_they_are_needed(tmp_path, form):
    name = "jgan_test_images/train-validation-test"
    expected = data.load(name, tmp_path)
    if form == "tfrecord":
        as_tfrecord(tmp_path, name)
    found = data.load(name, tmp_path, access=Access(lazy=True))
    for part in ("train", "validation", "test"):
        images = getattr(found, part).x
        assert isinstance(images, Lazy)
        np.testing.assert_array_equal(images[:], getattr(expected, part).x)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(images))[[2, 0]], getattr(expected, part).x[[2, 0]])
    assert data.fingerprint(found) == data.fingerprint(expected)


def test_the_size_of_the_free_memory_decides(tmp_path, monkeypatch):
    load = functools.partial(data.load, "jgan_test_images/train", tmp_path, access=Access(lazy=None))
    monkeypatch.setattr(memory, "available", lambda: 2 * 30 * 5 * 4 * 3)
    assert not isinstance(load().train.x, Lazy)
    monkeypatch.setattr(memory, "available", lambda: 2 * 30 * 5 * 4 * 3 - 2)
    assert isinstance(load().train.x, Lazy)


@pytest.mark.parametrize("lazy", [False, True])
def test_images_of_several_sizes_are_resized(tmp_path, lazy):
    found = data.load("jgan_test_odd/two_sizes:4x4", tmp_path, held_out=0, access=Access(lazy=lazy))
    assert found.train.x.shape == (9, 4, 4, 1)
    assert data.fitted("jgan_test_odd/two_sizes", tmp_path, lambda size: (8, 8))[0] == "jgan_test_odd/two_sizes:8x8"
    assert data.fitted("jgan_test_odd/two_sizes:5", tmp_path, lambda size: (8, 8))[0] == "jgan_test_odd/two_sizes:8x8"
    assert data.fitted("jgan_test_odd/two_sizes:8", tmp_path, lambda size: (8, 8)) == ("jgan_test_odd/two_sizes:8", "")


def test_resizing_is_that_of_a_folder_of_the_images(tmp_path):
    (tmp_path / "folder").mkdir()
    for number, image in enumerate(SPLITS["train"]):
        (tmp_path / "folder" / f"{number:02}.png").write_bytes(png(image).getvalue())
    folder = data.load("folder:4x3", tmp_path / "folder", held_out=0)
    found = data.load("jgan_test_images/train:4x3", tmp_path, held_out=0)
    assert rows(found.train.x) == rows(folder.train.x)


def test_images_of_one_size_keep_it_where_the_model_accepts_it(tmp_path):
    name = "jgan_test_images/train"
    assert data.fitted(name, tmp_path, lambda size: size) == (name, "")
    assert data.fitted(f"{name}:6", tmp_path, lambda size: size) == (f"{name}:6", "")
    for asked, of in ((name, "5x4"), (f"{name}:6", "6x6")):
        fitted, says = data.fitted(asked, tmp_path, lambda size: (8, 8))
        assert fitted == f"{name}:8x8"
        assert f"the size nearest to {of} that the model accepts; --dataset {name}:HEIGHTxWIDTH" in says


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("jgan_test_images:train", ("jgan_test_images:train", None)),
        ("jgan_test_images:train:8", ("jgan_test_images:train", (8, 8))),
        ("jgan_test_images/train:1.0.0", ("jgan_test_images/train:1.0.0", None)),
        ("jgan_test_images/train:1.0.0:8x6", ("jgan_test_images/train:1.0.0", (8, 6))),
        ("imagenet_resized:8x8", ("imagenet_resized:8x8", None)),  # a configuration of it
        ("imagenet_resized:7x8", ("imagenet_resized", (7, 8))),
        ("of_a_colleague:16x16", ("of_a_colleague:16x16", None)),  # one that lies in its folder
        ("of_a_colleague:16x15", ("of_a_colleague", (16, 15))),
    ],
)
def test_the_size_in_a_name(tmp_path, name, parsed):
    (tmp_path / "of_a_colleague" / "16x16").mkdir(parents=True)
    assert tfds.asked_size(name, tmp_path) == parsed


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_lazy_images_are_in_the_order_of_the_source_files(tmp_path, checksums, name):
    checksums[name] = tmp_path / "downloads" / "manual" / name
    idx_files.write_set(checksums[name])
    found = tfds.load(name, tmp_path, access=Access(lazy=True))
    assert isinstance(found.train.x, Lazy)
    expected = data.load(name, tmp_path)
    for part, batch in expected.parts.items():
        np.testing.assert_array_equal(found.parts[part].x[:], batch.x)
        np.testing.assert_array_equal(found.parts[part].y, batch.y)


def test_records_are_read_in_pieces(tmp_path, monkeypatch):
    whole = data.load("jgan_test_images/train", tmp_path)
    monkeypatch.setattr(tfds_records, "CHUNK", 4)
    equal(data.load("jgan_test_images/train", tmp_path), whole)


def test_a_set_that_is_written_anew_is_read_anew(tmp_path):
    data.load("jgan_test_images/train", tmp_path)
    part = tfds_records.Part(tmp_path / "jgan_test_images" / "train" / "1.0.0", "train", "picture")
    assert len(part) == 30
    as_tfrecord(tmp_path, "jgan_test_images/train")
    (records,) = part.folder.glob("*.tfrecord-*")
    records.write_bytes(records.read_bytes()[: tfrecord.places(records)[5, 0] - 12])
    assert len(part) == 5


def test_images_that_do_not_fit_into_the_memory_are_refused(tmp_path, monkeypatch):
    data.load("jgan_test_images/train", tmp_path)
    monkeypatch.setattr(reading, "memory", lambda: 1000)
    with pytest.raises(ValueError, match=r"1.0.0, train: expected at most the 1000 bytes of this machine's memory"):
        data.load("jgan_test_images/train", tmp_path)
    assert isinstance(data.load("jgan_test_images/train", tmp_path, access=Access(lazy=True)).train.x, Lazy)


@pytest.mark.parametrize("work", ["load", "fitted"])
@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_damaged_records_are_told_in_one_line(tmp_path, work, damage):
    name = "jgan_test_odd/two_sizes"
    data.load(f"{name}:4", tmp_path)
    (records,) = (tmp_path / name / "1.0.0").glob("*.array_record-*")
    content = records.read_bytes()
    records.unlink()
    if damage != "gone":
        changed = bytearray(content)
        changed[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
        records.write_bytes(content[: len(content) // 2] if damage == "cut" else bytes(changed))
    tfds_records._opened.cache_clear()
    with pytest.raises(ValueError, match=rf"^{tmp_path}/{name}/1.0.0, train(, example 0)?: expected") as raised:
        data.load(f"{name}:4", tmp_path) if work == "load" else data.fitted(name, tmp_path, lambda size: size)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["jgan_test_images/train:0", "jgan_test_images/train:64x", "jgan_test_images/train:4x5x6"])
def test_what_is_no_size_is_told(tmp_path, name):
    with pytest.raises(ValueError, match="expected a size after the colon, as in jgan_test_images:64"):
        data.load(name, tmp_path)


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [None, (4, 4)])
def test_images_are_turned_as_those_of_a_folder(tmp_path, size):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = RNG.integers(0, 256, (1, 2, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    content = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    images = tfds_records.Images(tfds_records.Part(tmp_path, "train", "image"), "RGB", size)
    assert images.size_of(0, content) == (16, 8)
    (tmp_path / "a.png").write_bytes(content)
    np.testing.assert_array_equal(images.decoded(0, content), image_files.read_image(tmp_path / "a.png", size))


def test_a_transparent_image_is_refused(tmp_path):
    images = tfds_records.Images(tfds_records.Part(tmp_path, "train", "image"), "RGB")
    with pytest.raises(ValueError, match="train, example 3: expected an opaque image"):
        images.decoded(3, encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG"))


@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("content", [b"{", b"\xff{}", b"", bytes(40)])
def test_a_damaged_description_is_told(tmp_path, file, content):
    data.load("jgan_test_images/train", tmp_path)
    folder = tmp_path / "of_a_colleague" / "1.0.0"  # of which there is no code: all is read from the folder
    shutil.copytree(tmp_path / "jgan_test_images" / "train" / "1.0.0", folder)
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{tmp_path}: expected the description of of_a_colleague, found a damaged one"):
        data.load("of_a_colleague", tmp_path)


def test_a_broken_image_is_named(tmp_path, monkeypatch):
    data.load("jgan_test_images/train", tmp_path)
    lazily = data.load("jgan_test_images/train", tmp_path, access=Access(lazy=True)).train.x
    monkeypatch.setattr(tfds_records.Part, "__getitem__", lambda self, place: {"picture": b"no image"})
    with pytest.raises(ValueError, match=rf"1.0.0, train, example {lazily.places[1]}: expected an image"):
        lazily[1]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "jgan_test_odd/two_sizes",
            r"^\S+: jgan_test_odd/two_sizes, train: expected images of one size, found \(5, \d\) and, at .*, \(5, \d\) .height",
        ),
        ("jgan_test_odd/two_images", "expected one uint8 image per example, found the features a, b"),
        ("jgan_test_odd/text", "expected one uint8 image per example, found the features a"),
        (
            "jgan_test_odd/tensorflow",
            r"needs tensorflow to prepare .*: install that, or prepare the set on another machine, `tfds build",
        ),
        ("jgan_test_odd/fails", r"cannot prepare jgan_test_odd/fails in .*: AssertionError: Put the files where$"),
        ("jgan_test_odd/none", "tensorflow-datasets has no jgan_test_odd/none: "),
        ("jgan_test_images/test", "expected a split called train, found test"),
        ("mnist:9.9.9", "tensorflow-datasets has no mnist:9.9.9: .*only: 3.0.1"),
        ("imdb_reviews", "expected one uint8 image per example, found the features"),
    ],
)
def test_what_is_no_image_set_or_cannot_be_had_is_told_in_one_line(tmp_path, name, told):
    with pytest.raises(ValueError, match=told) as raised:
        data.load(name, tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cifar10", r"neither prepared nor downloaded .*put cifar-10-binary.tar.gz \(170052171 bytes\) into .*manual/cifar10"),
        (
            "cifar100",
            r"cifar100 is not prepared in .*, and https://.*cifar-100-binary.tar.gz cannot be reached \(ConnectionErr",
        ),
        (
            "mnist",
            r"put train-images-idx3-ubyte.gz \(9912422 bytes\), .* into .*manual/mnist, or give a folder that holds them",
        ),
    ],
)
def test_without_network_a_set_is_not_asked_for_in_vain(tmp_path, name, told):
    with pytest.raises(ValueError, match=told):
        data.load(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_order_of_cifar10_is_that_of_its_ids():
    ids = [b"train_00002", b"train_00000", b"train_00001"]
    assert np.array(ids)[tfds._file_order("cifar10", "train", ids, 3)].tolist() == sorted(ids)


# --------------------------------------------------------------------------------------------------------------- tfrecord


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_crc32c_gives_the_values_of_rfc_3720(content, check):
    assert tfrecord.crc32c(content) == check


@pytest.mark.parametrize("kept", [1, 11, 12, 14, 18])
def test_a_tfrecord_cut_short_is_named(tmp_path, kept):
    length = struct.pack("<Q", 3)
    whole = length + struct.pack("<I", tfrecord.masked(tfrecord.crc32c(length))) + b"abc" + bytes(4)
    assert len(whole) == 19
    path = tmp_path / "records"
    path.write_bytes(whole + whole[:kept])
    with pytest.raises(ValueError, match=r"records: expected"):
        tfrecord.places(path)
    path.write_bytes(whole + b"\1" + whole[1:])
    with pytest.raises(ValueError, match=r"records: expected the header of a TFRecord at byte 19"):
        tfrecord.places(path)


# ------------------------------------------------------------------------------------------------------------- the real sets

REAL = Path(os.environ.get("JGAN_TEST_DATA", "no-such-folder"))


@pytest.mark.skipif(not (REAL / "fashion_mnist").is_dir(), reason="JGAN_TEST_DATA holds no fashion_mnist/")
def test_the_real_set_with_its_real_checksums_is_the_same_from_tfds_as_from_its_files(tmp_path):
    manual = tmp_path / "downloads" / "manual"
    manual.mkdir(parents=True)
    for file in (REAL / "fashion_mnist").glob("*.gz"):
        (manual / file.name).symlink_to(file)
    equal(data.load("fashion_mnist", tmp_path), data.load("fashion_mnist", REAL / "fashion_mnist"))


def test_the_held_out_share_of_a_set_with_training_images_only(tmp_path):
    found = data.load("jgan_test_images/train", tmp_path, held_out=5)  # three classes of ten
    assert [len(part.x) for part in found.parts.values()] == [18, 6, 6]
    with pytest.raises(ValueError, match=r"jgan_test_images/train-test comes divided .*: leave held_out out"):
        data.load("jgan_test_images/train-test", tmp_path, held_out=5)


def test_a_damaged_prepared_set_is_named(tmp_path):
    """Each file is damaged in turn; the libraries that read it may raise anything."""
    name = "jgan_test_images/train-test"
    expected = data.fingerprint(data.load(name, tmp_path))
    folder = tmp_path / "jgan_test_images" / "train-test" / "1.0.0"
    files = {path: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    rng = random.Random(0)

    def attempt(path) -> str:
        mutation = rng.choice(list(fuzzing.MUTATIONS))
        path.write_bytes(fuzzing.MUTATIONS[mutation](rng, files[path]))
        try:
            found = data.fingerprint(data.load(name, tmp_path))
        except Exception as error:
            fuzzing.check_refusal(error, tmp_path)
            return "refused"
        finally:
            path.write_bytes(files[path])
        if found == expected:
            return "same"
        assert path.suffix == ".json", f"other data after {mutation!r} of {path.name}"
        return "described otherwise"

    told = [attempt(path) for path in files for _ in range(8)]  # not in a child: its libraries have threads
    assert told.count("refused") > len(told) / 4
