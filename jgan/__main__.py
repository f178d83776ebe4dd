"""`python -m jgan`: lists the commands."""

COMMANDS = {
    "data": "describe data: numbers, classes, sizes, broken files, a contact sheet",
    "train": "train a model: a preset on its data, or on yours",
    "sample": "draw samples from a run: a grid, an array, a folder of pictures, an interpolation",
    "evaluate": "measure a run or a folder of images",
    "export": "write a trained generator into one file that needs no jgan",
    "report": "make one page about a run: samples, curves, measures, options",
    "classifier": "train the classifier whose features measure small images",
}


def main() -> None:
    """Prints the commands."""
    print("jgan: generative adversarial networks in JAX. Commands, each with --help:")
    for name, description in COMMANDS.items():
        print(f"  python -m jgan.{name:<11} {description}")


if __name__ == "__main__":
    main()
