"""The page of a project: its figures are those of the files, and everything on it is escaped."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.helpers import xner
from tests.report.view.toy import SCRIPT, gold_file, other_run, toy_run
from xner_spacy.cli.evaluate import evaluate
from xner_spacy.corpora.writing import write_json
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.page import write_page
from xner_spacy.recipe.run_figures import funnel_of, read_curve, training_curves

from .projects import SUMMARY

LOG = """
ℹ Pipeline: ['tok2vec', 'xner_student']
E    #       LOSS TOK2VEC  LOSS XNER_...  ENTS_F  ENTS_P  ENTS_R  SCORE\x20
---  ------  ------------  -------------  ------  ------  ------  ------
  0       0          0.00        5114.51    2.94    2.08    5.00    0.03
  0     200       1413.45      106605.04   66.87   68.59   65.23    0.67
✔ Saved pipeline to output directory
"""


@pytest.fixture()
def project(tmp_path: Path) -> Project:
    """A project whose steps have run, on made-up files."""
    project = Project(root=tmp_path, lang="is", workers=1)
    warnings = [f"Mind {SCRIPT}"]
    write_json(project.corpus / "inputs.json", {**SUMMARY, "warnings": warnings})
    write_json(project.training / "english.json", {"models": ["en"], "soft": True})
    gold = gold_file(project.corpus / "gold.spacy")
    for name, made in (("projected", toy_run), ("gold-teacher", toy_run), ("gold-student", other_run)):
        file = made(tmp_path / f"{name}.spacy")
        assert xner("convert", file, project.labelled / name, "--shard-size", 2).code == 0
    for name in ("teacher", "student"):
        write_json(project.metrics / f"{name}.json", evaluate(gold, project.labelled / f"gold-{name}"))
    (project.training / "english-0").mkdir()
    (project.training / "english-0" / "train.log").write_text(LOG, encoding="utf8")
    return project


def test_the_page_has_it_all(project: Project) -> None:
    page = write_page(project).read_text(encoding="utf8")
    assert SCRIPT not in page and "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)
    scores = json.loads((project.metrics / "student.json").read_text())
    assert f"the student has an F1 of <strong>{100 * scores['f1']:.1f}</strong>" in " ".join(page.split())
    for heading in ("other label", "missing"):
        assert f"For instance: {heading}" in page
    # Two sentences have an entity of the reading that was dropped; three have scores.
    assert "lost 1 (none of its words is linked to a word of the text)" in page
    assert page.count("lowest score") == 4 and page.index("lowest score 0.42") < page.index("lowest score 0.77")
    assert '<th scope="row">english-0</th><td class="number">66.9</td>' in page
    assert page.count('class="plain"') == 2


def test_a_project_without_gold_scores_and_logs(project: Project) -> None:
    (project.corpus / "gold.spacy").unlink()
    (project.training / "english-0" / "train.log").unlink()
    for name in ("teacher", "student"):
        (project.metrics / f"{name}.json").unlink()
    page = write_page(project).read_text(encoding="utf8")
    assert page.count("holds no test set") == 2 and "this needs a gold test set" in page
    assert "has left a log" in page and 'class="plain"' not in page


def test_the_funnel_loses_nothing() -> None:
    totals = {
        "sentences": 10, "without translation": 2, "entities": 5, "tokens": 90, "not projected: no_links": 3,
        "not projected: overlap": 2, "not projected: low_score": 1, "dropped by the label map: DATE": 4,
        "dropped, not in the label map: X": 1,
    }  # fmt: skip
    sentences, entities = funnel_of(totals)
    assert [stage[:2] for stage in sentences] == [("sentences", 10), ("translated", 8)]
    assert [stage.number for stage in entities] == [16, 11, 8, 6, 5]
    assert entities[1].note == "lost 4 (dropped by the label map: DATE), 1 (dropped, not in the label map: X)"


def test_curves_of_logs(project: Project) -> None:
    (project.training / "student").mkdir()
    rows: Any = [{"step": step, "scores": {"ents_f": f1}, "epoch": 0} for step, f1 in [(0, None), (100, 0.5)]]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.training / "student" / "curve.jsonl").write_text(text)
    curves = training_curves(project)
    assert curves == {"english-0": [(0.0, pytest.approx(0.0294)), (200.0, pytest.approx(0.6687))],
                      "student": [(0.0, 0.0), (100.0, 0.5)]}  # fmt: skip
    (project.training / "other.log").write_text("no table\n  0  12 x\n")
    assert read_curve(project.training / "other.log") == []
