"""The benchmark of costs by size runs, on a few sentences."""

import json
from pathlib import Path

import pytest

from xner_spacy.types import Alignment, Entity, SentencePair

growth = pytest.importorskip("benchmarks.growth", reason="reads benchmarks/ of the repository")

BASE = [
    SentencePair(
        ["Anna", "lives", "in", "Reykjavik", "."],
        ["Anna", "býr", "í", "Reykjavík", "."],
        [Entity(0, 1, "PER"), Entity(3, 4, "LOC")],
        Alignment([(k, k) for k in range(5)]),
    ),
    SentencePair(["It", "rained", "."], ["Það", "rigndi", "."], [], Alignment([(0, 0), (1, 1), (2, 2)])),
]


def test_sentences_differ_and_their_names_agree() -> None:
    pairs = list(growth.sentences(50, BASE))
    named = [pair for pair in pairs if pair.entities]
    assert len({pair.source[0] for pair in named}) > len(named) - 3
    assert all(pair.source[3] == pair.target[3] != "Reykjavík" for pair in named)
    assert BASE[0].source[0] == "Anna"


@pytest.mark.parametrize("part", growth.WORK)
def test_each_part_is_measured(part: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    growth.write_files(tmp_path, 30, BASE)
    growth.main(["--measure", part, str(tmp_path)])
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 <= row["cpu_seconds"] <= row["process_cpu_seconds"] and row["peak_mib"] > 1
    result = {"rows": [{"part": part, "sentences": 30, **row}], "exponents": {part: 1.0}, "start": {"python": 0.01}}
    assert f"| {part} | 30 |" in growth.table(result)
