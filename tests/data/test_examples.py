"""Examples of an object of the user's own: lists, data sets of other libraries, generators; what is read when; refusals."""

import io
import re

import datasets
import grain
import numpy as np
import pytest
from PIL import Image

from jgan import data
from jgan.data import reading
from jgan.data.lazy import Access, Lazy
from jgan.training import api, train
from jgan.utils import memory

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
CLASSES = np.arange(24) % 3


class Pairs:
    """As a `torch.utils.data.Dataset`: no end of an iteration, and it counts what it reads."""

    def __init__(self, images=IMAGES, labels=CLASSES):
        self.images, self.labels, self.reads = images, labels, []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, place):
        self.reads.append(place)
        return self.images[place], self.labels[place]


def hugging_face():
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=3)})
    columns = {"image": [Image.fromarray(image) for image in IMAGES], "label": CLASSES.tolist()}
    return datasets.Dataset.from_dict(columns, features=kinds)


FORMS = {
    "pairs": Pairs,
    "list": lambda: list(zip(IMAGES, CLASSES.tolist(), strict=True)),
    "mappings": lambda: [{"image": image, "label": label} for image, label in zip(IMAGES, CLASSES, strict=True)],
    "generator": lambda: ((image, label) for image, label in zip(IMAGES, CLASSES, strict=True)),
    "grain": lambda: grain.MapDataset.source(Pairs()),
    "hugging face": hugging_face,
    "pillow": lambda: [(Image.fromarray(image), label) for image, label in zip(IMAGES, CLASSES, strict=True)],
}


@pytest.mark.parametrize("form", FORMS)
def test_what_other_libraries_give(form):
    found = data.from_examples(FORMS[form](), held_out=0)
    np.testing.assert_array_equal(found.train.x, IMAGES)
    np.testing.assert_array_equal(found.train.y, CLASSES)
    divided = api.as_dataset(FORMS[form]())
    assert [len(part.x) for part in divided.parts.values()] == [
        18,
        3,
        3,
    ]  # of six of each class, and two more of each that are trained on


@pytest.mark.parametrize("form", ["pairs", "list", "mappings", "grain", "hugging face", "pillow"])
def test_images_are_read_when_they_are_needed(form):
    found = data.from_examples(FORMS[form](), access=Access(lazy=True))
    whole = data.from_examples(FORMS[form](), access=Access(lazy=False))
    assert isinstance(found.train.x, Lazy)
    np.testing.assert_array_equal(found.train.x[:], whole.train.x)
    assert data.fingerprint(found) == data.fingerprint(whole)


def test_with_labels_given_nothing_is_read_before_it_is_needed():
    pairs = Pairs()
    found = data.from_examples(pairs, labels=CLASSES, access=Access(lazy=True))
    assert set(pairs.reads) == {0}
    np.testing.assert_array_equal(found.train.y, data.from_examples(Pairs()).train.y)
    pairs.reads.clear()
    found.test.x[0]
    assert len(pairs.reads) == 1


def test_the_free_memory_decides(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2 * IMAGES.nbytes)
    assert not isinstance(data.from_examples(Pairs()).train.x, Lazy)
    monkeypatch.setattr(memory, "available", lambda: 2 * IMAGES.nbytes - 2)
    assert isinstance(data.from_examples(Pairs()).train.x, Lazy)


def test_images_alone_and_grey():
    found = data.from_examples(iter(IMAGES[..., 0]), held_out=0)
    np.testing.assert_array_equal(found.train.x, IMAGES[..., :1])
    assert found.train.y is None
    palette = Image.fromarray(IMAGES[0]).convert("P")
    assert data.from_examples([palette] * 12).train.x.shape[1:] == (8, 8, 3)


def test_numbers_stay_one_array():
    points = np.arange(24.0).reshape(12, 2)
    np.testing.assert_array_equal(api.as_dataset(points.tolist(), held_out=0).train.x, points)
    np.testing.assert_array_equal(api.as_dataset(list(IMAGES), held_out=0).train.x, IMAGES)


def test_pillows_images_are_read_by_the_rules_of_files():
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(IMAGES[0, :4]).save(file, "PNG", exif=exif)
    turned = Image.open(file)
    found = data.from_examples([turned] * 12).train.x[0]
    np.testing.assert_array_equal(found, np.rot90(IMAGES[0, :4], -1))
    assert turned.size == (8, 4), "the user's own image is left as it is"
    grey = Image.fromarray(IMAGES[0, ..., 0])
    assert data.from_examples([grey] * 12).train.x.shape[1:] == (8, 8, 1)
    for image, told in (
        (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "expected an opaque image"),
        (Image.new("I;16", (4, 4)), "expected 8 bits per channel"),
        (Image.new("F", (4, 4)), "expected 8 bits per channel"),
    ):
        with pytest.raises(ValueError, match=f"data, example 0: {told}"):
            data.from_examples([image] * 12)


class Around(Pairs):
    """Its places never end."""

    def __getitem__(self, place):
        assert len(self.reads) < 100
        return super().__getitem__(place % len(self))


class Loader:
    """As PyTorch's loader of single examples: a length, an iteration, no places."""

    def __len__(self):
        return len(IMAGES)

    def __iter__(self):
        return iter(zip(IMAGES, CLASSES, strict=True))


@pytest.mark.parametrize("given", [Around, Loader])
def test_places_or_an_iteration(given):
    np.testing.assert_array_equal(data.from_examples(given(), held_out=0).train.x, IMAGES)


def test_an_iterable_may_use_one_buffer_for_all():
    def each(buffer):
        for image in IMAGES:
            buffer[...] = image
            yield buffer

    np.testing.assert_array_equal(data.from_examples(each(np.empty_like(IMAGES[0])), held_out=0).train.x, IMAGES)


def test_images_that_do_not_fit_into_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "memory", lambda: 1000)
    with pytest.raises(ValueError, match="data: expected at most the 1000 bytes of this machine's memory"):
        data.from_examples(Pairs())


@pytest.mark.parametrize("lazy", [False, True])
def test_an_error_of_the_object_names_the_example(lazy):
    class Failing(Pairs):
        def __getitem__(self, place):
            if place == 3:
                raise RuntimeError("disk on fire")
            return super().__getitem__(place)

    with pytest.raises(ValueError, match=r"data, example 3: expected an example, .*disk on fire"):
        data.from_examples(Failing(), labels=CLASSES, held_out=0, access=Access(lazy=lazy)).train.x[:]


@pytest.mark.parametrize(("loader", "lazy"), [("streamed", True), ("resident", False), ("auto", False)])
def test_a_run_reads_them_as_it_is_asked_to(monkeypatch, tmp_path, loader, lazy):
    def asked(*args, access, **options):
        raise OSError(f"lazy: {access.is_lazy(1)}")

    monkeypatch.setattr(api.data, "from_examples", asked)
    with pytest.raises(OSError, match=f"lazy: {lazy}"):
        train("dcgan", dataset=Pairs(), workdir=tmp_path, loader=loader)


IMAGE = "expected an image, a pair of an image and its class, or a mapping"


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        ([], "data: expected examples, found none"),
        (iter([]), "data: expected examples, found none"),
        (7, "expected an object with len() and [i], or an iterable, found int"),
        (iter([np.zeros((8, 8, 3), np.float32)]), f"data, example 0: {IMAGE}"),
        (iter([np.zeros((3, 8, 8), np.uint8)]), "found uint8 [3, 8, 8]"),
        ([{"picture": IMAGES[0]}], "found a mapping with picture"),
        ([(IMAGES[0], 1, "k")], "data, example 0: expected an image, a pair"),
        ({"a": IMAGES[0]}, "expected an object with len() and [i], or an iterable, found dict"),
        (["a.png"], "found str"),
        (iter([IMAGES[0], IMAGES[0, :4]]), "data, example 1: expected the shape of the first, (8, 8, 3), found (4, 8, 3)"),
        ([(image, "cat") for image in IMAGES], "data, the labels"),
        ([(image, None if place else 1) for place, image in enumerate(IMAGES)], "data, the labels"),
    ],
)
def test_what_is_refused(examples, told):
    with pytest.raises(ValueError, match=re.escape(told)) as raised:
        data.from_examples(examples)
    assert "\n" not in str(raised.value)


def test_a_shape_that_differs_is_named_when_it_is_read():
    images = [*IMAGES[:23], IMAGES[0, :4]]
    found = data.from_examples(images, labels=CLASSES, held_out=0, access=Access(lazy=True))
    with pytest.raises(ValueError, match=re.escape("data, example 23: expected the shape of the first, (8, 8, 3)")):
        found.train.x[:]


@pytest.mark.slow
def test_a_run_reads_it_in_processes_as_in_memory(tmp_path):
    options = {"steps": 4, "batch_size": 4, "sample_every": 0, "eval_every": 0}
    losses = []
    for name, more in {"memory": {}, "processes": {"loader": "streamed", "loader_workers": 2}}.items():
        trained = train("dcgan", dataset=Pairs(), workdir=tmp_path / name, **options, **more)
        losses.append({key: value for key, value in trained.summary["last"].items() if key.endswith("loss")})
    assert losses[0] == losses[1]
    assert losses[0]
