"""What is shown of a sentence: plain data, from a Doc or from a row of the JSON that `xner project` writes."""

from dataclasses import dataclass, field
from typing import Any, List, NamedTuple, Optional, Sequence, Sized, Tuple

from spacy.tokens import Doc
from spacy.util import filter_spans
from typing_extensions import TypedDict

from ...corpora.docs import guess_spaces
from ...docdata import FAULT_KEY, SPANS_KEY, annotation_fault, span_scores, unplaced_names, why_not_linked
from ...errors import InputError
from ...evaluation.entities import Pairing
from ...types import Entity, Json, Reason

# What became of an entity of the reading, in words.
REASONS = {
    Reason.NO_LINKS: "none of its words is linked to a word of the text",
    Reason.NO_CANDIDATE: "no span of the text scores above the minimum",
    Reason.TOO_SHORT: "every range of linked words failed the limit on lengths",
    Reason.OVERLAP: "every span that it could have overlaps one that was preferred",
    Reason.LOW_SCORE: "its span scores below the limit on scores",
    Reason.UNMAPPED_LABEL: "the label map drops its label",
    Reason.UNKNOWN_LABEL: "the label map does not know its label, or it was not asked for",
    Reason.NO_TRANSLATION: "the sentence has no translation",
    Reason.INCOMPLETE: "the sentence was incomplete, so it was left out alone or with the sentence",
    Reason.BLANK: "it holds only white space",
    Reason.TOO_LONG: "the sentence is too long for the projector",
    Reason.NESTED: "it lies inside another name",
    Reason.TOKEN_EDGES: "it begins or ends inside a token",
}


class ShownSpan(NamedTuple):
    """An entity on the tokens of the text, its score and the tokens of the reading that it comes from, if known."""

    start: int
    end: int
    label: str
    score: Optional[float] = None
    source: Optional[Tuple[int, int]] = None

    @property
    def entity(self) -> Entity:
        """RETURNS (Entity): The same, without score and source."""
        return Entity(self.start, self.end, self.label)


class ShownLoss(NamedTuple):
    """An entity on the tokens of the reading that has no span on the text, and the code of the reason."""

    start: int
    end: int
    label: str
    reason: str


@dataclass
class ShownSentence:
    """A sentence of one run, with all that is drawn of it.

    words, spaces (Sequence): Its tokens, and whether a space follows each. spans (List[ShownSpan]): Its entities,
        sorted, none overlapping. source_words, source_spaces (Sequence): The reading; None where there is none.
    links (Sequence[Tuple[int, int, float]]): Source token, target token and score. lost (List[ShownLoss]): Entities of
        the reading without a span. read (List[ShownSpan]): Entities of the reading that are neither. notes (List[str]):
        What else a reader should know. errors (List[Pairing]): The spans against gold, once that is known.
    """

    words: Sequence[str]
    spaces: Sequence[bool]
    spans: List[ShownSpan] = field(default_factory=list)
    source_words: Optional[Sequence[str]] = None
    source_spaces: Sequence[bool] = ()
    links: Sequence[Tuple[int, int, float]] = ()
    lost: List[ShownLoss] = field(default_factory=list)
    read: List[ShownSpan] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    errors: List[Pairing] = field(default_factory=list)

    @property
    def text(self) -> str:
        """RETURNS (str): The text."""
        return spaced(self.words, self.spaces)

    @property
    def source_text(self) -> str:
        """RETURNS (str): The reading; empty where there is none."""
        return spaced(self.source_words or (), self.source_spaces)

    @property
    def lowest_score(self) -> Optional[float]:
        """RETURNS (Optional[float]): The score of the most doubtful span; None where no span has a score."""
        return min((span.score for span in self.spans if span.score is not None), default=None)


def spaced(words: Sequence[str], spaces: Sequence[bool]) -> str:
    """RETURNS (str): The text of some tokens."""
    return "".join(word + " " * space for word, space in zip(words, spaces, strict=True)).strip(" ")


def of_doc(doc: Doc) -> ShownSentence:
    """RETURNS (ShownSentence): What is shown of a Doc. RAISES: XnerError, ValueError for data that can't belong to it."""
    sentence = ShownSentence([token.text for token in doc], [bool(token.whitespace_) for token in doc])
    _set_spans(sentence, doc)
    if FAULT_KEY in doc.user_data:
        sentence.notes.append(f"Not labelled: {doc.user_data[FAULT_KEY]}.")
    if fault := annotation_fault(doc):
        sentence.notes.append(f"The reading could not be labelled: {fault}.")
    sentence.notes += [f"Not placed: “{span.text}” ({reason})." for span, reason in unplaced_names(doc)]
    source: Optional[Doc] = doc._.xner_source
    if source is None:
        return sentence
    sentence.source_words = [token.text for token in source]
    sentence.source_spaces = [bool(token.whitespace_) for token in source]
    if fault := why_not_linked(doc):
        sentence.notes.append(f"Its links are not drawn: {fault}.")
    elif doc._.xner_alignment is not None:
        alignment = doc._.xner_alignment
        pairs = zip(alignment.links.tolist(), alignment.scores.tolist(), strict=True)
        sentence.links = [(i, j, s) for (i, j), s in pairs]
    accounted_for = {span.source for span in sentence.spans} | {loss[:2] for loss in sentence.lost}
    entities = [ShownSpan(ent.start, ent.end, ent.label_) for ent in source.ents]
    sentence.read = [entity for entity in entities if entity[:2] not in accounted_for]
    return sentence


def _set_spans(sentence: ShownSentence, doc: Doc) -> None:
    """Set the spans of a sentence, and what was lost, by the group of spans, or by the entities where it has none."""
    group = doc.spans.get(SPANS_KEY)
    if group is None:
        sentence.spans = [ShownSpan(ent.start, ent.end, ent.label_) for ent in doc.ents]
        return
    source: Optional[Doc] = doc._.xner_source
    sources = group.attrs.get("sources") or [None] * len(group)
    scores = span_scores(doc) if "scores" in group.attrs else [None] * len(group)
    kept = {(span.start, span.end) for span in filter_spans(group)}
    for span, score, place in zip(group, scores, sources, strict=True):
        if (span.start, span.end) not in kept:
            sentence.notes.append(f"Not drawn, because it overlaps another span: {span.label_} “{span.text}”.")
            continue
        kept.remove((span.start, span.end))
        where = _checked(place, source) if place is not None else None
        sentence.spans.append(ShownSpan(span.start, span.end, span.label_, score, where))
    sentence.spans.sort(key=lambda span: span[:2])
    for entry in group.attrs.get("unprojected", ()):
        start, end = _checked((entry["start"], entry["end"]), source)
        sentence.lost.append(ShownLoss(start, end, str(entry["label"]), str(entry["reason"])))


def _checked(place: Any, source: Optional[Sized]) -> Tuple[int, int]:
    """RETURNS (Tuple[int, int]): A place in the reading. RAISES: ValueError if the reading has no such place."""
    start, end = place
    if source is None or not 0 <= start < end <= len(source):
        raise ValueError(f"the reading has no tokens from {start} to {end}")
    return start, end


class ProjectedRow(TypedDict):
    """What is read of a sentence in the JSON of `xner project`."""

    target: List[str]
    source: List[str]
    links: List[Tuple[int, int, float]]
    spans: List[Json]
    unprojected: List[Json]


def of_row(row: ProjectedRow) -> ShownSentence:
    """RETURNS (ShownSentence): What is shown of a row. RAISES: ValueError, KeyError for a row that makes no sense."""
    words, source_words = row["target"], row["source"]
    for source, target, _ in row["links"]:
        if not (0 <= source < len(source_words) and 0 <= target < len(words)):
            raise ValueError(f"link {source}-{target} is outside the sentence pair")
    spans = []
    end = 0
    for entry in sorted(row["spans"], key=lambda entry: entry["start"]):
        if not end <= entry["start"] < entry["end"] <= len(words):
            raise ValueError(f"a span from {entry['start']} to {entry['end']} does not fit")
        end = entry["end"]
        place = _checked(entry["source"], source_words)
        spans.append(ShownSpan(entry["start"], end, str(entry["label"]), float(entry["score"]), place))
    lost = [
        ShownLoss(*_checked((entry["start"], entry["end"]), source_words), str(entry["label"]), str(entry["reason"]))
        for entry in row["unprojected"]
    ]
    return ShownSentence(
        words, guess_spaces(words), spans, source_words, guess_spaces(source_words), row["links"], lost
    )


def require_rows(data: Any, path: Any) -> List[ProjectedRow]:
    """RETURNS (List[ProjectedRow]): The rows in the JSON of `xner project`. RAISES: InputError for other JSON, and for
    that of versions that wrote no words.
    """
    rows = data.get("sentences") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "spans" in row for row in rows):
        hint = "Give the file that `xner project --json` wrote, a .spacy file, or a folder of `xner annotate`."
        raise InputError("holds no projected sentences.", path, None, hint)
    if any("target" not in row for row in rows):
        message = "holds spans without the words of their sentences, as earlier versions wrote it."
        raise InputError(message, path, None, "Make it anew with `xner project --json`.")
    return rows
