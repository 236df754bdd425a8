"""Gold sentences of relatives in the student's training data."""

import json
from pathlib import Path
from typing import List, Literal

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recipe.projects import SUMMARY
from xner_spacy.corpora.docs import make_doc, read_docs, write_docbin
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.recipe.labels import make_labels
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.relatives import gold_of_relatives, relatives_among
from xner_spacy.types import Entity, TokenLabels

NLP = spacy.blank("xx")
LABELS = ("PER", "LOC")


def project_with_sources(root: Path, sizes: dict) -> Project:
    """RETURNS (Project): A project for Luganda with so many gold sentences of each language; every fifth has a date."""
    project = Project(root=root, lang="lug", workers=1)
    for language, size in sizes.items():
        folder = project.sources / language
        folder.mkdir(parents=True)
        docs = []
        for k in range(size):
            entities = [Entity(0, 1, "PER"), Entity(1, 2, "DATE")] if k % 5 == 4 else [Entity(0, 1, "PER")]
            docs.append(make_doc(NLP.vocab, [f"{language}{k}", "sings"], entities))
        write_docbin(folder / "train.spacy", docs)
    return project


def inputs_with(sizes: dict) -> dict:
    return {**SUMMARY, "sources": {language: {"train": {"sentences": size}} for language, size in sizes.items()}}


@pytest.mark.parametrize("lang, relatives", [("lug", ["nya", "swa"]), ("hrv", ["srp"]), ("yor", []), ("xx", [])])
def test_relatives_need_no_bitext(lang: str, relatives: List[str]) -> None:
    assert relatives_among(lang, ["hau", "nya", "pcm", "srp", "swa"]) == relatives


def test_only_relatives_with_the_students_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {"pcm": 30, "swa": 10, "nya": 20}
    project = project_with_sources(tmp_path, sizes)
    gold = gold_of_relatives(project, inputs_with(sizes), LABELS, 100)
    assert len(gold) == 8 + 16 and {doc[0].text[:3] for doc in gold} == {"swa", "nya"}
    assert {entity.label_ for doc in gold for entity in doc.ents} == {"PER"}
    said = capsys.readouterr().out
    assert "24 gold sentences of relatives to learn from too: swa, nya" in said
    assert "6 of their sentences left out: they have a label that the student does not learn" in said


@settings(max_examples=25, deadline=None)
@given(swa=st.integers(0, 12), nya=st.integers(0, 12), limit=st.integers(0, 20))
def test_never_more_than_the_limit_and_as_many_as_there_are(swa: int, nya: int, limit: int, tmp_path_factory) -> None:
    sizes = {"swa": swa, "nya": nya}
    project = project_with_sources(tmp_path_factory.mktemp("relatives"), sizes)
    texts = [doc.text for doc in gold_of_relatives(project, inputs_with(sizes), LABELS, limit)]
    known = sum(size - size // 5 for size in sizes.values())
    assert len(texts) == len(set(texts)) <= min(limit, known)
    if limit >= 2 * max(sizes.values()):
        assert len(texts) == known
    assert texts == [doc.text for doc in gold_of_relatives(project, inputs_with(sizes), LABELS, limit)]


@pytest.mark.parametrize("quality", ["best", "fast"])
def test_they_join_the_training_data_of_soft_students_alone(tmp_path: Path, quality: Literal["best", "fast"]) -> None:
    sizes = {"swa": 30}
    project = project_with_sources(tmp_path, sizes)
    project.quality = quality
    (project.corpus / "inputs.json").write_text(json.dumps(inputs_with(sizes)), encoding="utf8")
    docs = []
    for k in range(16):
        doc = make_doc(NLP.vocab, [f"Museveni{k}", "ayimba"], [Entity(0, 1, "PER")])
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER"], [[0.1, 0.9, 0.0], [1.0, 0.0, 0.0]]))
        docs.append(doc)
    write_docbin(project.labelled / "projected" / "00000.spacy", docs)
    train, dev = (list(read_docs(path, NLP.vocab)) for path in make_labels(project))
    gold = [doc for doc in train if doc[0].text.startswith("swa")]
    assert len(dev) == 2 and not [doc for doc in dev if doc[0].text.startswith("swa")]
    assert len(gold) == (24 if quality == "best" else 0)  # all that have no date
    for doc in gold:
        soft = get_soft(doc)
        assert soft is not None and soft.probs[0, list(soft.labels).index("B-PER")] == 1.0
    for size, expected in ((20, 20), (14, 14), (0, 14)):
        train = list(read_docs(make_labels(project, filled_size=size)[0], NLP.vocab))
        assert len(train) == (expected if quality == "best" else 14)
