"""What went wrong in a translation, and splitting what is too long."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.translation.faults import (
    EMPTY,
    LENGTH,
    REPETITION,
    find_fault,
    repeats_itself,
    text_size,
)
from xner_spacy.translation.neural import join_pieces, split_text

BURMESE = "ဂျာမန်အဓိပတိသည် မနေ့က ဘာလင်တွင် ပြင်သစ်သမ္မတနှင့် တွေ့ဆုံခဲ့သည်။"
TEXT = "Ráðherrann hitti Angelu Merkel í Berlín í gær."


@pytest.mark.parametrize(
    "text, translation, fault",
    [
        (TEXT, "The minister met Angela Merkel in Berlin yesterday.", None),
        (TEXT, "", EMPTY),
        (TEXT, " \n", EMPTY),
        (TEXT, "...", EMPTY),
        ("...", "…", None),
        (TEXT, "The " + "minister of the " * 9, REPETITION),
        (TEXT, "no no no no no no no no no", REPETITION),
        (TEXT, "ha" * 40, REPETITION),
        ("ha ha ha ha ha ha ha ha ha", "ha ha ha ha ha ha ha ha ha ha", None),
        ("Efnisyfirlit ............ 7", "Contents ............ 7", None),
        (TEXT * 5, "Yes.", LENGTH),
        (TEXT, " ".join(f"word{k}" for k in range(80)), LENGTH),
        ("Já.", "Yes, indeed, of course it is.", None),
        # Four words in a row, as the docs say, and not three.
        (TEXT, "The minister met no no no no one.", REPETITION),
        (TEXT, "The minister met no no no one.", None),
        (TEXT, "The man and the man and the man and the man and", REPETITION),
        # Dots, dashes and bullets are no words, nor a loop of letters.
        (TEXT, "The minister . . . . . . . . . . met Angela Merkel.", None),
        (TEXT, "The minister met … … … … … Angela Merkel.", None),
        (TEXT, "The minister ................ met Angela Merkel.", None),
        (TEXT, "The minister - - - - - - - - - - - met Angela Merkel.", None),
        (TEXT, "- - - - the the the the", REPETITION),
        ("Das kostet 10000000000 Euro .", "It costs 10,000,000,000 euros.", None),
        (TEXT, "It costs 10000000000000 euros in Berlin.", None),
        # A syllable takes a Burmese, a Thai or an Amharic reader no more room than a Latin one.
        ("The German chancellor met the French president in Berlin yesterday.", BURMESE, None),
        (BURMESE, "The German chancellor met the French president in Berlin yesterday.", None),
        (BURMESE * 4, "The German chancellor met the French president in Berlin yesterday." * 4, None),
        (BURMESE * 4, "The German chancellor.", LENGTH),
        ("ኢትዮጵያ የአፍሪካ አገር ናት።" * 5, "Ethiopia is a country in Africa." * 5, None),
        ("नई दिल्ली भारत की राजधानी है।" * 5, "New Delhi is the capital of India." * 5, None),
        ("독일 총리가 어제 베를린에서 프랑스 대통령을 만났다." * 5, "The German chancellor met the French president in Berlin yesterday." * 5, None),
        ("德国总理昨天在柏林会见了法国总统。" * 5, "The German chancellor met the French president in Berlin yesterday." * 5, None),
        ("ドイツの首相は昨日ベルリンでフランスの大統領と会談した。" * 5, "The German chancellor met the French president in Berlin yesterday." * 5, None),
        ("德国总理昨天在柏林会见了法国总统。" * 5, "Yes, in Berlin.", LENGTH),
        ("好", "好" * 20, REPETITION),
        ("德国总理昨天在柏林会见了法国总统。", "The German chancellor met the French head of state.", None),
    ],
)  # fmt: skip
def test_find_fault(text: str, translation: str, fault: str) -> None:
    assert find_fault(text, translation) == fault


def words(text: str) -> int:
    return len(text.split())


def test_splits_at_sentences_then_clauses_then_spaces() -> None:
    text = "One two three. Four five six, seven eight nine; ten. Eleven twelve."
    assert split_text(text, words, 20) == [text]
    assert split_text(text, words, 8)[0] == "One two three."
    assert split_text(text, words, 3) == [
        "One two three.", "Four five six,", "seven eight nine;", "ten.", "Eleven twelve.",
    ]  # fmt: skip
    assert split_text("a b c d e", words, 2) == ["a b", "c d", "e"]


def test_splits_scripts_without_spaces() -> None:
    text = "他来了。她走了，天黑了。"
    assert split_text(text, len, 6) == ["他来了。", "她走了，", "天黑了。"]
    assert join_pieces(split_text(text, len, 2), "Hans") == text


@given(st.text(alphabet="ab .,;!\n。、", max_size=60), st.integers(1, 12))
def test_nothing_is_lost_and_all_fits(text: str, limit: int) -> None:
    pieces = split_text(text, len, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(piece) <= limit for piece in pieces)


@pytest.mark.parametrize("cycle", [1, 2, 3, 8])
def test_a_cycle_counts_from_the_fourth_time_on(cycle: int) -> None:
    words = [f"word{chr(97 + k)}" for k in range(cycle)]
    assert not repeats_itself(" ".join(words * 3))
    assert repeats_itself(" ".join(["first", *words * 4, "last"]))


def test_a_text_composed_or_not_is_as_long() -> None:
    assert text_size("Þórður") == text_size(unicodedata.normalize("NFD", "Þórður"))
    assert text_size("한국") == text_size(unicodedata.normalize("NFD", "한국")) == 4.0


def test_what_dense_scripts_say() -> None:
    """About as much as the same in English."""
    english = text_size("The German chancellor met the French president in Berlin yesterday.")
    for text in (BURMESE, "德国总理昨天在柏林会见了法国总统。"):
        assert 0.6 < text_size(text) / english < 1.6
