"""The benchmark that asks the study's question of the recipe's students: one of them on a toy study, and its tables."""

import json
from pathlib import Path
from typing import Dict, List

import pandas as pd
import pytest

from benchmarks import study_recipe
from benchmarks.study_recipe import DIFFERENCE, GAINS, Cell
from tests.conftest import PAIRS
from tests.study.toy import make_toy
from xner_spacy.corpora.docs import read_docs
from xner_spacy.languages import blank_vocab
from xner_spacy.recipe import english
from xner_spacy.study.design.config import read_study
from xner_spacy.study.design.rows import DONE, Row, write_rows

# F1 at the corners of the grid: 20 more for more target text, 10 for more source text, 5 more for both.
CORNERS = {(300, 100): 0.2, (300, 3000): 0.4, (30_000, 100): 0.3, (30_000, 3000): 0.55}


def corner_rows(effects: Dict[str, float]) -> List[Dict[str, object]]:
    """RETURNS (List[Dict]): Rows of two draws; each language has its own level."""
    return [
        {"lang": lang, "n_source": source, "n_target": target, "seed": seed, "f1": f1 + level}
        for (source, target), f1 in CORNERS.items()
        for lang, level in effects.items()
        for seed in (0, 1)
    ]


def test_a_cell_is_measured_by_the_steps_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(english, "STEPS", 2)
    config = make_toy(tmp_path)
    mafand = tmp_path / "mafand"
    (mafand / "en-is").mkdir(parents=True)
    for name, side in (("train.en", 0), ("train.is", 1)):
        (mafand / "en-is" / name).write_text("".join(f"{pair[side]}\n" for pair in PAIRS * 4), encoding="utf8")
    cell, work = Cell("is", 32, 24, 0), tmp_path / "work"
    study_recipe.train_english(read_study(config), work, cell, workers=1)
    measured = study_recipe.measure(config, work, mafand, cell, steps=2)
    assert {name: measured[name] for name in Cell._fields} == cell._asdict()
    assert measured["steps"] == 2 and 0 <= measured["f1"] <= 1
    # Nothing but the samples is learned from.
    folders = {work / "is-32-24-0" / "labelled" / "best": 24, study_recipe.english_folder(work, cell) / "corpus": 32}
    for folder, size in folders.items():
        parts = [list(read_docs(folder / f"{name}.spacy", blank_vocab("xx"))) for name in ("train", "dev")]
        assert sum(map(len, parts)) == size


def test_the_text_is_that_of_the_same_cell_of_the_study(tmp_path: Path) -> None:
    study = read_study(make_toy(tmp_path))
    few, more, other = (
        [doc.text for doc in study_recipe.sampled(study, "target", Cell("is", 20, size, seed))]
        for size, seed in ((5, 0), (10, 0), (10, 1))
    )
    assert more[:5] == few
    assert more != other


def test_gains_are_those_between_the_corners() -> None:
    rows = pd.DataFrame(corner_rows({"pcm": 0.0, "swa": 0.1})).assign(draw=lambda frame: frame["seed"])
    found = {name: round(gain["value"], 3) for name, gain in study_recipe.gains(rows).items()}
    assert found == dict(zip(GAINS, (0.2, 0.25, 0.1, 0.15), strict=True)) | {DIFFERENCE: 0.1}


def test_a_corner_that_is_missing_leaves_its_gains_out() -> None:
    rows = pd.DataFrame(corner_rows({"pcm": 0.0})).assign(draw=lambda frame: frame["seed"])
    rows = rows[(rows["n_source"] != 300) | (rows["n_target"] != 3000)]
    assert list(study_recipe.gains(rows)) == list(GAINS)[1:3]


def test_the_report_has_both_kinds_of_students(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_toy(tmp_path)
    file = tmp_path / "recipe.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in corner_rows({"is": 0.0})), encoding="utf8")
    of_study = [
        Row("main", "is", "soft", "steps", source, target, seed, seed, status=DONE, f1=f1 / 2)
        for (source, target), f1 in CORNERS.items()
        for seed in (0, 1)
    ]
    (tmp_path / "report").mkdir()
    write_rows(tmp_path / "report" / "results.csv", of_study)
    study_recipe.main([str(config), "--out", str(file), "--report"])
    printed = capsys.readouterr().out
    assert "| target text, much source text" in printed
    line = next(line for line in printed.splitlines() if line.startswith("| target text, much source text"))
    assert "+25.0" in line and "+12.5" in line
