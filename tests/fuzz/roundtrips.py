"""Random corpora through every layout that is read and every form that is written: what comes out is what went in.

python -m tests.fuzz --round-trips 2000 --seed 1
"""

import gzip
from pathlib import Path
from random import Random
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from spacy.tokens import DocBin

from tests.fuzz.forms import VOCAB, doc_trips
from xner_spacy.cli.convert import convert
from xner_spacy.errors import XnerError

WORDS = [
    "Ada", "Oslo", ".", ",", "x", "don't", "3.14", "1-2", "2.1", "#", "#tag", "O", "B-PER", "-", "--", "(", "\"", "'", "/", "\\", "\\n", "|", "=1", "<b>", "&amp;", "%s", "{}",
    "[", "N/A", "null", "NaN", "e\u0301", "\u00e9", "👍", "👩\u200d👧", "中文", "ไทย", "ሰላም", "عربي", "क्षि", "a\u00adb", "O'Neil", "-DOCSTART-", "is:word", "x" * 300, "\U0001d518",
    "a\u00a0b", "a\u3000b", "a\u2028b", "a\u0085b", "٣", "ﬁ", "İ", "_", "*", "~", ":", "id", "\u0905\u0902",
]  # fmt: skip
LABELS = ["PER", "LOC", "ORG", "MISC", "GPE_LOC", "date", "ORG-part"]


class Sentence(NamedTuple):
    """Words and entities (start, end, label)."""

    words: List[str]
    entities: List[Tuple[int, int, str]]


def make_corpus(rng: Random) -> List[Sentence]:
    """RETURNS (List[Sentence]): A random corpus."""
    made = []
    for _ in range(rng.randrange(1, 7)):
        words = [rng.choice(WORDS) for _ in range(rng.choice((1, 2, 5, 12)))]
        entities, at = [], 0
        while at < len(words):
            end = min(len(words), at + rng.choice((1, 1, 2, 3)))
            if rng.random() < 0.4:
                entities.append((at, end, rng.choice(LABELS)))
            at = end if rng.random() < 0.5 else end + 1
        made.append(Sentence(words, entities))
    return made


def tags(sentence: Sentence, scheme: str) -> List[str]:
    """RETURNS (List[str]): Its tags, by a scheme."""
    found = ["O"] * len(sentence.words)
    for start, end, label in sentence.entities:
        for i in range(start, end):
            first, last = i == start, i + 1 == end
            if scheme == "iob2":
                mark = "B" if first else "I"
            elif scheme == "iob1":
                before = next((e for e in sentence.entities if e[1] == start), None)
                mark = "B" if first and before and before[2] == label else "I"
            else:
                letters = {"bioes": "BIES", "bilou": "BILU"}[scheme]
                mark = letters[3] if first and last else letters[0 if first else 2 if last else 1]
            found[i] = f"{mark}-{label}"
    return found


class Layout(NamedTuple):
    """A layout to read: a row of a token, options of `xner convert`, the scheme, a line before each sentence."""

    row: Callable[[int, str, str], str]
    options: Dict[str, str]
    scheme: str = "iob2"
    head: str = ""


LAYOUTS: Dict[str, Layout] = {
    "iob2": Layout(lambda i, w, t: f"{w}\t{t}", {"style": "iob2"}),
    "iob1": Layout(lambda i, w, t: f"{w}\t{t}", {"style": "iob1"}, "iob1"),
    "conll": Layout(lambda i, w, t: f"{w} NNP B-NP {t}", {"style": "conll"}),
    "uner": Layout(lambda i, w, t: f"{i}\t{w}\t{t}\t-\t-", {"style": "uner"}, head="# sent_id = {}"),
    "panx": Layout(lambda i, w, t: f"is:{w}\t{t}", {"style": "panx"}),
    "wikineural": Layout(lambda i, w, t: f"{i}\t{w}\t{t}", {"style": "wikineural"}),
    "conll2002": Layout(lambda i, w, t: f"{w} X {t}", {"style": "conll2002"}),
    "conll2003": Layout(lambda i, w, t: f"{w} X Y {t}", {"style": "conll2003"}, "iob1"),
    "multiconer": Layout(lambda i, w, t: f"{w} _ _ {t}", {"style": "multiconer"}, head="# id {} domain=x"),
    "germeval": Layout(lambda i, w, t: f"{i}\t{w}\t{t}\tO", {"style": "germeval"}, head="#\thttp://x/{}"),
    "norne": Layout(
        lambda i, w, t: f"{i}\t{w}\t_\tX\t_\t_\t0\troot\t_\tname={t}|SpaceAfter=No",
        {"style": "norne"},
        head="# sent_id = {}",
    ),
    "conllup": Layout(
        lambda i, w, t: f"{i}\t{w}\t{t}",
        {"style": "conllup"},
        head="# global.columns = ID FORM X:NE",
    ),
    "bioes": Layout(lambda i, w, t: f"{w}\t{t}", {"scheme": "bioes"}, "bioes"),
    "bilou": Layout(
        lambda i, w, t: f"{t} {w}",
        {"style": "conll", "token_column": "2", "tag_column": "1", "scheme": "bilou"},
        "bilou",
    ),
}
WRITTEN = ["x.iob", "x.iob.gz", "x.spacy", "x"]


def read_back(path: Path) -> List[Sentence]:
    """RETURNS (List[Sentence]): What a file holds, by a reader that is not the package's."""
    if ".iob" in path.name:
        found = []
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf8")
        for block in text.split("\n\n"):
            rows = [line.split("\t") for line in block.split("\n") if line]
            if rows:
                found.append(Sentence([w for w, _ in rows], _entities([t for _, t in rows])))
        return found
    files = sorted(path.glob("*.spacy")) if path.is_dir() else [path]
    docs = [d for f in files for d in DocBin().from_bytes(f.read_bytes()).get_docs(VOCAB)]
    return [Sentence([t.text for t in d], [(e.start, e.end, e.label_) for e in d.ents]) for d in docs]  # fmt: skip


def _entities(marks: List[str]) -> List[Tuple[int, int, str]]:
    found: List[Tuple[int, int, str]] = []
    for i, mark in enumerate(marks):
        if mark.startswith("B-"):
            found.append((i, i + 1, mark[2:]))
        elif mark.startswith("I-"):
            found[-1] = (found[-1][0], i + 1, found[-1][2])
    return found


def _convert(source: Path, target: Path, options: Dict[str, str], wanted: List[Sentence]) -> Tuple[str, str]:
    """RETURNS (Tuple[str, str]): "right", "counted", "refused" or "wrong", and what was said."""
    try:
        counts = convert(source, target, **options)  # type: ignore[arg-type]
    except XnerError as error:
        return "refused", str(error)
    if read_back(target) == wanted:
        return "right", ""
    told = {what: n for what, n in counts.items() if what not in ("sentences", "entities")}
    return ("counted" if told else "wrong"), str(counts)


def round_trip(seed: int, number: int, folder: Path) -> Dict[str, List[str]]:
    """Take one corpus through every layout into every form, and from every form into every other.

    RETURNS (Dict[str, List[str]]): What was done, by how it ended.
    """
    corpus = make_corpus(Random(f"{seed}:{number}"))
    ended: Dict[str, List[str]] = {"right": [], "counted": [], "refused": [], "wrong": []}
    done: Optional[Path] = None
    for name, layout in LAYOUTS.items():
        text = ""
        for n, sentence in enumerate(corpus):
            text += layout.head.format(n) + "\n" if layout.head else ""
            marks = tags(sentence, layout.scheme)
            rows = zip(sentence.words, marks, strict=True)
            text += "".join(layout.row(i, w, t) + "\n" for i, (w, t) in enumerate(rows, 1)) + "\n"
        source = folder / f"{number}-{name}.txt"
        source.write_text(text, encoding="utf8")
        for form in WRITTEN:
            target = folder / f"{number}-{name}-{form}"
            kind, said = _convert(source, target, layout.options, corpus)
            ended[kind].append(f"{seed}:{number} {name} > {form} {said}")
            if kind == "right" and form == "x.spacy":
                done = target
    if done is not None:
        forms = {}
        for form in WRITTEN:
            forms[form] = folder / f"{number}-{form}"
            _convert(done, forms[form], {}, corpus)
        for one in WRITTEN:
            for other in WRITTEN:
                if forms[one].exists():
                    target = folder / f"{number}-{one.replace('.', '-')}-{other}"
                    kind, said = _convert(forms[one], target, {}, corpus)
                    ended[kind].append(f"{seed}:{number} {one} > {other} {said}")
    for kind, cases in doc_trips(seed, number, folder).items():
        ended[kind] += cases
    return ended
