"""Translations that are at hand: what counts as the same text, and what is said of a bitext that is not clean."""

import unicodedata
from pathlib import Path
from typing import List, Tuple

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.corpora.docs import count_doc
from xner_spacy.docdata import FAULT_KEY
from xner_spacy.errors import XnerError
from xner_spacy.translation.given_bitext import CONFLICTS, Bitext, exact_key, letters_key
from xner_spacy.types import Translation


def make(folder: Path, pairs: List[Tuple[str, str]], match: str = "exact") -> Bitext:
    """A bitext of (source, target) lines."""
    for name, side in (("source.txt", 0), ("target.txt", 1)):
        text = "".join(pair[side] + "\n" for pair in pairs)
        (folder / name).write_text(text, encoding="utf8", newline="\n")
    return Bitext(folder / "source.txt", folder / "target.txt", match, "skip")  # type: ignore[arg-type]


def test_exact_is_the_same_text_but_for_the_kind_of_space(tmp_path: Path) -> None:
    bitext = make(tmp_path, [("Anna lives.", "Anna  býr.")])
    texts = ["Anna býr.", " Anna\u00a0býr. ", unicodedata.normalize("NFD", "Anna býr.")]
    assert [t.text for t in bitext(texts)] == ["Anna lives."] * 3
    texts = ["Anna býr .", "anna býr.", "Annabýr."]
    assert list(bitext(texts)) == [Translation(None, fault="missing")] * 3


def test_a_script_without_spaces_is_the_same_text_however_it_was_split(tmp_path: Path) -> None:
    bitext = make(tmp_path, [("He came .", "他 来 了 。"), ("The army .", "กองทัพ บก")])
    assert [t.text for t in bitext(["他来了。", "กองทัพบก"])] == ["He came .", "The army ."]


def test_texts_without_letters_are_not_all_one(tmp_path: Path) -> None:
    pairs = [("Stop!", "!!!"), ("Good.", "👍"), ("And so on.", "..."), ("Yes.", "Já.")]
    bitext = make(tmp_path, pairs, "letters")
    found = [t.text for t in bitext(["!!!", "! ! !", "👍", "...", "—", "JÁ"])]
    assert found == ["Stop!", "Stop!", "Good.", "And so on.", None, "Yes."]


@given(st.text(alphabet="!?.… 👍🎉-", max_size=6), st.text(alphabet="!?.… 👍🎉-", max_size=6))
def test_without_letters_the_signs_are_the_key(a: str, b: str) -> None:
    same = "".join(a.split()) == "".join(b.split())
    assert (letters_key(a) == letters_key(b)) == same


@given(st.text(max_size=12))
def test_a_key_is_its_own_key(text: str) -> None:
    assert exact_key(exact_key(text)) == exact_key(text)


def test_what_is_odd_in_a_bitext_is_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pairs = [
        ("Yes.", "Já."), ("Yeah.", "Já."), ("Right.", "Já."), ("Yes.", "Já."),
        ("", "Nei."), ("No.", ""), ("", ""), ("No.", "Nei."),
    ]  # fmt: skip
    bitext = make(tmp_path, pairs)
    assert [t.text for t in bitext(["Já.", "Nei."])] == ["Yes.", "No."]
    assert bitext.counts[CONFLICTS] == 1
    assert sum(bitext.counts.values()) == 4
    assert "1 texts have several translations" in caplog.text
    assert "2 lines left out: empty on one side" in caplog.text


def test_a_sentence_without_translation_has_a_reason_and_is_counted(tmp_path: Path) -> None:
    make(tmp_path, [("Yes.", "Já.")])
    nlp = spacy.blank("is")
    part = {
        "@xner_translators": "xner.Bitext.v1", "missing": "skip",
        "source": str(tmp_path / "source.txt"), "target": str(tmp_path / "target.txt"),
    }  # fmt: skip
    nlp.add_pipe("xner_translator", config={"translator": part})
    doc = nlp("Kannski.")
    assert doc._.xner_source is None and doc.user_data[FAULT_KEY] == "missing"
    assert count_doc(doc)["faulty translation: missing"] == 1
    assert FAULT_KEY not in nlp("Já.").user_data


def test_a_text_that_must_have_one_is_named(tmp_path: Path) -> None:
    make(tmp_path, [("Yes.", "Já.")])
    bitext = Bitext(tmp_path / "source.txt", tmp_path / "target.txt")
    with pytest.raises(XnerError) as caught:
        list(bitext(["Já.", "Nei " * 5000]))
    assert "'Nei Nei" in caught.value.message and len(caught.value.message) < 300


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x01", b"\x81\xa1a\x01", b"\x91\xa1a"])
def test_a_state_that_is_none(data: bytes) -> None:
    with pytest.raises(XnerError, match=r"xner\.Bitext\.v1.*translations of a saved pipeline|shape|hold"):
        Bitext(None, None).from_bytes(data)


def test_its_files_belong_to_what_is_labelled_with_it(tmp_path: Path) -> None:
    bitext = make(tmp_path, [("Yes.", "Já.")])
    assert bitext.files == [str(tmp_path / "source.txt"), str(tmp_path / "target.txt")]
    # Once saved the translations come with the pipeline.
    assert Bitext(Path("s"), Path("t")).from_bytes(bitext.to_bytes()).files == []


def test_a_state_is_read_back(tmp_path: Path) -> None:
    bitext = make(tmp_path, [("Yes.", "Já.")])
    again = Bitext(None, None).from_bytes(bitext.to_bytes())
    assert [t.text for t in again(["Já."])] == ["Yes."]


def test_two_emoji_that_differ_in_more_than_their_form():
    """Both end with the same selector, which is a mark."""
    assert letters_key("\u2764\ufe0f") != letters_key("\u2600\ufe0f")
