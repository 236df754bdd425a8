"""Windows of whole words: they hold every word, and what is found in them is there once, as it stands in the sentence."""

import itertools
from typing import List, Sequence

from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.annotation.reading_windows import Window, best_apart, merge_windows, word_windows
from xner_spacy.types import Entity

SIZES = st.lists(st.integers(1, 9), max_size=60)
LIMITS = st.tuples(st.integers(9, 30), st.integers(2, 12), st.integers(1, 6))


@st.composite
def sentences(draw) -> "tuple[List[int], List[Entity]]":
    """Sub-words of words, and entities that do not overlap and may touch."""
    sizes = draw(SIZES)
    cuts = sorted(draw(st.sets(st.integers(0, len(sizes)), max_size=16)))
    spans = [(a, b) for a, b in itertools.pairwise(cuts) if draw(st.booleans())]
    return sizes, [Entity(a, b, draw(st.sampled_from(["PER", "LOC"])), draw(st.floats(0.1, 1.0))) for a, b in spans]


def read(window: Window, entities: Sequence[Entity], score: float) -> List[Entity]:
    """RETURNS (List[Entity]): What a perfect model sees of the entities: parts of those that the window cuts."""
    parts = []
    for entity in entities:
        start, end = max(entity.start, window.start), min(entity.end, window.stop)
        if start < end:
            whole = (start, end) == entity[:2]
            parts.append(Entity(start, end, entity.label, entity.score if whole else score))
    return parts


@given(SIZES, LIMITS)
def test_windows_hold_every_word_and_fit(sizes: List[int], limits: "tuple[int, int, int]") -> None:
    room, most_words, overlap = limits
    windows = word_windows(sizes, room, most_words, overlap)
    assert {k for window in windows for k in range(window.start, window.stop)} == set(range(len(sizes)))
    for window in windows:
        assert sum(sizes[window.start : window.stop]) <= room and 0 < window.stop - window.start <= most_words
    for a, b in itertools.pairwise(windows):
        assert a.start < b.start <= a.stop < b.stop
        # They share what they were asked to, unless the word behind it would not fit then.
        shared = a.stop - b.start
        longer = sizes[b.start - 1 : a.stop + 1]
        assert shared >= min(overlap, a.stop - a.start - 1) or sum(longer) > room or len(longer) > most_words


def test_a_word_that_is_longer_than_a_window_has_one_of_its_own() -> None:
    windows = word_windows([1, 1, 50, 1, 1], 10, 10, 2)
    assert [(w.start, w.stop) for w in windows] == [(0, 2), (2, 3), (3, 5)]
    assert word_windows([], 10, 10, 2) == []
    assert word_windows([3, 3], 10, 10, 2) == [Window(0, 2, 2)]


@given(sentences(), LIMITS, st.floats(0.1, 1.0))
def test_nothing_is_lost_at_a_cut_and_nothing_is_there_twice(drawn, limits, score: float) -> None:
    """Whatever the score of the parts: the entities of the sentence are found as they are, of any length."""
    sizes, entities = drawn
    windows = word_windows(sizes, *limits)
    if any(a.stop == b.start for a, b in itertools.pairwise(windows)):
        return  # long words: neighbours share none, so nobody can tell one name from two
    merged = merge_windows(windows, [read(window, entities, score) for window in windows])
    assert [e[:3] for e in merged] == [e[:3] for e in entities]
    for entity, found in zip(entities, merged, strict=True):
        if any(
            window.holds(entity) and not window.begins_at(entity) and not window.ends_at(entity) for window in windows
        ):
            assert found.score == entity.score


def test_a_name_that_is_longer_than_a_window_is_put_together() -> None:
    windows = word_windows([1] * 20, 6, 6, 2)
    whole = Entity(1, 18, "ORG", 0.9)
    [merged] = merge_windows(windows, [read(window, [whole], 0.4) for window in windows])
    assert merged[:3] == whole[:3] and merged.score == 0.4


def test_neighbours_of_one_label_without_a_word_in_common_are_one() -> None:
    windows = [Window(0, 2, 4), Window(2, 4, 4)]
    assert merge_windows(windows, [[Entity(1, 2, "PER", 0.8)], [Entity(2, 3, "PER", 0.6)]]) == [
        Entity(1, 3, "PER", 0.7)
    ]
    two = [[Entity(1, 2, "PER", 0.8)], [Entity(2, 3, "LOC", 0.6)]]
    assert merge_windows(windows, two) == [Entity(1, 2, "PER", 0.8), Entity(2, 3, "LOC", 0.6)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from(["A", "B"]), st.integers(1, 5))))
def test_the_best_are_kept(rows) -> None:
    entities = [Entity(start, start + length, label, score / 5) for start, length, label, score in rows]
    kept = best_apart(entities)
    assert kept == best_apart(entities[::-1]) == best_apart(kept) and set(kept) <= set(entities)
    for a, b in itertools.pairwise(kept):
        assert a.end <= b.start
    for entity in entities:  # what is left out overlaps something at least as good
        assert any(k.score >= entity.score and k.start < entity.end and entity.start < k.end for k in kept)


@given(sentences(), LIMITS, st.data())
def test_windows_that_disagree_still_give_entities_that_do_not_overlap(drawn, limits, data) -> None:
    sizes, _ = drawn
    windows = word_windows(sizes, *limits)
    found = []
    for window in windows:
        rows = data.draw(
            st.lists(
                st.tuples(st.integers(window.start, window.stop - 1), st.integers(1, 6), st.floats(0, 1)), max_size=5
            )
        )
        found.append(best_apart([Entity(a, min(a + n, window.stop), "PER", score) for a, n, score in rows]))
    merged = merge_windows(windows, found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(merged))
    assert merged == sorted(merged)
    # What is not at a cut is never lost to a window that saw nothing; at a cut the window that sees more decides.
    whole = [
        e for w, entities in zip(windows, found, strict=True) for e in entities if not (w.begins_at(e) or w.ends_at(e))
    ]
    assert bool(whole) <= bool(merged) <= any(found)
