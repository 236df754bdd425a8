"""The benchmark of several seeds of the recipe, on figures that are known."""

from pathlib import Path

import pytest

from benchmarks import seed_means
from xner_spacy.corpora.reading import read_json
from xner_spacy.corpora.writing import write_json


def test_means_over_the_runs_of_a_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, f1 in (("lug", 0.70), ("lug-seed1", 0.74)):
        folder = tmp_path / name / "metrics" / "best"
        folder.mkdir(parents=True)
        write_json(folder / "student.json", {"f1": f1, "precision": f1 + 0.1, "recall": f1 - 0.1})
    seed_means.main([f"lug={tmp_path / 'lug'},{tmp_path / 'lug-seed1'}", "--out", str(tmp_path)])
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| lug")]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "lug", "student", "72.0", "2.8", "70.0, 74.0", "82.0", "62.0"
    ]  # fmt: skip
    assert [run["run"] for run in read_json(tmp_path / "seeds.json", dict)["lug"]["student"]] == ["lug", "lug-seed1"]


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No scores in"):
        seed_means.main([f"lug={tmp_path}"])
