"""Streamed examples are those of resident data: the same minibatches in the same order, from any step on, in any process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jgan import Batch, GANState
from jgan.data import kinds, loader, order, resident, streamed
from jgan.data.lazy import Lazy
from jgan.ragged import Ragged

KEY = jax.random.key(3)


class Reader:
    """Images whose pixels are their number; some cannot be read."""

    def __init__(self, broken=()):
        self.broken = frozenset(broken)

    def __call__(self, place):
        if place in self.broken:
            raise ValueError(f"{place}.png: expected an image")
        return np.full((2, 3, 1), place, np.uint8)


class Killer(Reader):
    """Ends its process, once, at an image."""

    def __init__(self, mark, place):
        super().__init__()
        self.mark, self.place = mark, place

    def __call__(self, place):
        if place == self.place and not os.path.exists(self.mark):
            open(self.mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(place)


def pictures(n=20, broken=()):
    return Batch(Lazy(Reader(broken), (2, 3, 1), np.arange(n)), np.arange(n) % 3)


def steps_of(data, batch_size=4, first=0, end=100, **options):
    return loader.Steps(data, KEY, batch_size, first=first, end=end, **options)


def all_of(stream, steps):
    return [next(stream) for _ in range(steps)]


@given(
    n=st.integers(1, 3000),
    share=st.floats(0.01, 1),
    first=st.integers(0, 2**20),
    stream=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=10)
def test_the_order_on_the_host_is_that_of_the_device(n, share, first, stream, seed):
    key, batch_size = jax.random.key(seed), max(1, int(n * share))
    host = order.HostOrder(key, n, batch_size, first=first, end=first + 9, stream=stream)
    on_device = jax.jit(lambda minibatch: order.batch_indices(key, minibatch, n, batch_size, stream=stream))
    for minibatch in (first, first + 1, first + 8):
        device = on_device(minibatch)
        found = host(minibatch)
        assert found.dtype == device.dtype
        np.testing.assert_array_equal(found, device)


def test_an_order_of_a_batch_larger_than_the_set_is_an_error():
    with pytest.raises(ValueError, match="found a batch of 5 from 4 examples"):
        order.HostOrder(KEY, 4, 5, first=0, end=1)


@pytest.mark.parametrize("n_critic", [1, 3])
@pytest.mark.parametrize("size", [1, 4])
def test_a_window_gives_a_step_what_the_resident_set_gives(size, n_critic):
    data = {
        "a": Batch(np.arange(40, dtype=np.uint8).reshape(10, 2, 2, 1), np.arange(10) % 3),
        "b": Batch(np.linspace(0, 1, 14).astype(np.float32).reshape(7, 2)),
    }
    fields = {name: kinds.infer(batch) for name, batch in data.items()}
    seen = lambda key, state, batch, axis_name=None: (state._replace(step=state.step + 1), batch)  # noqa: E731
    view = lambda key, batch, axis_name=None: batch | {"noise": jax.random.normal(key, (2,))}  # noqa: E731
    whole = jax.jit(resident.on_resident_data(seen, 2, n_critic, example=fields, view=view))
    windowed = jax.jit(streamed.on_windows(seen, size, n_critic, example=fields, view=view))
    steps = loader.Steps(data, KEY, 2, first=5, end=100, n_critic=n_critic)
    with loader.Stream(steps, 5) as stream:
        for first in range(5, 5 + 2 * size, size):
            window = streamed.window([next(stream).data for _ in range(size)], first)
            for step in range(first, first + size):
                state = GANState(jnp.int32(step), None, None)
                expected, found = whole(KEY, state, data)[1], windowed(KEY, state, window)[1]
                assert jax.tree.structure(expected) == jax.tree.structure(found)
                for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
                    np.testing.assert_array_equal(ours, theirs)


def test_each_example_once_an_epoch():
    steps = steps_of(pictures())
    epochs = [np.concatenate([steps[step].data.x[:, 0, 0, 0] for step in range(5 * e, 5 * e + 5)]) for e in range(3)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_labels_are_those_of_the_images():
    steps = steps_of(pictures(broken=(3, 4)), skip=True)
    for step in range(20):
        found = steps[step].data
        np.testing.assert_array_equal(found.x[:, 0, 0, 0] % 3, found.y)


def test_an_image_that_cannot_be_read_is_an_error_with_its_name():
    with (
        loader.Stream(steps_of(pictures(broken=(3,)), end=5), 0) as stream,
        pytest.raises(ValueError, match=r"3\.png: expected"),
    ):
        all_of(stream, 5)


def test_or_the_next_one_is_taken_and_it_is_named():
    steps = steps_of(pictures(broken=(3, 4)), skip=True)
    epoch = [steps[step] for step in range(5)]
    taken = sorted(np.concatenate([loaded.data.x[:, 0, 0, 0] for loaded in epoch]))
    assert taken == sorted([*range(3), 5, 5, *range(5, 20)])
    messages = [message for loaded in epoch for message in loaded.broken]
    assert sorted(messages) == ["3.png: expected an image", "4.png: expected an image", "4.png: expected an image"]


def test_where_none_can_be_read_the_search_ends():
    with pytest.raises(ValueError, match=r"100 images in a row cannot be read; the last one: .*png: expected an image"):
        steps_of(pictures(broken=range(20)), skip=True)[0]


@pytest.mark.parametrize("first", [0, 7])
def test_a_stream_begins_at_any_step(first):
    steps = steps_of(pictures(), first=first)
    with loader.Stream(steps, first) as stream:
        for step in range(first, first + 9):
            np.testing.assert_array_equal(next(stream).data.x, steps[step].data.x)


def test_a_stream_of_very_many_epochs_ends_and_goes_on(monkeypatch):
    monkeypatch.setattr(loader, "MOST_EPOCHS", 2)
    steps = steps_of(pictures(), first=6, end=1000)
    assert len(steps) == 6 + 10
    again = steps_of(pictures(), first=16, end=1000)
    monkeypatch.undo()
    whole = steps_of(pictures(), end=1000)
    for step in (6, 15):
        np.testing.assert_array_equal(steps[step].data.x, whole[step].data.x)
    np.testing.assert_array_equal(again[16].data.x, whole[16].data.x)


def test_photographs_are_not_streamed():
    images = Ragged.of([np.zeros((2, 3, 1), np.uint8)])
    with pytest.raises(ValueError, match="photographs of several sizes are kept on the device: give --loader resident"):
        steps_of(Batch(images), batch_size=1)


@pytest.mark.slow
def test_workers_read_the_same_and_one_that_is_killed_is_replaced(tmp_path):
    expected = steps_of(pictures(), end=12)
    killed = Batch(Lazy(Killer(str(tmp_path / "killed"), 7), (2, 3, 1), np.arange(20)), np.arange(20) % 3)
    with loader.Stream(steps_of(killed, end=12), 2, workers=2) as stream:
        for step in range(2, 12):
            found = next(stream).data
            np.testing.assert_array_equal(found.x, expected[step].data.x)
            np.testing.assert_array_equal(found.y, expected[step].data.y)
        assert (tmp_path / "killed").exists()
        assert len(stream.restarts) == 1
        assert "a worker of the loader was ended from outside at step" in stream.restarts[0]


class Deadly:
    """Ends the process that reads."""

    def __call__(self, place):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_workers_that_end_again_and_again_end_the_run(monkeypatch):
    monkeypatch.setattr(loader, "MOST_RESTARTS", 1)
    broken = Batch(Lazy(Deadly(), (2, 3, 1), np.arange(20)), np.arange(20) % 3)
    with (
        loader.Stream(steps_of(broken, end=12), 2, workers=1) as stream,
        pytest.raises(ValueError, match="the loader's workers cannot go on at step 2: "),
    ):
        next(stream)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_workers_end_with_a_process_that_is_killed(tmp_path):
    code = """
import multiprocessing, sys, time
if __name__ == "__main__":
    import jax
    from jgan import data
    from jgan.data import loader
    from jgan.data.lazy import Access

    train = data.load("folder", sys.argv[1], access=Access(lazy=True)).train
    with loader.Stream(loader.Steps(train, jax.random.key(0), 4, first=0, end=1000), 0, workers=2) as stream:
        next(stream)
        print(*[child.pid for child in multiprocessing.active_children()], flush=True)
        time.sleep(100)
"""
    script, images = tmp_path / "main.py", tmp_path / "images"
    script.write_text(code)
    images.mkdir()
    for index in range(12):
        Image.fromarray(np.full((5, 5), index, np.uint8)).save(images / f"{index}.png")
    process = subprocess.Popen([sys.executable, str(script), str(images)], stdout=subprocess.PIPE, text=True)
    try:
        workers = process.stdout.readline().split()
        assert len(workers) == 2
        assert all(Path("/proc", pid).exists() for pid in workers)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    limit = time.monotonic() + 20
    while any(_runs(pid) for pid in workers):
        assert time.monotonic() < limit, "workers live on"
        time.sleep(0.1)


def _runs(pid):
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Large:
    """Reads images of half a megabyte, which workers pass on in shared memory."""

    def __call__(self, place):
        return np.full((512, 512, 2), place, np.uint8)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs Linux")
@pytest.mark.parametrize("taken", [3, 6], ids=["closed early", "to the end"])
def test_no_shared_memory_is_left(taken):
    """Python would warn of it when the process ends."""
    shared = lambda: {path.name for path in Path("/dev/shm").glob("psm_*")}  # noqa: E731
    before, images = shared(), Lazy(Large(), (512, 512, 2), np.arange(20))
    with loader.Stream(steps_of(Batch(images), end=6), 0, workers=1) as stream:
        last = [int(next(stream).data.x[0, 0, 0, 0]) for _ in range(taken)]
        assert shared() - before, "it is used"
    assert len(set(last)) > 1
    deadline = time.monotonic() + 20  # it is freed by another thread
    while shared() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not shared() - before


@pytest.mark.slow
def test_an_error_in_a_worker_is_that_of_the_image():
    steps = steps_of(pictures(broken=(3,)))
    with loader.Stream(steps, 0, workers=1) as stream, pytest.raises(ValueError, match=r"3\.png: expected an image"):
        all_of(stream, 5)
