"""The benchmark runs, on a small run."""

import json
from pathlib import Path

import pytest

from .toy import toy_run

view = pytest.importorskip("benchmarks.view", reason="reads benchmarks/ of the repository")


def test_it_measures_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "view.json"
    view.main([str(toy_run(tmp_path / "a.spacy")), "--sentences", "3,1003", "--limit", "7", "--out", str(file)])
    out = capsys.readouterr().out
    assert out.count("\n|") >= 18 and "1,003 sentences; the first page" in out
    rows = json.loads(file.read_text(encoding="utf8"))
    assert [(row["sentences"], len(row["steps"])) for row in rows] == [(3, 8), (1003, 8)]
