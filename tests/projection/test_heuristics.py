"""The seed paper's heuristic: gap, ratio, top-k, only_i, overlaps and reasons."""

import pytest

from xner_spacy.errors import XnerError
from xner_spacy.projection.heuristics import HeuristicProjector
from xner_spacy.types import Alignment, Entity, Reason, SentencePair


def pair(entities, links, n_source=6, n_target=8):
    return SentencePair(
        [f"s{i}" for i in range(n_source)],
        [f"t{j}" for j in range(n_target)],
        [Entity(*e) for e in entities],
        Alignment(links),
    )


def spans(projector, p):
    (result,) = projector([p])
    return [s[:4] for s in result.spans], [tuple(u) for u in result.unprojected]


def test_gap_of_one_is_filled_and_of_two_is_not():
    p = pair([(0, 2, "PER")], [(0, 0), (0, 1), (1, 3), (1, 6)])
    assert spans(HeuristicProjector(), p) == ([(0, 4, "PER", 0)], [])
    assert spans(HeuristicProjector(min_ratio=None), p)[0] == [(0, 4, "PER", 0), (6, 7, "PER", 0)]
    assert spans(HeuristicProjector(max_gap=0), p)[0] == [(0, 2, "PER", 0)]


def test_ratio_is_strict_and_reasons_are_given():
    p = pair([(0, 1, "LOC"), (1, 6, "ORG")], [(1, 2), (2, 3), (3, 4), (4, 5)])
    assert spans(HeuristicProjector(), p) == (
        [],
        [(0, Reason.NO_LINKS), (1, Reason.TOO_SHORT)],
    )
    assert spans(HeuristicProjector(min_ratio=0.79), p)[0] == [(2, 6, "ORG", 1)]


def test_later_entities_overwrite_and_leave_the_rest():
    p = pair([(0, 1, "A"), (1, 2, "B"), (2, 3, "C")], [(0, 0), (0, 2), (1, 1), (2, 1)])
    assert spans(HeuristicProjector(), p) == (
        [(0, 1, "A", 0), (1, 2, "C", 2), (2, 3, "A", 0)],
        [(1, Reason.OVERLAP)],
    )
    assert spans(HeuristicProjector(overlap="skip"), p) == (
        [(0, 3, "A", 0)],
        [(1, Reason.OVERLAP), (2, Reason.OVERLAP)],
    )
    assert spans(HeuristicProjector(overlap="skip", order="length"), p)[0] == [(0, 3, "A", 0)]


def test_only_i_and_top_k():
    p = pair([(0, 2, "PER")], [(0, 0), (1, 1), (0, 3), (1, 4), (1, 5)])
    assert spans(HeuristicProjector(), p)[0] == [(0, 6, "PER", 0)]
    only_i = HeuristicProjector(only_i=True)
    assert spans(only_i, p)[0] == [(0, 2, "PER", 0), (3, 6, "PER", 0)]
    assert spans(HeuristicProjector(only_i=True, top_k=1), p)[0] == [(3, 6, "PER", 0)]
    shortest = HeuristicProjector(only_i=True, top_k=1, top_k_by="shortest")
    assert spans(shortest, p)[0] == [(0, 2, "PER", 0)]


@pytest.mark.parametrize("link", [(0, 8), (6, 0)])
def test_link_outside_is_an_error(link):
    with pytest.raises(XnerError, match="outside the sentence pair"):
        spans(HeuristicProjector(), pair([(0, 2, "PER")], [link]))


@pytest.mark.parametrize("entities", [[(0, 7, "A")], [(2, 2, "A")], [(0, 2, "A"), (1, 3, "B")]])
def test_bad_entities_are_an_error(entities):
    with pytest.raises(XnerError):
        spans(HeuristicProjector(), pair(entities, [(0, 0)]))
