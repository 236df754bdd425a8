"""The compiled span score against the same in Python, to the last bit."""

from itertools import pairwise
from random import Random
from typing import List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy import native
from xner_spacy.projection.matching import compiled_spans, span_score
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.span_score import SpanScore
from xner_spacy.types import Alignment, Entity, SentencePair

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason="this installation has no compiled part")

WORDS = [
    "the",
    "of",
    "in",
    "der",
    "von",
    "und",
    "a",
    "(",
    ")",
    ".",
    ",",
    "-",
    "Kampala",
    "kampala",
    "Kampalan",
    "Wogau",
    "Europa",
    "europäisch",
    "Europe",
    "EUROPE",
    "1998",
    "1,998",
    "Rhein-Main-Gebiet",
    "Rhein",
    "Main",
    "Gebiets",
    "Ísland",
    "Iceland",
    "Москва",
    "Moskva",
    "東京",
    "é",
    "é",
    "Ann'",
    "ß",
    "İstanbul",
]


def random_pair(random: Random, longest: int) -> SentencePair:
    sides = [[random.choice(WORDS) for _ in range(random.randint(0, longest))] for _ in range(2)]
    n_source, n_target = map(len, sides)
    cuts = sorted({random.randint(0, n_source) for _ in range(random.randint(0, 7))})
    labels = ("PER", "LOC", "MISC")
    entities = [Entity(a, b, random.choice(labels)) for a, b in pairwise(cuts) if random.random() < 0.7]
    n_links = random.randint(0, 2 * min(n_source, n_target))
    links = {(random.randrange(n_source), random.randrange(n_target)) for _ in range(n_links)}
    scores = [random.choice([0.0, 0.2, 1.0, random.random()]) for _ in links]
    return SentencePair(*sides, entities, Alignment(sorted(links), scores))


def both(score: SpanScore, pairs: List[SentencePair]):
    """RETURNS: The options by C and by Python."""
    compiled = score.options(pairs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "LIBRARY", None)
        return compiled, score.options(pairs)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([5, 12, 40, 260]),
    st.fixed_dictionaries(
        {
            "spelling": st.sampled_from([0.0, 0.5, 0.9]),
            "unlinked": st.sampled_from([0.0, 0.3, 0.6]),
            "missing": st.sampled_from([0.0, 0.5]),
            "lower": st.sampled_from([0.0, 2.5]),
            "max_words": st.sampled_from([1, 4, 60, 10**9]),
            "names": st.sampled_from([("PER", "LOC", "ORG"), ("ORG",)]),
        }
    ),
    st.booleans(),
)
def test_options_are_those_of_python(seed, longest, parts, trained):
    random = Random(seed)
    pairs = [random_pair(random, longest) for _ in range(random.randint(1, 2 if longest > 100 else 6))]
    score = SpanScore(**parts)
    if trained:
        for side in (score.source_function, score.target_function):
            words = ["the", "of", "in", "der", "von", "a"]
            side.set_state(
                {"trained": True, "cased": random.random() < 0.5, "words": words, "articles": ["the", "der"]}
            )
        score.case.set_state(
            {
                "words": {"name": random.choice([5, 50]), "other": 80},
                "lower": {"name": 1, "other": random.choice([9, 70])},
            }
        )
        score.fuses = random.random() < 0.5
        score.labels = {"MISC"} if random.random() < 0.5 else set()
        score._words_changed()
    compiled, plain = both(score, pairs)
    assert compiled == plain


def test_more_linked_words_than_are_tried():
    """With an unlinked word worth more than none, every word of the sentence may begin a span."""
    random = Random(1)
    target = [random.choice(["Kampala", "Europa", "wogau", "x"]) for _ in range(150)]
    links = Alignment([(j % 2, j) for j in range(0, 150, 3)], [random.random() for _ in range(50)])
    pair = SentencePair(["Kampala", "Wogau"], target, [Entity(0, 2, "LOC")], links)
    compiled, plain = both(SpanScore(unlinked=0.9, max_words=200), [pair])
    assert compiled == plain
    assert len({start for _, start, _ in compiled[0][0]}) == span_score.MOST_LINKED


def test_a_projector_learns_and_projects_the_same(monkeypatch):
    random = Random(2)
    pairs = [random_pair(random, 20) for _ in range(300)]
    compiled, plain = MatchingProjector(), MatchingProjector()
    projections = list(compiled.train_and_project(pairs))
    assert sum(len(projection.spans) for projection in projections) > 40
    monkeypatch.setattr(native, "LIBRARY", None)
    assert projections == list(plain.train_and_project(pairs))
    assert compiled.to_bytes() == plain.to_bytes()


def test_numbers_of_words_do_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr(span_score, "MOST_WORDS", 20)
    score = SpanScore()
    pairs = [SentencePair([f"Name{k}"], [f"Name{k}"], [Entity(0, 1, "PER")], Alignment([(0, 0)])) for k in range(100)]
    for pair in pairs:
        compiled, plain = both(score, [pair])
        assert compiled == plain and compiled[0][0]
        assert len(score._folded) <= 21


@pytest.mark.parametrize("entity, link", [(Entity(0, 2, "PER"), (0, 0)), (Entity(0, 1, "PER"), (1, 0)), (Entity(0, 1, "PER"), (0, 1))])  # fmt: skip
def test_positions_outside_the_sentence_are_refused(entity, link):
    pair = SentencePair(["Ann"], ["Ann"], [entity], Alignment([link]))
    with pytest.raises(ValueError, match="outside its sentence"):
        SpanScore().options([pair])


def test_nothing_to_score():
    assert SpanScore().options([]) == []
    assert SpanScore().options([SentencePair([], [], [], Alignment())]) == [[]]
    assert compiled_spans.FoldedWords().number("ANN", 0) == 0
