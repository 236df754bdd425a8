"""Tokens and spans; how tokens become text in scripts without spaces, and how such text becomes tokens."""

import pickle
import sys
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from xner_spacy.corpora.docs import guess_spaces
from xner_spacy.languages import blank
from xner_spacy.text import (
    cut_syllables,
    glued,
    has_blank_token,
    is_blank_token,
    is_unspaced,
    join_words,
    split_tokens,
    trim_span,
)

ODD = ["\u00a0", "\u2028", "\u0085", "\u3000", "\x1c", "\x0b"]
LETTERS = "ab1.'- ကခ်ံ္ကមញ្ជាກເາ་བོ།北京。トー\u200d\u0301\n"


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


@pytest.mark.parametrize(
    "text, pieces",
    [
        ("အောင်ဆန်းသည်ရန်ကုန်မြို့။", ["အောင်", "ဆန်း", "သည်", "ရန်", "ကုန်", "မြို့", "။"]),
        ("အင်္ဂလိပ် ၁၂၃", ["အင်္ဂ", "လိပ်", "၁၂၃"]),
        ("བོད་ཡིག་ལྷ་ས།", ["བོད་", "ཡིག་", "ལྷ་", "ས", "།"]),
        ("ខ្ញុំទៅភ្នំពេញ។", ["ខ្ញុំ", "ទៅ", "ភ្នំ", "ពេ", "ញ", "។"]),
        ("ເຮົາໄປ", ["ເຮົາ", "ໄປ"]),
        ("我愛北京。NATO2009年 don't", ["我", "愛", "北", "京", "。", "NATO2009", "年", "don't"]),
        ("Mr. O'Neil 3.5", ["Mr", ".", "O'Neil", "3.5"]),
        ("က 1်", ["က", "1်"]),
        ("က က်", ["က", "က်"]),
        ("", []),
        (" \n", []),
    ],
)
def test_syllables(text: str, pieces: list) -> None:
    assert cut_syllables(text) == pieces


@given(st.text(alphabet=LETTERS, max_size=40))
def test_nothing_is_lost(text: str) -> None:
    assert "".join(cut_syllables(text)) == "".join(text.split())
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "xner.Syllables.v1"}}})
    assert nlp.make_doc(text).text == text


def test_a_long_line_takes_linear_time() -> None:
    assert len(cut_syllables("က" * 200_000)) == 200_000
    assert len(cut_syllables("a." * 200_000)) == 2


@pytest.mark.parametrize(
    "words, text",
    [
        (["他", "在", "北京", "见", "NATO", "EU", "军", "。"], "他在北京见NATO EU军。"),
        (["東京", "で", "Sony", "が"], "東京でSonyが"),
        (["ทหาร", "NATO", "บุก", "กรุง"], "ทหาร NATO บุกกรุง"),
        (["ရန်ကုန်", "မြို့", "။"], "ရန်ကုန်မြို့။"),
        (["The", "city", "of", "北京"], "The city of 北京"),
        (["서울", "은", "x"], "서울 은 x"),
        ([], ""),
    ],
)
def test_tokens_become_text(words: list, text: str) -> None:
    assert join_words(words) == text
    assert Doc(blank("xx").vocab, words=words, spaces=guess_spaces(words)).text == text


def test_markers_do_not_change_where_spaces_are() -> None:
    words = ["ทหาร", "<e0>บุก</e0>", "กรุง"]
    assert join_words(words, like=["ทหาร", "บุก", "กรุง"]) == "ทหาร<e0>บุก</e0>กรุง"
    assert join_words(words, "_") == "ทหาร_<e0>บุก</e0>_กรุง"


@given(st.lists(st.text(alphabet="ab北ກ.", min_size=1, max_size=3), max_size=6))
def test_one_space_each(words: list) -> None:
    spaces = glued(words)
    assert len(spaces) == len(words) and not any(spaces[-1:])


def test_which_text_is_without_spaces() -> None:
    assert is_unspaced(["他", "在", "NATO", "北京", "工作"])
    assert not is_unspaced(["He", "lives", "in", "北京", "."])
    assert not is_unspaced([]) and not is_unspaced(["123", "..."])


def test_the_tokenizer_is_saved_with_a_pipeline(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="no tokenizer for Burmese"):
        nlp = blank("my")
    nlp.to_disk(tmp_path / "model")
    text = "အောင်ဆန်းသည်"
    for loaded in (spacy.load(tmp_path / "model"), pickle.loads(pickle.dumps(nlp))):
        assert [t.text for t in loaded(text)] == ["အောင်", "ဆန်း", "သည်"]


@given(
    st.lists(
        st.text(
            st.sampled_from("a é1.-\u200b\u200d\ufeff\u2060\u00a0\u3000\x1f\x85\u2028\u0301\t\n\U000e0001"), max_size=3
        )
    )
)
def test_a_sentence_has_blank_tokens_if_one_of_its_tokens_is_blank(words):
    assert has_blank_token(words) == any(map(is_blank_token, words))


def test_every_character_of_a_blank_token_is_seen_at_once():
    odd = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if is_blank_token(char) and not has_blank_token(["a", char])
    ]
    assert not odd
