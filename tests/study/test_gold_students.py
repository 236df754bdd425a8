"""Students of gold labels of the target text: what a student of projected labels could be with the same text."""

from pathlib import Path

import pytest
import spacy

from tests.study.toy import block, make_toy
from xner_spacy.corpora.docs import bare_copy, read_docs, write_docbin
from xner_spacy.study.design.study import run_study
from xner_spacy.types import PathLike

VOCAB = spacy.blank("xx").vocab


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return make_toy(tmp_path)


def gold_settings(config: Path, **changes: object) -> dict:
    """RETURNS (dict): Settings of students of gold labels, and of projected ones."""
    arms = {"arms": ["hard", "gold"], "n_target": [20]}
    return {"study.gold": str(config.parent / "{lang}" / "gold.spacy"), **block(**{**arms, **changes})}


def write_gold(config: Path, labels: bool = True, reverse: bool = False) -> PathLike:
    """Write the target text with the gold labels of the test sentences, which are the same seven."""
    folder = config.parent / "is"
    gold = {doc.text: doc for doc in read_docs(folder / "test.spacy", VOCAB)}
    docs = []
    for doc in read_docs(folder / "train.spacy", VOCAB):
        labelled = bare_copy(doc, VOCAB)
        spans = [(e.start, e.end, e.label_) for e in gold[doc.text].ents] if labels else []
        labelled.set_ents([spacy.tokens.Span(labelled, a, b, label=c) for a, b, c in spans], default="outside")
        docs.append(labelled)
    write_docbin(folder / "gold.spacy", docs[::-1] if reverse else docs)
    return folder / "gold.spacy"


def test_it_learns_from_gold_labels_of_the_same_sentences(config: Path) -> None:
    write_gold(config)
    rows = {row.arm: row for row in run_study(config, overrides=gold_settings(config))}
    assert set(rows) == {"hard", "gold"}
    assert rows["gold"].n_source == 0 and rows["hard"].n_source == 20
    assert rows["gold"].train_sentences == rows["hard"].train_sentences > 0
    # All sentences have names, the projected ones may lack some; nothing compares it with a teacher.
    assert rows["gold"].train_entities >= rows["gold"].train_sentences
    assert rows["gold"].minus_teacher is rows["gold"].minus_transfer is None
    assert rows["gold"].bias is not None and rows["gold"].f1_bias_0 is not None


def test_without_labels_in_the_gold_it_learns_nothing(config: Path) -> None:
    write_gold(config, labels=False)
    [row] = run_study(config, overrides=gold_settings(config, arms=["gold"]))
    assert row.train_entities == 0


def test_other_sentences_are_a_failed_cell_that_says_why(config: Path) -> None:
    gold = write_gold(config, reverse=True)
    [row] = run_study(config, overrides=gold_settings(config, arms=["gold"]))
    assert row.status == "failed"
    assert row.reason.startswith(f"XnerError: {gold}: other sentences than {config.parent / 'is' / 'train.spacy'}.")
