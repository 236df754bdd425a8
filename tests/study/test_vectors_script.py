"""The script that learns the vectors of the ratio study's project."""

from pathlib import Path
from runpy import run_path

import pytest

from tests.conftest import PAIRS
from xner_spacy.corpora.watching import checksum
from xner_spacy.recipe import transfer

SCRIPT = Path(__file__).parents[2] / "projects" / "ratio-study" / "scripts" / "vectors.py"


def test_the_vectors_are_of_all_languages_and_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("floret", reason="needs the extra [vectors]")
    learn = transfer.vectors
    monkeypatch.setattr(transfer, "vectors", lambda *paths, seed: learn(*paths, seed=seed, bucket=50, dim=4, epochs=1))
    for lang in ("is", "fo"):
        for split in ("train", "dev", "test"):
            for code, side in (("en", 0), (lang, 1)):
                file = tmp_path / "mafand" / f"en-{lang}" / f"{split}.{code}"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("".join(f"{pair[side]}\n" for pair in PAIRS), encoding="utf8")
    learn_all = run_path(str(SCRIPT))["main"]
    sums = []
    for name in ("a", "b"):
        learn_all(tmp_path / "mafand", tmp_path / name, "is,fo", 0)
        sums.append(checksum(tmp_path / name / "vocab"))
    assert sums[0] == sums[1]  # the key of what is trained on them
    sides = [(tmp_path / "a" / f"{side}.tok").read_text(encoding="utf8").splitlines() for side in ("en", "others")]
    assert list(map(len, sides)) == [2 * 3 * len(PAIRS)] * 2
    learn_all(tmp_path / "mafand", tmp_path / "b", "is,fo", 1)
    assert checksum(tmp_path / "b" / "vocab") != sums[0]
