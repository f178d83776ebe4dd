"""The figures of measures: the numbers that are drawn, where, in which colour."""

import matplotlib.colors
import numpy as np
import pytest

from jgan import data, plots
from jgan.metrics import ndb, prd, spectrum
from jgan.plots import canvas

RNG = np.random.default_rng(0)
DIGITS = data.load("digits")
FEATURES = RNG.standard_normal((300, 3))
REAL, FAKE = np.array([400, 300, 200, 100]), np.array([210, 70, 0, 220])
POWER_8, POWER_9 = (spectrum.radial_power(np.zeros((1, side, side, 1))) for side in (8, 9))
DIFFERENT = ndb.p_values(REAL, FAKE) < 0.05


def same(found, color):
    return matplotlib.colors.same_color(found, color)


def test_a_precision_recall_curve_is_drawn_as_it_is():
    found = {name: prd.evaluate(FEATURES, FEATURES + move, clusters=6, runs=1) for name, move in (("near", 0.2), ("far", 2))}
    figure = plots.prd_curve(found, title="two sets")
    (axis,) = figure.axes
    for line, (name, measured) in zip(axis.lines, found.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([measured.recall, measured.precision], axis=1))
        assert line.get_label() == f"{name}: $F_8$ {measured.f_8:.2f}, $F_{{1/8}}$ {measured.f_1_8:.2f}"
    assert not same(axis.lines[0].get_color(), axis.lines[1].get_color())
    assert (axis.get_xlim(), axis.get_ylim(), axis.get_title()) == ((0, 1), (0, 1), "two sets")
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("recall", "precision")


def test_bins_stand_at_their_shares_and_those_that_differ_are_marked():
    assert DIFFERENT.tolist() == [False, True, True, True]
    figure = plots.ndb_histogram(REAL, FAKE, DIFFERENT, title="half a run")
    (axis,) = figure.axes
    np.testing.assert_allclose([bar.get_height() for bar in axis.patches], REAL / 1000)
    marks = {line.get_label(): line for line in axis.lines}
    assert list(marks) == ["not different: 1", "too many: 1", "too few: 2"]
    for line, marker, color, bins in zip(
        axis.lines, "o^v", (canvas.GREEN, canvas.VERMILION, canvas.VERMILION), ([0], [3], [1, 2]), strict=True
    ):
        np.testing.assert_allclose(line.get_xydata(), np.stack([bins, FAKE[bins] / 500], axis=1))
        assert line.get_marker() == marker
        assert same(line.get_color(), color)
    assert axis.get_title() == "half a run: 3 of 4 bins differ"
    assert axis.get_ylabel() == "share of 500 generated"


def test_a_spectrum_is_in_decibels_beside_that_of_real_images():
    """A third of the light is a ninth of the power, 9.54 dB less at each frequency."""
    real, dark = (spectrum.radial_power(images) for images in (DIGITS.test.x, DIGITS.test.x / 255 / 3))
    above, below = plots.spectrum(real, {"dark": dark}, title="digits").axes
    black, green = above.lines[:2]
    np.testing.assert_allclose(black.get_xdata(), real.frequency[1:])
    np.testing.assert_allclose(black.get_ydata(), 10 * np.log10(real.power[1:]))
    np.testing.assert_allclose(green.get_ydata(), 10 * np.log10(dark.power[1:]))
    np.testing.assert_allclose(below.lines[1].get_ydata(), -20 * np.log10(3), rtol=1e-4)
    assert same(black.get_color(), canvas.BLACK)
    assert same(green.get_color(), canvas.GREEN)
    assert (above.get_title(), below.get_xlabel()) == ("digits", "cycles per pixel")


def test_images_without_power_are_drawn_all_the_same():
    real, black = (spectrum.radial_power(images) for images in (DIGITS.test.x, np.zeros_like(DIGITS.test.x)))
    above, _ = plots.spectrum(real, {"black": black}).axes
    np.testing.assert_allclose(above.lines[1].get_ydata(), -100)


@pytest.mark.parametrize("bins", [4, 100])
def test_they_can_be_written(tmp_path, bins):
    counts = RNG.multinomial(5000, RNG.dirichlet(np.ones(bins)), size=2)
    found = prd.evaluate(FEATURES, FEATURES, clusters=6, runs=1)
    power = spectrum.radial_power(DIGITS.test.x)
    sheets = {
        (320, 700): plots.ndb_histogram(*counts, ndb.p_values(*counts) < 0.05, dpi=100),
        (480, 440): plots.prd_curve({"one": found}),
        (480, 600): plots.spectrum(power, {str(n): power for n in range(9)}),
    }
    for (height, width), figure in sheets.items():
        picture = canvas.pixels(figure)
        assert picture.shape == (height, width, 3)
        assert picture.std() > 10
    figure.savefig(tmp_path / "spectrum.png")
    assert (tmp_path / "spectrum.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.prd_curve({}), "expected at least one curve, found none"),
        (lambda: plots.ndb_histogram(REAL, FAKE[:3], DIFFERENT), r"\[K\] each, found \(4,\), \(3,\) and \(4,\)"),
        (lambda: plots.ndb_histogram(REAL, FAKE, DIFFERENT[:3]), r"\[K\] each"),
        (lambda: plots.ndb_histogram(REAL, -FAKE, DIFFERENT), "nonnegative counts, not all 0"),
        (lambda: plots.ndb_histogram(REAL, 0 * FAKE, DIFFERENT), "nonnegative counts, not all 0"),
        (lambda: plots.spectrum(POWER_8, {}), "of generated images, found none"),
        (
            lambda: plots.spectrum(POWER_8, {"big": POWER_9}),
            "big: expected the spectrum of images of the size of the real ones, found 81 frequencies and 64",
        ),
    ],
)
def test_what_cannot_be_drawn_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_axes_fill_the_figure_also_where_nothing_is_marked():
    figure = plots.ndb_histogram(REAL, REAL, np.zeros(4, bool))
    canvas.pixels(figure)
    box = figure.axes[0].get_position()
    assert box.width > 0.85
    assert box.height > 0.6
    assert box.x0 < 0.13
    assert box.y0 < 0.3
