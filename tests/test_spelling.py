"""Words in Latin letters, and how alike two of them are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.spelling import fold, may_be_similar, outline, similarity

WORDS = st.text(st.sampled_from("abcdnéßЖ-A"), max_size=9)


@pytest.mark.parametrize(
    "source, target, least, most",
    [
        ("Belgrade", "Београд", 0.4, 0.9),
        ("Novak", "Новак", 1.0, 1.0),
        ("Málaga", "MALAGA", 1.0, 1.0),
        ("EU", "EU-Recht", 0.95, 0.95),
        ("PPE-DE", "PPE", 0.9, 0.9),
        ("London", "Londres", 0.5, 0.8),
        ("Paris", "Tisch", 0.0, 0.3),
        ("as", "as.", 0.0, 0.0),
    ],
)
def test_similarity(source, target, least, most):
    assert least <= similarity(source, target) <= most


def test_fold():
    assert fold("Þórður") == "thordur"
    assert fold("Ёлка") == fold("Елка")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Žižek", "zizek"), ("Москва", "moskva"), ("Λονδινο", "londino"), ("STRASSE", "strasse")],
)
def test_fold_reads_other_scripts(word: str, expected: str) -> None:
    assert fold(word) == expected


@given(WORDS, WORDS)
def test_words_told_apart_by_their_outlines_are_not_similar(left: str, right: str) -> None:
    sides = []
    for word in (left, right):
        bits, length, has_hyphen = outline(word)
        sides.append((np.array([bits], np.uint64), np.array([length]), np.array([has_hyphen])))
    for least in (0.4, 0.6, 0.9):
        if similarity(left, right) >= least:
            assert may_be_similar(*sides, least)[0], least


def test_most_words_are_told_apart_by_their_outlines() -> None:
    words = [
        "Parliament",
        "adopted",
        "the",
        "resolution",
        "on",
        "Thursday;",
        "Bericht",
        "Entschließung",
        "Donnerstag",
        "angenommen",
    ]
    bits, lengths, hyphens = (np.array(column) for column in zip(*map(outline, words)))
    left, right = np.triu_indices(len(words), 1)
    bits = bits.astype(np.uint64)
    sides = [(bits[side], lengths[side], hyphens[side]) for side in (left, right)]
    assert may_be_similar(*sides, 0.6).mean() < 0.1
