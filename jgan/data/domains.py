"""Two unpaired domains from two folders of images, in the layout of CycleGAN's data sets.

  FOLDER/trainA/, trainB/      the domains "a" and "b"; testA/ and testB/, valA/ and valB/ if they are there
  FOLDER/a/, b/                the same undivided: a sixth of each domain for validation, a sixth for testing

Each folder holds images of the formats of `jgan.data.pictures`, all of one size, or resized to one as those of
`jgan.data.folder`. The domains may differ in length and in channels. A missing part is a fifth of the training images.
"""

from pathlib import Path

from jgan.data import folder, image_files, layout, sizes, sources, stacking
from jgan.data.dataset import Dataset, complete
from jgan.types import Batch

FOLDERS = {"train": "train", "validation": "val", "test": "test"}
"""The beginnings of the names of folders, by part; the name of the domain, A or B, follows."""


def places(data_dir: Path) -> dict[str, dict[str, Path]]:
    """The folders of the domains.

    Args:
      data_dir: the folder that holds them.

    Returns:
      The folders by part and domain, `{"train": {"a": ..., "b": ...}, ...}`, so far as they are there.

    Raises:
      ValueError: if one domain or the training part is missing, or there is anything else.

    Example:
      >>> import tempfile
      >>> from pathlib import Path
      >>> from jgan.data import domains
      >>> with tempfile.TemporaryDirectory() as path:
      ...     for name in ("trainA", "trainB"):
      ...         (Path(path) / name).mkdir()
      ...     [folder.name for folder in domains.places(Path(path))["train"].values()]
      ['trainA', 'trainB']
    """
    files, folders = layout.entries(data_dir, strict=False)
    names = {f"{start}{domain.upper()}": (part, domain) for part, start in FOLDERS.items() for domain in "ab"}
    names |= {domain: ("train", domain) for domain in "abAB"}
    found: dict[str, dict[str, Path]] = {}
    for path in files + folders:
        if path.name not in names or path in files:
            raise ValueError(
                f"{data_dir}: expected nothing but the folders trainA, trainB, testA, testB, valA and valB, or a and b, found "
                f"{path.name}: move or rename it"
            )
        part, domain = names[path.name]
        domain = domain.lower()
        if domain in found.setdefault(part, {}):
            raise ValueError(f"{data_dir}: expected one folder for domain {domain}, found {path.name} too: join them")
        found[part][domain] = path
    for part in {"train": {}} | found:
        if len(pair := found.get(part, {})) < 2:
            there = ", ".join(path.name for path in pair.values()) or "none"
            start = FOLDERS[part]
            raise ValueError(f"{data_dir}: expected {start}A and {start}B (or a and b), found {there}: add the other domain")
    return found


def load(name: str, data_dir: Path | None, *, held_out: int | None = None) -> Dataset:
    """Loads two domains.

    Args:
      name: `domains`; a size may follow a colon, as for `folder`.
      data_dir: the folder that holds the folders of the domains.
      held_out: as in `jgan.data.load`.

    Returns:
      The `Dataset` of the sets "a" and "b".

    Raises:
      FileNotFoundError: if there is no such folder.
      ValueError: if a file is not an image, a domain is missing, or the images differ in size and the name has no size.

    Example:
      >>> from jgan.data import domains
      >>> domains.load("domains", Path("no/such/folder"))
      Traceback (most recent call last):
      FileNotFoundError: no/such/folder: expected a folder of images, found nothing there
    """
    size, base = sizes.asked_size(name), name.partition(":")[0]
    with layout.opened(data_dir, name) as root:
        found = places(root)
        domains = {}
        for domain in "ab":
            read = {part: image_files.read_images(layout.images(pair[domain]), size, base) for part, pair in found.items()}
            domains[domain] = stacking.same_channels({part: Batch(images) for part, images in read.items()})
        a, b = ("x".join(map(str, domains[domain]["train"].x.shape[1:3])) for domain in "ab")
        if a != b:
            raise ValueError(
                f"{found['train']['b']}: expected {a} pixels (height x width) as in {found['train']['a'].name}, found {b}: "
                f"resize both, as in {base}:{a}"
            )
    parts = {part: {domain: domains[domain][part] for domain in "ab"} for part in found}
    return complete(name, parts, held_out=held_out)


sources.register(
    "domains",
    load,
    "two unpaired domains for CycleGAN: images in trainA, trainB, testA, testB of --data-dir, or in a and b; of one size, or "
    "cropped and resized to one",
    usage="domains, domains:HEIGHTxWIDTH",
    holds_out=True,
    fitted=folder.fitted,
)
