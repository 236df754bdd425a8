"""What an annotator is shown of a sentence: its text, the entities that a pipeline proposes, their scores, and the
reading in the source language.
"""

from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Tuple

from spacy.tokens import Doc

from ..docdata import SPANS_KEY, source_text, span_scores
from ..types import Json
from .tickets import Ticket, make_ticket


class ProposedSpan(NamedTuple):
    """A proposed entity: its characters, its tokens (the ends are exclusive), and how sure the pipeline is, if known."""

    start: int
    end: int
    first: int
    last: int
    label: str
    score: Optional[float]


@dataclass(frozen=True)
class Proposal:
    """A sentence to be corrected.

    ticket (Ticket): Which sentence it is. text (str): The sentence. words (List[str]): Its tokens.
    spaces (List[bool]): Whether a space follows each token. spans (List[ProposedSpan]): In order, without overlap.
    reading (str): The sentence in the source language; empty without one.
    not_projected (str): The names of the reading without a place in the sentence, with the reasons; may be empty.
    """

    ticket: Ticket
    text: str
    words: List[str]
    spaces: List[bool]
    spans: List[ProposedSpan]
    reading: str
    not_projected: str

    @property
    def score(self) -> Optional[float]:
        """RETURNS (Optional[float]): How sure the pipeline is of its least sure entity, if that is known."""
        return min((span.score for span in self.spans if span.score is not None), default=None)

    def context(self) -> Json:
        """RETURNS (Json): What helps to judge the sentence, by name; only what there is."""
        facts = {"reading": self.reading, "not projected": self.not_projected}
        return {name: value for name, value in facts.items() if value}


def scored_entities(doc: Doc) -> List[Tuple[int, int, str, Optional[float]]]:
    """RETURNS (List[Tuple[int, int, str, Optional[float]]]): The entities of a Doc on tokens, with their labels, and the
    score that the projector or the student gave, if there is one.
    """
    scores: Dict[Tuple[int, int, str], float] = {}
    if SPANS_KEY in doc.spans and doc.spans[SPANS_KEY].attrs.get("scores") is not None:
        spans = doc.spans[SPANS_KEY]
        for span, score in zip(spans, span_scores(doc), strict=True):
            scores[span.start, span.end, span.label_] = score
    return [(ent.start, ent.end, ent.label_, scores.get((ent.start, ent.end, ent.label_))) for ent in doc.ents]


def unprojected_names(doc: Doc) -> List[Tuple[str, str, str]]:
    """RETURNS (List[Tuple[str, str, str]]): The names of the reading without a place in the sentence: the text, the label
    and the reason.
    """
    entries = doc.spans[SPANS_KEY].attrs.get("unprojected", ()) if SPANS_KEY in doc.spans else ()
    # The source is only unpacked for a name.
    source = doc._.xner_source if entries else None
    if source is None:
        return []
    return [(source[entry["start"] : entry["end"]].text, entry["label"], entry["reason"]) for entry in entries]


def propose(doc: Doc, run: str, number: int, of: int) -> Proposal:
    """RETURNS (Proposal): What an annotator is shown of a Doc. run, number, of: See `Ticket`."""
    text = doc.text
    spans = []
    for first, last, label, score in scored_entities(doc):
        start, end = doc[first].idx, doc[last - 1].idx + len(doc[last - 1])
        spans.append(ProposedSpan(start, end, first, last, label, None if score is None else round(score, 4)))
    names = "; ".join(f"{name} ({label}): {reason}" for name, label, reason in unprojected_names(doc))
    return Proposal(
        make_ticket(doc, text, run, number, of),
        text,
        [token.text for token in doc],
        [bool(token.whitespace_) for token in doc],
        spans,
        (source_text(doc) or "").strip(),
        names,
    )
