"""The step `evaluate`: whose figures there are, and which settings they name."""

import json
from pathlib import Path

import pytest
import spacy
import srsly

from tests.distillation.test_retyping import with_readings
from tests.recipe.projects import SUMMARY
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.recipe.evaluation import evaluate_project
from xner_spacy.recipe.layout import Project
from xner_spacy.types import Entity


def project_with_gold(root: Path, translated: int) -> Project:
    """RETURNS (Project): A project with a test set of two sentences, a good teacher, and a student that knows nothing."""
    project = Project(root=root, lang="is", workers=1)
    project.corpus.mkdir(parents=True)
    gold = {"sentences": 2, "translated": translated}
    summary = {**SUMMARY, "road": "bitext", "gold": gold}
    (project.corpus / "inputs.json").write_text(json.dumps(summary), encoding="utf8")
    nlp = spacy.blank("is")
    docs = [make_doc(nlp.vocab, ["Ada", "fer"], [Entity(0, 1, "PER")]), make_doc(nlp.vocab, ["Hún", "fer"], [])]
    write_docbin(project.corpus / "gold.spacy", docs)
    project.student.parent.mkdir(parents=True)
    nlp.to_disk(project.student)
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Ada"}])
    nlp.to_disk(project.training / "teacher")
    return project


def test_teacher_and_student_stand_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = project_with_gold(tmp_path, translated=2)
    assert evaluate_project(project) == ["teacher", "student"]
    table = capsys.readouterr().out
    assert "| teacher | 100.0" in table and "| student |   0.0" in table
    assert srsly.read_json(project.metrics / "teacher.json")["f1"] == 1.0


def test_the_teacher_is_scored_with_the_types_of_the_whole_text_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_gold(tmp_path, translated=2)
    nlp = spacy.blank("is")
    nlp.add_pipe("xner_projector")
    nlp.to_disk(project.training / "teacher")
    doubtful, *others = with_readings()
    write_docbin(
        project.corpus / "gold.spacy", [make_doc(nlp.vocab, [t.text for t in doubtful], [Entity(0, 1, "PER")])]
    )
    write_docbin(project.labelled / "projected" / "00000.spacy", others)

    def label_text(project: Project, pipeline: Path, text: Path, output: Path) -> None:
        write_docbin(
            output / "00000.spacy",
            [doubtful if pipeline.name == "teacher" else make_doc(nlp.vocab, [t.text for t in doubtful], [])],
        )

    monkeypatch.setattr("xner_spacy.recipe.evaluation.label_text", label_text)
    assert evaluate_project(project) == ["teacher", "typed-teacher", "student"]
    figures = {name: srsly.read_json(project.metrics / f"{name}.json")["f1"] for name in ("teacher", "typed-teacher")}
    assert figures == {"teacher": 0.0, "typed-teacher": 1.0}
    project.quality = "fast"  # has no distributions, and no types
    write_docbin(
        project.corpus / "gold.spacy", [make_doc(nlp.vocab, [t.text for t in doubtful], [Entity(0, 1, "PER")])]
    )
    assert evaluate_project(project) == ["teacher", "student"]


def test_no_figures_of_an_earlier_run_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = project_with_gold(tmp_path, translated=1)
    project.metrics.mkdir(parents=True)
    srsly.write_json(project.metrics / "teacher.json", {"f1": 0.9})
    assert evaluate_project(project) == ["student"]
    assert "no translation for 1 test sentences" in capsys.readouterr().out
    assert not (project.metrics / "teacher.json").exists() and (project.metrics / "student.json").exists()
    (project.corpus / "gold.spacy").unlink()
    assert evaluate_project(project) == [] and not (project.metrics / "student.json").exists()
