"""Results of trained models of images as Markdown tables, from the JSON files that the commands wrote."""

import statistics
from typing import Any

from benchmarks.drawings import markdown, origin


def first_models(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.first_models`: the results of each preset.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    rows = []
    for name, found in result["models"].items():
        likelihood = found.get("log_likelihood")
        rows.append(
            [
                f"`{name}`",
                f"{found['steps']:,} x {found['batch_size']}",
                f"{likelihood['mean']:.1f} +- {likelihood['standard_error']:.1f}" if likelihood else "",
                f"{found['fid']:.2f}" if "fid" in found else "",
                f"{found['agreement']:.1%}" if "agreement" in found else "",
                ", ".join(_more(found)),
            ]
        )
    accuracies = {found["dataset"]: found["classifier_accuracy"] for found in result["models"].values() if "fid" in found}
    classifiers = ", ".join(f"{dataset} {accuracy:.1%}" for dataset, accuracy in accuracies.items())
    header = ["preset", "steps x batch", "log-likelihood (nats)", "FID", "agreement", "other measures"]
    notes = (
        "One seed, averaged generators, 10,000 samples; the result file has the whole command of each row. FID in the features "
        f"of a small classifier of the data set, with a test accuracy of: {classifiers}. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


def _more(found: dict[str, Any]) -> list[str]:
    """What else was measured of a preset, in words."""
    words = []
    if "translation" in found:
        words.append(f"translation error {found['translation']['error']:.3f}")
    if "test_errors" in found:
        words.append(f"{found['test_errors']:,} errors on {found['test_images']:,} test images with {found['labels']:,} labels")
    if "code_error" in found:
        words.append(f"code error {found['code_error']:.1%}")
    if "bounds" in found:
        grey = "" if found["bounds"]["pixels"] == "binary" else " of grey pixels"
        words.append(f"ELBO{grey} {found['bounds']['elbo']:.1f} nats")
    return words


def few_labels(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.few_labels`: the errors over the choices of the labels.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown, with the published figure below the measured ones.
    """
    rows, options = [], result["options"]
    for way, found in result["ways"].items():
        errors = [each["test_errors"] for each in found.values()]
        if errors:
            deviation = f" +- {statistics.stdev(errors):.0f}" if len(errors) > 1 else ""
            rows.append(
                [way, f"{statistics.mean(errors):,.0f}{deviation}", str(min(errors)), str(max(errors)), str(len(errors))]
            )
    mean, deviation = result["published"]
    if options["source"] == "mnist" and options["per_class"] == 10:
        rows.append(["sgan (published)", f"{mean:.0f} +- {deviation}", "", "", "10"])
    some = next(each for found in result["ways"].values() for each in found.values())
    notes = (
        f"Errors on {some['test_images']:,} test images with {some['labels']:,} labels: mean and standard deviation over the "
        f"choices of the labels; {options['epochs']} epochs, published 300; labels alone {options['epochs_alone']}. "
        f"{origin(result)}"
    )
    return f"{markdown(['trained on', 'errors', 'fewest', 'most', 'choices'], rows)}\n\n{notes}"


def sample_time(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.sample_time`, the fastest model first.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    fastest = min(found["one"]["median"] for found in result["models"].values())
    rows = [
        [
            f"`{name}`",
            found["passes"],
            f"{found['one']['median']:.2f}",
            f"{found['one']['median'] / fastest:,.1f}",
            f"{found['each']['median']:.3f}",
            f"{found['parameters']:,}",
        ]
        for name, found in sorted(result["models"].items(), key=lambda item: item[1]["one"]["median"])
    ]
    header = [
        "model",
        "passes of the network",
        "ms for one",
        "times the fastest",
        f"ms each of {result['batch']}",
        "parameters",
    ]
    return f"{markdown(header, rows)}\n\nMedians of {result['rounds']} rounds, models in turn. {origin(result)}"


def memory_of_steps(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.memory`: a row for each preset and batch size.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    parts = list(result["rows"][0]["predicted"])
    rows = []
    for found in result["rows"]:
        sizes = [found["predicted"][part] for part in parts]
        rows.append(
            [
                f"`{found['preset']}`",
                "x".join(map(str, found["image"])),
                str(found["batch_size"]),
                f"{sum(found['parameters'].values()):,}",
                *(f"{size / 1e6:,.1f}" for size in (*sizes, sum(sizes))),
                "not measured" if found["measured"] is None else f"{found['measured'] / 1e6:,.0f}",
            ]
        )
    header = [
        "preset",
        "images",
        "minibatch",
        "parameters",
        *(f"{part} (MB)" for part in parts),
        "together (MB)",
        "measured (MB)",
    ]
    return f"{markdown(header, rows)}\n\n{origin(result)}"


def loader(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.loader`: a row for each model, a column for each number of workers.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    streams = result["streams"]
    rates = [statistics.median(found["images_per_second"]) for found in streams]
    by = [_workers(found["workers"]) for found in streams]
    header = [
        "model",
        "takes (images/s)",
        *(f"{name}: ratio" for name in by),
    ]
    rows = [
        [
            f"`{found['preset']}`",
            f"{found['images_per_second']:,.0f}",
            *(f"{rate / found['images_per_second']:,.1f}" for rate in rates),
        ]
        for found in result["models"]
    ]
    notes = []
    for name, found, rate in zip(by, streams, rates, strict=True):
        sizes = [f"{size / 1e6:,.0f}" for size in found["resident_bytes"] if size is not None]
        after = f", with {', '.join(sizes)} MB of memory after each epoch" if sizes else ""
        notes.append(f"{name}: {rate:,.0f} images/s{after}")
    side = result["side"]
    about = f"{result['images']:,} JPEG files, decoded and resized to {side}x{side}. {'; '.join(notes)}. {origin(result)}"
    return f"{markdown(header, rows)}\n\n{about}"


def many_seeds(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.many_seeds`: a row for each preset, a column for each number of seeds.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    counts = [count for count in next(iter(result["presets"].values()))["seeds"] if count != "1"]
    header = ["preset", "alone (images/s)", *(f"{count} seeds: gain" for count in counts)]
    rows = [
        [
            f"`{preset}`",
            f"{found['seeds']['1']['images_per_second']['median']:,.0f}",
            *(f"{found['seeds'][count]['gain']['median']:.2f}" for count in counts),
        ]
        for preset, found in result["presets"].items()
    ]
    notes = f"Gain over training one seed after the other, medians of {result['options']['repeats']} interleaved rounds."
    return f"{markdown(header, rows)}\n\n{notes} {origin(result)}"


def _workers(count: int) -> str:
    return "threads" if count == 0 else "1 worker process" if count == 1 else f"{count} worker processes"
