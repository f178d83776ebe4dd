"""Self-contained HTML pages: text, tables, pictures and a history of pictures with a slider, in one file.

A page loads nothing, and its content security policy forbids it to: pictures are part of it, and the only script that may run
is the one below, by its hash. All text is escaped.
"""

import base64
import hashlib
import html
import mimetypes
from collections.abc import Iterable, Mapping, Sequence

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1, p { overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; border-bottom: 1px solid var(--line); margin-top: 2rem; }
img { max-width: 100%; height: auto; }
.history img { image-rendering: pixelated; min-width: min(100%, 24rem); }
img.figure { background: #fff; width: 100%; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100%; }
pre { background: var(--soft); overflow: auto; padding: .6rem; max-height: 30rem; }
.wide { margin-bottom: 1rem; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .15rem .7rem .15rem 0; text-align: left; white-space: nowrap; }
td.wrap { overflow-wrap: anywhere; white-space: normal; }
tr.marked td { font-weight: 600; }
.warning { border-left: .3rem solid #c60; padding-left: .7rem; overflow-wrap: anywhere; }
.controls { align-items: center; display: flex; gap: .7rem; margin: .5rem 0; }
.controls input { flex: 1; }
.controls output { min-width: 8rem; }
[hidden] { display: none !important; }
"""

SCRIPT = """
for (const history of document.querySelectorAll('.history')) {
  const frames = [...history.querySelectorAll('.frame')];
  const slider = history.querySelector('input'), label = history.querySelector('output');
  const button = history.querySelector('button');
  let timer = 0;
  const show = () => {
    frames.forEach((frame, index) => { frame.hidden = index !== +slider.value; });
    label.textContent = frames[+slider.value].dataset.label;
  };
  const stop = () => { clearInterval(timer); timer = 0; button.textContent = 'play'; };
  slider.addEventListener('input', () => { stop(); show(); });
  button.addEventListener('click', () => {
    if (timer) { stop(); return; }
    if (+slider.value === frames.length - 1) { slider.value = 0; }
    button.textContent = 'stop';
    timer = setInterval(() => {
      if (+slider.value === frames.length - 1) { stop(); return; }
      slider.value = +slider.value + 1;
      show();
    }, 250);
    show();
  });
  history.querySelector('.controls').hidden = false;
  show();
}
"""


class Markup(str):
    """HTML. Strings of any other kind are text, which is escaped."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Escapes text.

    Args:
      value: anything; `Markup` is returned as it is.

    Returns:
      HTML.

    Example:
      >>> from jgan import pages
      >>> pages.text("a < b")
      'a &lt; b'
    """
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def element(tag: str, content: object = "", **attributes: object) -> Markup:
    """One element.

    Args:
      tag: its name.
      content: text, or `Markup`.
      **attributes: its attributes; `class_` is `class`. True is an attribute without a value, None none.

    Returns:
      HTML.

    Example:
      >>> from jgan import pages
      >>> pages.element("p", "1 & 2", class_="wide")
      '<p class="wide">1 &amp; 2</p>'
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    inside = "".join(f" {key}" if value is True else f' {key}="{html.escape(str(value))}"' for key, value in given.items())
    return Markup(f"<{tag}{inside}>" if tag in ("img", "input") else f"<{tag}{inside}>{text(content)}</{tag}>")


def joined(parts: Iterable[object]) -> Markup:
    """Several parts, one after another, without those that are empty; those that are not `Markup` are escaped."""
    return Markup("\n".join(text(part) for part in parts if part))


def section(heading: str, *parts: object) -> Markup:
    """A heading and what stands below it; nothing if there is nothing."""
    return joined([element("h2", heading), *parts]) if any(parts) else Markup()


def details(summary: str, *parts: object) -> Markup:
    """Parts that are shown after a click on the summary."""
    return element("details", joined([element("summary", summary), *parts]))


def table(rows: Sequence[Sequence[object]], header: Sequence[object] = (), marked: Iterable[int] = ()) -> Markup:
    """A table.

    Args:
      rows: the cells of each row.
      header: those of the first line; none if empty.
      marked: the indices of rows that are emphasised.

    Returns:
      HTML; nothing without rows.

    Example:
      >>> from jgan import pages
      >>> pages.table([["a", 1]])
      '<div class="wide"><table><tr><td>a</td><td>1</td></tr></table></div>'
    """
    if not rows:
        return Markup()
    strong = set(marked)
    lines = [element("tr", Markup("".join(element("th", cell, scope="col") for cell in header)))] if header else []
    for index, row in enumerate(rows):
        cells = (element("td", cell, class_="wrap" if len(str(cell)) > 60 else None) for cell in row)
        lines.append(element("tr", Markup("".join(cells)), class_="marked" if index in strong else None))
    return element("div", element("table", Markup("".join(lines))), class_="wide")


def image(content: bytes, name: str, alt: str, **attributes: object) -> Markup:
    """A picture that is part of the page.

    Args:
      content: the file.
      name: its name, whose suffix says what it is.
      alt: what it shows, for those who do not see it.
      **attributes: as for `element`.

    Returns:
      HTML.

    Raises:
      ValueError: if the suffix is not that of a picture.

    Example:
      >>> from jgan import pages
      >>> pages.image(b"GIF89a", "a.gif", "nothing")
      '<img src="data:image/gif;base64,R0lGODlh" alt="nothing">'
    """
    kind = mimetypes.guess_type(name)[0] or ""
    if not kind.startswith("image/"):
        raise ValueError(f"expected the name of a picture, found {name!r}")
    return element("img", src=f"data:{kind};base64,{base64.b64encode(content).decode()}", alt=alt, **attributes)


def history(frames: Mapping[str, Markup]) -> Markup:
    """Pictures, or texts, of which one is shown at a time: a slider and a button that plays them. Without scripts, the last.

    Args:
      frames: each by the label that is shown beside the slider.

    Returns:
      HTML; nothing without frames.
    """
    if not frames:
        return Markup()
    last = len(frames) - 1
    shown = [
        element("div", content, class_="frame", data_label=label, hidden=True if index < last else None)
        for index, (label, content) in enumerate(frames.items())
    ]
    bar = [
        element("button", "play", type="button"),
        element("input", type="range", min=0, max=last, value=last, aria_label="which of the pictures is shown"),
        element("output", list(frames)[-1]),
    ]
    controls = element("div", Markup("".join(bar)), class_="controls", hidden=True)
    return element("div", joined([controls, *shown]), class_="history")


def page(title: str, *parts: object) -> str:
    """A whole page.

    Args:
      title: its title.
      *parts: `Markup`, or text.

    Returns:
      The file.

    Example:
      >>> from jgan import pages
      >>> made = pages.page("<b>", pages.section("Samples", "none yet"))
      >>> "<title>&lt;b&gt;</title>" in made, "https://" in made
      (True, False)
    """
    hashes = {
        kind: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        for kind, content in (("style", STYLE), ("script", SCRIPT))
    }
    allowed = "; ".join(f"{kind}-src 'sha256-{value}'" for kind, value in hashes.items())
    head = [
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; {allowed}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        element("style", Markup(STYLE)),
    ]
    body = element("body", joined([*parts, element("script", Markup(SCRIPT))]))
    return f'<!DOCTYPE html>\n<html lang="en">\n{element("head", joined(head))}\n{body}\n</html>\n'
