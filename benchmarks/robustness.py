"""How far the projectors fall when the target text is not written with care, or half aligned.

    python -m benchmarks robustness --data ../shared/data --out results/ [--cache cache/]

writes `robustness.json` and `robustness.md`. The links are those of the text as it stands, so that only what the
projectors make of a text differs. Each projector that can learn learns from the perturbed corpus.
"""

import json
import random
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.spelling import is_punctuation
from xner_spacy.types import Alignment, Entity, SentencePair

from .projection import HEURISTICS, MATCHERS
from .projection_corpora import Corpus, corpus_parser, europarl, icelandic, lexical_links, transalign, uner

# Every projector that needs links alone. Those with a name that begins with "default" are not compared with themselves.
PROJECTORS: Dict[str, Callable[[], Any]] = {
    "default": MatchingProjector,
    "default, untrained": MatchingProjector,
    **MATCHERS,
    **HEURISTICS,
}


class Case(Corpus):
    """A corpus with its links, perturbed."""

    def __init__(self, corpus: Corpus, links: Sequence[Alignment]) -> None:
        super().__init__(corpus.name, corpus.source, corpus.target, corpus.entities, corpus.gold, corpus.bitext)
        self.links = list(links)

    def sentences(self) -> List[SentencePair]:
        return self.pairs(self.links)

    def copy(self) -> "Case":
        return Case(self, self.links)


def _rewritten(change: Callable[[str], str]) -> Callable[[Case], Case]:
    def perturb(case: Case) -> Case:
        out = case.copy()
        out.target = [[change(word) for word in words] for words in case.target]
        return out

    return perturb


def _first_word_only(case: Case) -> Case:
    out = case.copy()
    out.target = [[w.lower() if k else w.capitalize() for k, w in enumerate(t)] for t in case.target]
    return out


def _names_lowered(case: Case) -> Case:
    """Names keep the capital of their first word alone, as in French: "Union européenne"."""
    out = case.copy()
    out.target = [list(words) for words in case.target]
    for words, gold in zip(out.target, case.gold, strict=True):
        for entity in gold:
            words[entity.start + 1 : entity.end] = [w.lower() for w in words[entity.start + 1 : entity.end]]
    return out


def _thinned(case: Case) -> Case:
    out = case.copy()
    draw = random.Random(0)
    out.links = []
    for links in case.links:
        kept = [k for k in range(len(links)) if draw.random() >= 0.3]
        out.links.append(Alignment(links.links[kept], links.scores[kept]))
    return out


def _without_punctuation(case: Case) -> Case:
    out = case.copy()
    out.source, out.target, out.entities, out.gold, out.links = [], [], [], [], []
    for s, t, entities, gold, links in zip(case.source, case.target, case.entities, case.gold, case.links, strict=True):
        source, target = _kept(s), _kept(t)
        out.source.append([s[i] for i in source])
        out.target.append([t[j] for j in target])
        out.entities.append(_moved(entities, source))
        out.gold.append(_moved(gold, target))
        out.links.append(_moved_links(links, source, target))
    return out


def _kept(words: Sequence[str]) -> Dict[int, int]:
    """RETURNS (Dict[int, int]): Words that are no punctuation marks, with their new places."""
    return {i: k for k, i in enumerate(i for i, w in enumerate(words) if not is_punctuation(w))}


def _moved(entities: Sequence[Entity], places: Dict[int, int]) -> List[Entity]:
    out = []
    for entity in entities:
        inside = [places[i] for i in range(entity.start, entity.end) if i in places]
        if inside:
            out.append(Entity(inside[0], inside[-1] + 1, entity.label))
    return out


def _moved_links(links: Alignment, source: Dict[int, int], target: Dict[int, int]) -> Alignment:
    rows = [
        (source[i], target[j], score)
        for (i, j), score in zip(links.links.tolist(), links.scores.tolist(), strict=True)
        if i in source and j in target
    ]
    return Alignment([r[:2] for r in rows], [r[2] for r in rows])


def _merged(case: Case) -> Case:
    """A short word before a name becomes its ending, as in Turkish: "en Madrid" is one word, "Madrid'en"."""
    out = case.copy()
    out.target, out.gold, out.links = [], [], []
    for words, gold, links in zip(case.target, case.gold, case.links, strict=True):
        starts = {e.start for e in gold}
        target: List[str] = []
        places: Dict[int, int] = {}
        for j, word in enumerate(words):
            if j in starts and j and _is_short(words[j - 1]) and j - 1 not in _inside(gold):
                target[-1] = f"{word}'{words[j - 1]}"
            else:
                target.append(word)
            places[j] = len(target) - 1
        out.target.append(target)
        out.gold.append(_moved(gold, places))
        out.links.append(_moved_links(links, {i: i for i in range(10_000)}, places))
    return out


def _is_short(word: str) -> bool:
    return len(word) <= 4 and word.islower() and word.isalpha()


def _inside(gold: Sequence[Entity]) -> set:
    return {j for e in gold for j in range(e.start, e.end)}


PERTURBATIONS: Dict[str, Callable[[Case], Case]] = {
    "as it stands": lambda case: case,
    "lower case": _rewritten(str.lower),
    "only first words capitalised": _first_word_only,
    "title case": _rewritten(str.capitalize),
    "upper case": _rewritten(str.upper),
    "names after their first word in lower case": _names_lowered,
    "no punctuation": _without_punctuation,
    "links thinned by 30%": _thinned,
    "short words merged into names": _merged,
}


def corpora(data: Path, assets: Path, cache: Optional[Path], names: Sequence[str]) -> List[Case]:
    """RETURNS (List[Case]): The corpora that are there, with links."""
    found: List[Case] = []
    for name in names:
        if name == "bam":
            bambara = transalign(data)
            if bambara is not None:
                found.append(Case(bambara[0], bambara[1]))
            continue
        if name == "is":
            corpus: Optional[Corpus] = icelandic(assets)
        else:
            corpus = uner(data, name) if name in ("pt", "sv") else europarl(data, name)
        if corpus is not None:
            found.append(Case(corpus, lexical_links(corpus, cache)))
    return found


def run(cases: Sequence[Case]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict]): F1 by corpus, perturbation and projector."""
    rows: List[Dict[str, Any]] = []
    for case in cases:
        for how, perturb in PERTURBATIONS.items():
            perturbed = perturb(case)
            pairs = perturbed.sentences()
            row: Dict[str, Any] = {"corpus": case.name, "text": how}
            for name, make in PROJECTORS.items():
                projector = make()
                if name == "default":
                    projector.train(pairs)
                row[name] = 100 * perturbed.score(projector(pairs), samples=1)["f1"]
            rows.append(row)
    return rows


def table(rows: Sequence[Dict[str, Any]]) -> str:
    """RETURNS (str): The figures as Markdown; the last column is the default minus the best of the others."""
    others = [name for name in PROJECTORS if not name.startswith("default")]
    lines = ["| corpus | text | " + " | ".join(PROJECTORS) + " | default - best other |"]
    lines.append("|" + "---|" * (len(PROJECTORS) + 3))
    for row in rows:
        margin = row["default"] - max(row[name] for name in others)
        figures = [f"{row[name]:.1f}" for name in PROJECTORS]
        lines.append(f"| {row['corpus']} | {row['text']} | {' | '.join(figures)} | {margin:+.1f} |")
    return "\n".join(lines) + "\n"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run from the command line."""
    given = corpus_parser("Projectors on text that is not written with care.", "de,es,pt,sv,is,bam").parse_args(argv)
    rows = run(corpora(given.data, given.assets, given.cache, given.corpora.split(",")))
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "robustness.json").write_text(json.dumps(rows, indent=2), encoding="utf8")
    text = table(rows)
    (given.out / "robustness.md").write_text(text, encoding="utf8")
    print(text)


if __name__ == "__main__":
    main()
