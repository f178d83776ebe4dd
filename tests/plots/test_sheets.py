"""Pictures, pixel by pixel; neighbours against scikit-learn; files that are whole or not there."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from jgan import plots

RNG = np.random.default_rng(0)


# ---------------------------------------------------------------------------------------------------------------- sheets


def sheet_by_loops(images, columns, padding, scale, frames):
    """The picture as it is described, one pixel at a time."""
    n, height, width, channels = images.shape
    rows, cell_height, cell_width = math.ceil(n / columns), height * scale + 2 * padding, width * scale + 2 * padding
    picture = np.full((rows * cell_height, columns * cell_width, channels), plots.BACKGROUND, np.uint8)
    for index in range(n):
        top, left = index // columns * cell_height, index % columns * cell_width
        picture[top : top + cell_height, left : left + cell_width] = frames[index]
        for y in range(height * scale):
            for x in range(width * scale):
                picture[top + padding + y, left + padding + x] = images[index, y // scale, x // scale]
    return picture


@given(
    images=hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 4)] * 3, st.sampled_from([1, 3]))),
    columns=st.integers(1, 5),
    padding=st.integers(0, 3),
    scale=st.integers(1, 3),
)
def test_grid_pixel_by_pixel(images, columns, padding, scale):
    expected = sheet_by_loops(images, columns, padding, scale, np.full(len(images), plots.BACKGROUND))
    np.testing.assert_array_equal(plots.grid(images, columns=columns, padding=padding, scale=scale), expected)


@pytest.mark.parametrize(("side", "scale"), [(1, 48), (8, 6), (28, 2), (32, 2), (47, 2), (48, 1), (64, 1), (300, 1)])
def test_small_images_are_enlarged_until_they_can_be_seen(side, scale):
    images = RNG.integers(0, 256, (2, side, max(1, side // 2), 1), np.uint8)
    np.testing.assert_array_equal(plots.grid(images), plots.grid(images, scale=scale))


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (64, 8), (65, 9)])
def test_grid_is_nearly_square(n, columns):
    picture = plots.grid(np.zeros((n, 48, 48, 1)), padding=0)
    assert picture.shape == (48 * math.ceil(n / columns), 48 * columns, 1)


def test_floats_are_clipped_and_rounded():
    levels = np.arange(256) / 255
    for nudge in (-0.49 / 255, 0, 0.49 / 255):
        np.testing.assert_array_equal(plots.to_uint8(levels + nudge), np.arange(256))
    np.testing.assert_array_equal(plots.to_uint8(np.float32([-3, 7])), [0, 255])
    assert plots.to_uint8(jnp.array([0.25], jnp.bfloat16)).tolist() == [64]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    images = np.zeros((2, 4, 4, 1))
    images[1, 2, 3] = value
    with pytest.raises(ValueError, match="found 1 that are NaN or infinite"):
        plots.grid(images)
    with pytest.raises(ValueError, match="found 1 that are NaN or infinite"):
        plots.nearest_neighbours(images, np.zeros((3, 4, 4, 1)))


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((4, 8, 8)), {}, r"\[N, height, width, 1 or 3\].*found \(4, 8, 8\)"),
        (np.zeros((4, 8, 8, 2)), {}, r"found \(4, 8, 8, 2\)"),
        (np.zeros((0, 8, 8, 1)), {}, r"at least one, found \(0, 8, 8, 1\)"),
        (np.zeros((4, 8, 8, 1), np.int32), {}, "found int32"),
        (np.zeros((4, 8, 8, 1)), {"columns": 0}, "columns must be at least 1"),
        (np.zeros((4, 8, 8, 1)), {"padding": -1}, "padding at least 0, found 2 and -1"),
        (np.zeros((4, 8, 8, 1)), {"scale": 0}, "scale must be at least 1, found 0"),
    ],
)
def test_grid_tells_what_it_expects(images, options, message):
    with pytest.raises(ValueError, match=message):
        plots.grid(images, **options)


# --------------------------------------------------------------------------------------------------------- interpolation


@given(
    ends=hnp.arrays(
        np.float32,
        (2, 3, 5),  # of one shape: each is a program
        elements=st.floats(-9, 9, width=32, allow_subnormal=False),
    ),
    steps=st.integers(2, 9),
)
def test_interpolation_is_the_straight_line(ends, steps):
    """Of normal numbers: what is below them some versions of XLA take for 0."""
    start, end = ends
    points = np.asarray(plots.interpolate(start, end, steps))
    assert points.shape == (len(start), steps, start.shape[1])
    np.testing.assert_array_equal(points[:, 0], start)  # exactly
    np.testing.assert_array_equal(points[:, -1], end)
    exact = np.linspace(start.astype(np.float64), end.astype(np.float64), steps, axis=1)
    np.testing.assert_allclose(points, exact, rtol=0, atol=1e-5)


def test_interpolation_of_single_vectors():
    np.testing.assert_array_equal(plots.interpolate(jnp.zeros(2), jnp.ones(2), 3), [[0, 0], [0.5, 0.5], [1, 1]])


def test_interpolation_tells_what_it_expects():
    with pytest.raises(ValueError, match=r"start and end.*\(3,\) and \(3, 1\)"):
        plots.interpolate(np.zeros(3), np.zeros((3, 1)), 4)
    with pytest.raises(ValueError, match="steps must be at least 2, the two ends, found 1"):
        plots.interpolate(np.zeros(3), np.zeros(3), 1)


def test_interpolation_sheet_has_a_row_for_each_line():
    def generate(z):
        return jnp.broadcast_to(z[:, :1, None, None], (len(z), 8, 8, 1))

    start, end = jax.random.uniform(jax.random.key(0), (2, 3, 5))
    sheet = plots.interpolation_sheet(generate, start, end, steps=4)
    assert sheet.shape == (3 * 50, 4 * 50, 1)
    brightness = np.linspace(start[:, 0], end[:, 0], 4, axis=1) * 255
    np.testing.assert_allclose(sheet[25::50, 25::50, 0], brightness, rtol=0, atol=0.51)


# ---------------------------------------------------------------------------------------------- nearest training images


@pytest.mark.parametrize("block", [1, 7, 40, 1000])
@pytest.mark.parametrize("shape", [(6, 5, 1), (4, 4, 3), (9,)])
def test_nearest_neighbours_agree_with_scikit_learn(shape, block):
    samples, training = RNG.uniform(size=(25, *shape)).astype(np.float32), RNG.uniform(size=(40, *shape))
    indices, distances = plots.nearest_neighbours(samples, training, block=block)
    oracle = NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(training.reshape(40, -1))
    expected_distances, expected_indices = oracle.kneighbors(samples.reshape(25, -1).astype(np.float64))
    np.testing.assert_array_equal(indices, expected_indices[:, 0])
    np.testing.assert_allclose(distances, expected_distances[:, 0], rtol=1e-12)


def test_nearest_neighbours_of_bytes_are_those_of_their_floats():
    training = RNG.integers(0, 256, (300, 8, 8, 1), np.uint8)
    places = RNG.permutation(300)[:50]
    indices, distances = plots.nearest_neighbours(training[places], training, block=64)
    np.testing.assert_array_equal(indices, places)  # an image is its own neighbour
    np.testing.assert_array_equal(distances, 0)
    indices, distances = plots.nearest_neighbours(np.float32(training[places]) / 255, training)
    np.testing.assert_array_equal(indices, places)
    np.testing.assert_allclose(distances, 0, atol=1e-6)


def test_neighbours_that_differ_by_one_level_of_one_pixel_are_told_apart():
    """Where |x|^2 + |y|^2 - 2 x.y in float32 cannot: bright images, the smallest possible difference."""
    training = np.full((3, 32, 32, 3), 255, np.uint8)
    training[0, 0, 0, 0], training[2, 0, 0, 0] = 253, 252
    samples = np.full((2, 32, 32, 3), 255, np.uint8)
    samples[1, 0, 0, 0] = 252
    indices, distances = plots.nearest_neighbours(samples, training)
    assert indices.tolist() == [1, 2]
    np.testing.assert_array_equal(distances, 0)


def test_nearest_neighbours_tell_what_they_expect():
    with pytest.raises(ValueError, match=r"of one shape, found \(2, 8, 8, 1\) and \(3, 8, 8, 3\)"):
        plots.nearest_neighbours(np.zeros((2, 8, 8, 1)), np.zeros((3, 8, 8, 3)))
    with pytest.raises(ValueError, match="at least one training image"):
        plots.nearest_neighbours(np.zeros((2, 8, 8, 1)), np.zeros((0, 8, 8, 1)))


@pytest.mark.parametrize("channels", [1, 3])
def test_nearest_sheet_frames_the_neighbour_of_the_sample_beside_it(channels):
    training = RNG.integers(0, 256, (30, 5, 4, channels), np.uint8)
    places = [3, 9, 27, 14, 2, 8]
    noise = RNG.integers(-5, 6, (6, 5, 4, channels))
    samples = np.clip(training[places] + noise, 0, 255).astype(np.uint8)
    order = [samples[0], samples[1], samples[2], training[27], samples[3], samples[4], samples[5], training[8]]
    grey, yellow = [plots.BACKGROUND] * 3, plots.YELLOW
    expected = sheet_by_loops(
        np.broadcast_to(order, (8, 5, 4, 3)), columns=4, padding=2, scale=3, frames=[grey, grey, grey, yellow] * 2
    )
    sheet = plots.nearest_sheet(samples, training, columns=3, padding=2, scale=3)
    np.testing.assert_array_equal(sheet, expected)


def test_nearest_sheet_wants_full_rows():
    with pytest.raises(ValueError, match="expected full rows of 5 samples, found 7 samples"):
        plots.nearest_sheet(np.zeros((7, 8, 8, 1)), np.zeros((3, 8, 8, 1)))


# ----------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("channels", [1, 3])
def test_png_comes_back_as_it_was(tmp_path, channels):
    picture = RNG.integers(0, 256, (7, 9, channels), np.uint8)
    plots.save_png(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image).reshape(picture.shape), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_failed_write_keeps_what_was_there(tmp_path, monkeypatch):
    plots.save_png(tmp_path / "a.png", np.zeros((2, 2, 1), np.uint8))
    before = (tmp_path / "a.png").read_bytes()

    def full_disk(self, path, format):
        path.write_bytes(b"half a pict")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        plots.save_png(tmp_path / "a.png", np.ones((2, 2, 1), np.uint8))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 1)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)])
def test_save_png_tells_what_it_expects(tmp_path, picture):
    with pytest.raises(ValueError, match="expected a uint8 picture"):
        plots.save_png(tmp_path / "a.png", picture)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------------------------------------------- curves


def test_curves_draw_what_the_rows_hold():
    rows = [
        {"step": 10, "d_loss": 0.4, "g_loss": 2.0, "d_real_accuracy": 0.9, "images_per_second": 5e3},
        {"step": 20, "d_loss": 0.5, "g_loss": 1.5, "d_real_accuracy": 0.8, "validation_log_likelihood": -3.0},
        {"step": 30, "g_loss": 1.0},
    ]
    balance = {"d_loss": math.log(2), "g_loss": math.log(2)}
    losses, accuracies, likelihoods = plots.curves(rows, balance=balance).axes
    drawn = {line.get_label(): line.get_xydata().tolist() for axis in (losses, accuracies, likelihoods) for line in axis.lines}
    assert drawn.pop("0.693: D = 1/2") == [[0, math.log(2)], [1, math.log(2)]]
    assert drawn == {
        "d_loss": [[10, 0.4], [20, 0.5]],
        "g_loss": [[10, 2.0], [20, 1.5], [30, 1.0]],
        "d_real_accuracy": [[10, 0.9], [20, 0.8]],
        "validation_log_likelihood": [[20, -3.0]],
    }


def test_curves_take_the_balance_of_another_game():
    rows = [{"step": 1, "d_loss": 1.0, "g_loss": 1.0}, {"step": 2, "d_loss": 1.0, "g_loss": 1.0}]
    (axis,) = plots.curves(rows, balance={"d_loss": 2 * math.log(2), "g_loss": math.log(2)}).axes
    assert [line.get_ydata()[0] for line in axis.lines[2:]] == [math.log(2), 2 * math.log(2)]
    (axis,) = plots.curves(rows).axes
    assert len(axis.lines) == 2, "without one, no lines are drawn"


def test_curves_mark_the_warnings_of_the_monitor():
    rows = [
        {"step": 10, "d_loss": 1.0, "fid": 100.0, "coverage": 0.5},
        {"step": 20, "d_loss": 1.0, "fid": 4.0, "coverage": 0.8},
        {"step": 30, "d_loss": 1.0, "fid": 90.0, "coverage": 0.1, "warning": "collapse? coverage fell from 0.80 to 0.10"},
    ]
    loss, fid, diversity = plots.curves(rows).axes
    assert [axis.get_yscale() for axis in (loss, fid, diversity)] == ["linear", "log", "linear"]
    marks = {
        axis: [line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == ":"] for axis in (loss, fid, diversity)
    }
    assert marks == {loss: [], fid: [30], diversity: [30]}
    assert plots.curves([{"step": 1, "fid": 5.0}, {"step": 2, "fid": 4.0}]).axes[0].get_yscale() == "linear"


def test_curves_of_nothing_are_refused():
    with pytest.raises(ValueError, match="expected rows with a step and a loss"):
        plots.curves([{"step": 1, "images_per_second": 3.0}])


def test_versions_of_images_stand_below_each_other_whatever_their_sizes():
    """Five images in columns of three: a small one is doubled, one of half the width centred; the rest is background."""
    rng = np.random.default_rng(0)
    small, large = rng.integers(0, 256, (5, 24, 20, 1), np.uint8), rng.integers(0, 256, (5, 48, 40, 3), np.uint8)
    narrow = [rng.integers(0, 256, (48, 20, 1), np.uint8) for _ in range(5)]
    picture = plots.comparison(small, large, narrow, columns=3)
    assert picture.shape == (2 * 3 * 50, 3 * 42, 3)
    cells = picture.reshape(2, 3, 50, 3, 42, 3).swapaxes(2, 3)[:, :, :, 1:-1, 1:-1]  # block, version, column
    for index in range(5):
        block, column = divmod(index, 3)
        doubled = small[index].repeat(2, 0).repeat(2, 1)
        np.testing.assert_array_equal(cells[block, 0, column], np.broadcast_to(doubled, (48, 40, 3)))
        np.testing.assert_array_equal(cells[block, 1, column], large[index])
        np.testing.assert_array_equal(cells[block, 2, column, :, 10:30], np.broadcast_to(narrow[index], (48, 20, 3)))
        assert (cells[block, 2, column, :, :10] == plots.BACKGROUND).all()
    assert (cells[1, :, 2] == plots.BACKGROUND).all()


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ((np.zeros((2, 4, 4, 1)), np.zeros((3, 4, 4, 1))), "as many images of each version, at least one, found 2, 3"),
        ((np.zeros((0, 4, 4, 1)),), "at least one, found 0"),
        ((np.zeros((1, 4, 4, 2)),), r"images of the shape \[height, width, 1 or 3\], found \(4, 4, 2\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(versions, message):
    with pytest.raises(ValueError, match=message):
        plots.comparison(*versions)
