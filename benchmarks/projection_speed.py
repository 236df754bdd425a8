"""The speed of projectors, and of one long sentence in which many entities compete. Run from `benchmarks.projection`."""

import time
from typing import Any, Dict, Iterable, Iterator, List

import numpy as np

from xner_spacy import native
from xner_spacy.projection.heuristics import HeuristicProjector
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.candidates import Ngrams
from xner_spacy.projection.matching.scores import AlignScore
from xner_spacy.projection.matching.solvers import solve_milp
from xner_spacy.types import Alignment, Entity, SentencePair


def speed(pairs: List[SentencePair], rounds: int = 5) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict]): Sentences per second of processor time, best of interleaved rounds."""
    ours = MatchingProjector()
    ours.train(pairs)
    systems = {
        "heuristic": HeuristicProjector(),
        "exact, align": MatchingProjector(scores={"align": AlignScore()}),
        "greedy, align": MatchingProjector(solver="greedy"),
        "HiGHS, align": _Highs(),
        "exact, span + lexicon (default)": ours,
        "the same without the compiled part": _NotCompiled(ours),
    }
    best = dict.fromkeys(systems, float("inf"))
    for number in range(rounds):
        for name, projector in systems.items():
            if name.startswith("HiGHS") and number:
                continue
            start = time.process_time()
            for _ in projector(pairs):
                pass
            best[name] = min(best[name], time.process_time() - start)
    return [{"projector": name, "sentences_per_second": round(len(pairs) / t)} for name, t in best.items()]


class _NotCompiled:
    """A projector that computes all in Python."""

    def __init__(self, projector: Any) -> None:
        self.projector = projector

    def __call__(self, pairs: Iterable[SentencePair]) -> Iterator[Any]:
        library, native.LIBRARY = native.LIBRARY, None
        try:
            yield from self.projector(pairs)
        finally:
            native.LIBRARY = library


class _Highs:
    """The same problem through HiGHS, for the speed table."""

    def __init__(self) -> None:
        self.score = AlignScore()
        self.ngrams = Ngrams()

    def __call__(self, pairs: Iterable[SentencePair]) -> Iterable[Any]:
        for pair in pairs:
            if pair.entities:
                yield solve_milp(self.score.options(pair, self.ngrams), 0, 1)


def crowded(entities: int = 60, tokens: int = 1000, rounds: int = 3) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict]): Milliseconds for one long sentence with random links, by links per
    target word.
    """
    rows = []
    matcher = MatchingProjector(scores={"align": AlignScore()})
    for density in (1, 2, 3, 5):
        for width in (1, 3):
            rng = np.random.default_rng(density)
            words = entities * width
            links = {(int(i), j) for j in range(tokens) for i in rng.integers(0, words, density)}
            pair = SentencePair(
                ["s"] * words,
                ["t"] * tokens,
                [Entity(k * width, (k + 1) * width, "X") for k in range(entities)],
                Alignment(sorted(links)),
            )
            best = float("inf")
            for _ in range(rounds):
                start = time.process_time()
                list(matcher([pair]))
                best = min(best, time.process_time() - start)
            rows.append(
                {
                    "links_per_word": density,
                    "words_per_entity": width,
                    "milliseconds": round(1000 * best, 1),
                }
            )
    return rows
