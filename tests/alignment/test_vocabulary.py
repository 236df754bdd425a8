"""Word pairs in order, of which the source words are not stored."""

from typing import Set, Tuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.alignment.statistical.vocabulary import SortedPairs, Vocabulary, pair_keys, word_ranges

WORDS = 6
PAIRS = st.sets(st.tuples(st.integers(0, WORDS - 1), st.integers(0, 9)), max_size=40)


def table(pairs: Set[Tuple[int, int]]) -> SortedPairs:
    keys = [pair_keys(np.array([source]), np.array([target]))[0] for source, target in sorted(pairs)]
    return SortedPairs.from_keys(np.array(keys, dtype=np.int64), WORDS)


@given(PAIRS, st.integers(1, 20))
def test_parts_have_all_pairs_of_whole_words(pairs: Set[Tuple[int, int]], most: int) -> None:
    sorted_pairs, found, previous = table(pairs), [], -1
    for part, source in sorted_pairs.parts(most):
        assert 0 < len(source) == part.stop - part.start
        assert len(source) <= most or len(set(source)) == 1
        assert source[0] > previous
        previous = source[-1]
        found += zip(source.tolist(), sorted_pairs.target[part].tolist())
    assert found == sorted(pairs)


@given(PAIRS, st.lists(st.integers(0, WORDS - 1), max_size=4))
def test_pairs_by_position_and_by_word(pairs: Set[Tuple[int, int]], words: list) -> None:
    sorted_pairs = table(pairs)
    sources = [source for source, _ in sorted(pairs)]
    assert sorted_pairs.source_of(np.arange(len(pairs))).tolist() == sources
    expected = [number for word in words for number, source in enumerate(sources) if source == word]
    assert sorted_pairs.of_words(np.array(words, dtype=np.int64)).tolist() == expected


def test_a_word_with_more_than_fit_is_a_part_of_its_own() -> None:
    assert list(word_ranges(np.array([0, 0, 1, 9, 10, 11, 11]), 3)) == [(0, 2), (2, 3), (3, 6)]
    assert list(word_ranges(np.array([0, 0, 0]), 3)) == list(word_ranges(np.array([0]), 3)) == []


def test_tokens_are_numbered_as_before_when_they_were_forgotten() -> None:
    words = Vocabulary()
    numbers = words.add(["Das", "das", "Haus"]).tolist()
    words.forget_tokens()
    assert words.add(["Das", "das", "Haus", "ist"]).tolist() == [*numbers, 3] == [1, 1, 2, 3]
