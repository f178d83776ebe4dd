"""Results as Markdown tables: one function per benchmark, from the JSON file that its command wrote."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

ALONE = "its matrix products alone"
"""The contender of the throughput benchmarks that computes nothing else."""


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """A Markdown table.

    Args:
      header: the names of the columns.
      rows: the cells.
      left: the numbers of the left-aligned columns; the others are right-aligned.

    Returns:
      The table, without a final newline.

    Example:
      >>> from benchmarks import drawings
      >>> print(drawings.markdown(["model", "score"], [["GAN", "225"]]))
      | model | score |
      |:---|---:|
      | GAN | 225 |
    """
    rule = "|".join(":---" if number in left else "---:" for number in range(len(header)))
    lines = [" | ".join(header), rule, *(" | ".join(row) for row in rows)]
    return "\n".join(f"|{line}|" if line == rule else f"| {line} |" for line in lines)


def origin(result: dict[str, Any]) -> str:
    """Describes the origin of a table: command, machine, versions, date."""
    return origins([result], result["command"])


def origins(results: Iterable[Mapping[str, Any]], command: str) -> str:
    """Describes the origin of a table of several results.

    Args:
      results: the contents of their files.
      command: the one that makes them all.

    Returns:
      The command, the machines, the versions, and the first and last date.

    Example:
      >>> from benchmarks import drawings
      >>> about = {"device": "cpu", "packages": {"jax": "0.8"}, "python": "3.12", "date": "2026-01-02T03:04:05"}
      >>> later = about | {"date": "2026-02-03T03:04:05"}
      >>> drawings.origins([{"environment": about}, {"environment": later}], "python -m a")
      '`python -m a`; cpu; jax 0.8, Python 3.12; 2026-01-02 to 2026-02-03.'
    """
    about = [result["environment"] for result in results]
    devices = " or ".join(sorted({each["device"] for each in about}))
    versions = " and ".join(sorted({_versions(each) for each in about}))
    dates = sorted({each["date"][:10] for each in about})
    return f"`{command}`; {devices}; {versions}; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}."


def _versions(environment: Mapping[str, Any]) -> str:
    found = [f"{name} {environment['packages'][name]}" for name in ("jax",) if environment["packages"].get(name)]
    found += [f"PyTorch {environment['pytorch']}"] if environment.get("pytorch") else []
    return ", ".join([*found, f"Python {environment['python']}"])


def throughput(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.throughput`.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    best = result["ratio"]["pytorch"] if result["ratio"] else None
    reference = result["steps"][best]["images_per_second"]["median"] if best else None
    rows = []
    for name, step in result["steps"].items():
        speed = step["images_per_second"]
        rows.append(
            [
                name,
                f"{speed['median']:,.0f}",
                f"{speed['min']:,.0f} to {speed['max']:,.0f}",
                f"{speed['median'] / reference:.2f}" if reference else "",
                "" if step["share_of_product"] is None else f"{step['share_of_product']:.0%}",
                "" if step["compiled_gflop"] is None else f"{step['compiled_gflop']:.3f}",
                f"{step['compile_seconds']:.1f}",
            ]
        )
    header = ["implementation", "images/s", "min to max", "relative to the better PyTorch"]
    header += ["share of the matrix-product rate", "compiled GFLOP", "compilation (s)"]
    if not best:
        header, rows = header[:3] + header[4:], [row[:3] + row[4:] for row in rows]
    products = result["matrix_product"].items()
    rates = "; ".join(f"{name} {rate['median']:,.0f} ({rate['min']:,.0f} to {rate['max']:,.0f})" for name, rate in products)
    options = result["options"]
    notes = (
        f"Batch {options['batch_size']}, medians of {options['repeats']} interleaved rounds. "
        f"A step needs {result['needed_gflop']:.3f} GFLOP of matrix products. "
        f"Rate of a 2048 x 2048 float32 matrix product, GFLOP/s: {rates}. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


def throughput_images(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.throughput_images`: a row per model.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    rows = []
    for model in result["models"].values():
        speeds = {name: step["images_per_second"]["median"] for name, step in model["steps"].items()}
        peak, ratio = model["product"]["median"], model["ratio"]
        shares = [speeds[name] * model["gflop"] / result["options"]["batch_size"] / peak for name in ("jgan", ALONE)]
        names = ("jgan", "jgan, jax.jit", ALONE, "PyTorch, eager", "PyTorch, compiled")
        row = [model["title"], *(f"{speeds[name]:,.0f}" if name in speeds else "" for name in names)]
        row.append("" if ratio is None else f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})")
        rows.append([*row, *(f"{share:.0%}" for share in shares)])
    header = ["images/s", "jgan", "with `jax.jit` alone", "its products alone", "PyTorch, eager", "PyTorch, compiled"]
    header += ["relative to the better PyTorch", "share of the matrix-product rate", "the same, products alone"]
    options = result["options"]
    rates = [model["product"]["median"] for model in result["models"].values()]
    notes = (
        f"Batch {options['batch_size']}, float32, medians of {options['repeats']} interleaved rounds, ratios within them. "
        f"Rate of a 2048 x 2048 matrix product: {min(rates):,.0f} to {max(rates):,.0f} GFLOP/s. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


def table1(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.mnist_parzen`: the published result, the candidates and the baselines.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown, with the candidate chosen on validation images in bold.
    """
    paper = result["paper"]
    rows = [["adversarial nets (published)", f"{paper['mean']:.0f}", f"{paper['standard_error']:.0f}", "", "", ""]]
    for name, stops in result["figures"].items():
        for stop, figure in stops.items():
            seeds, over_seeds = figure["seeds"], figure["standard_error_over_seeds"]
            chosen = name == result["chosen"] and stop == "best validation"
            row = [
                f"{name}, {stop}",
                f"{figure['mean']:.1f}",
                f"{sum(seed['standard_error'] for seed in seeds) / len(seeds):.1f}",
                "" if over_seeds is None else f"{over_seeds:.1f}",
                ", ".join(f"{seed['mean']:.1f}" for seed in seeds),
                ", ".join(sorted({f"{seed['sigma']:.4f}" for seed in seeds})),
            ]
            rows.append([f"**{cell}**" if chosen and cell else cell for cell in row])
    for name, anchor in result["anchors"].items():
        label = f"{anchor['num_samples']:,} {name.replace('_', ' ')}"
        rows.append([label, f"{anchor['mean']:.1f}", f"{anchor['standard_error']:.1f}", "", "", f"{anchor['sigma']:.4f}"])
    errors = ["standard error (test images)", "standard error (seeds)"]
    header = ["samples of", "log-likelihood (nats)", *errors, "each seed", "sigma"]
    notes = (
        f"{result['seeds']} seeds, {result['epochs']} epochs, {result['num_samples']:,} samples, "
        f"{result['test_images']:,} test images; bold: chosen on the validation images. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


def mode_coverage(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.mode_coverage`: modes and high-quality samples of each method on each data set.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown, with the published figures below the measured ones.
    """
    sets = list(result["sets"])
    methods = list(dict.fromkeys(method for name in sets for method in result["sets"][name]))

    def cells(found: dict[str, Any] | None) -> list[str]:
        if found is None:
            return ["not measured", "not measured"]
        modes, quality = found["modes"], found["high_quality"]
        return [f"{modes['mean']:.1f} +- {modes['std']:.1f}", f"{quality['mean']:.1%} +- {quality['std']:.1%}"]

    rows = []
    for method in methods:
        row = [method]
        for name in sets:
            row += cells((result["sets"][name].get(method) or {}).get("averaged"))
        rows.append(row)
    for label in next(iter(result["published"].values())):
        row = [f"{label} (published)"]
        for name in sets:
            modes, quality = result["published"][name][label]
            row += [f"{modes}", f"{quality:.1%}"]
        rows.append(row)
    totals = {"ring8": 8, "grid25": 25}
    header = ["method", *(text for name in sets for text in (f"{name}: modes (of {totals[name]})", "high quality"))]
    options = result["options"]
    notes = (
        f"Mean and standard deviation over {options['seeds']} seeds, {options['steps']:,} steps of {options['batch_size']}, "
        f"{result['samples']:,} samples of the averaged generator. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


def collapse(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.collapse`: the course of the run at its best, its first warning and its end.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    measures = result["measures"]
    best, warned = min(measures, key=lambda row: row["fid"]), [row for row in measures if "warning" in row]
    marked = [("best", best), *([("first warning", warned[0])] if warned else []), ("end", measures[-1])]
    rows = [
        [name, f"{row['step']:,}", f"{row['fid']:,.0f}", f"{row['coverage']:.2f}", row.get("warning", "")]
        for name, row in marked
    ]
    restored = result["restored"]
    rows.append(["best checkpoint, restored", f"{restored['step']:,}", f"{restored['fid']:,.0f}", "", ""])
    notes = f"FID of {result['samples']:,} samples in the features of the classifier of digits. {origin(result)}"
    return f"{markdown(['', 'step', 'FID', 'coverage', 'the monitor says'], rows)}\n\n{notes}"


def stacked_mnist(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.stacked_mnist`: modes and divergence of each objective.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown, with the published figures below the measured ones.
    """

    def cell(found: dict[str, Any], digits: int) -> str:
        over_seeds = "" if found["std"] is None else f" +- {found['std']:.{digits}f}"
        return f"{found['mean']:.{digits}f}{over_seeds}"

    rows = [[name, cell(found["modes"], 0), cell(found["kl"], 2)] for name, found in result["objectives"].items()]
    rows += [[f"{name} (published)", f"{modes:.0f}", f"{kl:.2f}"] for name, (modes, kl) in result["published"].items()]
    options = result["options"]
    notes = (
        f"Mean and standard deviation over {options['seeds']} seeds, {options['steps']:,} steps of {options['batch_size']}, "
        f"{result['samples']:,} samples of the averaged generator, a classifier that is right on "
        f"{result['classifier_accuracy']:.1%} of the test digits. {origin(result)}"
    )
    return f"{markdown(['objective', 'modes (of 1,000)', 'KL to uniform (nats)'], rows)}\n\n{notes}"


TASKS = {
    "statistics": "mean and covariance, {samples:,} x {dim}",
    "distance": "FID from these statistics",
    "prdc": "PRDC, {subset:,} against {subset:,}",
}


def metrics_speed(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.metrics_speed`: time and memory of each library in each task.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    options, rows = result["options"], []
    for task, found in result["tasks"].items():
        for name, contender in found["contenders"].items():
            seconds = contender["seconds"]
            rows.append(
                [
                    TASKS[task].format(**options),
                    name,
                    f"{seconds['median']:.1f}",
                    f"{seconds['min']:.1f} to {seconds['max']:.1f}",
                    f"{contender['peak_megabytes']:,}",
                ]
            )
    notes = (
        f"Medians of {options['repeats']} interleaved rounds, each measurement in a separate process, including compilation; "
        f"the peak memory includes the inputs. {origin(result)}"
    )
    return f"{markdown(['task', 'library', 'time (s)', 'min to max', 'peak memory (MB)'], rows)}\n\n{notes}"


def overhead(result: dict[str, Any]) -> str:
    """The sentence of `python -m benchmarks.overhead`.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    ratio, saved = result["ratio"], result["checkpoint"]
    return (
        f"A step in the loop takes {ratio['median']:.2f} times as long as the bare compiled step ({ratio['min']:.2f} to "
        f"{ratio['max']:.2f} over {len(result['rounds']) - 1} rounds), with metrics, journal and checkpoints. Saving "
        f"{saved['megabytes']} MB returns after {saved['returns_seconds']:.2f} s and is on the disk after "
        f"{saved['on_disk_seconds']:.1f} s; reading and verifying it takes {saved['read_seconds']:.1f} s. {origin(result)}"
    )


def first_step(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.first_step`.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    rows = []
    for preset, kinds in result["presets"].items():
        for kind, found in kinds.items():
            parts = [f"{found[name]:.1f}" for name in ("total", "imports", "tracing", "compiling", "rest")]
            rows.append([f"`{preset}`", kind, parts[0], f"{found['min']:.1f} to {found['max']:.1f}", *parts[1:]])
    header = ["preset", "compiled programs", "first step after (s)", "min to max", "imports", "tracing", "compiling", "rest"]
    notes = f"Medians of {result['rounds']} processes of each kind. {origin(result)}"
    return f"{markdown(header, rows, left=(0, 1))}\n\n{notes}"


def faults(result: dict[str, Any]) -> str:
    """The table of survived faults.

    Args:
      result: the content of `faults.json`.

    Returns:
      Markdown.
    """
    lines = ["| fault | how often | result |", "|---|---|---|"]
    for kill in result["kills"]:
        problems = ", ".join(f"{count} x {name}" for name, count in kill["problems"].items())
        lines.append(
            f"| killed and resumed: {kill['run']} | {kill['kills']} | {problems or 'equal to a run that was not killed'} |"
        )
    flips = result["flips"]
    found = f"{flips['silent']} read as wrong numbers, {flips['refused']} refused, {flips['harmless']} without effect"
    lines.append(f"| a bit flipped in a checkpoint | {flips['flips']} | {found} |")
    return "\n".join(lines)
