"""Real sentence pairs and tiny local models for the neural aligners."""

import re
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from tiny.models import build

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "is-en"
WORD = re.compile(r"\w+|[^\w\s]")

Pairs = List[Tuple[List[str], List[str]]]


def read_pairs() -> Pairs:
    """RETURNS (Pairs): The embedded corpus, English first, words and marks apart."""
    from scripts.markup import read_markup

    return [
        (WORD.findall(pair.sides[1].text), WORD.findall(pair.sides[0].text))
        for file in sorted(ASSETS.glob("*.txt"))
        for pair in read_markup(file, ("is", "en"))
    ]


@pytest.fixture(scope="session")
def corpus() -> Pairs:
    return read_pairs()


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Folders of tiny models by kind. The vocabulary of the encoders is that of real text."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    # Tiny models gain nothing from threads, which only wait for each other on a busy machine.
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("encoders")
    texts = [" ".join(words) for pair in read_pairs() for words in pair]
    known = {"texts": texts, "pieces": 1500}
    return {
        kind: str(build(kind, root / kind, **({} if kind in ("nllb", "m2m") else known)))
        for kind in ("bert", "xlmr_generic", "roberta", "nllb", "m2m")
    }
