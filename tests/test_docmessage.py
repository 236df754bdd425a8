"""The message of a Doc is spaCy's own, but for the order of its strings."""

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from xner_spacy.docdata import doc_message, pinned_coders

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
NAMES = st.sampled_from(["", "A", "NOUN", "Ωμέγα", "x y"])


@st.composite
def docs(draw):
    """Docs with any annotation: strings of tokens and of spans, analyses, user data."""
    vocab = spacy.blank("en").vocab
    words = draw(st.lists(WORDS, max_size=6))
    size = len(words)

    def each(values):
        return draw(st.lists(values, min_size=size, max_size=size))

    morphs = each(st.sampled_from(["", "Case=Nom", "Number=Sing|Case=Nom"]))
    doc = Doc(vocab, words=words, spaces=each(st.booleans()), tags=each(NAMES), lemmas=each(NAMES), morphs=morphs)
    if draw(st.booleans()):
        for token, norm in zip(doc, each(NAMES), strict=True):
            token.norm_ = norm
    if size:
        start = draw(st.integers(0, size - 1))
        end = draw(st.integers(start + 1, size))
        doc.set_ents([Span(doc, start, end, "PER", kb_id=draw(NAMES))])
        doc.spans["some"] = [Span(doc, start, end, draw(NAMES), span_id=draw(NAMES))]
    doc.cats = draw(st.dictionaries(NAMES, st.floats(0, 1), max_size=2))
    doc.user_data.update(draw(st.dictionaries(NAMES, st.integers(0, 9) | NAMES, max_size=2)))
    return doc


def packed(message):
    return srsly.msgpack_dumps({**message, "strings": sorted(message["strings"])})


@given(docs())
def test_it_is_the_message_of_spacy(doc):
    with pinned_coders():
        assert packed(doc_message(doc)) == packed(doc.to_dict(exclude=["tensor"]))


@pytest.mark.parametrize("changed", ["text", "tags", "spaces"])
def test_other_docs_have_other_messages(changed):
    vocab = spacy.blank("en").vocab
    given_doc = Doc(vocab, words=["a", "b"], spaces=[True, False], tags=["X", "Y"])
    others = {
        "text": Doc(vocab, words=["a", "c"], spaces=[True, False], tags=["X", "Y"]),
        "tags": Doc(vocab, words=["a", "b"], spaces=[True, False], tags=["X", "Z"]),
        "spaces": Doc(vocab, words=["a", "b"], spaces=[False, False], tags=["X", "Y"]),
    }
    with pinned_coders():
        assert packed(doc_message(given_doc)) != packed(doc_message(others[changed]))
