"""Checks of a text: each warns where it should, and only there."""

import unicodedata

import pytest
import spacy

from xner_spacy.languages import all_codes, find_code
from xner_spacy.recipe.text_checks import (
    check_composition,
    check_english,
    check_language,
    check_script,
    compare_domains,
    domain_warning,
    expected_scripts,
    line_of,
)

NLP = spacy.blank("xx")
ENGLISH = ["The man of the house was in the garden.", "It is with the dog that he was seen on Monday."]
LUGANDA = ["Omusajja yali mu nnimiro ye eggulo.", "Yalabibwa n'embwa ye ku Mmande enkya."]


def some(texts):
    return [line_of(NLP.make_doc(text)) for text in texts]


@pytest.mark.parametrize("code", sorted({code.script for code in all_codes()}))
def test_every_script_of_the_table_is_known(code):
    entry = next(entry for entry in all_codes() if entry.script == code)
    assert expected_scripts(entry)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("jpn", "東京タワーに行きました。"),
        ("kor", "서울에 갔다."),
        ("hin", "वह घर गया।"),
        ("srp", "Отишао је кући."),
        ("srp", "Otišao je kući."),
    ],
)
def test_usual_scripts_are_expected(lang, text):
    assert check_script(some([text]), lang) is None


def test_another_script():
    warning = check_script(some(["12 !", "Отишао је кући."]), "lug")
    assert warning == (
        "100% of the letters are not of a script in which Luganda is known to be written (Latn), mostly Cyrillic: "
        "'Отишао је кући.'"
    )
    assert check_script(some(["12 !"]), "lug") is None
    assert check_script(some(["Отишао"]), "xx") is None


def test_another_language():
    assert check_language(some(LUGANDA), "lug") is None
    assert "look like English, not Luganda: 'The man" in str(check_language(some(LUGANDA * 4 + ENGLISH), "lug"))
    assert check_language(some(LUGANDA * 20 + ENGLISH), "lug") is None
    french = ["Il est dans la maison avec les enfants de la ville."]
    assert "French" in str(check_language(some(french), "lin"))
    # A relative that shares the words can't be told apart.
    assert check_language(some(french), "hat") is None


def test_the_english_side():
    assert check_english(some(ENGLISH)) is None
    assert "exchanged" in str(check_english(some(LUGANDA)))
    assert check_english([]) is None


def test_composition():
    composed, apart = some(["Ó lọ sí ọjà."]), some([unicodedata.normalize("NFD", "Ó lọ sí ọjà.")])
    assert composed[0].words == apart[0].words
    assert check_composition(composed * 5 + apart) is None and check_composition([]) is None
    assert "50% of the sentences are not in Unicode's composed form" in str(check_composition(composed + apart))


def test_domains():
    here = some(f"aba{k % 5} ali mu kibuga {k % 10} leero" for k in range(400))
    there = some(f"omupiira{k} gwa{k} zannya{k} mu kibuga leero" for k in range(400))
    same = compare_domains(here[:200], here[200:])
    assert same is not None and not same["far"] and same["new_words"] == same["new_words_within"] == 0
    other = compare_domains(there, here)
    assert other is not None and other["far"] and other["new_words"] == 0.5
    assert other["example"] in domain_warning(other, "text/", "the bitext")
    assert "50 of 100 of its words are new to that text, against 0 of 100" in domain_warning(other, "text/", "x")
    assert compare_domains(there, here) == other
    assert compare_domains(there[:5], here) is None and compare_domains(here, there[:5]) is None


def test_no_labelled_text_without_a_rest():
    assert compare_domains(some(["ali " * 600]), some(["ali " * 600])) is None


def test_pidgin_is_not_english():
    text = ["Di man wey dey for di house don waka comot.", "Na so dem see am with im dog for Monday."]
    assert find_code("pcm") is not None and check_language(some(text), "pcm") is None
