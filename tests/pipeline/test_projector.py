"""The projector component: reasons, whitespace, and parts that do not fit."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from xner_spacy.docdata import SPANS_KEY
from xner_spacy.errors import XnerError
from xner_spacy.pipeline.projector import ProjectorComponent
from xner_spacy.projection.heuristics import HeuristicProjector
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.types import Alignment, Projection


def doc_with(target, source, ents, links):
    vocab = spacy.blank("xx").vocab
    doc, reading = Doc(vocab, words=target), Doc(vocab, words=source)
    reading.set_ents([Span(reading, a, b, label=label) for a, b, label in ents])
    doc._.xner_source = reading
    doc._.xner_alignment = None if links is None else Alignment(links)
    return doc


def reasons(doc):
    return [(u["label"], u["reason"]) for u in doc.spans[SPANS_KEY].attrs["unprojected"]]


@pytest.mark.parametrize("make", [MatchingProjector, HeuristicProjector])
@pytest.mark.parametrize(
    "target, links, reason",
    [
        (["Ada"], None, "no_links"),  # no aligner came by
        (["hún"], [], "no_links"),
        ([], [], "no_links"),
        (["\n"], [(0, 0)], "no_links"),
    ],
)
def test_no_entity_is_lost_without_a_reason(make, target, links, reason):
    pipe = ProjectorComponent(None, "p", make())
    doc = pipe(doc_with(target, ["Ada"], [(0, 1, "PER")], links))
    assert not doc.ents and reasons(doc) == [("PER", reason)]
    assert pipe.reasons == {reason: 1}
    # Of a Doc that was never aligned nothing is known: its tokens are missing values.
    assert all(t.ent_iob == (0 if links is None else 2) for t in doc)


def test_whitespace_is_in_no_entity():
    doc = doc_with(
        ["Ada", "  ", "Lovelace", "\n"], ["Ada", "Lovelace", "\n"], [(0, 3, "PER")], [(0, 0), (1, 2), (2, 3)]
    )  # fmt: skip
    for make in (MatchingProjector, HeuristicProjector):
        assert [(e.start, e.end) for e in ProjectorComponent(None, "p", make())(doc).ents] == [(0, 3)]


def test_a_projector_that_gives_too_few():
    class Lazy:
        def __call__(self, pairs):
            yield from [Projection() for _ in pairs][:-1]

    docs = [doc_with(["Ada"], ["Ada"], [(0, 1, "PER")], [(0, 0)]) for _ in range(3)]
    with pytest.raises(XnerError, match="Lazy gave 2 projections for more sentences"):
        list(ProjectorComponent(None, "p", Lazy()).pipe(docs))
