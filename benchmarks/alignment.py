"""Word alignment: the embedded aligner and eflomal side by side, in one run.

    python -m benchmarks alignment --out results/alignment

Error rates against hand-made links, entity F1 after projection, seconds and memory at 45,000 pairs,
the cost curve, the compiled part beside NumPy, and the neural aligners beside simalign. Needs the
data sets in ../shared/data, `pip install eflomal`, and for the neural aligners the extras [simalign] and [ctranslate2].
"""

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from xner_spacy.alignment.external.eflomal import Eflomal
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.alignment.symmetrize import METHODS, symmetrize
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.evaluation.alignments import GoldLinks, evaluate_links, read_gold_links
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.registry import get_part
from xner_spacy.types import Alignment, Entity, SentencePair

from . import alignment_compiled, alignment_neural
from . import alignment_cost as cost

Pairs = List[Tuple[List[str], List[str]]]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PROJECTORS = ("xner.Heuristic.v1", "xner.GarciaFerrero.v1", "xner.Matching.v1", "xner.MinMax.v1")
AFRICAN = ("lug", "luo", "tsn")


# --- Corpora


def _lines(path: Path) -> List[List[str]]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        return [line.split() for line in file]


def _words(path: Path) -> List[List[str]]:
    """Raw lines, with punctuation cut off."""
    import spacy

    tokenizer = spacy.blank("xx").tokenizer
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        return [[t.text for t in tokenizer(line.strip()) if not t.is_space] for line in file]


def _bitext(first: List[List[str]], second: List[List[str]]) -> Pairs:
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} lines")
    return list(zip(first, second))


def gold_set(name: str) -> Tuple[Pairs, List[GoldLinks], Pairs]:
    """Read pairs with hand-made links.

    name (str): "de-en", "en-fr" or "ro-en".
    RETURNS (tuple): The pairs, their gold links, and more bitext.
    """
    folder = DATA / "word-alignment" / name
    if name == "de-en":
        folder = folder / "German-English_WordAlignment"
        return (
            _bitext(_lines(folder / "test.de"), _lines(folder / "test.en")),
            read_gold_links(folder / "de-en.wa"),
            _bitext(_lines(DATA / "bitext/en-de/bitext.de"), _lines(DATA / "bitext/en-de/bitext.en")),
        )
    stem = name.replace("-", "")
    with (folder / f"{stem}.src-tgt").open(encoding="utf-8") as file:
        halves = [line.split("|||") for line in file]
    pairs = [(left.split(), right.split()) for left, right in halves]
    more: Pairs = []
    if name == "en-fr":
        more = _bitext(
            _words(DATA / "ntrex/newstest2019-src.eng.txt"),
            _words(DATA / "ntrex/newstest2019-ref.fra.txt"),
        )
    return pairs, read_gold_links(folder / f"{stem}.gold", one_indexed=True), more


GOLD_SETS = {"de-en": "de-en + bitext", "en-fr": "en-fr + NTREX", "ro-en": "ro-en alone"}


def europarl(lang: str) -> Tuple[Pairs, List[List[Entity]], List[List[Entity]], Pairs]:
    """RETURNS (tuple): Pairs, source entities, gold target entities, and more bitext."""
    english, other = (list(read_columns(DATA / f"europarl-ner/{code}-europarl.test.conll02")) for code in ("en", lang))
    pairs = _bitext([s.words for s in english], [s.words for s in other])
    more = _bitext(
        _lines(DATA / f"bitext/en-{lang}/bitext.en"),
        _lines(DATA / f"bitext/en-{lang}/bitext.{lang}"),
    )
    return pairs, [s.entities for s in english], [s.entities for s in other], more


# --- Alignment error rate


def _both(pairs: Pairs, more: Pairs) -> Tuple[List[Alignment], Dict[str, List[Alignment]], Dict[str, float]]:
    """Ours, eflomal's by symmetrisation, and the seconds of both."""
    seconds = {}
    start = time.perf_counter()
    aligner = LexicalAligner()
    aligner.train(itertools.chain(pairs, more))
    ours = list(aligner(pairs))
    seconds["ours"] = round(time.perf_counter() - start, 2)
    start = time.perf_counter()
    peer = Eflomal()
    peer.train(more)
    forward, reverse = peer.directed(pairs)
    seconds["eflomal"] = round(time.perf_counter() - start, 2)
    links = {name: [symmetrize(a, b, name) for a, b in zip(forward, reverse)] for name in METHODS}
    return ours, links, seconds


def error_rates() -> List[Dict[str, Any]]:
    """AER of ours and of eflomal with whichever symmetrisation suits it best.

    RETURNS (List[Dict[str, Any]]): One per gold set.
    """
    rows = []
    for name, title in GOLD_SETS.items():
        pairs, gold, more = gold_set(name)
        ours, links, seconds = _both(pairs, more)
        peers = {method: evaluate_links(gold, found) for method, found in links.items()}
        best = min(peers, key=lambda method: peers[method]["aer"])
        rows.append(
            {
                "set": title,
                "pairs": len(pairs) + len(more),
                "ours": evaluate_links(gold, ours),
                "eflomal": peers[best],
                "eflomal_symmetrisation": best,
                "seconds": seconds,
            }
        )
    return rows


# --- Projected entities


def project(
    pairs: Pairs, entities: Sequence[Sequence[Entity]], links: Sequence[Alignment], projector: str, bitext: Pairs
) -> List[List[Entity]]:
    """RETURNS (List[List[Entity]]): Target entities by a projector with default settings, which has learned from the
    pairs and the bitext if it learns.
    """
    items = [
        SentencePair(source, target, labelled, alignment)
        for (source, target), labelled, alignment in zip(pairs, entities, links)
    ]
    part = get_part("xner_projectors", projector)
    if hasattr(part, "train"):
        part.train(items, bitext)
    found = part(items)
    return [[Entity(s.start, s.end, s.label) for s in result.spans] for result in found]


def _f1_rows(
    name: str,
    pairs: Pairs,
    entities: Sequence[Sequence[Entity]],
    gold: Sequence[Sequence[Entity]],
    more: Pairs,
    scored: Optional[List[int]] = None,
) -> List[Dict[str, Any]]:
    ours, links, _ = _both(pairs, more)
    keep = range(len(pairs)) if scored is None else scored
    rows = []
    for projector in PROJECTORS:
        scores = {
            method: evaluate(
                [gold[k] for k in keep],
                [found[k] for k in keep],
                samples=500,
            )
            for method, found in (
                (method, project(pairs, entities, alignments, projector, more))
                for method, alignments in {"ours": ours, **links}.items()
            )
        }
        best = max(links, key=lambda method: scores[method]["f1"])
        rows.append(
            {
                "set": name,
                "projector": projector,
                "ours": {k: scores["ours"][k] for k in ("f1", "f1_interval")},
                "eflomal": {k: scores[best][k] for k in ("f1", "f1_interval")},
                "eflomal_symmetrisation": best,
            }
        )
    return rows


def projected_f1() -> List[Dict[str, Any]]:
    """Entity F1 on europarl-ner, alone (799 pairs) and with the bitext, by projector.

    RETURNS (List[Dict[str, Any]]): One per language, bitext and projector; eflomal with whichever
        symmetrisation suits it best.
    """
    rows = []
    for lang in ("de", "es"):
        pairs, entities, gold, more = europarl(lang)
        rows += _f1_rows(f"europarl-ner {lang} alone", pairs, entities, gold, [])
        rows += _f1_rows(f"europarl-ner {lang} + bitext", pairs, entities, gold, more)
    return rows


def african_f1(source_model: str) -> List[Dict[str, Any]]:
    """Entity F1 on the MasakhaNER 2.0 test sentences that have a human translation in MAFAND.

    source_model (str): An English spaCy pipeline with PER, LOC and ORG.
    RETURNS (List[Dict[str, Any]]): One per language and projector.
    """
    import spacy

    nlp = spacy.load(source_model)
    rows = []
    for lang in AFRICAN:
        english: Dict[str, List[str]] = {}
        more: Pairs = []
        for part in ("train", "dev", "test"):
            folder = DATA / f"mafand/en-{lang}"
            sides = _words(folder / f"{part}.en"), _words(folder / f"{part}.{lang}")
            for source, target in _bitext(*sides):
                english[_letters(target)] = source
                more.append((source, target))
        gold_sentences = [
            sentence
            for sentence in read_columns(DATA / f"masakhaner2/{lang}/test.txt")
            if _letters(sentence.words) in english
        ]
        pairs = [(english[_letters(s.words)], s.words) for s in gold_sentences]
        docs = nlp.pipe(spacy.tokens.Doc(nlp.vocab, words=source) for source, _ in pairs)
        entities = [
            [Entity(e.start, e.end, e.label_) for e in doc.ents if e.label_ in ("PER", "LOC", "ORG")] for doc in docs
        ]
        gold = [[e for e in s.entities if e.label != "DATE"] for s in gold_sentences]
        rows += _f1_rows(f"MasakhaNER 2.0 {lang}", pairs, entities, gold, more)
    return rows


def _letters(words: Sequence[str]) -> str:
    return "".join(c for word in words for c in word.casefold() if c.isalnum())


# --- Report


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _interval(score: Dict[str, Any], key: str) -> str:
    low, high = score[f"{key}_interval"]
    return f"{_percent(score[key])} ({_percent(low)}-{_percent(high)})"


def to_markdown(results: Dict[str, Any]) -> str:
    """RETURNS (str): The results as Markdown tables."""
    lines: List[str] = []
    if results.get("error_rates"):
        lines += [
            "| gold links | pairs | AER ours | AER eflomal | its symmetrisation |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {r['set']} | {r['pairs']:,} | {_interval(r['ours'], 'aer')} "
            f"| {_interval(r['eflomal'], 'aer')} | {r['eflomal_symmetrisation']} |"
            for r in results["error_rates"]
        ]
        lines.append("")
    for part in ("projected_f1", "african_f1"):
        if results.get(part):
            lines += [
                "| set | projector | F1 ours | F1 eflomal | its symmetrisation |",
                "|---|---|---|---|---|",
            ]
            lines += [
                f"| {r['set']} | {r['projector']} | {_interval(r['ours'], 'f1')} "
                f"| {_interval(r['eflomal'], 'f1')} | {r['eflomal_symmetrisation']} |"
                for r in results[part]
            ]
            lines.append("")
    lines += cost.to_markdown(results)
    if results.get("compiled"):
        lines += [alignment_compiled.to_markdown(results["compiled"]), ""]
    if results.get("neural"):
        lines.append(alignment_neural.to_markdown(results["neural"]))
    return "\n".join(lines)


# The measurements first, while this process is small: a child is charged with its parent's memory.
PARTS = ("speed", "curve", "compiled", "error_rates", "projected_f1", "african_f1", "neural")


def run(parts: Sequence[str] = PARTS, source_model: str = "") -> Dict[str, Any]:
    """Run parts of the benchmark.

    parts (Sequence[str]): Names of `PARTS`; `african_f1` is left out without a source model.
    source_model (str): An English spaCy pipeline.
    RETURNS (Dict[str, Any]): Results by part.
    """
    known: Dict[str, Callable[[], Any]] = {
        "speed": lambda: cost.speed(DATA),
        "curve": lambda: cost.curve(DATA),
        "compiled": lambda: alignment_compiled.run(DATA),
        "error_rates": error_rates,
        "projected_f1": projected_f1,
        "african_f1": lambda: african_f1(source_model) if source_model else [],
        "neural": alignment_neural.run,
    }
    return {part: known[part]() for part in parts}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Command line. RETURNS (int): 0."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated")
    parser.add_argument("--source-model", default="", help="an English spaCy NER pipeline, for african_f1")
    parser.add_argument("--out", type=Path, default=None, help="folder for the JSON and the table")
    options = parser.parse_args(argv)
    parts = options.parts.split(",")
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    results: Dict[str, Any] = {}
    for part in parts:
        if part == "african_f1" and not options.source_model:
            print("african_f1 is left out: it needs --source-model", file=sys.stderr)
        results.update(run([part], options.source_model))
        if options.out is not None:  # after each part, so that a long run loses nothing
            options.out.mkdir(parents=True, exist_ok=True)
            text = json.dumps(results, indent=2, ensure_ascii=False)
            (options.out / "alignment.json").write_text(text + "\n", encoding="utf-8")
            (options.out / "alignment.md").write_text(to_markdown(results), encoding="utf-8")
            if part == "curve":
                picture = cost.curve_svg(results[part])
                (options.out / "alignment-cost.svg").write_text(picture, encoding="utf-8")
    print(to_markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
