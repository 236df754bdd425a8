"""Calibration: how much confidences differ from accuracy."""

from pathlib import Path
from typing import Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..corpora.docs import read_docs
from ..corpora.labelled import read_tagged
from ..docdata import SPANS_KEY, span_scores
from ..errors import InputError
from ..languages import blank_vocab
from ..types import Json, PathLike
from .sides import common_positions

# What a user should know of spaCy's own component.
NO_SCORES = (
    "spaCy's `ner` gives its entities no scores. A student of `xner init-config student --labels soft` gives one for "
    "each entity (docs/students.md)."
)


class Bin(NamedTuple):
    """One column of a reliability diagram."""

    low: float
    high: float
    number: int  # number of spans in the bin
    confidence: float  # mean confidence of the spans
    accuracy: float  # share of correct spans


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> List[Bin]:
    """RETURNS (List[Bin]): Bins of equal width over [0, 1]; a bin without spans has confidence and accuracy 0."""
    values, hits = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    bin_index = np.minimum((values * bins).astype(int), bins - 1)
    size = np.bincount(bin_index, minlength=bins)
    confidence, accuracy = (np.bincount(bin_index, x, minlength=bins) / np.maximum(size, 1) for x in (values, hits))
    return [Bin(k / bins, (k + 1) / bins, int(size[k]), float(confidence[k]), float(accuracy[k])) for k in range(bins)]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Guo et al. 2017, equation 3). RETURNS (float): The mean
    distance between confidence and accuracy, weighted by the size of the bins; 0 if there are no spans.
    """
    distances = [b.number * abs(b.confidence - b.accuracy) for b in reliability(confidences, right, bins)]
    return sum(distances) / max(1, len(confidences))


def scores_against(gold: PathLike, predicted: PathLike) -> Json:
    """How well the scores of predicted entities tell right from wrong ones.

    gold, predicted (PathLike): A labelled corpus, and a .spacy file or folder of shards with the same sentences.
    RETURNS (Json): `entities` that have a score, their `mean_score`, the share that is `right`, and the
        `calibration_error` over ten bins. RAISES: XnerError if entities were predicted, and none has a score.
    """
    values, correct, has_entities = judged_scores(gold, predicted)
    if has_entities and not values:
        raise InputError("its entities have no scores.", predicted, hint=NO_SCORES)
    n = max(1, len(values))
    error = expected_calibration_error(values, correct)
    shares = {"mean_score": sum(values) / n, "right": sum(correct) / n, "calibration_error": error}
    return {"entities": len(values), **{name: round(share, 5) for name, share in shares.items()}}


def judged_scores(gold: PathLike, predicted: PathLike) -> Tuple[List[float], List[bool], bool]:
    """RETURNS (Tuple[List[float], List[bool], bool]): The scores of predicted entities, whether each is right, and whether
    anything was predicted at all. gold, predicted: See `scores_against`.
    """
    if not Path(predicted).is_dir() and Path(predicted).suffix != ".spacy":
        hint = "Give the .spacy file or the folder of shards of `xner annotate`."
        raise InputError("is no file that holds scores of entities.", predicted, hint=hint)
    values: List[float] = []
    correct: List[bool] = []
    has_entities = False
    docs = read_docs(predicted, blank_vocab("xx"))
    for sentence, doc in zip(read_tagged(gold), docs, strict=True):
        has_entities = has_entities or bool(doc.ents)
        group = doc.spans.get(SPANS_KEY)
        if group is None or group.attrs.get("scores") is None:
            continue
        gold_place, place = common_positions([sentence.words, [token.text for token in doc]])
        gold_spans = {(gold_place[e.start], gold_place[e.end - 1], e.label) for e in sentence.entities}
        values += span_scores(doc)
        correct += [(place[span.start], place[span.end - 1], span.label_) in gold_spans for span in group]
    return values, correct, has_entities


def scored_spans(predicted: Iterable[Doc], gold: Iterable[Doc]) -> Tuple[List[float], List[bool]]:
    """RETURNS (Tuple[List[float], List[bool]]): The scores of all predicted spans of Docs, and whether each is a gold
    entity.
    """
    scores: List[float] = []
    correct: List[bool] = []
    for doc, reference in zip(predicted, gold, strict=True):
        gold_spans = {(e.start, e.end, e.label_) for e in reference.ents}
        scores += span_scores(doc)
        correct += [(span.start, span.end, span.label_) in gold_spans for span in doc.spans.get(SPANS_KEY, ())]
    return scores, correct
