"""Words in Latin letters, and how alike two of them are."""

import pytest

from xner_spacy.spelling import fold, similarity


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
