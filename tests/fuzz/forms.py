"""Random Docs through every pair of forms that are written: what went in comes out, or is counted.

Docs are written in one form, converted to a second, and read as Docs again. The tokens and entities of both ends are
compared with what the two forms can hold. Half of the corpora are tame, half hold whatever a Doc may hold: white space
and characters that nobody can see in tokens, missing values, several sentences, no tokens at all, odd labels.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from spacy.tokens import Doc, Span

from xner_spacy.cli.convert import convert
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.errors import XnerError
from xner_spacy.languages import blank_vocab
from xner_spacy.text import is_blank_token

VOCAB = blank_vocab("xx")

# Forms that convert writes, with the options that read them back. All but two drop nothing of a tame corpus.
WRITTEN: Dict[str, Tuple[str, Dict]] = {
    "docbin": ("x.spacy", {}),
    "folder": ("shards", {}),
    "iob": ("x.iob", {}),
    "iob.gz": ("x.iob.gz", {}),
    "txt": ("x.txt", {"style": "txt"}),
    "txt.gz": ("x.txt.gz", {"style": "txt"}),
}
TAME = [
    "Ada",
    "Oslo",
    "er",
    "i",
    ".",
    "-",
    "«",
    "12",
    "Ñandú",
    "a\u00a0b",
    "c\u2028d",
    "x\u3000y",
    "#tag",
]
WILD = [
    *("New York", "a\nb", "c\td", "\ufeffBOM", "-DOCSTART-", "\u200b", " ", "\n", "e\rf", "\u00a0"),
    *("-X-", "sw:x", "O", "B-PER", "1", "#", "a\x85b", "\u200ba", "می\u200cخواهم"),
]
LABELS = ["PER", "LOC", "ORG", "A-B"]
WILD_LABELS = ["x y", "é", "A\nB", " A", "A\t"]


class Sentence(NamedTuple):
    """What is compared: tokens, and entities as (start, end, label); None where nothing is known of them."""

    words: List[str]
    entities: List[Tuple[int, int, str]]


def random_corpus(chance: random.Random, wild: bool) -> List[Doc]:
    """RETURNS (List[Doc]): One to six Docs."""
    docs = []
    for _ in range(chance.randint(1, 6)):
        n = chance.choice([0, 1, 2, 5, 9]) if wild else chance.choice([1, 2, 5, 9])
        words = [chance.choice(WILD if wild and chance.random() < 0.2 else TAME) for _ in range(n)]
        spaces = [chance.random() < 0.8 for _ in words]
        starts = None
        if wild and n > 2 and chance.random() < 0.3:
            starts = [k == 0 or chance.random() < 0.3 for k in range(n)]
        doc = Doc(VOCAB, words=words, spaces=spaces, sent_starts=starts)
        ents, missing, position = [], [], 0
        while position < n:
            end = chance.randint(position + 1, n)
            drawn = chance.random()
            if drawn < 0.4:
                odd = wild and chance.random() < 0.15
                label = chance.choice(WILD_LABELS if odd else LABELS)
                ents.append(Span(doc, position, end, label=label))
            elif drawn < 0.45 and wild:
                missing.append(Span(doc, position, end))
            position = end
        doc.set_ents(ents, missing=missing, default="outside")
        docs.append(doc)
    return docs


def sentences_of(docs: List[Doc]) -> List[Sentence]:
    """What a form of columns can hold of Docs, computed anew: visible tokens, one sentence a block."""
    found = []
    for doc in docs:
        bounds = [0]
        if doc.has_annotation("SENT_START"):
            bounds += [t.i for t in doc if t.i and t.is_sent_start and t.ent_iob_ != "I"]
        for start, end in zip(bounds, [*bounds[1:], len(doc)], strict=True):
            place, words = {}, []
            for token in doc[start:end]:
                place[token.i] = len(words)
                if not is_blank_token(token.text):
                    words.append(token.text)
            place[end] = len(words)
            spans = [
                (place[e.start], place[e.end], e.label_)
                for e in doc.ents
                if start <= e.start and e.end <= end and place[e.start] < place[e.end]
            ]
            found.append(Sentence(words, spans))
    return found


def whole_docs(docs: List[Doc]) -> List[Tuple]:
    """All that a DocBin must hold of a Doc."""
    return [
        (
            [(t.text, t.whitespace_, t.ent_iob, t.is_sent_start) for t in doc],
            [(e.start, e.end, e.label_) for e in doc.ents],
        )
        for doc in docs
    ]


def through(docs: List[Doc], first: str, second: str, folder: Path) -> Tuple[List[Doc], Counter]:
    """Write Docs in one form, convert them to a second, and read them.

    RETURNS (Tuple[List[Doc], Counter]): The Docs at the end, and all that was counted on the way.
    RAISES: XnerError for what a form can't hold.
    """
    counts: Counter = Counter()
    write_docbin(folder / "in.spacy", docs)
    path, options = folder / "in.spacy", {}
    for step, form in enumerate((first, second)):
        out = folder / f"{step}" / WRITTEN[form][0]
        counts.update(_convert(path, out, options))
        path, options = out, WRITTEN[form][1]
    counts.update(_convert(path, folder / "out.spacy", options))
    return list(read_docs(folder / "out.spacy", VOCAB)), counts


def _convert(path: Path, out: Path, options: Dict) -> Dict[str, int]:
    columns = out.suffix != ".spacy" and "." in out.name
    extra = {"spaces": "replace"} if columns else {}
    if ".iob" in out.name:
        extra["missing"] = "outside"
    return convert(path, out, **options, **extra)


def fault(docs: List[Doc], first: str, second: str, found: List[Doc], counts: Counter) -> str:
    """What went wrong in silence, or nothing."""
    forms = {first.split(".")[0], second.split(".")[0]}
    if forms <= {"docbin", "folder"}:
        return "" if whole_docs(found) == whole_docs(docs) else "a DocBin holds something else"
    expected = sentences_of(docs)
    left_out = sum(n for what, n in counts.items() if what.startswith("sentences left out"))
    empty = [s for s in expected if not s.words]
    if left_out > len(empty):
        return "more sentences are counted as left out than were without tokens"
    got = [s for s in sentences_of(found) if s.words]
    expected = [s for s in expected if s.words]
    if len(got) != len(expected):
        return f"{len(expected)} sentences went in, {len(got)} came out"
    changed = sum(n for what, n in counts.items() if what.startswith("tokens changed"))
    differing = 0
    for ours, theirs in zip(got, expected, strict=True):
        if len(ours.words) != len(theirs.words):
            return "a sentence has more or fewer tokens"
        differing += sum(a != b for a, b in zip(ours.words, theirs.words, strict=True))
        if "txt" not in forms and ours.entities != theirs.entities:
            return "entities differ"
    if differing > changed:
        return f"{differing} tokens differ, {changed} are counted"
    lost = sum(len(s.entities) for s in expected) - sum(len(s.entities) for s in got)
    told = sum(n for what, n in counts.items() if what.endswith(": entities"))
    return "" if lost <= told else f"{lost} entities are gone, {told} are counted"


def doc_trips(seed: int, number: int, folder: Path, pairs: int = 6) -> Dict[str, List[str]]:
    """Send random Docs through some pairs of forms; six corpora in a row go through all of them.

    RETURNS (Dict[str, List[str]]): "right", "refused" and "wrong", with what was done.
    """
    docs = random_corpus(random.Random(f"{seed}:{number}"), wild=number % 2 == 1)
    every = [(a, b) for a in WRITTEN for b in WRITTEN]
    ended: Dict[str, List[str]] = {"right": [], "refused": [], "wrong": []}
    for k in range(pairs):
        first, second = every[(number * pairs + k) % len(every)]
        place = folder / f"docs{number}-{k}"
        place.mkdir()
        kind, said = _outcome(docs, first, second, place)
        ended[kind].append(f"{seed}:{number} docs > {first} > {second} {said}")
    return ended


def _outcome(docs: List[Doc], first: str, second: str, folder: Path) -> Tuple[str, str]:
    try:
        found, counts = through(docs, first, second, folder)
    except XnerError as error:
        wild = any(token.text not in TAME for doc in docs for token in doc)
        odd = any(ent.label_ not in LABELS for doc in docs for ent in doc.ents)
        without = not any(len(doc) for doc in docs)
        return ("refused" if wild or odd or without else "wrong"), str(error)
    said = fault(docs, first, second, found, counts)
    return ("wrong" if said else "right"), said
