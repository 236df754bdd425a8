"""INCEpTION: WebAnno TSV 3.3, with the built-in layer of named entities.

Offsets count UTF-16 units, each sentence begins where the one before it ends plus a line end, and signs that mean
something to the form are escaped. The ticket is the identifier of the sentence. The form has no room for the reading: it
goes to a text file, a line a sentence. All sentences of an exported document count as corrected.
"""

import re
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..corpora.files import read_lines
from ..errors import InputError
from ..types import PathLike
from .proposals import Proposal
from .records import CUT_SHORT
from .tickets import parse_ticket
from .tools import CORRECTED, Answer, CharSpan, ExportedFile

_FORMAT = "#FORMAT=WebAnno TSV "
_VERSIONS = ("3.2", "3.3")
_LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_SPAN_LAYER = "#T_SP="
_ID, _TEXT = "#Sentence.id=", "#Text="
_NONE, _NO_VALUE = "_", "*"
# What is escaped in a value; "->" counts as one sign.
_RESERVED = re.compile(r"->|[\\\[\]|_;\t\n*]")
_ESCAPED = re.compile(r"\\(->|.)")
_LETTERS = {"\t": "t", "\n": "n", "\f": "f", "\r": "r", "\b": "b"}
_OF_LETTERS = {letter: sign for sign, letter in _LETTERS.items()}
_CONTROL = re.compile(r"[\x00-\x0a\x0c-\x1f\\]")
_STACK = re.compile(r"(?<!\\)\|")
_NUMBERED = re.compile(r"(.*)\[(\d+)\]", re.DOTALL)


class Inception:
    """INCEpTION, in both directions of WebAnno TSV."""

    title = "INCEpTION"
    next_step = (
        "import sentences.tsv (Documents, format WebAnno TSV v3.3) and read readings.txt beside it; "
        "then export the document in the same format"
    )

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export; see `AnnotationTool`."""
        yield "sentences.tsv", _document(proposals)
        yield "readings.txt", (f"{number}\t{_on_a_line(p)}\n" for number, p in enumerate(proposals, 1))

    def read(self, path: PathLike) -> Iterator[Answer]:
        """Read a document; see `AnnotationTool`."""
        reader = _Reader(path)
        for line, header, rows in reader.sentences():
            yield reader.answer(line, header, rows)

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file begins as WebAnno's do."""
        return isinstance(start, str) and start.startswith("#FORMAT=WebAnno")


def _document(proposals: Sequence[Proposal]) -> Iterator[str]:
    yield f"{_FORMAT}3.3\n{_SPAN_LAYER}{_LAYER}|value\n\n"
    offset = span_id = 0
    for number, proposal in enumerate(proposals, 1):
        # The last sentence must not be followed by an empty line.
        lines = ["", f"{_ID}{proposal.ticket}"]
        lines += [f"{_TEXT}{_escape_text(line)}" for line in proposal.text.split("\n")]
        marks: Dict[int, str] = {}
        for span in proposal.spans:
            suffix = ""
            if span.last - span.first > 1:
                span_id += 1
                suffix = f"[{span_id}]"
            marks.update(dict.fromkeys(range(span.first, span.last), f"{_escape(span.label)}{suffix}"))
        start = offset
        for token, (word, space) in enumerate(zip(proposal.words, proposal.spaces, strict=True)):
            end = start + _units(word)
            lines.append(f"{number}-{token + 1}\t{start}-{end}\t{_escape_text(word)}\t{marks.get(token, _NONE)}\t")
            start = end + space
        offset = start + 1
        yield "\n".join(lines) + "\n"


def _units(text: str) -> int:
    """RETURNS (int): The length of a text in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)


def _on_a_line(proposal: Proposal) -> str:
    parts = [proposal.reading, f"[{proposal.not_projected}]" if proposal.not_projected else ""]
    return " ".join(" ".join(parts).split())


def _escape(value: str) -> str:
    return _RESERVED.sub(lambda sign: "\\" + _LETTERS.get(sign[0], sign[0]), value)


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda sign: {"t": "\t", "n": "\n"}.get(sign[1], sign[1]), value)


def _escape_text(text: str) -> str:
    return _CONTROL.sub(lambda sign: "\\" + _LETTERS.get(sign[0], sign[0]), text)


def _unescape_text(text: str) -> str:
    return _ESCAPED.sub(lambda sign: _OF_LETTERS.get(sign[1], sign[1]), text)


Row = Tuple[int, List[str]]


class _Reader:
    """Reads one document."""

    def __init__(self, path: PathLike) -> None:
        self.path = path
        self.column: Optional[int] = None  # that of the label, counted from the first one after the token
        self.width = 0

    def sentences(self) -> Iterator[Tuple[int, List[str], List[Row]]]:
        """YIELDS (Tuple[int, List[str], List[Row]]): The first line of each sentence, its comments, and its tokens."""
        lines = read_lines(self.path)
        self._read_head(lines)
        header: List[str] = []
        rows: List[Row] = []
        first = 0
        for number, line in lines:
            if not line:
                if rows:
                    yield first, header, rows
                elif header:
                    raise InputError("has a sentence without tokens.", self.path, number, CUT_SHORT)
                header, rows = [], []
            elif line.startswith("#") and not rows:
                first = number if not header else first
                header.append(line)
            else:
                cells = line.split("\t")
                if len(cells) < 3 + self.width:
                    message = f"has {len(cells)} cells where the head of the file names {3 + self.width}."
                    raise InputError(message, self.path, number, CUT_SHORT)
                rows.append((number, cells))
        if header and not rows:
            raise InputError("ends in the middle of a sentence.", self.path, first, CUT_SHORT)
        if rows:
            yield first, header, rows

    def _read_head(self, lines: Iterator[Tuple[int, str]]) -> None:
        number, line = next(lines, (1, ""))
        if not line.startswith(_FORMAT):
            raise InputError("does not begin as WebAnno TSV does.", self.path, number, "Export it as WebAnno TSV v3.3.")
        version = line.removeprefix(_FORMAT)
        if version not in _VERSIONS:
            message = f"is of WebAnno TSV {version}; {' and '.join(_VERSIONS)} are read."
            raise InputError(message, self.path, number, "Export it as WebAnno TSV v3.3.")
        for _, line in lines:
            if not line:
                break
            kind, _, declared = line.partition("=")
            layer, *features = declared.split("|")
            if kind == _SPAN_LAYER.rstrip("=") and layer == _LAYER and "value" in features:
                self.column = self.width + features.index("value")
            self.width += max(len(features), 1)
        if self.column is None:
            message = f"has no layer of named entities ({_LAYER.rpartition('.')[2]} with the feature value)."
            raise InputError(message, self.path, number)

    def answer(self, line: int, header: List[str], rows: List[Row]) -> Answer:
        """RETURNS (Answer): A sentence."""
        text = "\n".join(_unescape_text(row.removeprefix(_TEXT)) for row in header if row.startswith(_TEXT))
        ids = [row.removeprefix(_ID) for row in header if row.startswith(_ID)]
        ends = [0]
        for char in text:
            ends.append(ends[-1] + 1 + (char > "\uffff"))
        of_unit = {unit: position for position, unit in enumerate(ends)}
        tokens: List[Tuple[int, int]] = []
        single: List[CharSpan] = []
        joined: Dict[str, CharSpan] = {}
        start_of_text: Optional[int] = None
        for number, cells in rows:
            try:
                begin, end = map(int, cells[1].split("-"))
            except ValueError:
                raise InputError(f"{cells[1]!a} are no offsets.", self.path, number) from None
            start_of_text = begin if start_of_text is None else start_of_text
            start, stop = (of_unit.get(offset - start_of_text) for offset in (begin, end))
            if start is None or stop is None or not start < stop:
                message = f"the offsets {begin}-{end} are not inside the sentence."
                raise InputError(message, self.path, number, CUT_SHORT)
            if "." not in cells[0]:
                tokens.append((start, stop))
            assert self.column is not None
            value = cells[3 + self.column]
            for mark in _STACK.split(value) if value != _NONE else []:
                numbered = _NUMBERED.fullmatch(mark) if not mark.endswith("\\]") else None
                label, span_id = (numbered[1], numbered[2]) if numbered else (mark, None)
                if label == _NO_VALUE:
                    message = "has a named entity without a label."
                    raise InputError(message, self.path, number, "Give it a label in INCEpTION, or delete it.")
                span = (start, stop, _unescape(label))
                if span_id is None:
                    single.append(span)
                elif span_id in joined:
                    joined[span_id] = (joined[span_id][0], stop, joined[span_id][2])
                else:
                    joined[span_id] = span
        if not tokens or tokens[-1][1] < len(text.rstrip()):
            raise InputError("the tokens end before the text of the sentence.", self.path, rows[-1][0], CUT_SHORT)
        spans = sorted([*single, *joined.values()])
        ticket = parse_ticket(ids[-1]) if ids else None
        return Answer(str(self.path), line, ticket, text, spans, CORRECTED, None, tokens)
