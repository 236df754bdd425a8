"""Argilla 2: a folder for `rg.Dataset.from_disk`, and the records of `to_list` or `to_disk`.

The records that `to_disk` and `to_json` write have the answers, but not whether they were submitted or discarded; then
the status of the record decides. Those of `dataset.records(...).to_list(flatten=True)` have that for each annotator.
"""

from typing import Any, Iterator, List, Sequence, Tuple

from ..errors import InputError
from ..types import Json, PathLike
from .proposals import Proposal
from .records import read_json_array
from .tickets import parse_ticket
from .tools import (
    CORRECTED,
    SKIPPED,
    UNTOUCHED,
    Answer,
    CharSpan,
    ExportedFile,
    as_array,
    as_document,
    require_list,
    require_span,
    require_text,
)

_QUESTION = "entities"
_RESPONSES = f"{_QUESTION}.responses"
_STATUS = {
    "submitted": CORRECTED,
    "discarded": SKIPPED,
    "draft": UNTOUCHED,
    "pending": UNTOUCHED,
    "completed": CORRECTED,
}


class Argilla:
    """Argilla 2, in both directions."""

    title = "Argilla"
    next_step = (
        'in Python: rg.Dataset.from_disk("OUT", name="corrections"); then json.dump(dataset.records('
        'with_responses=True).to_list(flatten=True), open("corrected.json", "w"))'
    )

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export; see `AnnotationTool`."""
        yield "records.json", as_array(_record(proposal) for proposal in proposals)
        yield ".argilla/settings.json", [as_document(_settings(labels))]
        yield ".argilla/dataset.json", [as_document({"name": "xner", "guidelines": None, "allow_extra_metadata": True})]

    def read(self, path: PathLike) -> Iterator[Answer]:
        """Read records; see `AnnotationTool`."""
        for where, record in read_json_array(path):
            if isinstance(record.get("responses"), list):
                message = "is of Argilla 1 (a list of responses)."
                raise InputError(message, where, None, "Export it with Argilla 2, which reads data sets of version 1.")
            is_flat = "fields" not in record
            fields = record if is_flat else record["fields"]
            metadata = record if is_flat else record.get("metadata") or {}
            if not (isinstance(fields, dict) and isinstance(metadata, dict)):
                raise InputError('its "fields" or "metadata" are no JSON object.', where)
            text = require_text(fields.get("text"), "text", where, None)
            ticket = parse_ticket(metadata.get("xner"))
            answers = _flat(record, where) if is_flat else _nested(record, where)
            for status, value, annotator in answers or [("pending", [], None)]:
                if status not in _STATUS:
                    raise InputError(f"has the unknown status {status!a} of a response.", where)
                spans = [_span(span, text, where) for span in require_list(value, "value", where, None)]
                yield Answer(where, None, ticket, text, spans, _STATUS[status], annotator)

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file begins as Argilla's do."""
        if not isinstance(start, dict):
            return False
        return "_server_id" in start or _RESPONSES in start or (isinstance(start.get("fields"), dict))


def _record(proposal: Proposal) -> Json:
    value = [{"start": span.start, "end": span.end, "label": span.label} for span in proposal.spans]
    scores = [span.score for span in proposal.spans]
    # Argilla takes a score for each span, or none.
    known = scores if scores and None not in scores else None
    metadata: Json = {"xner": str(proposal.ticket)}
    if proposal.score is not None:
        metadata["score"] = proposal.score
    return {
        "id": f"{proposal.ticket.run}-{proposal.ticket.number}",
        "fields": {
            "text": proposal.text,
            "reading": proposal.reading or None,
            "not_projected": proposal.not_projected or None,
        },
        "metadata": metadata,
        "suggestions": {_QUESTION: {"value": value, "score": known, "agent": "xner"}},
        "responses": {},
        "vectors": {},
    }


def _settings(labels: Sequence[str]) -> Json:
    def field(name: str, title: str, required: bool) -> Json:
        return {"name": name, "title": title, "required": required, "settings": {"type": "text", "use_markdown": False}}

    options = [{"value": label, "text": label, "description": None} for label in labels]
    question = {
        "name": _QUESTION,
        "title": "Names",
        "description": None,
        "required": True,
        "settings": {
            "type": "span",
            "allow_overlapping": False,
            "field": "text",
            "options": options,
            "visible_options": len(labels) if len(labels) >= 3 else None,
        },
    }
    return {
        "guidelines": None,
        "questions": [question],
        "fields": [
            field("text", "Text", True),
            field("reading", "Reading", False),
            field("not_projected", "Not projected", False),
        ],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def _flat(record: Json, where: str) -> List[Tuple[Any, Any, Any]]:
    """RETURNS (List[Tuple[Any, Any, Any]]): The status, the spans and the annotator of each response."""
    keys = (f"{_RESPONSES}.status", _RESPONSES, f"{_RESPONSES}.users")
    columns = [require_list(record.get(key), key, where, None) for key in keys]
    if len(set(map(len, columns))) > 1:
        raise InputError("does not have one status and one user for each response.", where)
    return list(zip(*columns, strict=True))


def _nested(record: Json, where: str) -> List[Tuple[Any, Any, Any]]:
    responses = record.get("responses") or {}
    if not isinstance(responses, dict):
        raise InputError('its "responses" are no JSON object.', where)
    found = []
    for response in require_list(responses.get(_QUESTION), _QUESTION, where, None):
        if not isinstance(response, dict):
            raise InputError("has a response that is no JSON object.", where)
        found.append((response.get("status") or record.get("status"), response.get("value"), response.get("user_id")))
    return found


def _span(span: Any, text: str, where: str) -> CharSpan:
    values = span if isinstance(span, dict) else {}
    return require_span(values.get("start"), values.get("end"), values.get("label"), text, where, None)
