"""The pages of docs/: their commands parse, their links lead somewhere, their Python runs. MkDocs need not be installed."""

import ast
import contextlib
import importlib
import importlib.util
import io
import re
import shlex
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from jgan import browser, evaluate, export, losses, models, sample
from jgan.__main__ import COMMANDS
from jgan.evaluation import paired
from jgan.evaluation.measure import MEASURES
from jgan.training import train
from jgan.training.config import RunConfig
from jgan.utils import cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted(DOCS.glob("*.md"))
NAMES = [page.name for page in PAGES]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARKED = re.compile(r"<!-- (example|command): ([\w-]+) -->\n```\w+\n(.*?)```\n<!-- end -->", re.DOTALL)
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
TABLE = re.compile(r"<!-- table: .*?<!-- end -->", re.DOTALL)


FLAG = re.compile(r"(?<![\w-])--[a-z][\w.-]*\w")
"""a flag of a command"""

OWN = {"PRESET", "hinge_gan"}
"""Names of presets that the reader chooses or makes."""

JOB = {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_STEP_NODELIST": "a,b"}
"""What the processes of scripts find in their environment."""


def blocks(page, language):
    return [code for found, code in BLOCK.findall(page.read_text()) if found == language]


def prose(page):
    """A page without its blocks of code and generated tables."""
    return TABLE.sub("", BLOCK.sub("", page.read_text()))


def spans(text):
    """The pieces of code in the lines of a text."""
    return re.findall(r"`([^`\n]+)`", text)


def commands(page, tables=False):
    """The commands `python -m ...` and `jgan ...` of a page: in its blocks, its text and, if asked, its generated tables.

    Each is a list of words, of which the first is the module.
    """
    scripts = [code.replace("\\\n", " ") for code in blocks(page, "bash")]
    lines = [line for code in scripts for line in code.splitlines()]
    text = BLOCK.sub("", page.read_text()) if tables else prose(page)
    lines += [code for code in spans(text) if code.startswith(("python -m ", "jgan "))]
    found = []
    for line in lines:
        words = shlex.split(line, comments=True)
        for at, word in enumerate(words):
            rest = words[at + 1 :]
            rest = rest[: rest.index("&&")] if "&&" in rest else rest
            if word == "python" and rest[:1] == ["-m"]:
                found.append(rest[1:])
            elif word == "jgan" and at == 0 and rest and not rest[0].startswith("-"):
                found.append([f"jgan.{rest[0]}", *rest[1:]])
    return found


# ------------------------------------------------------------------------------------------------------------- commands


class Parsed(Exception):  # noqa: N818 - not an error
    """Carries the options of a command that was parsed, and stops it."""


@pytest.fixture
def parse(monkeypatch, tmp_path):
    """A function that parses a command as the command itself does, and returns its options."""
    monkeypatch.chdir(tmp_path)
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    original = cli.parse

    def stopping(*args, **options):
        raise Parsed(original(*args, **options))

    def parsed(words):
        """`words`: the module, and its arguments; those in capitals stand for the reader's own."""
        module, *argv = words
        command = importlib.import_module(module if module != "jgan.data" else "jgan.data.__main__")
        if not argv:  # the text speaks of the command
            assert callable(command.main)
            return None
        monkeypatch.setattr(cli, "parse", stopping)
        try:
            command.main(argv)
        except Parsed as found:
            (options,) = found.args
        except SystemExit:
            if argv != ["--help"]:
                raise
            return None
        finally:
            monkeypatch.setattr(cli, "parse", original)
        if isinstance(options, RunConfig):
            command.configuration(argv)  # which also checks the values
        elif command is sample:
            sample.check(options, tmp_path / (options.out or "grid.png"))
        elif command is evaluate:
            evaluate.check(options)
            for name in options.names:
                if name not in {*MEASURES, *paired.PAIRED, "parzen", "modes", "divergence", "distance", "translation"}:
                    raise ValueError(f"--metrics: {name}")
        return options

    return parsed


@pytest.mark.parametrize("page", [README, *PAGES], ids=[README.name, *NAMES])
def test_commands_parse(page, parse, capsys):
    """Their modules are there, they know the flags, and the values are possible."""
    for words in commands(page, tables=True):
        if OWN & set(words):
            continue
        try:
            parse(words)
        except ValueError as error:
            pytest.fail(f"{page.name}: python -m {shlex.join(words)}: {error}")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("jgan.train dcgan --stps 3", "--steps"),
        ("jgan.train nogan", "nogan"),
        ("jgan.train dcgan --batch-size 0", "--batch-size must be at least 1"),
        ("jgan.evaluate --workdir RUN --metrics fid,fidd", "fidd"),
        ("jgan.sample --workdir RUN --out grid.jpg", "--out must end in"),
        ("jgan.data PHOTOS --shet sheet.png", "--sheet"),
        ("benchmarks.gallery --tflops 3", "--tflop"),
    ],
)
def test_a_wrong_command_is_seen(command, message, parse):
    with pytest.raises(ValueError, match=message):
        parse(command.split())


@pytest.fixture(scope="module")
def flags():
    """The flags of all commands of jgan and of benchmarks, and those of models that the pages name."""
    calls = [f"jgan.{name}" for name in COMMANDS if name != "data"] + ["jgan.data.__main__", "benchmarks.gallery"]
    calls += [f"jgan.train {preset}" for preset in ("dcgan", "digits", "sagan", "rgan")]
    found = set()
    for call in calls:
        module, *words = call.split()
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            importlib.import_module(module).main([*words, "--help"])
        found |= set(FLAG.findall(shown.getvalue()))
    return found


def unknown_flags(text, flags):
    """Those of the pieces of code in a text that no command has; commands as a whole are parsed by the test above."""
    pieces = [piece for piece in spans(text) if not piece.startswith(("python -m ", "jgan "))]
    return sorted({flag for piece in pieces for flag in FLAG.findall(piece)} - flags)


@pytest.mark.parametrize("page", [README, *PAGES], ids=[README.name, *NAMES])
def test_flags_that_are_named_alone_exist(page, flags):
    assert unknown_flags(BLOCK.sub("", page.read_text()), flags) == []


def test_a_wrong_flag_is_seen(flags):
    assert unknown_flags("`--dataset folder`, `--data-dirr PHOTOS` and `dcgan --no-such-flag`", flags) == [
        *("--data-dirr", "--no-such-flag")
    ]


def test_commands_of_the_script_are_found(tmp_path, parse):
    page = tmp_path / "page.md"
    page.write_text("```bash\njgan --version\njgan train dcgan --nonsense 3\n```\n`jgan trian dcgan`\n")
    assert commands(page) == [["jgan.train", "dcgan", "--nonsense", "3"], ["jgan.trian", "dcgan"]]
    with pytest.raises(ValueError, match="--nonsense"):
        parse(commands(page)[0])
    with pytest.raises(ModuleNotFoundError):
        parse(commands(page)[1])


def test_commands_are_found():
    counts = {page.name: len(commands(page)) for page in PAGES}
    assert sum(counts.values()) > 60
    assert all(counts[name] for name in ("index.md", "your-images.md", "metrics.md", "scaling.md", "faq.md"))
    several = [words for words in commands(DOCS / "scaling.md") if "--coordinator" in words]
    assert len(several) == 4  # one of them in a script, over several lines, with `auto`


# ---------------------------------------------------------------------------------------------------- links and pictures


def slug(heading):
    """The anchor that MkDocs gives to a heading."""
    words = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
    return re.sub(r"[-\s]+", "-", words)


def anchors(page):
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)}


def made():
    """The pages that are made while the site is built: those of the API, which the navigation names, and of the notebooks."""
    named = re.findall(r"\S+\.md", (ROOT / "mkdocs.yml").read_text())
    notebooks = {f"tutorials/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")}
    return {name for name in named if name.startswith("api/")} | notebooks


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_and_pictures_are_there(page):
    text = BLOCK.sub("", page.read_text())
    for link in LINK.finditer(re.sub(r"`[^`\n]*`", "", text)):
        target, _, anchor = link["target"].partition("#")
        if "://" in target:
            assert not link["picture"], f"{page.name}: a picture from elsewhere: {target}"
            continue
        if link["picture"]:
            assert len(link["text"]) > 10, f"{page.name}: {target} needs a text for those who do not see it"
        if target in made():
            continue
        path = DOCS / target if target else page
        assert path.is_file(), f"{page.name}: {target} is not there"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target} has no heading #{anchor}"


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_of_the_repository_are_there(page):
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text()))
    for link in LINK.finditer(text):
        target, _, anchor = link["target"].partition("#")
        assert "://" in target or (ROOT / (target or page.name)).exists(), f"{page.name}: {target} is not there"
        assert not anchor or anchor in anchors(ROOT / (target or page.name)), f"{page.name}: no heading #{anchor}"
        assert not link["picture"] or len(link["text"]) > 10, f"{page.name}: {target} needs a text for those who do not see it"


def test_the_readme_is_short():
    """The long tables are on the pages of docs/."""
    assert len(README.read_text().splitlines()) <= 110


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_has_one_title(page):
    text = BLOCK.sub("", page.read_text())
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    wide = [line for line in TABLE.sub("", page.read_text()).splitlines() if len(line) > 128 and not line.startswith("|")]
    assert not wide, f"{page.name}: longer than 128: {wide}"


def test_the_navigation_names_all_pages():
    named = set(re.findall(r"\S+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert named == {*NAMES, *made()}


def test_the_pages_of_the_api_are_modules():
    names = sorted(name.removeprefix("api/").removesuffix(".md") for name in made() if name.startswith("api/"))
    for name in names:
        importlib.import_module(f"jgan.{name}")
    linked = {link["target"] for link in LINK.finditer((DOCS / "api.md").read_text())}
    assert linked == {f"api/{name}.md" for name in names}


# --------------------------------------------------------------------------------------------------------------- Python


def marked(path):
    return {(kind, name): code for kind, name, code in MARKED.findall(path.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_compiles(page):
    for code in blocks(page, "python"):
        ast.parse(code)


def test_every_block_of_python_is_an_example_with_a_name():
    """So that it is either run below, or equal to one that another test runs."""
    for page in PAGES:
        named = [code for (kind, _), code in marked(page).items() if kind == "example"]
        assert blocks(page, "python") == named, page.name


def test_what_stands_in_two_places_is_equal():
    elsewhere = marked(README) | marked(ROOT / "CONTRIBUTING.md")
    shared = {
        (page.name, *name): (code, elsewhere[name])
        for page in PAGES
        for name, code in marked(page).items()
        if name in elsewhere
    }
    assert {name for _, _, name in shared} == {"main", "objective", "dcgan"}
    for where, (code, original) in shared.items():
        assert code == original, where


def example(name, *changes):
    """The code of an example, with some texts replaced, so that it is short and writes into a folder of the test's."""
    (code,) = [code for page in PAGES for (kind, found), code in marked(page).items() if (kind, found) == ("example", name)]
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return code


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A function that runs code in a folder of the test's, and returns its names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def ran(code):
        names: dict = {}
        exec(code, names)
        return names

    return ran


SHORT = ('workdir="RUN"', 'workdir="RUN", eval_samples=50')


@pytest.mark.slow
def test_the_example_of_pairs(run, monkeypatch):
    model = models.MODELS["pix2pix"]
    config = model.small(model.presets["pix2pix"].config)
    monkeypatch.setitem(model.presets, "pix2pix", model.presets["pix2pix"]._replace(config=config))
    trained = run(example("pairs", ("steps=2_000", "steps=2, batch_size=8"), ("120, 64, 64", "60, 16, 16"), SHORT))["trained"]
    assert trained.state.step == 2
    assert (trained.run.spec.example.x.shape, trained.run.spec.example.c.shape) == ((16, 16, 3), (16, 16, 3))
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save("picture.png")
    sample.main(["--workdir", "RUN", "--input", "picture.png"])
    assert Path("RUN/translated-picture.png").exists()


@pytest.mark.slow
def test_the_example_of_many_settings(run):
    names = run(example("settings", ("range(1_000)", "range(3)")))
    assert names["metrics"]["d_loss"].shape == (4,)
    assert len(np.unique(names["metrics"]["d_loss"])) == 4
    assert names["samples"].shape == (64, 8, 8, 1)


@pytest.mark.slow
def test_the_example_of_a_step(run):
    small = ("gan2014.Config()", "gan2014.Config(g_units=(8,), d_units=(8,), d_pieces=2)")
    names = run(example("step", small, ("jnp.zeros((100,", "jnp.zeros((4,")))
    assert (names["state"].step, names["images"].shape) == (2, (64, 28, 28, 1))


def test_the_example_of_networks(run, capsys):
    run(example("networks"))
    assert capsys.readouterr().out == "(16,)\n" * 3


@pytest.mark.slow
def test_the_example_of_metrics(run, capsys):
    run(example("metrics"))
    fid, kid, coverage = map(float, capsys.readouterr().out.split())
    assert 0 < fid < 1
    assert abs(kid) < 0.5
    assert 0.9 < coverage <= 1


@pytest.mark.slow
def test_the_example_of_an_array(run):
    small, fast = ("(600, 32, 32, 3)", "(120, 8, 8, 3)"), ('"dcgan"', '"digits"')
    trained = run(example("array", small, fast, ("steps=2_000", "steps=2, batch_size=8"), SHORT))["trained"]
    assert trained.run.dataset.train.x.shape[1:] == (8, 8, 3)
    assert trained.state.step == 2


@pytest.mark.slow
def test_the_example_of_a_loss(run, monkeypatch):
    monkeypatch.setattr(losses.LOSSES, "_entries", dict(losses.LOSSES))  # the loss is forgotten after the test
    small = ('loss="absolute"', 'loss="absolute", g_units=(8,), d_units=(8,)')
    trained = run(example("loss", small, ("steps=2_000", "steps=2, batch_size=8"), SHORT))["trained"]
    assert isinstance(losses.LOSSES["absolute"], losses.Loss)
    assert trained.run.config.model.loss == "absolute"
    assert trained.state.step == 2


@pytest.mark.slow
def test_the_example_of_a_model(run, tmp_path, monkeypatch):
    (tmp_path / "hinge_gan.py").write_text(example("plugin"))
    try:
        trained = run(example("plugin-use", ("width=128", "width=8"), ("steps=5_000", "steps=2, batch_size=8"), SHORT))[
            "trained"
        ]
    finally:
        sys.modules.pop("hinge_gan", None)
    assert trained.state.step == 2
    assert trained.run.model.presets["hinge_gan"].dataset == "digits"
    assert trained.run.gan.sample(jax.random.key(0), trained.state, 3).shape == (3, 8, 8, 1)


@pytest.mark.slow
def test_the_example_of_an_exported_generator(run):
    small = models.MODELS["gan2014"].small(models.presets()["digits"].config)
    train("digits", small, steps=1, batch_size=8, eval_samples=50, workdir="RUN")
    export.main(["--workdir", "RUN", "--platforms", "cpu"])
    assert run(example("export"))["images"].shape == (8, 8, 8, 1)


# ------------------------------------------------------------------------------------------------------------ the build


def loaded(name, *needed):
    """A module of docs/, which is no package; skips where what it needs is not installed."""
    for package in needed:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_demo_is_what_the_export_writes_today():
    text = (DOCS / "demo.html").read_text(encoding="utf-8")
    assert browser.runtime() in text
    around = browser.page("Samples of digits", "", "", 0, sphere=False).partition("<h1>")[0]
    assert text.startswith(around)
    assert not re.search(r"(src|href)\s*=|https?://|fetch\(|import\(", text)


def test_built_notebooks_become_pages():
    hooks = loaded("site_hooks", "mkdocs", "latex2mathml")
    text, pictures = hooks.tutorial(ROOT / "notebooks" / "01_the_2014_paper.ipynb")
    assert "<math" in text
    assert len(pictures) == len(re.findall(r"!\[[^\]]+\]\(\S+\.png\)", text)) == 9
    assert hooks.with_maths("`$a$` costs $5 and $x^2$").startswith("`$a$` costs $5 and <math")


def test_built_examples_of_docstrings_are_code():
    fenced = loaded("site_docstrings", "griffe").fenced
    text = "One\nline.\n\n  >>> 1 + 1\n  2\n\n  x = y\n\nArgs:\n  x: a number.\n\n    More.\n\n"
    assert fenced(f"{text}Example:\n  >>> 1\n  1\n\n  >>> 2\n  2") == (
        "One line.\n\n```python\n>>> 1 + 1\n2\n```\n\n```text\nx = y\n```\n\nArgs:\n  x: a number.\n\n    More.\n\n"
        "Examples:\n  >>> 1\n  1\n\n  >>> 2\n  2\n"
    )
