"""JSON of the annotation tools Prodigy, doccano and Label Studio: texts whose entities are character spans.

Prodigy       {"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}
doccano       {"text": "Ada left.", "label": [[0, 3, "PER"]]}           (or "labels", or "entities" with offsets)
Label Studio  [{"data": {"text": "Ada left."}, "annotations": [{"result": [...]}]}]   (JSON or JSON-MIN)
"""

from collections import Counter
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from ...errors import InputError
from ...text import trim_span
from ...types import Json, PathLike
from ..docs import set_aside_if_long
from ..files import read_lines
from ..reading import parse_json

JSONL = ("prodigy", "doccano", "labelstudio")
_DOCCANO_KEYS = ("label", "labels", "entities")
CharSpan = Tuple[int, int, str]
WIDENED = "spans widened to whole tokens"


class _Record(NamedTuple):
    """One text. `spans` is None if it is not annotated; `tokens` are (start, end), if the tool exported them."""

    line: Optional[int]
    text: str
    spans: Optional[List[CharSpan]]
    tokens: Optional[List[Tuple[int, int]]] = None
    meta: Any = None


def read_jsonl(path: PathLike, layout: Optional[str], nlp: Language, counts: Counter) -> Iterator[Doc]:
    """Read the export of an annotation tool.

    path (PathLike): The file. layout (Optional[str]): One of `JSONL`; None: Prodigy or doccano, by the keys of each
        record. A record with the keys of neither or both is refused.
    nlp (Language): Tokenises texts without tokens. counts (Counter): Counts what was left out and changed.
    YIELDS (Doc): A Doc for each text, its entities widened to whole tokens.
    RAISES: InputError with the line of a broken record.
    """
    records = _labelstudio(path, counts) if layout == "labelstudio" else _lines(path, layout, counts)
    for record in records:
        if set_aside_if_long(nlp, record.text, path, record.line, counts):
            continue
        if record.spans is None:
            counts["records left out: not annotated"] += 1
            continue
        doc = _doc(nlp, record, counts)
        doc.set_ents(place_spans(doc, record.spans, path, record.line, counts), default="outside")
        if record.meta is not None:
            doc.user_data["meta"] = record.meta
        yield doc


def place_spans(
    doc: Doc, char_spans: Sequence[CharSpan], path: PathLike, line: Optional[int], counts: Counter
) -> List[Span]:
    """Widen the spans of a text to whole tokens, and count what that changes.

    doc (Doc): The tokens. char_spans (Sequence[CharSpan]): Start and end characters and a label. path, line: Where they
        come from. counts (Counter): Counts spans that were widened, and those without a place.
    RETURNS (List[Span]): The entities, in order; of those that overlap the longest. RAISES: InputError for a span that is
        outside the text.
    """
    words = [token.text for token in doc]
    text = doc.text
    spans: List[Span] = []
    for start, end, label in char_spans:
        if not 0 <= start < end <= len(text):
            message = f"the span {start}-{end} is not inside its text of {len(text)} characters."
            raise InputError(message, path, line)
        # White space at the edges of a span is an annotation error, and not part of a token.
        marked = text[start:end]
        start += len(marked) - len(marked.lstrip())
        end -= len(marked) - len(marked.rstrip())
        trimmed = None
        if start < end:
            counts[WIDENED] += doc.char_span(start, end) is None
            span = doc.char_span(start, end, alignment_mode="expand")
            trimmed = trim_span(words, span.start, span.end) if span is not None else None
        if trimmed is None:
            counts["entities left out: no token that can be seen"] += 1
        else:
            spans.append(Span(doc, *trimmed, label=label))
    kept = filter_spans(spans)
    counts["entities left out: another one overlaps them"] += len(spans) - len(kept)
    return kept


def _doc(nlp: Language, record: _Record, counts: Counter) -> Doc:
    if record.tokens is None:
        return nlp.make_doc(record.text)
    tokens = words_at(record.text, record.tokens)
    if tokens is None:
        counts["records tokenised anew: their tokens don't cover the text"] += bool(record.text)
        return nlp.make_doc(record.text)
    words, spaces = tokens
    return Doc(nlp.vocab, words=words, spaces=spaces)


def words_at(text: str, offsets: Sequence[Tuple[int, int]]) -> Optional[Tuple[List[str], List[bool]]]:
    """RETURNS (Optional[Tuple[List[str], List[bool]]]): The tokens at character offsets of a text, and whether a space
    follows each; None if they do not cover the text.
    """
    words: List[str] = []
    spaces: List[bool] = []
    position = 0
    for start, end in offsets:
        gap = text[position:start] if position <= start < end <= len(text) else "?"
        if gap == " " and words:
            spaces[-1] = True
        elif gap:
            return None
        words.append(text[start:end])
        spaces.append(False)
        position = end
    if words and text[position:] == " ":
        spaces[-1] = True
        position += 1
    return (words, spaces) if words and position == len(text) else None


def _lines(path: PathLike, layout: Optional[str], counts: Counter) -> Iterator[_Record]:
    is_empty = True
    for number, line in read_lines(path, counts):
        if not line.strip():
            continue
        data = parse_json(line, path, number)
        if isinstance(data, list) and layout is None:
            raise InputError("is a JSON array.", path, number, "Name its layout: --from labelstudio.")
        if not isinstance(data, dict):
            raise InputError("is no JSON object.", path, number)
        is_empty = False
        record_layout = layout or _layout_of(data, path, number)
        text = data.get("text", data.get("data") if record_layout == "doccano" else None)
        if not isinstance(text, str):
            raise InputError('has no "text" that is a text.', path, number)
        if record_layout == "doccano":
            yield _doccano(data, text, path, number)
        elif data.get("answer", "accept") == "accept":
            yield _prodigy(data, text, path, number)
        else:
            counts["records left out: answered reject or ignore"] += 1
    if is_empty:
        raise InputError("is empty.", path)


def _layout_of(data: Json, path: PathLike, number: int) -> str:
    prodigy = isinstance(data.get("spans"), list)
    doccano = any(isinstance(data.get(key), list) for key in _DOCCANO_KEYS)
    if prodigy == doccano:
        message = 'has neither "spans" (Prodigy) nor "label" (doccano).'
        if prodigy:
            message = 'has both "spans" (Prodigy) and "label" (doccano).'
        raise InputError(message, path, number, "Name its layout: --from prodigy or --from doccano.")
    return "prodigy" if prodigy else "doccano"


def _prodigy(data: Json, text: str, path: PathLike, number: int) -> _Record:
    raw_spans, tokens = (_list(data.get(key), key, path, number) or [] for key in ("spans", "tokens"))
    spans = [_span(raw_span, ("start", "end", "label"), path, number) for raw_span in raw_spans]
    offsets = [_span(token, ("start", "end", None), path, number)[:2] for token in tokens]
    return _Record(number, text, spans, offsets or None, data.get("meta"))


def _doccano(data: Json, text: str, path: PathLike, number: int) -> _Record:
    lists = (_list(data.get(key), key, path, number) for key in _DOCCANO_KEYS)
    raw_spans = next((raw_spans for raw_spans in lists if raw_spans is not None), None)
    if raw_spans is None:
        return _Record(number, text, None)
    keys = ("start_offset", "end_offset", "label")
    spans = []
    for raw_span in raw_spans:
        if isinstance(raw_span, list) and len(raw_span) == len(keys):
            raw_span = dict(zip(keys, raw_span, strict=True))
        spans.append(_span(raw_span, keys, path, number))
    return _Record(number, text, spans)


def _labelstudio(path: PathLike, counts: Counter) -> Iterator[_Record]:
    data = parse_json("\n".join(line for _, line in read_lines(path, counts)), path)
    if not isinstance(data, list) or not data:
        raise InputError("is no list of tasks.", path, None, "Export it from Label Studio as JSON.")
    for number, task in enumerate(data, 1):
        location = f"{path} (task {number})"
        if not isinstance(task, dict):
            raise InputError("is no JSON object.", location)
        task_data = task.get("data", task)
        text = task_data.get("text") if isinstance(task_data, dict) else None
        if not isinstance(text, str):
            raise InputError('has no "text" that is a text.', location)
        results = _results(task, location, counts)
        spans = None
        if results is not None:
            spans = [span for result in results for span in _marked(result, text, location)]
        yield _Record(None, text, spans)


def _results(task: Json, location: str, counts: Counter) -> Optional[List[Any]]:
    if "annotations" not in task:  # JSON-MIN
        return _list(task.get("label", []), "label", location, None)
    annotations = [
        annotation
        for annotation in _list(task["annotations"], "annotations", location, None) or []
        if isinstance(annotation, dict) and not annotation.get("was_cancelled")
    ]
    if not annotations:
        return None
    counts["annotations left out: a text has several, and the first counts"] += len(annotations) - 1
    return _list(annotations[0].get("result", []), "result", location, None)


def _marked(result: Any, text: str, location: str) -> Iterator[CharSpan]:
    value = result.get("value", result) if isinstance(result, dict) else None
    if not isinstance(value, dict):
        raise InputError("a result is no JSON object.", location)
    if "labels" not in value:
        return  # a relation or a choice, not an entity
    for label in _list(value["labels"], "labels", location, None) or []:
        start, end, label = _span({**value, "label": label}, ("start", "end", "label"), location, None)
        expected = value.get("text")
        if isinstance(expected, str) and text[start:end] != expected:
            # Offsets of a browser count UTF-16 units: a character beyond the first 65,536 counts twice.
            actual = text[start:end]
            units = text.encode("utf-16-le")
            start = len(units[: 2 * start].decode("utf-16-le", "ignore"))
            end = len(units[: 2 * end].decode("utf-16-le", "ignore"))
            if text[start:end] != expected:
                raise InputError(f"the offsets of {expected!r} point to {actual!r}.", location)
        yield start, end, label


def _span(span: Any, keys: Sequence[Optional[str]], path: PathLike, number: Optional[int]) -> CharSpan:
    values: Dict[str, Any] = span if isinstance(span, dict) else {}
    start: Any = values.get(keys[0] or "")
    end: Any = values.get(keys[1] or "")
    label = values.get(keys[2]) if keys[2] else "-"
    is_valid = all(isinstance(n, int) and not isinstance(n, bool) for n in (start, end))
    if not (is_valid and isinstance(label, str) and label.strip()):
        raise InputError(f"{str(span)[:80]!a} is no span (two character offsets and a label).", path, number)
    return start, end, label.strip()


def _list(value: Any, key: str, path: PathLike, number: Optional[int]) -> Optional[List[Any]]:
    if value is not None and not isinstance(value, list):
        raise InputError(f"its {key!r} is no list.", path, number)
    return value
