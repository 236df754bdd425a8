"""The report of a study: complete, deterministic, without a network, for any subset of rows."""

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, Sequence, Tuple
from xml.etree import ElementTree

import pytest

from xner_spacy.corpora.writing import write_json
from xner_spacy.errors import InputError, XnerError
from xner_spacy.study.design.rows import Row, write_rows
from xner_spacy.study.design.study import report_study

from .report_rows import META, grid_rows, whole_study
from .toy import make_toy

pytest.importorskip("altair")
pytest.importorskip("statsmodels")

from xner_spacy.report import charts
from xner_spacy.study.analysis.analyse import Analysis, analyse
from xner_spacy.study.page.study_page import write_report

VOID = {"meta", "link", "input", "br", "rect", "line", "path", "circle"}
# What stands for a drawing where a test does not look at it: drawing takes its time.
BLANK = '<svg class="marks" width="9" height="9" viewBox="0 0 9 9"><g></g></svg>'


class Page(HTMLParser):
    """What a reader of the markup sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: List[Tuple[str, Dict[str, str]]] = []
        self.open: List[str] = []
        self.headings: List[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> List[Dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def rows() -> List[Row]:
    return whole_study()


@pytest.fixture(scope="module")
def analysis(rows: List[Row]) -> Analysis:
    return analyse(rows, samples=30)


@pytest.fixture(scope="module")
def folder(rows: List[Row], analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(analysis, META, folder)
    return folder


@pytest.fixture()
def blank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts.vl_convert, "vegalite_to_svg", lambda spec: BLANK)


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_same_input_gives_the_same_bytes(analysis: Analysis, folder: Path, tmp_path: Path) -> None:
    files = write_report(analysis, META, tmp_path)
    assert {p.relative_to(tmp_path) for p in files} == {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}
    for path in files:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_figures_of_an_earlier_report_go_and_what_is_the_users_stays(
    rows: List[Row], analysis: Analysis, tmp_path: Path, blank: None
) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_text("mine")
    (tmp_path / "results.csv").write_text("kept")
    write_report(analysis, META, tmp_path)
    first = {p.name for p in (tmp_path / "figures").iterdir()}
    kept = [row for row in rows if row.lang != "luo"]
    write_report(analyse(kept, samples=5), META, tmp_path)
    second = {p.name for p in (tmp_path / "figures").iterdir()}
    assert first - second == {"f1-luo.svg", "f1-luo.csv"} and "mine.png" in second
    assert (tmp_path / "results.csv").read_text() == "kept"
    named = json.loads((tmp_path / "report.json").read_text())["files"]
    assert {name.removeprefix("figures/") for name in named} == (second - {"mine.png"}) | {
        "README.md",
        "index.html",
    }


def test_a_folder_of_figures_that_is_a_link(analysis: Analysis, tmp_path: Path, blank: None) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "figures").symlink_to("../elsewhere")
    with pytest.raises(InputError, match="is a link"):
        write_report(analysis, META, tmp_path / "report")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", ["README.md", "index.html", "figures/f1-main.svg"])
def test_a_file_of_the_users_is_in_the_way(analysis: Analysis, tmp_path: Path, blank: None, name: str) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="is there, and was not written by a report of xner"):
        write_report(analysis, META, tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize(
    "manifest", ["{", "{}", '{"files": "README.md"}', '{"files": ["../mine"]}', '{"files": ["figures/../../mine"]}']
)  # fmt: skip
def test_a_manifest_that_leads_elsewhere_or_cannot_be_read(
    analysis: Analysis, tmp_path: Path, blank: None, manifest: str
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text(manifest)
    with pytest.raises(XnerError):
        write_report(analysis, META, tmp_path / "report")
    assert (tmp_path / "mine").exists()
    assert [p.name for p in (tmp_path / "report").iterdir()] == ["report.json"]


def test_a_code_that_leads_elsewhere(tmp_path: Path, blank: None) -> None:
    kept = [replace(row, lang="../../escaped") for row in grid_rows(["lug"])]
    with pytest.raises(XnerError, match="can't be the name of a file"):
        write_report(analyse(kept, samples=5), META, tmp_path / "a" / "report")
    assert not list(tmp_path.rglob("*escaped*"))


def test_names_from_data_are_no_markup_and_no_formula(tmp_path: Path) -> None:
    odd = "=HYPERLINK(1)</td><script>alert(1)</script>[x](javascript:y)|\x1b"
    meta = {**META, "languages": {"lug": odd}, "limits": ["# no heading ```"], "config": "```\n# x"}
    kept = [replace(row, reason=odd, status="failed") for row in grid_rows(["lug"])[:3]]
    kept += grid_rows(["lug", "luo"])[3:]
    files = write_report(analyse(kept, samples=5), meta, tmp_path)
    for path in files:
        if path.suffix != ".csv":
            text = path.read_text(encoding="utf8")
            assert "\x1b" not in text and "<script>alert" not in text, path
    readme = (tmp_path / "README.md").read_text(encoding="utf8")
    assert "](javascript" not in readme.replace("\\](", "") and "- \\# no heading" in readme
    assert "\n````\n```\n# x\n````\n" in readme
    assert Page((tmp_path / "index.html").read_text(encoding="utf8")).open == []
    tables = [p for p in files if p.suffix == ".csv"]
    cells = [c for p in tables for line in csv.reader(io.StringIO(p.read_text(encoding="utf8"))) for c in line]
    assert any(c.startswith("'=HYPERLINK") for c in cells)
    assert not any(c.startswith("=") for c in cells) and any(c.startswith("-0.") for c in cells)


def test_the_page_is_one_file(html: str, page: Page) -> None:
    assert page.open == []
    assert len(html) < 3_000_000
    assert not page.all("img") and not page.all("iframe")
    # The calculator and its numbers; the policy of the page lets no other script run.
    assert page.all("script") == [{"type": "application/json", "id": "calculator-data"}, {}]
    code = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html and "fetch" not in code and "http" not in code
    assert all(link["href"].startswith("data:") for link in page.all("link"))
    assert all(a["href"].startswith(("#", "data:")) for a in page.all("a"))
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_every_figure_has_files_a_description_and_its_data(folder: Path, page: Page) -> None:
    keys = [figure["id"] for figure in page.all("figure")]
    assert len(keys) == len(set(keys)) > 15
    assert {p.stem for p in (folder / "figures").glob("*.svg")} == set(keys)
    downloads = {a["download"] for a in page.all("a") if "download" in a}
    assert downloads == {f"{key}.{kind}" for key in keys for kind in ("svg", "csv")}
    assert len(page.all("details")) == len(keys) + 5  # and one for each language
    assert page.open.count("caption") == 0 and len(page.all("caption")) == len(page.all("table"))
    for key in keys:
        root = ElementTree.parse(folder / "figures" / f"{key}.svg").getroot()
        assert len(root.findtext("{*}desc", "")) > 20, key
        lines = list(csv.reader((folder / "figures" / f"{key}.csv").read_text(encoding="utf8").splitlines()))
        assert len(lines) > 1 and len({len(line) for line in lines}) == 1, key


def test_what_the_study_asks_for_is_there(page: Page) -> None:
    keys = {figure["id"] for figure in page.all("figure")}
    assert keys >= {"f1-main", "f1-by-target", "f1-by-source", "minus-teacher"}
    assert keys >= {
        "iso-total",
        "iso-ratio",
        "mirrored",
        "rates",
        "tenfolds",
        "spread",
        "variance",
    }
    assert keys >= {"contrasts", "designs", "f1-lug", "f1-swa", "by-language"}


def test_markup_of_the_page_for_assistive_technology(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attrs.get(name) is None or attrs[name] in ids
    assert all(a["href"][1:] in ids for a in page.all("a") if a["href"].startswith("#"))
    assert page.all("html")[0]["lang"] == "en"
    for tag in ("header", "nav", "main", "footer", "h1"):
        assert len(page.all(tag)) == 1, tag
    assert page.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:]))
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in page.all("svg"))
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
    boxes = [div for div in page.all("div") if div.get("class") == "scroll"]
    boxes += [div for div in page.all("div") if div.get("class") == "drawing"]
    assert boxes and all(div["tabindex"] == "0" and div["role"] == "region" and div["aria-label"] for div in boxes)
    assert len([d for d in page.all("details") if d.get("name") == "choice"]) == 5


def test_text_from_outside_is_escaped(html: str, folder: Path) -> None:
    assert "A study &amp; its &lt;title&gt;" in html and "its <title>" not in html
    assert "killed &amp; &lt;restarted&gt;" in html
    assert "# A study &amp; its &lt;title&gt;" in (folder / "README.md").read_text(encoding="utf8")


def test_the_markdown_twin_says_the_same(folder: Path, html: str, page: Page) -> None:
    text = (folder / "README.md").read_text(encoding="utf8")
    for figure in page.all("figure"):
        assert f".](figures/{figure['id']}.svg)\n" in text
        assert f"[Data](figures/{figure['id']}.csv)." in text
    flat = " ".join(text.split())
    for paragraph in re.findall(r"<p>([^<]+)</p>", html):
        assert " ".join(paragraph.replace("&#39;", "'").replace("&quot;", '"').split()) in flat
    assert len([line for line in text.splitlines() if line.startswith("|")]) > 10


def _same_spread() -> List[Row]:
    level = {320: 0.4, 1000: 0.5, 3200: 0.56, 10000: 0.6}
    return [replace(row, f1=level[row.n_source] + 0.002 * row.seed) for row in grid_rows(["lug", "swa"], ["soft"])]


SUBSETS: Dict[str, Sequence[Row]] = {
    "nothing": [],
    "one cell": grid_rows(["lug"], ["soft"], [320], [100], [(0, 0)]),
    "one replicate": grid_rows(arms=["hard", "soft"], replicates=[(0, 0)]),
    "one language": grid_rows(["swa"]),
    "no student": grid_rows(arms=["teacher", "transfer"]),
    "no baseline": grid_rows(arms=["soft"]),
    "one target size": grid_rows(arms=["soft", "transfer"], targets=[1000]),
    "one source size": grid_rows(arms=["soft", "transfer"], sources=[1000]),
    "all failed": grid_rows(["lug"], ["soft"], failures=10**6),
    "same spread": _same_spread(),
    "epochs alone": grid_rows(["lug", "luo"], ["soft"], block="epochs", design="epochs"),
    "variance alone": grid_rows(
        ["lug"],
        ["soft"],
        [1000, 3200],
        [320, 1000],
        [(s, d) for s in (0, 1) for d in (0, 1)],
        block="variance",
    ),
}


@pytest.mark.parametrize("name", SUBSETS)
def test_any_subset_of_rows_makes_a_page(name: str, tmp_path: Path, blank: None) -> None:
    kept = list(SUBSETS[name])
    found = analyse(kept, samples=20)
    write_report(found, META, tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf8")
    page = Page(html)
    assert page.open == [] and page.headings[0] == 1
    text = re.sub(r'href="data:[^"]*"|<p>The cells.*', "", html)
    assert not re.search(r"\b(nan|None|inf|NaN|Undefined)\b", text), name
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert ("killed &amp;" in html) == (name == "all failed")


def test_an_unfinished_study_says_so(tmp_path: Path, blank: None) -> None:
    rows = grid_rows(arms=("hard",), replicates=((0, 0), (1, 1)))
    rows = [row for row in rows if row.seed == 0 or row.n_source > 320]
    found = analyse(rows, samples=5)
    write_report(found, {**META, "cells": {"main": len(rows) + 3, "plain": 7, "done": 0}}, tmp_path / "a")
    text = " ".join((tmp_path / "a" / "README.md").read_text(encoding="utf8").split())
    assert f"The study is not finished: {len(rows)} of the {len(rows) + 10} cells of its design were measured" in text
    assert "1 to 2 replicates of each cell" in text
    assert f"| main | {len(rows)} | {len(rows) + 3} | | plain | 0 | 7 |" in text and "| done |" not in text
    write_report(found, {**META, "cells": {"main": len(rows)}}, tmp_path / "b")
    assert "not finished" not in (tmp_path / "b" / "README.md").read_text(encoding="utf8")


def test_rows_of_students_that_something_else_trained_are_on_the_page(tmp_path: Path) -> None:
    report = tmp_path / "report"
    config = make_toy(tmp_path)
    rows = grid_rows(arms=("soft",))
    write_rows(report / "results.csv", rows)
    write_json(report / "meta.json", {**META, "cells": {"main": len(rows)}})
    others = [replace(row, block="recipe", variant="students of the recipe", f1=row.f1 + 0.1) for row in rows]
    write_rows(tmp_path / "recipe.csv", others)
    report_study(config, {"study.also": [str(tmp_path / "recipe.csv")]})
    page = (report / "README.md").read_text(encoding="utf8")
    assert "students of the recipe" in page and "+10.0" in page and "not finished" not in page
    (tmp_path / "recipe.csv").unlink()
    with pytest.raises(InputError, match="no such file") as error:
        report_study(config, {"study.also": [str(tmp_path / "recipe.csv")]})
    assert "named by also" in error.value.hint
    write_rows(tmp_path / "recipe.csv", rows)
    with pytest.raises(InputError, match="variant") as error:
        report_study(config, {"study.also": [str(tmp_path / "recipe.csv")]})
    assert error.value.line == 2
