"""The tables of the benchmarks that train classifiers: `benchmarks.classifier_steps` and `benchmarks.augmentation`."""

from typing import Any

from benchmarks.drawings import markdown, origin


def with_spread(found: dict[str, Any]) -> str:
    """A share with its standard deviation over seeds, both in per cent.

    Args:
      found: what `benchmarks.populations.spread` returned.

    Returns:
      The words.

    Example:
      >>> from benchmarks import lesson_drawings, populations
      >>> lesson_drawings.with_spread(populations.spread([0.5, 0.52]))
      '51.00 +- 1.41'
    """
    spread = "" if found["std"] is None else f" +- {100 * found['std']:.2f}"
    return f"{100 * found['mean']:.2f}{spread}"


def classifier_steps(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.classifier_steps`: each choice alone, then all put together one after the other.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    published, options = result["published"], result["options"]
    theirs = {"first": f"{published['first']['accuracy']:.2%}, {published['first']['epochs']} epochs"}
    theirs |= {list(result["rows"])[-1]: f"{published['all']['accuracy']:.2%}, {published['all']['epochs']} epochs"}
    rows = []
    for name, row in result["rows"].items():
        label = "squared error, sigmoid, SGD" if name == "first" else name
        gradient = [f"{row['gradient'][when]['mean']:.2g}" for when in ("start", "end")]
        rows.append([label, f"{row['parameters']:,}", with_spread(row["accuracy"][-1]), theirs.get(name, ""), *gradient])
    header = ["choices", "parameters", "test accuracy (%)", "published", "gradient at the pixels, start", "end"]
    gains = []
    for timed in result["speed"]:
        medians = {name: rate["median"] for name, rate in timed["images_per_second"].items()}
        compared = f"{medians['epoch'] / medians['examples']:.1f} times a loop over examples"
        if timed["batch_size"] > 1:
            compared += f", {medians['epoch'] / medians['steps']:.1f} times a loop over minibatches"
        label = f"{timed['config']['optimizer']}, batch {timed['batch_size']}"
        gains.append(f"{label}: {medians['epoch']:,.0f} images/s, {compared}")
    notes = (
        f"{result['images']:,} training images, {options['epochs']} epochs at batch {options['batch_size']}, "
        f"{options['seeds']} seeds. The gradient is the mean norm over test images, for the loss of another class. "
        f"Speed of an epoch in one program, the same updates in each: {'; '.join(gains)}. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


def augmentation(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.augmentation`: a row for each number of real images, a column for each training set.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    from benchmarks import augmentation, populations

    rows = []
    for size, runs in result["sizes"].items():
        cells = [with_spread(populations.spread([run["accuracy"][arm] for run in runs.values()])) for arm in augmentation.ARMS]
        rows.append(["all" if size == "0" else size, str(len(runs)), *cells])
    options = result["options"]
    notes = (
        "Test accuracy in %, mean and standard deviation over runs with different images. Each generator, a `cdcgan` of width "
        f"{options['width']}, was trained for {options['gan_steps']:,} steps of {options['batch_size']} on the images of its "
        f"row only, and made {options['generated']:,} images a class. Every classifier had {options['classifier_steps']:,} "
        f"steps of {options['batch_size']}; shifted: by up to an eighth of the side. {origin(result)}"
    )
    return f"{markdown(['real images a class', 'runs', *augmentation.ARMS], rows)}\n\n{notes}"
