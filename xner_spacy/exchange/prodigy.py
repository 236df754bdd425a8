"""Prodigy: JSON lines for the interface `ner_manual`, and what `prodigy db-out` writes.

A task has a text, its tokens, and spans on characters and on tokens, the last of which counts in (`token_end`). Prodigy
adds `_input_hash`, `_task_hash`, `_session_id`, `_annotator_id` and the answer: accept, reject or ignore. It keeps keys
that it does not know, and shows `meta` beside the text.
"""

from typing import Any, Iterator, List, Sequence

from ..errors import InputError
from ..types import Json, PathLike
from .proposals import Proposal
from .records import read_json_lines
from .tickets import parse_ticket
from .tools import (
    CORRECTED,
    REJECTED,
    SKIPPED,
    UNTOUCHED,
    Answer,
    CharSpan,
    ExportedFile,
    as_line,
    require_list,
    require_span,
    require_text,
)

_STATUS = {"accept": CORRECTED, "reject": REJECTED, "ignore": SKIPPED, None: UNTOUCHED}


class Prodigy:
    """Prodigy, by its documented JSON lines."""

    title = "Prodigy"
    next_step = (
        "prodigy mark corrected tasks.jsonl --view-id ner_manual --label {labels}; "
        "then prodigy db-out corrected > corrected.jsonl"
    )

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export; see `AnnotationTool`."""
        yield "tasks.jsonl", (as_line(_task(proposal)) for proposal in proposals)

    def read(self, path: PathLike) -> Iterator[Answer]:
        """Read what `prodigy db-out` wrote; see `AnnotationTool`."""
        for line, task in read_json_lines(path):
            text = require_text(task.get("text"), "text", str(path), line)
            spans = [
                _span(span, text, path, line) for span in require_list(task.get("spans"), "spans", str(path), line)
            ]
            tokens = [
                _span({"label": "-", **token} if isinstance(token, dict) else token, text, path, line)[:2]
                for token in require_list(task.get("tokens"), "tokens", str(path), line)
            ]
            answer = task.get("answer")
            if answer not in _STATUS:
                raise InputError(f"has the unknown answer {answer!a}; expected accept, reject or ignore.", path, line)
            annotator = task.get("_annotator_id") or task.get("_session_id")
            yield Answer(
                str(path),
                line,
                parse_ticket(task.get("xner")),
                text,
                spans,
                _STATUS[answer],
                annotator if isinstance(annotator, str) else None,
                tokens or None,
            )

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file begins as Prodigy's do."""
        if not isinstance(start, dict) or not isinstance(start.get("text"), str):
            return False
        return (
            "answer" in start or "_task_hash" in start or ("spans" in start and not {"label", "labels"} & start.keys())
        )


def _task(proposal: Proposal) -> Json:
    tokens = []
    position = 0
    for number, (word, space) in enumerate(zip(proposal.words, proposal.spaces, strict=True)):
        end = position + len(word)
        tokens.append({"text": word, "start": position, "end": end, "id": number, "ws": space})
        position = end + space
    spans: List[Json] = []
    for span in proposal.spans:
        on_tokens = {"token_start": span.first, "token_end": span.last - 1}
        score = {} if span.score is None else {"score": span.score}
        spans.append({"start": span.start, "end": span.end, **on_tokens, "label": span.label, **score})
    meta = {**proposal.context(), **({} if proposal.score is None else {"score": proposal.score})}
    return {"text": proposal.text, "tokens": tokens, "spans": spans, "meta": meta, "xner": str(proposal.ticket)}


def _span(span: Any, text: str, path: PathLike, line: int) -> CharSpan:
    values = span if isinstance(span, dict) else {}
    return require_span(values.get("start"), values.get("end"), values.get("label"), text, str(path), line)
