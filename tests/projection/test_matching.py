"""Candidate matching: the fast road equals the general one, greedy equals the seed's, reasons are
given.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.errors import XnerError
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.candidates import Ngrams
from xner_spacy.projection.matching.scores import AlignScore
from xner_spacy.types import Alignment, Entity, Reason, SentencePair


@st.composite
def sentence_pairs(draw, n_source=8, n_target=9):
    cuts = sorted(draw(st.sets(st.integers(0, n_source), min_size=2, max_size=6)))
    entities = [Entity(a, b, draw(st.sampled_from(["PER", "LOC"]))) for a, b in pairwise(cuts) if draw(st.booleans())]
    link = st.tuples(st.integers(0, n_source - 1), st.integers(0, n_target - 1))
    links = draw(st.lists(link, max_size=16, unique=True))
    return SentencePair(["s"] * n_source, ["t"] * n_target, entities, Alignment(links))


class Wrapped:
    """The align score where the projector cannot see that it is one."""

    def __init__(self):
        self.inner = AlignScore()

    def __call__(self, pairs, candidates):
        return self.inner(pairs, candidates)


def total(choices):
    return sum(c.score for c in choices)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(sentence_pairs(), max_size=4),
    st.sampled_from([("<=", 1), ("=", 1), (">=", 1), ("<=", 2)]),
)
def test_fast_road_equals_general_road_over_all_ngrams(pairs, constraint):
    settings = {"constraint": constraint[0], "count": constraint[1]}
    fast = MatchingProjector(scores={"a": AlignScore()}, **settings)
    slow = MatchingProjector(candidates=Ngrams(pruned=False), scores={"a": Wrapped()}, batch_size=2, **settings)
    for (x, _), (y, _) in zip(fast.match(pairs), slow.match(pairs), strict=True):
        assert total(x) == pytest.approx(total(y))


@settings(max_examples=150, deadline=None)
@given(sentence_pairs())
def test_result_is_valid(pair):
    for solver in ("exact", "greedy"):
        (result,) = MatchingProjector(solver=solver)([pair])
        assert result.spans == sorted(result.spans)
        last = 0
        for span in result.spans:
            assert last <= span.start < span.end <= len(pair.target)
            assert span.label == pair.entities[span.source].label
            last = span.end
        sources = [s.source for s in result.spans] + [u.source for u in result.unprojected]
        assert sorted(sources) == list(range(len(pair.entities)))


@settings(max_examples=100, deadline=None)
@given(sentence_pairs())
def test_unlinked_word_at_the_end_changes_nothing(pair):
    longer = SentencePair(pair.source, [*pair.target, "x"], pair.entities, pair.alignment)
    projector = MatchingProjector(scores={"align": AlignScore()})
    assert list(projector([pair])) == list(projector([longer]))


@settings(max_examples=50, deadline=None)
@given(st.lists(sentence_pairs(), max_size=5), st.randoms())
def test_permuted_sentences_permute_the_output(pairs, random):
    order = list(range(len(pairs)))
    random.shuffle(order)
    projector = MatchingProjector(scores={"a": Wrapped()}, batch_size=2)
    result = list(projector(pairs))
    assert list(projector([pairs[k] for k in order])) == [result[k] for k in order]


def seed_greedy(pair, max_words):
    """The seed's procedure, written naively: all n-grams, one dense matrix, argmax."""
    n = len(pair.target)
    grams = [(a, b) for a in range(n) for b in range(a + 1, min(n, a + max_words) + 1)]
    links = {tuple(x) for x in pair.alignment.links.tolist()}
    matrix = np.zeros((len(pair.entities), len(grams)))
    for s, e in enumerate(pair.entities):
        for t, (a, b) in enumerate(grams):
            hits = sum((i, j) in links for i in range(e.start, e.end) for j in range(a, b))
            matrix[s, t] = 2 * hits / (e.end - e.start + b - a)
    tags = ["O"] * n
    while matrix.size and matrix.max() > 0:
        s, t = np.unravel_index(np.argmax(matrix), matrix.shape)
        a, b = grams[t]
        tags[a:b] = [f"B-{pair.entities[s].label}"] + [f"I-{pair.entities[s].label}"] * (b - a - 1)
        matrix[s] = 0
        for u, (x, y) in enumerate(grams):
            if x < b and y > a:
                matrix[:, u] = 0
    return tags


@settings(max_examples=150, deadline=None)
@given(sentence_pairs())
def test_greedy_is_the_seeds_label_for_label(pair):
    (result,) = MatchingProjector(candidates=Ngrams(max_words=9), solver="greedy")([pair])
    tags = ["O"] * len(pair.target)
    for start, end, label, *_ in result.spans:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    assert tags == seed_greedy(pair, 9)


def test_reasons_and_excluded_tokens():
    entities = [Entity(0, 1, "A"), Entity(1, 2, "B"), Entity(2, 3, "C"), Entity(3, 4, "D")]
    links = Alignment([(0, 0), (2, 0), (3, 1)])
    pair = SentencePair(["s"] * 4, ["t", "!"], entities, links)
    (result,) = MatchingProjector(scores={"align": AlignScore()})([pair])
    assert [s[:4] for s in result.spans] == [(0, 1, "A", 0)]
    assert [tuple(u) for u in result.unprojected] == [
        (1, Reason.NO_LINKS),
        (2, Reason.OVERLAP),
        (3, Reason.NO_CANDIDATE),
    ]


def test_weights_must_name_scores():
    with pytest.raises(XnerError, match="names no score"):
        MatchingProjector(scores={"align": AlignScore()}, weights={"algin": 1.0})


@st.composite
def worded_pairs(draw):
    """Pairs with different words, some of which occur in both languages, and invisible ones."""
    pair = draw(sentence_pairs())
    words = st.sampled_from(["Kampala", "kampala", "Wogau", "der", "the", "in", "(", ")", ".", "\u200b", "Europa"])
    sides = [draw(st.lists(words, min_size=len(side), max_size=len(side))) for side in (pair.source, pair.target)]
    return SentencePair(*sides, pair.entities, pair.alignment)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(worded_pairs(), max_size=6),
    st.sampled_from([{}, {"solver": "greedy"}, {"scores": {"a": Wrapped()}}, {"rounds": 0}, {"relabel": False}]),
)
def test_learning_and_projecting_at_once_is_the_same_as_one_after_the_other(pairs, how):
    at_once, one_by_one = MatchingProjector(**how), MatchingProjector(**how)
    projections = list(at_once.train_and_project(pairs))
    one_by_one.train(pairs)
    assert projections == list(one_by_one(pairs))
    assert at_once.to_bytes() == one_by_one.to_bytes()
