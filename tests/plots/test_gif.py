"""Animations, read back by Pillow: every frame, its colours, its time; and the file whole or as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from jgan import plots

RNG = np.random.default_rng(0)


def read(path):
    """The frames `[N, height, width, 3]`, their milliseconds, and how often they are played (0: for ever)."""
    with Image.open(path) as image:
        assert image.format == "GIF"
        loop = image.info["loop"]
        frames, times = zip(
            *((np.array(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(image)), strict=True
        )
    return np.stack(frames), times, loop


def noise(n, colours, shape=(6, 9), channels=3):
    palette = RNG.integers(0, 256, (colours, channels), np.uint8)
    return palette[RNG.integers(colours, size=(n, *shape))]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "fps", "milliseconds"), [(1, 10, 100), (5, 50, 20), (60, 25, 40), (3, 15, 70), (2, 0.5, 2000)])
def test_frames_come_back_as_they_were_each_for_its_time_for_ever(tmp_path, n, fps, milliseconds, channels):
    frames = noise(n, 256, channels=channels)
    plots.animation(frames, tmp_path / "a.gif", fps=fps)
    found, times, loop = read(tmp_path / "a.gif")
    np.testing.assert_array_equal(found, np.broadcast_to(frames, (n, 6, 9, 3)))
    assert times == (milliseconds,) * n
    assert loop == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6))
def test_of_too_many_colours_each_is_drawn_alike_in_every_frame(tmp_path_factory, seed, n):
    """That is, nothing flickers; and what is drawn is near."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (2000, 3), np.uint8)
    frames = colours[rng.integers(2000, size=(n, 40, 50))]
    path = tmp_path_factory.mktemp("gif") / "a.gif"
    plots.animation(frames, path)
    found, _, _ = read(path)
    drawn = {}
    for before, after in zip(frames.reshape(-1, 3).tolist(), found.reshape(-1, 3).tolist(), strict=True):
        assert drawn.setdefault(tuple(before), after) == after
    assert len(set(map(tuple, drawn.values()))) <= 256
    assert np.abs(frames.astype(int) - found).mean() < 16  # 256 colours among 256^3: a step of 40 in each channel


def test_a_frame_like_the_one_before_is_shown_for_longer(tmp_path):
    first, second = noise(2, 50)
    plots.animation([first, first, first, second], tmp_path / "a.gif", fps=10)
    found, times, _ = read(tmp_path / "a.gif")
    np.testing.assert_array_equal(found, [first, second])
    assert times == (300, 100)


def test_a_moving_game_fits_in_a_megabyte(tmp_path):
    """A tenth of 60 frames in a tenth of the size, the first frame whole, from points that all move."""
    real = np.array([[-3.0, -3.0], [3.0, 3.0]])
    place, speed = RNG.standard_normal((2, 1000, 2))
    frames = [plots.points_sheet(place + t * speed, real, title=f"step {t:.1f}") for t in np.linspace(0, 1, 6)]
    plots.animation(frames, tmp_path / "a.gif")
    assert (tmp_path / "a.gif").stat().st_size < 100_000
    assert len(read(tmp_path / "a.gif")[0]) == 6


def test_frames_may_come_one_by_one(tmp_path):
    frames = noise(3, 20)
    plots.animation((frame for frame in frames), tmp_path / "a.gif")
    np.testing.assert_array_equal(read(tmp_path / "a.gif")[0], frames)


def test_a_failed_write_keeps_what_was_there(tmp_path, monkeypatch):
    plots.animation(noise(2, 9), tmp_path / "a.gif")
    before = (tmp_path / "a.gif").read_bytes()

    def full_disk(self, path, **options):
        path.write_bytes(b"half an anim")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        plots.animation(noise(2, 9), tmp_path / "a.gif")
    assert (tmp_path / "a.gif").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], r"at least one, found none"),
        ([np.zeros((4, 4, 3))], "expected uint8 pictures .* of one shape, at least one, found .*float64"),
        ([np.zeros((4, 4), np.uint8)], r"found \[\('uint8', 4, 4\)\]"),
        ([np.zeros((4, 4, 2), np.uint8)], "found"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], "4, 4, 3.*4, 5, 3"),
    ],
)
def test_animation_tells_what_frames_it_expects(tmp_path, frames, message):
    with pytest.raises(ValueError, match=message):
        plots.animation(frames, tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [0, -1, 51, float("nan")])
def test_a_rate_that_a_gif_cannot_hold_is_told(tmp_path, fps):
    with pytest.raises(ValueError, match=f"fps must be from 0.1 to 50, found {fps}"):
        plots.animation(noise(2, 9), tmp_path / "a.gif", fps=fps)
