"""What a run would be, for `--dry-run`: its options, its data, and what it needs."""

import math
from typing import Any

import jax

from jgan.training import costs, feed, records
from jgan.training.config import devices
from jgan.training.run import Run, sizes_of


def text(run: Run) -> str:
    """Describes a run without starting it, for `--dry-run`.

    Args:
      run: the run.

    Returns:
      The text: all options, the data, the parameters of both players, the memory of state and data, the operations of a step
      and the time that they need at least on known chips.
    """
    config = run.config
    fields = {name: value for name, value in vars(config).items() if name not in ("model", "dry_run", "resume")}
    lines = [f"{name:<18} {value}" for name, value in (fields | {"workdir": run.workdir}).items()]
    options = records.flat(records.model_to_dict(run.model, config.model))
    lines += [f"model.{name:<12} {value}" for name, value in options.items()]
    if config.seeds > 1:
        lines.append(f"{'at once':<18} {config.seeds} seeds; parameters and operations below are those of one")
    for place in run.stages:
        lines += _of_phase(run.at(place.end), place.start, place.end)
    sizes = {name: f"{size:,}" for name, size in sizes_of(run.dataset.train).items()}
    for name, batch in run.spec.sets.items():
        arrays = jax.tree.leaves(batch.x, is_leaf=lambda x: hasattr(x, "kind"))
        shapes = ["at least " * (field.kind == "photographs") + " x ".join(map(str, field.shape)) for field in arrays]
        lines.append(f"{'examples ' + name:<18} {sizes[name]} of {' and '.join(shapes)}")
    lines += [
        f"{'epochs':<18} {config.steps / run.spec.steps_per_epoch:.1f}, of {run.spec.steps_per_epoch} steps",
        f"{'memory':<18} {_state(run)} of state on each device; {feed.sentence(run)}",
    ]
    return "\n".join(lines)


def _state(run: Run) -> str:
    """The memory of the state on a device, which holds some of the seeds, if there are several."""
    each = -(-run.config.seeds // len(devices(run.config))) if run.config.seeds > 1 else 1
    size = costs.held(run) / 2**20
    return f"{each * size:.1f} MiB" + (f" ({each} seeds of {size:.1f} MiB)" if each > 1 else "")


def _of_phase(run: Run, start: int, end: int) -> list[str]:
    state, name = run.template(), run.phase_name
    heading = [f"{'phase':<18} {name}: steps {start + 1:,} to {end:,}, batches of {run.batch_size}"] if name else []
    counts = {"generator": state.generator.params, "discriminator": state.discriminator.params}
    costly = [f"{heading:<18} {text}" for heading, text in costs.sentences(run, end - start)]
    return heading + [f"{player:<18} {_count(params):,} parameters" for player, params in counts.items()] + costly


def _count(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))
