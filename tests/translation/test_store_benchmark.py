"""The benchmark of the store, on a few texts."""

from pathlib import Path

import pytest
import srsly

from benchmarks import store


def test_all_is_written_and_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store.main(["--texts", "60", "--processes", "1,2", "--out", str(tmp_path)])
    rows = srsly.read_json(tmp_path / "store.json")["rows"]
    assert [(row["processes"], row["texts"]) for row in rows] == [(1, 60), (2, 60)]
    assert all(row[name] > 0 for row in rows for name in ("writes_a_second", "reads_a_second", "write_cpu_ms"))
    assert "| 2         |" in capsys.readouterr().out
