"""The component: links belong to the tokens that they were made for, and that is noticed where it is no longer so."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from xner_spacy import Alignment
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.docdata import stamp_of, why_not_linked
from xner_spacy.errors import XnerError
from xner_spacy.pipeline.aligner import AlignerComponent
from xner_spacy.pipeline.projector import ProjectorComponent
from xner_spacy.registry import get_part

NLP = spacy.blank("xx")


class Diagonal:
    """Links word k to word k."""

    asked = 0

    def __call__(self, pairs):
        for source, target in pairs:
            self.asked += 1
            yield Alignment([(k, k) for k in range(min(len(source), len(target)))])


def make_doc(source="New York is big", target="Njujork er stor nu"):
    doc = Doc(NLP.vocab, words=target.split())
    words = source.split()
    doc._.xner_source = Doc(NLP.vocab, words=words)
    doc._.xner_source.set_ents([Span(doc._.xner_source, 0, 1, "LOC")])
    return doc


def component(part=None, **settings):
    return AlignerComponent(None, "xner_aligner", part or Diagonal(), **settings)


def projector():
    return ProjectorComponent(None, "xner_projector", get_part("xner_projectors", "xner.Matching.v1"))


def merge(doc, start, end):
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[start:end])


def stored(doc):
    data = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    return next(DocBin().from_bytes(data).get_docs(NLP.vocab))


def test_an_aligner_without_its_state_is_named(tmp_path):
    pipe = component(LexicalAligner())
    for run in (pipe, lambda doc: list(pipe.pipe([doc]))):
        with pytest.raises(XnerError, match=r"^xner_aligner: .* has not been trained"):
            run(make_doc())
    (tmp_path / "state").symlink_to("nowhere")
    with pytest.raises(XnerError, match=r"state: no such file"):
        pipe.from_disk(tmp_path)


@pytest.mark.parametrize("side", ["target", "source"])
def test_retokenised_docs_are_aligned_anew_and_counted(side, caplog):
    pipe = component()
    doc = pipe(make_doc())
    assert doc._.xner_alignment.to_pharaoh() == "0-0 1-1 2-2 3-3"
    pipe(doc)
    assert (pipe.part.asked, pipe.realigned) == (1, 0)
    merge(doc if side == "target" else doc._.xner_source, 0, 2)
    with pytest.raises(XnerError, match="word links were made for other tokens"):
        projector()(doc)
    pipe(doc)
    assert doc._.xner_alignment.to_pharaoh() == "0-0 1-1 2-2"
    assert (pipe.part.asked, pipe.realigned) == (2, 1)
    assert "aligned again, because its word links were made for other tokens" in caplog.text
    assert [ent.text for ent in projector()(doc).ents] == [doc[0].text]


def test_a_token_for_a_token_is_noticed_too():
    """As many tokens as before, and not the same: the links would all be within bounds."""
    doc = component()(make_doc())
    other = make_doc(target="nu er stor Njujork")
    other._.xner_alignment = doc._.xner_alignment
    assert "other tokens" in str(why_not_linked(other))
    assert why_not_linked(doc) is None


def test_stored_docs_keep_what_they_were_aligned_for():
    doc = stored(component()(make_doc()))
    assert doc._.xner_alignment.tokens == stamp_of(doc._.xner_source, doc)
    assert why_not_linked(doc) is None
    merge(doc, 1, 3)
    assert "other tokens" in str(why_not_linked(stored(doc)))


def test_links_of_0_1_and_links_by_hand_are_checked_for_their_bounds():
    doc = make_doc()
    doc._.xner_alignment = Alignment([(0, 0), (3, 3)])
    assert why_not_linked(stored(doc)) is None
    assert projector()(doc).ents[0].text == "Njujork"
    doc._.xner_alignment = Alignment([(0, 4)])
    with pytest.raises(XnerError, match="link 0-4 is outside the sentence pair"):
        projector()(doc)


def test_a_doc_without_source_keeps_no_links():
    for overwrite in (True, False):
        doc = component()(make_doc())
        doc._.xner_source = None
        component(overwrite=overwrite)(doc)
        assert doc._.xner_alignment is None


def test_an_aligner_that_gives_too_few_or_links_outside_is_named():
    class Few(Diagonal):
        def __call__(self, pairs):
            yield from list(super().__call__(pairs))[1:]

    class Far(Diagonal):
        def __call__(self, pairs):
            yield from (Alignment([(9, 9)]) for _ in pairs)

    with pytest.raises(XnerError, match="aligner Few gave 1 alignments for 2 sentence pairs"):
        list(component(Few()).pipe([make_doc(), make_doc()]))
    with pytest.raises(XnerError, match="aligner Far: link 9-9 is outside"):
        component(Far())(make_doc())


TOKEN = st.sampled_from(["a", "b", "ab", "1 ", "1", " ", "/", "é", "e\u0301"])
SENTENCE = st.lists(TOKEN, min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(st.tuples(SENTENCE, SENTENCE), st.tuples(SENTENCE, SENTENCE))
def test_stamps_are_equal_where_all_tokens_are(one, other):
    stamps = [stamp_of(Doc(NLP.vocab, words=source), Doc(NLP.vocab, words=target)) for source, target in (one, other)]
    assert (stamps[0] == stamps[1]) == (one == other)


def test_what_a_doc_gets_does_not_depend_on_the_others():
    part = LexicalAligner()
    words = ["red", "green", "blue", "white"]
    part.train([([a, b], [b.upper(), a.upper()]) for a in words for b in words] * 3)
    texts = [(f"{a} {b} {c}", f"{c.upper()} x {a.upper()}") for a in words for b in words for c in words]
    alone = [component(part)(make_doc(*text))._.xner_alignment for text in texts]
    for size in (1, 7, 64):
        docs = component(part).pipe([make_doc(*text) for text in texts], batch_size=size)
        assert [doc._.xner_alignment for doc in docs] == alone
