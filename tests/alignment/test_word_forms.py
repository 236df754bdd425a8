"""Spelling: what counts as alike."""

import numpy as np
import pytest

from xner_spacy.alignment.statistical import word_forms as spelling
from xner_spacy.alignment.statistical.vocabulary import SortedPairs, pair_keys
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


@pytest.mark.parametrize("part", [1, 3, 1000])
def test_links_of_forms_of_two_words_are_added_up(monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(spelling, "PART_PAIRS", part)
    source, target = ["", "house", "houses", "tree", "hous"], ["", "häuser", "baum", "häuse"]
    random = np.random.default_rng(0)
    keys = np.flatnonzero(random.random(20) < 0.7)
    e, f = np.divmod(keys, 4)
    links = random.random(len(keys))
    indices = spelling.StemIndex(source), spelling.StemIndex(target)
    table = spelling.StemTable(*indices, SortedPairs.from_keys(pair_keys(e, f), 5), is_looked_up=True)
    table.add_up(links)
    stems = [[word[:4].replace("ä", "a") for word in words] for words in (source, target)]
    expected = [
        sum(n for n, i, j in zip(links, e, f) if (stems[0][i], stems[1][j]) == (stems[0][a], stems[1][b]))
        for a, b in zip(e, f)
    ]
    assert table.links[table.index] == pytest.approx(expected, rel=1e-6)
    assert table.lookup(indices[0].of[e], indices[1].of[f]) == pytest.approx(expected, rel=1e-6)
    assert len(table.links) == len({(stems[0][i], stems[1][j]) for i, j in zip(e, f)})
