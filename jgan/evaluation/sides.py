"""Measures two sets of images with an extractor: results, their protocol, pictures."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jgan import plots
from jgan.evaluation.extract import cached, extract
from jgan.evaluation.measure import MEASURES, Options, Row, Sides, result_for_json
from jgan.evaluation.protocol import Protocol
from jgan.evaluation.sets import ImageSet
from jgan.features import Extractor
from jgan.metrics import neighbours, spectrum
from jgan.metrics.blocks import Progress

SHOWN = 10
"""samples in a picture of nearest real images"""


class Given(NamedTuple):
    """The sets of images to measure.

    Attributes:
      real: the real images.
      fake: the generated images; None if not generated yet.
      held_out: additional real images, or None.
    """

    real: ImageSet
    fake: ImageSet | None
    held_out: ImageSet | None = None


class Found(NamedTuple):
    """The results.

    Attributes:
      protocol: the protocol of the results.
      results: the result of each measure, for JSON.
      rows: the table rows of each measure.
      raw: the result of each measure as returned by `jgan.metrics`.
      sides: the sets, with their features.
    """

    protocol: Protocol
    results: dict[str, Any]
    rows: dict[str, list[Row]]
    raw: dict[str, Any]
    sides: Sides


def measure(
    given: Given,
    names: Sequence[str],
    extractor: Extractor,
    *,
    k: int = 5,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Found:
    """Measures generated images against real ones.

    Args:
      given: the sets.
      names: keys of `MEASURES`.
      extractor: the feature network.
      k: the number of nearest neighbours.
      seed: the seed of all random numbers.
      cache: a cache folder for the features of the real images; None for no cache.
      progress: called repeatedly as `progress(done, total)`.

    Returns:
      The `Found`.

    Raises:
      ValueError: if a measure is unknown, the sets do not match, or a measure's inputs are missing.

    Example:
      >>> from jgan import data, features
      >>> from jgan.evaluation import sets, sides
      >>> digits = data.load("digits")
      >>> given = sides.Given(*(sets.of_dataset(digits, split) for split in ("train", "test")))
      >>> found = sides.measure(given, ["fid", "prdc"], features.pixels())
      >>> sorted(found.results), found.protocol.extractor, found.protocol.n_fake
      (['fid', 'prdc'], 'pixels', 296)
    """
    real, fake, held_out = given
    assert fake is not None
    check(given, names, extractor)
    needed = {MEASURES[name].needs for name in names}
    inputs = Sides(real, fake)
    if needed != {"images"}:
        inputs = inputs._replace(
            real_features=cached(cache, extractor, real, progress=progress),
            fake_features=extract(extractor, fake.images, progress=progress),
        )
    if "held_out" in needed and held_out is not None:
        inputs = inputs._replace(held_out=cached(cache, extractor, held_out, progress=progress))
    options = Options(k, seed, progress)
    raw = {name: MEASURES[name].compute(inputs, options) for name in names}
    about = Protocol(
        extractor=extractor.name,
        digest=extractor.digest,
        resizer=extractor.resizer,
        real=real.name,
        real_digest=real.digest,
        n_real=len(real.images),
        n_fake=len(fake.images),
        options={"k": k, "seed": seed},
    )
    rows = {name: MEASURES[name].rows(found) for name, found in raw.items()}
    return Found(about, {name: result_for_json(found) for name, found in raw.items()}, rows, raw, inputs)


def check(given: Given, names: Sequence[str], extractor: Extractor) -> None:
    """Checks that the measures can be computed for the sets.

    Args:
      given: the sets.
      names: the names of the measures.
      extractor: the feature network.

    Raises:
      ValueError: names what was expected and what was found.
    """
    real, fake, held_out = given
    assert fake is not None
    for other in (fake, held_out):
        if other is not None and other.images.shape[1:] != real.images.shape[1:]:
            raise ValueError(
                f"{other.name}: expected images of {_by(real)} like those of {real.name}, found {_by(other)}; "
                "give them the same size and number of channels"
            )
    for name in names:
        needs, least = MEASURES[name].needs, MEASURES[name].least_size
        if min(real.images.shape[1:3]) < least:
            raise ValueError(f"{name} needs images of at least {least}x{least} pixels, found {_by(fake)}")
        if needs == "held_out" and held_out is None:
            raise ValueError(f"{name} compares with real images that the model has not seen: give them with --held-out")
        if needs == "logits" and extractor.name == "pixels":
            raise ValueError(f"{name} needs a classifier's logits, and pixels have none: choose another --extractor")
        if needs == "labels" and (real.labels is None or fake.labels is None):
            raise ValueError(f"{name} needs the labels of both sets, and {'fake' if fake.labels is None else 'real'} has none")


def _by(side: ImageSet) -> str:
    return "x".join(map(str, side.images.shape[1:]))


def headline(protocol: Protocol) -> str:
    """Describes a protocol in one line.

    Args:
      protocol: the protocol.

    Returns:
      The line.
    """
    weights = f" {protocol.digest[:8]}" if protocol.digest else ""
    resizer = "" if protocol.resizer == "none" else f", resized as {protocol.resizer}"
    return (
        f"{protocol.n_fake:,} generated images against {protocol.n_real:,} of {protocol.real}; "
        f"features: {protocol.extractor}{weights}{resizer}"
    )


def draw(folder: Path, found: Found) -> list[Path]:
    """Draws pictures of the results.

    Args:
      folder: the output folder, created if missing.
      found: the results.

    Returns:
      The files: `nearest_features.png` if there are features, `spectrum.png`, and one for each measure with a picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inputs, paths = found.sides, []
    if inputs.real_features is not None and inputs.fake_features is not None:
        real, fake = np.asarray(inputs.real_features.features), np.asarray(inputs.fake_features.features[:SHOWN])
        indices = np.asarray(neighbours.nearest(fake, real, k=min(5, len(real))).indices)
        paths.append(folder / "nearest_features.png")
        plots.save_png(paths[-1], plots.neighbours_sheet(inputs.fake.images[:SHOWN], inputs.real.images[indices]))
    power, generated = (spectrum.radial_power(side.images) for side in (inputs.real, inputs.fake))
    drawn = {"spectrum.png": plots.spectrum(power, {"generated": generated})}
    for name, result in found.raw.items():
        picture = MEASURES[name].picture
        if picture is not None:
            drawn[f"{name}.png"] = picture(result)
    for name, plot in drawn.items():
        paths.append(folder / name)
        plot.savefig(paths[-1])
    return paths


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on a terminal, for slow measures; silent otherwise.

    Yields:
      `progress(done, total)`.
    """
    from tqdm import tqdm

    with tqdm(disable=None, leave=False, dynamic_ncols=True) as bar:

        def progress(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        yield progress
