"""Corrected sentences in training data."""

from collections import Counter
from pathlib import Path
from typing import List

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from xner_spacy.corpora.docs import doc_entities, make_doc, write_docbin
from xner_spacy.distillation.corrected import certain_labels, with_corrected, without_corrected
from xner_spacy.distillation.readers import Mixture
from xner_spacy.distillation.soft.soft_labels import best_entities, get_soft, set_soft
from xner_spacy.errors import XnerError
from xner_spacy.types import Entity, TokenLabels

NLP = spacy.blank("xx")


def labelled(text: str, label: str, soft: bool = False) -> Doc:
    """RETURNS (Doc): A sentence whose first word is a name."""
    doc = make_doc(NLP.vocab, text.split(), [Entity(0, 1, label)])
    if soft:
        rows = [[0.4, 0.6, 0.0], *([[1.0, 0.0, 0.0]] * (len(doc) - 1))]
        set_soft(doc, TokenLabels(["O", f"B-{label}", f"I-{label}"], rows))
    return doc


TEXTS = st.lists(st.sampled_from(["Ada sings", "Oslo rains", "Bob ran home", "Nia"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, corrected_texts=TEXTS, copies=st.integers(1, 5), soft=st.booleans())
def test_corrected_ones_replace_those_of_their_text(
    texts: List[str], corrected_texts: List[str], copies: int, soft: bool
) -> None:
    docs = [labelled(text, "LOC", soft) for text in texts]
    corrected = [labelled(text, "PER") for text in corrected_texts]
    mixed = with_corrected(docs, corrected, copies)
    expected = Counter({text: number for text, number in Counter(texts).items() if text not in corrected_texts})
    expected.update({text: copies * number for text, number in Counter(corrected_texts).items()})
    assert Counter(doc.text for doc in mixed) == expected
    for doc in mixed:
        is_corrected = doc.text in corrected_texts
        assert [e.label for e in doc_entities(doc)] == ["PER" if is_corrected else "LOC"]
        known = get_soft(doc)
        assert (known is not None) == (soft and bool(texts))
        if known is not None and is_corrected:
            assert known.probs.max(axis=1).tolist() == [1.0] * len(doc)
    assert {doc.text for doc in without_corrected(docs, corrected)} == set(texts) - set(corrected_texts)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 8), data=st.data())
def test_certain_labels_say_the_entities_and_what_is_missing(size: int, data: st.DataObject) -> None:
    tags = data.draw(st.lists(st.sampled_from(["O", "B-PER", "B-LOC", "-"]), min_size=size, max_size=size))
    doc = Doc(NLP.vocab, words=[f"w{k}" for k in range(size)])
    entities = [spacy.tokens.Span(doc, k, k + 1, tag[2:]) for k, tag in enumerate(tags) if tag[0] == "B"]
    missing = [doc[k : k + 1] for k, tag in enumerate(tags) if tag == "-"]
    doc.set_ents(entities, missing=missing, default="outside")
    soft = certain_labels(doc)
    assert soft.probs.sum(axis=1).tolist() == [0.0 if tag == "-" else 1.0 for tag in tags]
    words = [token.text for token in doc]
    assert [e[:3] for e in best_entities(soft, words)] == [e[:3] for e in doc_entities(doc)]


@pytest.mark.parametrize("soft", [False, True])
def test_a_student_reads_both_kinds(tmp_path: Path, soft: bool) -> None:
    texts = ["Ada sings", "Oslo rains", "Bob ran home"]
    write_docbin(tmp_path / "train.spacy", [labelled(text, "LOC", soft) for text in texts])
    write_docbin(tmp_path / "corrected.spacy", [labelled("Ada sings", "PER")])
    examples = list(Mixture(tmp_path / "train.spacy", corrected=tmp_path / "corrected.spacy", copies=3)(NLP))
    assert Counter(example.text for example in examples) == {"Ada sings": 3, "Oslo rains": 1, "Bob ran home": 1}
    for example in examples:
        assert not example.predicted.ents
        label = "PER" if example.text == "Ada sings" else "LOC"
        assert [e.label_ for e in example.reference.ents] == [label]
        known = get_soft(example.reference)
        assert (known is not None) == soft
        if known is not None:
            np.testing.assert_allclose(known.probs.sum(axis=1), 1.0, atol=1e-3)
    with pytest.raises(XnerError, match="copies is 0"):
        Mixture(None, copies=0)
