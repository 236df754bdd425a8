"""The embedded corpus's own format: articles of parallel sentences with inline marks.

    ## sport-01 | train | Title of the article
    is: [PER Anna Jónsdóttir] býr í [LOC Reykjavík].
    en: [PER Anna Jónsdóttir] lives in [LOC Reykjavík].

Marks are `[LABEL text]`, never nested. Every sentence of the first language is followed by its translation.
"""

import re
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from xner_spacy.corpora.files import read_lines
from xner_spacy.errors import InputError
from xner_spacy.labels import LABELS
from xner_spacy.types import PathLike

MARK = re.compile(r"\[([A-Z]+) ([^\[\]]+)\]")
SPLITS = ("train", "dev", "test")


class MarkedText(NamedTuple):
    """Plain text and its (start, end, label) character spans."""

    text: str
    spans: List[Tuple[int, int, str]]


class MarkedPair(NamedTuple):
    """One sentence pair of an article; `sides` in the order of the file's languages."""

    article: str
    split: str
    line: int
    sides: Tuple[MarkedText, MarkedText]


def parse_marks(text: str) -> MarkedText:
    """RETURNS (MarkedText): The text without marks, and their character spans."""
    plain, spans, last, length = [], [], 0, 0
    for match in MARK.finditer(text):
        before = text[last : match.start()]
        start = length + len(before)
        length = start + len(match[2])
        plain += [before, match[2]]
        spans.append((start, length, match[1]))
        last = match.end()
    return MarkedText("".join([*plain, text[last:]]), spans)


def read_markup(path: PathLike, languages: Sequence[str], labels: Sequence[str] = LABELS) -> Iterator[MarkedPair]:
    """Read one file of articles.

    path (PathLike): The file.
    languages (Sequence[str]): The two line prefixes in order, such as ("is", "en").
    labels (Sequence[str]): The labels that may occur.
    YIELDS (MarkedPair): The sentence pairs in order.
    RAISES: InputError with the line: no header, a bad split, lines out of order, a bad mark, stray brackets or spaces.
    """
    article: Optional[Tuple[str, str]] = None
    waiting: Optional[MarkedText] = None
    number = 0
    for number, line in read_lines(path):
        if not line.strip():
            continue
        if line.startswith("## "):
            fields = [field.strip() for field in line[3:].split("|")]
            if len(fields) != 3 or fields[1] not in SPLITS or not fields[0]:
                raise InputError(f"a header reads '## id | {'|'.join(SPLITS)} | title'.", path, number)
            if waiting:
                raise InputError("the sentence before this header has no translation.", path, number)
            article = (fields[0], fields[1])
            continue
        language = languages[1 if waiting else 0]
        prefix, _, text = line.partition(": ")
        if article is None or prefix != language:
            raise InputError(
                "a header must come first." if article is None else f"expected '{language}: ...'.", path, number
            )
        marked = parse_marks(text)
        fault = _fault(marked, labels)
        if fault:
            raise InputError(fault, path, number)
        if waiting:
            yield MarkedPair(*article, number - 1, (waiting, marked))
            waiting = None
        else:
            waiting = marked
    if waiting:
        raise InputError("the last sentence has no translation.", path, number)


def _fault(marked: MarkedText, labels: Sequence[str]) -> str:
    for start, end, label in marked.spans:
        if label not in labels:
            return f"unknown label {label!r}; expected {', '.join(labels)}."
        if marked.text[start:end] != marked.text[start:end].strip():
            return f"the mark of {marked.text[start:end]!r} begins or ends with a space."
    if "[" in marked.text or "]" in marked.text:
        return "a bracket outside a mark."
    if marked.text != " ".join(marked.text.split()):
        return "doubled or outer spaces."
    return ""
