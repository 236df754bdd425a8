"""What an annotation tool is to this package, and what the tools share."""

import json
from typing import Any, Iterable, Iterator, List, NamedTuple, Optional, Protocol, Sequence, Tuple

from ..errors import InputError
from ..types import Json, PathLike
from .proposals import Proposal
from .tickets import Ticket

# What became of a sentence in a tool. The words are written to files: add, never rename.
CORRECTED = "corrected"
REJECTED = "rejected"
SKIPPED = "skipped"
UNTOUCHED = "untouched"
STATUSES = (CORRECTED, REJECTED, SKIPPED, UNTOUCHED)

CharSpan = Tuple[int, int, str]


class Answer(NamedTuple):
    """What came back of a sentence.

    where (str): The file, and the task where a line says nothing. line (Optional[int]): The line.
    ticket (Optional[Ticket]): Which sentence it is, if it was exported by this package. text (str): The sentence.
    spans (Sequence[CharSpan]): Its entities: start, end (exclusive), label. status (str): One of `STATUSES`.
    annotator (Optional[str]): Who answered, if the tool says so.
    tokens (Optional[Sequence[Tuple[int, int]]]): Start and end of each token, if the tool knows them.
    """

    where: str
    line: Optional[int]
    ticket: Optional[Ticket]
    text: str
    spans: Sequence[CharSpan]
    status: str
    annotator: Optional[str] = None
    tokens: Optional[Sequence[Tuple[int, int]]] = None


# The name of a file of an export, and its text in pieces.
ExportedFile = Tuple[str, Iterable[str]]


class AnnotationTool(Protocol):
    """An annotation tool: its files, in both directions.

    title (str): Its name for people. next_step (str): What to do with an export, in one line.
    """

    title: str
    next_step: str

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export. labels (Sequence[str]): The labels to choose from.
        YIELDS (ExportedFile): Its files, the one with the sentences first.
        """

    def read(self, path: PathLike) -> Iterator[Answer]:
        """YIELDS (Answer): What the tool exported, in order. RAISES: InputError with the line or the task of a fault."""

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file is probably of this tool. start (Any): Its first record of JSON, or its first
        line of text.
        """


def as_line(record: Json) -> str:
    """RETURNS (str): A record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


def as_array(records: Iterable[Json]) -> Iterator[str]:
    """YIELDS (str): Records as an array of JSON, one record a line."""
    opening = "[\n"
    for record in records:
        yield opening + json.dumps(record, ensure_ascii=False, allow_nan=False)
        opening = ",\n"
    yield "\n]\n" if opening == ",\n" else "[]\n"


def as_document(data: Any) -> str:
    """RETURNS (str): A small file of JSON, for people to read."""
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def require_text(value: Any, key: str, where: str, line: Optional[int]) -> str:
    """RETURNS (str): The text of a record. RAISES: InputError if it is none."""
    if not isinstance(value, str):
        raise InputError(f"has no {key!r} that is a text.", where, line)
    return value


def require_list(value: Any, key: str, where: str, line: Optional[int]) -> List[Any]:
    """RETURNS (List[Any]): A list of a record; empty where it has none. RAISES: InputError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"its {key!r} is no list.", where, line)
    return value


def require_span(start: Any, end: Any, label: Any, text: str, where: str, line: Optional[int]) -> CharSpan:
    """RETURNS (CharSpan): A span of a record. RAISES: InputError unless it is inside the text and has a label."""
    are_offsets = all(isinstance(offset, int) and not isinstance(offset, bool) for offset in (start, end))
    if not are_offsets or not isinstance(label, str) or not label.strip():
        shown = ascii([start, end, label])[:100]
        raise InputError(f"{shown} is no span: it must have two character offsets and a label.", where, line)
    if not 0 <= start < end <= len(text):
        raise InputError(f"the span {start}-{end} is not inside its text of {len(text)} characters.", where, line)
    return start, end, label.strip()
