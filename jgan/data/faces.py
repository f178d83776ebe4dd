"""The Olivetti faces: 400 grey photographs, 40 people x 10, 64x64, taken at AT&T Laboratories Cambridge.

The 2014 paper trains on the Toronto Face Database, 48x48, which is not public. This is the most similar public set. It is far
smaller, so results are not comparable with the paper's. Its images are resized to 48x48 to fit the paper's network.

The parts have different people: 30 for training, the next 5 for validation and the last 5 for testing, or as many as are asked
for: `olivetti:64:28:4:8`.
"""

from pathlib import Path

import numpy as np

from jgan.data import pictures, reading, sources
from jgan.data.dataset import Dataset
from jgan.data.division import take
from jgan.types import Batch
from jgan.utils import text

MAT = "olivettifaces.mat"
PEOPLE = (30, 5, 5)
"""People in the training, validation and test parts, unless others are asked for; 40 in all."""
PICTURES = 10
"""Pictures of each person, one after the other."""


def read_mat(path: Path) -> np.ndarray:
    """Reads the original file.

    Args:
      path: `olivettifaces.mat`, whose array `faces` holds one face per column, with the pixels in column-major order.

    Returns:
      uint8 `[400, 64, 64]`, unchanged, with values from 0 to 242.

    Raises:
      ValueError: if it is a different file or damaged.

    Example:
      See `load`.
    """
    from scipy.io import loadmat, whosmat

    path = reading.user_path(path)
    expected = "a MATLAB file with an array `faces`"
    reading.check_size(path, reading.regular(path, expected))
    with reading.naming(path, expected):
        shape, kind = {name: (shape, kind) for name, shape, kind in whosmat(path)}["faces"]  # only headers are read
        # The original file declares doubles, and stores whole numbers of a byte: that is how they are read.
        if shape != (4096, 400) or kind not in ("uint8", "double"):
            raise ValueError(f"{path}: expected `faces` as uint8 (4096, 400), found {kind} {shape}: get the file again")
        faces = loadmat(path, variable_names=["faces"])["faces"]
        if faces.shape != shape or faces.dtype != np.uint8:
            raise ValueError(
                f"{path}: expected `faces` as uint8 (4096, 400), found {faces.dtype} {faces.shape}: get the file again"
            )
    return faces.T.reshape(400, 64, 64).transpose(0, 2, 1)


def _stretched(faces: np.ndarray) -> np.ndarray:
    """Scales the darkest pixel of the whole set to 0 and the brightest to 255, as scikit-learn does with 0 and 1."""
    faces = faces.astype(np.float64) - faces.min()
    return np.rint(faces * (255 / faces.max())).astype(np.uint8)


def _from_sklearn(data_dir: Path | None) -> np.ndarray:
    """The faces in scikit-learn's cache; scikit-learn downloads them if they are missing."""
    from sklearn.datasets import fetch_olivetti_faces

    place = data_dir or "scikit-learn's data folder"
    with reading.naming(place, "the faces in scikit-learn's cache"):
        try:
            return fetch_olivetti_faces(data_home=data_dir).images
        except OSError as error:
            into = data_dir or "a folder that you name with --data-dir"
            raise ValueError(
                f"{place}: expected {MAT}, or the faces in scikit-learn's cache, found neither, and they cannot be downloaded "
                f"({text.one_line(error)}): put {MAT} into {into}"
            ) from error


def resize(images: np.ndarray, side: int) -> np.ndarray:
    """Resizes square images, with an antialiasing filter.

    Args:
      images: uint8 `[N, height, height]`.
      side: the new height and width.

    Returns:
      uint8 `[N, side, side]`.

    Example:
      >>> import numpy as np
      >>> from jgan.data import faces
      >>> faces.resize(np.full((1, 64, 64), 9, np.uint8), 48).shape
      (1, 48, 48)
    """
    from PIL import Image

    if images.shape[1:] == (side, side):
        return images
    return np.stack([np.array(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)) for image in images])


def asked(name: str) -> tuple[int, tuple[int, ...]]:
    """The side and the people of the parts that a name asks for.

    Args:
      name: `olivetti`, `olivetti:SIDE` or `olivetti:SIDE:TRAIN:VALIDATION:TEST`, with the numbers of people in the parts.

    Returns:
      `(side, people)`.

    Raises:
      ValueError: if it has another form.

    Example:
      >>> from jgan.data import faces
      >>> faces.asked("olivetti:64:28:4:8")
      (64, (28, 4, 8))
    """
    _, *numbers = name.split(":")
    valid = all(number.isdecimal() and len(number) < 5 and int(number) > 0 for number in numbers)
    if not valid or len(numbers) not in (0, 1, 4) or (numbers and int(numbers[0]) ** 2 > pictures.MOST_PIXELS):
        raise ValueError(
            f"expected a side in pixels after the colon, as in olivetti:48, or also the people of the three parts, as in "
            f"olivetti:48:30:5:5, found {name!r}"
        )
    people = tuple(map(int, numbers[1:])) or PEOPLE
    if sum(people) != sum(PEOPLE):
        raise ValueError(f"expected {sum(PEOPLE)} people in the three parts, found {sum(people)} in {name!r}")
    return int(numbers[0]) if numbers else 48, people


def load(name: str = "olivetti", data_dir: Path | None = None) -> Dataset:
    """Loads the Olivetti faces.

    Args:
      name: `olivetti`, 48x48, or another form that `asked` takes.
      data_dir: a folder with `olivettifaces.mat`, or scikit-learn's data folder; None for its default. scikit-learn keeps the
        faces as a pickle: give no folder of unknown origin.

    Returns:
      The `Dataset`: 300 / 50 / 50 images `[N, side, side, 1]`, or ten for each person of a part; `y` is the person, 0 ... 39.

    Raises:
      ValueError: if the name has another form, the file is damaged, or there is none and no network.

    Example:
      >>> from pathlib import Path
      >>> from jgan.data import faces
      >>> faces.load("olivetti:64:38:1:2", Path("no/such/folder"))
      Traceback (most recent call last):
      ValueError: expected 40 people in the three parts, found 41 in 'olivetti:64:38:1:2'

    References:
      Samaria and Harter, "Parameterisation of a stochastic model for human face identification" (1994).
    """
    side, people = asked(name)
    mat = None if data_dir is None else data_dir / MAT
    faces = read_mat(mat) if mat is not None and mat.is_file() else _from_sklearn(data_dir)
    x = resize(_stretched(faces), side)[..., None]
    whole = Batch(x, np.repeat(np.arange(sum(people), dtype=np.int32), PICTURES))
    ends = np.cumsum(people)[:-1]
    return Dataset(name, *(take(whole, np.isin(whole.y, part)) for part in np.split(np.arange(sum(people)), ends)))


sources.register(
    "olivetti",
    load,
    "400 faces, 48x48 or SIDExSIDE, 40 people: olivettifaces.mat in --data-dir, else scikit-learn's cache or download",
    usage="olivetti, olivetti:SIDE, olivetti:SIDE:TRAIN:VALIDATION:TEST (people)",
)
