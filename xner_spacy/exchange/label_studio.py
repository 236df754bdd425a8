"""Label Studio: tasks with predictions, and the annotations of its exports JSON and JSON-MIN.

Offsets count code points, as Python does. (Versions before 1.5 counted the UTF-16 units of JavaScript; the text of a
region says which.) An annotation that was cancelled is a skipped task. There is no answer that rejects a sentence, so the
labelling interface has a choice for that.
"""

from typing import Any, Iterator, List, Optional, Sequence, Tuple
from xml.sax.saxutils import quoteattr

from ..errors import InputError
from ..types import Json, PathLike
from .proposals import Proposal
from .records import read_json_array
from .tickets import parse_ticket
from .tools import (
    CORRECTED,
    REJECTED,
    SKIPPED,
    UNTOUCHED,
    Answer,
    CharSpan,
    ExportedFile,
    as_array,
    require_list,
    require_span,
    require_text,
)

# The names of the tags in the labelling interface.
_LABELS, _TEXT, _VERDICT = "label", "text", "verdict"

# The status, the spans and the annotator.
_Answered = Tuple[str, List[CharSpan], Optional[str]]

_INTERFACE = """<View>
  <Labels name="{labels_name}" toName="{text_name}">
{labels}
  </Labels>
  <Text name="{text_name}" value="$text"/>
  <Header value="Reading" size="5"/>
  <Text name="reading" value="$reading"/>
  <Header value="Not projected" size="5"/>
  <Text name="not_projected" value="$not_projected"/>
  <Choices name="{verdict}" toName="{text_name}" choice="multiple">
    <Choice value="{rejected}"/>
  </Choices>
</View>
"""


class LabelStudio:
    """Label Studio, in both directions."""

    title = "Label Studio"
    next_step = (
        "make a project, put interface.xml into Labeling Setup > Custom template, import tasks.json; "
        "then export it as JSON"
    )

    def files(self, proposals: Sequence[Proposal], labels: Sequence[str]) -> Iterator[ExportedFile]:
        """Write an export; see `AnnotationTool`."""
        yield "tasks.json", as_array(_task(proposal) for proposal in proposals)
        rows = "\n".join(f"    <Label value={quoteattr(label)}/>" for label in labels)
        names = {"labels_name": _LABELS, "text_name": _TEXT, "verdict": _VERDICT, "rejected": REJECTED}
        yield "interface.xml", [_INTERFACE.format(labels=rows, **names)]

    def read(self, path: PathLike) -> Iterator[Answer]:
        """Read an export; see `AnnotationTool`."""
        for where, task in read_json_array(path):
            data = task.get("data", task)
            if not isinstance(data, dict):
                raise InputError('its "data" is no JSON object.', where)
            text = require_text(data.get("text"), "text", where, None)
            ticket = parse_ticket(data.get("xner"))
            if "data" in task:
                answers = [_annotation(annotation, text, where) for annotation in _annotations(task, where)]
            else:
                answers = [_smaller(task, text, where)]
            nobody: _Answered = (UNTOUCHED, [], None)
            for status, spans, annotator in answers or [nobody]:
                yield Answer(where, None, ticket, text, spans, status, annotator)

    def owns(self, start: Any) -> bool:
        """RETURNS (bool): Whether a file begins as Label Studio's do."""
        if not isinstance(start, dict):
            return False
        is_full = isinstance(start.get("data"), dict) and bool({"annotations", "predictions"} & start.keys())
        return is_full or ("text" in start and bool({"annotation_id", "lead_time", "annotator"} & start.keys()))


def _task(proposal: Proposal) -> Json:
    result = []
    for number, span in enumerate(proposal.spans):
        value = {
            "start": span.start,
            "end": span.end,
            "text": proposal.text[span.start : span.end],
            "labels": [span.label],
        }
        region: Json = {
            "id": f"span-{number}",
            "from_name": _LABELS,
            "to_name": _TEXT,
            "type": "labels",
            "value": value,
        }
        if span.score is not None:
            region["score"] = span.score
        result.append(region)
    prediction: Json = {"model_version": "xner", "result": result}
    if proposal.score is not None:
        prediction["score"] = proposal.score
    data = {
        "text": proposal.text,
        "reading": proposal.reading,
        "not_projected": proposal.not_projected,
        "xner": str(proposal.ticket),
    }
    return {"data": data, "predictions": [prediction]}


def _annotations(task: Json, where: str) -> List[Json]:
    annotations = require_list(task.get("annotations"), "annotations", where, None)
    if "completions" in task and "annotations" not in task:
        raise InputError("is of a version before 1.0 (completions).", where, None, "Export it from a newer version.")
    for annotation in annotations:
        if not isinstance(annotation, dict):
            hint = "Export it as JSON, not from a list of tasks with the numbers of their annotations."
            raise InputError("has an annotation that is no JSON object.", where, None, hint)
    return annotations


def _annotation(annotation: Json, text: str, where: str) -> _Answered:
    """RETURNS (Tuple[str, List[CharSpan], Optional[str]]): The status, the spans and the annotator."""
    regions = require_list(annotation.get("result"), "result", where, None)
    spans = [span for region in regions for span in _region(region, text, where)]
    is_rejected = any(isinstance(region, dict) and region.get("from_name") == _VERDICT for region in regions)
    status = SKIPPED if annotation.get("was_cancelled") else REJECTED if is_rejected else CORRECTED
    return status, spans, _annotator(annotation.get("completed_by"))


def _smaller(task: Json, text: str, where: str) -> _Answered:
    """RETURNS (Tuple[str, List[CharSpan], Optional[str]]): The same of a task of JSON-MIN."""
    regions = require_list(task.get(_LABELS), _LABELS, where, None)
    spans = [span for region in regions for span in _region(region, text, where)]
    return REJECTED if task.get(_VERDICT) else CORRECTED, spans, _annotator(task.get("annotator"))


def _annotator(value: Any) -> Optional[str]:
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return None if value is None else str(value)


def _region(region: Any, text: str, where: str) -> Iterator[CharSpan]:
    """YIELDS (CharSpan): The spans of a region; a relation or a choice has none."""
    value = region.get("value", region) if isinstance(region, dict) else None
    if value is None and isinstance(region, dict):
        return
    if not isinstance(value, dict):
        raise InputError("has a region that is no JSON object.", where)
    for label in require_list(value.get("labels"), "labels", where, None):
        start, end, expected = value.get("start"), value.get("end"), value.get("text")
        if not (isinstance(start, int) and isinstance(end, int)):
            raise InputError(f"{ascii(value)[:100]} has no two offsets.", where)
        if isinstance(expected, str) and text[start:end] != expected:
            actual = text[start:end]
            start, end = _from_units(text, start, end)
            if text[start:end] != expected:
                raise InputError(f"the offsets of {expected!a} point to {actual!a}.", where)
        yield require_span(start, end, label, text, where, None)


def _from_units(text: str, start: int, end: int) -> Tuple[int, int]:
    """RETURNS (Tuple[int, int]): Offsets that count UTF-16 units, as offsets of characters."""
    units = text.encode("utf-16-le", "surrogatepass")

    def characters(offset: int) -> int:
        return len(units[: 2 * max(offset, 0)].decode("utf-16-le", "ignore"))

    return characters(start), characters(end)
