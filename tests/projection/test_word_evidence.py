"""Words that are spelled alike, found many sentences at a time."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.projection.matching import word_evidence
from xner_spacy.projection.matching.word_evidence import words_alike
from xner_spacy.projection.matching.word_tables import WordTable
from xner_spacy.spelling import similarity
from xner_spacy.types import Alignment, SentencePair

WORDS = ["Berlin", "Berliner", "Bergen", "EU", "EU-Recht", "1998", "Kommission", "Commission", "Novak", "Новак", "der"]


@st.composite
def pairs_and_compared(draw):
    sides = st.lists(st.sampled_from(WORDS), max_size=7)
    pairs = [SentencePair(draw(sides), draw(sides), [], Alignment()) for _ in range(draw(st.integers(0, 4)))]
    compared = []
    for pair in pairs:
        compared.append([[k for k in range(len(side)) if draw(st.booleans())] for side in (pair.source, pair.target)])
    return pairs, compared


@settings(deadline=None)
@given(pairs_and_compared(), st.sampled_from([1, 3, 1000]))
def test_the_quick_comparison_finds_what_comparing_all_finds(drawn, at_once):
    pairs, compared = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_evidence, "_MOST_AT_ONCE", at_once)
        found = words_alike(pairs, compared)
    for pair, (source, target), alike in zip(pairs, compared, found):
        expected = [(i, j, similarity(pair.source[i], pair.target[j])) for i, j in product(source, target)]
        assert sorted(alike) == [item for item in expected if item[2] >= 0.6]


def test_a_word_of_a_long_sentence_is_compared_with_those_near_its_place():
    words = [f"Wort{k}" for k in range(1000)]
    places = list(range(1000))
    pair = SentencePair(words, words[150:] + words[:150], [], Alignment())
    (alike,) = words_alike([pair], [(places, places)])
    assert alike and all(abs(i - j) <= 100 for i, j, _ in alike)


def test_a_table_of_words_asks_once_and_starts_anew_when_full(monkeypatch):
    monkeypatch.setattr("xner_spacy.projection.matching.word_tables.MOST_WORDS", 2)
    asked = []
    table = WordTable(lambda word: asked.append(word) or len(word))
    assert [table[word] for word in ("a", "bb", "a", "ccc", "a")] == [1, 2, 1, 3, 1]
    assert asked == ["a", "bb", "ccc", "a"] and len(table) == 2
