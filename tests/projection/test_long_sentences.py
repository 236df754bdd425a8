"""Sentences of 20,000 and 100,000 tokens: linear, or given up with a reason."""

import time

import numpy as np
import pytest

from xner_spacy.projection.heuristics import LongestRunProjector
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.scores import AlignScore
from xner_spacy.types import Alignment, Entity, Reason, SentencePair, TokenLabels

from .test_base import PROJECTORS, TAGS, check

resource = pytest.importorskip("resource")  # Windows has none


def long_pair(n, every=10):
    """A name every ten tokens, linked along the diagonal and to the words beside it."""
    source = [f"Name{k}" if k % every == 0 else "of" for k in range(n)]
    target = [f"Nama{k}" if k % every == 0 else "ya" for k in range(n)]
    entities = [Entity(k, k + 1, "PER") for k in range(0, n, every)]
    links = [(k, k) for k in range(n)] + [(k, k + 1) for k in range(0, n - 1, every)]
    probs = np.zeros((n, len(TAGS)), dtype=np.float32)
    probs[:, 0] = 1.0
    return SentencePair(source, target, entities, Alignment(links), TokenLabels(TAGS, probs))


@pytest.mark.parametrize("name", PROJECTORS)
def test_twenty_thousand_tokens(name):
    pair = long_pair(20_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    (projection,) = PROJECTORS[name]()([pair])
    assert time.process_time() - begin < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000
    check(pair, projection)
    if not projection.spans and name != "count 0":
        assert {u.reason for u in projection.unprojected} <= {
            Reason.TOO_LONG, Reason.LOW_SCORE, Reason.INCOMPLETE,
        }  # fmt: skip


@pytest.mark.parametrize("name", ["heuristic, thesis", "longest run", "default", "greedy"])  # fmt: skip
def test_a_hundred_thousand_tokens(name):
    pair = long_pair(100_000)
    begin = time.process_time()
    (projection,) = PROJECTORS[name]()([pair])
    assert time.process_time() - begin < 120
    check(pair, projection)
    assert len(projection.spans) == 10_000


@pytest.mark.parametrize(
    "make",
    [
        MatchingProjector,
        LongestRunProjector,
        lambda: MatchingProjector(solver="greedy", candidates=None),
        lambda: MatchingProjector(scores={"align": AlignScore()}, constraint=">=", count=1),
    ],
)
def test_one_word_linked_to_everything(make):
    n = 20_000
    pair = SentencePair(["Ada", "x"], ["t"] * n, [Entity(0, 1, "PER")], Alignment([(0, j) for j in range(n)]))
    begin = time.process_time()
    (projection,) = make()([pair])
    assert time.process_time() - begin < 20
    check(pair, projection)


def test_long_and_short_sentences_of_a_batch():
    """The long one has its reason, the others their spans."""
    short = SentencePair(["Ada"], ["Ada"], [Entity(0, 1, "PER")], Alignment([(0, 0)]))
    for name in ("markers", "insertion", "translated", "unpruned"):
        one, two, three = PROJECTORS[name]()([short, long_pair(20_000), short])
        assert [s[:4] for s in one.spans] == [s[:4] for s in three.spans] == [(0, 1, "PER", 0)]
        assert {u.reason for u in two.unprojected} == {Reason.TOO_LONG}, name
