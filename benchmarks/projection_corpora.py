"""The parallel corpora of the figures on label projection, and the links of their words."""

import argparse
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from scripts.markup import read_markup
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.types import Alignment, Entity, Projection, SentencePair

LABELS = ("PER", "LOC", "ORG")
Texts = List[Tuple[List[str], List[str]]]


class Corpus:
    """A parallel corpus with entities on both sides, and what an aligner may learn from."""

    def __init__(
        self,
        name: str,
        source: List[List[str]],
        target: List[List[str]],
        entities: List[List[Entity]],
        gold: List[List[Entity]],
        bitext: Optional[Texts] = None,
    ) -> None:
        self.name = name
        self.source = source
        self.target = target
        self.entities = entities
        self.gold = gold
        self.bitext = bitext or []

    @property
    def texts(self) -> Texts:
        return list(zip(self.source, self.target, strict=True))

    def pairs(self, alignments: Iterable[Alignment]) -> List[SentencePair]:
        return [SentencePair(*row) for row in zip(self.source, self.target, self.entities, alignments, strict=True)]

    def score(self, projections: Iterable[Projection], samples: int = 1000) -> Dict[str, Any]:
        predicted = [[Entity(*s[:3]) for s in p.spans] for p in projections]
        return evaluate(self.gold, predicted, samples=samples)


def _plain(sentences: Iterable[Any], labels: Optional[Sequence[str]] = None) -> Tuple[list, list]:
    words, entities = [], []
    for sentence in sentences:
        words.append(list(sentence.words))
        entities.append([Entity(*e[:3]) for e in sentence.entities if labels is None or e[2] in labels])
    return words, entities


def _tokenize(path: Path, language: str) -> List[List[str]]:
    import spacy

    lines = path.read_text(encoding="utf8").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    nlp = spacy.blank(language)
    return [[t.text for t in doc if not t.is_space] for doc in nlp.tokenizer.pipe(lines)]


def europarl(data: Path, language: str) -> Optional[Corpus]:
    """RETURNS (Optional[Corpus]): europarl-ner with its bitext, None if the data is absent."""
    folder = data / "europarl-ner"
    if not (folder / f"{language}-europarl.test.conll02").exists():
        return None
    source, entities = _plain(read_columns(folder / "en-europarl.test.conll02", repair=True))
    target, gold = _plain(read_columns(folder / f"{language}-europarl.test.conll02", repair=True))
    bitext: Texts = []
    sides = [data / "bitext" / f"en-{language}" / f"bitext.{x}" for x in ("en", language)]
    if all(side.exists() for side in sides):
        tokens = [_tokenize(s, x) for s, x in zip(sides, ("en", language), strict=True)]
        bitext = list(zip(*tokens, strict=True))
    return Corpus(f"europarl {language}", source, target, entities, gold, bitext)


def uner(data: Path, language: str) -> Optional[Corpus]:
    """RETURNS (Optional[Corpus]): The PUD sentences of UNER, English to another language."""
    folder = data / "uner"
    if not (folder / f"{language}_pud").exists():
        return None
    sides = [
        _plain(read_columns(folder / f"{x}_pud" / f"{x}_pud-ud-test.iob2", "uner", repair=True), LABELS)
        for x in ("en", language)
    ]
    return Corpus(f"uner {language}_pud", sides[0][0], sides[1][0], sides[0][1], sides[1][1])


def transalign(data: Path) -> Optional[Tuple[Corpus, List[Alignment], List[List[Entity]]]]:
    """RETURNS (Optional[Tuple]): Bambara as another system ran it, its links, and its projection."""
    folder = data / "transalign-bam" / "sample_data"
    if not folder.exists():
        return None
    target, gold = _plain(read_columns(folder / "test-bam.txt", "conll", repair=True), LABELS)
    source, entities = _plain(read_columns(folder / "test-translate-bam-en-preds.txt", "conll", repair=True), LABELS)
    _, theirs = _plain(read_columns(folder / "test-translate-bam-projected.txt", "conll", repair=True), LABELS)
    alignments = []
    for line in (folder / "bam-en-alignments.txt").read_text(encoding="utf8").splitlines():
        links = [tuple(map(int, x.split("-"))) for x in line.split("\t")[-1].split() if "-" in x]
        alignments.append(Alignment([(i, j) for j, i in links]))
    return Corpus("transalign-bam", source, target, entities, gold), alignments, theirs


def icelandic(assets: Path, splits: Sequence[str] = ("train", "dev")) -> Corpus:
    """RETURNS (Corpus): The embedded corpus, English to Icelandic: where calibration is fitted."""
    import spacy

    sides: Tuple[list, list] = ([], [])
    entities: Tuple[list, list] = ([], [])
    nlp = (spacy.blank("is"), spacy.blank("en"))
    for path in sorted((assets / "is-en").glob("*.txt")):
        for pair in read_markup(path, ("is", "en")):
            if pair.split not in splits:
                continue
            for k, side in enumerate(pair.sides):
                doc = nlp[k].make_doc(side.text)
                spans = [doc.char_span(a, b, label=c) for a, b, c in side.spans]
                sides[k].append([t.text for t in doc])
                entities[k].append([Entity(s.start, s.end, s.label_) for s in spans if s])
    return Corpus("embedded is", sides[1], sides[0], entities[1], entities[0])


# Aligners.


def lexical_links(corpus: Corpus, cache: Optional[Path] = None) -> List[Alignment]:
    """RETURNS (List[Alignment]): Links of the embedded aligner with its default settings."""
    from xner_spacy.alignment.statistical.lexical import LexicalAligner

    aligner = LexicalAligner()
    stored = cache / f"lexical-{corpus.name.replace(' ', '-')}.bin" if cache else None
    if stored is not None and stored.exists():
        aligner.from_bytes(stored.read_bytes())
    else:
        aligner.train([*corpus.texts, *corpus.bitext])
        if stored is not None:
            stored.parent.mkdir(parents=True, exist_ok=True)
            stored.write_bytes(aligner.to_bytes())
    return list(aligner(corpus.texts))


def eflomal_links(corpus: Corpus, cache: Optional[Path] = None) -> Optional[Dict[str, List[Alignment]]]:
    """RETURNS (Optional[Dict[str, List[Alignment]]]): eflomal's links by symmetrisation, None where
        it is not
    installed. It is the peer: its defaults, the same pairs, lower-cased words.
    """
    try:
        import eflomal
    except ImportError:
        return None
    from xner_spacy.alignment.symmetrize import symmetrize

    folder = (cache or Path(tempfile.mkdtemp())) / f"eflomal-{corpus.name.replace(' ', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    forward, reverse = folder / "forward", folder / "reverse"
    if not reverse.exists():
        pairs = [*corpus.texts, *corpus.bitext]
        sides = [[" ".join(w.replace(" ", "_").lower() for w in pair[k]) for pair in pairs] for k in (0, 1)]
        eflomal.Aligner().align(*sides, links_filename_fwd=str(forward), links_filename_rev=str(reverse), quiet=True)
    directions = []
    for path in (forward, reverse):
        lines = path.read_text().split("\n")[: len(corpus.source)]
        directions.append([Alignment([tuple(map(int, x.split("-"))) for x in line.split()]) for line in lines])
    return {
        how: [symmetrize(f, r, how) for f, r in zip(*directions, strict=True)]
        for how in ("intersection", "grow-diag", "union")
    }


def corpus_parser(description: str, names: str) -> argparse.ArgumentParser:
    """RETURNS (argparse.ArgumentParser): The options of every benchmark of projection. names: The corpora, with commas."""
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--assets", type=Path, default=root / "assets")
    parser.add_argument("--out", type=Path, default=root / "results")
    parser.add_argument("--cache", type=Path, help="Keep trained aligners here for the next run.")
    parser.add_argument("--corpora", default=names)
    return parser
