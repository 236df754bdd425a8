"""Alignment error rate."""

from pathlib import Path

import pytest

from xner_spacy.errors import InputError, XnerError
from xner_spacy.evaluation.alignments import GoldLinks, evaluate_links, read_gold_links
from xner_spacy.types import Alignment


def test_by_hand() -> None:
    gold = [GoldLinks({(0, 0), (1, 1)}, {(0, 0), (1, 1), (1, 2)}), GoldLinks({(0, 1)}, {(0, 1)})]
    scores = evaluate_links(gold, [Alignment([(0, 0), (1, 2), (2, 2)]), Alignment()])
    assert scores["precision"] == pytest.approx(2 / 3, abs=1e-5)
    assert scores["recall"] == pytest.approx(1 / 3, abs=1e-5)
    assert scores["aer"] == pytest.approx(1 - (1 + 2) / (3 + 3), abs=1e-5)
    low, high = scores["aer_interval"]
    assert low <= scores["aer"] <= high


def test_perfect_and_empty() -> None:
    gold = [GoldLinks({(0, 0)}, {(0, 0)})]
    assert evaluate_links(gold, [Alignment([(0, 0)])])["aer"] == 0.0
    assert evaluate_links(gold, [Alignment()])["aer"] == 1.0
    assert evaluate_links([], [])["pairs"] == 0
    with pytest.raises(XnerError, match="1 sentence pairs and prediction has 0"):
        evaluate_links(gold, [])


def test_reader(tmp_path: Path) -> None:
    path = tmp_path / "gold"
    path.write_text("1-1 2p3\n\n", encoding="utf-8")
    [first, second] = read_gold_links(path, one_indexed=True)
    assert first == GoldLinks({(0, 0)}, {(0, 0), (1, 2)}) and second == GoldLinks(set(), set())
    assert read_gold_links(path, reverse=True)[0].possible == {(1, 1), (3, 2)}
    path.write_text("1-1\n0-1\n", encoding="utf-8")
    with pytest.raises(InputError, match="counting from 1") as caught:
        read_gold_links(path, one_indexed=True)
    assert caught.value.line == 2


@pytest.mark.parametrize("odd", ["9" * 5000 + "-1", "1-" + "9" * 5000, "0\u00a0-1", "1-1\u20281-2", "-1-1", "1p"])
def test_no_gold_link(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "gold"
    path.write_text(f"0-0\n{odd}\n", encoding="utf8")
    with pytest.raises(InputError, match=r"gold:2: .*is not a word link") as error:
        read_gold_links(path)
    assert len(error.value.message) < 200


def test_bounds_of_the_resampling() -> None:
    gold = [GoldLinks({(0, 0)}, {(0, 0)})]
    for options in ({"seed": -1}, {"samples": 10**9}, {"samples": -1}):
        with pytest.raises(XnerError):
            evaluate_links(gold, [Alignment([(0, 0)])], **options)
