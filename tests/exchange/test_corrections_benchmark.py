"""The benchmark of what corrected sentences buy: its students on a tiny project, and its tables on known figures."""

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
import spacy

from benchmarks import corrections, corrections_report
from benchmarks.corrections import ALONE, PROJECTED
from benchmarks.corrections_report import Curves, Worth
from benchmarks.mean_interval import estimate
from tests.report.view.toy import toy_docs
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import make_doc, read_docs, write_docbin
from xner_spacy.errors import XnerError
from xner_spacy.languages import blank_vocab
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.training import Training, set_values, train_all
from xner_spacy.types import Entity


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose student has seen a few sentences: four projected ones and a gold one in every five."""
    project = Project(root=tmp_path_factory.mktemp("project"), lang="is", workers=1)
    for path, times in (("labelled/best/train", 4), ("labelled/best/dev", 1), ("corpus/gold", 1)):
        write_docbin(project.root / f"{path}.spacy", toy_docs(times))
    init_config("student", project.training / "student.cfg", "is", labels="soft")
    paths = {name: str(project.labelled / f"{name}.spacy") for name in ("train", "dev")}
    values = {f"paths.{name}": path for name, path in paths.items()} | {
        "training.max_steps": 1,
        "components.xner_student.soft_weight": 0.0,
        "components.xner_student.hard_weight": 1.0,
    }
    config = set_values(spacy.util.load_config(project.training / "student.cfg"), values)
    train_all(project, [Training(project.training / "student", config, [Path(path) for path in paths.values()])])
    return project


def test_each_student_is_trained_once(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = tmp_path / "pool.spacy"
    write_docbin(pool, [make_doc(blank_vocab("is"), [f"orð{k}", "Anna"], [Entity(1, 2, "PER")]) for k in range(8)])
    arguments = [
        str(project.root),
        "--lang",
        "is",
        "--pool",
        str(pool),
        "--out",
        str(tmp_path / "out"),
        "--sizes",
        "0,5",
    ]
    arguments += ["--queues", f"random,{ALONE}", "--seeds", "0", "--parts", "0.5", "--steps", "1"]
    corrections.main(arguments)
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text("utf8").splitlines()]
    assert [(row["queue"], row["size"]) for row in rows] == [("random", 0), ("random", 5), (ALONE, 5), (PROJECTED, 8)]
    assert [row["projected"] for row in rows] == [16, 16, 0, 8]
    assert all(0 <= row["f1"] <= 1 for row in rows)
    monkeypatch.setattr(corrections, "train", lambda *_: pytest.fail("is there already"))
    corrections.main(arguments)
    [folder] = (tmp_path / "out").glob("random-5-0-*/train.spacy")
    assert sum("Anna" in doc.text and "orð" in doc.text for doc in read_docs(folder, blank_vocab("is"))) == 20


def test_a_part_of_the_projected_text_keeps_all_gold() -> None:
    labelled = toy_docs(10)
    part = corrections.projected_part(labelled, 12, seed=1)
    assert sum(doc._.xner_source is None for doc in part) == 10
    assert len(part) == 22
    assert part != corrections.projected_part(labelled, 12, seed=2)


def rows_of(figures: Dict[str, Dict[Any, float]]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): Rows of two seeds whose mean is the given F1, by language, queue and size."""
    return [
        {"lang": lang, "queue": queue, "size": size, "seed": seed, "copies": 4, "projected": 0 if queue == ALONE else
         (size if queue == PROJECTED else 4000), "f1": (f1 + shift) / 100}
        for lang, by_cell in figures.items()
        for (queue, size), f1 in by_cell.items()
        for seed, shift in ((0, -1.0), (1, 1.0))
    ]  # fmt: skip


# Twice the projected text brings 2 points in one language and 4 in the other.
FIGURES = {
    "aa": {("random", 0): 60.0, (PROJECTED, 2000): 58.0, (PROJECTED, 1000): 56.0, ("random", 100): 63.0, (ALONE, 100): 40.0,
           ("doubt", 100): 64.0},
    "bb": {("random", 0): 70.0, (PROJECTED, 2000): 66.0, (PROJECTED, 1000): 62.0, ("random", 100): 73.0, (ALONE, 100): 50.0,
           ("doubt", 100): 76.0},
}  # fmt: skip


def test_what_a_hundred_corrected_sentences_are_worth() -> None:
    curves = Curves(rows_of(FIGURES))
    assert curves.slopes() == pytest.approx({"aa": 2.0, "bb": 4.0})
    # The gain is 3 points, and 3 points are a doubling: as much again as the 4,000 that are there.
    worth = curves.worth("random")
    assert isinstance(worth, Worth)
    assert worth.factor == pytest.approx(2.0) and worth.sentences == 4000
    assert (worth.low, worth.high) == pytest.approx((2 ** (3 / 4), 2 ** (3 / 2)))
    assert "4,000 more projected ones" in corrections_report.sentence(curves, "random")
    assert curves.worth("nothing") is None


def test_gains_have_languages_as_units() -> None:
    curves = Curves(rows_of(FIGURES))
    assert curves.gains(("doubt", 100), ("random", 100)) == pytest.approx({"aa": 1.0, "bb": 3.0})
    difference = estimate([1.0, 3.0])
    # Student's t with one degree of freedom: 12.706 standard errors of 1.
    assert difference.mean == 2.0 and difference.high - 2.0 == pytest.approx(12.706, abs=1e-3)
    assert "| doubt − gold alone        | +25.0" in corrections_report.gain_table(curves)
    assert str(estimate([1.0])) == "+1.0"


def test_students_of_one_replicate_are_compared() -> None:
    rows = [row for row in rows_of(FIGURES) if row["seed"] == 0]
    # Another project of the language, much better, with a gain of 5; and a student without its other half.
    for queue, size, f1 in (("random", 0, 0.9), ("random", 100, 0.95), ("doubt", 250, 0.99)):
        rows.append({**rows[0], "lang": "aa", "queue": queue, "size": size, "f1": f1, "file": 1})
    curves = Curves(rows)
    assert curves.gains(("random", 100), ("random", 0)) == pytest.approx({"aa": (3 + 5) / 2, "bb": 3.0})
    assert curves.gains(("doubt", 250), ("random", 250)) == {}
    assert curves.slopes() == pytest.approx({"aa": 2.0, "bb": 4.0})


def test_a_student_that_is_there_twice_is_refused() -> None:
    rows = rows_of(FIGURES)
    with pytest.raises(XnerError, match="twice: aa, random, 0 sentences, seed 0"):
        Curves([*rows, rows[0]])


def test_without_any_gain_by_more_text_the_worth_has_no_end() -> None:
    flat = {lang: {**cells, (PROJECTED, 1000): 80.0, (PROJECTED, 2000): 80.0} for lang, cells in FIGURES.items()}
    assert "more than can be said" in corrections_report.sentence(Curves(rows_of(flat)), "random")


def test_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    other = [
        {**row, "copies": 9, "f1": 0.0} for row in rows_of(FIGURES) if row["size"] == 100 and row["queue"] != ALONE
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows_of(FIGURES), *other]), "utf8")
    corrections_report.main([str(file), "--copies", "4", "--out", str(tmp_path / "out")])
    text = (tmp_path / "out" / "corrections.md").read_text("utf8")
    assert text in capsys.readouterr().out + "\n"
    assert "| aa       |          random | 60.0 | 63.0 |" in text
    assert (tmp_path / "out" / "corrections.svg").read_text("utf8").startswith("<svg")
