"""What went wrong in a translation, and splitting what is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.translation.faults import EMPTY, LENGTH, REPETITION, find_fault
from xner_spacy.translation.splitting import join_pieces, split_text

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
