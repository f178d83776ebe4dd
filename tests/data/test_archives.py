"""Archives of images: what is read, and that hostile ones end in one line."""

import io
import json
import os
import re
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import archives
from jgan.evaluation import sets

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write(path, members):
    """An archive of `(name, content)` pairs, of the kind that the suffix says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz"])
@pytest.mark.parametrize("folder", ["", "images/", "one/two/"])
def test_images_are_read_in_the_order_of_their_names(tmp_path, name, folder):
    members = [(f"{folder}{index}.png", png(IMAGES[index])) for index in reversed(range(6))]
    members += [("__MACOSX/0.png", b"resource fork"), (f"{folder}.DS_Store", b"finder")]
    found = sets.read(write(tmp_path / name, members))
    np.testing.assert_array_equal(found.images, IMAGES)
    assert (found.labels, found.name) == (None, str(tmp_path / name))


def test_folders_are_classes(tmp_path):
    members = [(f"{label}/{index}.png", png(IMAGES[index])) for index, label in enumerate("bababa")]
    found = sets.read(write(tmp_path / "a.zip", members))
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(found.images, IMAGES[[1, 3, 5, 0, 2, 4]])


@pytest.mark.parametrize("labels", [[3, 1, 4, 1, 5, 9], None])
def test_the_labels_of_dataset_json_stand_for_the_folders(tmp_path, labels):
    names = [f"{index // 3:05}/img{index:08}.png" for index in range(6)]
    pairs = None if labels is None else list(zip(names, labels, strict=True))
    members = [(name, png(image)) for name, image in zip(names, IMAGES, strict=True)]
    found = sets.read(write(tmp_path / "a.zip", [*members, ("dataset.json", json.dumps({"labels": pairs}).encode())]))
    np.testing.assert_array_equal(found.images, IMAGES)
    assert (None if found.labels is None else found.labels.tolist()) == labels


def test_an_archive_of_another_name_is_known_by_its_content(tmp_path):
    write(tmp_path / "a.zip", [("0.png", png(IMAGES[0]))]).rename(tmp_path / "data")
    assert sets.read(tmp_path / "data").images.shape == (1, 5, 4, 3)
    np.savez(tmp_path / "b.npz", x=IMAGES)
    (tmp_path / "b.npz").rename(tmp_path / "arrays")
    np.testing.assert_array_equal(sets.read(tmp_path / "arrays").images, IMAGES)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_an_archive_is_trained_on_as_its_folder_is(tmp_path, name):
    images = np.random.default_rng(1).integers(0, 256, (24, 5, 4, 3), np.uint8)
    names = [f"pets/{'train' if index < 16 else 'val'}/{'cd'[index % 2]}/{index:02}.png" for index in range(24)]
    path = write(tmp_path / name, [(name, png(image)) for name, image in zip(names, images, strict=True)])
    found = data.load("folder", path)
    order = [index for label in range(2) for index in range(16) if index % 2 == label]
    train = [index for index in order if (index // 2) % 5 < 4]  # a fifth of each class is the missing test set
    np.testing.assert_array_equal(found.train.x, images[train])
    np.testing.assert_array_equal(found.train.y, np.array(train) % 2)
    np.testing.assert_array_equal(found.validation.x, images[[16, 18, 20, 22, 17, 19, 21, 23]])
    resized = data.load("folder:3x2", path).train.x
    assert resized.shape == (14, 3, 2, 3)
    assert data.sources.fitted("folder", path, lambda size: (8, 8)) == (
        "folder:8x8",
        "images of 5x4 cropped and resized to 8x8 (height x width), the size nearest to 5x4 that the model accepts; "
        "--dataset folder:HEIGHTxWIDTH asks for another",
    )


def test_the_labels_of_dataset_json_are_trained_on(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (12, 5, 4, 3), np.uint8)
    members = [(f"{index:02}.png", png(image)) for index, image in enumerate(images)]
    labels = json.dumps({"labels": [[f"{index:02}.png", index % 2] for index in range(12)]}).encode()
    found = data.load("folder", write(tmp_path / "a.zip", [*members, ("dataset.json", labels)]))
    assert found.train.y.tolist() == [index % 2 for index in range(12) if (index // 2) % 6 < 4]
    np.testing.assert_array_equal(found.test.x, images[[10, 11]])


def test_a_folder_with_labels_in_a_file_is_read_and_not_changed(tmp_path):
    """As StyleGAN's tools unpack it; the archive of such a folder is read alike."""
    place, names = tmp_path / "p", [f"{index // 5:05}/img{index:08}.png" for index in range(12)]
    for name, image in zip(names, np.random.default_rng(1).integers(0, 256, (12, 5, 4, 3), np.uint8), strict=True):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(png(image))
    (place / ".hidden").write_text("kept")
    (place / "dataset.json").write_text(json.dumps({"labels": [[name, index % 2] for index, name in enumerate(names)]}))

    def content():
        return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}

    before = content()
    found, measured = data.load("folder", place, held_out=0), sets.read(place)
    assert found.train.y.tolist() == measured.labels.tolist() == [0, 1] * 6
    assert data.sources.fitted("folder", place, lambda size: (8, 8))[0] == "folder:8x8"
    (place / "dataset.json").write_text('{"labels": [["other.png", 3]]}')
    for read in (sets.read, lambda place: data.load("folder", place)):
        with pytest.raises(ValueError, match=r"dataset.json: expected a label of each image, found none of 00000/img"):
            read(place)
    (place / "dataset.json").write_bytes(before["dataset.json"])
    assert content() == before
    path = write(tmp_path / "a.zip", before.items())
    np.testing.assert_array_equal(data.load("folder", path, held_out=0).train.x, found.train.x)


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(ValueError, match=r"a.zip: expected a zip or tar archive, found a pipe: give a regular file"):
        data.load("folder", tmp_path / "a.zip")


def test_a_full_disk_is_not_called_damage(tmp_path, monkeypatch):
    def full(source, file):
        raise OSError(28, "No space left on device")

    path = write(tmp_path / "a.zip", [("0.png", png(IMAGES[0]))])
    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=r"it cannot be unpacked to .*: No space left on device: '.*a.zip'"):
        data.load("folder", path)


@pytest.mark.parametrize("name", ["photographs", "domains"])
def test_other_sets_of_images_are_read_from_archives(tmp_path, name):
    domains = {"photographs": [""], "domains": ["trainA/", "trainB/"]}[name]
    members = [(f"{domain}{index}.png", png(IMAGES[index])) for domain in domains for index in range(6)]
    assert data.load(name, write(tmp_path / "a.zip", members)).name == name


def link(path):
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("0.png")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)


def encrypted(path):
    content = bytearray(write(path, [("0.png", png(IMAGES[0]))]).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of the directory
    path.write_bytes(content)


def twice(path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        write(path, [("0.png", png(IMAGES[0]))] * 2)


HOSTILE = {
    "junk.zip": (lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "expected a whole zip or tar archive"),
    "cut.zip": (
        lambda path: path.write_bytes(write(path, [("0.png", png(IMAGES[0]))]).read_bytes()[:-30]),
        "expected a whole zip or tar archive",
    ),
    "cut.tar.gz": (
        lambda path: path.write_bytes(write(path, [("0.png", png(IMAGES[0]))]).read_bytes()[:-30]),
        "expected a whole zip or tar archive",
    ),
    "cut.tar": (  # between two members: a header and the content, padded to 512 bytes
        lambda path: path.write_bytes(write(path, [(f"{i}.png", png(IMAGES[i])) for i in range(2)]).read_bytes()[:1024]),
        "found one without its end",
    ),
    "up.zip": (lambda path: write(path, [("../0.png", png(IMAGES[0]))]), "expected names inside the archive, found '../0.png'"),
    "up.tar": (lambda path: write(path, [("a/../../0.png", b"")]), "expected names inside the archive"),
    "root.zip": (lambda path: write(path, [("/0.png", png(IMAGES[0]))]), "expected names inside the archive, found '/0.png'"),
    "link.tar": (link, "expected plain files, found a link or a device, '0.png'"),
    "encrypted.zip": (encrypted, "expected a plain archive, found an encrypted one"),
    "twice.zip": (twice, "expected each name once, found 0.png twice"),
    "bomb.zip": (
        lambda path: write(path, [("0.png", bytes(archives.LARGEST + 1))]),
        "expected images of at most 268 MB, found 268 MB in '0.png'",
    ),
    "empty.zip": (lambda path: write(path, []), "found none"),
    "broken.zip": (lambda path: write(path, [("x/0.png", png(IMAGES[0])[:60])]), "broken.zip/x/0.png: expected a"),
    "size.zip": (lambda path: write(path, [("0.png", png(IMAGES[0])), ("1.png", png(IMAGES[1, :3]))]), "1.png: expected 5x4"),
    "labels.zip": (
        lambda path: write(path, [("0.png", png(IMAGES[0])), ("dataset.json", b'{"labels": [["1.png", 3]]}')]),
        "expected a label of each image, found none of 0.png",
    ),
    "label.zip": (
        lambda path: write(path, [("0.png", png(IMAGES[0])), ("dataset.json", b'{"labels": [["0.png", 1099511627776]]}')]),
        "dataset.json: expected labels [[name, number], ...]",
    ),
    "nested.zip": (
        lambda path: write(path, [("0.png", png(IMAGES[0])), ("dataset.json", b"[" * 100_000)]),
        "dataset.json: expected labels [[name, number], ...]",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_in_one_line(tmp_path, name):
    make, message = HOSTILE[name]
    path = tmp_path / name
    make(path)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        sets.read(path)
    told = str(error.value)
    assert told.startswith(str(path))
    assert "\n" not in told
    assert len(told) < 500
    assert sorted(tmp_path.iterdir()) == [path]  # nothing was written beside it


def test_the_sizes_are_checked_before_anything_is_unpacked(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tar", [(f"{index}.png", png(IMAGES[0])) for index in range(3)])
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda root: type("Usage", (), {"free": 100}))
    monkeypatch.setattr(archives.shutil, "copyfileobj", None)
    with pytest.raises(ValueError, match=r"files that fit on the disk \(100 bytes are free\), found more"):
        sets.read(path)
