"""Trains models of x4 super-resolution on photographs, and measures both of their phases on the pictures of the literature.

  python -m benchmarks.super_resolution --data-dir DATA
  python -m benchmarks.super_resolution --data-dir DATA --models srgan --minutes 30

DATA has the folders `bsds500` (BSDS500, unpacked) and `sr_set5_set14` (`CSet5` and `CSet14`, PNG). A model is trained on the
200 training photographs of BSDS500: its generator by the mean absolute difference alone, then with an adversarial and a
perceptual loss. Measured are bicubic enlargement, the generator at the end of each phase, and the weights halfway between these
two: PSNR and SSIM of the luma without a border of 4 pixels; a perceptual distance, and KID of patches of 96x96, both in maps of
EfficientNet-Lite1. The loss sees EfficientNet-Lite0, so that the network that judges is not the one that taught.

Each model has a result file, `benchmarks/results/super_resolution/MODEL.json`, and a picture,
`docs/super_resolution/MODEL.png`. A model that has its result is left as it is, and a run that was stopped goes on.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import budget
from benchmarks.tables import ROOT
from jgan import data, models, plots
from jgan.evaluation import enlargements
from jgan.training import train
from jgan.training.environment import environment, write_json
from jgan.training.evaluators.super_resolution import enlarged
from jgan.training.run import Run
from jgan.types import GANState
from jgan.utils import cli
from jgan.utils.registry import unknown

PROG = "python -m benchmarks.super_resolution"

SCALE = 4

TRAINING, SETS = "bsds500/BSDS500/data/images", {"Set5": "sr_set5_set14/CSet5", "Set14": "sr_set5_set14/CSet14"}
"""folders of `--data-dir`"""

SHOWN = (
    ("Set5", "butterfly"),
    ("Set14", "zebra"),
    ("Set14", "comic"),
    ("Set14", "baboon"),
    ("Set14", "monarch"),
    ("Set5", "bird"),
)
"""the pictures of which the part with the most detail is drawn"""


class Entry(NamedTuple):
    """A model.

    Attributes:
      preset: the preset from whose options the run starts.
      changes: other options, by the dotted names of their fields.
      first: steps of the first phase.
      second: steps of the adversarial phase.
      batch_size: crops in a minibatch.
    """

    preset: str
    changes: Mapping[str, Any]
    first: int
    second: int
    batch_size: int = 8

    @property
    def config(self) -> Any:
        """The options: the rate of the first phase falls along a cosine, that of the second is halved twice."""
        schedules = {
            "pretrain_steps": self.first,
            "pretrain_schedule.period": self.first,
            "schedule.falls": (self.second // 2, self.second * 3 // 4),
        }
        return budget.changed(models.presets()[self.preset].config, {**self.changes, **schedules})


ENTRIES: dict[str, Entry] = {
    "srgan": Entry(
        "srgan_photographs",
        {
            "generator": "msrresnet",
            "pixel": "l1",
            "g_width": 24,
            "g_blocks": 6,
            "d_width": 24,
            "crop.side": 16,
            "crop.flip": True,
            "crop.turn": True,
            "pretrain.learning_rate": 1e-3,
        },
        first=9_000,
        second=2_000,
    ),
    "esrgan": Entry(
        "esrgan_photographs",
        {"g_width": 24, "g_growth": 12, "g_blocks": 2, "d_width": 24, "crop.side": 16, "pretrain.learning_rate": 1e-3},
        first=9_000,
        second=2_000,
    ),
}
"""The models, with widths and lengths for a CPU: about half an hour each."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.super_resolution`."""

    data_dir: Path
    """folder that holds the data sets in subfolders"""
    models: tuple[str, ...] = ()
    """models, of srgan and esrgan; default: both"""
    times: float = 1.0
    """factor on the steps of both phases"""
    minutes: float = 0.0
    """stop after this time, to go on in the next call; 0: no limit"""
    seed: int = 0
    """seed of every run"""
    judge: str = "auto"
    """network of the perceptual distance: auto, or one that is not that of the loss"""
    workdir: Path = Path("runs/super_resolution")
    """folder of the runs"""
    results: Path = ROOT / "benchmarks" / "results" / "super_resolution"
    """folder of the result files"""
    pictures: Path = ROOT / "docs" / "super_resolution"
    """folder of the pictures"""


class Pictures(NamedTuple):
    """A test set: names, true pictures and their low resolutions, uint8."""

    names: list[str]
    large: list[np.ndarray]
    small: list[np.ndarray]


def pictures_of(folder: Path) -> Pictures:
    """Reads a test set with its low resolutions.

    Args:
      folder: its PNG files.

    Returns:
      The `Pictures`, as `photographs:x4` makes them.
    """
    found = data.load(f"photographs:x{SCALE}", folder, held_out=0).train
    return Pictures(sorted(path.stem for path in folder.glob("*.png")), found.x.images(), found.c.images())


def enlargers(run: Run, state: GANState) -> dict[str, Callable[[Sequence[np.ndarray]], list[np.ndarray]]]:
    """The ways in which pictures are enlarged.

    Args:
      run: the finished run.
      state: its last state.

    Returns:
      Functions from small pictures to large ones, by name: bicubic, the two phases, and the weights halfway between them.
    """
    last = run.snapshot("last")
    first, half = (run.interpolated(last, share).state for share in (0.0, 0.5))
    return {
        "bicubic": lambda small: [enlargements.bicubic(image, SCALE) for image in small],
        "first": lambda small: enlarged(run, first, small),
        "halfway": lambda small: enlarged(run, half, small),
        "second": lambda small: enlarged(run, state, small),
    }


def sheet(found: Mapping[str, Mapping[str, list[np.ndarray]]], sets: Mapping[str, Pictures]) -> np.ndarray:
    """Draws rows of bicubic, the first and the second phase, and the truth.

    Args:
      found: by test set and way of enlargement, the pictures.
      sets: the test sets.

    Returns:
      uint8 `[height, width, 3]`.
    """
    columns = []
    for name, picture in SHOWN:
        if name in sets and picture in sets[name].names:
            index = sets[name].names.index(picture)
            truth = sets[name].large[index]
            place = enlargements.most_detailed(truth, 128)
            ways = (found[name][way][index][place] for way in ("bicubic", "first", "second"))
            columns.append([*ways, truth[place]])
    return plots.comparison(*zip(*columns, strict=True), columns=len(columns))


def success(sets: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, bool]:
    """What the two phases have to show.

    Args:
      sets: the measures by test set and way of enlargement.

    Returns:
      By condition whether it holds.

    Example:
      >>> from benchmarks import super_resolution
      >>> measures = {"psnr": 28.0, "distance": 1.0, "kid": 0.2}
      >>> ways = {"bicubic": measures, "first": measures | {"psnr": 29.5}, "second": measures | {"distance": 0.5, "kid": 0.1}}
      >>> list(super_resolution.success({"Set5": ways}).values())
      [True, True, True, True]
    """
    kept: dict[str, bool] = {}
    if "Set5" in sets:
        gain = sets["Set5"]["first"]["psnr"] - sets["Set5"]["bicubic"]["psnr"]
        kept["Set5: the first phase is above bicubic by 1 dB"] = gain > 1
    for name, ways in sets.items():
        kept[f"{name}: the second phase has a lower PSNR than the first"] = ways["second"]["psnr"] < ways["first"]["psnr"]
        for measure, title in (("distance", "perceptual distance"), ("kid", "KID")):
            other = min(ways["bicubic"][measure], ways["first"][measure])
            kept[f"{name}: the second phase has a smaller {title} than bicubic and the first"] = ways["second"][measure] < other
    return kept


def trained(args: Args, name: str, begun: float) -> tuple[dict[str, Any], np.ndarray]:
    """Trains one model, or goes on with it, and measures it.

    Args:
      args: the options.
      name: the model.
      begun: the time at which the command began, from `time.monotonic`.

    Returns:
      `(for JSON, the picture)`.

    Raises:
      TimeoutError: after `--minutes`, once the run is saved.
    """
    entry = ENTRIES[name]
    entry = entry._replace(**{part: max(4, round(args.times * getattr(entry, part))) for part in ("first", "second")})
    sets = {title: pictures_of(args.data_dir / folder) for title, folder in SETS.items()}
    started = time.monotonic()
    run, state, _ = train(
        entry.preset,
        entry.config,
        dataset=f"photographs:x{SCALE}",
        data_dir=args.data_dir / TRAINING,
        steps=entry.first + entry.second,
        batch_size=entry.batch_size,
        seed=args.seed,
        eval_every=0,
        time_limit=budget.minutes_left(args.minutes, begun),
        workdir=args.workdir / name,
        resume="auto",
    )
    seconds = round(time.monotonic() - started, 1)
    features = run.config.model.perceptual.features
    judge = enlargements.network(args.judge, None, features)
    found: dict[str, dict[str, list[np.ndarray]]] = {title: {} for title in sets}
    measured: dict[str, dict[str, dict[str, float]]] = {title: {} for title in sets}
    for way, enlarge in enlargers(run, state).items():
        for title, pictures in sets.items():
            found[title][way] = enlarge(pictures.small)
            perceived = enlargements.perceptual_values(judge, pictures.large, found[title][way], kid=True)
            measured[title][way] = enlargements.fidelity(pictures.large, found[title][way], SCALE) | perceived
    result = {
        "model": name,
        "training": "200 photographs of BSDS500",
        "steps": [entry.first, entry.second],
        "batch_size": entry.batch_size,
        "seed": args.seed,
        "seconds": seconds,
        "loss_network": enlargements.described(features),
        "judge": {"name": judge.name, "digest": judge.digest},
        "sets": measured,
        "success": success(measured),
        "config": models.to_dict(run.config.model),
    }
    return result, sheet(found, sets)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    begun = time.monotonic()
    for name in args.models:
        if name not in ENTRIES:
            raise ValueError(unknown("model", name, ENTRIES))
    if not args.times > 0:
        raise ValueError(f"--times must be above 0, found {args.times}")
    for folder in (args.workdir, args.results, args.pictures):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in args.models or ENTRIES:
            path = args.results / f"{name}.json"
            if not path.exists():
                found, picture = trained(args, name, begun)
                plots.save_png(args.pictures / f"{name}.png", picture)
                write_json(path, found | {"command": shlex.join([*PROG.split(), *argv]), "environment": environment()})
                print(path, flush=True)
    except TimeoutError as stopped:
        print(f"{stopped}; this call again goes on from there", flush=True)


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
