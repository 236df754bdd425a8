"""Spelling: what counts as alike."""

import numpy as np
import pytest

from xner_spacy.alignment.statistical import word_forms as spelling
from xner_spacy.alignment.statistical.word_forms import IDENTICAL, OTHER_KIND, UNLIKE, Spelling


def bucket(source: str, target: str) -> int:
    return int(Spelling([source], [target]).buckets(np.array([0]), np.array([0]))[0])


def test_buckets() -> None:
    assert bucket("berlin", "berlin") == IDENTICAL
    assert bucket("1990", "zwei") == OTHER_KIND and bucket(",", "und") == OTHER_KIND
    assert bucket("house", "trauer") == UNLIKE
    assert UNLIKE < bucket("president", "präsident") < IDENTICAL
    assert UNLIKE < bucket("moskva", "москвы") < IDENTICAL
    assert bucket("parliament", "parlament") > bucket("parliament", "parlementaire")


def test_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["berlin", "münchen", "", "x"]
    expected = spelling._popcount(spelling.signatures(words))
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert np.array_equal(spelling._popcount(spelling.signatures(words)), expected)
