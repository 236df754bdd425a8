"""The benchmark that asks the study's question of the recipe's students: one of them on a toy study, and its tables."""

from pathlib import Path
from typing import Dict, List

import pytest

from benchmarks import study_recipe
from benchmarks.study_recipe import DIFFERENCE, FROM_TARGET, GAINS, Cell
from tests.conftest import PAIRS
from tests.study.toy import make_toy
from xner_spacy.corpora.docs import read_docs
from xner_spacy.languages import blank_vocab
from xner_spacy.recipe import english
from xner_spacy.study.analysis.intervals import frame_of
from xner_spacy.study.analysis.variants import RECIPE
from xner_spacy.study.design.config import read_study
from xner_spacy.study.design.rows import DONE, Row, write_rows

# F1 at the corners of the grid: 20 more for more target text, 10 for more source text, 5 more for both.
CORNERS = {(300, 100): 0.2, (300, 3000): 0.4, (30_000, 100): 0.3, (30_000, 3000): 0.55}


def corner_rows(levels: Dict[str, float], block: str = RECIPE, scale: float = 1.0) -> List[Row]:
    """RETURNS (List[Row]): Rows of two draws; each language has its own level."""
    return [
        Row(block, lang, "soft", "steps", *size, seed, seed, DONE, f1=scale * (f1 + level), bias=0.0, variant="other")
        for size, f1 in CORNERS.items()
        for lang, level in levels.items()
        for seed in (0, 1)
    ]


def test_a_cell_is_measured_by_the_steps_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(english, "STEPS", 2)
    monkeypatch.setitem(study_recipe.ENGLISH_MODELS, "best", 1)
    config = make_toy(tmp_path)
    mafand = tmp_path / "mafand"
    (mafand / "en-is").mkdir(parents=True)
    for name, side in (("train.en", 0), ("train.is", 1)):
        (mafand / "en-is" / name).write_text("".join(f"{pair[side]}\n" for pair in PAIRS * 4), encoding="utf8")
    cell, work = Cell("is", 32, 24, 0), tmp_path / "work"
    study_recipe.train_english(read_study(config), work, cell, workers=1)
    row = study_recipe.train_student(config, work, mafand, cell, steps=2)
    assert {name: getattr(row, name) for name in Cell._fields} == cell._asdict()
    assert row.steps == 2 and row.f1 is not None and row.seconds > 0
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
    rows = frame_of(corner_rows({"pcm": 0.0, "swa": 0.1}))
    found = {name: round(gain["value"], 3) for name, gain in study_recipe.gains(rows).items()}
    assert found == dict(zip(GAINS, (0.2, 0.25, 0.1, 0.15), strict=True)) | {DIFFERENCE: 0.1}


def test_a_corner_that_is_missing_leaves_its_gains_out() -> None:
    rows = frame_of(corner_rows({"pcm": 0.0}))
    rows = rows[(rows["n_source"] != 300) | (rows["n_target"] != 3000)]
    assert list(study_recipe.gains(rows)) == list(GAINS)[1:3]


def test_the_report_has_both_kinds_of_students(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, file = make_toy(tmp_path), tmp_path / "recipe.csv"
    write_rows(file, corner_rows({"is": 0.0}))
    (tmp_path / "report").mkdir()
    write_rows(tmp_path / "report" / "results.csv", corner_rows({"is": 0.0}, "main", 0.5))
    study_recipe.main([str(config), "--out", str(file), "--report"])
    lines = capsys.readouterr().out.splitlines()
    line = next(line for line in lines if line.startswith(f"| {FROM_TARGET}"))
    assert "+25.0" in line and "+12.5" in line
