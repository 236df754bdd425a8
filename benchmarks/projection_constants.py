"""What the constants of the default projector are worth on a corpus that they were not chosen on.

    python -m benchmarks projection_constants --data ../shared/data --out results/ [--cache cache/]

writes `projection_constants.json` and `projection_constants.md`. Every combination of a grid is tried on every corpus
with gold entities on both sides, as it stands and with short words merged into names. For each corpus the constants
with the best mean F1 on the other corpora ("left out") stand beside those with the best mean on all ("seen").
"""

import json
from itertools import product
from statistics import mean
from typing import Any, Dict, List, Optional, Sequence, Tuple

from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.constants import FITTED
from xner_spacy.projection.matching.span_score import SpanScore

from .projection_corpora import corpus_parser
from .robustness import PERTURBATIONS, Case, corpora

GRID: Dict[str, Tuple[float, ...]] = {
    "case": (0.2, 0.3, 0.4, 0.5),
    "content_rival": (0.2, 0.5, 1.0),
    "lower_word": (0.0, 0.5),
}
TEXTS = ("as it stands", "short words merged into names")
Choice = Tuple[float, ...]


def measure(cases: Sequence[Case]) -> Dict[str, Dict[Choice, List[float]]]:
    """RETURNS (Dict): For each corpus and each combination of the grid the F1 of each text."""
    figures: Dict[str, Dict[Choice, List[float]]] = {case.name: {} for case in cases}
    for case in cases:
        texts = [PERTURBATIONS[text](case) for text in TEXTS]
        pairs = [text.sentences() for text in texts]
        for choice in product(*GRID.values()):
            row: List[float] = []
            for text, sentences in zip(texts, pairs, strict=True):
                projector = MatchingProjector()
                score: SpanScore = projector._parts["span"]
                score.constants = FITTED._replace(**dict(zip(GRID, choice, strict=True)))
                projector.train(sentences)
                row.append(100 * text.score(projector(sentences), samples=1)["f1"])
            figures[case.name][choice] = row
    return figures


def best(figures: Dict[str, Dict[Choice, List[float]]], names: Sequence[str]) -> Choice:
    """RETURNS (Choice): The combination with the best mean F1 over corpora and texts; of equal ones the first."""
    return max(product(*GRID.values()), key=lambda choice: mean(x for name in names for x in figures[name][choice]))


def table(figures: Dict[str, Dict[Choice, List[float]]]) -> str:
    """RETURNS (str): For each corpus the F1 with constants of the other corpora, and with those of all."""
    lines = ["| corpus | text | " + " | ".join(GRID) + " (of the others) | F1 left out | F1 seen | loss |"]
    lines.append("|" + "---|" * (len(GRID) + 5))
    everywhere = best(figures, list(figures))
    for name, rows in figures.items():
        others = best(figures, [other for other in figures if other != name])
        for text, apart, seen in zip(TEXTS, rows[others], rows[everywhere], strict=True):
            values = " | ".join(f"{value:g}" for value in others)
            lines.append(f"| {name} | {text} | {values} | {apart:.1f} | {seen:.1f} | {seen - apart:+.1f} |")
    values = ", ".join(f"{name} {value:g}" for name, value in zip(GRID, everywhere, strict=True))
    return "\n".join(lines) + f"\n\nBest on all: {values}.\n"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run from the command line."""
    given = corpus_parser("Constants of the span score, leaving one corpus out.", "de,es,pt,sv,is").parse_args(argv)
    figures = measure(corpora(given.data, given.assets, given.cache, given.corpora.split(",")))
    rows: List[Dict[str, Any]] = [
        {"corpus": name, **dict(zip(GRID, choice, strict=True)), **dict(zip(TEXTS, row, strict=True))}
        for name, choices in figures.items()
        for choice, row in choices.items()
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "projection_constants.json").write_text(json.dumps(rows, indent=2), encoding="utf8")
    text = table(figures)
    (given.out / "projection_constants.md").write_text(text, encoding="utf8")
    print(text)


if __name__ == "__main__":
    main()
