import pickle

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from xner_spacy import Alignment
from xner_spacy.docdata import SPANS_KEY


@pytest.fixture()
def doc():
    nlp = spacy.blank("is")
    doc = nlp("Anna býr í París.")
    source = spacy.blank("en")("Anna lives in Paris.")
    source.set_ents([Span(source, 0, 1, "PER"), Span(source, 3, 4, "LOC")])
    doc._.xner_source = source
    doc._.xner_alignment = Alignment([(0, 0), (3, 3)], [0.9, 0.25])
    doc.spans[SPANS_KEY] = [Span(doc, 0, 1, "PER")]
    doc.spans[SPANS_KEY].attrs["scores"] = [0.75]
    doc.spans[SPANS_KEY].attrs["unprojected"] = [{"start": 3, "end": 4, "label": "LOC", "reason": "no_links"}]
    doc.set_ents(list(doc.spans[SPANS_KEY]))
    return doc


def check(found: Doc) -> None:
    source = found._.xner_source
    assert source.text == "Anna lives in Paris."
    assert source.lang_ == "en"
    assert [(e.text, e.label_) for e in source.ents] == [("Anna", "PER"), ("Paris", "LOC")]
    assert found._.xner_alignment == Alignment([(0, 0), (3, 3)], [0.9, 0.25])
    assert [(s.text, s.label_) for s in found.spans[SPANS_KEY]] == [("Anna", "PER")]
    assert found.spans[SPANS_KEY].attrs["scores"] == [0.75]
    assert found.spans[SPANS_KEY].attrs["unprojected"][0]["reason"] == "no_links"
    assert [e.text for e in found.ents] == ["Anna"]


def test_docbin_keeps_all(doc):
    data = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    [found] = DocBin().from_bytes(data).get_docs(spacy.blank("is").vocab)
    check(found)
    # and once more, from what was read
    data = DocBin(store_user_data=True, docs=[found]).to_bytes()
    check(next(DocBin().from_bytes(data).get_docs(spacy.blank("is").vocab)))


def test_to_bytes_keeps_all(doc):
    check(Doc(spacy.blank("is").vocab).from_bytes(doc.to_bytes()))


def test_pickle_keeps_all(doc):
    check(pickle.loads(pickle.dumps(doc)))


def test_an_unknown_source_language_is_read_all_the_same(doc):
    data = doc.to_bytes().replace(b"\xa4lang\xa2en", b"\xa4lang\xa2zz")
    found = Doc(spacy.blank("is").vocab).from_bytes(data)
    assert found._.xner_source.text == "Anna lives in Paris."


def test_a_doc_without_source():
    doc = spacy.blank("is")("x")
    assert doc._.xner_source is None and doc._.xner_alignment is None
