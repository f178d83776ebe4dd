"""`jgan`, or `python -m jgan`: lists the commands; `jgan train ...` is `python -m jgan.train ...`."""

import runpy
import sys
from collections.abc import Sequence

COMMANDS = {
    "data": "describe data: numbers, classes, sizes, broken files, a contact sheet",
    "train": "train a model: a preset on its data, or on yours",
    "sweep": "train with several values of some options, and compare them",
    "sample": "draw samples from a run: a grid, an array, a folder of pictures, an interpolation",
    "evaluate": "measure a run or a folder of images",
    "export": "write a trained generator into one file that needs no jgan",
    "report": "make one page about a run: samples, curves, measures, options",
    "classifier": "train the classifier whose features measure small images",
}


def main(argv: Sequence[str] | None = None) -> None:
    """The command.

    Args:
      argv: the arguments; None for those of the process. The first is the name of a command, whose arguments follow.

    Raises:
      SystemExit: with status 2 if there is no such command; what the command itself raises.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or given[0] in ("-h", "--help"):
        print("jgan: generative adversarial networks in JAX. Commands, each with --help:")
        for name, description in COMMANDS.items():
            print(f"  jgan {name:<11} {description}")
        print("jgan train ... and python -m jgan.train ... are the same; jgan --version prints the version.")
        return
    name, *rest = given
    if name in ("-V", "--version"):
        from jgan import __version__

        print(f"jgan {__version__}")
        return
    if name not in COMMANDS:
        from jgan.utils.registry import unknown

        print(f"jgan: error: {unknown('command', name, COMMANDS)}", file=sys.stderr)
        raise SystemExit(2)
    sys.argv = [sys.argv[0], *rest]
    runpy.run_module(f"jgan.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
