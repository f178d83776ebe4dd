"""The results of restoration and of super-resolution as Markdown tables, from the JSON files that the commands wrote."""

from typing import Any

from benchmarks.drawings import markdown, origin, origins


def restoration(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.restoration`: a row for each restorer.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    columns = {
        "psnr": (2, "PSNR"),
        "ssim": (3, "SSIM"),
        "perceptual": (3, "perceptual"),
        "kid": (4, "KID"),
        "rank1": (3, "rank-1"),
    }
    titles = {
        "l1": "the U-Net alone, L1",
        "gfp": "GFP-GAN",
        "random": "with a random prior",
        "styles": "without changes of features",
    }

    def row(title: str, runs: list[dict[str, Any]]) -> list[str]:
        cells = []
        for name, (digits, _) in columns.items():
            values = [run[name] for run in runs]
            mean = sum(values) / len(values)
            spread = f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if len(values) > 1 else ""
            cells.append(f"{mean:.{digits}f}{spread}")
        return [title, *cells]

    rows = [row("degraded, bicubic", [result["bicubic"]])]
    rows += [row(titles[arm], list(runs.values())) for arm, runs in result["runs"].items() if runs]
    header = ["", *(title for _, title in columns.values())]
    options, seeds = result["options"], max((len(runs) for runs in result["runs"].values()), default=0)
    notes = (
        f"`{options['dataset']}`, faces of persons that no network has seen; {options['steps']:,} steps of "
        f"{options['batch_size']} faces; means (and ranges) of {seeds} seeds. KID and identity in features of a "
        f"{result['judges']['features']}, the perceptual distance in maps of {result['judges']['maps']}. {origin(result)}"
    )
    return f"{markdown(header, rows)}\n\n{notes}"


WAYS = {
    "bicubic": "bicubic",
    "first": "trained by the distance alone",
    "halfway": "weights halfway between",
    "second": "adversarial",
}


def super_resolution(results: dict[str, dict[str, Any]]) -> str:
    """The table of `python -m benchmarks.super_resolution`: a row for each test set, model and phase.

    Args:
      results: the content of the JSON files, by the names of the models.

    Returns:
      Markdown: the table, what was measured, and for each model what its phases had to show.
    """
    rows, first = [], next(iter(results.values()))
    for name in first["sets"]:
        rows.append([name, "bicubic", "", *_figures(first["sets"][name]["bicubic"])])
        for model, result in results.items():
            ways = result["sets"][name]
            rows += [[name, f"`{model}`", WAYS[way], *_figures(ways[way])] for way in ways if way != "bicubic"]
    header = ["pictures", "", "generator", "PSNR", "SSIM", "perceptual distance", "patch KID"]
    steps = "; ".join(
        f"`{model}` {before:,} and {after:,} steps of {result['batch_size']} crops"
        for model, result in results.items()
        for before, after in [result["steps"]]
    )
    notes = (
        f"Four times the sides. Trained on {first['training']}: {steps}, one seed. PSNR and SSIM of the luma, without 4 pixels "
        f"at each edge. Distance and KID in maps of {first['judge']['name']}; the perceptual loss has maps of "
        f"{first['loss_network']['name']}. "
        f"{origins(results.values(), 'python -m benchmarks.super_resolution --data-dir DATA')}"
    )
    kept = [
        f"- {'met' if holds else 'NOT met'}: `{model}`, {condition}"
        for model, result in results.items()
        for condition, holds in result["success"].items()
    ]
    return "\n".join([markdown(header, rows, left=(0, 1, 2)), "", notes, "", *kept])


def _figures(measures: dict[str, float]) -> list[str]:
    return [f"{measures['psnr']:.2f}", f"{measures['ssim']:.4f}", f"{measures['distance']:.3f}", f"{measures['kid']:.4f}"]
