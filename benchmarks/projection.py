"""Every figure on label projection: accuracy, exactness, speed, calibration, markers.

    python -m benchmarks projection --data ../shared/data --out results/

writes `projection.json`, `projection.md` and two diagrams. Each row is measured in this run, ours
and the peers' side by side. The aligners see the parallel corpus that is projected and, for German
and Spanish, the bitext; no pretrained model is used.
"""

import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple
from unittest.mock import patch

import numpy as np

from xner_spacy.evaluation.calibration import expected_calibration_error, reliability
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.projection.by_translation.markers import MarkerProjector
from xner_spacy.projection.heuristics import HeuristicProjector, LongestRunProjector, MinMaxProjector
from xner_spacy.projection.matching import solvers
from xner_spacy.projection.matching.candidate_matching import MatchingProjector, rival_score
from xner_spacy.projection.matching.candidates import Ngrams
from xner_spacy.projection.matching.confidence import (
    fit_calibration,
)
from xner_spacy.projection.matching.scores import AlignScore, TranslationScore
from xner_spacy.projection.matching.solvers import Limits, parse_limits, solve_exact, solve_greedy, solve_milp
from xner_spacy.projection.matching.span_score import SpanScore
from xner_spacy.types import Alignment, SentencePair

from .projection_corpora import (
    Corpus,
    corpus_parser,
    eflomal_links,
    europarl,
    icelandic,
    lexical_links,
    transalign,
    uner,
)
from .projection_plots import reliability_svg, threshold_svg
from .projection_speed import crowded, speed

PARTS = ("accuracy", "exactness", "speed", "competition", "calibration", "markers")


# Accuracy.

HEURISTICS: Dict[str, Callable[[], Any]] = {
    "heuristic (d=1, ratio .8)": HeuristicProjector,
    "heuristic (no ratio)": lambda: HeuristicProjector(min_ratio=None),
    "heuristic (no ratio, k=1)": lambda: HeuristicProjector(min_ratio=None, top_k=1),
    "García-Ferrero 2022, as released": lambda: LongestRunProjector(defects=True),
    "García-Ferrero 2022, mended": LongestRunProjector,
    "min-max": MinMaxProjector,
}
MATCHERS: Dict[str, Callable[[], Any]] = {
    "greedy, align (the seed's)": lambda: MatchingProjector(solver="greedy"),
    "exact, align": lambda: MatchingProjector(scores={"align": AlignScore()}),
    "exact, span score alone": lambda: MatchingProjector(scores={"span": SpanScore()}, min_score=0.5, relabel=False),
}


def accuracy(corpus: Corpus, links: Dict[str, List[Alignment]], samples: int = 1000) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict]): One row per aligner and projector: precision, recall, F1 with interval."""
    rows = []
    for aligner, alignments in links.items():
        pairs = corpus.pairs(alignments)
        systems = {name: make() for name, make in {**HEURISTICS, **MATCHERS}.items()}
        ours = MatchingProjector()
        ours.train(pairs)
        systems["exact, span + lexicon (default)"] = ours
        for name, projector in systems.items():
            result = corpus.score(projector(pairs), samples)
            rows.append(
                {
                    "corpus": corpus.name,
                    "links": aligner,
                    "projector": name,
                    **{k: result[k] for k in ("precision", "recall", "f1", "f1_interval", "errors")},
                }
            )
    return rows


# Exactness.


class SpellingScorer:
    """A toy translation scorer for the exactness runs: the closer the spelling, the likelier."""

    def score_batch(self, sources: Sequence[str], targets: Sequence[str]) -> List[float]:
        from xner_spacy.spelling import similarity

        return [
            3.0 * (similarity(s.split()[0], t.split()[0]) - 1.0) - 0.2 * abs(len(s.split()) - len(t.split()))
            for s, t in zip(sources, targets, strict=True)
        ]


CONSTRAINTS = (("<=", 1), ("=", 1), (">=", 1), ("<=", 2), (">=", 0))


def exactness(corpora: Dict[str, List[SentencePair]], random_instances: int = 10_000) -> List[Dict[str, Any]]:
    """Compare the exact solver with HiGHS, and the greedy one with the exact.

    RETURNS (List[Dict]): Per score and constraint: instances, how many optima differ by more than
        1e-6, how often greedy is below, and whether it ever is above.
    """
    rows = []
    for name, pairs in corpora.items():
        scores = {
            "align": {"align": AlignScore()},
            "span": {"span": SpanScore()},
            "nmt (toy)": {"nmt": TranslationScore(SpellingScorer(), SpellingScorer())},
            "align + span + nmt": {
                "align": AlignScore(),
                "span": SpanScore(),
                "nmt": TranslationScore(SpellingScorer()),
            },
        }
        for label, parts in scores.items():
            matcher = MatchingProjector(scores=parts, candidates=None if label == "span" else Ngrams(max_words=10))
            instances = [options for _, options in matcher.match(pairs)]
            instances = [o for o in instances if any(o)]
            for constraint, count in CONSTRAINTS:
                rows.append(
                    {
                        "corpus": name,
                        "score": label,
                        "constraint": f"{constraint} {count}",
                        **_compare(instances, parse_limits(constraint, count)),
                    }
                )
    rng = np.random.default_rng(0)
    drawn = [_draw(rng) for _ in range(random_instances)]
    share = max(1, random_instances // len(CONSTRAINTS))
    for k, (constraint, count) in enumerate(CONSTRAINTS):
        part = drawn[k * share : (k + 1) * share]
        rows.append(
            {
                "corpus": "random",
                "score": "random",
                "constraint": f"{constraint} {count}",
                **_compare(part, parse_limits(constraint, count)),
            }
        )
    return rows


def _draw(rng: np.random.Generator) -> List[List[Tuple[float, int, int]]]:
    tokens = int(rng.integers(5, 61))
    options = []
    for _ in range(int(rng.integers(1, 13))):
        mine = {}
        for _ in range(int(rng.integers(0, 16))):
            start = int(rng.integers(0, tokens))
            end = int(min(tokens, start + rng.integers(1, 8)))
            # Half of the scores from a few values, so that ties are common.
            mine[start, end] = float(rng.random() if rng.random() < 0.5 else rng.integers(1, 5) / 4)
        options.append([(w, a, b) for (a, b), w in sorted(mine.items())])
    return options


def _total(picks: Iterable[Tuple[int, float]], low: int) -> Tuple[int, float]:
    """Spans that lower limits ask for first, then the score."""
    counts: Dict[int, int] = {}
    met, total = 0, 0.0
    for s, score in picks:
        met += counts.get(s, 0) < low
        counts[s] = counts.get(s, 0) + 1
        total += score
    return met, total


def _compare(instances: List[list], limits: Limits) -> Dict[str, Any]:
    differ = below = above = 0
    for options in instances:
        exact = _total(((c.entity, c.score) for c in solve_exact(options, limits)), limits.low)
        peer = _total(((c.entity, c.score) for c in solve_milp(options, *limits)), limits.low)
        greedy = _total(((c.entity, c.score) for c in solve_greedy(options, limits)), limits.low)
        differ += exact[0] != peer[0] or abs(exact[1] - peer[1]) > 1e-6
        below += greedy[0] < exact[0] or greedy[1] < exact[1] - 1e-9
        above += greedy[0] > exact[0] or (greedy[0] == exact[0] and greedy[1] > exact[1] + 1e-9)
    return {
        "instances": len(instances),
        "differs_from_highs": differ,
        "greedy_below": below,
        "greedy_above": above,
    }


# Competition. The speed is in projection_speed.py.


def competition(pairs: List[SentencePair]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict]): Per projector how many groups of entities compete for words, and the milliseconds that HiGHS
    would take for each.
    """
    rows = []
    for name, matcher in (
        ("default", MatchingProjector()),
        ("align", MatchingProjector(scores={"align": AlignScore()})),
    ):
        matcher.train(pairs)
        with patch.object(solvers, "solve_component", wraps=solvers.solve_component) as spy:
            list(matcher(pairs))
        groups = [call.args for call in spy.call_args_list if len(call.args[0]) > 1]
        costs = []
        for options, limits in groups:
            start = time.process_time()
            solve_milp(options, *limits, whole=False)
            costs.append(1000 * (time.process_time() - start))
        rows.append(
            {
                "projector": name,
                "sentences": sum(bool(pair.entities) for pair in pairs),
                "groups": len(groups),
                "most_entities": max((len(options) for options, _ in groups), default=0),
                "highs_mean": round(float(np.mean(costs)), 1) if costs else 0.0,
                "highs_most": round(max(costs, default=0.0), 1),
            }
        )
    return rows


# Calibration.


def features(corpus: Corpus, alignments: List[Alignment], matcher: Any) -> Tuple[List[Tuple[float, float]], List[bool]]:
    """RETURNS (Tuple): Score and margin of every projected span, and whether it is right."""
    pairs = corpus.pairs(alignments)
    matcher.train(pairs)
    points, right = [], []
    for pair, gold, (chosen, options), projection in zip(
        pairs, corpus.gold, matcher.match(pairs), matcher(pairs), strict=True
    ):
        truth = {tuple(e[:3]) for e in gold}
        label = {s.source: s.label for s in projection.spans}
        for c in chosen:
            points.append((c.score, c.score - rival_score(c, options[c.entity])))
            name = label.get(c.entity, pair.entities[c.entity][2])
            right.append((c.start, c.end, name) in truth)
    return points, right


def _matcher(kind: str) -> Any:
    return MatchingProjector() if kind == "span" else MatchingProjector(scores={"align": AlignScore()})


def calibration(
    fitted_on: Corpus, fitted_links: List[Alignment], tests: Dict[str, Tuple[Corpus, list]]
) -> Dict[str, Any]:
    """Fit the maps on one corpus, measure them on others.

    RETURNS (Dict): Per score the fitted coefficients, and per test corpus the expected calibration
        error before (score cut at 1 for align, its logistic for the span score) and after, with the
        bins.
    """
    out: Dict[str, Any] = {}
    for kind in ("align", "span"):
        fit = fit_calibration(*features(fitted_on, fitted_links, _matcher(kind)))
        entry: Dict[str, Any] = {"coefficients": list(fit), "tests": {}}
        for name, (corpus, links) in tests.items():
            matcher = _matcher(kind)
            points, right = features(corpus, links, matcher)
            before = [min(1.0, s) if kind == "align" else 1.0 / (1.0 + float(np.exp(-s))) for s, _ in points]
            after = [matcher.confidence_map(*p) for p in points]
            bins = [reliability(c, right) for c in (before, after)]
            entry["tests"][name] = {
                "ece_before": expected_calibration_error(before, right),
                "ece_after": expected_calibration_error(after, right),
                "bins_before": bins[0],
                "bins_after": bins[1],
            }
        out[kind] = entry
    return out


def thresholds(corpus: Corpus, alignments: List[Alignment]) -> List[Dict[str, float]]:
    """RETURNS (List[Dict]): Precision, recall and F1 by the least confidence asked for."""
    pairs = corpus.pairs(alignments)
    matcher = MatchingProjector()
    matcher.train(pairs)
    rows = []
    for least in (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98):
        matcher.min_confidence = least
        result = corpus.score(matcher(pairs), samples=1)
        rows.append({"threshold": least, **{k: result[k] for k in ("precision", "recall", "f1")}})
    return rows


# Markers.


def markers(corpus: Corpus, mode: str, sentences: int) -> Optional[List[Dict[str, Any]]]:
    """RETURNS (Optional[List[Dict]]): Marker projection through Apertium, None where it is not
    installed.
    """
    import shutil

    from xner_spacy.translation.apertium import Apertium

    if shutil.which("apertium") is None:
        return None
    pairs = corpus.pairs([Alignment()] * len(corpus.source))[:sentences]
    part = Corpus(corpus.name, *(x[:sentences] for x in (corpus.source, corpus.target,
                  corpus.entities, corpus.gold)))  # fmt: skip
    result = part.score(MarkerProjector(Apertium(mode))(pairs))
    return [
        {
            "corpus": f"{corpus.name}, first {sentences}",
            "projector": f"markers, Apertium {mode}, no links",
            **{k: result[k] for k in ("precision", "recall", "f1", "f1_interval")},
        }
    ]


# The run.


def run(
    data: Path,
    assets: Path,
    cache: Optional[Path] = None,
    random_instances: int = 10_000,
    parts: Sequence[str] = PARTS,
    corpora: Sequence[str] = ("de", "es", "it", "pt", "sv", "bam"),
) -> Dict[str, Any]:
    """RETURNS (Dict): All figures, as plain data."""
    result: Dict[str, Any] = {}
    known: Dict[str, Tuple[Corpus, Dict[str, List[Alignment]]]] = {}
    for name in corpora:
        if name == "bam":
            continue
        corpus = uner(data, name) if name in ("pt", "sv") else europarl(data, name)
        if corpus is not None:
            links = {"lexical": lexical_links(corpus, cache)}
            for how, alignments in (eflomal_links(corpus, cache) or {}).items():
                links[f"eflomal {how}"] = alignments
            known[name] = (corpus, links)
    bam = transalign(data) if "bam" in corpora else None
    if "accuracy" in parts:
        rows = [row for corpus, links in known.values() for row in accuracy(corpus, links)]
        if bam is not None:
            rows += accuracy(bam[0], {"transalign (neural)": bam[1]})
            theirs = evaluate(bam[0].gold, bam[2])
            keys = ("precision", "recall", "f1", "f1_interval", "errors")
            rows.append(
                {
                    "corpus": bam[0].name,
                    "links": "transalign (neural)",
                    "projector": "that system's own",
                    **{k: theirs[k] for k in keys},
                }
            )
        result["accuracy"] = rows
    european = {n: known[n] for n in ("de", "es") if n in known}
    first = {n: c.pairs(links["lexical"]) for n, (c, links) in european.items()}
    if "exactness" in parts and first:
        result["exactness"] = exactness(first, random_instances)
    if "speed" in parts and first:
        result["speed"] = {n: speed(pairs) for n, pairs in first.items()}
        result["crowded"] = crowded()
    if "competition" in parts:
        sets = {c.name: c.pairs(links["lexical"]) for c, links in known.values()}
        if bam is not None:
            sets[bam[0].name] = bam[0].pairs(bam[1])
        result["competition"] = {name: competition(pairs) for name, pairs in sets.items()}
    if "calibration" in parts and european:
        home = icelandic(assets)
        tests = {c.name: (c, links["lexical"]) for c, links in european.values()}
        result["calibration"] = calibration(home, lexical_links(home, cache), tests)
        result["thresholds"] = {n: thresholds(c, a) for n, (c, a) in tests.items()}
    if "markers" in parts and "es" in known:
        result["markers"] = markers(known["es"][0], "eng-spa", 300)
    return result


def table(result: Dict[str, Any]) -> str:
    """RETURNS (str): The figures as Markdown."""
    lines: List[str] = []

    def add(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        lines.extend(["", f"### {title}", "", "| " + " | ".join(header) + " |"])
        lines.append("|" + "---|" * len(header))
        lines.extend("| " + " | ".join(str(x) for x in row) + " |" for row in rows)

    def percent(x: float) -> str:
        return f"{100 * x:.1f}"

    if "accuracy" in result:
        add(
            "Accuracy",
            ("corpus", "links", "projector", "P", "R", "F1", "95%"),
            (
                (r["corpus"], r["links"], r["projector"], percent(r["precision"]),
                 percent(r["recall"]), f"**{percent(r['f1'])}**",
                 "-".join(percent(x) for x in r["f1_interval"]))
                for r in result["accuracy"]
            ),
        )  # fmt: skip
    if "exactness" in result:
        add(
            "Exactness",
            ("instances from", "score", "constraint", "instances", "differ from HiGHS",
             "greedy below", "greedy above"),
            (
                (r["corpus"], r["score"], r["constraint"], r["instances"],
                 r["differs_from_highs"], r["greedy_below"], r["greedy_above"])
                for r in result["exactness"]
            ),
        )  # fmt: skip
    if "speed" in result:
        add(
            "Speed, one core (processor time)",
            ("corpus", "projector", "sentences per second"),
            (
                (name, r["projector"], f"{r['sentences_per_second']:,}")
                for name, rows in result["speed"].items()
                for r in rows
            ),
        )
        add(
            "60 entities in 1,000 tokens, exact, align (processor time)",
            ("links per target word", "words per entity", "ms"),
            (tuple(r.values()) for r in result["crowded"]),
        )
    if "competition" in result:
        add(
            "Entities that compete for words, and what HiGHS takes for such a group (milliseconds of processor time)",
            ("corpus", "projector", "sentences with entities", "groups", "most entities", "HiGHS, mean", "most"),
            ((name, *row.values()) for name, rows in result["competition"].items() for row in rows),
        )
    if "calibration" in result:
        add(
            "Calibration (fitted on the embedded Icelandic corpus)",
            ("score", "corpus", "ECE before", "ECE after"),
            (
                (kind, name, f"{t['ece_before']:.3f}", f"{t['ece_after']:.3f}")
                for kind, entry in result["calibration"].items()
                for name, t in entry["tests"].items()
            ),
        )
        add(
            "Threshold on the confidence",
            ("corpus", "least confidence", "P", "R", "F1"),
            (
                (name, r["threshold"], percent(r["precision"]), percent(r["recall"]),
                 percent(r["f1"]))
                for name, rows in result["thresholds"].items()
                for r in rows
            ),
        )  # fmt: skip
    if result.get("markers"):
        add(
            "Markers",
            ("corpus", "projector", "P", "R", "F1"),
            (
                (r["corpus"], r["projector"], percent(r["precision"]), percent(r["recall"]),
                 percent(r["f1"]))
                for r in result["markers"]
            ),
        )  # fmt: skip
    return "\n".join(lines).strip() + "\n"


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Run from the command line: writes JSON, Markdown and diagrams."""
    parser = corpus_parser("Figures on label projection.", "de,es,it,pt,sv,bam")
    parser.add_argument("--random", type=int, default=10_000, help="Random instances.")
    parser.add_argument("--parts", default=",".join(PARTS))
    given = parser.parse_args(argv)
    result = run(
        given.data,
        given.assets,
        given.cache,
        given.random,
        given.parts.split(","),
        given.corpora.split(","),
    )
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "projection.json").write_text(json.dumps(result, indent=2), encoding="utf8")
    text = table(result)
    (given.out / "projection.md").write_text(text, encoding="utf8")
    if "calibration" in result:
        tests = result["calibration"]["span"]["tests"]
        (given.out / "reliability.svg").write_text(reliability_svg(tests), encoding="utf8")
        (given.out / "thresholds.svg").write_text(threshold_svg(result["thresholds"]), encoding="utf8")
    print(text)
    return result


if __name__ == "__main__":
    main()
