from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.text import is_blank_token, split_tokens, trim_span

ODD = ["\u00a0", "\u2028", "\u0085", "\u3000", "\x1c", "\x0b"]


def test_a_line_is_cut_at_ascii_spaces_and_tabs_alone():
    assert split_tokens(" a  b\tc ") == ["a", "b", "c"]
    for odd in ODD:
        assert split_tokens(f"10{odd}000 b") == [f"10{odd}000", "b"]
    assert split_tokens("") == []


def test_whatever_the_order_of_what_cannot_be_seen_a_token_of_it_is_blank():
    assert all(map(is_blank_token, ["", *ODD, "\u200b", "\u200b \u200b \u200b", " \ufeff\u3000\u200d\n"]))
    assert not any(map(is_blank_token, ["a", "\u200ba\u200b", "\u0645\u06cc\u200c\u062e", "."]))


def test_spans_lose_blank_edges_and_keep_blank_middles():
    words = [" ", "Ada", "\n", "Lovelace", "\u00a0", "."]
    assert trim_span(words, 0, 5) == (1, 4)
    assert trim_span(words, 2, 3) is None
    assert trim_span(words, 1, 1) is None


@given(st.lists(st.sampled_from(["a", " ", "\n", "\u200b", "\u3000"]), max_size=8), st.data())
def test_a_trimmed_span_is_the_longest_one_with_visible_edges(words, data):
    start = data.draw(st.integers(0, len(words)))
    end = data.draw(st.integers(start, len(words)))
    visible = [i for i in range(start, end) if not is_blank_token(words[i])]
    expected = (visible[0], visible[-1] + 1) if visible else None
    assert trim_span(words, start, end) == expected
