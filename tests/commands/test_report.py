"""`python -m jgan.report`: what is on the page of a run, read back with Python's own parser of HTML."""

import base64
import hashlib
import io
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from jgan import pages, report, run_page

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """The elements of a page, its text, and its tables as lists of rows."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.words, self.scripts, self.rows, self.headings, self._inside = [], [], [], [], set(), ""
        self.feed(content)
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._inside = tag
        if tag == "tr":
            self.rows.append((dict(attributes).get("class"), []))

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside in ("script", "style"):
            self.scripts.append((self._inside, data))
            return
        self.words.append(data)
        if self._inside == "h2":
            self.headings.add(data)
        if self._inside in ("td", "th"):
            self.rows[-1][1].append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def copy(finished_run, tmp_path):
    return shutil.copytree(finished_run.workdir, tmp_path / "run")


def made(workdir, *flags):
    report.main([str(workdir), *flags])
    return Page((workdir / "report.html").read_text())


def pictures_of(page):
    """The pictures in a page, as arrays, by their descriptions."""
    found = {}
    for attributes in page.all("img"):
        kind, content = re.fullmatch(r"data:image/([\w+]+);base64,(.*)", attributes["src"]).groups()
        if kind != "svg+xml":
            found[attributes["alt"]] = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    return found


def change_json(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def break_picture(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)


def test_a_page_has_the_samples_the_measures_and_the_options_of_its_run(copy, finished_run):
    page = made(copy)
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert "finished after 8 steps" in page.text
    found = pictures_of(page)
    for step in (4, 8):
        with Image.open(copy / "samples" / f"step_{step:08}.png") as expected:
            np.testing.assert_array_equal(found[f"samples at step {step}"], np.asarray(expected))
    assert {"nearest.png", "interpolation.png"} <= found.keys()
    cells = {row[0]: row[1:] for _, row in page.rows if row}
    last = json.loads((copy / "metrics.jsonl").read_text().splitlines()[-1])
    assert float(cells["d_loss"][0]) == pytest.approx(last["d_loss"], rel=1e-4)
    assert cells["seed"] == ["7"]
    assert cells["model.g_units"] == ["16"]
    emphasised = {row[0] for kind, row in page.rows if kind == "marked"}
    assert emphasised == {"model.g_units", "model.d_units", "batch_size", "steps", "sample_every"}, "unlike its preset"
    assert finished_run.config.preset in page.text


def test_a_page_loads_nothing_and_lets_only_its_own_script_run(copy):
    page = made(copy)
    content = (copy / "report.html").read_text()
    for _, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith("data:image/")
    [policy] = [entry["content"] for entry in page.all("meta") if "http-equiv" in entry]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert len(page.all("script")) == len(page.all("style")) == 1
    for kind, text in page.scripts:
        assert f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert "http://" not in re.sub(r"base64,[\w+/=]+", "", content)


def test_what_a_run_says_is_text_never_markup(copy):
    marks = {
        name: HOSTILE.replace("alert(1)", f"alert('{name}')")
        for name in ("preset", "option", "command", "data", "journal", "log", "summary")
    }
    record = json.loads((copy / "config.json").read_text())
    record["config"] |= {"preset": marks["preset"], "dataset": HOSTILE, HOSTILE: marks["option"]}
    record |= {"command": marks["command"], "data": {marks["data"]: {"count": HOSTILE, "sha256": HOSTILE}}}
    (copy / "config.json").write_text(json.dumps(record))
    with (copy / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 9, f"{marks['journal']}_loss": 1.0, "warning": HOSTILE}) + "\n")
    with (copy / "log.txt").open("a") as file:
        file.write(f"2026-01-01T00:00:00+00:00 warning: {marks['log']}\n")
    summary = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps(summary | {HOSTILE: marks["summary"]}))
    shutil.copy(copy / "nearest.png", copy / "<script>alert(3)<.png")
    page = made(copy)
    assert len(page.all("script")) == 1
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    for mark in marks.values():
        assert mark in page.text
    assert "<script>alert(3)<.png" in page.text
    told = [attributes for attributes in page.all("p") if attributes.get("class") == "warning"]
    assert len(told) == 2, "of the log and of the collapse monitor"


def test_a_run_that_is_still_training_has_a_page_too(copy):
    (copy / "summary.json").unlink()
    assert "step 8 of 8" in made(copy).text
    for name in ("metrics.jsonl", "log.txt"):
        (copy / name).unlink()
    shutil.rmtree(copy / "samples")
    page = made(copy)
    assert "step 0 of 8" in page.text
    assert not {"Samples", "Measures", "Curves", "Journal", "Log"} & page.headings


def test_a_run_that_went_on_after_its_summary_shows_what_it_has_now(copy):
    row = json.loads((copy / "metrics.jsonl").read_text().splitlines()[-1])
    with (copy / "metrics.jsonl").open("a") as file:
        file.write(
            json.dumps(row | {"step": 10, "d_loss": 0.123}) + "\n" + '{"step": 12, "d_l'
        )  # the last line was cut by a kill
    page = made(copy)
    cells = {row[0]: row[1:] for _, row in page.rows if row}
    assert cells["d_loss"][0] == "0.123"
    assert any(name.endswith(", after 8 steps") for name in cells)


def test_options_are_shown_exactly_and_measures_to_five_digits(copy):
    record = json.loads((copy / "config.json").read_text())
    record["config"] |= {"batch_size": 21, "steps": 14000, "time_limit": 1.000004}
    (copy / "config.json").write_text(json.dumps(record))
    page = made(copy)
    cells = {row[0]: row[1] for _, row in page.rows if len(row) == 2}
    assert (cells["steps"], cells["time_limit"]) == ("14000", "1.000004")
    assert "batch_size" in {row[0] for kind, row in page.rows if kind == "marked"}


def test_hidden_files_are_not_pictures_and_names_need_not_be_utf_8(copy):
    (copy / "._nearest.png").write_bytes(b"what a file system left")
    record = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(record | {"command": "train --data-dir \udcff"}))
    assert "train --data-dir \\udcff" in made(copy).text


def test_samples_of_a_model_of_text_are_shown_as_text(copy):
    shutil.rmtree(copy / "samples")
    (copy / "samples").mkdir()
    for step in (10, 20):
        (copy / "samples" / f"step_{step:08}.txt").write_text(f"<line {step}>")
    page = made(copy)
    assert "<line 10>" in page.text
    frames = [attributes for attributes in page.all("div") if attributes.get("class") == "frame"]
    assert [frame["data-label"] for frame in frames] == ["step 10", "step 20"]
    assert ["hidden" in frame for frame in frames] == [True, False]


def test_a_large_picture_is_reduced_and_the_animation_has_the_frames(copy, tmp_path):
    Image.new("RGB", (3 * run_page.SIDE, 30), (200, 0, 0)).save(copy / "large.png")
    page = made(copy, "--animation", str(tmp_path / "a.gif"))
    assert pictures_of(page)["large.png"].shape == (10, run_page.SIDE, 3)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 2
        frame = np.asarray(gif.convert("RGB"))
    assert frame.shape[:2] == pictures_of(page)["samples at step 8"].shape[:2]


@pytest.mark.parametrize(
    ("change", "flags", "message"),
    [
        (lambda run: shutil.rmtree(run), [], "expected the folder of a run, which holds config.json"),
        (lambda run: (run / "config.json").write_text("{"), [], "config.json: expected JSON, found"),
        (lambda run: (run / "config.json").write_text("[]"), [], "expected an object of JSON, found list"),
        (lambda run: (run / "config.json").write_text("{}"), [], "found a file without its options"),
        (lambda run: (run / "summary.json").write_text("x"), [], "summary.json: expected JSON, found"),
        (
            lambda run: (run / "metrics.jsonl").write_text('x\n{"step": 1}\n'),
            [],
            "metrics.jsonl, line 1, is not a line of metrics",
        ),
        (lambda run: change_json(run / "config.json", environment=[1]), [], "config.json: expected the record of a run"),
        (lambda run: change_json(run / "config.json", data=[1]), [], "config.json: expected the record of a run"),
        (lambda run: change_json(run / "summary.json", last=5), [], "summary.json: expected the summary of a run"),
        (lambda run: (run / "metrics.jsonl").write_text('{"step": 2, "kid": null}\n'), [], "metrics.jsonl: expected the lines"),
        (lambda run: (run / "nearest.png").write_bytes(b"x"), [], "nearest.png: expected a picture, found a"),
        (
            lambda run: break_picture(run / "samples" / "step_00000004.png"),
            ["--animation", "a.gif"],
            "expected a picture, found a",
        ),
        (lambda run: None, ["--out", "config.json"], "--out must end in .html, found config.json"),
        (lambda run: None, ["--animation", "a.mp4"], "--animation must end in .gif, found a.mp4"),
        (lambda run: None, ["--out", "no/such/page.html"], "--out: there is no folder no/such"),
        (lambda run: shutil.rmtree(run / "samples"), ["--animation", "a.gif"], "expected pictures of samples, found none"),
    ],
)
def test_what_cannot_be_shown_is_named_in_one_line(copy, tmp_path, monkeypatch, change, flags, message):
    monkeypatch.chdir(tmp_path)
    change(copy)
    with pytest.raises((ValueError, OSError), match=re.escape(message)):
        report.main([str(copy), *flags])


def test_no_folder_is_asked_for():
    with pytest.raises(ValueError, match=re.escape("expected the folder of a run, as in python -m jgan.report runs/digits")):
        report.main([])


@pytest.mark.parametrize("n", [1, 2, 5, 60, 61, 1000])
def test_few_of_many_are_chosen_evenly(n):
    chosen = run_page.evenly(range(n), 60)
    assert len(chosen) == min(n, 60)
    assert chosen[0] == 0
    assert chosen[-1] == n - 1
    gaps = np.diff(chosen)
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1


def test_a_history_without_frames_and_a_table_without_rows_are_nothing():
    assert pages.history({}) == pages.table([]) == pages.section("empty") == ""
