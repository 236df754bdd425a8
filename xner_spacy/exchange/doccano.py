"""doccano: JSON lines for a project of sequence labelling.

doccano takes every key but the text and the label as data of the text, which it shows beside it and writes again. It
exports a file for each member (`ada.jsonl`), or `all.jsonl` where the members share their annotations. What nobody has
approved looks like what somebody has: export the approved texts alone. It has no answer but that; so a comment that says
`rejected` or `skipped` is taken as one.
"""

from typing import Any, Iterator, Optional, Sequence, Set

from ..errors import InputError
from ..types import Json, PathLike
from .proposals import Proposal
from .records import read_json_lines
from .tickets import parse_ticket
from .tools import (
    CORRECTED,
    REJECTED,
    SKIPPED,
    Answer,
    CharSpan,
    ExportedFile,
    as_document,
    as_line,
    require_list,
    require_span,
    require_text,
)

_SPANS = ("label", "labels", "entities")
# Background colours that dark text can be read on.
_COLOURS = ("#7fc8f8", "#f9c74f", "#90be6d", "#f4978e", "#cdb4db", "#d9d9d9")


class Doccano:
    """doccano, in both directions of its JSON lines."""

    title = "doccano"
    next_step = (
        "make a project of sequence labelling, import labels.json (Labels) and tasks.jsonl (Dataset, format JSONL); "
        "then export the approved texts as JSONL"
    )

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export; see `AnnotationTool`."""
        yield "tasks.jsonl", (as_line(_task(proposal)) for proposal in proposals)
        keys = "123456789"
        entries = [
            {
                "text": label,
                "suffix_key": keys[number] if number < len(keys) else None,
                "background_color": _COLOURS[number % len(_COLOURS)],
                "text_color": "#000000",
            }
            for number, label in enumerate(labels)
        ]
        yield "labels.json", [as_document(entries)]

    def read(self, path: PathLike) -> Iterator[Answer]:
        """Read an export of doccano; see `AnnotationTool`."""
        for line, record in read_json_lines(path):
            text = require_text(record.get("text", record.get("data")), "text", str(path), line)
            spans = _spans(record, text, path, line)
            yield Answer(str(path), line, parse_ticket(record.get("xner")), text, spans, _status(record))

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file begins as doccano's do."""
        if not isinstance(start, dict) or not isinstance(start.get("text", start.get("data")), str):
            return False
        return not {"answer", "_task_hash"} & start.keys() and any(isinstance(start.get(key), list) for key in _SPANS)


def _task(proposal: Proposal) -> Json:
    label = [[span.start, span.end, span.label] for span in proposal.spans]
    # Keys of data are shown as they are; each record must have the same ones.
    data = {
        "reading": proposal.reading,
        "not projected": proposal.not_projected,
        "scores": ", ".join("?" if span.score is None else f"{span.score:.2f}" for span in proposal.spans),
    }
    return {"text": proposal.text, "label": label, **data, "xner": str(proposal.ticket)}


def _spans(record: Json, text: str, path: PathLike, line: int) -> Sequence[CharSpan]:
    if "annotations" in record and not any(key in record for key in _SPANS):
        message = "has numbers in place of labels, as old versions of doccano write them."
        raise InputError(message, path, line, "Export it as JSONL with the text of the labels.")
    raw: Any = next((record[key] for key in _SPANS if record.get(key) is not None), [])
    spans = []
    for value in require_list(raw, "label", str(path), line):
        if isinstance(value, dict):
            value = [value.get(key) for key in ("start_offset", "end_offset", "label")]
        start, end, label = value if isinstance(value, list) and len(value) == 3 else (None, None, value)
        spans.append(require_span(start, end, label, text, str(path), line))
    return spans


def _status(record: Json) -> str:
    comments: Any = record.get("Comments") or record.get("comments") or []
    said: Set[Optional[str]] = set()
    for comment in comments if isinstance(comments, list) else []:
        value = comment.get("comment") if isinstance(comment, dict) else comment
        said.add(value.strip().lower() if isinstance(value, str) else None)
    return next((status for status in (REJECTED, SKIPPED) if status in said), CORRECTED)
