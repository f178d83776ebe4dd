"""The folder of several seeds that are trained together: `seeds.json`, and a run's folder `seed_N` for each of them.

Each of these is the folder of an ordinary run: it can be sampled from, evaluated, reported and continued alone.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from jgan.training import records
from jgan.training.config import RunConfig
from jgan.training.environment import write_json
from jgan.training.records import SEEDS


def member(workdir: Path, seed: int) -> Path:
    """The folder of a seed's run.

    Args:
      workdir: the folder of the seeds.
      seed: the seed.

    Returns:
      The path.

    Example:
      >>> from pathlib import Path
      >>> from jgan.training import seeds
      >>> seeds.member(Path("runs/digits"), 3).as_posix()
      'runs/digits/seed_3'
    """
    return workdir / f"seed_{seed}"


def of(workdir: Path) -> tuple[int, ...]:
    """The seeds of a folder.

    Args:
      workdir: the folder.

    Returns:
      The seeds; `()` if the folder is none of several seeds.

    Raises:
      ValueError: if its `seeds.json` is damaged.

    Example:
      >>> from pathlib import Path
      >>> from jgan.training import seeds
      >>> seeds.of(Path("no/such/folder"))
      ()
    """
    path = workdir / SEEDS
    if not path.is_file():
        return ()
    try:
        found = json.loads(path.read_bytes())["seeds"]
        if found and all(type(seed) is int for seed in found):
            return tuple(found)
        problem = f"seeds {found!r}"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"{type(error).__name__}: {error}"
    raise ValueError(f"{path}: expected a list of whole numbers as seeds, found {' '.join(problem.split())}; restore it")


def first(workdir: Path) -> Path:
    """The folder that holds the configuration of a folder's runs.

    Args:
      workdir: the folder of a run, or of several seeds.

    Returns:
      That of the first seed, or `workdir` itself if it is not one of several seeds.

    Example:
      >>> from pathlib import Path
      >>> from jgan.training import seeds
      >>> seeds.first(Path("runs/digits")).as_posix()
      'runs/digits'
    """
    held = of(workdir)
    return member(workdir, held[0]) if held else workdir


def write(workdir: Path, seeds: Sequence[int]) -> None:
    """Writes `seeds.json`, with the command line.

    Args:
      workdir: the folder; it must exist.
      seeds: the seeds.
    """
    write_json(workdir / SEEDS, {"seeds": list(seeds), "command": records.command()})


def configuration(workdir: Path) -> RunConfig | None:
    """The configuration that continues what a folder holds.

    Args:
      workdir: the folder of a run, or of several seeds.

    Returns:
      The configuration, with the number of seeds; None if the folder holds no run.

    Raises:
      ValueError: if a file of the configuration is damaged.
    """
    held, folder = of(workdir), first(workdir)
    if not (folder / records.CONFIG).exists():
        return None
    config = records.read(folder).config
    if held:
        config = dataclasses.replace(config, workdir=workdir, seed=held[0], seeds=len(held))
    return dataclasses.replace(config, resume="yes")
