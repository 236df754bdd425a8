"""The benchmark runs, on a small run."""

from pathlib import Path

import pytest

from .toy import toy_run

view = pytest.importorskip("benchmarks.view", reason="reads benchmarks/ of the repository")


def test_it_measures_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    view.main([str(toy_run(tmp_path / "a.spacy")), "--sentences", "1003", "--limit", "7"])
    out = capsys.readouterr().out
    assert out.count("\n|") >= 9 and "1,003 sentences; the first page" in out
