"""The pictures of games: the right colours at the right places, found through the transform from data to pixels."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.quiver import Quiver
from scipy import stats

from jgan import plots
from jgan.data import toys
from jgan.metrics import modes
from jgan.plots import canvas, density, points, trajectories

RNG = np.random.default_rng(0)
SQUARE = np.array([[-1.0, -1.0], [-1, 1], [1, -1], [1, 1]])  # real points whose picture reaches from -1.2 to 1.2
DEFAULTS = {"title": "", "dpi": 100}


def place(figure, axis, point):
    """Row and column of the pixel that holds a point of the data."""
    x, y = axis.transData.transform(point)
    return int(figure.bbox.height - y), int(x)


def shows(figure, picture, axis, point, color, tolerance=40):
    """Whether a pixel of that colour is at the point or beside it."""
    row, column = place(figure, axis, point)
    patch = picture[row - 1 : row + 2, column - 1 : column + 2].astype(int)
    rgb = np.rint(255 * np.array(matplotlib.colors.to_rgb(color))).astype(int)
    return bool((np.abs(patch - rgb).max(axis=-1) <= tolerance).any())


# ---------------------------------------------------------------------------------------------------------------- points


def points_figure(samples, real=SQUARE, **options):
    figure = points._points_figure(samples, real, **{"centres": None, "radius": None, **DEFAULTS, **options})
    return figure, canvas.pixels(figure), figure.axes[0]


def test_points_are_drawn_where_they_are_generated_over_real():
    samples = np.array([[0.0, 0.0], [0.5, -0.25], [1.0, 1.0]])
    figure, picture, axis = points_figure(samples)
    for sample in samples:
        assert shows(figure, picture, axis, sample, canvas.GREEN)
    for point in SQUARE[:3]:
        assert shows(figure, picture, axis, point, canvas.GREY)
    assert not shows(figure, picture, axis, SQUARE[3], canvas.GREY)  # a generated point lies on it
    assert shows(figure, picture, axis, (0.25, 0.6), "white", tolerance=0)


def test_a_circle_is_blue_if_a_point_lies_in_it_and_else_vermilion_and_crossed():
    centres, radius = np.array([[-0.6, 0.0], [0.6, 0.0], [0.0, 0.7]]), 0.3
    samples = np.array([[-0.6, 0.29], [0.6, 0.31], [0.02, 0.6]])  # just within the first, just beyond the second
    figure, picture, axis = points_figure(samples, centres=centres, radius=radius)
    for centre, covered in zip(centres, (True, False, True), strict=True):
        for angle in (0.4, 2.0, 3.9):
            edge = centre + radius * np.array([np.cos(angle), np.sin(angle)])
            assert shows(figure, picture, axis, edge, canvas.BLUE) == covered
            assert shows(figure, picture, axis, edge, canvas.VERMILION) != covered
            assert shows(figure, picture, axis, centre + 0.8 * (edge - centre), "white", tolerance=0)
        assert shows(figure, picture, axis, centre, canvas.VERMILION) != covered
    assert axis.get_title() == "2 of 3 modes, 66.7% in a circle"


@pytest.mark.parametrize(("name", "kept"), [("ring8", 8), ("ring8", 3), ("grid25", 11)])
def test_the_numbers_above_are_those_of_the_measure(name, kept):
    centres, std = toys.centres(name), toys.std(name)
    samples = centres[RNG.integers(kept, size=500)] + 1.5 * std * RNG.standard_normal((500, 2))
    _, _, axis = points_figure(samples, toys.make(name, 500, seed=0).x, centres=centres, radius=3 * std, title="step 7")
    covered, total, share = re.fullmatch(r"step 7: (\d+) of (\d+) modes, (.*)% in a circle", axis.get_title()).groups()
    expected = modes.mode_coverage(samples, centres, std)
    assert (int(covered), int(total)) == (int(expected.modes), len(centres))
    assert float(share) == pytest.approx(100 * float(expected.high_quality), abs=0.051)
    (circles,) = [artist for artist in axis.collections if isinstance(artist, EllipseCollection)]
    blue = [matplotlib.colors.same_color(color, canvas.BLUE) for color in circles.get_edgecolors()]
    np.testing.assert_array_equal(blue, np.asarray(expected.counts) > 0)


def test_only_the_points_move_between_two_pictures():
    """Whatever is generated, the frame, its numbers and the legend stay: an animation does not jump."""
    samples = [0.1 * RNG.standard_normal((50, 2)), np.array([[np.nan, 0], [np.inf, 0], [50.0, 3.0], [0.0, 0.0]])]
    drawn = [points_figure(each, title="step 1") for each in samples]
    boxes = [figure.axes[0].bbox.extents for figure, _, _ in drawn]
    np.testing.assert_array_equal(*boxes)
    left, bottom, right, top = boxes[0]
    outside = np.ones(drawn[0][1].shape[:2], bool)
    outside[int(440 - top) + 1 : int(440 - bottom), int(left) + 1 : int(right)] = False
    assert outside.sum() > 20_000
    np.testing.assert_array_equal(drawn[0][1][outside], drawn[1][1][outside])
    assert (drawn[0][1] != drawn[1][1]).any()
    (text,) = drawn[1][2].texts
    assert text.get_text() == "3 beyond"
    assert not drawn[0][2].texts


def test_both_axes_have_one_scale_and_hold_the_real_points():
    real = np.array([[0.0, 0.0], [10.0, 1.0]])
    _, _, axis = points_figure(real, real)
    assert axis.get_xlim() == pytest.approx((-1, 11))
    assert axis.get_ylim() == pytest.approx((-5.5, 6.5))
    assert axis.bbox.width == pytest.approx(axis.bbox.height)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": np.zeros((3, 1))}, r"expected samples of the shape \[N, 2\], at least one point, found \(3, 1\)"),
        ({"samples": np.zeros((0, 2))}, r"at least one point, found \(0, 2\)"),
        ({"real": np.full((3, 2), np.nan)}, "expected finite values of real, found 6 NaN or infinite"),
        ({"centres": SQUARE}, "expected centres and radius both or neither"),
        ({"radius": 0.1}, "expected centres and radius both or neither"),
        ({"centres": np.zeros((2, 3)), "radius": 0.1}, r"expected centres of the shape \[N, 2\]"),
    ],
)
def test_points_sheet_tells_what_it_expects(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.points_sheet(**{"samples": SQUARE, "real": SQUARE, **arguments})


# ---------------------------------------------------------------------------------------------------------- trajectories


def rotation(w):
    return np.stack([-w[:, 1], w[:, 0]], axis=1)


def trajectory_figure(paths, field=rotation, **options):
    defaults = {"limits": (-2.0, 2.0), "equilibrium": (0.0, 0.0), "names": ("x", "y"), **DEFAULTS}
    figure = trajectories._trajectory_figure(paths, field, **{**defaults, **options})
    return figure, canvas.pixels(figure), figure.axes[0]


def test_each_path_has_a_line_a_name_a_start_and_an_end():
    t = np.linspace(0, np.pi, 200)
    paths = {f"r = {r}": r * np.stack([np.cos(t), np.sin(t)], axis=1) for r in (0.9, 1.7)}
    figure, picture, axis = trajectory_figure(paths)
    for path, color in zip(paths.values(), (canvas.BLUE, canvas.VERMILION), strict=True):
        for step in (50, 90, 150, 199):
            assert shows(figure, picture, axis, path[step], color)
        assert not shows(figure, picture, axis, -path[100], color)  # the other half of the circle
        assert shows(figure, picture, axis, path[0], "white", tolerance=0)  # the start is hollow
    assert shows(figure, picture, axis, (0, 0), "black")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["r = 0.9", "r = 1.7", "equilibrium"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y")


def test_the_equilibrium_may_lie_elsewhere():
    figure, picture, axis = trajectory_figure({"still": np.ones((3, 2))}, equilibrium=(-1.1, 0.7))
    assert shows(figure, picture, axis, (-1.1, 0.7), "black")
    assert not shows(figure, picture, axis, (0, 0), "black")


def test_arrows_of_one_length_point_along_the_field():
    """The Dirac-GAN's field, and nothing drawn at the one point of the grid where it stands still."""

    def dirac(w):
        theta, psi = w.T
        slope = 1 / (1 + np.exp(psi * theta))  # f'(t) for f(t) = -log(1 + exp(-t))
        return np.stack([-psi * slope, theta * slope], axis=1)

    figure, picture, axis = trajectory_figure({"still": np.full((2, 2), 1.9)}, dirac)
    (arrows,) = [artist for artist in axis.collections if isinstance(artist, Quiver)]
    xy, uv = arrows.XY, np.stack([arrows.U, arrows.V], axis=1)
    assert len(xy) == 17 * 17 - 1
    assert np.linalg.norm(xy, axis=1).min() > 0.2
    assert (np.abs(xy) < 2).all()
    np.testing.assert_allclose(np.linalg.norm(uv, axis=1), 1)
    velocity = dirac(xy)
    np.testing.assert_allclose(np.sum(uv * velocity, axis=1), np.linalg.norm(velocity, axis=1))
    for point in xy[::20]:
        assert shows(figure, picture, axis, point, canvas.PALE)


def test_a_path_that_leaves_the_picture_or_overflows_is_cut_off():
    path = np.array([[0.5, 0.5], [1.0, 1.0], [1e6, 1e6], [1e300, -1e300], [np.inf, np.nan]])
    figure, picture, axis = trajectory_figure({"diverges": path})
    assert axis.get_xlim() == (-2, 2)
    assert shows(figure, picture, axis, (0.75, 0.75), canvas.BLUE)
    assert not shows(figure, picture, axis, (1.5, 1.5), canvas.BLUE)
    still, _, _ = trajectory_figure({"diverges": path[:2]})
    np.testing.assert_array_equal(still.axes[0].bbox.extents, axis.bbox.extents)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"paths": {}}, "expected at least one path, found none"),
        ({"paths": {"flat": np.zeros(4)}}, r"expected flat of the shape \[N, 2\], at least one point, found \(4,\)"),
        ({"limits": (1.0, -1.0)}, r"expected limits \(low, high\), the lower first, found \(1.0, -1.0\)"),
        ({"limits": (0.0, np.inf)}, "expected limits"),
        ({"field": lambda w: w[:, 0]}, r"expected field of the shape \[N, 2\]"),
        ({"field": lambda w: w[:5]}, "expected a velocity for each of the 289 points, found 5"),
        ({"field": lambda w: w * np.nan}, "expected finite values of field, found 578 NaN or infinite"),
    ],
)
def test_trajectory_sheet_tells_what_it_expects(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.trajectory_sheet(**{"paths": {"a": np.zeros((2, 2))}, "field": rotation, "limits": (-1.0, 1.0), **arguments})


# -------------------------------------------------------------------------------------------------------- one dimension


def normal(x):
    return stats.norm.pdf(x[:, 0], 4, 0.5)


def density_figure(samples, real=normal, **options):
    defaults = {"limits": (0.0, 8.0), "discriminator": None, "latents": None, "bins": 80, **DEFAULTS}
    figure = density._density_figure(samples, real, **{**defaults, **options})
    return figure, canvas.pixels(figure), figure.axes[0]


def test_the_real_density_is_dotted_and_the_generated_one_filled():
    samples = np.repeat(np.linspace(1.025, 2.975, 40), 5)[:, None]  # uniform on [1, 3]: a density of 1/2
    figure, picture, axis = density_figure(samples)
    filled = np.array([102, 197, 172]) / 255  # green at 0.6 over white
    for x in (1.2, 2.0, 2.8):
        assert shows(figure, picture, axis, (x, 0.25), filled, tolerance=3)
        assert shows(figure, picture, axis, (x, 0.47), filled, tolerance=3)
        assert shows(figure, picture, axis, (x, 0.55), "white", tolerance=0)
    assert shows(figure, picture, axis, (0.5, 0.25), "white", tolerance=0)
    curve = [np.array([[x, stats.norm.pdf(x, 4, 0.5)]]) for x in np.linspace(3.2, 4.8, 60)]
    dots = [shows(figure, picture, axis, point[0], "black") for point in curve]
    assert 0.3 < np.mean(dots) < 1
    assert axis.get_ylim() == pytest.approx((0, 1.5 * stats.norm.pdf(0, 0, 0.5)), rel=1e-4)


def test_real_points_make_a_histogram_and_the_limits():
    real = RNG.normal(4, 0.5, (2000, 1))
    _, _, axis = density_figure(np.full((5, 1), 4.0), real, limits=None, bins=30)
    low, high = real.min() - 0.2 * np.ptp(real), real.max() + 0.2 * np.ptp(real)
    assert axis.get_xlim() == pytest.approx((low, high))
    heights, edges, _ = axis.patches[0].get_data()
    np.testing.assert_allclose(heights, np.histogram(real, edges, density=True)[0])
    assert len(heights) == 30


def test_what_lies_beyond_the_picture_lowers_the_histogram():
    samples = np.array([[1.0], [1.0], [99.0], [np.nan], [-np.inf]])
    _, _, axis = density_figure(samples)
    (patch,) = axis.patches
    heights, edges, _ = patch.get_data()
    assert np.sum(heights * np.diff(edges)) == pytest.approx(2 / 5)


def test_the_height_does_not_follow_a_generator_that_collapses():
    pictures = [density_figure(4 + spread * RNG.standard_normal((500, 1))) for spread in (0.5, 0.001)]
    limits = [(axis.get_ylim(), axis.get_xlim()) for _, _, axis in pictures]
    assert limits[0] == limits[1]


def test_the_discriminator_is_drawn_from_0_to_1_on_the_right():
    figure, picture, _ = density_figure(
        np.full((5, 1), 1.0), discriminator=lambda x: np.where(x[:, 0] < 4, 0.25, 0.75), limits=(0, 8)
    )
    right = figure.axes[1]
    assert right.get_ylim() == (0, 1.02)
    for low, high, level in ((2, 3.5, 0.25), (5.2, 7.5, 0.75)):
        dashes = [shows(figure, picture, right, (x, level), canvas.BLUE) for x in np.linspace(low, high, 60)]
        assert 0.4 < np.mean(dashes) < 1
        assert not any(shows(figure, picture, right, (x, 1 - level), canvas.BLUE) for x in np.linspace(low, high, 60))


def test_arrows_lead_from_each_latent_to_its_sample():
    """G(z) = 8 - 2 |z|, z from -2 to 2 across the picture: x is at (z + 2) / 4 of the width below."""
    z = RNG.permutation(np.linspace(-2, 2, 301))[:, None]
    figure, picture, _ = density_figure(8 - 2 * np.abs(z), latents=z, limits=(0.0, 8.0))
    assert picture.shape == (400, 400, 3)
    below = figure.axes[1]
    (arrows,) = [artist for artist in below.collections if isinstance(artist, Quiver)]
    start, end = arrows.XY[:, 0], arrows.XY[:, 0] + arrows.U
    assert len(start) == density.ARROWS
    np.testing.assert_allclose((start.min(), start.max()), (0, 8))
    np.testing.assert_allclose(end, 8 - 2 * np.abs(start / 2 - 2))
    for first, last in zip(start, end, strict=True):
        assert shows(figure, picture, below, ((first + last) / 2, 0.5), "black", tolerance=120)
    labels = {text.get_text(): tick for tick, text in zip(below.get_xticks(), below.get_xticklabels(), strict=True)}
    assert labels == {"\N{MINUS SIGN}2.0": 0, "\N{MINUS SIGN}1.0": 2, "0.0": 4, "1.0": 6, "2.0": 8}


def test_no_arrow_leads_out_of_the_picture():
    z = np.linspace(-1, 1, 11)[:, None]
    figure, _, _ = density_figure(np.where(z > 0, 100.0, 4.0), latents=z)
    (arrows,) = [artist for artist in figure.axes[1].collections if isinstance(artist, Quiver)]
    np.testing.assert_allclose(arrows.XY[:, 0] + arrows.U, np.full(6, 4.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": np.zeros(5)}, r"expected samples of the shape \[N, 1\], at least one point, found \(5,\)"),
        ({"limits": None}, r"expected limits if the real data are given as a density, found none: pass \(low, high\)"),
        ({"limits": (2, 2)}, "the lower first"),
        ({"real": np.array([[np.inf]])}, "expected finite values of real, found 1 NaN or infinite"),
        ({"real": lambda x: x[:3]}, "expected 401 values of the real density, one per point, found 3"),
        ({"discriminator": lambda x: x - 4}, "probabilities, from 0 to 1, found -4 to 4: apply a sigmoid to logits"),
        ({"discriminator": lambda x: x * np.nan}, "expected finite values of the discriminator"),
        ({"latents": np.zeros((4, 1))}, "expected a latent for each sample, found 4 for 5"),
        ({"latents": np.full((5, 1), np.nan)}, "expected finite values of latents"),
    ],
)
def test_density_sheet_tells_what_it_expects(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.density_sheet(**{"samples": np.zeros((5, 1)), "real": normal, "limits": (0.0, 8.0), **arguments})


# ------------------------------------------------------------------------------------------------------------ all of them

SHEETS = {
    "points": lambda **options: plots.points_sheet(SQUARE / 2, SQUARE, centres=SQUARE, radius=0.1, **options),
    "trajectory": lambda **options: plots.trajectory_sheet({"a": SQUARE}, rotation, limits=(-2, 2), **options),
    "density": lambda **options: plots.density_sheet(
        SQUARE[:, :1], normal, limits=(-2, 6), discriminator=lambda x: 0 * x + 0.5, latents=SQUARE[:, 1:], **options
    ),
}


@pytest.mark.parametrize("name", SHEETS)
def test_equal_games_make_equal_pictures_without_pyplot(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # to import it would now fail
    first, again, titled = SHEETS[name](), SHEETS[name](), SHEETS[name](title="step 3")
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    np.testing.assert_array_equal(first, again)
    assert (first != titled)[:40].any()  # the title is above
    assert first[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("name", "shape"), [("points", (220, 200, 3)), ("trajectory", (220, 200, 3)), ("density", (200, 200, 3))]
)
def test_the_size_goes_with_the_dpi(name, shape):
    assert SHEETS[name](dpi=50).shape == shape


@pytest.mark.slow
def test_no_backend_that_the_user_sets_makes_a_difference(tmp_path):
    """Not even one that is not installed; one that is stays pyplot's."""
    code = """
import os
import re
import subprocess
import sys
from pathlib import Path
import numpy as np
from jgan import plots
square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
picture = plots.points_sheet(square, square)
curves = plots.curves([{"step": 1, "d_loss": 0.5}])
curves.savefig(sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
import matplotlib
print(picture.std() > 5, type(curves.canvas).__name__, matplotlib.rcParams["backend"] == "svg")
"""
    printed = {}
    for backend in ("nonsense", "module://no.such.module", "svg"):
        command = [sys.executable, "-c", code, str(tmp_path / "curves.png")]
        environment = os.environ | {"MPLBACKEND": backend, "JAX_PLATFORMS": "cpu"}
        printed[backend] = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
    assert printed["nonsense"] == ["True", "FigureCanvasAgg", "False"]
    assert printed["module://no.such.module"] == ["True", "FigureCanvasAgg", "False"]
    assert printed["svg"] == ["True", "FigureCanvasAgg", "True"]


def test_no_module_of_the_package_imports_pyplot():
    package = Path(plots.__file__).parents[1]
    assert [
        path
        for path in package.rglob("*.py")
        if re.search(r"^\s*(import|from) .*(pyplot|pylab)", path.read_text(), re.MULTILINE)
    ] == []
