"""Read the folder `text/` of a project: raw text becomes sentences, tokenised sentences keep their tokens.

A raw text is laid out in one of three ways, which is found out for each file:

- a sentence a line; blank lines, if there are any, separate paragraphs;
- a paragraph a line: lines hold several sentences;
- wrapped: a paragraph is several lines, and blank lines separate paragraphs.

Labels are never read here.
"""

from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Dict, Iterator, List, Literal, NamedTuple, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.docs import bare_copy, make_doc, read_docs
from ..corpora.files import read_lines
from ..corpora.formats.columns import Broken
from ..corpora.inputs import MAX_TOKENS
from ..corpora.reading import parse_json
from ..errors import InputError
from ..text import is_blank_token, join_words
from .columns_layout import guess_layout, read_project_columns
from .folders import Kind
from .sentences import SentenceSplitter

PLACE_KEY = "xner_place"
INVISIBLE = "sentences left out: no token that can be seen"
TOO_LONG = f"sentences left out: over {MAX_TOKENS:,} tokens"
Layout = Literal["a sentence a line", "a paragraph a line", "wrapped paragraphs"]

# The share of lines with several sentences from which a file holds paragraphs. In eleven lists
# of sentences it is 0.33 at most, with four of these sentences a line 0.68 or more (docs/inputs.md).
_PARAGRAPHS_FROM = 0.5
# The share of line ends inside a sentence from which the lines of a paragraph are wrapped.
_WRAPPED_FROM = 0.4
# Wrapped lines are about equally long: this share of them has this share of the longest one's length.
_FULL_FROM = 0.8
_FULL_LINE = 0.75
_LEAST_LINES = 5
_N_JUDGED = 5000


class RawSentence(NamedTuple):
    """A sentence of a raw text: its text, its 1-based line, and its 1-based paragraph, or 0 where none is known."""

    text: str
    line: int
    paragraph: int


def read_raw(path: Path, splitter: SentenceSplitter, counts: Counter) -> Tuple[Layout, List[RawSentence]]:
    """Read a raw text.

    path (Path): The file. counts (Counter): Counts what `read_lines` counts.
    RETURNS (Tuple[Layout, List[RawSentence]]): How it is laid out, and its sentences in order. No character is lost but
        white space between sentences. RAISES: InputError with the line of the first fault.
    """
    blocks = _blocks(read_lines(path, counts))
    layout = find_layout([[line for _, line in block] for block in blocks], splitter)
    sentences: List[RawSentence] = []
    paragraph = 0
    for block in blocks:
        if layout == "a sentence a line":
            paragraph += len(blocks) > 1
            sentences += [RawSentence(line.strip(), number, paragraph) for number, line in block]
            continue
        parts = [_joined(block)] if layout == "wrapped paragraphs" else [(line, [(0, n)]) for n, line in block]
        for text, line_starts in parts:
            paragraph += 1
            for start, end in splitter(text):
                line = max(number for position, number in line_starts if position <= start)
                sentences.append(RawSentence(text[start:end], line, paragraph))
    return layout, sentences


def _blocks(lines: Iterator[Tuple[int, str]]) -> List[List[Tuple[int, str]]]:
    """RETURNS (List): Lines with their numbers, in groups that blank lines separate."""
    blocks: List[List[Tuple[int, str]]] = [[]]
    for number, line in lines:
        if line.strip():
            blocks[-1].append((number, line))
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _joined(block: Sequence[Tuple[int, str]]) -> Tuple[str, List[Tuple[int, int]]]:
    """RETURNS (Tuple[str, List[Tuple[int, int]]]): The text of wrapped lines, and where in it each line starts."""
    text = ""
    starts = []
    for number, line in block:
        line = line.strip()
        if text:
            # No space is put between two lines of a script that is written without.
            text += join_words([text[-1], line[0]])[1:-1]
        starts.append((len(text), number))
        text += line
    return text, starts


def find_layout(blocks: Sequence[Sequence[str]], splitter: SentenceSplitter) -> Layout:
    """RETURNS (Layout): How a text is laid out, judged by its first 5,000 lines. blocks (Sequence): Its lines, in groups
    that blank lines separate.
    """
    n_before = accumulate(map(len, blocks), initial=0)
    judged = [block for block, n in zip(blocks, n_before, strict=False) if n < _N_JUDGED]
    judged = [block[:_N_JUDGED] for block in judged]
    if _is_wrapped([pair for block in judged for pair in pairwise(block)], splitter):
        return "wrapped paragraphs"
    several = [len(splitter(line)) > 1 for block in judged for line in block]
    return "a paragraph a line" if several and sum(several) >= _PARAGRAPHS_FROM * len(several) else "a sentence a line"


def _is_wrapped(neighbours: Sequence[Tuple[str, str]], splitter: SentenceSplitter) -> bool:
    """RETURNS (bool): Whether many lines end inside a sentence: the next one goes on in lower case, or, in a text
    without capitals, the lines are equally long.

    neighbours (Sequence[Tuple[str, str]]): Each line and the line that follows it, where no blank line is between.
    """
    inside = [
        (line.strip(), following.strip())
        for line, following in neighbours
        if len(splitter(f"{line} {following}")) < len(splitter(line)) + len(splitter(following))
    ]
    least = _WRAPPED_FROM * len(neighbours)
    if not inside or len(inside) < least:
        return False
    if any(char.isupper() for line, _ in inside for char in line):
        return sum(following[0].islower() for _, following in inside) >= least
    lengths = sorted(len(line) for line, _ in neighbours)
    n_full = sum(length >= _FULL_LINE * lengths[-1] for length in lengths)
    return len(lengths) >= _LEAST_LINES and n_full >= _FULL_FROM * len(lengths)


class TextReader:
    """Reads text files of every form as Docs of one sentence, without entities, with their place in
    `doc.user_data["xner_place"]`: file, line and paragraph as far as they are known, counted from 1.

    nlp (Language): Tokenises raw text. root (Path): The project; places name files below it.
    counts (Counter): Counts what is left out or read in another way, over all files.
    """

    def __init__(self, nlp: Language, root: Path, counts: Counter, broken: Broken = "refuse") -> None:
        self.nlp, self.root, self.counts, self.broken = nlp, root, counts, broken
        self.splitter = SentenceSplitter(nlp)

    def read(self, path: Path, kind: Kind) -> Tuple[str, List[Doc]]:
        """RETURNS (Tuple[str, List[Doc]]): How a file is laid out, in words, and its sentences. RAISES: InputError for
        a file that can't be read; a file without sentences has none.
        """
        name = path.relative_to(self.root).as_posix()
        layout: str
        if kind == "text":
            layout, sentences = read_raw(path, self.splitter, self.counts)
            docs = [self._make(s.text, {"file": name, "line": s.line, "paragraph": s.paragraph}) for s in sentences]
        elif kind == "jsonl":
            layout, docs = "JSON lines", list(self._read_jsonl(path, name))
        elif kind == "docbin":
            layout, docs = "tokenised sentences", list(self._read_docbin(path, name))
        else:
            guess = guess_layout(path)
            layout = f"tokenised sentences ({guess.words})"
            docs = [
                _placed(_bare_doc(self.nlp.vocab, sentence.words), {"file": name, "line": sentence.line})
                for sentence in read_project_columns(path, guess.layout, self.counts, self.broken)
            ]
        return layout, [doc for doc in docs if doc is not None and self._fits(doc)]

    def _read_jsonl(self, path: Path, name: str) -> Iterator[Optional[Doc]]:
        for number, line in read_lines(path, self.counts):
            if not line.strip():
                continue
            record = parse_json(line, path, number)
            text = record.get("text") if isinstance(record, dict) else None
            if not isinstance(text, str):
                raise InputError("has no 'text' that is a string.", path, number, 'Write lines of {"text": "..."}.')
            for paragraph, part in enumerate(filter(str.strip, text.split("\n")), 1):
                for start, end in self.splitter(part):
                    yield self._make(part[start:end], {"file": name, "line": number, "paragraph": paragraph})

    def _read_docbin(self, path: Path, name: str) -> Iterator[Doc]:
        for number, doc in enumerate(read_docs(path, self.nlp.vocab), 1):
            has_sentences = len(doc) and doc.has_annotation("SENT_START")
            for sentence in (span.as_doc() for span in doc.sents) if has_sentences else [doc]:
                yield _placed(bare_copy(sentence, self.nlp.vocab), {"file": name, "paragraph": number})

    def _make(self, text: str, place: Dict[str, Any]) -> Optional[Doc]:
        if len(text) > self.nlp.max_length:
            self.counts[TOO_LONG] += 1
            return None
        return _placed(self.nlp.make_doc(text), place)

    def _fits(self, doc: Doc) -> bool:
        if len(doc) > MAX_TOKENS:
            self.counts[TOO_LONG] += 1
        elif all(is_blank_token(token.text) for token in doc):
            self.counts[INVISIBLE] += 1
        else:
            return True
        return False


def _bare_doc(vocab: Vocab, words: Sequence[str]) -> Doc:
    """RETURNS (Doc): A sentence without entities; where its text had spaces is guessed."""
    return bare_copy(make_doc(vocab, words), vocab)


def _placed(doc: Doc, place: Dict[str, Any]) -> Doc:
    doc.user_data[PLACE_KEY] = {name: value for name, value in place.items() if value}
    doc.set_ents([], default="missing")
    return doc
