"""Min-max, García-Ferrero 2022, tagger and translation scores, other candidates."""

import numpy as np
import pytest

from xner_spacy.errors import XnerError
from xner_spacy.projection.heuristics import LongestRunProjector, MinMaxProjector
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.candidates import (
    LinkedRanges,
    TaggerSpans,
    TranslatedSpans,
)
from xner_spacy.projection.matching.scores import AlignScore, NerScore, NerSpansScore, TranslationScore
from xner_spacy.types import Alignment, Entity, Reason, SentencePair, TokenLabels


def pair(entities, links, target=None, n_source=6, **more):
    target = target or [f"t{j}" for j in range(8)]
    return SentencePair(
        [f"s{i}" for i in range(n_source)],
        target,
        [Entity(*e) for e in entities],
        Alignment(links),
        **more,
    )


def spans(projector, p):
    (result,) = projector([p])
    return [s[:4] for s in result.spans], [tuple(u) for u in result.unprojected]


def test_minmax_and_its_filters():
    p = pair([(0, 2, "PER"), (3, 4, "LOC")], [(0, 1), (1, 4), (3, 6), (3, 7)])
    assert spans(MinMaxProjector(), p) == ([(1, 5, "PER", 0), (6, 8, "LOC", 1)], [])
    assert spans(MinMaxProjector(restrict=True), p)[0][1] == (6, 7, "LOC", 1)
    assert spans(MinMaxProjector(comp_tgt=True), p) == (
        [(6, 8, "LOC", 1)],
        [(0, Reason.INCOMPLETE)],
    )
    everything = [(0, Reason.INCOMPLETE), (1, Reason.INCOMPLETE)]
    assert spans(MinMaxProjector(comp_tgt=True, comp_ins=True), p) == ([], everything)
    assert spans(MinMaxProjector(comp_tgt=True, whole_sentence=True), p) == ([], everything)
    half = pair([(0, 2, "PER")], [(0, 1)])
    assert spans(MinMaxProjector(comp_src=True), half) == ([], [(0, Reason.INCOMPLETE)])
    assert spans(MinMaxProjector(), pair([(0, 2, "PER")], [])) == ([], [(0, Reason.NO_LINKS)])


def test_garcia_ferrero_gap_defect():
    p = pair([(0, 2, "PER")], [(0, 0), (0, 1), (1, 3), (1, 4)])
    assert spans(LongestRunProjector(), p)[0] == [(0, 5, "PER", 0)]
    assert spans(LongestRunProjector(defects=True), p)[0] == [(0, 2, "PER", 0)]


def test_garcia_ferrero_order_defect():
    swapped = [(0, 4), (1, 5), (3, 0), (4, 1)]
    p = pair([(0, 2, "LOC"), (3, 5, "LOC")], swapped)
    assert spans(LongestRunProjector(), p)[0] == [(0, 2, "LOC", 1), (4, 6, "LOC", 0)]
    assert len(spans(LongestRunProjector(defects=True), p)[0]) == 1
    other = pair([(0, 2, "PER"), (3, 4, "LOC")], [(0, 4), (1, 5), (3, 0)])
    assert len(spans(LongestRunProjector(), other)[0]) == 2
    assert spans(LongestRunProjector(defects=True), other) == (
        [(4, 6, "PER", 0)],
        [(1, Reason.OVERLAP)],
    )


def test_garcia_ferrero_punctuation_defect():
    p = pair([(0, 1, "ORG")], [(0, 0), (0, 1), (0, 2)], target=["«", "X", "»"])
    assert spans(LongestRunProjector(), p)[0] == [(1, 2, "ORG", 0)]
    assert spans(LongestRunProjector(defects=True), p)[0] == [(0, 3, "ORG", 0)]


TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
PROBS = np.array(
    [
        [0.9, 0.05, 0.0, 0.05, 0.0],
        [0.1, 0.8, 0.05, 0.05, 0.0],
        [0.1, 0.1, 0.7, 0.0, 0.1],
        [0.2, 0.0, 0.0, 0.8, 0.0],
    ],
    dtype=np.float32,
)


def test_ner_scores():
    p = pair(
        [(0, 1, "PER"), (2, 3, "LOC")],
        [],
        target=list("abcd"),
        target_labels=TokenLabels(TAGS, PROBS),
    )
    candidates = [(0, 1), (1, 2), (1, 3), (3, 4)]
    (by_label,) = NerScore()([p], [candidates])
    assert by_label[0] == pytest.approx([0.05, 0.8, 1.15 * 0.75, 0.0], abs=1e-6)
    assert by_label[1] == pytest.approx([0.05, 0.05, 0.075, 0.8], abs=1e-6)
    (any_label,) = NerSpansScore()([p], [candidates])
    assert any_label[0] == pytest.approx(any_label[1])
    assert any_label[0] == pytest.approx([0.05, 0.8, 1.15 * 0.75, 0.8], abs=1e-6)
    assert TaggerSpans()([p]) == [[(1, 3), (3, 4)]]
    projector = MatchingProjector(candidates=TaggerSpans(), scores={"ner": NerScore()})
    assert spans(projector, p)[0] == [(1, 3, "PER", 0), (3, 4, "LOC", 1)]


def test_without_a_tagger():
    p = pair([(0, 1, "PER")], [(0, 0)])
    with pytest.raises(XnerError, match="tagger"):
        NerScore()([p], [[(0, 1)]])
    with pytest.raises(XnerError, match="tagger"):
        TaggerSpans()([p])
    with pytest.raises(XnerError, match="translations"):
        TranslatedSpans()([p])


class Lookup:
    """A translation scorer that knows a few words."""

    def __init__(self, known):
        self.known = known
        self.calls = 0

    def score_batch(self, sources, targets):
        self.calls += 1
        return [0.0 if (s, t) in self.known or s == t else -4.0 for s, t in zip(sources, targets, strict=True)]


def test_translation_score_selects():
    p = pair([(0, 2, "ORG")], [], target=["los", "Estados", "Unidos", "dijeron"], n_source=2)
    p.source = ["United", "States"]
    forward = Lookup({("United States", "Estados Unidos")})
    backward = Lookup({("Estados Unidos", "United States")})
    score = TranslationScore(forward, backward)
    (matrix,) = score([p], [[(0, 2), (1, 2), (1, 3)]])
    assert matrix[0] == pytest.approx([0.0, 0.0, 1.0])
    from xner_spacy.projection.matching.candidates import Ngrams

    projector = MatchingProjector(candidates=Ngrams(pruned=False), scores={"nmt": score})
    assert spans(projector, p)[0] == [(1, 3, "ORG", 0)]
    assert forward.calls == 4  # direct and against itself, once per batch


def test_linked_ranges_and_translated_spans():
    p = pair([(0, 2, "ORG")], [(0, 0), (1, 2), (1, 7)])
    assert LinkedRanges(max_gap=1)([p]) == [[(0, 1), (0, 3), (2, 3), (7, 8)]]
    words = ["los", "Estados", "Unidos", "dijeron"]
    p = pair([(0, 2, "ORG")], [], target=words, entity_translations=["Estados Unidos"])
    found = TranslatedSpans(min_ratio=0.95)([p])
    assert found == [[(1, 3)]]


def test_fusion_adds_up():
    links = [(0, 1), (1, 2)]
    p = pair([(0, 2, "PER")], links, target=list("abcd"), target_labels=TokenLabels(TAGS, PROBS))
    projector = MatchingProjector(
        scores={"align": AlignScore(), "ner": NerScore()},
        weights={"align": 0.5, "ner": 0.5},
    )
    ((chosen, _),) = projector.match([p])
    assert chosen[0].score == pytest.approx(0.5 * 1.0 + 0.5 * 1.15 * 0.75)
