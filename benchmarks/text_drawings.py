"""Results of models of text as Markdown tables, from the JSON files that the commands wrote."""

from typing import Any

from benchmarks.drawings import markdown, origin
from benchmarks.populations import spread


def text_oracle(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.text_oracle`: the anchors, then each model after its phases.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    names = {"uniform": "uniform tokens", "unigram": "tokens of the data's frequencies", "real": "real data"}
    rows = [[names[name], "", f"{value:.3f}", "", ""] for name, value in result["anchors"].items()]
    gains = []
    for name, runs in result["models"].items():
        for phase, label in (("likelihood", "likelihood alone"), ("adversarial", "after the game")):
            found = [run["phases"][phase] for run in runs.values() if phase in run["phases"]]
            if found:
                cells = [_mean([one[key] for one in found]) for key in ("nll_oracle", "nll_gen", "self_bleu_3")]
                rows.append([name, label, *cells])
        both = [run["phases"] for run in runs.values() if {"likelihood", "adversarial"} <= run["phases"].keys()]
        if both:
            change = _mean([one["adversarial"]["nll_oracle"] - one["likelihood"]["nll_oracle"] for one in both])
            gains.append(f"{name} {change}")
    options = result["options"]
    published = ", ".join(f"{name} {value:.3f}" for name, value in result["published"].items())
    notes = (
        f"An oracle of {options['vocabulary']:,} words and length {options['length']}; nats a token, mean and standard "
        f"deviation over {max(map(len, result['models'].values()), default=0)} seeds, {options['samples']:,} samples. "
        "A low NLL_oracle alone may be a collapse: then NLL_gen is high. Change of NLL_oracle in the game, within each seed: "
        f"{'; '.join(gains) or 'none'}. Published for 5,000 words on another oracle: {published}. {origin(result)}"
    )
    return f"{markdown(['model', 'trained by', 'NLL_oracle', 'NLL_gen', 'self-BLEU-3'], rows)}\n\n{notes}"


def _mean(values: list[float]) -> str:
    found = spread(values)
    return f"{found['mean']:.3f}" + ("" if found["std"] is None else f" +- {found['std']:.3f}")


def text_quality(result: dict[str, Any]) -> str:
    """The table of `python -m benchmarks.text_quality`: the language model by temperature, then the GANs, then real lines.

    Args:
      result: the content of the JSON file.

    Returns:
      Markdown.
    """
    columns = ("bleu_2", "bleu_5", "self_bleu_2", "self_bleu_5", "js_2", "js_4")
    label = {"bleu": "BLEU", "self_bleu": "self-BLEU", "js": "JS"}
    curve = sorted(result["curve"].items(), key=lambda item: float(item[0]))
    named = [(f"language model, temperature {float(at):g}", found) for at, found in curve]
    named += [(f"`{found['preset']}` ({name}), step {found['step']:,}", found) for name, found in result["gans"].items()]
    named.append(("training lines", result["real"]))
    rows = []
    for name, found in named:
        nll = found.get("nll_gen")
        rows.append(
            [name, *(f"{found[key]:.3f}" if key in found else "" for key in columns), "" if nll is None else f"{nll:.3f}"]
        )
    header = [f"{label[key.rpartition('_')[0]]}-{key[-1]}" for key in columns]
    references = next(iter(result["curve"].values()))["references"]
    notes = (
        f"`{result['dataset']}`. BLEU of {result['bleu_samples']} samples against all {references:,} test lines, smoothed as "
        f"nltk's method1; self-BLEU of each against the other {result['bleu_samples'] - 1}; JS of n-grams of "
        f"{result['options']['samples']:,} samples, in bits; NLL_gen at the temperature 1. {origin(result)}"
    )
    return f"{markdown(['samples of', *header, 'NLL_gen'], rows)}\n\n{notes}"
