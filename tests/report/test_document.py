"""A page and its Markdown twin say the same, and what comes from data is neither markup nor a formula."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("altair")

from xner_spacy.report import document
from xner_spacy.report.charts import intervals
from xner_spacy.report.document import Figure, Table, write_page

TEXT = """
{{ question }}

## First

A long sentence, {{ word }}, that is
in two lines.
{{ put('table', 'All <of> it') }}{{ put('nothing') }}

- one
- two

## Empty

{{ put('nothing') }}

## Last

{{ put('k', 'A <title>', 'A caption.') }}{{ put('k2', 'A <title>', 'A caption.', kind='choice') }}{{ listing('Code', code) }}
"""


@pytest.fixture()
def folder(tmp_path: Path, monkeypatch: Any) -> Path:
    class Loader:
        def __init__(self, name: str) -> None:
            self.name = name

    from jinja2 import DictLoader, PackageLoader

    def loader(name: str) -> Any:
        return DictLoader({"text.md": TEXT}) if name == "here" else PackageLoader(name)

    monkeypatch.setattr(document, "PackageLoader", loader)
    table = Table("All <of> it", pd.DataFrame({"arm": ["x, y", "=z"], "n": [1000, 2], "F1": [-0.04, 12.3456789]}))
    data = pd.DataFrame({"label": ["a"], "value": [1.0], "low": [0.5], "high": [2.0], "panel": [""]})
    figures = {key: Figure(intervals(data, "x"), table) for key in ("k", "k2")}
    write_page(
        tmp_path,
        "here",
        "text.md",
        title="T & <t>",
        parts={"table": table, **figures, "nothing": None},
        values={"question": "What?", "word": "<b>*x*</b> [y](z)", "code": "```\n\n# no <heading>"},
        filters={},
        footer="An end.",
    )
    return tmp_path


def test_table_as_shown_and_as_csv() -> None:
    data = pd.DataFrame({"arm": ["x, y", "=z"], "n": [1000, 2], "F1": [-0.04, 12.3456789]})
    table = Table("All of it", data)
    assert table.rows == [["x, y", "1,000", "0.0"], ["=z", "2", "12.3"]]
    assert table.numeric == [False, True, True]
    assert table.csv() == 'arm,n,F1\n"x, y",1000,-0.04\n\'=z,2,12.3457\n'


def test_the_twin(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf8")
    assert text.startswith("# T &amp; &lt;t&gt;\n\nWhat?\n")
    assert "A long sentence, &lt;b&gt;\\*x\\*&lt;/b&gt; \\[y\\](z), that is in two lines.\n" in text
    assert "| x, y | 1,000 | 0.0 |\n| =z | 2 | 12.3 |" in text and "\n- one\n- two\n" in text
    assert (
        "## Empty" not in text
        and "![A &lt;title&gt;. All: from 1.0 to 1.0.](figures/k.svg)" in text
        and "](figures/k2.csv)" in text
    )
    assert "\n````\n```\n\n# no <heading>\n````\n" in text and text.endswith("\nAn end.\n")


def test_the_page(folder: Path) -> None:
    html = (folder / "index.html").read_text(encoding="utf8")
    assert "<p>A long sentence, &lt;b&gt;*x*&lt;/b&gt; [y](z), that is in two lines.</p>" in html
    assert '<section id="first"' in html and 'href="#last"' in html and "Empty" not in html
    assert html.count("<figure") == 2 and html.count("<details") == 3 and "All &lt;of&gt; it" in html
    assert (
        "# no &lt;heading&gt;</code>" in html
        and "<p>An end.</p>" in html
        and "<title>T &amp; &lt;t&gt;</title>" in html
    )
    assert (folder / "figures" / "k.svg").exists() and (folder / "figures" / "k2.csv").exists()
