"""The benchmark's own sums, on a corpus of a few sentences."""

import json
from pathlib import Path

import pytest

from benchmarks import exchange


def test_a_small_corpus_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exchange.main(["--sentences", "7", "--tools", "inception", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "exchange.json").read_text("utf8"))["rows"]
    assert [row["tool"] for row in rows] == ["inception"]
    assert all(row[way]["cpu_seconds"] > 0 and row[way]["peak_gib"] > 0 for row in rows for way in ("export", "import"))
    assert capsys.readouterr().out.count("\n| inception |") == 1


def test_a_part_of_a_corpus_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    exchange.main(["--sentences", "7", "--tools", "iob2", "--by", "expected-gain", "--limit", "3"])
    assert "\n| iob2 |" in capsys.readouterr().out
