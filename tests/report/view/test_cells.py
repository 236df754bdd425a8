"""Cells hold every token once, in order, and are as narrow as they should be."""

from typing import Any, List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.report.view.cells import DESKTOP, PHONE, TABLET, cut, token_widths, width_of
from xner_spacy.report.view.sentences import ShownSentence, ShownSpan

words = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=25)


@st.composite
def sentences(draw: Any) -> Tuple[ShownSentence, List[Tuple[int, int]]]:
    target, source = draw(words), draw(words)
    link = st.tuples(st.integers(0, len(source) - 1), st.integers(0, len(target) - 1), st.floats(0, 1))
    links = {found[:2]: found for found in draw(st.lists(link, max_size=40))}.values()
    sides = []
    for side in (target, source):
        spans, end = [], 0
        for start, length in sorted(draw(st.lists(st.tuples(st.integers(0, 24), st.integers(1, 4)), max_size=5))):
            if end <= start and start + length <= len(side):
                spans.append((start, start + length))
                end = start + length
        sides.append(spans)
    shown = [ShownSpan(*span, "PER", 0.5) for span in sides[0]]
    sentence = ShownSentence(target, [True] * len(target), shown, source, [True] * len(source), list(links))
    return sentence, sides[1]


@given(sentences(), st.sampled_from([PHONE, TABLET, DESKTOP]))
def test_cells_hold_every_token_once_and_fit(made: Any, most: float) -> None:
    sentence, source_spans = made
    widths = token_widths(sentence.words, sentence.spaces, [(s.start, s.end, "PER 0.50") for s in sentence.spans])
    source_widths = token_widths(sentence.source_words, sentence.source_spaces, [(*s, "PER") for s in source_spans])
    cells = cut(sentence, widths, source_widths, source_spans, most)
    for side, length in ((0, len(widths)), (1, len(source_widths))):
        places = [k for cell in cells for k in range(*cell[side])]
        assert places == list(range(length))
    for cell in cells:
        (start, end), (source_start, source_end) = cell
        assert end > start or source_end > source_start
        # What is wider than a page is one token.
        assert sum(widths[start:end]) <= most or end - start == 1
        assert sum(source_widths[source_start:source_end]) <= most or source_end - source_start == 1


def test_a_sentence_in_one_order_is_cut_between_all_words() -> None:
    side = ["one", "two", "three"]
    sentence = ShownSentence(side, [True] * 3, [], side, [True] * 3, [(k, k, 1.0) for k in range(3)])
    assert cut(sentence, [2.0] * 3, [2.0] * 3, [], PHONE) == [((0, 1), (0, 1)), ((1, 2), (1, 2)), ((2, 3), (2, 3))]


def test_links_that_cross_and_entities_keep_words_together() -> None:
    side = ["a", "b", "c", "d"]
    links = [(1, 0, 1.0), (0, 1, 1.0), (2, 2, 1.0), (3, 3, 1.0)]
    sentence = ShownSentence(side, [True] * 4, [ShownSpan(2, 4, "LOC")], side, [True] * 4, links)
    assert cut(sentence, [2.0] * 4, [2.0] * 4, [], PHONE) == [((0, 2), (0, 2)), ((2, 4), (2, 4))]


def test_a_wide_cell_is_cut_where_the_fewest_links_lead_across() -> None:
    side = list("abcdefgh")
    # All lead straight down, but for one from the first word to the last.
    links = [(k, k, 1.0) for k in range(8)] + [(0, 7, 0.4)]
    sentence = ShownSentence(side, [True] * 8, [], side, [True] * 8, links)
    assert cut(sentence, [4.0] * 8, [4.0] * 8, [], 40.0) == [((0, 8), (0, 8))]
    cells = cut(sentence, [4.0] * 8, [4.0] * 8, [], PHONE)
    assert cells == [((0, 4), (0, 4)), ((4, 8), (4, 8))]


@given(st.text(max_size=30), st.text(max_size=30))
def test_more_text_is_never_narrower(one: str, other: str) -> None:
    assert width_of(one + other) >= max(width_of(one), width_of(other)) - 1e-9
