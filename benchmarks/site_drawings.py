"""The tables of the site that show the results of several benchmarks, or fewer columns than the README's."""

from typing import Any

from benchmarks.drawings import markdown
from benchmarks.lesson_drawings import with_spread

CGAN = (132.0, 1.8)
"""Log-likelihood on MNIST by Parzen windows, of Mirza and Osindero, "Conditional Generative Adversarial Nets" (2014)."""


def papers(results: dict[str, dict[str, Any]]) -> str:
    """Published figures beside those measured here, with the commands.

    Args:
      results: the content of the JSON files, by their names.

    Returns:
      Markdown.
    """
    rows = [*_parzen(results), *_modes(results["mode_coverage"]), *_classifiers(results["classifier_steps"])]
    header = ["source", "measure", "published", "here", "what differs here", "command"]
    dates = sorted({result["environment"]["date"][:10] for result in results.values()})
    devices = sorted({result["environment"]["device"] for result in results.values()})
    return f"{markdown(header, rows, left=(0, 1, 4, 5))}\n\nMeasured from {dates[0]} to {dates[-1]} on {' and '.join(devices)}."


def _parzen(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    result, conditional = results["table1_mnist"], results["first_models"]["models"]["cgan_mnist"]
    paper, chosen = result["paper"], result["figures"][result["chosen"]]["best validation"]
    error = sum(seed["standard_error"] for seed in chosen["seeds"]) / len(chosen["seeds"])
    last, likelihood = result["figures"]["last"]["best validation"], conditional["log_likelihood"]
    measure = "log-likelihood of MNIST's test images by Parzen windows (nats)"
    return [
        [
            "GAN (2014), Table 1",
            measure,
            f"{paper['mean']:.0f} +- {paper['standard_error']:.0f}",
            f"{chosen['mean']:.1f} +- {error:.1f}",
            f"weights: {result['chosen']} of {result['epochs']}; without the average {last['mean']:.1f}",
            f"`{result['command']}`",
        ],
        [
            "Conditional GAN (2014), Table 1",
            measure,
            f"{CGAN[0]:.0f} +- {CGAN[1]}",
            f"{likelihood['mean']:.1f} +- {likelihood['standard_error']:.1f}",
            f"stopped after {conditional['steps']:,} steps, while the figure still rose",
            f"`{conditional['command']}`",
        ],
    ]


def _modes(result: dict[str, Any]) -> list[list[str]]:
    ours = {"GAN": "non-saturating", "PacGAN2": "PacGAN2"}
    rows = []
    for name, published in result["published"].items():
        for method, (modes, quality) in published.items():
            found = result["sets"][name][ours[method]]["averaged"]
            rows.append(
                [
                    f"PacGAN (2018), Table 1: {method}",
                    f"`{name}`: modes; samples of high quality",
                    f"{modes}; {quality:.1%}",
                    f"{found['modes']['mean']:.1f} +- {found['modes']['std']:.1f}; {found['high_quality']['mean']:.1%}",
                    f"the networks; {result['options']['steps']:,} steps",
                    f"`{result['command']}`",
                ]
            )
    return rows


def _classifiers(result: dict[str, Any]) -> list[list[str]]:
    names = {"first": "squared error, sigmoid, SGD", "all": "cross-entropy, LeakyReLU, Adam, LayerNorm"}
    rows, options = {"first": result["rows"]["first"], "all": list(result["rows"].values())[-1]}, result["options"]
    return [
        [
            '"Make Your First GAN With PyTorch" (2020)',
            f"test accuracy of its MNIST classifier (%): {names[name]}",
            f"{100 * published['accuracy']:.2f}",
            with_spread(rows[name]["accuracy"][-1]),
            f"{options['epochs']} epochs, published {published['epochs']}; mean of {options['seeds']} seeds",
            f"`{result['command']}`",
        ]
        for name, published in result["published"].items()
    ]
