"""What projectors learned, read back: right, or one clear message."""

import pytest
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.errors import InputError, XnerError
from xner_spacy.projection.by_translation.markers import MarkerProjector
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.candidates import TranslatedSpans
from xner_spacy.projection.matching.phrase_lexicon import LabelVotes, PhraseLexicon
from xner_spacy.projection.matching.scores import AlignScore
from xner_spacy.projection.matching.span_score import SpanScore
from xner_spacy.translation.given_bitext import Bitext
from xner_spacy.types import Alignment, Entity, SentencePair

PAIR = SentencePair(
    ["the", "Court", "met"], ["der", "Gerichtshof", "tagte"], [Entity(1, 2, "ORG")],
    Alignment([(0, 0), (1, 1), (2, 2)]),
)  # fmt: skip


def trained():
    projector = MatchingProjector()
    projector.train([PAIR])
    return projector


PARTS = {
    "matching": (trained, MatchingProjector),
    "span": (lambda: trained().scores["span"], SpanScore),
    "lexicon": (lambda: trained().scores["lexicon"], PhraseLexicon),
    "votes": (lambda: trained().votes, LabelVotes),
}


@pytest.mark.parametrize("name", PARTS)
def test_state_is_the_same_when_read_back(name):
    make, fresh = PARTS[name]
    data = make().to_bytes()
    assert fresh().from_bytes(data).to_bytes() == data


def test_what_version_0_1_saved_is_read():
    votes = srsly.msgpack_dumps({"gerichtshof": {"ORG": 4}})
    lexicon = {"counts": {"court": {"geric": 1.0}}, "totals": {"court": 1.0}, "learned": b"\0" * 8}
    span = {"labels": ["ORG"], "source": [True, ["the"]], "target": [None, []]}
    scores = {"span": srsly.msgpack_dumps(span), "lexicon": srsly.msgpack_dumps(lexicon)}
    projector = MatchingProjector().from_bytes(srsly.msgpack_dumps({"scores": scores, "votes": votes}))
    assert "the" in projector.scores["span"].source_function
    assert projector.scores["span"].labels == {"ORG"}
    assert projector.scores["lexicon"].totals == {"court": 1.0}
    assert projector.votes.label(["Gerichtshof"], "PER") == "ORG"
    assert MatchingProjector().from_bytes(projector.to_bytes()).to_bytes() == projector.to_bytes()


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"not msgpack at all",
        srsly.msgpack_dumps(None),
        srsly.msgpack_dumps([1, 2]),
        srsly.msgpack_dumps({"scores": 3, "votes": b""}),
        srsly.msgpack_dumps({"kind": "xner.Matching.v1", "version": 99, "fields": {}}),
        srsly.msgpack_dumps({"kind": "xner.Matching.v1", "version": 2, "fields": {"scores": 3}}),
        srsly.msgpack_dumps({"kind": "xner.PhraseLexicon.v1", "version": 2, "fields": {}}),
        srsly.msgpack_dumps({"kind": "xner.SpanScore.v1", "version": 2, "fields": {"labels": [1]}}),
    ],
)
def test_other_data_are_refused(name, data):
    with pytest.raises(InputError, match=r"state|does not hold"):
        PARTS[name][1]().from_bytes(data)


@pytest.mark.parametrize("name", PARTS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_state_is_read_or_refused(name, data):
    make, fresh = PARTS[name]
    state = bytearray(make().to_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        state[data.draw(st.integers(0, len(state) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(state)))
    try:
        part = fresh().from_bytes(bytes(state[:cut]))
    except XnerError:
        return
    if name == "matching":
        assert len(list(part([PAIR]))) == 1


def test_numbers_that_are_none_are_refused():
    lexicon = trained().scores["lexicon"]
    for wrong in (float("nan"), float("inf"), -1.0):
        state = srsly.msgpack_loads(lexicon.to_bytes())
        state["fields"]["totals"] = dict.fromkeys(state["fields"]["totals"], wrong)
        with pytest.raises(InputError, match="totals"):
            PhraseLexicon().from_bytes(srsly.msgpack_dumps(state))
    state = srsly.msgpack_loads(lexicon.to_bytes())
    state["fields"]["totals"] = {}
    with pytest.raises(XnerError, match="is inconsistent"):
        PhraseLexicon().from_bytes(srsly.msgpack_dumps(state))


def test_the_state_of_other_scores():
    data = trained().to_bytes()
    other = MatchingProjector(scores={"align": AlignScore()})
    with pytest.raises(XnerError, match=r"learned for the scores \['lexicon', 'span'\]"):
        other.from_bytes(data)


def test_a_translator_inside_is_saved_with_the_projector(tmp_path):
    english, german = tmp_path / "en", tmp_path / "de"
    english.write_text("Court\n[Court]\nthe [Court] met\n")
    german.write_text("Gerichtshof\n[Gerichtshof]\nder [Gerichtshof] tagte\n")

    def bitext():
        return Bitext(str(german), str(english))

    makers = [
        lambda: MarkerProjector(bitext()),
        lambda: MatchingProjector(candidates=TranslatedSpans(translator=bitext())),
    ]
    saved = []
    for make in makers:
        projector = make()
        (projection,) = projector([PAIR])
        assert [s[:4] for s in projection.spans] == [(1, 2, "ORG", 0)]
        saved.append(projector.to_bytes())
    english.unlink()
    for make, state in zip(makers, saved, strict=True):
        (projection,) = make().from_bytes(state)([PAIR])
        assert [s[:4] for s in projection.spans] == [(1, 2, "ORG", 0)]
    with pytest.raises(XnerError, match="belongs to another part"):
        makers[0]().from_bytes(TranslatedSpans().to_bytes())


def test_an_entity_without_candidates_leaves_a_lexicon_that_can_be_loaded():
    """The embedded corpus has such entities; a teacher that was assembled on it could not be loaded."""
    pair = SentencePair(["Ada", "ran"], ["hljóp"], [Entity(0, 1, "PER")], Alignment([(1, 0)], None))
    lexicon = PhraseLexicon()
    lexicon.learn([(pair, [[]])], frozenset())
    loaded = PhraseLexicon().from_bytes(lexicon.to_bytes())
    assert list(loaded.adjust([(pair, [[]])], frozenset())) == [(pair, [[]])]
    assert loaded.totals == {} == loaded.counts
