"""What MkDocs calls while it builds the site: the pages that are made of the package and of the notebooks."""

import base64
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"

MATHS = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?P<inline>[^$\s](?:[^$]*?[^$\s])?)\$(?!\d)", re.DOTALL)
CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)

WITHIN = {
    "data": ("resident", "order", "sources"),
    "evaluation": ("sides", "sets", "measure", "protocol", "paired", "by_class", "monitor", "criteria", "table"),
    "features": ("extractor", "classifier", "efficientnet", "inception", "maps", "choice"),
    "metrics": (
        *("frechet", "moments", "kernel", "prdc", "inception_score", "msssim", "swd", "prd", "ndb", "copying", "two_sample"),
        *("parzen", "anchors", "modes", "psnr", "ssim", "edge_f1", "hiding", "perceptual", "sharpness", "spectrum"),
        *("text.bleu", "text.divergence", "text.likelihood"),
    ),
    "models": ("options", "accepts", "images", "alone"),
    "training": ("run",),
}
"""The modules that are described below their package: those that it does not export by itself."""


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of the API reference and of the notebooks.

    Args:
      files: the files of the site.
      config: the configuration, whose navigation names the pages.

    Returns:
      The files.
    """
    named = re.findall(r"api/(\w+)\.md", json.dumps(config["nav"]))
    for name in named:
        files.append(File.generated(config, f"api/{name}.md", content=reference(name)))
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        text, pictures = tutorial(path)
        files.append(File.generated(config, f"tutorials/{path.stem}.md", content=text))
        files.append(File.generated(config, f"tutorials/{path.name}", content=path.read_bytes()))
        for name, content in pictures.items():
            files.append(File.generated(config, f"tutorials/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> None:
    """Gives each page a description, pages that stand alone the room of the list of pages, and finds the API last.

    Args:
      markdown: the text of the page.
      page: the page.
      config: the configuration.
      files: the files of the site.
    """
    if words := summary(markdown):
        page.meta.setdefault("description", words)
    if page.parent is None:
        page.meta["hide"] = ["navigation"]
    if page.file.src_uri.startswith("api/"):
        page.meta["search"] = {"boost": 0.02}


def summary(markdown: str, most: int = 160) -> str:
    """How a page begins, for those who list it, such as search engines.

    Args:
      markdown: the text of the page.
      most: a first paragraph with more characters is cut between two words.

    Returns:
      Plain text; empty if the page has no paragraph of text.
    """
    plain = re.sub(r"<!--.*?-->|```.*?```", "", markdown, flags=re.DOTALL)
    for paragraph in re.split(r"\n\s*\n", plain):
        if re.match(r"\s*(?!\d+\.)[\w*`]", paragraph):
            words = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
            return textwrap.shorten(words.translate(str.maketrans("", "", "*`")), most, placeholder=" ...")
    return ""


def reference(name: str) -> str:
    """The page of a module or package, and of the modules in it that it does not export.

    Args:
      name: its name, without `jgan.`.

    Returns:
      Markdown.
    """
    within = WITHIN.get(name, ())
    options = ["show_root_heading: false", "show_root_toc_entry: false", "summary:"]
    options += [
        f"  {kind}: true" for kind in ("classes", "functions", "attributes", *(["modules"] if name == "models" else []))
    ]
    root = "\n".join([f"::: jgan.{name}", "    options:", *(f"      {line}" for line in options)])
    return "\n\n".join([f"# jgan.{name}", root, *(f"::: jgan.{name}.{module}" for module in within)]) + "\n"


def tutorial(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as a page, with the outputs that are stored in it.

    Args:
      path: the `.ipynb` file, which has been executed.

    Returns:
      `(Markdown, pictures by their names)`.
    """
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    title = path.stem
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            title = (re.findall(r"^#+ (.+)$", source, re.MULTILINE) or [title])[-1]
            parts.append(with_maths(source))
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            if output["output_type"] == "stream":
                parts.append(f"```text\n{''.join(output['text']).rstrip()}\n```")
            elif "image/png" in output["data"]:
                name = f"{path.stem}_{len(pictures)}.png"
                pictures[name] = base64.b64decode("".join(output["data"]["image/png"]))
                parts.append(f"![Figure of the section: {re.sub(r'[^ -~]|[$`*_]', '', title)}]({name})")
            else:
                parts.append(f"```text\n{''.join(output['data']['text/plain'])}\n```")
    head, *rest = parts
    download = f"[This page as a notebook]({path.name}), executed."
    first, _, below = head.partition("\n")
    return "\n\n".join([first, download, below.strip(), *rest]) + "\n", pictures


def with_maths(text: str) -> str:
    """Writes the formulas of a text as MathML, which browsers draw without a script.

    Args:
      text: Markdown with formulas between dollar signs.

    Returns:
      Markdown.
    """

    def drawn(match: re.Match[str]) -> str:
        tex = re.sub(r"\\tag\{(\w+)\}", r"\\qquad \\text{(\1)}", match["block"] or match["inline"])
        return convert(tex.strip(), display="block" if match["block"] else "inline")

    return "".join(part if part.startswith("`") else MATHS.sub(drawn, part) for part in CODE.split(text))
