"""The results of `python -m benchmarks.gallery` as Markdown tables, from its JSON files by their names."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.drawings import markdown, origins
from benchmarks.gallery_models import ENTRIES, FEW
from jgan import models

Runs = Sequence[dict[str, Any]]

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10_jpeg": "CIFAR-10 as JPEG", "emoji": "emoji"}
"""Of the data sets."""

FIGURES = ("M images", "FID", "KID", "precision / coverage", "sharpness")
"""Columns of each data set."""


def gallery(result: dict[str, Any], datasets: Sequence[str] = ("mnist", "fashion_mnist")) -> str:
    """A row for each model, the best FID of the first data set first.

    Args:
      result: the content of the JSON files, by their names.
      datasets: those that are shown, if there are results of them.

    Returns:
      Markdown.
    """
    runs = [run for run in result.values() if run["dataset"] in datasets]
    datasets = [dataset for dataset in datasets if any(run["dataset"] == dataset for run in runs)]
    found = {(run["model"], run["dataset"]): run for run in runs}

    def cells(model: str, dataset: str) -> list[str]:
        run = found.get((model, dataset))
        if run is None:
            return [""] * len(FIGURES)
        return [
            f"{run['images_seen'] / 1e6:.2f}",
            f"{run['fid']:.1f}",
            f"{run['kid']:.3g}",
            f"{run['precision']:.2f} / {run['coverage']:.2f}",
            f"{run['sharpness']:.2f}",
        ]

    names = dict.fromkeys(run["model"] for run in sorted(runs, key=lambda run: (run["dataset"] != datasets[0], run["fid"])))
    rows = [[f"`{name}`", *(cell for dataset in datasets for cell in cells(name, dataset))] for name in names]
    header = [f"{dataset}: {name}" if name.startswith("M") else name for dataset in datasets for name in FIGURES]
    asked = "; ".join(
        f"`{run['model']}` {run['agreement']:.1%} ({run['dataset']})" for run in runs if run["agreement"] is not None
    )
    notes = (
        f"Each run has a budget of {runs[0]['flop'] / 1e12:g} TFLOP and one seed; "
        f"{drawn(runs)}. {features(runs)} "
        "Sharpness: the variance of the Laplacian, 1 for training images. "
        + (f"Samples in which the classifier finds the class that was asked for: {asked}. " if asked else "")
        + origin(runs)
    )
    return f"{markdown(['model', *header], rows)}\n\n{notes}"


def photographs(result: dict[str, Any]) -> str:
    """The table of `gallery` for coloured images.

    Args:
      result: the content of the JSON files, by their names.

    Returns:
      Markdown.
    """
    return gallery(result, ("cifar10_jpeg", "emoji"))


def which_gan(result: dict[str, Any]) -> str:
    """The models by their FID on MNIST, with one column for Fashion-MNIST.

    Args:
      result: the content of the JSON files, by their names.

    Returns:
      Markdown.
    """
    runs = [run for run in result.values() if run["dataset"] in ("mnist", "fashion_mnist")]
    digits = sorted((run for run in runs if run["dataset"] == "mnist"), key=lambda run: run["fid"])
    clothes = {run["model"]: run["fid"] for run in runs if run["dataset"] == "fashion_mnist"}
    rows = []
    for run in digits:
        cells = [f"`{run['model']}`", "no" if run["agreement"] is None else f"yes, {run['agreement']:.0%} right"]
        cells += [f"{run['fid']:.1f}", f"{run['kid']:.3g}"]
        cells += [f"{run[name]:.2f}" for name in ("precision", "recall", "coverage", "sharpness")]
        cells.append(f"{clothes[run['model']]:.1f}" if run["model"] in clothes else "not measured")
        rows.append(cells)
    header = ["model", "told the class", "FID", "KID", "precision", "recall", "coverage", "sharpness", "Fashion-MNIST: FID"]
    notes = (
        f"MNIST, {digits[0]['flop'] / 1e12:g} TFLOP and one seed for each model, {drawn(runs)}. "
        f"{features(runs)} "
        "Right: the share of samples in which the classifier finds the class that was asked for. Sharpness: 1 for training "
        f"images. {origin(runs)}"
    )
    return f"{markdown(header, rows, left=(0, 1))}\n\n{notes}"


def samples(result: dict[str, Any]) -> str:
    """The pictures, each with a link to itself: a row for each model, the best one on MNIST first.

    Args:
      result: the content of the JSON files, by their names.

    Returns:
      Markdown.
    """
    fid = {(run["model"], run["dataset"]): run["fid"] for run in result.values()}
    sets = ("mnist", "fashion_mnist")
    names = sorted(
        {model for model, dataset in fid if dataset in sets}, key=lambda model: fid.get((model, "mnist"), float("inf"))
    )

    def picture(model: str, name: str) -> str:
        path = f"gallery/{name}_{model}.png"
        return f"[![samples of {model} on {TITLES[name]}]({path})]({path})" if (model, name) in fid else "not measured"

    rows = [[f"`{model}`", *(picture(model, name) for name in sets)] for model in names]
    return markdown(["model", *(TITLES[name] for name in sets)], rows, left=(0, 1, 2))


def changes(result: dict[str, Any]) -> str:
    """The options of the models that differ from those of their presets.

    Args:
      result: the content of the JSON files, by their names: of the models that have a result.

    Returns:
      Markdown.
    """
    shown = {run["model"] for run in result.values()}
    rows = []
    for name, entry in (ENTRIES | FEW).items():
        if name in shown:
            preset = models.presets()[entry.preset]
            changed = [
                f"`{key}` {_value(new)} ({_value(old)})"
                for key, new in entry.changes.items()
                if (old := _of(preset.config, key)) != new
            ]
            size = f"{entry.batch_size}" + (f" ({preset.batch_size})" if preset.batch_size != entry.batch_size else "")
            rows.append([f"`{name}`", f"`{entry.preset}`", size, ", ".join(changed) or "none"])
    return markdown(["model", "preset", "batch size", "other options (in the preset)"], rows, left=(0, 1, 3))


def _of(config: Any, key: str) -> Any:
    """The option of a dotted name."""
    for part in key.split("."):
        config = getattr(config, part)
    return config


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def drawn(runs: Runs) -> str:
    """How many samples were measured, and which models have fewer of them."""
    most = max(run["samples"] for run in runs)
    fewer: dict[tuple[str, int], list[str]] = {}
    for run in runs:
        if run["samples"] < most:
            fewer.setdefault((run["model"], run["samples"]), []).append(run["dataset"])
    named = "".join(f"; {count:,} of `{model}` ({', '.join(datasets)})" for (model, count), datasets in fewer.items())
    return f"{most:,} samples of the averaged generator{named}"


def features(runs: Runs) -> str:
    """A sentence on the networks that judged, and which runs were judged by another training of the same network.

    Args:
      runs: the runs of a table.

    Returns:
      Sentences.

    Example:
      >>> from benchmarks import gallery_drawings
      >>> run = {"dataset": "mnist", "extractor": "classifier of mnist", "classifier_accuracy": 0.98}
      >>> runs = [run | {"model": "a"}, run | {"model": "b"}, run | {"model": "c", "classifier_accuracy": 0.97}]
      >>> gallery_drawings.features(runs[:2])
      'Features: mnist: classifier of mnist, which is right for 98.0% of the test images.'
      >>> gallery_drawings.features(runs)[83:]
      'Other trainings of this classifier judged `c` (mnist); their FID and KID cannot be compared closely with the others.'
    """
    named, others = [], []
    for dataset in dict.fromkeys(run["dataset"] for run in runs):
        of_set = [run for run in runs if run["dataset"] == dataset]
        judge, accuracy = Counter((run["extractor"], run["classifier_accuracy"]) for run in of_set).most_common(1)[0][0]
        right = f", which is right for {accuracy:.1%} of the test images" if accuracy else ""
        named.append(f"{dataset}: {judge}{right}")
        other = [f"`{run['model']}`" for run in of_set if (run["extractor"], run["classifier_accuracy"]) != (judge, accuracy)]
        others += [f"{', '.join(other)} ({dataset})"] if other else []
    note = " Other trainings of this classifier judged {}; their FID and KID cannot be compared closely with the others."
    return f"Features: {'; '.join(named)}." + (note.format("; ".join(others)) if others else "")


def origin(runs: Runs) -> str:
    """The command, the machines, the versions and the dates of several runs.

    Args:
      runs: the runs of a table.

    Returns:
      A sentence.
    """
    return origins(runs, f"python -m benchmarks.gallery --tflop {runs[0]['flop'] / 1e12:g} --data-dir DATA")
