"""How far off scores are: reliability bins and the expected calibration error."""

import json
from pathlib import Path
from typing import List, Optional

import pytest
import spacy
from spacy.tokens import Doc, SpanGroup

from tests.cli.helpers import xner
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.evaluation.calibration import expected_calibration_error, reliability
from xner_spacy.types import Entity

NLP = spacy.blank("xx")


def test_calibration_error():
    assert expected_calibration_error([], []) == 0
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0
    assert expected_calibration_error([0.8] * 10, [True] * 6 + [False] * 4) == pytest.approx(0.2)


def test_reliability_bins():
    bins = reliability([0.05, 0.95, 1.0], [False, True, False])
    assert [b.number for b in bins] == [1] + [0] * 8 + [2]
    assert (bins[0].low, bins[-1].high) == (0.0, 1.0)
    assert (bins[-1].accuracy, bins[-1].confidence) == (0.5, pytest.approx(0.975))
    assert (bins[4].accuracy, bins[4].confidence) == (0.0, 0.0)


def scored(words: List[str], entities: List[Entity], scores: Optional[List[float]]) -> Doc:
    doc = make_doc(NLP.vocab, words, entities)
    if scores is not None:
        doc.spans["xner"] = SpanGroup(doc, name="xner", spans=list(doc.ents), attrs={"scores": scores})
    return doc


def test_scores_against_gold(tmp_path: Path) -> None:
    """Two entities are right, one has another label; a blank token on one side makes no difference."""
    gold = [make_doc(NLP.vocab, ["Ada", "saw", "Oslo"], [Entity(0, 1, "PER"), Entity(2, 3, "LOC")])] * 2
    write_docbin(tmp_path / "gold.spacy", gold)
    docs = [
        scored(["Ada", "\n", "saw", "Oslo"], [Entity(0, 1, "PER"), Entity(3, 4, "ORG")], [0.9, 0.5]),
        scored(["Ada", "saw", "Oslo"], [Entity(2, 3, "LOC")], [0.7]),
    ]
    write_docbin(tmp_path / "pred.spacy", docs)
    result = xner(
        "evaluate", tmp_path / "gold.spacy", tmp_path / "pred.spacy", "--scores", "--json", tmp_path / "x.json"
    )
    assert result.code == 0, result.err
    found = json.loads((tmp_path / "x.json").read_text())["entity_scores"]
    assert found == {
        "entities": 3,
        "mean_score": 0.7,
        "right": 0.66667,
        "calibration_error": pytest.approx((0.1 + 0.5 + 0.3) / 3, abs=1e-5),
    }
    assert "Scores of 3 entities: mean 70.0, of these entities 66.7 are right" in result.out


def test_entities_without_scores_are_named(tmp_path: Path) -> None:
    entities = [Entity(0, 1, "PER")]
    write_docbin(tmp_path / "gold.spacy", [make_doc(NLP.vocab, ["Ada", "ran"], entities)])
    write_docbin(tmp_path / "ner.spacy", [scored(["Ada", "ran"], entities, None)])
    result = xner("evaluate", tmp_path / "gold.spacy", tmp_path / "ner.spacy", "--scores")
    assert result.code == 1 and "its entities have no scores" in result.err
    assert "xner init-config student --labels soft" in " ".join(result.err.split())
    write_docbin(tmp_path / "nothing.spacy", [scored(["Ada", "ran"], [], None)])
    assert (
        "Scores of 0 entities" in xner("evaluate", tmp_path / "gold.spacy", tmp_path / "nothing.spacy", "--scores").out
    )
    (tmp_path / "p.iob").write_text("Ada\tB-PER\nran\tO\n\n")
    form = xner("evaluate", tmp_path / "gold.spacy", tmp_path / "p.iob", "--scores")
    assert form.code == 1 and "p.iob: is no file that holds scores" in form.err
