"""Types in the readings, which are projected again."""

from collections import Counter
from typing import Any, List

import numpy as np
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from tests.distillation.test_name_types import MUSEVENI
from xner_spacy.corpora.docs import doc_entities, make_doc
from xner_spacy.distillation.soft.name_types import NameTypes
from xner_spacy.distillation.soft.retyping import readings_and_labels, retype_readings, words_and_labels
from xner_spacy.distillation.soft.soft_labels import best_entities, get_soft, set_soft
from xner_spacy.types import Alignment, Entity

NLP = spacy.blank("xx")
PROJECTOR: Any = NLP.add_pipe("xner_projector")


def with_readings() -> List[Doc]:
    """RETURNS (List[Doc]): Docs whose readings are MUSEVENI, word for word, with the names of a teacher. The words of the
    text share nothing with each other, so that only the readings tell the types.
    """
    docs = []
    for number, (words, soft) in enumerate(MUSEVENI):
        reading = make_doc(NLP.vocab, list(words), best_entities(soft, words))
        set_soft(reading, soft)
        target = [f"{word[0]}{number}q{k}" if word.isalpha() else word for k, word in enumerate(words)]
        doc = Doc(NLP.vocab, words=target)
        doc._.xner_source = reading
        doc._.xner_alignment = Alignment([(k, k) for k in range(len(words))])
        docs.append(doc)
    return list(PROJECTOR.pipe(docs))


def test_a_doubtful_name_gets_the_type_that_it_has_in_other_readings() -> None:
    docs = with_readings()
    assert [(e.start, e.label) for e in doc_entities(docs[0])] == [(0, "LOC")]
    of_text_alone = NameTypes()(words_and_labels(docs))
    assert of_text_alone[0][0].labels[int(np.argmax(of_text_alone[0][0].probs))] == "LOC"
    counts: Counter = Counter()
    typed = NameTypes()(readings_and_labels(docs))
    docs = list(retype_readings(docs, typed, PROJECTOR.pipe, counts))
    assert counts == {"names": 6, "changed": 1}
    assert [(e.start, e.label) for e in doc_entities(docs[0])] == [(0, "PER")]
    assert [(e.start, e.label) for e in doc_entities(docs[0]._.xner_source)] == [(0, "PER")]
    soft = get_soft(docs[0])
    assert soft is not None
    assert [entity.label for entity in best_entities(soft, MUSEVENI[0][0])] == ["PER"]
    assert [e.label for doc in docs[4:] for e in doc_entities(doc)] == ["LOC", "LOC"]


def test_what_has_no_reading_stays_in_its_place() -> None:
    docs = with_readings()
    bare = make_doc(NLP.vocab, ["Nobody", "knows"], [Entity(0, 1, "ORG")])
    docs.insert(1, bare)
    typed = NameTypes()(readings_and_labels(docs))
    assert typed[1] == []
    after = list(retype_readings(docs, typed, PROJECTOR.pipe, Counter()))
    assert [doc.text for doc in after] == [doc.text for doc in docs] and after[1] is bare
    assert [(e.start, e.label) for e in doc_entities(bare)] == [(0, "ORG")]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(len(MUSEVENI))), missing=st.sets(st.integers(0, len(MUSEVENI) - 1)))
def test_each_doc_comes_back_with_whole_distributions(order: List[int], missing: set) -> None:
    docs = [with_readings()[k] for k in order]
    for k in missing:
        docs[k]._.xner_source = None
    texts = [doc.text for doc in docs]
    typed = NameTypes()(readings_and_labels(docs))
    after = list(retype_readings(docs, typed, PROJECTOR.pipe, Counter()))
    assert [doc.text for doc in after] == texts
    for k, doc in enumerate(after):
        soft = get_soft(doc)
        assert soft is not None
        np.testing.assert_allclose(soft.probs.sum(axis=1), 1.0, atol=1e-3)
        if order[k] == 0 and k in missing:
            assert [e.label for e in doc_entities(doc)] == ["LOC"]
