"""Words of other scripts and with marks in Latin letters: our own reader beside anyascii and uroman.

    python -m benchmarks.romanising ours anyascii uroman

prints a row each: the aligner's error rates, entity F1 of projection (by matching, by the heuristic), and the seconds
of processor time until the first word is read. Needs the data sets in ../shared/data and, for the others,
`pip install anyascii uroman`.
For de-en 2,000 pairs of the bitext are learned from.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence
from unittest.mock import patch

from xner_spacy import spelling
from xner_spacy.alignment.statistical import word_forms
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.evaluation.alignments import evaluate_links
from xner_spacy.projection.matching import phrase_lexicon, span_score
from xner_spacy.registry import get_part

from .alignment import DATA, gold_set
from .projection_corpora import Corpus, icelandic, lexical_links, uner

MODULES = (spelling, word_forms, span_score, phrase_lexicon)
ASSETS = Path(__file__).resolve().parents[1] / "assets"


def reader(name: str) -> Callable[[str], str]:
    """RETURNS (Callable[[str], str]): Gives a word in Latin letters, without case and marks."""
    if name == "ours":
        return spelling.fold
    if name == "anyascii":
        from anyascii import anyascii as read
    else:
        from uroman import Uroman

        read = Uroman().romanize_string
    return lru_cache(maxsize=100_000)(lambda word: str(read(word.casefold())).lower())


def error_rate(name: str) -> float:
    """RETURNS (float): Alignment error rate of the embedded aligner on a set of `alignment.GOLD_SETS`, in percent."""
    pairs, gold, more = gold_set(name)
    aligner = LexicalAligner()
    aligner.train([*pairs, *more[:2000]])
    return 100 * float(evaluate_links(gold, list(aligner(pairs)))["aer"])


def entity_scores(corpus: Corpus) -> List[float]:
    """RETURNS (List[float]): F1 of matching and of the heuristic, in percent."""
    pairs = corpus.pairs(lexical_links(corpus))
    matching = get_part("xner_projectors", "xner.Matching.v1")
    matching.train(pairs)
    parts = (matching, get_part("xner_projectors", "xner.Heuristic.v1"))
    return [100 * float(corpus.score(part(pairs), 10)["f1"]) for part in parts]


def run(name: str) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): A reader's row of the table."""
    start = time.process_time()
    read = reader(name)
    read("Москва")
    row = {"reader": name, "start": f"{time.process_time() - start:.2f} s"}
    with ExitStack() as stack:
        for module in MODULES:
            stack.enter_context(patch.object(module, "fold", read))
        spelling.similarity.cache_clear()
        row.update({gold: f"{error_rate(gold):.2f}" for gold in ("de-en", "en-fr", "ro-en")})
        for corpus in (uner(DATA, "sv"), uner(DATA, "pt"), icelandic(ASSETS)):
            if corpus is not None:
                row[corpus.name] = " / ".join(f"{score:.2f}" for score in entity_scores(corpus))
    return row


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", default=["ours"], help="ours, anyascii, uroman")
    for k, name in enumerate(parser.parse_args(argv).readers or ["ours"]):
        row = run(name)
        if not k:
            print(f"| {' | '.join(row)} |\n|{'---|' * len(row)}")
        print(f"| {' | '.join(row.values())} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
